package onvif

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"

	"pantau/onvif/soap"
)

// maxReply of an RTSP server, headers and description together.
const maxReply = 64 << 10

// ErrNoStream says that nothing is played at an address.
var ErrNoStream = errors.New("no stream there")

// Description is what an RTSP server says of a stream.
type Description struct {
	Stream Stream   // as it was reached
	Codecs []string // of its tracks, by their names in SDP: H264, H265, JPEG, VND.ONVIF.METADATA …
}

// Describe asks the RTSP server whether it plays a stream, without playing it
// (DESCRIBE, RFC 2326 10.2). Behind a NAT the usual ports are tried too.
func (c *Client) Describe(ctx context.Context, s Stream) (Description, error) {
	u, err := url.Parse(s.URL)
	if err != nil {
		return Description{}, c.explain("reading the stream's address", errNoStream)
	}
	tries := []string{portOf(u)}
	if s.Advertised != "" && c.options.RTSPPort == 0 {
		tries = append(tries, "554", "8554")
	}
	var first error
	for i, port := range tries {
		if i > 0 && port == tries[0] {
			continue
		}
		u.Host = joinPort(u.Hostname(), port, u.Scheme)
		codecs, err := c.describe(ctx, u)
		if err == nil {
			return Description{Stream: Stream{URL: u.String(), Advertised: s.Advertised}, Codecs: codecs}, nil
		}
		if first == nil {
			first = err
		}
		if errors.Is(err, soap.ErrUnauthorized) {
			break
		}
	}
	return Description{}, c.explain("describing the stream", first)
}

func (c *Client) describe(ctx context.Context, u *url.URL) ([]string, error) {
	conn, err := dialRTSP(ctx, u, c.options.TLS, c.options.Timeout)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	in := bufio.NewReader(io.LimitReader(conn, 2*maxReply))
	r, err := ask(conn, in, "DESCRIBE", u.String(), 1, "")
	if err == nil && r.status == http.StatusUnauthorized && !c.options.Credentials.Empty() {
		if answer := soap.Authorization(r.header, "DESCRIBE", u.String(), c.options.Credentials); answer != "" {
			r, err = ask(conn, in, "DESCRIBE", u.String(), 2, answer)
		}
	}
	switch {
	case err != nil:
		return nil, err
	case r.status == http.StatusUnauthorized:
		return nil, soap.ErrUnauthorized
	case r.status != http.StatusOK:
		return nil, fmt.Errorf("RTSP status %d: %w", r.status, ErrNoStream)
	}
	return codecsOf(string(r.body)), nil
}

// codecsOf are the names in the rtpmap lines of a description (RFC 4566, 6).
func codecsOf(sdp string) []string {
	var names []string
	for line := range strings.Lines(sdp) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "a=rtpmap:")
		if _, name, found := strings.Cut(rest, " "); ok && found && len(names) < 16 {
			name, _, _ = strings.Cut(name, "/")
			names = append(names, fmt.Sprintf("%.40s", strings.ToUpper(strings.TrimSpace(name))))
		}
	}
	return names
}

func dialRTSP(ctx context.Context, u *url.URL, config *tls.Config, timeout time.Duration) (net.Conn, error) {
	if timeout <= 0 {
		timeout = 5 * time.Second
	}
	d := net.Dialer{Timeout: timeout}
	address := net.JoinHostPort(u.Hostname(), portOf(u))
	var conn net.Conn
	var err error
	if u.Scheme == "rtsps" {
		conn, err = (&tls.Dialer{NetDialer: &d, Config: config}).DialContext(ctx, "tcp", address)
	} else {
		conn, err = d.DialContext(ctx, "tcp", address)
	}
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Now().Add(timeout))
}

// reply is what an RTSP server answers.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// ask sends one RTSP request and reads its reply.
func ask(out io.Writer, in *bufio.Reader, method, url string, sequence int, authorization string) (reply, error) {
	request := fmt.Sprintf("%s %s RTSP/1.0\r\nCSeq: %d\r\nUser-Agent: onvif\r\n", method, url, sequence)
	if method == "DESCRIBE" {
		request += "Accept: application/sdp\r\n"
	}
	if authorization != "" {
		request += "Authorization: " + authorization + "\r\n"
	}
	if _, err := io.WriteString(out, request+"\r\n"); err != nil {
		return reply{}, err
	}
	return readReply(in)
}

// readReply reads a status line, headers and as much of a body as they say.
func readReply(in *bufio.Reader) (reply, error) {
	text := textproto.NewReader(in)
	line, err := text.ReadLine()
	if err != nil {
		return reply{}, fmt.Errorf("reading RTSP reply: %w", err)
	}
	protocol, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	if err != nil || !strings.HasPrefix(protocol, "RTSP/") {
		return reply{}, fmt.Errorf("what answers is no RTSP server: %w", ErrNoStream)
	}
	header, err := text.ReadMIMEHeader()
	if err != nil {
		return reply{}, fmt.Errorf("reading RTSP reply: %w", err)
	}
	r := reply{status: status, header: http.Header(header)}
	if n, _ := strconv.Atoi(r.header.Get("Content-Length")); n > 0 {
		r.body = make([]byte, min(n, maxReply))
		if _, err := io.ReadFull(in, r.body); err != nil {
			return reply{}, fmt.Errorf("reading RTSP reply: %w", err)
		}
	}
	return r, nil
}

// knockRTSP says whether an RTSP server answers at HOST:PORT (OPTIONS, RFC 2326 10.1),
// and what it calls itself.
func knockRTSP(ctx context.Context, address string, timeout time.Duration) (server string, ok bool) {
	u := &url.URL{Scheme: "rtsp", Host: address, Path: "/"}
	conn, err := dialRTSP(ctx, u, nil, timeout)
	if err != nil {
		return "", false
	}
	defer conn.Close()
	r, err := ask(conn, bufio.NewReader(io.LimitReader(conn, maxReply)), "OPTIONS", u.String(), 1, "")
	if err != nil {
		return "", false
	}
	return fmt.Sprintf("%.80s", soap.Printable(r.header.Get("Server"))), true
}
