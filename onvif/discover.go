package onvif

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// Search says where to look for devices. The zero value listens and probes on all
// interfaces until its context ends.
type Search struct {
	Interfaces []string       // names; nil: all that are up and carry multicast. Not nil and empty: none
	For        time.Duration  // how long to listen; 0: until the context ends
	Every      time.Duration  // between probes while listening goes on; 0 is 1 min
	Hosts      []string       // by hand: HOST, HOST:PORT or http:// addresses
	Ranges     []netip.Prefix // looked through one address after the other
	Rate       int            // addresses of Ranges per second; 0 is 100
	Max        int            // devices to keep; 0 is 20,000. What comes after is left out
}

// Change is a device that is new, that has more to tell, or that has said Bye.
type Change struct {
	Device Device
	Gone   bool
}

// Discover looks for devices, and calls found with each and with what changes, one
// call at a time. It ends with its context, or when the time is over and all hosts and
// ranges have been looked at. A host or range that cannot be is an [*Error].
func Discover(ctx context.Context, s Search, found func(Change)) error {
	hosts, err := s.hosts()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	heard := make(chan sighting, 64)
	var searching errgroup.Group // waited for below
	e := &ear{heard: heard, names: s.Interfaces}
	searching.Go(func() error { return e.run(ctx, s) })
	searching.Go(func() error { return sweep(ctx, s, hosts, heard) })
	ended := make(chan error, 1)
	go func() { ended <- searching.Wait(); close(heard) }() // received below
	known := newRegistry(s.Max)
	for sight := range heard {
		if change, ok := known.take(sight); ok {
			found(change)
		}
	}
	return <-ended
}

// sighting is one device in one answer.
type sighting struct {
	device Device
	from   netip.Addr
	bye    bool
}

// registry tells devices apart.
type registry struct {
	max     int
	last    int // ID
	devices []*Device
	index   map[string]*Device
}

func newRegistry(limit int) *registry {
	if limit <= 0 {
		limit = 20_000
	}
	return &registry{max: limit, index: map[string]*Device{}}
}

// take notes a sighting, and says what it changes.
func (r *registry) take(s sighting) (Change, bool) {
	known := r.same(s)
	switch {
	case s.bye && (known == nil || !known.speaksFrom(s.from)):
		return Change{}, false // nobody says Bye for others
	case s.bye:
		r.forget(known)
		return Change{Device: *known, Gone: true}, true
	case known == nil && len(r.devices) >= r.max:
		return Change{}, false
	case known == nil:
		d := s.device
		r.last++
		d.ID = r.last
		r.devices = append(r.devices, &d)
		r.note(&d, s.from)
		return Change{Device: d}, true
	}
	changed := known.merge(s.device)
	r.note(known, s.from)
	return Change{Device: *known}, changed
}

// keys are what a device is known by: its endpoint first. An address counts only for
// the host that answered from it, and only as the device itself gives it: behind a NAT
// many answer from one host.
func keys(d *Device, from netip.Addr) []string {
	var all []string
	if d.Endpoint != "" {
		all = append(all, d.Endpoint)
	}
	for _, a := range d.Advertised {
		all = append(all, from.String()+" "+a)
	}
	if d.RTSP != "" {
		all = append(all, "rtsp "+d.RTSP)
	}
	return all
}

// reached are a device's addresses as HOST:PORT, by which what was found on a port
// is the same as what answered a probe.
func reached(d *Device) []string {
	var all []string
	for _, a := range d.Addresses {
		all = append(all, "port "+hostPort(a))
	}
	return all
}

func (r *registry) same(s sighting) *Device {
	for _, k := range keys(&s.device, s.from) {
		if d := r.index[k]; d != nil {
			return d
		}
	}
	// Two endpoints at one port are two devices: the channels of a gateway.
	for _, k := range reached(&s.device) {
		if d := r.index[k]; d != nil && (d.Endpoint == "" || s.device.Endpoint == "") {
			return d
		}
	}
	return nil
}

func (r *registry) note(d *Device, from netip.Addr) {
	for _, k := range slices.Concat(keys(d, from), reached(d)) {
		if r.index[k] == nil && len(r.index) < 64*r.max {
			r.index[k] = d
		}
	}
}

func (r *registry) forget(d *Device) {
	for k, other := range r.index {
		if other == d {
			delete(r.index, k)
		}
	}
	if i := slices.Index(r.devices, d); i >= 0 {
		r.devices = slices.Delete(r.devices, i, i+1)
	}
}
