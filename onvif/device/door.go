package device

import (
	"bufio"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Bounds of the connections of one port.
const (
	maxConns   = 256
	maxPerHost = maxPullPoints + 32 // so that no host shuts the others out
	helloIn    = 10 * time.Second   // for the first byte
	idleIn     = 30 * time.Second   // for the next request
)

// door is a port where HTTP and HTTPS come in: the first byte of a TLS connection is 22,
// that of a handshake record (RFC 8446, 5.1), and HTTP begins with a letter.
type door struct {
	net.Listener
	tls     *tls.Config
	plain   chan net.Conn
	secure  chan net.Conn
	slots   chan struct{}
	closed  chan struct{}
	once    sync.Once
	looking sync.WaitGroup

	mu    sync.Mutex
	hosts map[netip.Prefix]int // their connections
}

// newDoor listens. tls may be nil: then there is no HTTPS.
func newDoor(l net.Listener, config *tls.Config) *door {
	return &door{Listener: l, tls: config, plain: make(chan net.Conn), secure: make(chan net.Conn),
		slots: make(chan struct{}, maxConns), closed: make(chan struct{}), hosts: map[netip.Prefix]int{}}
}

// run takes connections until the door is closed.
func (d *door) run() {
	defer d.looking.Wait()
	for {
		select {
		case d.slots <- struct{}{}:
		case <-d.closed:
			return
		}
		conn, err := d.Accept()
		if err != nil {
			<-d.slots
			if errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(50 * time.Millisecond) // out of descriptors, for now
			continue
		}
		host := hostAt(conn.RemoteAddr())
		if !d.enter(host) {
			conn.Close()
			<-d.slots
			continue
		}
		d.looking.Go(func() { d.look(&slotted{Conn: conn, door: d, host: host}) })
	}
}

// hostAt is the host of an address. One host has as many addresses of IPv6 as it likes
// below its 64 bits (RFC 4291, 2.5.4), but all of a link share those of link-local ones.
func hostAt(a net.Addr) netip.Prefix {
	t, _ := a.(*net.TCPAddr)
	if t == nil {
		return netip.Prefix{}
	}
	ip := t.AddrPort().Addr().Unmap().WithZone("")
	bits := ip.BitLen()
	if ip.Is6() && !ip.IsLinkLocalUnicast() {
		bits = 64
	}
	p, _ := ip.Prefix(bits) // no error: they fit
	return p
}

// enter counts a connection of a host; false if it has its share.
func (d *door) enter(host netip.Prefix) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.hosts[host] >= maxPerHost {
		return false
	}
	d.hosts[host]++
	return true
}

// leave gives a place back.
func (d *door) leave(host netip.Prefix) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.hosts[host]--; d.hosts[host] == 0 {
		delete(d.hosts, host)
	}
	<-d.slots
}

// look waits for the first byte.
func (d *door) look(conn net.Conn) {
	stop := make(chan struct{})
	defer close(stop)
	d.looking.Go(func() { // ends with this
		select {
		case <-d.closed:
			conn.Close()
		case <-stop:
		}
	})
	in := bufio.NewReaderSize(conn, 1)
	err := conn.SetReadDeadline(time.Now().Add(helloIn))
	first, failed := in.Peek(1)
	if err != nil || failed != nil || conn.SetReadDeadline(time.Time{}) != nil {
		conn.Close()
		return
	}
	to, begun := d.plain, net.Conn(&peeked{Conn: conn, in: in})
	if first[0] == 22 && d.tls != nil {
		to, begun = d.secure, tls.Server(begun, d.tls)
	}
	select {
	case to <- begun:
	case <-d.closed:
		conn.Close()
	}
}

// Close ends run, and the listeners of both kinds.
func (d *door) Close() error {
	d.once.Do(func() { close(d.closed) })
	return d.Listener.Close()
}

// half is the listener of one kind.
type half struct {
	*door
	conns chan net.Conn
}

// Accept gives the next connection of the kind.
func (h half) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// peeked is a connection whose first byte was looked at.
type peeked struct {
	net.Conn
	in *bufio.Reader
}

// Read reads what was looked at first.
func (p *peeked) Read(b []byte) (int, error) {
	if p.in.Buffered() > 0 {
		return p.in.Read(b)
	}
	return p.Conn.Read(b)
}

// slotted gives its place back when it is closed.
type slotted struct {
	net.Conn
	door *door
	host netip.Prefix
	once sync.Once
}

// Close closes the connection.
func (s *slotted) Close() error {
	s.once.Do(func() { s.door.leave(s.host) })
	return s.Conn.Close()
}

// socket finds the TCP connection below.
func socket(c net.Conn) *net.TCPConn {
	for {
		switch t := c.(type) {
		case *net.TCPConn:
			return t
		case *tls.Conn:
			c = t.NetConn()
		case *peeked:
			c = t.Conn
		case *slotted:
			c = t.Conn
		default:
			return nil
		}
	}
}
