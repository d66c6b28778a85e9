package onvif

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"pantau/onvif/soap"
)

// Stream is where a profile is played.
type Stream struct {
	URL        string `json:"url"`                  // rtsp:// or rtsps://, as seen from this machine, without user and password
	Advertised string `json:"advertised,omitempty"` // as the device gives it, redacted, where that differs: there is a NAT between, or the device has moved
}

// Stream asks for the RTSP address of a profile, for RTP over the RTSP connection
// (Media2 5.4.1, Media 5.15.1).
func (c *Client) Stream(ctx context.Context, p Profile) (Stream, error) {
	token := "<ProfileToken>" + soap.Escape(p.Token) + "</ProfileToken>"
	inner := "<Protocol>RTSP</Protocol>" + token
	if !p.Media2 {
		inner = `<StreamSetup><Stream xmlns="http://www.onvif.org/ver10/schema">RTP-Unicast</Stream>` +
			`<Transport xmlns="http://www.onvif.org/ver10/schema"><Protocol>RTSP</Protocol></Transport></StreamSetup>` + token
	}
	body, err := c.call(ctx, p.space(), "GetStreamUri", inner)
	if err != nil {
		return Stream{}, c.explain("asking for the stream's address", err)
	}
	s, err := c.stream(body.Find("Uri").Text())
	return s, c.explain("reading the stream's address", err)
}

// stream reads an address that the device gives.
func (c *Client) stream(text string) (Stream, error) {
	u, err := lenient(text)
	if err != nil || u.Scheme != "rtsp" && u.Scheme != "rtsps" {
		return Stream{}, fmt.Errorf("got %.80q: %w", Redact(text), errNoStream)
	}
	u.User = nil // the caller's go out of band
	s := Stream{}
	port := u.Port()
	if c.options.RTSPPort > 0 {
		port = strconv.Itoa(c.options.RTSPPort)
	}
	if host := c.base.Hostname(); !strings.EqualFold(u.Hostname(), host) || port != u.Port() {
		s.Advertised = Redact(u.String())
		u.Host = joinPort(host, port, u.Scheme)
	}
	s.URL = u.String()
	return s, nil
}

var errNoStream = errors.New("no rtsp:// address")

var severalPorts = regexp.MustCompile(`^([a-z]+://)([^/?#]*@)?([^/?#:@\[\]]+)(?::\d+)*:(\d+)([/?#].*)?$`)

// lenient reads an address as devices write it: with line breaks, and with two ports,
// of which the last one is meant.
func lenient(text string) (*url.URL, error) {
	text = strings.Join(strings.Fields(text), "")
	u, err := url.Parse(text)
	if err != nil {
		if m := severalPorts.FindStringSubmatch(text); m != nil {
			u, err = url.Parse(m[1] + m[3] + ":" + m[4] + m[5])
		}
	}
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("no address") // the text may hold a password
	}
	return u, nil
}

// Snapshot asks for the address of a JPEG of the profile. Empty: the device has none,
// or gives one that is no picture's.
func (c *Client) Snapshot(ctx context.Context, p Profile) (string, error) {
	body, err := c.call(ctx, p.space(), "GetSnapshotUri", "<ProfileToken>"+soap.Escape(p.Token)+"</ProfileToken>")
	if errors.Is(err, soap.ErrNotSupported) {
		return "", nil
	}
	if err != nil {
		return "", c.explain("asking for the snapshot's address", err)
	}
	u, bad := lenient(body.Find("Uri").Text())
	if bad != nil {
		return "", nil //nolint:nilerr // no address is no snapshot
	}
	if addresses := c.here(u.String()); len(addresses) > 0 {
		return addresses[0], nil
	}
	return "", nil // rtsp:// is no picture's
}

var secretWords = regexp.MustCompile(`(?i)((?:pass(?:word|wd)?|pwd|user(?:name)?|usr|token|auth)=)[^&/;?#]*`)

// Redact takes user and password out of an address: those before the host, and those
// that some devices write into path and query.
func Redact(address string) string {
	if scheme, rest, ok := strings.Cut(address, "://"); ok {
		authority, path, _ := strings.Cut(rest, "/")
		if at := strings.LastIndexByte(authority, '@'); at >= 0 {
			rest = authority[at+1:] + rest[len(authority):]
		} else if at := strings.LastIndexByte(path, '@'); at >= 0 && strings.Contains(authority, ":") && !portLike(authority) {
			rest = path[at+1:] // a password with a slash in it
		}
		address = scheme + "://" + rest
	}
	return secretWords.ReplaceAllString(address, "${1}•••")
}

// portLike says whether what follows the last colon is a port.
func portLike(authority string) bool {
	_, err := strconv.Atoi(authority[strings.LastIndexByte(authority, ':')+1:])
	return err == nil || strings.HasSuffix(authority, "]")
}
