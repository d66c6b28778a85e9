package tap_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/base"

	"pantau/sidecar"
	"pantau/sidecar/tap"
	"pantau/sidecar/tap/taptest"
)

// script is a camera that answers DESCRIBE as it is told, and remembers what it heard.
type script struct {
	net.Listener
	mu    sync.Mutex
	heard []string // Authorization headers
}

// pretend runs a camera that answers DESCRIBE with one response; "" answers nothing at all.
func pretend(t *testing.T, response string) *script {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &script{Listener: l}
	var serving sync.WaitGroup
	serving.Go(func() { // waited for in Cleanup
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { s.serve(conn, response) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		serving.Wait()
	})
	return s
}

func (s *script) serve(conn net.Conn, response string) {
	defer conn.Close()
	if response == "" {
		_, _ = io.Copy(io.Discard, conn)
		return
	}
	response = strings.ReplaceAll(response, "SELF", s.url())
	r := bufio.NewReader(conn)
	for {
		var req base.Request
		if req.Unmarshal(r) != nil {
			return
		}
		s.mu.Lock()
		s.heard = append(s.heard, req.Header["Authorization"]...)
		s.mu.Unlock()
		switch req.Method {
		case base.Describe:
			fmt.Fprintf(conn, "RTSP/1.0 %s\r\n\r\n", strings.ReplaceAll(response, "CSEQ", "CSeq: "+req.Header["CSeq"][0]))
		default:
			fmt.Fprintf(conn, "RTSP/1.0 200 OK\r\nCSeq: %s\r\n\r\n", req.Header["CSeq"][0])
		}
	}
}

func (s *script) url() string { return "rtsp://" + s.Addr().String() + "/street" }

// describes is the answer with a description of a stream.
func describes(media string) string {
	sdp := "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n" + media
	return fmt.Sprintf("200 OK\r\nCSEQ\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", len(sdp), sdp)
}

// TestFaults: what a person must act upon is said, with a remedy, and tried again.
func TestFaults(t *testing.T) {
	broken := t.TempDir() + "/clip.mp4"
	for name, c := range map[string]struct {
		response string
		source   sidecar.Source // instead of a response
		want     error          // nil: any
		text     string         // in cause or hint
	}{
		"path":       {response: "404 Not Found\r\nCSEQ", text: "path"},
		"no user":    {response: "401 Unauthorized\r\nCSEQ\r\nWWW-Authenticate: Digest realm=\"x\", nonce=\"y\"", want: sidecar.ErrUnauthorized},
		"forbidden":  {response: "403 Forbidden\r\nCSEQ", want: sidecar.ErrUnauthorized},
		"no video":   {response: describes("m=audio 0 RTP/AVP 0\r\na=control:a\r\n"), want: sidecar.ErrNoVideo},
		"codec":      {response: describes("m=video 0 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\na=control:v\r\n"), want: sidecar.ErrCodec, text: "VP8"},
		"address":    {source: sidecar.Source{RTSP: "http://" + password + "@x"}, text: "rtsp://"},
		"nothing":    {text: "rtsp://"},
		"no file":    {source: sidecar.Source{File: broken}, text: "no such file"},
		"not a clip": {source: sidecar.Source{File: "fault_test.go"}, text: "MP4"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := c.source
			if c.response != "" {
				source = sidecar.Source{RTSP: pretend(t, c.response).url()}
			}
			v := watch(t, tap.Options{Source: source})
			for range 2 { // it is tried again
				s := v.state(tap.Faulty)
				if s.Hint == "" || c.want != nil && !errors.Is(s.Cause, c.want) {
					t.Errorf("got %v, hint %q; want %v", s.Cause, s.Hint, c.want)
				}
				if all := s.Cause.Error() + s.Hint; !strings.Contains(all, c.text) || strings.Contains(all, password) {
					t.Errorf("got %q, want %q in it and no password", all, c.text)
				}
			}
			if log := v.log.String(); strings.Count(log, "level=ERROR") != 1 || strings.Contains(log, password) {
				t.Errorf("got log %q, want one error", log)
			}
			_, err := tap.Probe(t.Context(), source, time.Second)
			if fault := (*sidecar.Fault)(nil); !errors.As(err, &fault) || strings.Contains(err.Error(), password) {
				t.Errorf("got %v from Probe, want a fault", err)
			}
		})
	}
}

// TestTroubles: what passes by itself is tried again.
func TestTroubles(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	for name, c := range map[string]struct {
		address string
		want    string
		hint    string // of the state, and of Probe
	}{
		"refused":        {"rtsp://" + gone.Addr().String() + "/x", "refused", "nothing listens"},
		"silent":         {pretend(t, "").url(), "no picture came in time", ""},
		"silent TLS":     {strings.Replace(pretend(t, "").url(), "rtsp", "rtsps", 1), "no picture came in time", ""},
		"busy":           {pretend(t, "503 Service Unavailable "+password+"\r\nCSEQ").url(), "503", ""},
		"full":           {pretend(t, "453 Not Enough Bandwidth\r\nCSEQ").url(), "453", "as many readers as it can"},
		"no description": {pretend(t, "200 OK\r\nCSEQ").url(), "describing stream", ""},
		"no RTSP":        {pretend(t, "hello").url(), "describing stream", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := sidecar.Source{RTSP: c.address, User: "viewer", Password: sidecar.NewSecret(password)}
			v := watch(t, tap.Options{Source: source, FirstFrame: 300 * time.Millisecond})
			for range 2 {
				s := v.state(tap.Retrying)
				if !strings.Contains(s.Cause.Error(), c.want) || !strings.Contains(s.Hint, c.hint) || strings.Contains(s.Cause.Error(), password) {
					t.Errorf("got %v and %q, want %q and %q in them and no password", s.Cause, s.Hint, c.want, c.hint)
				}
			}
			v.stop()
			if c.hint != "" {
				if _, err := tap.Probe(t.Context(), source, time.Second); !strings.Contains(err.Error(), c.hint) {
					t.Errorf("got %v from Probe, want %q in it", err, c.hint)
				}
			}
			if log := v.log.String(); strings.Count(log, "level=WARN") != 1 || strings.Contains(log, password) {
				t.Errorf("got log %q, want one warning", log)
			}
		})
	}
}

// TestRedirect: the same host gets the password, another one does not.
func TestRedirect(t *testing.T) {
	asks := "401 Unauthorized\r\nCSEQ\r\nWWW-Authenticate: Basic realm=\"x\""
	other := pretend(t, asks)
	first := pretend(t, "302 Found\r\nCSEQ\r\nLocation: "+other.url())
	source := sidecar.Source{RTSP: first.url(), User: "viewer", Password: sidecar.NewSecret(password)}
	s := watch(t, tap.Options{Source: source}).state(tap.Faulty)
	if !strings.Contains(s.Hint, other.url()) {
		t.Errorf("got hint %q, want the other address in it", s.Hint)
	}
	other.mu.Lock()
	if len(other.heard) > 0 {
		t.Errorf("the other host got %q", other.heard)
	}
	other.mu.Unlock()

	cam := camera(t, taptest.Options{Clip: taptest.MakeClip(t, taptest.Spec{GOP: 5}), User: "-"})
	open := pretend(t, "302 Found\r\nCSEQ\r\nLocation: "+cam.URL())
	if s := watch(t, tap.Options{Source: sidecar.Source{RTSP: open.url()}}).state(tap.Faulty); !errors.Is(s.Cause, sidecar.ErrUnauthorized) {
		t.Errorf("got %v, want that the other camera asks for a password", s.Cause)
	}

	circle := pretend(t, "302 Found\r\nCSEQ\r\nLocation: SELF")
	s = watch(t, tap.Options{Source: sidecar.Source{RTSP: circle.url()}}).state(tap.Retrying)
	if !strings.Contains(s.Cause.Error(), "circles") {
		t.Errorf("got %v, want circles", s.Cause)
	}
}

// TestPasswordInAddress: it is used, and never printed.
func TestPasswordInAddress(t *testing.T) {
	cam := camera(t, taptest.Options{
		Clip: taptest.MakeClip(t, taptest.Spec{GOP: 5}),
		User: "viewer", Password: sidecar.NewSecret("plain-secret"),
	})
	address := strings.Replace(cam.URL(), "rtsp://", "rtsp://viewer:plain-secret@", 1)
	v := watch(t, tap.Options{Source: sidecar.Source{RTSP: address}})
	v.unit(isKey)
	cam.SetPassword("another")
	cam.Drop()
	s := v.state(tap.Faulty)
	v.stop()
	for _, text := range []string{v.log.String(), s.Cause.Error(), s.Hint} {
		if strings.Contains(text, "plain-secret") {
			t.Errorf("the password is in %q", text)
		}
	}
}
