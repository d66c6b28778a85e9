package whep

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"pantau/sidecar"
)

// Whatever an offer is, the server answers it or says why not, and goes on.
func FuzzAnswer(f *testing.F) {
	server, err := New(Options{Listen: "127.0.0.1:0"})
	if err != nil {
		f.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- server.Run(ctx) }()
	f.Cleanup(func() {
		stop()
		if err := <-over; err != nil {
			f.Error(err)
		}
	})
	server.Camera(sidecar.Camera{ID: "cam"})
	u := unit("a", 0, true, 1)
	u.NALUs = [][]byte{{0x67, 66, 0, 31, 0xff}}
	server.AccessUnit("cam", u)
	whole := strings.Replace(offerOf("packetization-mode=1;profile-level-id=42001f"), "t=0 0\r\n", "t=0 0\r\na=group:BUNDLE 0 1\r\na=fingerprint:sha-256 "+strings.Repeat("AB:", 31)+"AB\r\n", 1) +
		"a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\na=rtcp-mux\r\n" +
		"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\na=sctp-port:5000\r\n"
	f.Add(whole)
	for _, line := range []string{"a=mid:0\r\n", "a=group:BUNDLE 0 1\r\n", "a=setup:actpass\r\n", "a=sctp-port:5000\r\n", "a=recvonly\r\n"} {
		f.Add(strings.Replace(whole, line, "", 1))
		f.Add(strings.Replace(whole, line, line[:4]+"zz\r\n"+line, 1))
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, answer, err := server.begin("cam", []byte(text), false, "", false, func(context.Context) bool { return true })
		if err != nil {
			return
		}
		if !strings.Contains(answer, "a=ice-lite") {
			t.Errorf("the answer is %s", answer)
		}
		v.end(http.ErrServerClosed)
		<-v.done
	})
}
