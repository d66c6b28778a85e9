package tap_test

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/base"

	"pantau/sidecar"
	"pantau/sidecar/tap"
)

// TestShortSessionsOverTCPAreKept plays cameras that send over TCP only, whose sessions
// end after two seconds, and that know one way to keep them: ONVIF compatibility 27, 28.
func TestShortSessionsOverTCPAreKept(t *testing.T) {
	for name, public := range map[string]string{
		"by GET_PARAMETER": "DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER",
		"by OPTIONS":       "DESCRIBE, SETUP, PLAY, TEARDOWN",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			kept := make(chan error, 1)
			done := make(chan struct{})
			go func() { // waited for below
				defer close(done)
				conn, err := l.Accept()
				if err != nil {
					kept <- err
					return
				}
				defer conn.Close()
				kept <- strict(conn, public)
			}()
			watch(t, tap.Options{Source: sidecar.Source{RTSP: "rtsp://" + l.Addr().String() + "/street"}, FirstFrame: 20 * time.Second})
			if err := <-kept; err != nil {
				t.Error(err)
			}
			<-done
			_ = l.Close()
		})
	}
}

// strict is a camera until its session has been kept twice, or for too long not at all.
func strict(conn net.Conn, public string) error {
	const timeout = 2 * time.Second
	r := bufio.NewReader(conn)
	playing, kept := false, 0
	for kept < 2 {
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second)) // a deadline that cannot be set is none
		if playing {
			_ = conn.SetReadDeadline(time.Now().Add(timeout + time.Second)) // this machine may be busy
		}
		var req base.Request
		if err := req.Unmarshal(r); err != nil {
			return fmt.Errorf("the session was kept %d times: %w", kept, err)
		}
		extra, body := "", ""
		switch req.Method {
		case base.Options:
			extra = "Public: " + public + "\r\n"
		case base.Describe:
			extra = "Content-Type: application/sdp\r\n"
			body = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:v\r\n"
		case base.Setup:
			if transport := strings.Join(req.Header["Transport"], ""); !strings.Contains(transport, "RTP/AVP/TCP") {
				return fmt.Errorf("got transport %q, want TCP", transport)
			}
			extra = "Session: 7;timeout=2\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
		case base.Play:
			extra, playing = "Session: 7\r\n", true
		}
		if playing && req.Method != base.Play {
			if want := base.Method("GET_PARAMETER"); (req.Method == want) != strings.Contains(public, string(want)) || !slices.Contains(req.Header["Session"], "7") {
				return fmt.Errorf("the session was to be kept by %s of %q (%s)", req.Method, req.Header["Session"], public)
			}
			kept++
		}
		fmt.Fprintf(conn, "RTSP/1.0 200 OK\r\nCSeq: %s\r\n%sContent-Length: %d\r\n\r\n%s", req.Header["CSeq"][0], extra, len(body), body)
	}
	return nil
}
