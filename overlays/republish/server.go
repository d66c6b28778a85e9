package republish

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/auth"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/headers"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"

	"pantau/overlays"
	"pantau/overlays/burn"
	"pantau/sidecar"
)

// Options say where and to whom the cameras are given. All but Listen and Passwords
// may be left out.
type Options struct {
	Listen      string        // host:port for RTSP; TCP, and UDP on the two ports after it
	ListenTLS   string        // host:port for RTSPS; empty: none
	Certificate *tls.Config   // for RTSPS
	Multicast   string        // range of addresses for multicast, such as 239.255.0.0/16; empty: none
	Delay       time.Duration // how long pictures are held back for their scenes: 400 ms
	Unmasked    bool          // cameras with masks too: their packets show what the masks hide
	Overlay     burn.Options  // of the pictures with their boxes in them; without Decoder there are none

	// Passwords gives those of an account, or none.
	Passwords func(ctx context.Context, user string) ([]sidecar.Secret, error)
	Log       *slog.Logger
}

// Server gives all cameras. Its methods may be called from several goroutines, and
// none but Run blocks.
type Server struct {
	o       Options
	log     *slog.Logger
	doors   []*door
	cameras overlays.Cameras[camera]
}

// door is one address that is listened on.
type door struct {
	server  *Server
	rtsp    *gortsplib.Server
	address string
	largest int // bytes of an RTP packet
}

// New opens the addresses.
func New(o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Overlay.Delay, o.Overlay.Log = o.Delay, o.Log.With("stage", "overlay")
	s := &Server{o: o, log: o.Log.With("stage", "rtsp")}
	for _, at := range []struct {
		address string
		tls     *tls.Config
	}{{o.Listen, nil}, {o.ListenTLS, o.Certificate}} {
		if at.address == "" {
			continue
		}
		d, err := s.open(at.address, at.tls)
		if err != nil {
			s.close()
			return nil, err
		}
		s.doors = append(s.doors, d)
	}
	return s, nil
}

func (s *Server) open(address string, tls *tls.Config) (*door, error) {
	d := &door{server: s, largest: largestPlain}
	if tls != nil {
		d.largest = largestSecure
	}
	d.rtsp = &gortsplib.Server{
		Handler:     d,
		RTSPAddress: address,
		Listen: func(network, address string) (net.Listener, error) {
			l, err := net.Listen(network, address)
			if err != nil {
				return nil, err
			}
			d.address = l.Addr().String()
			return &gate{Listener: gathering{l}}, nil
		},
		TLSConfig:                tls,
		WriteQueueSize:           1024,
		DisableRTCPSenderReports: true,                                            // ours say the time of the pictures
		AuthMethods:              []auth.VerifyMethod{auth.VerifyMethodDigestMD5}, // FFmpeg gives up where SHA-256 is offered too
	}
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listening for RTSP: %w", err)
	}
	if port, _ := strconv.Atoi(text); tls == nil && port > 0 {
		d.rtsp.UDPRTPAddress = net.JoinHostPort(host, strconv.Itoa(port+port%2+2)) // RFC 3550 clause 11: an even port
		d.rtsp.UDPRTCPAddress = net.JoinHostPort(host, strconv.Itoa(port+port%2+3))
		if s.o.Multicast != "" {
			d.rtsp.MulticastIPRange, d.rtsp.MulticastRTPPort, d.rtsp.MulticastRTCPPort = s.o.Multicast, port+port%2+4, port+port%2+5
		}
	}
	if err := d.rtsp.Start(); err != nil {
		return nil, &sidecar.Fault{Err: fmt.Errorf("listening for RTSP at %s: %w", address, err),
			Hint: "is another program there? Choose another rtsp.listen"}
	}
	return d, nil
}

// Addr is where the RTSP door listens.
func (s *Server) Addr() string {
	if len(s.doors) == 0 {
		return ""
	}
	return s.doors[0].address
}

func (s *Server) close() {
	for _, d := range s.doors {
		d.rtsp.Close()
	}
}

// Run serves until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	failed := make(chan error, len(s.doors))
	for _, d := range s.doors {
		go func() { failed <- d.rtsp.Wait() }()
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		err = fmt.Errorf("serving RTSP: %w", err)
	}
	for _, c := range s.cameras.End() {
		c.remove()
	}
	s.close()
	return err
}

// Camera adds a camera, or changes what is said of it.
func (s *Server) Camera(c sidecar.Camera) {
	if cam := s.cameras.Add(c.ID, func() *camera { return newCamera(s, c.ID) }); cam != nil {
		cam.configure(c, s.o.Unmasked)
	}
}

// Remove forgets a camera and lets its readers go.
func (s *Server) Remove(id string) {
	if cam := s.cameras.Remove(id); cam != nil {
		cam.remove()
	}
}

// AccessUnit takes the next picture of a camera.
func (s *Server) AccessUnit(id string, u *sidecar.AccessUnit) {
	if c := s.cameras.Get(id); c != nil {
		c.accessUnit(u)
	}
}

// Scene takes a finished scene. It must not be changed afterwards.
func (s *Server) Scene(sc *sidecar.Scene) {
	if c := s.cameras.Get(sc.Camera); c != nil {
		c.scene(sc)
	}
}

// Events takes what happened in the scene that comes next.
func (s *Server) Events(id string, events []sidecar.Event) {
	if c := s.cameras.Get(id); c != nil {
		c.happened(events)
	}
}

// Stats says how many readers a camera has, and how its scenes and pictures met.
func (s *Server) Stats(id string) (readers int, joined overlays.Stats) {
	c := s.cameras.Get(id)
	if c == nil {
		return 0, overlays.Stats{}
	}
	return c.stats()
}

// Totals takes what a camera has counted.
func (s *Server) Totals(id string, rows []sidecar.CountRow) {
	if c := s.cameras.Get(id); c != nil && c.burnt != nil {
		c.burnt.burner.Totals(rows)
	}
}

// Burnt says how many read a camera's pictures with their boxes in them, and what
// became of these pictures.
func (s *Server) Burnt(id string) (readers int, pictures burn.Stats) {
	c := s.cameras.Get(id)
	if c == nil || c.burnt == nil {
		return 0, burn.Stats{}
	}
	return c.burnt.stats()
}

// OnDescribe says what a path carries.
func (d *door) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	res, w, err := d.admit(ctx.Conn, ctx.Request, ctx.Path)
	if w == nil {
		return res, nil, err
	}
	return res, w.rtsp, err
}

// OnSetup gives a reader its stream.
func (d *door) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	res, w, err := d.admit(ctx.Conn, ctx.Request, ctx.Path)
	if w == nil {
		return res, nil, err
	}
	if before := wayOf(ctx.Session); before != nil && before != w { // the camera was connected anew meanwhile
		return &base.Response{StatusCode: base.StatusSessionNotFound}, nil, nil
	}
	ctx.Session.SetUserData(w)
	return res, w.rtsp, err
}

// OnPlay begins to give.
func (d *door) OnPlay(ctx *gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	if w := wayOf(ctx.Session); w != nil {
		w.join(ctx.Session)
		welcome(ctx.Conn.NetConn())
	}
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnPause stops giving.
func (d *door) OnPause(ctx *gortsplib.ServerHandlerOnPauseCtx) (*base.Response, error) {
	if w := wayOf(ctx.Session); w != nil {
		w.leave(ctx.Session)
	}
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnSessionClose lets a reader go.
func (d *door) OnSessionClose(ctx *gortsplib.ServerHandlerOnSessionCloseCtx) {
	if w := wayOf(ctx.Session); w != nil {
		w.leave(ctx.Session)
	}
}

// OnStreamWriteError is a reader that is too slow: it loses packets of its own.
func (d *door) OnStreamWriteError(*gortsplib.ServerHandlerOnStreamWriteErrorCtx) {}

// wayOf is what a session reads; nil before it was set up.
func wayOf(session *gortsplib.ServerSession) *way {
	w, _ := session.UserData().(*way)
	return w
}

// admit looks at the password first and at the path second.
func (d *door) admit(conn *gortsplib.ServerConn, req *base.Request, path string) (*base.Response, *way, error) {
	ok, err := d.server.knows(conn, req)
	switch {
	case err != nil:
		d.server.log.Error("looking up a password", "error", err)
		return &base.Response{StatusCode: base.StatusInternalServerError}, nil, nil
	case !ok:
		return &base.Response{StatusCode: base.StatusUnauthorized}, nil, liberrors.ErrServerAuth{}
	}
	id, rest, _ := strings.Cut(strings.Trim(path, "/"), "/")
	if i := strings.Index(rest, "trackID="); i >= 0 {
		rest = strings.Trim(rest[:i], "/")
	}
	c := d.server.cameras.Get(id)
	if c == nil || rest != "" && rest != videoPath && (rest != overlayPath || c.burnt == nil) {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	w, err := c.way(d, rest)
	switch {
	case errors.Is(err, errMasked):
		return &base.Response{StatusCode: base.StatusForbidden}, nil, nil
	case err != nil:
		return &base.Response{StatusCode: base.StatusServiceUnavailable}, nil, nil //nolint:nilerr // its pictures have not come yet
	}
	return &base.Response{StatusCode: base.StatusOK}, w, nil
}

// knows says whether a request's digest is that of an account.
func (s *Server) knows(conn *gortsplib.ServerConn, req *base.Request) (bool, error) {
	var h headers.Authorization
	user := ""
	if err := h.Unmarshal(req.Header["Authorization"]); err == nil {
		user = h.Username
	}
	if user == "" {
		return conn.VerifyCredentials(req, "nobody", "") && false, nil // makes the nonce for the answer
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	passwords, err := s.o.Passwords(ctx, user)
	if err != nil {
		return false, err
	}
	for _, p := range passwords {
		if conn.VerifyCredentials(req, user, p.Reveal()) {
			return true, nil
		}
	}
	return conn.VerifyCredentials(req, "nobody", "") && false, nil
}
