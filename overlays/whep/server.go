package whep

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"
	"golang.org/x/net/netutil"

	"pantau/overlays"
	"pantau/sidecar"
)

// Options say where and how the cameras are given. Zero values are the defaults, but of
// Listen.
type Options struct {
	Listen    string        // host:port, UDP and TCP
	Advertise []netip.Addr  // the addresses that viewers are told, where they reach us by others than ours; none: ours
	Delay     time.Duration // how long pictures are held back for their scenes: 400 ms
	Unmasked  bool          // cameras with masks too: their pictures show what the masks hide

	Renditions overlays.Renditions // for who cannot or may not have the cameras' own pictures; nil: there are none

	Viewers    int // at once: 200
	PerCamera  int // of them: 20
	GroupBytes int // compressed pictures kept per camera for new viewers: 4 MiB
	QueueBytes int // what waits for one viewer: 4 MiB
	Queue      int // moments that wait for one viewer: 600
	Log        *slog.Logger
}

// Server gives all cameras. Its methods may be called from several goroutines; none but
// Run and ServeHTTP blocks.
type Server struct {
	o        Options
	log      *slog.Logger
	udp      net.PacketConn
	tcp      net.Listener
	udpMux   ice.UDPMux
	tcpMux   ice.TCPMux
	settings webrtc.SettingEngine
	recheck  time.Duration // how often a session looks whether its account still may watch
	cameras  overlays.Cameras[camera]

	mu       sync.Mutex
	sessions map[string]*session
}

// New opens the port.
func New(o Options) (*Server, error) {
	fallback(&o.Delay, 400*time.Millisecond)
	fallback(&o.Viewers, 200)
	fallback(&o.PerCamera, 20)
	fallback(&o.GroupBytes, 4<<20)
	fallback(&o.QueueBytes, 4<<20)
	fallback(&o.Queue, 600)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{o: o, log: o.Log.With("stage", "whep"), recheck: recheckEvery, sessions: map[string]*session{}}
	if err := s.listen(); err != nil {
		return nil, &sidecar.Fault{Err: fmt.Errorf("listening for WebRTC at %s: %w", o.Listen, err),
			Hint: "is another program there? Choose another whep.listen"}
	}
	s.configure()
	return s, nil
}

func fallback[T int | time.Duration](v *T, other T) {
	if *v <= 0 {
		*v = other
	}
}

// listen takes the port, for UDP and TCP.
func (s *Server) listen() (err error) {
	if s.tcp, err = net.Listen("tcp", s.o.Listen); err != nil {
		return err
	}
	if s.udp, err = net.ListenPacket("udp", s.tcp.Addr().String()); err != nil {
		return errors.Join(err, s.tcp.Close())
	}
	if u, ok := s.udp.(*net.UDPConn); ok { // key pictures of several cameras at once; as far as the system allows
		_ = u.SetWriteBuffer(4 << 20)
	}
	return nil
}

// configure says how the connections are to be.
func (s *Server) configure() {
	quiet := &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}
	s.udpMux = ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: s.udp, Logger: quiet.NewLogger("ice")})
	s.tcpMux = ice.NewTCPMuxDefault(ice.TCPMuxParams{
		Listener:                     patient{netutil.LimitListener(s.tcp, 2*s.o.Viewers)},
		Logger:                       quiet.NewLogger("ice"),
		ReadBufferSize:               64,
		FirstStunBindTimeout:         silentTime,
		AliveDurationForConnFromStun: silentTime,
	})
	e := &s.settings
	e.LoggerFactory = quiet
	e.SetLite(true)
	e.DisableActiveTCP(true)
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	e.SetIncludeLoopbackCandidate(true)
	e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6})
	e.SetICEUDPMux(s.udpMux)
	e.SetICETCPMux(s.tcpMux)
	e.SetICETimeouts(silentTime/2, silentTime/2, time.Second)
	e.SetSCTPMaxReceiveBufferSize(64 << 10) // a viewer has nothing to say
}

// patient gives connections that are closed when what is written is not taken for long.
type patient struct{ net.Listener }

// Accept waits for the next one.
func (p patient) Accept() (net.Conn, error) {
	c, err := p.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return patientConn{c}, nil
}

type patientConn struct{ net.Conn }

// Write fails where the viewer takes nothing for long.
func (c patientConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(silentTime / 2)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(b)
	if err != nil { // what follows would begin in the middle of a packet
		_ = c.Close()
	}
	return n, err
}

// Addr is where the server listens, UDP and TCP.
func (s *Server) Addr() netip.AddrPort {
	return s.tcp.Addr().(*net.TCPAddr).AddrPort()
}

// Run serves until ctx ends, and returns when the last viewer has gone.
func (s *Server) Run(ctx context.Context) error {
	<-ctx.Done()
	cameras := s.cameras.End()
	s.mu.Lock()
	sessions := s.sessions
	s.sessions = map[string]*session{}
	s.mu.Unlock()
	for _, v := range sessions {
		v.end(errOver)
	}
	for _, v := range sessions {
		<-v.done
	}
	for _, c := range cameras {
		c.remove(errNoCamera)
	}
	return errors.Join(s.udpMux.Close(), s.tcpMux.Close())
}

// Camera adds a camera, or changes what is said of it.
func (s *Server) Camera(c sidecar.Camera) {
	if cam := s.cameras.Add(c.ID, func() *camera { return newCamera(&s.o, c.ID) }); cam != nil {
		cam.configure(c)
	}
}

// Remove forgets a camera and lets its viewers go.
func (s *Server) Remove(id string) {
	if cam := s.cameras.Remove(id); cam != nil {
		cam.remove(errNoCamera)
	}
}

// AccessUnit takes the next picture of a camera. It must not be changed afterwards.
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

// Stats says how many viewers a camera has, and how its scenes and pictures met.
func (s *Server) Stats(id string) (viewers int, joined overlays.Stats) {
	c := s.cameras.Get(id)
	if c == nil {
		return 0, overlays.Stats{}
	}
	return c.stats()
}

// begin answers an offer: it makes a session that lasts until its viewer is gone, the
// camera cannot be given any more, or holds says no. With blurred it is given the blurred
// rendition and nothing else.
func (s *Server) begin(id string, text []byte, every bool, who string, blurred bool, holds func(context.Context) bool) (*session, string, error) {
	cam := s.cameras.Get(id)
	if cam == nil {
		return nil, "", errNoCamera
	}
	if _, err := readOffer(text, profileLevelID{}, true); err != nil { // what is no offer costs no decoder
		return nil, "", err
	}
	cam, err := cam.choose(blurred)
	if err != nil {
		return nil, "", err
	}
	cam.mu.Lock()
	stream := cam.stream.id
	cam.mu.Unlock()
	o, err := readOffer(text, stream, every)
	if err != nil {
		return nil, "", err
	}
	v := &session{
		id: rand.Text(), tag: rand.Text()[:8], who: who, camera: cam, offer: o, holds: holds, recheck: s.recheck,
		queue: newQueue(s.o.QueueBytes, s.o.Queue), done: make(chan struct{}), connected: make(chan struct{}), bound: make(chan struct{}),
		encoder: rtph264.Encoder{PayloadMaxSize: payloadSize, PacketizationMode: 1},
	}
	if err := v.encoder.Init(); err != nil {
		return nil, "", err
	}
	v.ctx, v.cancel = context.WithCancelCause(context.Background())
	if err := s.admit(id, v); err != nil {
		return nil, "", err
	}
	answer, err := v.open(s.settings)
	if err == nil {
		answer, err = placed(answer, s.o.Advertise, s.Addr().Port())
	}
	if err != nil {
		s.dismiss(v)
		if v.peer != nil {
			_ = v.peer.GracefulClose()
		}
		close(v.done)
		return nil, "", err
	}
	go func() { // Run waits for it
		v.run()
		s.log.Debug("a viewer has gone", "cause", context.Cause(v.ctx))
		s.dismiss(v)
	}()
	return v, answer, nil
}

// admit counts a session in, where there is room and the camera is still there.
func (s *Server) admit(id string, v *session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, other := range s.sessions {
		if other.camera.root == v.camera.root {
			n++
		}
	}
	if n >= s.o.PerCamera || len(s.sessions) >= s.o.Viewers {
		return errFull
	}
	if err := v.camera.promise(v); err != nil {
		return err
	}
	if s.cameras.Get(id) != v.camera.root { // removed meanwhile, and so are all when the server ends
		v.camera.leave(v)
		return errNoCamera
	}
	s.sessions[v.id] = v
	return nil
}

func (s *Server) dismiss(v *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, v.id)
	v.camera.leave(v)
}
