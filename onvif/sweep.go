package onvif

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"pantau/onvif/soap"
)

const (
	maxRange  = 1 << 16                // addresses of one range
	patience  = 700 * time.Millisecond // for an answer to a unicast probe (APP_MAX_DELAY is 500 ms), and for a TCP connection
	knockTime = 3 * time.Second        // for an answer on a port that is open
	knockers  = 256                    // addresses that are looked at at a time
)

// rtspPorts are knocked at where no ONVIF answers.
var rtspPorts = []string{"554", "8554"}

// host is something that was named by hand.
type host struct {
	name string
	urls []*url.URL // of the device service; several if no port was named
}

// hosts reads what was named, and checks the ranges.
func (s Search) hosts() ([]host, error) {
	var all []host
	for _, text := range s.Hosts {
		urls, err := candidates(text)
		if err != nil {
			return nil, &Error{Op: "reading the host", Host: text, Err: err, Remedy: "write HOST, HOST:PORT or http://HOST[:PORT]/PATH"}
		}
		all = append(all, host{name: urls[0].Hostname(), urls: urls})
	}
	for _, p := range s.Ranges {
		if bits := p.Addr().BitLen() - p.Bits(); !p.IsValid() || 1<<min(bits, 62) > maxRange {
			return nil, &Error{Op: "reading the range", Host: p.String(), Err: errors.New("too many addresses"),
				Remedy: fmt.Sprintf("name ranges of at most %d addresses, such as a /16", maxRange)}
		}
	}
	return all, nil
}

// sweeper looks at addresses one by one.
type sweeper struct {
	heard chan<- sighting
	conn4 *net.UDPConn // nil where there is no such family
	conn6 *net.UDPConn

	mu       sync.Mutex
	answered map[netip.Addr]bool // only those that were asked
}

// sweep looks at all hosts and ranges once: by a probe first, and at their ports if
// nothing answers.
func sweep(ctx context.Context, s Search, hosts []host, heard chan<- sighting) error {
	if len(hosts) == 0 && len(s.Ranges) == 0 {
		return nil
	}
	w := &sweeper{heard: heard, answered: map[netip.Addr]bool{}}
	var readers sync.WaitGroup
	defer readers.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for network, conn := range map[string]**net.UDPConn{"udp4": &w.conn4, "udp6": &w.conn6} {
		c, err := net.ListenUDP(network, nil)
		if err != nil {
			continue
		}
		_ = c.SetReadBuffer(1 << 20) // many answer together; less than that is no fault
		*conn = c
		context.AfterFunc(ctx, func() { c.Close() })
		readers.Go(func() { w.read(ctx, c) })
	}
	err := w.all(ctx, s, hosts)
	w.linger(ctx)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// linger waits for answers that are late, while some still come.
func (w *sweeper) linger(ctx context.Context) {
	const most = 30 // times patience
	before := -1
	for range most {
		asked, answered := w.count()
		if answered == asked || answered == before || ctx.Err() != nil {
			return
		}
		before = answered
		pause(ctx, patience)
	}
}

// count is how many were asked by a probe, and how many of them have answered.
func (w *sweeper) count() (asked, answered int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, yes := range w.answered {
		if yes {
			answered++
		}
	}
	return len(w.answered), answered
}

func (w *sweeper) all(ctx context.Context, s Search, hosts []host) error {
	perSecond := s.Rate
	if perSecond <= 0 {
		perSecond = 100
	}
	limit := rate.NewLimiter(rate.Limit(perSecond), 1)
	var looking errgroup.Group
	looking.SetLimit(knockers)
	defer func() { _ = looking.Wait() }() // none gives an error
	for _, h := range hosts {
		looking.Go(func() error {
			if !w.look(ctx, h, "hand") && ctx.Err() == nil {
				w.look(ctx, h, "hand") // it was named, so it is there: a busy one gets a second chance
			}
			return nil
		})
	}
	for _, p := range s.Ranges {
		p = p.Masked()
		for a := p.Addr(); p.Contains(a); a = a.Next() {
			if a.Is4() && p.Bits() < 31 && (a == p.Addr() || !p.Contains(a.Next())) {
				continue // the network's and the broadcast address
			}
			if err := limit.Wait(ctx); err != nil {
				return err
			}
			urls, err := candidates(a.String())
			if err != nil {
				return err
			}
			looking.Go(func() error { w.look(ctx, host{a.String(), urls}, "port"); return nil })
		}
	}
	return nil
}

// look asks one host, and says whether something was found.
func (w *sweeper) look(ctx context.Context, h host, way string) bool {
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", h.name)
	if err != nil || len(addresses) == 0 {
		return false
	}
	address := addresses[0].Unmap()
	// A named port may lead to another device than the host's own, behind a port forward.
	if len(h.urls) > 1 && w.probed(ctx, address) {
		return true
	}
	var knocking sync.WaitGroup
	found := make(chan bool, len(h.urls))
	for _, u := range h.urls {
		knocking.Go(func() { found <- w.knockONVIF(ctx, u, address, way) })
	}
	knocking.Wait()
	for range h.urls {
		if <-found {
			return true
		}
	}
	doors := rtspPorts
	if len(h.urls) == 1 {
		doors = []string{portOf(h.urls[0])}
	}
	for _, port := range doors {
		server := net.JoinHostPort(h.name, port)
		if name, ok := knockRTSP(ctx, server, patience); ok {
			w.tell(ctx, sighting{device: Device{RTSP: server, Name: name, Found: []string{way}}, from: address})
			return true
		}
	}
	return false
}

// probed asks by WS-Discovery, twice, and says whether an answer has come.
func (w *sweeper) probed(ctx context.Context, a netip.Addr) bool {
	conn := w.conn4
	if a.Is6() {
		conn = w.conn6
	}
	if conn == nil {
		return false
	}
	w.mu.Lock()
	w.answered[a] = false
	w.mu.Unlock()
	for range 2 {
		for _, p := range probes() {
			_, _ = conn.WriteToUDPAddrPort(p, netip.AddrPortFrom(a, group4.Port())) // a host that cannot be reached does not answer
		}
		select {
		case <-ctx.Done():
			return true
		case <-time.After(patience / 2):
		}
		w.mu.Lock()
		yes := w.answered[a]
		w.mu.Unlock()
		if yes {
			return true
		}
	}
	return false
}

// read hears answers. They count for the host that sends them, if it was asked.
func (w *sweeper) read(ctx context.Context, conn *net.UDPConn) {
	answers := make(chan sighting)
	var passing sync.WaitGroup
	passing.Go(func() {
		for s := range answers {
			w.mu.Lock()
			_, asked := w.answered[s.from]
			if asked {
				w.answered[s.from] = true
			}
			w.mu.Unlock()
			if asked {
				w.tell(ctx, s)
			}
		}
	})
	readAll(ctx, conn, "unicast", func(netip.Addr) bool { return false }, answers)
	close(answers)
	passing.Wait()
}

func (w *sweeper) tell(ctx context.Context, s sighting) {
	select {
	case w.heard <- s:
	case <-ctx.Done():
	}
}

// knockONVIF asks a port for the time, if it is open.
func (w *sweeper) knockONVIF(ctx context.Context, u *url.URL, address netip.Addr, way string) bool {
	d := net.Dialer{Timeout: patience}
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), portOf(u)))
	if err != nil {
		return false
	}
	conn.Close()
	c := soap.New(soap.Options{Timeout: knockTime})
	defer c.Close()
	_, err = clockOf(ctx, c, u)
	wantsPassword := way == "hand" && errors.Is(err, soap.ErrUnauthorized) // in a range it may be anybody's page
	if err != nil && !answers(err) && !wantsPassword {
		return false
	}
	w.tell(ctx, sighting{device: Device{Addresses: []string{u.String()}, Found: []string{way}}, from: address})
	return true
}

// isRefused says whether an error of a socket is about one datagram only.
func isRefused(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH)
}

// hostPort is an address's HOST:PORT.
func hostPort(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return net.JoinHostPort(u.Hostname(), portOf(u))
}
