package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"pantau/overlays"
	"pantau/overlays/burn"
	"pantau/overlays/live"
	"pantau/overlays/rendition"
	"pantau/overlays/republish"
	"pantau/overlays/still"
	"pantau/overlays/whep"
	"pantau/sidecar"
	"pantau/sidecar/audit"
	"pantau/sidecar/camera"
	"pantau/sidecar/catalogue"
	"pantau/sidecar/cmd/pantau/devices"
	"pantau/sidecar/config"
	"pantau/sidecar/console"
	"pantau/sidecar/console/accounts"
	"pantau/sidecar/console/ops"
	"pantau/sidecar/decode"
	"pantau/sidecar/figures"
	"pantau/sidecar/fleet"
	"pantau/sidecar/publish"
	"pantau/sidecar/publish/ownredis"
)

// service is the whole sidecar.
type service struct {
	file     string // the configuration, watched for changes
	checks   config.Checks
	settings *config.Config
	state    string
	log      *slog.Logger

	detectors *detectors
	redis     *ownredis.Server // nil where the city has one
	redisAt   *publish.Redis
	publisher *publish.Publisher
	auditor   *audit.Auditor
	board     *figures.Board
	hub       *live.Hub
	stills    *still.Stills
	converted *rendition.Server
	rtsp      *republish.Server // nil: the cameras are not given on
	whep      *whep.Server      // nil: the cameras are not given on over WebRTC
	onvif     *devices.Devices  // nil: the cameras are not offered as ONVIF devices
	devices   *camera.Devices
	fleet     *fleet.Fleet
	accounts  *accounts.Store
	console   *console.Server
	ops       *ops.Server
	catalogue *catalogue.File
	started   time.Time
	setup     sidecar.Secret // the first-run token; empty when there is an administrator
	generated bool           // the token is ours, and is to be shown
}

// serve runs the sidecar until ctx ends. When everything runs, ready is called.
func (s *service) serve(ctx context.Context, ready func(context.Context) error) (err error) {
	p := newParts()
	s.started = time.Now()
	defer func() { err = errors.Join(err, p.stop(), s.close()) }()
	for _, begin := range []func(context.Context, *parts) error{
		s.beginRedis, s.beginPublisher, s.beginRenditions, s.beginWHEP, s.openConsole, s.beginRTSP, s.beginONVIF, s.beginFleet, s.beginConsole,
	} {
		if err := begin(ctx, p); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
	}
	if err := ready(ctx); err != nil {
		return err
	}
	// For systemd's Type=notify; elsewhere nobody listens, which is no trouble.
	_, _ = daemon.SdNotify(false, daemon.SdNotifyReady)
	return p.wait(ctx)
}

func (s *service) close() error {
	var all []error
	if s.accounts != nil {
		all = append(all, s.accounts.Close())
	}
	if s.detectors != nil {
		all = append(all, s.detectors.close())
	}
	return errors.Join(all...)
}

// beginRedis starts a Redis of our own where the settings name none.
func (s *service) beginRedis(ctx context.Context, p *parts) error {
	r := s.settings.Redis
	s.redisAt = &publish.Redis{
		Addrs: []string{r.Address}, User: r.User, Password: r.Password, DB: r.DB, Prefix: r.Prefix,
		Outbox: publish.Outbox{Path: filepath.Join(s.state, "outbox.db")},
	}
	if r.Address != "" {
		var err error
		s.redisAt.TLS, err = tlsConfig(r)
		return err
	}
	own, err := ownredis.New(ctx, ownredis.Options{Dir: filepath.Join(s.state, "redis"), Log: s.log})
	if err != nil {
		return err
	}
	s.redis, s.redisAt.Addrs = own, []string{own.Addr()}
	p.start("redis-server", own.Run)
	select {
	case <-own.Ready():
	case <-ctx.Done():
	case err := <-p.failed:
		return err
	}
	return nil
}

func tlsConfig(r config.Redis) (*tls.Config, error) {
	if !r.TLS {
		return nil, nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if r.CA == "" {
		return t, nil
	}
	pem, err := os.ReadFile(r.CA)
	if err != nil {
		return nil, &sidecar.Fault{Err: fmt.Errorf("reading redis.ca: %w", err), Hint: "name a PEM file that can be read"}
	}
	t.RootCAs = x509.NewCertPool()
	if !t.RootCAs.AppendCertsFromPEM(pem) {
		return nil, &sidecar.Fault{Err: fmt.Errorf("redis.ca: %s holds no certificate", r.CA), Hint: "name a PEM file with BEGIN CERTIFICATE"}
	}
	return t, nil
}

func (s *service) beginPublisher(ctx context.Context, p *parts) error {
	o := publish.Options{Node: s.settings.Node, Redis: s.redisAt, Log: s.log}
	if s.settings.Publish.JSONL != "" {
		o.JSONL = &publish.JSONL{Path: s.settings.Publish.JSONL, Append: true}
	}
	var err error
	if s.publisher, err = publish.New(ctx, o); err != nil {
		return err
	}
	p.start("publishing", s.publisher.Run)
	return nil
}

func (s *service) beginFleet(_ context.Context, p *parts) error {
	s.auditor = audit.NewAuditor(audit.In(s.state), s.log)
	s.devices = camera.New(camera.Options{Need: needOf, Facts: s.publisher.Facts, Log: s.log})
	viewer := &audience{
		Hub: s.hub, stills: s.stills, rtsp: s.rtsp, onvif: s.onvif, publisher: s.publisher, auditor: s.auditor,
		told: []listener{s.converted, s.hub, s.stills, s.devices, s.board}, ways: []wayOut{s.converted, s.hub}, log: s.log, started: time.Now(), known: map[string]string{},
	}
	if s.rtsp != nil {
		viewer.join(s.rtsp)
	}
	if s.whep != nil {
		viewer.join(s.whep)
	}
	if s.onvif != nil {
		viewer.join(s.onvif)
	}
	published := audited{s.publisher, s.auditor, s.board}
	s.fleet = fleet.New(fleet.Options{
		Detector: s.detectors.get, Resolve: s.devices.Resolve, KeyFrame: s.devices.KeyFrame, Sink: published, Memory: published, Packets: s.rtsp != nil, Views: filepath.Join(s.state, "views"), Log: s.log, Viewer: viewer, Shown: s.shown, Decoded: s.stills.Decoded,
	})
	sets := make(chan []sidecar.Camera)
	s.catalogue = &catalogue.File{Path: s.file, Checks: s.checks, Log: s.log}
	p.start("cameras", func(ctx context.Context) error { return s.fleet.Run(ctx, sets) })
	p.start("catalogue", func(ctx context.Context) error { return s.catalogue.Run(ctx, sets) })
	p.start("cameras' own events", s.devices.Run)
	p.start("audits", func(ctx context.Context) error { return s.auditor.Run(ctx, s.running, viewer.publish) })
	p.start("status", s.tell)
	return nil
}

// shown passes on an analysed frame.
func (s *service) shown(f *sidecar.Frame, scene *sidecar.Scene) {
	s.auditor.Frame(f, scene)
	s.stills.Analysed(f, scene)
}

// snapshot gives a picture of a camera as JPEG.
func (s *service) snapshot(ctx context.Context, id string, boxes, blurred bool) ([]byte, time.Time, error) {
	picture, err := s.stills.Take(ctx, id, still.Wish{Boxes: boxes, Blurred: blurred})
	return picture.JPEG, picture.Capture, err
}

// openConsole takes the port of the page and the API, and opens the accounts.
func (s *service) openConsole(ctx context.Context, _ *parts) error {
	s.hub, s.stills = live.NewHub(live.Options{Renditions: s.converted, Delay: s.settings.Live.Delay}), still.New()
	s.board = figures.NewBoard()
	var err error
	if s.accounts, err = accounts.Open(ctx, s.state); err != nil {
		return err
	}
	if err := s.setupToken(ctx); err != nil {
		return err
	}
	c := s.settings.Console
	o := console.Options{
		Listen: c.Listen, Certificate: c.Certificate, Key: c.Key, State: s.state,
		SetupToken: s.setup, Accounts: s.accounts, Source: s, Live: s.hub.Serve, Snapshot: s.snapshot, Discover: discoverWork, Probe: probeWork, Change: s.change, Audit: s.audit, Log: s.log,
	}
	if s.whep != nil {
		o.WHEP = s.whep.ServeHTTP
	}
	s.trust(&o)
	s.console, err = console.New(ctx, o)
	return err
}

// beginConsole answers on the page, the API and the operations port.
func (s *service) beginConsole(ctx context.Context, p *parts) (err error) {
	p.start("console", s.console.Run)
	if s.ops, err = ops.New(ctx, s.settings.Metrics.Listen, s, s.log); err != nil {
		return err
	}
	p.start("operations port", s.ops.Run)
	return nil
}

// beginRTSP opens the ports for those who take the cameras on, where that is wanted.
func (s *service) beginRTSP(_ context.Context, p *parts) error {
	r := s.settings.RTSP
	if r.Listen == "" && r.ListenTLS == "" {
		return nil
	}
	o := r.Overlay
	var err error
	s.rtsp, err = republish.New(republish.Options{
		Listen: r.Listen, ListenTLS: r.ListenTLS, Multicast: r.Multicast, Delay: r.Delay, Unmasked: r.Unmasked,
		Overlay:     burn.Options{Decoder: decoder, Height: o.Height, FPS: o.FPS, Preset: o.Preset, Bitrate: o.Bitrate, Show: o.Show, Blur: o.Blur},
		Certificate: &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{s.console.Certificate()}},
		Passwords:   s.accounts.DeviceSecrets, Log: s.log,
	})
	if err != nil {
		return err
	}
	p.start("RTSP", s.rtsp.Run)
	return nil
}

// decoder opens a decoder for who draws into pictures.
func decoder(codec sidecar.Codec, masks []sidecar.Polygon, keys bool) (burn.Decoder, error) {
	return decode.New(decode.Options{Codec: codec, Mask: masks, KeyFrames: keys})
}

// beginRenditions prepares what converts pictures. It ends after those who give them.
func (s *service) beginRenditions(_ context.Context, p *parts) error {
	l := s.settings.Live
	s.converted = rendition.New(rendition.Options{Most: l.Transcodes, Pictures: burn.Options{
		Decoder: decoder, Delay: l.Delay, Height: l.Height, FPS: l.FPS, Preset: l.Preset, Bitrate: l.Bitrate, Log: s.log.With("stage", "transcode"),
	}})
	p.start("converted pictures", s.converted.Run)
	return nil
}

// beginWHEP opens the port for WebRTC players, where that is wanted. It ends after those
// who let them in and those who feed it.
func (s *service) beginWHEP(_ context.Context, p *parts) error {
	w := s.settings.WHEP
	if w.Listen == "" {
		return nil
	}
	o := whep.Options{Listen: w.Listen, Delay: w.Delay, Unmasked: w.Unmasked, Renditions: s.converted, Log: s.log}
	for _, a := range w.Advertise {
		o.Advertise = append(o.Advertise, netip.MustParseAddr(a)) // checked with the settings
	}
	var err error
	if s.whep, err = whep.New(o); err != nil {
		return err
	}
	p.start("WebRTC", s.whep.Run)
	return nil
}

// setupToken makes the token for the first administrator, if there is none.
func (s *service) setupToken(ctx context.Context) error {
	free, err := s.accounts.Unclaimed(ctx)
	if err != nil || !free {
		return err
	}
	const shortest = 8
	given := os.Getenv("PANTAU_BOOTSTRAP_TOKEN")
	switch {
	case given == "":
		s.setup, s.generated = sidecar.NewSecret(rand.Text()), true
	case len(given) < shortest:
		return &sidecar.FieldError{Field: "PANTAU_BOOTSTRAP_TOKEN", Problem: "this token is easily guessed", Remedy: fmt.Sprintf("use at least %d characters", shortest)}
	default:
		s.setup = sidecar.NewSecret(given)
	}
	return nil
}

// audit writes down a change that somebody made in the console.
func (s *service) audit(ctx context.Context, who, action, what string) {
	if err := s.publisher.Audit(ctx, publish.Audit{Who: who, Action: action, What: what}); err != nil {
		s.log.Error("writing the audit", "who", who, "action", action, "what", what, "error", err)
	}
}

// tell passes once a second on how every camera fares.
func (s *service) tell(ctx context.Context) error {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-second.C:
		}
		for _, c := range s.Cameras() {
			s.hub.Stats(c.ID, c.Status)
			since, rows := s.fleet.Totals(c.ID)
			s.publisher.Latest(publish.Latest{
				Camera: c.ID, Time: time.Now(), State: c.Status.State, FPS: c.Status.FPS.Detection, Since: since, Rows: rows,
			})
		}
	}
}

// Cameras tells the console how the cameras fare.
func (s *service) Cameras() []sidecar.CameraStatus {
	all := s.fleet.Cameras()
	for i := range all {
		st := &all[i].Status
		st.Profile = s.devices.Profile(all[i].ID)
		st.Viewers, _ = s.hub.Viewers(all[i].ID)
		st.Overlays = map[sidecar.Way]sidecar.Overlay{}
		st.Overlays[sidecar.WayConverted] = codedOf(s.converted.Stats(all[i].ID, overlays.Converted))
		st.Overlays[sidecar.WayBlurred] = codedOf(s.converted.Stats(all[i].ID, overlays.Blurred))
		if s.rtsp != nil {
			readers, joined := s.rtsp.Stats(all[i].ID)
			watchers, burnt := s.rtsp.Burnt(all[i].ID)
			st.Readers = readers + watchers
			st.Overlays[sidecar.WayRTSP] = overlayOf(joined)
			st.Overlays[sidecar.WayBurnt] = codedOf(burnt)
		}
		if s.whep != nil {
			players, joined := s.whep.Stats(all[i].ID)
			st.Players, st.Overlays[sidecar.WayWebRTC] = players, overlayOf(joined)
		}
	}
	return all
}

func overlayOf(s overlays.Stats) sidecar.Overlay {
	return sidecar.Overlay{Joined: s.Joined, Late: s.Late, Error: s.Behind}
}

// codedOf is overlayOf for pictures that are coded anew.
func codedOf(s burn.Stats) sidecar.Overlay {
	o := overlayOf(s.Stats)
	o.Dropped, o.CPU = s.Dropped+s.Failed, s.CPU
	return o
}

// running lists the cameras that an audit can be of.
func (s *service) running() []sidecar.Camera {
	var all []sidecar.Camera
	for _, c := range s.fleet.Cameras() {
		all = append(all, c.Camera)
	}
	return all
}

// Node tells the console how this process fares.
func (s *service) Node() sidecar.NodeStatus {
	st := s.publisher.Stats()
	var dropped uint64
	for _, n := range st.FramesDropped {
		dropped += n
	}
	n := sidecar.NodeStatus{
		Node: s.settings.Node, Version: version, Started: s.started, Timezone: s.settings.Timezone,
		Model: s.detectors.name(), InferCPU: s.detectors.cpu(), Ready: true,
		Redis: sidecar.Backend{
			Address: s.redisAt.Addrs[0], Own: s.redis != nil, Connected: st.RedisState.Kind == "ok",
			Cause: st.RedisState.Cause, Scenes: st.FramesSent, Dropped: dropped, Facts: st.FactsSent,
		},
		Lost:   st.NotesLost + st.LinesLost,
		Outbox: sidecar.Outbox{Entries: uint64(max(0, st.Waiting)), Bytes: uint64(max(0, st.Outbox.Bytes)), Oldest: st.Oldest.Seconds()},
	}
	n.Transcodes.Most = s.settings.Live.Transcodes
	n.Transcodes.Running, n.Transcodes.Refused = s.converted.Working()
	for _, g := range st.Groups {
		n.Groups = append(n.Groups, sidecar.Group{Stream: g.Stream, Name: g.Name, Pending: g.Pending, Lag: g.Lag, Behind: g.Behind.Seconds()})
	}
	if err := s.catalogue.Err(); err != nil {
		n.Config = err.Error()
	}
	switch {
	case !n.Redis.Connected:
		n.Ready, n.Cause = false, "Redis: "+n.Redis.Cause
	case st.OutboxState.Kind != "ok":
		n.Ready, n.Cause = false, "outbox: "+st.OutboxState.Cause
	case st.JSONLState.Kind != "ok":
		n.Ready, n.Cause = false, "file of JSON lines: "+st.JSONLState.Cause
	}
	return n
}
