package onvif

import (
	"net/netip"
	"strings"
	"testing"
)

// answer is a ProbeMatches with one device.
func answer(reference, types, scopes, addresses string) string {
	return `<?xml version="1.0"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"` +
		` xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl" xmlns:t="http://www.onvif.org/ver10/device/wsdl"` +
		` xmlns:wsdp="http://schemas.xmlsoap.org/ws/2006/02/devprof"><e:Body><d:ProbeMatches><d:ProbeMatch><w:EndpointReference><w:Address>` + reference +
		`</w:Address></w:EndpointReference><d:Types>` + types + `</d:Types><d:Scopes>` + scopes + `</d:Scopes><d:XAddrs>` + addresses +
		`</d:XAddrs></d:ProbeMatch></d:ProbeMatches></e:Body></e:Envelope>`
}

const uuid = "4d454930-0000-1000-8000-0123456789ab"

func TestEndpointsHaveOneForm(t *testing.T) {
	for text, want := range map[string]string{
		"urn:uuid:" + uuid: "urn:uuid:" + uuid, "uuid:" + uuid: "urn:uuid:" + uuid, "\n\t" + uuid + " ": "urn:uuid:" + uuid,
		"{" + strings.ToUpper(uuid) + "}": "urn:uuid:" + uuid, "URN:UUID:" + strings.ToUpper(uuid): "urn:uuid:" + uuid,
		"http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous": "", "": "", "soap://camera-7": "soap://camera-7",
	} {
		if got := endpoint(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestWhatIsACamera(t *testing.T) {
	for name, c := range map[string]struct {
		types, scopes string
		want          bool
	}{
		"both types":        {"dn:NetworkVideoTransmitter t:Device", "", true},
		"device only":       {"t:Device", "", true},
		"undeclared prefix": {"tds:Device", "", true},
		"no prefix":         {"NetworkVideoTransmitter", "", true},
		"scopes only":       {"", "onvif://www.onvif.org/Profile/Streaming", true},
		"computer":          {"wsdp:Device pub:Computer", "", false},
		"printer":           {"wsdp:Device wprt:PrintDeviceType", "", false},
		"nothing":           {"", "", false},
	} {
		got, err := readMatches([]byte(answer(uuid, c.types, c.scopes, "")))
		if err != nil || len(got) != 1 || got[0].camera != c.want {
			t.Errorf("%s: got %+v, %v, want %v", name, got, err, c.want)
		}
	}
}

func TestAnAnswerDoesNotDecideWhomToCall(t *testing.T) {
	near := func(a netip.Addr) bool { return netip.MustParsePrefix("10.0.0.0/24").Contains(a) }
	for addresses, want := range map[string]string{
		"http://10.0.0.5/onvif/device_service":                      "http://10.0.0.5/onvif/device_service",
		"http://192.168.1.108:8080/onvif/device_service":            "http://10.0.0.5:8080/onvif/device_service",
		"http://169.254.169.254/latest/ http://10.0.0.5/x":          "http://10.0.0.5/x http://10.0.0.5/latest/",
		"https://10.0.0.5/a\n http://10.0.0.9/b http://[fe80::1]/c": "https://10.0.0.5/a http://10.0.0.5/b http://10.0.0.5/c http://10.0.0.9/b",
		"":                             "http://10.0.0.5/onvif/device_service",
		"ftp://x/ javascript:y http:":  "http://10.0.0.5/onvif/device_service",
		"http://user:secret@evil/path": "http://10.0.0.5/path",
	} {
		all, err := readMatches([]byte(answer(uuid, "t:Device", "", addresses)))
		if err != nil || len(all) != 1 {
			t.Fatalf("%q: got %v, %v", addresses, all, err)
		}
		d := all[0].device(netip.MustParseAddr("10.0.0.5"), "multicast", near)
		if got := strings.Join(d.Addresses, " "); got != want {
			t.Errorf("%q: got %s, want %s", addresses, got, want)
		}
	}
	all, _ := readMatches([]byte(answer(uuid, "t:Device", "", "http://[fe80::5]/x")))
	d := all[0].device(netip.MustParseAddr("fe80::5%eth1"), "multicast", near)
	if got, want := d.Addresses[0], "http://[fe80::5%25eth1]/x"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNamesFromTheNetworkCanBePrinted(t *testing.T) {
	all, err := readMatches([]byte(answer(uuid, "t:Device", "onvif://www.onvif.org/name/Gate%1b[2J%20North_1 onvif://www.onvif.org/hardware/%E2%80%AEX", "")))
	if err != nil {
		t.Fatal(err)
	}
	d := all[0].device(netip.MustParseAddr("10.0.0.5"), "multicast", nil)
	if d.Name != "Gate[2J North 1" || d.Hardware != "X" {
		t.Errorf("got name %q, hardware %q", d.Name, d.Hardware)
	}
}

// TestDevicesAreTakenOnce covers quirks 30 and 31, and what must stay apart.
func TestDevicesAreTakenOnce(t *testing.T) {
	type seen struct{ from, endpoint, address string }
	for name, c := range map[string]struct {
		seen []seen
		want int
	}{
		"twice":                       {[]seen{{"10.0.0.5", uuid, "http://10.0.0.5/x"}, {"10.0.0.5", uuid, "http://10.0.0.5/x"}}, 1},
		"two interfaces":              {[]seen{{"10.0.0.5", uuid, "http://10.0.0.5/x"}, {"fe80::5%e", "uuid:" + uuid, "http://[fe80::5]/x"}}, 1},
		"another endpoint each time":  {[]seen{{"10.0.0.5", uuid, "http://10.0.0.5/x"}, {"10.0.0.5", "urn:uuid:other", "http://10.0.0.5/x"}}, 1},
		"no endpoint":                 {[]seen{{"10.0.0.5", "", "http://10.0.0.5/x"}, {"10.0.0.5", "", "http://10.0.0.5/x"}}, 1},
		"two cameras":                 {[]seen{{"10.0.0.5", "a", "http://10.0.0.5/x"}, {"10.0.0.6", "b", "http://10.0.0.6/x"}}, 2},
		"same factory address":        {[]seen{{"10.0.0.5", "a", "http://192.168.1.108/x"}, {"10.0.0.6", "b", "http://192.168.1.108/x"}}, 2},
		"behind one gateway":          {[]seen{{"10.0.0.5", "a", "http://172.17.0.2/x"}, {"10.0.0.5", "b", "http://172.17.0.3/x"}}, 2},
		"channels of one recorder":    {[]seen{{"10.0.0.5", "a", "http://10.0.0.5/1"}, {"10.0.0.5", "b", "http://10.0.0.5/2"}}, 2},
		"found on its port, answered": {[]seen{{"10.0.0.5", "", "http://10.0.0.5/y"}, {"10.0.0.5", "a", "http://10.0.0.5/x"}}, 1},
	} {
		r := newRegistry(0)
		for _, s := range c.seen {
			m := match{endpoint: endpoint(s.endpoint), advertised: words(s.address), camera: true}
			from := netip.MustParseAddr(s.from)
			r.take(sighting{device: m.device(from, "multicast", func(netip.Addr) bool { return false }), from: from})
		}
		if got := len(r.devices); got != c.want {
			t.Errorf("%s: got %d devices, want %d", name, got, c.want)
		}
	}
}

func TestByeIsTold(t *testing.T) {
	r := newRegistry(0)
	from := netip.MustParseAddr("10.0.0.5")
	here := sighting{device: Device{Endpoint: "a", Addresses: []string{"http://10.0.0.5/x"}}, from: from}
	gone := sighting{device: Device{Endpoint: "a"}, from: from, bye: true}
	if _, ok := r.take(gone); ok {
		t.Error("a stranger's Bye was told")
	}
	r.take(here)
	if _, ok := r.take(sighting{device: gone.device, from: netip.MustParseAddr("10.0.0.6"), bye: true}); ok {
		t.Error("another host's Bye was told")
	}
	if c, ok := r.take(gone); !ok || !c.Gone || len(r.devices) != 0 || len(r.index) != 0 {
		t.Errorf("got %+v, %v with %d left", c, ok, len(r.devices))
	}
	if c, ok := r.take(here); !ok || c.Gone {
		t.Error("after Bye it is not new again")
	}
}

func TestAFloodOfDevicesIsBounded(t *testing.T) {
	r := newRegistry(10)
	for i := range 1000 {
		r.take(sighting{device: Device{Endpoint: "e" + strings.Repeat("x", i)}, from: netip.MustParseAddr("10.0.0.5")})
	}
	if len(r.devices) != 10 || len(r.index) > 10 {
		t.Errorf("got %d devices, %d keys", len(r.devices), len(r.index))
	}
}

func FuzzProbeMatches(f *testing.F) {
	f.Add([]byte(answer("uuid:"+uuid, "dn:NetworkVideoTransmitter", "onvif://www.onvif.org/name/x", "http://10.0.0.5/onvif/device_service http://[fe80::1]/x")))
	f.Add([]byte(`<Envelope><Body><Hello><EndpointReference><Address>{` + uuid + `}</Address></EndpointReference></Hello></Body></Envelope>`))
	f.Add([]byte(`<Envelope><Body><Bye/></Body></Envelope>`))
	from := netip.MustParseAddr("10.0.0.5")
	f.Fuzz(func(t *testing.T, datagram []byte) {
		all, err := readMatches(datagram)
		if err != nil {
			return
		}
		r := newRegistry(0)
		for _, m := range all {
			d := m.device(from, "multicast", func(netip.Addr) bool { return false })
			for _, a := range d.Addresses {
				if !strings.HasPrefix(hostPort(a), "10.0.0.5:") {
					t.Fatalf("got the address %q, which is not of the host that answered", a)
				}
			}
			if e := endpoint(d.Endpoint); e != d.Endpoint {
				t.Fatalf("got %q, then %q: an endpoint has two forms", d.Endpoint, e)
			}
			if strings.ContainsAny(d.Name+d.Hardware+d.Location, "\x1b\n\r\x00") {
				t.Fatalf("got %+v, which steers a terminal", d)
			}
			r.take(sighting{device: d, from: from, bye: m.bye})
			r.take(sighting{device: d, from: from, bye: m.bye})
		}
		if len(r.devices) > len(all) {
			t.Fatalf("got %d devices of %d", len(r.devices), len(all))
		}
	})
}
