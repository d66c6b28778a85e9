package device

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// Where WS-Discovery is spoken (2.4), and its bounds.
const (
	discoveryPort = 3702
	maxDelay      = 400 * time.Millisecond // of an answer, at random; APP_MAX_DELAY is 500 ms
	repeatLeast   = 50 * time.Millisecond  // until an answer comes once more
	repeatMost    = 250 * time.Millisecond
	probesASecond = 50
	maxWaiting    = 4096             // answers; who is not answered probes again
	rejoin        = 30 * time.Second // interfaces come and go
	maxDatagram   = 16 << 10
)

// discovery answers probes, and says Hello and Bye: one socket for each family, which has
// joined the group on every interface.
type discovery struct {
	server *Server
	log    *slog.Logger
	v4     *ipv4.PacketConn // nil: there is no such family
	v6     *ipv6.PacketConn

	mu       sync.Mutex
	second   time.Time
	answered int // probes in it
	waiting  int // answers that are still to be sent
}

func newDiscovery(s *Server) (*discovery, error) {
	d := &discovery{server: s, log: s.log}
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var failed error
		err := raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) })
		return errors.Join(err, failed)
	}}
	at := func(all string) string { return fmt.Sprintf("%s:%d", cmp.Or(s.o.probes, all), discoveryPort) }
	c4, err4 := config.ListenPacket(context.Background(), "udp4", at("0.0.0.0"))
	if err4 == nil {
		d.v4 = ipv4.NewPacketConn(c4)
		err4 = d.v4.SetControlMessage(ipv4.FlagInterface, true)
	}
	c6, err6 := config.ListenPacket(context.Background(), "udp6", at("[::]"))
	if err6 == nil {
		d.v6 = ipv6.NewPacketConn(c6)
		err6 = d.v6.SetControlMessage(ipv6.FlagInterface, true)
	}
	if err4 != nil && err6 != nil {
		return nil, fmt.Errorf("listening for WS-Discovery: %w", err4)
	}
	return d, nil
}

// interfaces are those that probes are answered on.
func (d *discovery) interfaces() []net.Interface {
	all, err := net.Interfaces()
	if err != nil {
		return nil
	}
	names := d.server.o.Interfaces
	return slices.DeleteFunc(all, func(i net.Interface) bool {
		return i.Flags&net.FlagUp == 0 || i.Flags&net.FlagMulticast == 0 || len(names) > 0 && !slices.Contains(names, i.Name)
	})
}

// join takes part in the groups. Where it does already, or cannot, that is as well.
func (d *discovery) join() {
	for _, i := range d.interfaces() {
		if d.v4 != nil {
			_ = d.v4.JoinGroup(&i, &net.UDPAddr{IP: net.IPv4(239, 255, 255, 250)})
		}
		if d.v6 != nil {
			_ = d.v6.JoinGroup(&i, &net.UDPAddr{IP: net.ParseIP("ff02::c")})
		}
	}
}

// run serves until ctx ends.
func (d *discovery) run(ctx context.Context) {
	d.join()
	var reading sync.WaitGroup
	if d.v4 != nil {
		reading.Go(func() {
			d.read(ctx, &reading, func(b []byte) (int, int, net.Addr, error) {
				n, control, from, err := d.v4.ReadFrom(b)
				if control == nil {
					return n, 0, from, err
				}
				return n, control.IfIndex, from, err
			})
		})
	}
	if d.v6 != nil {
		reading.Go(func() {
			d.read(ctx, &reading, func(b []byte) (int, int, net.Addr, error) {
				n, control, from, err := d.v6.ReadFrom(b)
				if control == nil {
					return n, 0, from, err
				}
				return n, control.IfIndex, from, err
			})
		})
	}
	d.talk(ctx)
	if d.v4 != nil {
		d.v4.Close()
	}
	if d.v6 != nil {
		d.v6.Close()
	}
	reading.Wait()
}

// talk says Hello for all devices, then what is new, and Bye in the end.
func (d *discovery) talk(ctx context.Context) {
	for _, u := range d.server.all() {
		d.say(u, "Hello")
	}
	again := time.NewTicker(rejoin)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			for _, u := range d.server.all() {
				d.say(u, "Bye")
			}
			return
		case a := <-d.server.news:
			d.say(a.unit, a.kind)
		case <-again.C:
			d.join()
		}
	}
}

// all are the devices that are there now.
func (s *Server) all() []*unit {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*unit
	for _, u := range s.units {
		all = append(all, u)
	}
	return all
}

// say sends a Hello or Bye on every interface, with the address that it has there.
func (d *discovery) say(u *unit, kind string) {
	for _, i := range d.interfaces() {
		if own := u.at(addressOf(&i, false)); d.v4 != nil && own != "" {
			_, _ = d.v4.WriteTo(notice(u, kind, own), &ipv4.ControlMessage{IfIndex: i.Index}, &net.UDPAddr{IP: net.IPv4(239, 255, 255, 250), Port: discoveryPort}) // nobody may be listening
		}
		if own := u.at(addressOf(&i, true)); d.v6 != nil && own != "" {
			_, _ = d.v6.WriteTo(notice(u, kind, own), &ipv6.ControlMessage{IfIndex: i.Index}, &net.UDPAddr{IP: net.ParseIP("ff02::c"), Port: discoveryPort, Zone: i.Name})
		}
	}
}

// addressOf is an interface's first address of a family; of IPv6 the link-local one, which
// is where multicast is answered.
func addressOf(i *net.Interface, v6 bool) netip.Addr {
	addresses, _ := i.Addrs() // none is as good as an error
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is6() == v6 && (!v6 || p.Addr().IsLinkLocalUnicast()) {
			return p.Addr()
		}
	}
	return netip.Addr{}
}

// at is the device service's address for who reaches this host at an address; empty where
// the device does not listen there.
func (u *unit) at(own netip.Addr) string {
	listens, err := netip.ParseAddrPort(u.door.Addr().String())
	if err != nil || !own.IsValid() {
		return ""
	}
	at, own := listens.Addr().Unmap(), own.Unmap().WithZone("")
	switch {
	case !at.IsUnspecified() && at.WithZone("") != own:
		return ""
	case at.Is4() && own.Is6(): // 0.0.0.0
		return ""
	}
	return "http://" + netip.AddrPortFrom(own, listens.Port()).String() + u.server.services[0].path
}

// read answers what comes to a socket until that is closed.
func (d *discovery) read(ctx context.Context, answering *sync.WaitGroup, next func([]byte) (n, index int, from net.Addr, err error)) {
	buffer := make([]byte, maxDatagram)
	for {
		n, index, from, err := next(buffer)
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(10 * time.Millisecond) // such as a refusal by ICMP
			continue
		}
		to, ok := from.(*net.UDPAddr)
		p, asked := readProbe(slices.Clone(buffer[:n]))
		if !ok || !asked || !near(to.AddrPort().Addr()) || !d.may(index) {
			continue
		}
		own := toward(to)
		for _, u := range d.server.all() {
			if !p.wants(u) {
				continue
			}
			if xaddr := u.at(own); xaddr != "" && d.wait(1) {
				answering.Go(func() { d.reply(ctx, to, p.answer(u, xaddr)) })
			}
		}
	}
}

// near says whether a host may be answered: one of a private network, or of a network that
// this host is in. Answers are larger than probes, and who probes may have written somebody
// else's address.
func near(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return true
	}
	addresses, _ := net.InterfaceAddrs() // none is as good as an error
	return slices.ContainsFunc(addresses, func(own net.Addr) bool {
		p, err := netip.ParsePrefix(own.String())
		return err == nil && p.Contains(a)
	})
}

// wait counts the answers that are still to be sent, and says whether there is room for n more.
func (d *discovery) wait(n int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n > 0 && d.waiting >= maxWaiting {
		return false
	}
	d.waiting += n
	return true
}

// may says whether a probe that came by an interface is answered, and whether it is not
// one of too many.
func (d *discovery) may(index int) bool {
	if names := d.server.o.Interfaces; len(names) > 0 {
		i, err := net.InterfaceByIndex(index)
		if err != nil || !slices.Contains(names, i.Name) {
			return false
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := time.Now(); now.Sub(d.second) >= time.Second {
		d.second, d.answered = now, 0
	}
	d.answered++
	return d.answered <= probesASecond
}

// toward is the address that a host sees of this one.
func toward(to *net.UDPAddr) netip.Addr {
	c, err := net.DialUDP("udp", nil, to)
	if err != nil {
		return netip.Addr{}
	}
	defer c.Close()
	at, err := netip.ParseAddrPort(c.LocalAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr()
}

// reply answers after a moment, so that not all devices of a network answer at once,
// and once more (SOAP-over-UDP 1.1, appendix I): there are those who lose what comes
// at the same time. Who asked may be gone.
func (d *discovery) reply(ctx context.Context, to *net.UDPAddr, message []byte) {
	defer d.wait(-1)
	for _, wait := range [...]time.Duration{rand.N(maxDelay), repeatLeast + rand.N(repeatMost-repeatLeast)} {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		if to.IP.To4() != nil {
			_, _ = d.v4.WriteTo(message, nil, to)
		} else {
			_, _ = d.v6.WriteTo(message, nil, to)
		}
	}
}
