package onviftest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"time"
)

// serveRTSP answers OPTIONS and DESCRIBE (RFC 2326, 10), and plays nothing.
func (d *Device) serveRTSP(ctx context.Context) {
	var serving sync.WaitGroup
	defer serving.Wait()
	for {
		conn, err := d.rtsp.Accept()
		if err != nil {
			return
		}
		serving.Go(func() {
			defer conn.Close()
			stop := context.AfterFunc(ctx, func() { conn.Close() })
			defer stop()
			_ = conn.SetDeadline(time.Now().Add(30 * time.Second)) // a deadline that cannot be set is none
			d.talk(conn)
		})
	}
}

func (d *Device) talk(conn net.Conn) {
	in := textproto.NewReader(bufio.NewReader(io.LimitReader(conn, 64<<10)))
	for {
		line, err := in.ReadLine()
		if err != nil {
			return
		}
		header, err := in.ReadMIMEHeader()
		if err != nil {
			return
		}
		words := strings.Fields(line)
		if len(words) != 3 {
			return
		}
		status, extra, body := d.reply(words[0], words[1], http.Header(header))
		fmt.Fprintf(conn, "RTSP/1.0 %d %s\r\nCSeq: %s\r\nServer: fake camera\r\n", status, http.StatusText(status), header.Get("CSeq"))
		for k, v := range extra {
			fmt.Fprintf(conn, "%s: %s\r\n", k, v[0])
		}
		fmt.Fprintf(conn, "Content-Length: %d\r\n\r\n%s", len(body), body)
	}
}

func (d *Device) reply(method, uri string, header http.Header) (int, http.Header, string) {
	extra := http.Header{}
	u, err := url.Parse(uri)
	switch {
	case method == "OPTIONS":
		extra.Set("Public", "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN")
		return http.StatusOK, extra, ""
	case method != "DESCRIBE" || err != nil:
		return http.StatusNotImplemented, extra, ""
	case d.options.User != "" && !d.digestRight(header.Get("Authorization"), method, uri):
		d.challenge(extra)
		return http.StatusUnauthorized, extra, ""
	}
	for _, p := range d.profiles() {
		if "/"+p.Token == u.Path {
			extra.Set("Content-Type", "application/sdp")
			return http.StatusOK, extra, "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=fake\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 " + p.Codec + "/90000\r\n"
		}
	}
	return http.StatusNotFound, extra, ""
}
