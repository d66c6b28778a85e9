package onvif_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"pantau/onvif"
	"pantau/onvif/onviftest"
)

// search looks at loopback alone.
func search(tb testing.TB, s onvif.Search) []onvif.Device {
	tb.Helper()
	s.Interfaces = []string{}
	if s.For == 0 {
		s.For = time.Millisecond
	}
	found := map[string]onvif.Device{}
	err := onvif.Discover(tb.Context(), s, func(c onvif.Change) {
		key := c.Device.Endpoint
		if key == "" {
			key = fmt.Sprint(c.Device.Addresses, c.Device.RTSP)
		}
		found[key] = c.Device
	})
	if err != nil {
		tb.Fatal(err)
	}
	var all []onvif.Device
	for _, d := range found {
		all = append(all, d)
	}
	return all
}

// TestProbesFindDevicesWithQuirks asks each address of a range of loopback.
func TestProbesFindDevicesWithQuirks(t *testing.T) {
	const uuid = "4d454930-0000-1000-8000-0123456789ab"
	for i, c := range []struct {
		name     string
		quirks   onviftest.Quirks
		endpoint string
		want     int
	}{
		{"none", onviftest.Quirks{}, "urn:uuid:" + uuid, 1},
		{"12 several addresses", onviftest.Quirks{SeveralXAddrs: true}, "urn:uuid:" + uuid, 1},
		{"30 twice", onviftest.Quirks{Twice: true}, "urn:uuid:" + uuid, 1},
		{"31 another form", onviftest.Quirks{}, "\n  uuid:" + uuid + "\n", 1},
		{"31 no endpoint", onviftest.Quirks{NoEndpoint: true}, "", 1},
		{"8 undeclared prefixes", onviftest.Quirks{Undeclared: true}, "urn:uuid:" + uuid, 1},
		{"32 only NVT", onviftest.Quirks{Only: "NetworkVideoTransmitter"}, "urn:uuid:" + uuid, 1},
		{"32 only Device", onviftest.Quirks{Only: "Device"}, "urn:uuid:" + uuid, 1},
		{"32 from another port", onviftest.Quirks{OtherPort: true}, "urn:uuid:" + uuid, 1},
		{"33 lost probes", onviftest.Quirks{Deaf: 3}, "urn:uuid:" + uuid, 1},
		{"34 no addresses", onviftest.Quirks{NoXAddrs: true}, "urn:uuid:" + uuid, 1},
		{"34 a computer", onviftest.Quirks{NotCamera: true, Twice: true}, "urn:uuid:" + uuid, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ip := fmt.Sprintf("127.7.0.%d", i+1)
			start(t, onviftest.Options{HTTP: ip + ":0", RTSP: ip + ":0", Probes: ip + ":3702", Endpoint: c.endpoint, Model: "FC 1", Quirks: c.quirks})
			got := search(t, onvif.Search{Ranges: []netip.Prefix{netip.PrefixFrom(netip.MustParseAddr(ip), 32)}})
			if len(got) != c.want {
				t.Fatalf("got %+v, want %d", got, c.want)
			}
			if c.want == 0 {
				return
			}
			if !c.quirks.NoEndpoint && got[0].Endpoint != "urn:uuid:"+uuid {
				t.Errorf("got endpoint %q", got[0].Endpoint)
			}
			if !c.quirks.Undeclared && (got[0].Name != "FC 1" || got[0].Hardware != "FC-1") {
				t.Errorf("got %+v", got[0])
			}
			if c.quirks.NoXAddrs {
				return // its port is not the usual one
			}
			client, err := got[0].Dial(t.Context(), onvif.Options{})
			if err != nil {
				t.Fatalf("got %v of %v", err, got[0].Addresses)
			}
			client.Close()
		})
	}
}

// TestHostsByHand covers quirk 35.
func TestHostsByHand(t *testing.T) {
	d := camera(t, onviftest.Quirks{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().String()
	listener.Close()
	got := search(t, onvif.Search{Hosts: []string{d.Address(), d.RTSPAddress(), closed, d.Address()}})
	var onvifs, rtsps int
	for _, f := range got {
		if len(f.Addresses) == 1 && f.Addresses[0] == "http://"+d.Address()+"/onvif/device_service" {
			onvifs++
		}
		if f.RTSP == d.RTSPAddress() && f.Name == "fake camera" {
			rtsps++
		}
	}
	if onvifs != 1 || rtsps != 1 || len(got) != 2 {
		t.Errorf("got %+v, want the device and the RTSP server", got)
	}
}

func TestARangeThatIsTooLargeIsRefused(t *testing.T) {
	for _, s := range []onvif.Search{{Ranges: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, {Ranges: []netip.Prefix{netip.MustParsePrefix("fd00::/64")}}, {Hosts: []string{"ftp://x"}}} {
		var told *onvif.Error
		if err := onvif.Discover(t.Context(), s, func(onvif.Change) {}); !errors.As(err, &told) || told.Remedy == "" {
			t.Errorf("got %v, want a refusal with a remedy", err)
		}
	}
}

// TestAThousandDevices finds and asks 1,000 devices on loopback, in bounded memory.
func TestAThousandDevices(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	const count = 1000
	all := netip.MustParsePrefix("127.8.0.0/22")
	a := all.Addr()
	for range count {
		a = a.Next()
		start(t, onviftest.Options{HTTP: a.String() + ":0", RTSP: a.String() + ":0", Probes: a.String() + ":3702",
			Endpoint: "urn:uuid:4d454930-0000-1000-8000-" + fmt.Sprintf("%012x", a.As4()), User: "admin", Password: password, Model: "FC-1", Serial: a.String()})
	}
	askAll(t, count, onvif.Search{Ranges: []netip.Prefix{all}, Rate: 200})
}

// TestTenThousandDevices finds and asks 10,000 addresses that are named in a list, at all
// of which one device answers as if it were theirs. It takes minutes: PANTAU_MANY_DEVICES=1.
func TestTenThousandDevices(t *testing.T) {
	if os.Getenv("PANTAU_MANY_DEVICES") == "" {
		t.Skip("takes minutes; set PANTAU_MANY_DEVICES=1")
	}
	const count, within = 10_000, 10 * time.Minute
	d := start(t, onviftest.Options{HTTP: "0.0.0.0:0", RTSP: "0.0.0.0:0", User: "admin", Password: password, Model: "FC-1"})
	_, port, err := net.SplitHostPort(d.Address())
	if err != nil {
		t.Fatal(err)
	}
	var s onvif.Search
	a := netip.MustParseAddr("127.32.0.0")
	for range count {
		a = a.Next()
		s.Hosts = append(s.Hosts, net.JoinHostPort(a.String(), port))
	}
	if took := askAll(t, count, s); took > within {
		t.Errorf("took %v, want less than %v", took, within)
	}
}

// askAll finds so many devices on loopback, asks each of them, and looks at the memory.
func askAll(t *testing.T, count int, s onvif.Search) time.Duration {
	t.Helper()
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began := time.Now()
	var (
		inspecting sync.WaitGroup
		turns      = make(chan struct{}, 32)
		mu         sync.Mutex
		working    int
		peak       uint64
	)
	inspect := func(d onvif.Device) {
		turns <- struct{}{}
		defer func() { <-turns }()
		c, err := d.Dial(t.Context(), onvif.Options{Credentials: credentials})
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		r := c.Inspect(t.Context(), onvif.Need{})
		mu.Lock()
		defer mu.Unlock()
		if len(r.Sources) == 1 && r.Sources[0].Works {
			working++
		}
		if working%100 == 0 {
			runtime.ReadMemStats(&during)
			peak = max(peak, during.HeapAlloc)
		}
	}
	found := map[string]bool{}
	s.Interfaces, s.For = []string{}, time.Millisecond
	err := onvif.Discover(t.Context(), s, func(c onvif.Change) {
		if key := fmt.Sprint(c.Device.Endpoint, c.Device.Addresses); !found[key] {
			found[key] = true
			inspecting.Go(func() { inspect(c.Device) })
		}
	})
	inspecting.Wait()
	took := time.Since(began)
	if err != nil || len(found) != count || working != count {
		t.Errorf("found %d, working %d of %d: %v", len(found), working, count, err)
	}
	grown := max(peak, before.HeapAlloc) - before.HeapAlloc
	t.Logf("%d devices found and asked in %v; heap grew by %d MiB at most", count, took.Round(time.Millisecond), grown>>20)
	if grown > 256<<20 {
		t.Errorf("heap grew by %d MiB, want less than 256", grown>>20)
	}
	return took
}

// TestDiscoverEndsWithItsContext leaves no goroutine behind (TestMain).
func TestDiscoverEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := onvif.Discover(ctx, onvif.Search{Hosts: []string{"127.0.0.1:1"}, Ranges: []netip.Prefix{netip.MustParsePrefix("127.9.0.0/24")}}, func(onvif.Change) {}); err != nil {
		t.Errorf("got %v", err)
	}
}
