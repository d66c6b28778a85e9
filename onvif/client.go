package onvif

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"pantau/onvif/soap"
)

// Namespaces of the services.
const (
	deviceSpace = "http://www.onvif.org/ver10/device/wsdl"
	mediaSpace  = "http://www.onvif.org/ver10/media/wsdl"
	media2Space = "http://www.onvif.org/ver20/media/wsdl"
	eventsSpace = "http://www.onvif.org/ver10/events/wsdl"
)

// devicePath is where every device has its device service (Core 5.1.2).
const devicePath = "/onvif/device_service"

// ports on which devices are seen to serve ONVIF, tried where none is named.
var ports = []string{"80", "8080", "8000", "8899", "2020"}

// Options say how to talk with a device.
type Options struct {
	Credentials soap.Credentials       // go to the dialled host and to no other
	Confirm     func(host string) bool // may this host be sent the credentials? nil: the dialled one may
	TLS         *tls.Config            // of https:// addresses; see [Pin]. nil: the system's certificates
	Timeout     time.Duration          // of one call; 0 is 5 s
	RTSPPort    int                    // of streams, where a port forward changes it; 0: as the device says
}

// Client talks with one device.
type Client struct {
	host     string // as the caller named it
	base     *url.URL
	options  Options
	soap     *soap.Client
	clock    Clock
	services []Service
}

// Service is one of a device's services.
type Service struct {
	Namespace  string   `json:"namespace"`
	Version    string   `json:"version,omitempty"` // major.minor; empty if the device does not say
	Advertised string   `json:"address"`           // as the device gives it
	addresses  []string // to be tried in this order; the first one is what worked last
}

// Dial finds the device at HOST, HOST:PORT or an http:// address, reads its clock and
// its services.
func Dial(ctx context.Context, address string, o Options) (*Client, error) {
	bases, err := candidates(address)
	if err != nil {
		return nil, &Error{Op: "reading the address", Host: address, Err: err, Remedy: "write HOST, HOST:PORT or http://HOST[:PORT]/PATH"}
	}
	host := bases[0].Host
	if len(bases) > 1 {
		host = bases[0].Hostname()
	}
	return dial(ctx, host, bases, o)
}

// dial takes the first of some addresses that answers.
func dial(ctx context.Context, host string, bases []*url.URL, o Options) (*Client, error) {
	c := &Client{host: host, options: o}
	var failed error // of the addresses that were tried first
	for i, group := range o.groups(bases) {
		err := c.find(ctx, group)
		if err == nil || i == 0 {
			failed = err
		}
		if err == nil {
			break
		}
	}
	if failed != nil {
		return nil, explain("asking for the time", host, failed)
	}
	if o.Confirm != nil && !o.Confirm(c.base.Hostname()) {
		c.options.Credentials = soap.Credentials{}
	}
	c.soap = soap.New(soap.Options{Credentials: c.options.Credentials, Hosts: []string{c.base.Hostname()}, TLS: o.TLS, Timeout: o.Timeout})
	if !c.clock.Known { // some want a password even for the time
		if clock, err := clockOf(ctx, c.soap, c.base); err == nil {
			c.clock = clock
		}
	}
	c.soap.SetClock(c.clock.Offset)
	if err := c.readServices(ctx); err != nil {
		c.Close()
		return nil, explain("reading services", c.host, err)
	}
	return c, nil
}

// explain adds the remedy to what went wrong with the device.
func (c *Client) explain(op string, err error) error {
	err = explain(op, c.host, err)
	if e := (*Error)(nil); c.options.Credentials.Empty() && errors.Is(err, soap.ErrUnauthorized) && errors.As(err, &e) {
		e.Remedy = "it wants a user and a password, and none was sent"
	}
	return err
}

// Close gives the connection back.
func (c *Client) Close() { c.soap.Close() }

// Address is the device service that answers.
func (c *Client) Address() string { return c.base.String() }

// Clock is the device's time, as it was when dialled or, later, when [Client.Listen] has
// asked for it again.
func (c *Client) Clock() Clock { return c.clock }

// Scheme is the way of signing in that has worked: what [soap.Unknown] says before.
func (c *Client) Scheme() soap.Scheme { return c.soap.Scheme() }

// Services are all services of the device.
func (c *Client) Services() []Service { return c.services }

// candidates are the addresses of the device service that a text may mean.
func candidates(address string) ([]*url.URL, error) {
	address = strings.TrimSpace(address)
	if !strings.Contains(address, "://") {
		address = "http://" + bracketed(address)
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("no address of a device") // the text may hold a password
	}
	u.User, u.Fragment = nil, ""
	if u.Path == "" || u.Path == "/" {
		u.Path = devicePath
	}
	if u.Port() != "" || u.Scheme == "https" {
		return []*url.URL{u}, nil
	}
	var all []*url.URL
	for _, port := range ports {
		to := *u
		to.Host = joinPort(u.Hostname(), port, "http")
		all = append(all, &to)
	}
	return all, nil
}

// bracketed puts an IPv6 address without brackets into some.
func bracketed(host string) string {
	bare, _, _ := strings.Cut(host, "%")
	if net.ParseIP(bare) != nil && strings.Contains(host, ":") {
		return "[" + strings.Replace(host, "%", "%25", 1) + "]"
	}
	return host
}

// joinPort writes host and port; a scheme's own port is left out.
func joinPort(host, port, scheme string) string {
	if scheme == "http" && port == "80" || scheme == "https" && port == "443" || scheme == "rtsp" && port == "554" || port == "" {
		if strings.Contains(host, ":") {
			return "[" + host + "]"
		}
		return host
	}
	return net.JoinHostPort(host, port)
}

// portOf is the port of an address, that of its scheme where none is named.
func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	case u.Scheme == "rtsp":
		return "554"
	}
	return "80"
}

// groups are the addresses in the order in which they are to be tried: those that may
// be sent the credentials first, and addresses of one link only after others.
func (o Options) groups(bases []*url.URL) [][]*url.URL {
	var groups [4][]*url.URL
	for _, b := range bases {
		rank := 0
		if o.Confirm != nil && !o.Confirm(b.Hostname()) {
			rank = 2
		}
		if a, err := netip.ParseAddr(b.Hostname()); err == nil && a.IsLinkLocalUnicast() {
			rank++
		}
		groups[rank] = append(groups[rank], b)
	}
	return slices.DeleteFunc(groups[:], func(g []*url.URL) bool { return len(g) == 0 })
}

// find asks all candidates for the time at once, as each that is filtered takes a
// timeout, and keeps the first that answers.
func (c *Client) find(ctx context.Context, bases []*url.URL) error {
	type found struct {
		base  *url.URL
		clock Clock
		err   error
	}
	results := make(chan found, len(bases))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, base := range bases {
		go func() { // ends with ctx; its result has room in the channel
			asker := soap.New(soap.Options{TLS: c.options.TLS, Timeout: c.options.Timeout})
			defer asker.Close()
			clock, err := clockOf(ctx, asker, base)
			results <- found{base, clock, err}
		}()
	}
	var first error
	for range bases {
		r := <-results
		if r.err == nil || answers(r.err) {
			c.base, c.clock = r.base, r.clock
			return nil
		}
		// A router's page asks for a password too, so this is kept for the end.
		if errors.Is(r.err, soap.ErrUnauthorized) && c.base == nil {
			c.base = r.base
		}
		if first == nil || r.base == bases[0] {
			first = r.err
		}
	}
	switch {
	case c.base != nil:
		return nil
	case len(bases) > 1 && ctx.Err() == nil:
		return fmt.Errorf("%w: %w", ErrNoDevice, first)
	}
	return first
}

// answers says whether an error is that of a SOAP service: some ask for a password
// even before they tell the time, or do not tell it.
func answers(err error) bool {
	var fault *soap.Fault
	return errors.As(err, &fault)
}

// call asks a service. Where its address has several readings, they are tried in
// turn, and what works is kept.
func (c *Client) call(ctx context.Context, namespace, operation, inner string) (*soap.Element, error) {
	return c.ask(ctx, soap.Request{Action: namespace + "/" + operation}, namespace, operation, inner)
}

// ask is call with more to say: what r has besides address and body.
func (c *Client) ask(ctx context.Context, r soap.Request, namespace, operation, inner string) (*soap.Element, error) {
	s := c.service(namespace)
	if s == nil {
		return nil, fmt.Errorf("%s: %w", namespace, soap.ErrNotSupported)
	}
	var first error
	for i, address := range s.addresses {
		to, err := url.Parse(address)
		if err != nil {
			continue
		}
		r.URL, r.Body = to, `<`+operation+` xmlns="`+namespace+`">`+inner+`</`+operation+`>`
		answer, err := c.soap.Call(ctx, r)
		if err == nil || answers(err) || errors.Is(err, soap.ErrUnauthorized) {
			s.addresses[0], s.addresses[i] = s.addresses[i], s.addresses[0]
			return responseOf(answer, operation, err)
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, first
}

// responseOf is the answer's body, if it is one to the operation.
func responseOf(answer *soap.Envelope, operation string, err error) (*soap.Element, error) {
	if err != nil {
		return nil, err
	}
	if answer.Body == nil || answer.Body.Name != operation+"Response" {
		return nil, fmt.Errorf("device answers %s with something else: %w", operation, soap.ErrNotSupported)
	}
	return answer.Body, nil
}

func (c *Client) service(namespace string) *Service {
	for i := range c.services {
		if c.services[i].Namespace == namespace {
			return &c.services[i]
		}
	}
	return nil
}

// here reads an address that the device gives, as seen from this machine: with the
// host that was dialled, whatever the device believes its own to be. Where the hosts
// differ there is a NAT between, and the dialled port is tried before the device's.
func (c *Client) here(advertised string) []string {
	u, err := c.base.Parse(strings.TrimSpace(advertised))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return nil
	}
	u.User, u.Fragment = nil, ""
	same := strings.EqualFold(u.Hostname(), c.base.Hostname())
	theirs, dialled := *u, *u
	theirs.Host = joinPort(c.base.Hostname(), portOf(u), u.Scheme)
	dialled.Scheme, dialled.Host = c.base.Scheme, c.base.Host
	first, second := dialled.String(), theirs.String()
	// A device that lists HTTPS beside the HTTP on which it was dialled means the same.
	if same && u.Scheme == c.base.Scheme {
		first, second = second, first
	}
	if first == second {
		return []string{first}
	}
	return []string{first, second}
}

// version writes tt:OnvifVersion.
func version(e *soap.Element) string {
	if e.Child("Major") == nil {
		return ""
	}
	return strconv.Itoa(e.Int("Major")) + "." + fmt.Sprintf("%02d", e.Int("Minor"))
}

// HostOf is the host that an address names, without port: of HOST, HOST:PORT or a URL.
// It is empty if the address is none.
func HostOf(address string) string {
	if _, rest, ok := strings.Cut(address, "://"); ok && !strings.HasPrefix(address, "http") {
		address = rest
	}
	urls, err := candidates(address)
	if err != nil {
		return ""
	}
	return urls[0].Hostname()
}
