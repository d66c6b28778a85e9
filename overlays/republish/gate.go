package republish

import (
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// patience is how long a connection may take until it plays.
	patience = 30 * time.Second
	// mostStrangers is how many connections may be open that do not play yet.
	mostStrangers = 500
)

// gate lets connections in, and lets go of those that come to nothing: the library
// waits for ever, and a connection costs before it says who it is.
type gate struct {
	net.Listener
	strangers atomic.Int32
}

// Accept waits for the next connection.
func (g *gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if g.strangers.Add(1) > mostStrangers {
			g.strangers.Add(-1)
			_ = c.Close()
			continue
		}
		s := &stranger{Conn: c, gate: g}
		return s, c.SetReadDeadline(time.Now().Add(patience))
	}
}

// stranger is a connection that may read for so long as patience lasts, or for ever
// once it is known.
type stranger struct {
	net.Conn
	gate *gate

	mu    sync.Mutex
	known bool
	left  bool // the gate does not count it any more
}

// SetReadDeadline does nothing until the connection is known.
func (s *stranger) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.known {
		return nil
	}
	return s.Conn.SetReadDeadline(t)
}

// Close closes the connection.
func (s *stranger) Close() error {
	s.leave()
	return s.Conn.Close()
}

// leave takes it out of the gate's count.
func (s *stranger) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.left {
		s.left = true
		s.gate.strangers.Add(-1)
	}
}

// welcome says that a connection plays.
func welcome(c net.Conn) {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	s, ok := c.(*stranger)
	if !ok {
		return
	}
	s.leave()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.known {
		s.known = true
		_ = s.Conn.SetReadDeadline(time.Time{})
	}
}
