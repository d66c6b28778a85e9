package onvif

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"pantau/onvif/soap"
)

// Device is something that was found. All of it is what the network says, and nobody
// has checked it.
type Device struct {
	ID         int      `json:"-"`                    // the same in all changes of one search
	Endpoint   string   `json:"endpoint,omitempty"`   // "urn:uuid:…", what tells it from others for ever; empty if unknown
	Addresses  []string `json:"addresses"`            // of its device service, to be tried in this order
	Advertised []string `json:"advertised,omitempty"` // as the device itself gives them
	RTSP       string   `json:"rtsp,omitempty"`       // HOST:PORT of an RTSP server, where no ONVIF answers
	Name       string   `json:"name,omitempty"`       // from its scopes (9.3.2.2)
	Hardware   string   `json:"hardware,omitempty"`
	Location   string   `json:"location,omitempty"`
	Found      []string `json:"found"` // ways: multicast, hello, unicast, port, hand
}

// maxAddresses of one device.
const maxAddresses = 16

// device makes a Device of an answer that came from a host.
func (m match) device(from netip.Addr, way string, near func(netip.Addr) bool) Device {
	d := Device{Endpoint: m.endpoint, Found: []string{way}}
	var own, rewritten, others []string
	for _, advertised := range m.advertised {
		u, err := url.Parse(advertised)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			continue
		}
		u.User = nil
		d.Advertised = append(d.Advertised, u.String())
		host, err := netip.ParseAddr(u.Hostname())
		if err == nil && host.WithZone("") == from.WithZone("") {
			own = append(own, at(u, from))
			continue
		}
		// A device does not decide whom to call: only itself, or a neighbour.
		rewritten = append(rewritten, at(u, from))
		if host.IsLinkLocalUnicast() {
			host = host.WithZone(from.Zone()) // IPv4 has none
		}
		lost := host.Is6() && host.IsLinkLocalUnicast() && host.Zone() == ""
		if err == nil && near(host) && !lost {
			others = append(others, at(u, host))
		}
	}
	d.Addresses = slices.Concat(own, rewritten, others)
	if len(d.Addresses) == 0 {
		d.Addresses = []string{at(&url.URL{Scheme: "http", Path: devicePath}, from)}
	}
	d.Addresses = distinct(d.Addresses)
	for _, scope := range m.scopes {
		d.scope(scope)
	}
	return d
}

// at writes an address with another host, and keeps its port.
func at(u *url.URL, host netip.Addr) string {
	to := *u
	to.Host = joinPort(host.Unmap().String(), u.Port(), u.Scheme)
	return to.String()
}

// scope reads name, hardware and location.
func (d *Device) scope(text string) {
	u, err := url.Parse(text)
	if err != nil || !strings.EqualFold(u.Host, "www.onvif.org") {
		return
	}
	kind, value, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	value = strings.TrimSpace(soap.Printable(strings.ReplaceAll(value, "_", " ")))
	value = strings.ToValidUTF8(value[:min(len(value), 100)], "")
	switch {
	case kind == "name" && d.Name == "":
		d.Name = value
	case kind == "hardware" && d.Hardware == "":
		d.Hardware = value
	case kind == "location" && d.Location == "":
		d.Location = strings.TrimPrefix(value, "country/")
	}
}

// speaksFrom says whether a host is one of the device's addresses.
func (d *Device) speaksFrom(host netip.Addr) bool {
	return slices.ContainsFunc(d.Addresses, func(a string) bool { return HostOf(a) == host.String() })
}

// distinct drops what comes again, and what is too much.
func distinct(list []string) []string {
	var all []string
	for _, s := range list {
		if !slices.Contains(all, s) && len(all) < maxAddresses {
			all = append(all, s)
		}
	}
	return all
}

// merge adds what another answer of the same device says, and tells whether that is
// anything new.
func (d *Device) merge(other Device) bool {
	before := *d
	d.Addresses = distinct(append(slices.Clone(d.Addresses), other.Addresses...))
	d.Advertised = distinct(append(slices.Clone(d.Advertised), other.Advertised...))
	d.Found = distinct(append(slices.Clone(d.Found), other.Found...))
	for _, pair := range []struct{ to, from *string }{
		{&d.Endpoint, &other.Endpoint}, {&d.Name, &other.Name}, {&d.Hardware, &other.Hardware},
		{&d.Location, &other.Location}, {&d.RTSP, &other.RTSP},
	} {
		if *pair.to == "" {
			*pair.to = *pair.from
		}
	}
	if len(d.Addresses) > 0 {
		d.RTSP = "" // ONVIF answers after all
	}
	return len(d.Addresses) != len(before.Addresses) || d.Endpoint != before.Endpoint || d.Name != before.Name ||
		d.Hardware != before.Hardware || d.RTSP != before.RTSP
}
