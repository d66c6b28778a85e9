package republish

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// TestWhoDoesNotPlayIsLetGo opens connections that say nothing.
func TestWhoDoesNotPlayIsLetGo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	g := &gate{Listener: gathering{l}}
	enter := func() (client net.Conn, server *stranger) {
		t.Helper()
		client, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		c, err := g.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return client, c.(*stranger)
	}
	_, silent := enter()
	_ = silent.Conn.SetReadDeadline(time.Now().Add(-time.Second)) // patience is over
	if err := silent.SetReadDeadline(time.Time{}); err != nil {   // as the library does
		t.Fatal(err)
	}
	if _, err := silent.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a silent connection reads on: %v", err)
	}
	_ = silent.Close()
	_ = silent.Close()
	client, player := enter()
	welcome(player)
	welcome(player)
	if n := g.strangers.Load(); n != 0 {
		t.Errorf("%d strangers", n)
	}
	if _, err := client.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	if _, err := player.Read(make([]byte, 1)); err != nil {
		t.Errorf("a known connection: %v", err)
	}
	if err := player.Close(); err != nil || g.strangers.Load() != 0 {
		t.Errorf("%v, %d strangers", err, g.strangers.Load())
	}
	g.strangers.Store(mostStrangers)
	refused, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = refused.Close() }()
	go func() {
		_, _ = refused.Read(make([]byte, 1)) // until it is closed
		g.strangers.Store(0)
		if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
			_ = c.Close()
		}
	}()
	if c, err := g.Accept(); err != nil || g.strangers.Load() != 1 {
		t.Errorf("%v, %d strangers", err, g.strangers.Load())
	} else {
		_ = c.Close()
	}
}
