package soap

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxRedirects of one call. Devices send from HTTP to HTTPS, and from / to /onvif/.
const maxRedirects = 3

// Options say how to call a device.
type Options struct {
	Credentials Credentials
	Hosts       []string      // host names and addresses, without port, that may be sent the credentials, and no others
	TLS         *tls.Config   // of https:// addresses; nil: certificates are verified against the system's
	Timeout     time.Duration // of one call; 0 is 5 s
}

// Scheme is a way to sign in.
type Scheme string

// Schemes, in the order in which they are tried (Core 5.9.1). Never two at a time:
// some devices refuse both then.
const (
	Unknown Scheme = ""       // nothing that needs signing in has been called with success
	Token   Scheme = "token"  // WS-Security UsernameToken
	Digest  Scheme = "digest" // HTTP digest (RFC 7616); nothing is sent to a device that does not ask
)

// Client calls the services of one device, one call at a time: small devices drop
// calls that come together. It remembers which way of signing in works.
type Client struct {
	options Options
	http    *http.Client
	turn    chan struct{} // held during a call; guards digest

	digest digestState

	mu      sync.Mutex
	offset  time.Duration // how far the device's clock is ahead
	scheme  Scheme
	refused error // what both schemes met, while none has worked: asking again would lock the account
}

// New makes a client.
func New(o Options) *Client {
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	transport := &http.Transport{ // no proxy: cameras are near, and credentials are theirs alone
		DialContext:            (&net.Dialer{Timeout: o.Timeout}).DialContext,
		TLSClientConfig:        o.TLS,
		TLSHandshakeTimeout:    o.Timeout,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConnsPerHost:    1,
		IdleConnTimeout:        10 * time.Second,
	}
	return &Client{
		options: o,
		turn:    make(chan struct{}, 1),
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // post follows, and keeps to the host
		}},
	}
}

// Close gives idle connections back.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// SetClock says how far the device's clock is ahead of this machine's.
func (c *Client) SetClock(offset time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = offset
}

// Scheme is the way to sign in that has worked.
func (c *Client) Scheme() Scheme {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.scheme
}

// Request is one call.
type Request struct {
	URL    *url.URL
	Action string // of WS-Addressing, for the Content-Type
	Header string // XML for the header; may be empty
	Body   string // XML for the body, on one line
	Open   bool   // needs no signing in (PRE_AUTH, Core 5.9.4.3); signed in for only if the device wants it all the same
	Once   bool   // changes the device: not to be sent again by itself when a connection breaks

	Timeout time.Duration // of this call; 0: the client's
}

// Call sends a request and gives the answer. Its error is a *[Fault], a
// *[StatusError], or one of the network.
func (c *Client) Call(ctx context.Context, r Request) (*Envelope, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	signs := !c.options.Credentials.Empty() && c.trusted(r.URL)
	if r.Open || !signs {
		answer, err := c.plain(ctx, r)
		if !signs || !errors.Is(err, ErrUnauthorized) {
			return answer, err
		}
	}
	if err := c.locked(); err != nil {
		return nil, err
	}
	var refused error
	for _, scheme := range c.order() {
		answer, err := c.signed(ctx, r, scheme)
		if !errors.Is(err, ErrUnauthorized) {
			if err == nil && !r.Open {
				c.learn(scheme)
			}
			return answer, err
		}
		// The fault of the way that works tells more than that of the other.
		if refused == nil || c.Scheme() == Unknown {
			refused = err
		}
	}
	return nil, c.lock(refused)
}

// trusted says whether the caller has named the host for its credentials.
func (c *Client) trusted(u *url.URL) bool {
	return slices.ContainsFunc(c.options.Hosts, func(h string) bool { return strings.EqualFold(h, u.Hostname()) })
}

func (c *Client) order() []Scheme {
	if c.Scheme() == Digest {
		return []Scheme{Digest, Token}
	}
	return []Scheme{Token, Digest}
}

func (c *Client) learn(s Scheme) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.scheme = s
}

// lock keeps a refusal, if nothing has ever worked.
func (c *Client) lock(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.scheme == Unknown {
		c.refused = err
	}
	return err
}

func (c *Client) locked() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refused
}

func (c *Client) signed(ctx context.Context, r Request, s Scheme) (*Envelope, error) {
	if s == Digest {
		return c.digested(ctx, r)
	}
	c.mu.Lock()
	at := time.Now().Add(c.offset)
	c.mu.Unlock()
	r.Header += usernameToken(c.options.Credentials, at)
	return c.plain(ctx, r)
}

func (c *Client) plain(ctx context.Context, r Request) (*Envelope, error) {
	answer, header, err := c.post(ctx, r, func(*url.URL) (string, error) { return "", nil })
	c.digest.heard(header)
	return answer, err
}

// post sends a request, and follows redirects within the host. The Authorization
// header is made anew for each address.
func (c *Client) post(ctx context.Context, r Request, authorize func(*url.URL) (string, error)) (*Envelope, http.Header, error) {
	timeout := r.Timeout
	if timeout <= 0 {
		timeout = c.options.Timeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	to := *r.URL
	to.User = nil
	document := write(r.Header, r.Body)
	for range maxRedirects + 1 {
		authorization, err := authorize(&to)
		if err != nil {
			return nil, nil, err
		}
		res, err := c.once(ctx, &to, r, document, authorization)
		if err != nil {
			return nil, nil, err
		}
		next := redirect(res, &to)
		if next == nil {
			answer, err := read(res)
			return answer, res.Header, err
		}
		res.Body.Close()
		if !strings.EqualFold(next.Hostname(), to.Hostname()) || to.Scheme == "https" && next.Scheme != "https" {
			return nil, nil, fmt.Errorf("%w: to %s", ErrRedirected, next.Redacted())
		}
		to = *next
	}
	return nil, nil, fmt.Errorf("%w: more than %d", ErrRedirected, maxRedirects)
}

func (c *Client) once(ctx context.Context, to *url.URL, r Request, document []byte, authorization string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(document))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", `application/soap+xml; charset=utf-8; action="`+r.Action+`"`)
	req.Header.Set("User-Agent", "onvif")
	if !r.Once {
		// It changes nothing, so net/http may send it again when a device has closed an
		// idle connection. An empty list is not sent.
		req.Header["Idempotency-Key"] = []string{}
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	res, err := c.http.Do(req)
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err // the address is told by who names the device
	}
	return res, err
}

// redirect is where an answer sends its caller; nil if nowhere.
func redirect(res *http.Response, from *url.URL) *url.URL {
	switch res.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil
	}
	to, err := from.Parse(res.Header.Get("Location"))
	if err != nil || to.Scheme != "http" && to.Scheme != "https" || to.Host == "" {
		return nil
	}
	to.User = nil
	return to
}

// read reads an answer, whatever its HTTP status is: faults come with 200, 400, 401 and 500.
func read(res *http.Response) (*Envelope, error) {
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, MaxSize+1))
	if err != nil && len(body) == 0 {
		return nil, fmt.Errorf("reading answer: %w", err)
	}
	answer, err := ReadEnvelope(body)
	if fault := (*Fault)(nil); errors.As(err, &fault) {
		fault.Status = res.StatusCode
		return nil, fault
	}
	// Whoever wants a password may say so with a page, which has a document type.
	refused := res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden
	if !refused && (errors.Is(err, ErrTooLarge) || errors.Is(err, ErrDoctype)) {
		return nil, err
	}
	if err != nil || res.StatusCode/100 != 2 {
		return nil, &StatusError{Status: res.StatusCode, Text: Printable(string(body[:min(len(body), 200)]))}
	}
	return answer, nil
}
