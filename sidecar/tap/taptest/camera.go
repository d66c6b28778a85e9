package taptest

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/auth"

	"pantau/sidecar"
	"pantau/sidecar/tap"
)

// clockRate is the RTP clock of all video (RFC 3551), ticks per second.
const clockRate = 90000

// Options say what camera it is.
type Options struct {
	Clip        string         // MP4 file: H.264, H.265 or JPEG
	Addr        string         // host:port of RTSP; empty is 127.0.0.1 and any free port
	Path        string         // of the stream; empty is "/street"
	User        string         // empty: whoever comes may watch
	Password    sidecar.Secret // asked for by digest (RFC 2617)
	StartRTP    uint32         // RTP time of the first picture
	ClockOffset time.Duration  // how far the camera's clock is ahead of this machine's
	NoReports   bool           // no sender reports, as some restreamers do
	TLS         bool           // RTSPS with a self-signed certificate made for the occasion
}

// Camera is a camera made of a file.
type Camera struct {
	options  Options
	listener net.Listener
	udp      []net.PacketConn // RTP, RTCP; nil with TLS
	identity *tls.Certificate // nil without TLS
	server   *gortsplib.Server
	begun    chan struct{} // closed when Run has made the stream, or has failed to

	mu       sync.Mutex
	orders   orders
	password string
	clip     *tap.Clip // owned by Run once it has begun
	stream   *stream   // what is described to new readers; nil before Run
	conns    map[*gortsplib.ServerConn]struct{}
	sessions map[*gortsplib.ServerSession]struct{}
}

// New opens the clip and takes the ports; Run gives both back.
func New(o Options) (*Camera, error) {
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.Path == "" {
		o.Path = "/street"
	}
	c := &Camera{
		options:  o,
		password: o.Password.Reveal(),
		begun:    make(chan struct{}),
		orders:   orders{clockOffset: o.ClockOffset, noReports: o.NoReports},
		conns:    map[*gortsplib.ServerConn]struct{}{},
		sessions: map[*gortsplib.ServerSession]struct{}{},
	}
	if err := c.open(); err != nil {
		c.release()
		return nil, fmt.Errorf("making camera: %w", err)
	}
	return c, nil
}

func (c *Camera) open() (err error) {
	if c.clip, err = tap.OpenClip(c.options.Clip); err != nil {
		return err
	}
	if c.listener, err = net.Listen("tcp", c.options.Addr); err != nil {
		return err
	}
	c.server = &gortsplib.Server{
		Handler:                  (*handler)(c),
		RTSPAddress:              c.listener.Addr().String(),
		WriteQueueSize:           4096, // packets: a key picture of 5 MB
		DisableRTCPSenderReports: true, // ours carry the camera's own clock
		AuthMethods:              []auth.VerifyMethod{auth.VerifyMethodDigestMD5},
		Listen:                   func(string, string) (net.Listener, error) { return c.listener, nil },
	}
	if c.options.TLS {
		if c.identity, err = SelfSigned(); err != nil {
			return err
		}
		c.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*c.identity}}
		return nil
	}
	if c.udp, err = listenPair(c.listener.Addr()); err != nil {
		return err
	}
	c.server.UDPRTPAddress = c.udp[0].LocalAddr().String()
	c.server.UDPRTCPAddress = c.udp[1].LocalAddr().String()
	c.server.ListenPacket = func(_, address string) (net.PacketConn, error) {
		if address == c.server.UDPRTPAddress {
			return c.udp[0], nil
		}
		return c.udp[1], nil
	}
	return nil
}

// listenPair takes two UDP ports, the first one even, as RTP wants them.
func listenPair(near net.Addr) ([]net.PacketConn, error) {
	host, _, err := net.SplitHostPort(near.String())
	if err != nil {
		return nil, err
	}
	for range 100 {
		rtp, err := net.ListenPacket("udp", net.JoinHostPort(host, "0"))
		if err != nil {
			return nil, err
		}
		port := rtp.LocalAddr().(*net.UDPAddr).Port
		if port%2 == 0 {
			rtcp, err := net.ListenPacket("udp", net.JoinHostPort(host, fmt.Sprint(port+1)))
			if err == nil {
				return []net.PacketConn{rtp, rtcp}, nil
			}
		}
		_ = rtp.Close()
	}
	return nil, errors.New("no two UDP ports in a row")
}

// release closes what New opened.
func (c *Camera) release() {
	for _, clip := range []*tap.Clip{c.clip, c.orders.clip} {
		if clip != nil {
			_ = clip.Close()
		}
	}
	if c.listener != nil {
		_ = c.listener.Close()
	}
	for _, conn := range c.udp {
		_ = conn.Close()
	}
}

// Run serves until ctx ends. It may be called once.
func (c *Camera) Run(ctx context.Context) error {
	defer c.release()
	if err := c.server.Start(); err != nil {
		return fmt.Errorf("serving RTSP: %w", err)
	}
	defer c.server.Close()
	p := newPlayer(c)
	err := p.replace()
	close(c.begun)
	if err != nil {
		return err
	}
	return p.run(ctx)
}

// URL is the address of the stream, without user and password.
func (c *Camera) URL() string {
	scheme := "rtsp"
	if c.options.TLS {
		scheme = "rtsps"
	}
	return scheme + "://" + c.listener.Addr().String() + c.options.Path
}

// Fingerprint is the SHA-256 of the certificate in hex, empty without TLS.
func (c *Camera) Fingerprint() string {
	if c.identity == nil {
		return ""
	}
	sum := sha256.Sum256(c.identity.Certificate[0])
	return hex.EncodeToString(sum[:])
}

// Source is the camera as the catalogue would describe it.
func (c *Camera) Source() sidecar.Source {
	return sidecar.Source{
		RTSP:        c.URL(),
		User:        c.options.User,
		Password:    c.options.Password,
		Fingerprint: c.Fingerprint(),
	}
}

// Readers is the number of RTSP sessions.
func (c *Camera) Readers() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.sessions)
}
