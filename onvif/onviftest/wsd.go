package onviftest

import (
	"context"
	"encoding/xml"
	"fmt"
	"net"
	"strings"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

var (
	group4 = &net.UDPAddr{IP: net.IPv4(239, 255, 255, 250), Port: 3702}
	group6 = &net.UDPAddr{IP: net.ParseIP("ff02::c"), Port: 3702}
)

// listenUDP takes the sockets for probes, beside others that have the same port.
func (d *Device) listenUDP() error {
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) {
			_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1) // binding tells
		})
	}}
	if d.options.Probes != "" {
		c, err := config.ListenPacket(context.Background(), "udp", d.options.Probes)
		if err != nil {
			return err
		}
		d.udp = append(d.udp, c.(*net.UDPConn))
	}
	if !d.options.Multicast {
		return nil
	}
	for _, network := range []string{"udp4", "udp6"} {
		c, err := config.ListenPacket(context.Background(), network, ":3702")
		if err != nil {
			return err
		}
		d.udp = append(d.udp, c.(*net.UDPConn))
		interfaces, err := net.Interfaces()
		if err != nil {
			return err
		}
		for _, i := range interfaces {
			if network == "udp4" {
				_ = ipv4.NewPacketConn(c).JoinGroup(&i, group4) // an interface without multicast has no group
			} else {
				_ = ipv6.NewPacketConn(c).JoinGroup(&i, group6)
			}
		}
	}
	return nil
}

// probe is what the fake understands of a Probe.
type probe struct {
	ID   string `xml:"Header>MessageID"`
	Body struct {
		Probe *struct {
			Types string `xml:"Types"`
		} `xml:"http://schemas.xmlsoap.org/ws/2005/04/discovery Probe"`
	} `xml:"Body"`
}

// serveProbes answers probes until the socket is closed.
func (d *Device) serveProbes(c *net.UDPConn) {
	buffer := make([]byte, 64<<10)
	for {
		n, from, err := c.ReadFromUDP(buffer)
		if err != nil {
			return
		}
		var p probe
		if xml.Unmarshal(buffer[:n], &p) != nil || p.Body.Probe == nil || !d.hears(p.Body.Probe.Types) {
			continue
		}
		out := c
		if d.options.Quirks.OtherPort {
			if out, err = net.ListenUDP("udp", &net.UDPAddr{IP: c.LocalAddr().(*net.UDPAddr).IP}); err != nil {
				continue
			}
		}
		message := []byte(d.announcement("ProbeMatches", p.ID, toward(from)))
		_, _ = out.WriteToUDP(message, from) // who asked may be gone
		if d.options.Quirks.Twice {
			_, _ = out.WriteToUDP(message, from)
		}
		if out != c {
			out.Close()
		}
	}
}

// hears says whether a probe for these types is answered.
func (d *Device) hears(types string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.deaf > 0 {
		d.deaf--
		return false
	}
	q := d.options.Quirks
	switch {
	case q.Only != "":
		return strings.HasSuffix(strings.TrimSpace(types), ":"+q.Only)
	case q.NotCamera:
		return strings.TrimSpace(types) == "" || strings.Contains(types, "Device")
	}
	return true
}

// toward is the own address that a caller sees.
func toward(to *net.UDPAddr) string {
	c, err := net.DialUDP("udp", nil, to)
	if err != nil {
		return "127.0.0.1"
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).IP.String()
}

// announcement is a ProbeMatches, Hello or Bye.
func (d *Device) announcement(kind, relates, host string) string {
	q := d.options.Quirks
	if a := d.http.Addr().(*net.TCPAddr); !a.IP.IsUnspecified() {
		host = a.IP.String()
	}
	address := "http://" + d.advertised(d.http, host) + "/onvif/device_service"
	if q.SeveralXAddrs {
		address = "https://" + d.advertised(d.http, host) + "/onvif/device_service\n http://169.254.7.7/onvif/device_service " + address + " http://[fe80::1]/onvif/device_service"
	}
	types, scopes := "dn:NetworkVideoTransmitter tds:Device", "onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/hardware/FC-1 onvif://www.onvif.org/name/"+strings.ReplaceAll(d.options.Model, " ", "%20")
	if q.NotCamera {
		types, scopes = "wsdp:Device pub:Computer", ""
	}
	if q.NotCamera || q.NoXAddrs {
		address = ""
	}
	reference := `<a:EndpointReference><a:Address>` + d.options.Endpoint + `</a:Address></a:EndpointReference>`
	if q.NoEndpoint {
		reference = ""
	}
	inner := reference + `<d:Types>` + types + `</d:Types><d:Scopes>` + scopes + `</d:Scopes><d:XAddrs>` + address + `</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion>`
	if kind == "ProbeMatches" {
		inner = `<d:ProbeMatch>` + inner + `</d:ProbeMatch>`
	}
	return d.prefixed(fmt.Sprintf(`<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"`+
		` xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl" xmlns:tds="http://www.onvif.org/ver10/device/wsdl"`+
		` xmlns:wsdp="http://schemas.xmlsoap.org/ws/2006/02/devprof" xmlns:pub="http://schemas.microsoft.com/windows/pub/2005/07">`+
		`<s:Header><a:RelatesTo>%s</a:RelatesTo><a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/%s</a:Action></s:Header><s:Body><d:%s>%s</d:%s></s:Body></s:Envelope>`,
		relates, kind, kind, inner, kind))
}

// announce says Hello or Bye on all interfaces.
func (d *Device) announce(kind string) {
	if !d.options.Multicast {
		return
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		return
	}
	for _, i := range interfaces {
		addresses, _ := i.Addrs() // none is as good as an error
		for _, a := range addresses {
			if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
				c := d.udp[len(d.udp)-2] // IPv4
				if ipv4.NewPacketConn(c).SetMulticastInterface(&i) == nil {
					_, _ = c.WriteToUDP([]byte(d.announcement(kind, "", n.IP.String())), group4) // nobody may be listening
				}
			}
		}
	}
}
