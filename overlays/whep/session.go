package whep

import (
	"context"
	"errors"
	"io"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"pantau/sidecar"
)

// The bounds of a session.
const (
	payloadSize  = 1188             // bytes of a packet's payload: 1200 with its header, as browsers send it themselves
	burst        = 16               // packets in a millisecond, at most: a browser's socket takes 64 KiB
	sceneBuffer  = 256 << 10        // bytes of scenes that wait for a slow viewer
	scenesLabel  = "scenes"         // of the data channel
	connectTime  = 15 * time.Second // from the answer to the connection
	silentTime   = 10 * time.Second // without a sign of the viewer
	recheckEvery = 5 * time.Second  // whether the account still may
)

// session is one viewer: its connection, what waits for it, and its time.
type session struct {
	id, tag string
	who     string
	camera  *camera
	offer   offer
	holds   func(context.Context) bool
	recheck time.Duration
	queue   *queue
	ctx     context.Context // ends with the session; its cause says why. It belongs to run
	cancel  context.CancelCauseFunc
	done    chan struct{}

	peer      *webrtc.PeerConnection
	sender    *webrtc.RTPSender
	connected chan struct{}
	bound     chan struct{}
	out       webrtc.TrackLocalWriter // after bound
	ssrc      uint32
	scenes    atomic.Pointer[webrtc.DataChannel]

	// of the goroutine that writes
	clock    clock
	encoder  rtph264.Encoder
	sequence uint16
	text     []byte
}

// feedback is what a viewer may tell: lost packets, which are sent again; and, because
// players expect it to be understood, that it wants a key picture, which no camera can be
// asked for over RTSP.
func feedback() []webrtc.RTCPFeedback {
	return []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}}
}

// open makes the connection and gives the answer to the offer.
func (s *session) open(settings webrtc.SettingEngine) (answer string, err error) {
	media := &webrtc.MediaEngine{}
	codec := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeH264, ClockRate: rate, SDPFmtpLine: s.offer.fmtp, RTCPFeedback: feedback()}
	if err := media.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: codec, PayloadType: webrtc.PayloadType(s.offer.kind)}, webrtc.RTPCodecTypeVideo); err != nil {
		return "", err
	}
	again, err := nack.NewResponderInterceptor(nack.ResponderSize(1024))
	if err != nil {
		return "", err
	}
	reports, err := report.NewSenderInterceptor()
	if err != nil {
		return "", err
	}
	registry := &interceptor.Registry{}
	registry.Add(again)
	registry.Add(reports)
	api := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(registry), webrtc.WithSettingEngine(settings))
	if s.peer, err = api.NewPeerConnection(webrtc.Configuration{}); err != nil {
		return "", err
	}
	s.peer.OnDataChannel(s.listen)
	s.peer.OnConnectionStateChange(s.changed)
	return s.negotiate()
}

func (s *session) negotiate() (string, error) {
	var err error
	if err = s.peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: s.offer.text}); err != nil {
		return "", malformed("the offer cannot be answered", err)
	}
	if s.sender, err = s.peer.AddTrack((*track)(s)); err != nil {
		return "", err
	}
	answer, err := s.peer.CreateAnswer(nil)
	if err != nil {
		return "", malformed("the offer cannot be answered", err)
	}
	gathered := webrtc.GatheringCompletePromise(s.peer)
	if err := s.peer.SetLocalDescription(answer); err != nil {
		return "", malformed("the offer cannot be answered", err)
	}
	<-gathered // only our own addresses: at once
	return s.peer.LocalDescription().SDP, nil
}

// takes says whether the viewer can decode pictures of a profile.
func (s *session) takes(id profileLevelID) bool { return id.profile() <= s.offer.rank() }

// end lets the viewer go. It does not wait.
func (s *session) end(why error) { s.cancel(why) }

// run lasts as long as the session.
func (s *session) run() {
	defer close(s.done)
	reading, writing := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(reading)
		s.read()
	}()
	go func() {
		defer close(writing)
		s.write()
	}()
	s.watch()
	s.camera.leave(s)
	_ = s.peer.GracefulClose()
	<-reading
	<-writing
}

// watch waits until the session is over.
func (s *session) watch() {
	late := time.NewTimer(connectTime)
	defer late.Stop()
	again := time.NewTicker(s.recheck)
	defer again.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-late.C:
			select {
			case <-s.connected:
			default:
				s.end(errors.New("the viewer did not connect"))
			}
		case <-again.C:
			ctx, stop := context.WithTimeout(s.ctx, s.recheck)
			if !s.holds(ctx) {
				s.end(errors.New("the account may not watch any more"))
			}
			stop()
		}
	}
}

// changed is told how the connection fares.
func (s *session) changed(state webrtc.PeerConnectionState) {
	switch state {
	case webrtc.PeerConnectionStateConnected:
		select {
		case <-s.connected:
		default:
			close(s.connected)
		}
	case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
		s.end(errors.New("the viewer is gone"))
	}
}

// listen is told of a data channel that the viewer has opened.
func (s *session) listen(d *webrtc.DataChannel) {
	if d.Label() != scenesLabel {
		_ = d.Close()
		return
	}
	d.OnOpen(func() { s.scenes.Store(d) })
	d.OnClose(func() { s.scenes.CompareAndSwap(d, nil) })
}

// read takes what the viewer reports; lost packets are sent again on the way.
func (s *session) read() {
	buf := make([]byte, 1500)
	for {
		if _, _, err := s.sender.Read(buf); err != nil {
			return
		}
	}
}

// write sends what the camera gives, from the connection to the session's end.
func (s *session) write() {
	for _, ready := range []chan struct{}{s.connected, s.bound} {
		select {
		case <-s.ctx.Done():
			return
		case <-ready:
		}
	}
	s.camera.join(s)
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-s.queue.ready:
		}
		for m, ok := s.queue.take(); ok && s.ctx.Err() == nil; m, ok = s.queue.take() {
			if err := s.send(m); err != nil {
				s.end(err)
				return
			}
		}
	}
}

// send gives the viewer a picture and its scene, the scene first.
func (s *session) send(m moment) error {
	var at uint32
	if m.unit != nil {
		at = s.clock.picture(m.unit)
	}
	if m.scene != nil {
		s.tell(m.scene)
	}
	if m.unit == nil {
		return nil
	}
	packets, err := s.encoder.Encode(m.unit.NALUs)
	if err != nil {
		return nil //nolint:nilerr // a NAL unit of no bytes: the next picture is another one
	}
	for i, p := range packets {
		if i%burst == burst-1 {
			time.Sleep(time.Millisecond)
		}
		if err := s.packet(at, p); err != nil {
			return err
		}
	}
	return nil
}

// packet writes one packet with the session's own header.
func (s *session) packet(at uint32, p *rtp.Packet) error {
	s.sequence++
	h := rtp.Header{Version: 2, Marker: p.Marker, PayloadType: s.offer.kind, SequenceNumber: s.sequence, Timestamp: at, SSRC: s.ssrc}
	for {
		n, err := s.out.WriteRTP(&h, p.Payload)
		switch {
		case errors.Is(err, io.ErrClosedPipe):
			return err
		case err != nil || n > 0:
			return nil //nolint:nilerr // a lost packet: the viewer asks for it again
		case s.ctx.Err() != nil:
			return s.ctx.Err()
		}
		time.Sleep(time.Millisecond) // the library has not yet joined the track to the connection
	}
}

// tell sends a scene, if the viewer keeps up.
func (s *session) tell(sc *sidecar.Scene) {
	d := s.scenes.Load()
	at, known := s.clock.scene(sc.Stamp)
	if d == nil || !known || d.BufferedAmount() > sceneBuffer {
		return
	}
	s.text = append(s.text[:0], `{"type":"scene","rtp":`...)
	s.text = strconv.AppendUint(s.text, uint64(at), 10)
	s.text = append(s.text, `,"scene":`...)
	s.text = append(sc.AppendJSON(s.text), '}')
	_ = d.SendText(string(s.text)) // it has closed: the session follows
}

// track is a session as the library wants to see it.
type track session

// Bind takes what the packets are written to.
func (t *track) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	for _, p := range c.CodecParameters() {
		if p.PayloadType == webrtc.PayloadType(t.offer.kind) {
			t.out, t.ssrc = c.WriteStream(), uint32(c.SSRC())
			close(t.bound)
			return p, nil
		}
	}
	return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
}

// Unbind has nothing to give back.
func (t *track) Unbind(webrtc.TrackLocalContext) error { return nil }

// ID names the track in the answer.
func (t *track) ID() string { return "video" }

// RID is empty: there is one quality.
func (t *track) RID() string { return "" }

// StreamID names the stream in the answer.
func (t *track) StreamID() string { return "pantau" }

// Kind is video.
func (t *track) Kind() webrtc.RTPCodecType { return webrtc.RTPCodecTypeVideo }
