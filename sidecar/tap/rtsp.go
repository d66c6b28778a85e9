package tap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"

	"pantau/sidecar"
)

// maxRedirects is how often a camera may send us elsewhere.
const maxRedirects = 3

// farewell is how long a TEARDOWN may take before the connection is cut.
const farewell = 2 * time.Second

// playRTSP plays a camera until it ends, the watchdog bites or ctx ends.
func (s *session) playRTSP(ctx context.Context, source sidecar.Source) error {
	address, user, err := parseAddress(source)
	if err != nil {
		return err
	}
	o := s.tap.options
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	dog := newWatchdog(o.FirstFrame, o.NextFrame, cancel)
	defer dog.stop()
	for range 1 + maxRedirects {
		link := &link{session: s, source: source, fed: dog.feed}
		err := link.play(ctx, address, user)
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		if link.elsewhere == "" {
			return err
		}
		if address, user, err = redirect(link.elsewhere, address, user); err != nil {
			return err
		}
	}
	return errors.New("camera redirects in circles")
}

// redirect is where a camera sends us. The password does not come along to
// another host: it was given for this one.
func redirect(location string, from *base.URL, user *url.Userinfo) (*base.URL, *url.Userinfo, error) {
	to, err := base.ParseURL(location)
	if err != nil {
		return nil, nil, errors.New("camera redirects to an address that is none")
	}
	to.User = nil
	if to.Scheme == from.Scheme && to.Host == from.Host {
		return to, user, nil
	}
	if user != nil {
		return nil, nil, &sidecar.Fault{
			Err:  errors.New("camera redirects to another host"),
			Hint: "if that is meant, set it as the camera's address: " + to.String(),
		}
	}
	return to, nil, nil
}

// parseAddress splits a source into an address without user information, and
// that. Its errors do not repeat the address: a password may stand in it.
func parseAddress(source sidecar.Source) (*base.URL, *url.Userinfo, error) {
	address, err := base.ParseURL(source.RTSP)
	if err != nil || address.Hostname() == "" {
		return nil, nil, &sidecar.Fault{
			Err:  errors.New("not an RTSP address"),
			Hint: "write it as rtsp://host:554/path or rtsps://host:322/path",
		}
	}
	user := address.User
	address.User = nil
	if source.User != "" {
		user = url.UserPassword(source.User, source.Password.Reveal())
	}
	return address, user, nil
}

// link is one RTSP connection.
type link struct {
	*session
	source    sidecar.Source
	fed       func() // called for every picture that can be used
	elsewhere string // where the camera redirects to

	mu   sync.Mutex
	conn net.Conn // to be cut if the camera does not let us go
}

// play connects and reads until the connection ends.
func (l *link) play(ctx context.Context, address *base.URL, user *url.Userinfo) error {
	client := l.client(address)
	if err := client.Start2(); err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { // waited for below
		defer close(closed)
		l.close(client)
	})
	defer func() {
		if stop() {
			l.close(client)
			return
		}
		<-closed
	}()
	address = address.Clone()
	address.User = user
	desc, _, err := client.Describe(address)
	if err != nil {
		return fmt.Errorf("describing stream: %w", err)
	}
	media, form, err := chooseVideo(desc)
	if err != nil {
		return err
	}
	if _, err := client.Setup(desc.BaseURL, media, 0, 0); err != nil {
		return fmt.Errorf("setting up stream: %w", err)
	}
	l.listen(client, media, form)
	if _, err := client.Play(nil); err != nil {
		return fmt.Errorf("starting stream: %w", err)
	}
	return fmt.Errorf("reading stream: %w", client.Wait())
}

// client prepares a connection. The library's own deadlines are put behind the
// watchdog's, its logging is turned into counters, and redirects are ours: it
// would send the password along.
func (l *link) client(address *base.URL) *gortsplib.Client {
	o := l.tap.options
	transport := gortsplib.TransportTCP
	if l.source.Transport == sidecar.UDP {
		transport = gortsplib.TransportUDP
	}
	patience := max(o.FirstFrame, o.NextFrame) + time.Second
	return &gortsplib.Client{
		Scheme:                address.Scheme,
		Host:                  address.Host,
		Transport:             &transport,
		TLSConfig:             tlsConfig(l.source.Fingerprint),
		ReadTimeout:           patience,
		InitialUDPReadTimeout: patience,
		WriteTimeout:          farewell,
		UserAgent:             "Pantau",
		DialContext:           l.dial,
		OnResponse:            l.intercept,
		OnPacketsLost:         func(n uint64) { l.tap.count(func(st *Stats) { st.LostPackets += n }) },
		OnDecodeError:         func(error) { l.tap.count(func(st *Stats) { st.Garbage++ }) },
		OnTransportSwitch:     func(error) {},
	}
}

func (l *link) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn = conn
	return conn, err
}

// intercept keeps redirects from the library, and, from a camera that may be somebody
// else, requests to send the password in clear.
func (l *link) intercept(r *base.Response) {
	if l.source.Endpoint != "" {
		r.Header["WWW-Authenticate"] = slices.DeleteFunc(r.Header["WWW-Authenticate"], func(challenge string) bool {
			return !strings.HasPrefix(strings.ToLower(strings.TrimSpace(challenge)), "digest ")
		})
	}
	if location := r.Header["Location"]; r.StatusCode/100 == 3 && len(location) == 1 {
		l.elsewhere = location[0]
		delete(r.Header, "Location")
	}
}

// close takes leave of the camera, which may have few sessions to give away.
func (l *link) close(client *gortsplib.Client) {
	cut := time.AfterFunc(farewell, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.conn != nil {
			_ = l.conn.Close()
		}
	})
	defer cut.Stop()
	client.Close()
}

// chooseVideo takes the first video track with a codec that is understood.
func chooseVideo(desc *description.Session) (*description.Media, format.Format, error) {
	err := error(&sidecar.Fault{Err: sidecar.ErrNoVideo, Hint: "take the address of a video profile of the camera"})
	for _, media := range desc.Medias {
		if media.Type != description.MediaTypeVideo || media.IsBackChannel {
			continue
		}
		for _, f := range media.Formats {
			switch f.(type) {
			case *format.H264, *format.H265, *format.MJPEG:
				return media, f, nil
			}
			err = &sidecar.Fault{
				Err:  fmt.Errorf("%w: %s", sidecar.ErrCodec, f.Codec()),
				Hint: "set the camera's profile to H.264",
			}
		}
	}
	return nil, nil, err
}

// listen leads the packets of a track into the session.
func (l *link) listen(client *gortsplib.Client, media *description.Media, form format.Format) {
	switch f := form.(type) {
	case *format.H264:
		l.params = parameters{codec: sidecar.H264}
		l.params.learn(sps, f.SPS)
		l.params.learn(pps, f.PPS)
	case *format.H265:
		l.params = parameters{codec: sidecar.H265}
		l.params.learn(vps, f.VPS)
		l.params.learn(sps, f.SPS)
		l.params.learn(pps, f.PPS)
	default:
		l.params = parameters{codec: sidecar.MJPEG}
	}
	d := &depacketiser{
		codec:   l.params.codec,
		keyOnly: l.tap.options.KeyFrames,
		keep:    l.tap.options.Packets,
		garbage: func() { l.tap.count(func(st *Stats) { st.Garbage++ }) },
		done: func(p picture) {
			if l.picture(p) {
				l.fed()
			}
		},
	}
	client.OnPacketRTP(media, form, d.push)
	client.OnPacketRTCP(media, l.report)
}
