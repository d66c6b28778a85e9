package camera

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"pantau/onvif"
	"pantau/onvif/onviftest"
	"pantau/sidecar"
)

const endpoint = "urn:uuid:4d454930-0000-1000-8000-6c5ab5d3a8f1"

// gone is a camera whose address nobody answers at; its port is the device's.
func gone(d *onviftest.Device) sidecar.Camera {
	c := of(d)
	c.Source.ONVIF = withHost(d.Address(), "127.0.0.99")
	c.Source.Endpoint, c.Source.Follow = endpoint, []string{"10.0.0.0/8", "127.0.0.0/29"}
	return c
}

// hearing are devices whose searches find what is given.
func hearing(searches *int, found ...onvif.Device) *Devices {
	devices := New(Options{Need: anything, Log: slog.New(slog.DiscardHandler)})
	devices.finder.look = func(_ context.Context, tell func(onvif.Change)) error {
		*searches++
		for _, d := range found {
			tell(onvif.Change{Device: d})
		}
		return nil
	}
	return devices
}

// TestACameraIsFoundAgainWhereItMayBeFollowed: its stream, its key frames and its events
// are asked for there.
func TestACameraIsFoundAgainWhereItMayBeFollowed(t *testing.T) {
	d := fake(t, onviftest.Options{})
	c, searches := gone(d), 0
	devices := hearing(&searches, onvif.Device{Endpoint: "urn:uuid:another", Addresses: []string{"http://127.0.0.3/x"}},
		onvif.Device{Endpoint: endpoint, Addresses: []string{"http://127.0.0.1:1/elsewhere", "http://127.0.0.99/x"}})
	devices.Camera(c)
	for range 2 {
		s, err := devices.Resolve(t.Context(), c)
		if err != nil || !strings.HasPrefix(s.RTSP, "rtsp://127.0.0.1:") || s.Password.Reveal() != password || s.Endpoint != endpoint {
			t.Fatalf("got %+v, %v", s, err)
		}
	}
	if at := devices.source(c).ONVIF; searches != 1 || at != d.Address() {
		t.Errorf("searched %d times, events come from %s", searches, at)
	}
	devices.refresh(t.Context(), c.ID)
	if d.Calls("SetSynchronizationPoint") != 1 {
		t.Error("no key frame was asked for")
	}
}

// TestNobodyIsSentTheDigestForSayingWhoTheyAre outside of what an administrator allows.
func TestNobodyIsSentTheDigestForSayingWhoTheyAre(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*sidecar.Source)
		hosts  []string
		want   string
	}{
		"nothing is allowed":      {func(s *sidecar.Source) { s.Follow = nil }, []string{"127.0.0.1"}, "127.0.0.1 says that it is this camera: if that is so"},
		"outside of what is":      {func(s *sidecar.Source) { s.Follow = []string{"127.0.0.8/29"} }, []string{"127.0.0.1"}, "127.0.0.1 says"},
		"a name":                  {func(*sidecar.Source) {}, []string{"localhost"}, "localhost says"},
		"two say it":              {func(*sidecar.Source) {}, []string{"127.0.0.1", "127.0.0.2"}, "127.0.0.1 and 127.0.0.2 each say"},
		"no endpoint is known":    {func(s *sidecar.Source) { s.Endpoint, s.Follow = "", nil }, []string{"127.0.0.1"}, "refused"},
		"another endpoint":        {func(s *sidecar.Source) { s.Endpoint = "urn:uuid:x" }, []string{"127.0.0.1"}, "refused"},
		"nobody says it":          {func(*sidecar.Source) {}, nil, "refused"},
		"its old address says it": {func(*sidecar.Source) {}, []string{"127.0.0.99"}, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			d := fake(t, onviftest.Options{})
			c, searches := gone(d), 0
			tt.change(&c.Source)
			var addresses []string
			for _, h := range tt.hosts {
				addresses = append(addresses, "http://"+h+"/onvif/device_service")
			}
			devices := hearing(&searches, onvif.Device{Endpoint: endpoint, Addresses: addresses})
			devices.Camera(c)
			if s, err := devices.Resolve(t.Context(), c); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %+v, %v", s, err)
			}
			if n := d.Calls("GetSystemDateAndTime"); n != 0 {
				t.Errorf("it was called %d times", n)
			}
		})
	}
}

// TestACameraThatRefusesThePasswordIsNotLookedFor elsewhere.
func TestACameraThatRefusesThePasswordIsNotLookedFor(t *testing.T) {
	d := fake(t, onviftest.Options{})
	c, searches := gone(d), 0
	c.Source.ONVIF, c.Source.Password = d.Address(), sidecar.NewSecret("wrong-one")
	devices := hearing(&searches)
	devices.Camera(c)
	if _, err := devices.Resolve(t.Context(), c); !errors.Is(err, sidecar.ErrUnauthorized) || searches != 0 {
		t.Errorf("got %v after %d searches", err, searches)
	}
}

func TestHostsAreExchanged(t *testing.T) {
	for _, c := range [][3]string{
		{"10.0.0.1", "10.0.0.9", "10.0.0.9"},
		{"gate.local:8080", "10.0.0.9", "10.0.0.9:8080"},
		{"https://10.0.0.1:8443/onvif/x", "10.0.0.9", "https://10.0.0.9:8443/onvif/x"},
		{"http://10.0.0.1/x", "fd00::9", "http://[fd00::9]/x"},
		{"fd00::1", "fd00::9", "fd00::9"},
		{"[fd00::1]:8080", "fd00::9", "[fd00::9]:8080"},
	} {
		if got := withHost(c[0], c[1]); got != c[2] {
			t.Errorf("%s at %s: got %s, want %s", c[0], c[1], got, c[2])
		}
	}
}
