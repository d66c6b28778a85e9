package camera

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"pantau/onvif"
	"pantau/sidecar"
)

// How a camera that has another address is looked for: how long, and how long what was
// heard is good for.
const (
	lookTime  = 3 * time.Second
	lookEvery = time.Minute
)

// finder looks for devices by WS-Discovery: one search for all that ask at the same time.
type finder struct {
	look func(context.Context, func(onvif.Change)) error
	turn chan struct{} // held while what is below is used

	at    time.Time // of the last search
	hosts map[string][]string
}

func newFinder() *finder {
	return &finder{turn: make(chan struct{}, 1), look: func(ctx context.Context, found func(onvif.Change)) error {
		return onvif.Discover(ctx, onvif.Search{For: lookTime}, found)
	}}
}

// find gives the hosts at which something says that it has an endpoint. Nobody has checked
// that.
func (f *finder) find(ctx context.Context, endpoint string) []string {
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		return nil
	}
	if time.Since(f.at) > lookEvery {
		hosts := map[string][]string{}
		err := f.look(ctx, func(c onvif.Change) {
			hosts[c.Device.Endpoint] = nil // what is told later of a device holds all that was told before
			for _, a := range c.Device.Addresses {
				if host := onvif.HostOf(a); host != "" && !slices.Contains(hosts[c.Device.Endpoint], host) {
					hosts[c.Device.Endpoint] = append(hosts[c.Device.Endpoint], host)
				}
			}
		})
		if err != nil || ctx.Err() != nil {
			return nil
		}
		f.at, f.hosts = time.Now(), hosts
	}
	return f.hosts[endpoint]
}

// moved gives the source of a camera that does not answer at the host where it says that
// it is now. That anybody can say, so the host must lie in the networks in which an
// administrator lets the camera be followed, and be the only one. Its port and path are
// those that were set: of what is heard, nothing but the host is taken.
func (f *finder) moved(ctx context.Context, s sidecar.Source, failed error) (sidecar.Source, error) {
	all := slices.DeleteFunc(slices.Clone(f.find(ctx, s.Endpoint)), func(host string) bool { return host == onvif.HostOf(s.ONVIF) })
	let := slices.DeleteFunc(slices.Clone(all), func(host string) bool { return !within(s.Follow, host) })
	switch {
	case len(all) == 0:
		return s, failed
	case len(let) == 0:
		return s, fmt.Errorf("%w; %s says that it is this camera: if that is so, set onvif to it, or let the camera be followed there (follow: its network)", failed, strings.Join(all, " and "))
	case len(let) > 1:
		return s, fmt.Errorf("%w; %s each say that they are this camera: set onvif to the one that is", failed, strings.Join(let, " and "))
	}
	s.ONVIF = withHost(s.ONVIF, let[0])
	return s, nil
}

// within says whether a host is an address of one of some networks.
func within(networks []string, host string) bool {
	address, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(networks, func(n string) bool {
		p, err := netip.ParsePrefix(n)
		return err == nil && p.Contains(address.Unmap().WithZone(""))
	})
}

// withHost is an address of a device at another host: its scheme, port and path stay.
func withHost(address, host string) string {
	bracketed := host
	if strings.Contains(host, ":") {
		bracketed = "[" + host + "]"
	}
	if u, err := url.Parse(address); err == nil && strings.Contains(address, "://") {
		port := u.Port()
		if u.Host = bracketed; port != "" {
			u.Host += ":" + port
		}
		return u.String()
	}
	if _, port, err := net.SplitHostPort(address); err == nil {
		return net.JoinHostPort(host, port)
	}
	return host
}
