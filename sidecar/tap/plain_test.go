package tap_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"

	"pantau/sidecar"
	"pantau/sidecar/tap"
)

// askedInClear is a camera that wants the password in clear; it tells of each request
// whether it got one.
func askedInClear(t *testing.T) (address string, told <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := make(chan string, 1000)
	done := make(chan struct{})
	go func() { // waited for in Cleanup
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return // the test is over
			}
			refuse(conn, c)
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return "rtsp://" + l.Addr().String() + "/s", c
}

// refuse answers requests with a challenge of HTTP Basic until the other hangs up.
func refuse(conn net.Conn, told chan<- string) {
	defer func() { _ = conn.Close() }()
	in := bufio.NewScanner(conn)
	request, number := "", ""
	for in.Scan() {
		line := strings.TrimSpace(in.Text())
		if n, ok := strings.CutPrefix(line, "CSeq: "); ok {
			number = n
		}
		request += line + "\n"
		if line != "" {
			continue
		}
		told <- request
		request = ""
		if _, err := fmt.Fprintf(conn, "RTSP/1.0 401 Unauthorized\r\nCSeq: %s\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n", number); err != nil {
			return
		}
	}
}

// TestThePasswordIsNotSentInClearToWhoMayBeAnother: a camera that is known by its endpoint
// may be followed to an address that somebody else has taken.
func TestThePasswordIsNotSentInClearToWhoMayBeAnother(t *testing.T) {
	for _, endpoint := range []string{"urn:uuid:4d454930-0000-1000-8000-6c5ab5d3a8f1", ""} {
		address, told := askedInClear(t)
		v := watch(t, tap.Options{Source: sidecar.Source{RTSP: address, User: "viewer", Password: sidecar.NewSecret("top-secret"), Endpoint: endpoint}})
		v.state(tap.Faulty)
		v.state(tap.Faulty)
		v.stop()
		sent := false
		for len(told) > 0 {
			request := <-told
			sent = sent || strings.Contains(request, "Authorization: Basic")
		}
		if sent != (endpoint == "") {
			t.Errorf("endpoint %q: sent in clear: %v\n%s", endpoint, sent, v.log)
		}
	}
}
