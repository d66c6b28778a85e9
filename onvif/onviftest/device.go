// Package onviftest is a fake ONVIF device: it answers probes, SOAP and RTSP as a
// camera does, and misbehaves as real ones do when told to. It reads what it is asked
// with code of its own, so that a fault of package onvif does not hide itself.
package onviftest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Profile is one that the device offers.
type Profile struct {
	Token, Name, Source string
	Codec               string // H264, H265, JPEG
	Width, Height       int
	Rate, GOP, BitRate  int
}

// Options say what device it is.
type Options struct {
	HTTP, RTSP     string // HOST:PORT; empty is 127.0.0.1 and any free port
	Probes         string // HOST:3702 for unicast probes; empty: none
	Multicast      bool   // answer multicast probes on all interfaces, and say Hello and Bye
	Endpoint       string // as it stands in answers
	User, Password string // no user: nobody must sign in
	Model          string
	Serial         string
	Profiles       []Profile // nil: a main and a sub-stream
	Quirks         Quirks
}

// Quirks are what real devices do. Numbers are those of docs/onvif-compatibility.md.
type Quirks struct {
	ClockOffset    time.Duration // 1: how far its clock is ahead
	LocalTimeOnly  string        // 2: only LocalDateTime, in this POSIX time zone 7 h east
	ImpossibleDate bool          // 2: 31 February
	DigestOnly     string        // 3: HTTP digest with this algorithm, no UsernameToken
	Page           bool          // 3: asks for a password with a page of HTML, and even before it tells the time
	TokenOnly      bool          // 4: HTTP 400 with a NotAuthorized fault, no challenge
	OneScheme      bool          // 5: both together are refused
	FaultStatus    int           // 6: HTTP status of faults; 0 is 400
	Strict         bool          // 7: answers nothing without action= or to XML with spaces between elements
	Undeclared     bool          // 8: prefixes that are not declared
	BadText        bool          // 9: invalid UTF-8 and a stray < in its information
	Advertised     string        // 10, 11: HOST:PORT in all its addresses
	SeveralXAddrs  bool          // 12: http, https, 169.254 and IPv6 in one string
	NoMedia1       bool          // 19
	NoMedia2       bool          // 19
	Media1Words    bool          // 20: answers Media2 in the words of Media1
	NoServices     bool          // 21: no GetServices
	NoEncoder      bool          // 22: its first profile has no encoder
	StreamURI      string        // 23, 24: the address of every stream, as it stands
	SnapshotURI    string        // 26: the same for snapshots
	NoPicture      bool          // 26: what it sends as a snapshot is a page
	Twice          bool          // 30: answers every probe twice
	NoEndpoint     bool          // 31
	Only           string        // 32: answers probes for this type only: NetworkVideoTransmitter or Device
	OtherPort      bool          // 32: answers probes from another port
	Deaf           int           // 33: probes that get lost at first
	NotCamera      bool          // 34: a computer that answers probes
	NoXAddrs       bool          // 34
	NoMilliseconds bool          // 37: refuses times that are not in milliseconds
	Subscription   string        // 13: the address of every subscription, as it stands
	Parameters     bool          // 14: wants To and the reference parameters back
	AtOnce         bool          // 15: does not hold PullMessages
	NoRenew        bool          // 17: no Renew
	Lifetime       time.Duration // 17: of subscriptions; 0: as it is asked for
	Alone          bool          // 18: hangs up on calls that come together
	NoEvents       bool          // 16: says that it has no pull points, and has
	Redirect       string        // sends every caller there
	Bomb           bool          // answers with entities that grow
}

// Device is a fake device.
type Device struct {
	options Options
	http    net.Listener
	rtsp    net.Listener
	udp     []*net.UDPConn
	nonces  sync.Map // nonces of HTTP digest that were given out → the last count
	mu      sync.Mutex
	calls   map[string]int
	deaf    int
	points  map[string]*point
	last    int          // number of the newest pull point
	cut     bool         // hangs up on everybody
	lose    int          // answers to PullMessages that get lost
	busy    int          // calls that are being answered
	dropped int          // calls that were hung up on
	ahead   atomic.Int64 // how far its clock is, nanoseconds
	stream  string       // the address of every stream, where it is set
	leaked  []string     // credentials that came where none may come
}

// New takes the ports; Run serves them and gives them back.
func New(o Options) (*Device, error) {
	if o.HTTP == "" {
		o.HTTP = "127.0.0.1:0"
	}
	if o.RTSP == "" {
		o.RTSP = "127.0.0.1:0"
	}
	if o.Endpoint == "" {
		o.Endpoint = "urn:uuid:4d454930-0000-1000-8000-" + fmt.Sprintf("%012x", time.Now().UnixNano()&0xffffffffffff)
	}
	if o.Profiles == nil {
		o.Profiles = []Profile{
			{"main", "Main", "vs0", "H264", 1920, 1080, 25, 50, 4096},
			{"sub", "Sub", "vs0", "H264", 640, 360, 10, 20, 512},
		}
	}
	d := &Device{options: o, calls: map[string]int{}, points: map[string]*point{}, deaf: o.Quirks.Deaf, stream: o.Quirks.StreamURI}
	d.SetClock(o.Quirks.ClockOffset)
	var err error
	if d.http, err = net.Listen("tcp", o.HTTP); err != nil {
		return nil, fmt.Errorf("making device: %w", err)
	}
	if d.rtsp, err = net.Listen("tcp", o.RTSP); err == nil {
		err = d.listenUDP()
	}
	if err != nil {
		d.release()
		return nil, fmt.Errorf("making device: %w", err)
	}
	return d, nil
}

func (d *Device) release() {
	d.http.Close()
	if d.rtsp != nil {
		d.rtsp.Close()
	}
	for _, c := range d.udp {
		c.Close()
	}
}

// Run serves until the context ends.
func (d *Device) Run(ctx context.Context) error {
	server := &http.Server{Handler: http.HandlerFunc(d.serve), ReadHeaderTimeout: 10 * time.Second}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(d.http) }) // ends with Close
	serving.Go(func() { d.serveRTSP(ctx) })
	for _, c := range d.udp {
		serving.Go(func() { d.serveProbes(c) })
	}
	d.announce("Hello")
	<-ctx.Done()
	d.announce("Bye")
	d.release()
	err := server.Close()
	serving.Wait()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return err
}

// Address is HOST:PORT of HTTP.
func (d *Device) Address() string { return d.http.Addr().String() }

// RTSPAddress is HOST:PORT of RTSP.
func (d *Device) RTSPAddress() string { return d.rtsp.Addr().String() }

// MoveStream gives every stream another address from now on, as it stands.
func (d *Device) MoveStream(uri string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stream = uri
}

// SetClock sets how far the device's clock is ahead, as NTP or a person does.
func (d *Device) SetClock(ahead time.Duration) { d.ahead.Store(int64(ahead)) }

// Calls is how often an operation was called, whatever the answer.
func (d *Device) Calls(operation string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls[operation]
}

// Credentials are the ways in which somebody has tried to sign in, in their order.
func (d *Device) Credentials() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.leaked
}

// advertised is HOST:PORT as the device gives it.
func (d *Device) advertised(of net.Listener, host string) string {
	if d.options.Quirks.Advertised != "" && of == d.http {
		return d.options.Quirks.Advertised
	}
	if d.options.Quirks.Advertised != "" {
		host, _, _ = net.SplitHostPort(d.options.Quirks.Advertised)
	}
	return net.JoinHostPort(host, strconv.Itoa(of.Addr().(*net.TCPAddr).Port))
}
