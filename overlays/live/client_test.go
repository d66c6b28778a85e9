package live

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// FuzzClient lets a viewer send any bytes after the upgrade. Nothing of it is
// answered but by the end of the view, and nothing is left behind (TestMain).
func FuzzClient(f *testing.F) {
	frame := func(first byte, payload string) []byte { // masked with zeros, RFC 6455 section 5.2
		return append([]byte{first, 0x80 | byte(len(payload)), 0, 0, 0, 0}, payload...)
	}
	f.Add([]byte{})
	f.Add(frame(0x81, `{"type":"hello"}`))
	f.Add(frame(0x82, "\x01\x00\x00\x00"))
	f.Add(frame(0x89, "ping"))
	f.Add(frame(0x88, "\x03\xe8bye"))
	f.Add(frame(0x01, "a first part"))
	f.Add(frame(0xf1, "reserved bits"))
	f.Add([]byte{0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		h := newHub(Options{Write: time.Second})
		served := make(chan struct{})
		ours, theirs := net.Pipe()
		server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(served)
			h.Serve(w, r, "a", false)
		})}
		listener := once{conns: make(chan net.Conn, 1), closed: make(chan struct{})}
		listener.conns <- theirs
		go func() { _ = server.Serve(listener) }()
		defer func() { close(listener.closed); _ = server.Close() }()

		_, _ = io.WriteString(ours, "GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(ours), nil)
		if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("got %v, %v", answer, err)
		}
		go func() { _, _ = io.Copy(io.Discard, ours) }() // ends with ours
		_ = ours.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = ours.Write(said)
		_ = ours.Close()
		select {
		case <-served:
		case <-time.After(10 * time.Second):
			t.Fatalf("the view goes on after %q", said)
		}
		if n, _ := h.Viewers("a"); n != 0 {
			t.Errorf("%d viewers after %q", n, said)
		}
	})
}

// once is a listener with one connection.
type once struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l once) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l once) Close() error   { return nil }
func (l once) Addr() net.Addr { return &net.TCPAddr{} }

// BenchmarkViewers sends pictures of 20 kB over loopback until every viewer has
// read them. What one more viewer costs is its socket: the message is written
// once.
func BenchmarkViewers(b *testing.B) {
	for _, viewers := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("viewers=%d", viewers), func(b *testing.B) {
			h := newHub(Options{})
			address := serve(b, h)
			got := make(chan struct{}, viewers)
			for range viewers {
				conn, _, err := websocket.Dial(b.Context(), address+"/a", nil)
				if err != nil {
					b.Fatal(err)
				}
				conn.SetReadLimit(64 << 20)
				b.Cleanup(func() { _ = conn.CloseNow() })
				go func() { // ends with its connection
					for {
						kind, r, err := conn.Reader(b.Context())
						if err != nil {
							return
						}
						_, _ = io.Copy(io.Discard, r)
						if kind == websocket.MessageBinary {
							got <- struct{}{}
						}
					}
				}()
			}
			watched(b, h, "a", viewers)
			key := unit(b, "e1", 0, sps576)
			key.NALUs[1] = []byte(strings.Repeat("x", 20_000))
			b.ReportAllocs()
			for b.Loop() {
				h.AccessUnit("a", key)
				for range viewers {
					<-got
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*viewers), "µs/viewer")
		})
	}
}

// TestOneMessageForAllViewers counts what the hub allocates for a picture and a
// scene: not more for a hundred viewers than for one.
func TestOneMessageForAllViewers(t *testing.T) {
	allocations := func(viewers int) float64 {
		h := newHub(Options{Queue: 4})
		for range viewers {
			h.camera("a").join(wish{})
		}
		key := unit(t, "e1", 0, sps576)
		feed := func() { h.AccessUnit("a", key) }
		for range 100 {
			feed() // the queues have grown to their size
		}
		return testing.AllocsPerRun(100, feed)
	}
	if one, many := allocations(1), allocations(100); many > one+0.5 {
		t.Errorf("got %v allocations for 100 viewers and %v for one", many, one)
	}
}
