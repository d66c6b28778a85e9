package republish

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

// counted counts the writes that reach a connection.
type counted struct {
	net.Conn
	writes int
}

func (c *counted) Write(p []byte) (int, error) {
	c.writes++
	return c.Conn.Write(p)
}

func TestPacketsAreWrittenTogether(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	accepted, err := gathering{l}.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := accepted.(*gathered)
	under := &counted{Conn: c.Conn}
	c.Conn = under
	var sent bytes.Buffer
	for i := range 100 { // 120 kB: at once, in four parts at least
		p := bytes.Repeat([]byte{byte(i)}, 1200)
		sent.Write(p)
		if _, err := c.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Write([]byte("last")); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(client)
	if want := sent.String() + "last"; err != nil || string(got) != want {
		t.Errorf("%v, %d bytes of %d", err, len(got), len(want))
	}
	if under.writes < 4 || under.writes > 40 {
		t.Errorf("%d writes", under.writes)
	}
	if _, err := c.Write([]byte("more")); err == nil {
		t.Error("a closed connection takes more")
	}
}

// TestAStuckReaderIsLetGo fills a connection that nobody reads.
func TestAStuckReaderIsLetGo(t *testing.T) {
	a, b := net.Pipe()
	defer func() { _ = b.Close() }()
	c := &gathered{Conn: a}
	if err := c.SetWriteDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(make([]byte, gatherSize)); err == nil {
		t.Error("nobody reads, and the write has no error")
	}
	if _, err := c.Write([]byte{1}); err == nil {
		t.Error("a connection that is broken takes more")
	}
	_ = c.Close()
}
