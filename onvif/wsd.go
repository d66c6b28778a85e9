package onvif

import (
	"crypto/rand"
	"fmt"
	"strings"

	"pantau/onvif/soap"
)

// Bounds of what one answer may say.
const (
	maxMatches = 64 // of one message; gateways announce all their channels at once
	maxWords   = 64 // scopes, types and addresses, each
	maxWord    = 512
)

// match is a device in a ProbeMatches, ResolveMatches, Hello or Bye
// (WS-Discovery, April 2005, 5 and 4).
type match struct {
	bye        bool
	endpoint   string // normalised; empty if the device names none
	types      []string
	scopes     []string
	advertised []string // addresses as they stand
	camera     bool     // its types or scopes are ONVIF's
}

// probe is a Probe for a type; for whatever there is, if that is empty.
func probe(kind string) []byte {
	types := ""
	if kind != "" {
		types = "<d:Types>" + kind + "</d:Types>"
	}
	return []byte(`<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="` + soap.Space12 + `"` +
		` xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"` +
		` xmlns:dn="http://www.onvif.org/ver10/network/wsdl" xmlns:tds="` + deviceSpace + `"><s:Header>` +
		`<a:MessageID>` + newUUID() + `</a:MessageID>` +
		`<a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>` +
		`<a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To>` +
		`<a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action>` +
		`</s:Header><s:Body><d:Probe>` + types + `</d:Probe></s:Body></s:Envelope>`)
}

// probes are for both types of ONVIF devices, and for any type: each is the only one
// that some devices answer.
func probes() [][]byte {
	return [][]byte{probe("dn:NetworkVideoTransmitter"), probe("tds:Device"), probe("")}
}

// newUUID is a random UUID (RFC 9562, version 4) as a URN.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// readMatches reads a datagram. Whatever is no announcement gives none.
func readMatches(datagram []byte) ([]match, error) {
	message, err := soap.ReadEnvelope(datagram)
	if err != nil {
		return nil, fmt.Errorf("reading announcement: %w", err)
	}
	var found []*soap.Element
	switch name := message.Body; {
	case name == nil:
	case name.Name == "ProbeMatches":
		found = name.All("ProbeMatch")
	case name.Name == "ResolveMatches":
		found = name.All("ResolveMatch")
	case name.Name == "Hello", name.Name == "Bye":
		found = []*soap.Element{name}
	}
	var all []match
	for _, e := range found[:min(len(found), maxMatches)] {
		m := match{
			bye:        e.Name == "Bye",
			endpoint:   endpoint(e.Text("EndpointReference", "Address")),
			types:      words(e.Text("Types")),
			scopes:     words(e.Text("Scopes")),
			advertised: words(e.Text("XAddrs")),
		}
		m.camera = isCamera(m, message.Root)
		all = append(all, m)
	}
	return all, nil
}

// words are the parts of a list, bounded.
func words(list string) []string {
	all := strings.Fields(list)
	if len(all) > maxWords {
		all = all[:maxWords]
	}
	for i, w := range all {
		all[i] = w[:min(len(w), maxWord)]
	}
	return all
}

// endpoint gives one form to what devices write as urn:uuid:X, uuid:X, X or {X}, in
// either case.
func endpoint(address string) string {
	address = strings.TrimSpace(address)
	bare := strings.ToLower(address)
	bare = strings.TrimPrefix(bare, "urn:")
	bare = strings.TrimPrefix(bare, "uuid:")
	bare = strings.Trim(bare, "{}")
	switch {
	case isUUID(bare):
		return "urn:uuid:" + bare
	case strings.HasSuffix(address, "/anonymous"): // WS-Addressing's word for none
		return ""
	}
	return address[:min(len(address), maxWord)]
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range s {
		hyphen := i == 8 || i == 13 || i == 18 || i == 23
		if hyphen != (c == '-') || !hyphen && !strings.ContainsRune("0123456789abcdef", c) {
			return false
		}
	}
	return true
}

// isCamera says whether a device is ONVIF's: computers and printers answer probes too,
// as wsdp:Device.
func isCamera(m match, root *soap.Element) bool {
	for _, kind := range m.types {
		prefix, name, ok := strings.Cut(kind, ":")
		if !ok {
			prefix, name = "", kind
		}
		space := root.Namespace(prefix)
		switch {
		case strings.HasPrefix(name, "NetworkVideo"):
			return true
		case name == "Device" && (strings.Contains(space, "onvif.org") || space == "" && prefix == "tds"):
			return true
		}
	}
	for _, scope := range m.scopes {
		if strings.HasPrefix(strings.ToLower(scope), "onvif://www.onvif.org") {
			return true
		}
	}
	return false
}
