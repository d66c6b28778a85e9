package onvif

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// The multicast groups of WS-Discovery (2.4).
var (
	group4 = netip.MustParseAddrPort("239.255.255.250:3702")
	group6 = netip.MustParseAddrPort("[ff02::c]:3702")
)

// again is when probes are repeated at the beginning: datagrams are lost.
var again = []time.Duration{0, 250 * time.Millisecond, time.Second}

// ear probes and listens by multicast. Each interface and family has a socket of its
// own: one alone would be heard on the default route's interface only.
type ear struct {
	heard chan<- sighting
	names []string

	readers sync.WaitGroup
	mu      sync.Mutex
	mouths  map[string]mouth // by interface and family
	near    []netip.Prefix   // networks of all interfaces
}

// mouth is a socket that probes; answers come back to it, from whatever port.
type mouth struct {
	conn  *net.UDPConn
	to    *net.UDPAddr
	hello *net.UDPConn // hears Hello and Bye; nil where another program holds the port alone
}

func (m mouth) close() {
	m.conn.Close()
	if m.hello != nil {
		m.hello.Close()
	}
}

// run probes until it is time to end.
func (e *ear) run(ctx context.Context, s Search) error {
	if s.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.For)
		defer cancel()
	}
	every := s.Every
	if every <= 0 {
		every = time.Minute
	}
	e.mouths = map[string]mouth{}
	defer e.readers.Wait()
	for round := 0; ; round++ {
		e.open(ctx)
		e.probe()
		pause := every
		if round+1 < len(again) {
			pause = again[round+1] - again[round]
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// open takes sockets on interfaces that have come up since the last time. One that
// cannot be had leaves the others alone.
func (e *ear) open(ctx context.Context) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return
	}
	var near []netip.Prefix
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		addresses := prefixes(&i)
		near = append(near, addresses...)
		if i.Flags&net.FlagMulticast == 0 || e.names != nil && !slices.Contains(e.names, i.Name) {
			continue
		}
		for _, own := range addresses {
			e.listen(ctx, &i, own.Addr())
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.near = near
}

// prefixes are an interface's addresses with their networks.
func prefixes(i *net.Interface) []netip.Prefix {
	addresses, err := i.Addrs()
	if err != nil {
		return nil
	}
	var all []netip.Prefix
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// listen takes the sockets of an interface and family, if it has none yet: one that
// probes, and one on port 3702 for Hello and Bye. Of IPv6, multicast goes with
// link-local addresses.
func (e *ear) listen(ctx context.Context, i *net.Interface, own netip.Addr) {
	network, to := "udp4", net.UDPAddrFromAddrPort(group4)
	if own.Is6() {
		if !own.IsLinkLocalUnicast() {
			return
		}
		network, to = "udp6", net.UDPAddrFromAddrPort(group6)
		to.Zone, own = i.Name, own.WithZone(i.Name)
	}
	key := i.Name + " " + network
	if _, ok := e.mouths[key]; ok {
		return
	}
	conn, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(netip.AddrPortFrom(own, 0)))
	if err != nil {
		return // the address is gone again, or not ready yet: next round
	}
	if network == "udp4" {
		err = ipv4.NewPacketConn(conn).SetMulticastInterface(i)
	} else {
		err = ipv6.NewPacketConn(conn).SetMulticastInterface(i)
	}
	if err != nil {
		conn.Close()
		return
	}
	m := mouth{conn: conn, to: to}
	e.read(ctx, conn, "multicast")
	if hello, err := net.ListenMulticastUDP(network, i, to); err == nil {
		m.hello = hello
		e.read(ctx, hello, "hello")
	}
	e.mouths[key] = m
}

// read hears what comes to a socket, and closes it in the end.
func (e *ear) read(ctx context.Context, conn *net.UDPConn, way string) {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	e.readers.Go(func() { // run waits
		defer stop()
		defer conn.Close()
		readAll(ctx, conn, way, e.isNear, e.heard)
	})
}

// isNear says whether an address lies in the network of an interface.
func (e *ear) isNear(a netip.Addr) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !a.IsLoopback() && slices.ContainsFunc(e.near, func(p netip.Prefix) bool { return p.Contains(a.WithZone("")) })
}

// probe sends on all interfaces. A socket that fails is taken anew the next time.
func (e *ear) probe() {
	for key, m := range e.mouths {
		for _, p := range probes() {
			if _, err := m.conn.WriteTo(p, m.to); err != nil {
				m.close()
				delete(e.mouths, key)
				break
			}
		}
	}
}

// maxBacklog is how many bytes of datagrams wait to be read. Many devices answer together,
// and the kernel keeps a few hundred datagrams only.
const maxBacklog = 8 << 20

// datagram is one that has come.
type datagram struct {
	from netip.AddrPort
	data []byte
}

// readAll hears announcements on a socket until it is closed.
func readAll(ctx context.Context, conn *net.UDPConn, way string, near func(netip.Addr) bool, heard chan<- sighting) {
	var waiting atomic.Int64 // bytes
	backlog := make(chan datagram, maxBacklog>>10)
	var receiving sync.WaitGroup
	receiving.Go(func() { // ends with the socket
		defer close(backlog)
		receive(ctx, conn, backlog, &waiting)
	})
	defer receiving.Wait()
	for d := range backlog {
		waiting.Add(-int64(len(d.data)))
		if ctx.Err() != nil {
			continue
		}
		matches, err := readMatches(d.data)
		if err != nil {
			continue // whatever comes to a public port
		}
		for _, m := range matches {
			if !m.camera && !m.bye {
				continue
			}
			host := d.from.Addr().Unmap()
			select {
			case heard <- sighting{device: m.device(host, way, near), from: host, bye: m.bye}:
			case <-ctx.Done():
			}
		}
	}
}

// receive takes datagrams off a socket as fast as they come. What finds no room is lost,
// as datagrams are.
func receive(ctx context.Context, conn *net.UDPConn, backlog chan<- datagram, waiting *atomic.Int64) {
	buffer := make([]byte, 64<<10)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buffer)
		if err != nil {
			if ctx.Err() != nil || !isRefused(err) {
				return
			}
			continue // a host has no such port: ICMP tells it to the socket
		}
		if waiting.Load()+int64(n) > maxBacklog {
			continue
		}
		waiting.Add(int64(n))
		select {
		case backlog <- datagram{from, slices.Clone(buffer[:n])}:
		default:
			waiting.Add(-int64(n))
		}
	}
}
