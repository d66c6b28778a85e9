package republish

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// gatherFor is how long the first packet waits for others: a picture's come together.
	gatherFor = 2 * time.Millisecond
	// gatherSize is from how many bytes on they are written at once.
	gatherSize = 32 << 10
	// kernelSize is what the kernel may hold of a reader that is slow, bytes; 256 kB go
	// over 100 ms at 20 Mbit/s.
	kernelSize = 256 << 10
	// lastWords is how long a connection that is closed may take for what is left.
	lastWords = 50 * time.Millisecond
)

// gathering makes connections that write a picture's packets together.
type gathering struct{ net.Listener }

// Accept waits for the next connection.
func (g gathering) Accept() (net.Conn, error) {
	c, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(kernelSize) // without, it is what the system has
	}
	return &gathered{Conn: c}, nil
}

// gathered is a connection that gathers small writes: one system call a picture and
// not one a packet, which is most of what a reader costs. An error is that of the
// next Write.
type gathered struct {
	net.Conn
	deadline atomic.Int64 // ns since 1970; 0: none

	mu      sync.Mutex
	waiting []byte
	timed   bool // a flush is on its way
	err     error
}

// Write takes p, and writes it soon.
func (c *gathered) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	c.waiting = append(c.waiting, p...)
	switch {
	case len(c.waiting) >= gatherSize:
		c.flush()
	case !c.timed:
		c.timed = true
		time.AfterFunc(gatherFor, c.late) // ends by itself, with the deadline at the latest
	}
	return len(p), c.err
}

func (c *gathered) late() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timed = false
	c.flush()
}

// flush writes what waits. The caller holds mu.
func (c *gathered) flush() {
	if len(c.waiting) == 0 || c.err != nil {
		return
	}
	var until time.Time
	if ns := c.deadline.Load(); ns != 0 {
		until = time.Unix(0, ns)
	}
	if c.err = c.Conn.SetWriteDeadline(until); c.err == nil {
		_, c.err = c.Conn.Write(c.waiting)
	}
	c.waiting = c.waiting[:0]
}

// SetWriteDeadline is for the writes that follow.
func (c *gathered) SetWriteDeadline(t time.Time) error {
	if t.IsZero() {
		c.deadline.Store(0)
		return nil
	}
	c.deadline.Store(t.UnixNano())
	return nil
}

// SetDeadline is for reading and for the writes that follow.
func (c *gathered) SetDeadline(t time.Time) error {
	_ = c.SetWriteDeadline(t)
	return c.SetReadDeadline(t)
}

// Close writes what waits, unless a write is stuck, and closes the connection.
func (c *gathered) Close() error {
	if c.mu.TryLock() {
		c.deadline.Store(time.Now().Add(lastWords).UnixNano())
		c.flush()
		if c.err == nil {
			c.err = net.ErrClosed
		}
		c.mu.Unlock()
	}
	return c.Conn.Close()
}
