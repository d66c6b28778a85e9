package device

import (
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"

	"pantau/onvif/soap"
)

// Namespaces of WS-Discovery (April 2005).
const (
	discoverySpace = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
	address04Space = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
	anonymous      = address04Space + "/role/anonymous"
	everybody      = "urn:schemas-xmlsoap-org:ws:2005:04:discovery"
)

// announcement is a Hello or Bye that is to be said.
type announcement struct {
	unit *unit
	kind string
}

// announce has something said, if there is room: who missed it probes.
func (s *Server) announce(u *unit, kind string) {
	if !s.o.Discovery {
		return
	}
	select {
	case s.news <- announcement{u, kind}:
	default:
	}
}

// probe is what is asked for: a Probe, or a Resolve of one endpoint.
type probe struct {
	space   string // version of SOAP
	id      string
	kind    string   // Probe or Resolve
	types   []string // local names
	scopes  []string
	matchBy string
	address string // Resolve
}

// readProbe reads a datagram; false where it asks for nothing that this device is.
func readProbe(datagram []byte) (probe, bool) {
	message, err := soap.ReadEnvelope(datagram)
	if err != nil || message.Body == nil {
		return probe{}, false
	}
	in := message.Body
	p := probe{space: soap.Space12, kind: in.Name, id: message.Header.Text("MessageID")}
	if message.Root.Space == soap.Space11 {
		p.space = soap.Space11
	}
	switch {
	case in.Space != discoverySpace && strings.Contains(in.Space, ":"): // another version, or something else
		return probe{}, false
	case p.kind == "Probe":
		p.types = strings.Fields(in.Text("Types"))
		p.scopes = strings.Fields(in.Text("Scopes"))
		p.matchBy = in.Child("Scopes").Attr("MatchBy")
		for i, name := range p.types {
			if p.types[i] = localType(message.Root, name); p.types[i] == "" {
				return probe{}, false
			}
		}
	case p.kind == "Resolve":
		p.address = in.Text("EndpointReference", "Address")
	default:
		return probe{}, false
	}
	return p, len(p.id) <= 512 && len(p.types) <= 64 && len(p.scopes) <= 64
}

// localType is the local name of a type that ONVIF devices are of; empty for others.
func localType(root *soap.Element, name string) string {
	prefix, local, ok := strings.Cut(name, ":")
	if !ok {
		prefix, local = "", name
	}
	space := root.Namespace(prefix)
	ours := space == "" || strings.Contains(space, "onvif.org")
	if ours && (local == "NetworkVideoTransmitter" || local == "Device") {
		return local
	}
	return ""
}

// wants says whether a device is what is asked for.
func (p probe) wants(u *unit) bool {
	if p.kind == "Resolve" {
		return strings.EqualFold(strings.TrimPrefix(strings.TrimPrefix(p.address, "urn:"), "uuid:"), u.id)
	}
	own := u.scopes()
	for _, wanted := range p.scopes {
		found := false
		for _, have := range own {
			found = found || scopeFits(wanted, have, p.matchBy)
		}
		if !found {
			return false
		}
	}
	return true
}

// scopeFits compares scopes by the rules of WS-Discovery 5.1: rfc3986, segment by segment,
// or strcmp0.
func scopeFits(wanted, have, matchBy string) bool {
	if strings.HasSuffix(matchBy, "/strcmp0") {
		return wanted == have
	}
	if matchBy != "" && !strings.HasSuffix(matchBy, "/rfc3986") && !strings.HasSuffix(matchBy, "/rfc2396") {
		return false
	}
	w, err := url.Parse(wanted)
	h, err2 := url.Parse(have)
	if err != nil || err2 != nil || !strings.EqualFold(w.Scheme, h.Scheme) || !strings.EqualFold(w.Host, h.Host) {
		return false
	}
	head, path := strings.TrimRight(w.Path, "/"), h.Path
	return path == head || strings.HasPrefix(path, head+"/")
}

// match writes what is said of a device at an address.
func (u *unit) match(xaddr string) markup {
	return form(`<a:EndpointReference><a:Address>%s</a:Address></a:EndpointReference><d:Types>dn:NetworkVideoTransmitter tds:Device</d:Types>`+
		`<d:Scopes>%s</d:Scopes><d:XAddrs>%s</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion>`, "urn:uuid:"+u.id, strings.Join(u.scopes(), " "), xaddr)
}

// answer is the datagram for who probed.
func (p probe) answer(u *unit, xaddr string) []byte {
	inner := form(`<d:%s><d:%s>%s</d:%s></d:%s>`, markup(p.kind+"Matches"), markup(p.kind+"Match"), u.match(xaddr), markup(p.kind+"Match"), markup(p.kind+"Matches"))
	return datagram(p.space, p.kind+"Matches", anonymous, p.id, inner)
}

// notice is a Hello or Bye.
func notice(u *unit, kind, xaddr string) []byte {
	inner := u.match(xaddr)
	if kind == "Bye" {
		inner = form(`<a:EndpointReference><a:Address>%s</a:Address></a:EndpointReference>`, "urn:uuid:"+u.id)
	}
	return datagram(soap.Space12, kind, everybody, "", form(`<d:%s>%s</d:%s>`, markup(kind), inner, markup(kind)))
}

// datagram writes a message of WS-Discovery.
func datagram(space, kind, to, relates string, body markup) []byte {
	header := form(`<a:MessageID>%s</a:MessageID><a:To>%s</a:To><a:Action>%s</a:Action>`, newID(), to, discoverySpace+"/"+kind)
	if relates != "" {
		header += form(`<a:RelatesTo>%s</a:RelatesTo>`, relates)
	}
	return []byte(`<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="` + space + `" xmlns:a="` + address04Space + `" xmlns:d="` + discoverySpace +
		`" xmlns:dn="http://www.onvif.org/ver10/network/wsdl" xmlns:tds="` + deviceSpace + `"><s:Header>` + string(header) + `</s:Header><s:Body>` + string(body) + `</s:Body></s:Envelope>`)
}

// newID is a random UUID (RFC 9562, version 4) as a URN.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
