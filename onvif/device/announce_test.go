package device

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pantau/onvif/soap"
)

// probeFor writes a Probe or Resolve.
func probeFor(space, kind, inner string) string {
	return `<s:Envelope xmlns:s="` + space + `" xmlns:w="` + discoverySpace + `" xmlns:wsa="` + address04Space + `" xmlns:x="http://www.onvif.org/ver10/network/wsdl"` +
		` xmlns:t="http://www.onvif.org/ver10/device/wsdl" xmlns:dp="http://schemas.xmlsoap.org/ws/2006/02/devprof"><s:Header><wsa:MessageID>urn:uuid:1</wsa:MessageID></s:Header><s:Body><w:` +
		kind + `>` + inner + `</w:` + kind + `></s:Body></s:Envelope>`
}

func TestProbes(t *testing.T) {
	s := start(t, Options{Each: true}, street())
	u := s.units["cam-1"]
	for _, tt := range []struct {
		name, datagram string
		want           bool
	}{
		{"NVT", probeFor(soap.Space12, "Probe", "<w:Types>x:NetworkVideoTransmitter</w:Types>"), true},
		{"Device", probeFor(soap.Space12, "Probe", "<w:Types>t:Device</w:Types>"), true},
		{"both", probeFor(soap.Space12, "Probe", "<w:Types> t:Device\n x:NetworkVideoTransmitter </w:Types>"), true},
		{"any", probeFor(soap.Space12, "Probe", ""), true},
		{"SOAP 1.1", probeFor(soap.Space11, "Probe", "<w:Types>x:NetworkVideoTransmitter</w:Types>"), true},
		{"undeclared", `<Envelope><Body><Probe><Types>dn:NetworkVideoTransmitter</Types></Probe></Body></Envelope>`, true},
		{"a computer", probeFor(soap.Space12, "Probe", "<w:Types>dp:Device</w:Types>"), false},
		{"a display", probeFor(soap.Space12, "Probe", "<w:Types>x:NetworkVideoDisplay</w:Types>"), false},
		{"a scope", probeFor(soap.Space12, "Probe", "<w:Scopes>onvif://www.onvif.org/Profile/M onvif://www.onvif.org/name</w:Scopes>"), true},
		{"half a word", probeFor(soap.Space12, "Probe", "<w:Scopes>onvif://www.onvif.org/Prof</w:Scopes>"), false},
		{"its name", probeFor(soap.Space12, "Probe", "<w:Scopes>onvif://www.onvif.org/name/Simpang%20%3CLima%3E%20%26%20north</w:Scopes>"), true},
		{"exactly", probeFor(soap.Space12, "Probe", `<w:Scopes MatchBy="http://schemas.xmlsoap.org/ws/2005/04/discovery/strcmp0">onvif://www.onvif.org/Profile</w:Scopes>`), false},
		{"by LDAP", probeFor(soap.Space12, "Probe", `<w:Scopes MatchBy="http://schemas.xmlsoap.org/ws/2005/04/discovery/ldap">ldap:///ou</w:Scopes>`), false},
		{"resolve", probeFor(soap.Space12, "Resolve", "<wsa:EndpointReference><wsa:Address>urn:uuid:"+u.id+"</wsa:Address></wsa:EndpointReference>"), true},
		{"resolve another", probeFor(soap.Space12, "Resolve", "<wsa:EndpointReference><wsa:Address>urn:uuid:0</wsa:Address></wsa:EndpointReference>"), false},
		{"an answer", probeFor(soap.Space12, "ProbeMatches", ""), false},
		{"another WS-Discovery", strings.ReplaceAll(probeFor(soap.Space12, "Probe", ""), discoverySpace, "http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01"), false},
		{"nonsense", "\x00\xff", false},
	} {
		p, asked := readProbe([]byte(tt.datagram))
		if got := asked && p.wants(u); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
		if !tt.want {
			continue
		}
		answer, err := soap.ReadEnvelope(p.answer(u, "http://10.0.0.1:8080/onvif/device_service"))
		if err != nil {
			t.Fatal(err)
		}
		match := answer.Body.Child(p.kind + "Match")
		if match.Text("EndpointReference", "Address") != "urn:uuid:"+u.id || match.Text("XAddrs") != "http://10.0.0.1:8080/onvif/device_service" ||
			answer.Header.Text("RelatesTo") != p.id || answer.Root.Space != p.space || !strings.Contains(match.Text("Types"), ":NetworkVideoTransmitter") {
			t.Errorf("%s: got %+v", tt.name, answer.Body)
		}
	}
}

// TestProbesAreAnswered asks the socket itself, on loopback, as ranges are searched.
func TestProbesAreAnswered(t *testing.T) {
	s := start(t, Options{Discovery: true, probes: "127.6.0.1"}, street())
	conn, err := net.Dial("udp4", fmt.Sprintf("127.6.0.1:%d", discoveryPort))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	buffer := make([]byte, 8192)
	for range 40 { // Run has only just begun
		if _, err := conn.Write([]byte(probeFor(soap.Space12, "Probe", ""))); err != nil {
			t.Log(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
		if n, err := conn.Read(buffer); err == nil {
			if want := "http://" + s.Addr("") + "/onvif/device_service"; !strings.Contains(string(buffer[:n]), want) {
				t.Errorf("got %s, want %s in it", buffer[:n], want)
			}
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("no probe was answered")
}

func TestWhoIsAnswered(t *testing.T) {
	for text, want := range map[string]bool{"10.1.2.3": true, "192.168.7.7": true, "127.0.0.1": true, "fe80::1%eth0": true, "fd00::7": true, "::ffff:10.0.0.1": true,
		"8.8.8.8": false, "2001:db8::1": false, "100.64.0.1": false} {
		if got := near(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}

// TestAnswersThatWaitAreBounded, as one probe may make one of each camera.
func TestAnswersThatWaitAreBounded(t *testing.T) {
	d := &discovery{}
	for range maxWaiting {
		if !d.wait(1) {
			t.Fatal("there was no room")
		}
	}
	if d.wait(1) || !d.wait(-1) || !d.wait(1) {
		t.Errorf("got %d that wait, want %d", d.waiting, maxWaiting)
	}
}

func FuzzProbe(f *testing.F) {
	f.Add([]byte(probeFor(soap.Space12, "Probe", "<w:Types>x:NetworkVideoTransmitter</w:Types><w:Scopes>onvif://www.onvif.org/Profile/M</w:Scopes>")))
	f.Add([]byte(probeFor(soap.Space11, "Resolve", "<wsa:EndpointReference><wsa:Address>urn:uuid:1</wsa:Address></wsa:EndpointReference>")))
	s := start(f, Options{Each: true}, street())
	u := s.units["cam-1"]
	f.Fuzz(func(t *testing.T, datagram []byte) {
		p, ok := readProbe(datagram)
		if !ok || !p.wants(u) {
			return
		}
		if _, err := soap.ReadEnvelope(p.answer(u, "http://x/")); err != nil {
			t.Fatalf("got an answer that cannot be read: %v", err)
		}
	})
}
