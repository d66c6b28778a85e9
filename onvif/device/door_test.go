package device

import (
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"
)

// TestOneHostDoesNotShutOutTheOthers with requests that it never ends.
func TestOneHostDoesNotShutOutTheOthers(t *testing.T) {
	s := start(t, Options{}, street())
	from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	var all []net.Conn
	for range maxConns {
		conn, err := from.DialContext(t.Context(), "tcp", s.Addr(""))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = conn.Write([]byte("POST /onvif/device_service HTTP/1.1\r\n")) // it may be closed already
		all = append(all, conn)
	}
	c := client(t)
	c.Timeout = helloIn / 2
	if res, text := post(t, c, "http://"+s.Addr("")+"/onvif/device_service", message("", body(deviceSpace, "GetSystemDateAndTime", ""))); res.StatusCode != http.StatusOK {
		t.Errorf("got %s %s", res.Status, text)
	}
	d := s.units[""].door
	d.mu.Lock()
	got := d.hosts[netip.MustParsePrefix("127.0.0.2/32")]
	d.mu.Unlock()
	if got != maxPerHost {
		t.Errorf("one host has %d connections", got)
	}
	c.CloseIdleConnections()
	for _, conn := range all {
		conn.Close()
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		d.mu.Lock()
		left := len(d.hosts)
		d.mu.Unlock()
		if left == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d hosts are still counted", left)
		}
	}
}

func TestHostsOfAddresses(t *testing.T) {
	for address, want := range map[string]string{"192.0.2.7:1": "192.0.2.7/32", "[::ffff:192.0.2.7]:1": "192.0.2.7/32",
		"[2001:db8::1]:1": "2001:db8::/64", "[2001:db8::ffff:2]:9": "2001:db8::/64", "[fe80::1%eth0]:1": "fe80::1/128"} {
		if got := hostAt(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address))); got.String() != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}
