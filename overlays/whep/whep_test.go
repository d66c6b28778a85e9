package whep

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/pion/webrtc/v4"
	"go.uber.org/goleak"

	"pantau/overlays/rendition"
	"pantau/sidecar"
	"pantau/sidecar/tap"
	"pantau/sidecar/tap/taptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stand is a camera, its tap and a server that gives it on.
type stand struct {
	t      *testing.T
	server *Server
	web    *httptest.Server
	mux    *http.ServeMux
	url    string                                            // of the camera's endpoint
	scene  func(u *sidecar.AccessUnit, n int) *sidecar.Scene // of the nth picture
	also   *rendition.Server                                 // makes the renditions; may be nil
	stop   func()
	may    atomic.Bool // the account may watch
	hidden atomic.Bool // the account sees blurred pictures only
	who    atomic.Value

	mu   sync.Mutex
	sent map[uint32]sent // the camera's pictures by RTP time
}

type sent struct {
	number int
	nalus  [][]byte
}

// newStand starts a server without pictures.
func newStand(t *testing.T, o Options) *stand {
	t.Helper()
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	server, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	st := &stand{t: t, server: server, sent: map[uint32]sent{}, scene: numbered}
	st.may.Store(true)
	st.who.Store("somebody")
	st.mux = http.NewServeMux()
	serve := func(w http.ResponseWriter, r *http.Request) {
		server.ServeHTTP(w, r, st.who.Load().(string), st.hidden.Load(), func(context.Context) bool { return st.may.Load() })
	}
	st.mux.HandleFunc("/api/v1/cameras/{id}/whep", serve)
	st.mux.HandleFunc("/api/v1/cameras/{id}/whep/{session}", serve)
	st.web = httptest.NewServer(st.mux)
	st.url = st.web.URL + "/api/v1/cameras/cam/whep"
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- server.Run(ctx) }()
	st.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
		st.web.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	t.Cleanup(st.stop)
	server.Camera(sidecar.Camera{ID: "cam"})
	return st
}

// play lets a camera of a clip send its pictures. Each gets a scene after infer, whose
// box tells the picture's number.
func (st *stand) play(clip string, startRTP uint32, infer time.Duration) {
	st.t.Helper()
	camera, err := taptest.New(taptest.Options{Clip: clip, StartRTP: startRTP})
	if err != nil {
		st.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = camera.Run(ctx) })
	n := 0
	wg.Go(func() {
		_ = tap.New(tap.Options{Source: camera.Source()}).Run(ctx, func(u *sidecar.AccessUnit) {
			st.mu.Lock()
			st.sent[u.RTPTime] = sent{n, u.NALUs}
			st.mu.Unlock()
			s := st.scene(u, n)
			if st.also != nil {
				st.also.AccessUnit("cam", u)
				time.AfterFunc(infer, func() { st.also.Scene(s) })
			}
			st.server.AccessUnit("cam", u)
			time.AfterFunc(infer, func() { st.server.Scene(s) })
			n++
		})
	})
	st.t.Cleanup(func() { stop(); wg.Wait() })
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		cam := st.server.cameras.Get("cam")
		cam.mu.Lock()
		come := cam.stream.codec != ""
		cam.mu.Unlock()
		if come {
			return
		}
		if time.Now().After(deadline) {
			st.t.Fatal("the camera sends nothing")
		}
	}
}

// numbered is a scene whose box tells a number.
func numbered(u *sidecar.AccessUnit, n int) *sidecar.Scene {
	left := float64(n%1000) / 2000
	return &sidecar.Scene{Stamp: u.Stamp, Camera: "cam", Tracks: []sidecar.Track{{
		ID: 7, Confirmed: true, Class: sidecar.Motorcycle, Score: 0.9, Box: sidecar.Box{Left: left, Top: 0.2, Right: left + 0.1, Bottom: 0.4}}}}
}

// player is a viewer made of pion's own WebRTC.
type player struct {
	t    *testing.T
	peer *webrtc.PeerConnection
	at   string // of the session

	mu       sync.Mutex
	pictures []picture
	scenes   []scene
	state    webrtc.PeerConnectionState
}

type picture struct {
	rtp   uint32
	nalus [][]byte
	came  time.Time
}

// scene is a message of the data channel.
type scene struct {
	Type  string
	RTP   uint32
	Scene struct {
		Cam     string
		RTP     uint32
		Objects []struct{ Box [4]float64 }
	}
}

// newPlayer makes an offer to receive; tcp: over TCP alone.
func newPlayer(t *testing.T, tcp bool) *player {
	t.Helper()
	e := webrtc.SettingEngine{}
	e.SetIncludeLoopbackCandidate(true)
	if tcp {
		e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4})
	}
	media := &webrtc.MediaEngine{}
	if err := media.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	peer, err := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithSettingEngine(e)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	p := &player{t: t, peer: peer}
	t.Cleanup(func() { _ = peer.GracefulClose() })
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} { // the first one is refused
		if _, err := peer.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			t.Fatal(err)
		}
	}
	d, err := peer.CreateDataChannel("scenes", nil)
	if err != nil {
		t.Fatal(err)
	}
	d.OnMessage(p.told)
	peer.OnTrack(p.watch)
	peer.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.state = s
	})
	return p
}

func (p *player) told(m webrtc.DataChannelMessage) {
	var s scene
	if err := json.Unmarshal(m.Data, &s); err != nil || s.Type != "scene" {
		p.t.Errorf("%s: %v", m.Data, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.scenes = append(p.scenes, s)
}

// watch puts packets together to pictures.
func (p *player) watch(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	d := rtph264.Decoder{PacketizationMode: 1}
	if err := d.Init(); err != nil {
		p.t.Error(err)
		return
	}
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		nalus, err := d.Decode(packet)
		if err != nil {
			continue
		}
		p.mu.Lock()
		p.pictures = append(p.pictures, picture{packet.Timestamp, nalus, time.Now()})
		p.mu.Unlock()
	}
}

// offer gives the text of an offer with all candidates.
func (p *player) offer() string {
	p.t.Helper()
	o, err := p.peer.CreateOffer(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(p.peer)
	if err := p.peer.SetLocalDescription(o); err != nil {
		p.t.Fatal(err)
	}
	<-gathered
	return p.peer.LocalDescription().SDP
}

// connect begins to watch.
func (p *player) connect(url string) {
	p.t.Helper()
	response := send(p.t, http.MethodPost, url, p.offer(), http.Header{"Content-Type": {"application/sdp"}})
	if response.code != http.StatusCreated {
		p.t.Fatalf("got %d: %s", response.code, response.body)
	}
	if err := p.peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: response.body}); err != nil {
		p.t.Fatalf("%v\n%s", err, response.body)
	}
	p.at = strings.TrimSuffix(url, "/api/v1/cameras/cam/whep") + response.header.Get("Location")
	if response.header.Get("ETag") == "" || response.header.Get("Content-Type") != "application/sdp" {
		p.t.Errorf("got %v", response.header)
	}
}

// until waits until something is true of what has come.
func (p *player) until(what string, limit time.Duration, is func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		p.mu.Lock()
		ok := is()
		p.mu.Unlock()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("no %s after %v: %d pictures, %d scenes, %v", what, limit, len(p.pictures), len(p.scenes), p.state)
		}
	}
}

func (p *player) gone() bool {
	return p.state == webrtc.PeerConnectionStateClosed || p.state == webrtc.PeerConnectionStateFailed ||
		p.state == webrtc.PeerConnectionStateDisconnected
}

type reply struct {
	code   int
	header http.Header
	body   string
}

func send(t *testing.T, method, url, body string, h http.Header) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = h
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Body.Close() }()
	text, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{w.StatusCode, w.Header, string(text)}
}

// Over UDP and over TCP a viewer gets the camera's pictures bit for bit, beginning with a
// key picture, and each scene has the RTP time of its picture, across the end of 32 bits.
func TestPicturesAndTheirScenes(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"UDP", "TCP"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			st := newStand(t, Options{Delay: 200 * time.Millisecond})
			st.play(taptest.MakeClip(t, taptest.Spec{Frames: 100, GOP: 10}), 1<<32-90000, 80*time.Millisecond)
			p := newPlayer(t, way == "TCP")
			p.connect(st.url)
			p.until("pictures", 20*time.Second, func() bool { return len(p.pictures) >= 60 && len(p.scenes) >= 50 })
			st.check(p)
		})
	}
}

// check compares what a player got with what the camera sent.
func (st *stand) check(p *player) {
	st.t.Helper()
	st.mu.Lock()
	defer st.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if first := p.pictures[0]; len(first.nalus) < 2 || first.nalus[0][0]&0x1f != 7 {
		st.t.Error("the first picture has no parameter sets in front")
	}
	same, from := 0, len(p.pictures)
	for i, got := range p.pictures {
		want, known := st.sent[got.rtp]
		if !known && i < from && same == 0 { // of those at the beginning, which are in a hurry
			continue
		}
		from = min(from, i)
		if !known || len(got.nalus) != len(want.nalus) {
			st.t.Fatalf("picture %d of RTP time %d: %v, %d NAL units, want %d", i, got.rtp, known, len(got.nalus), len(want.nalus))
		}
		for k := range want.nalus {
			if !bytes.Equal(got.nalus[k], want.nalus[k]) {
				st.t.Fatalf("picture %d is not the camera's", want.number)
			}
		}
		same++
	}
	for i, s := range p.scenes {
		want, known := st.sent[s.RTP]
		if !known || s.Scene.RTP != s.RTP || len(s.Scene.Objects) != 1 {
			st.t.Fatalf("scene %d: %+v", i, s)
		}
		if got := int(s.Scene.Objects[0].Box[0]*2000 + 0.5); got != want.number%1000 {
			st.t.Errorf("the box of picture %d has the RTP time of %d", got, want.number)
		}
	}
	if same < 50 {
		st.t.Errorf("%d pictures of %d are the camera's at their time", same, len(p.pictures))
	}
}

// Who comes in the middle of a long group of pictures sees one at once, and is not late.
func TestViewersBeginWithTheNewestKeyPicture(t *testing.T) {
	t.Parallel()
	st := newStand(t, Options{Delay: 100 * time.Millisecond})
	st.play(taptest.MakeClip(t, taptest.Spec{Frames: 150, GOP: 75}), 0, 0)
	time.Sleep(time.Second) // of the three to the next key picture
	for range 2 {           // the first one starts the joiner, the second one finds it at work
		p := newPlayer(t, false)
		began := time.Now()
		p.connect(st.url)
		p.until("pictures", 5*time.Second, func() bool { return len(p.pictures) >= 40 && time.Since(began) > 500*time.Millisecond })
		p.mu.Lock()
		if took := p.pictures[0].came.Sub(began); took > time.Second {
			t.Errorf("the first picture came after %v", took)
		}
		first, last := p.pictures[0], p.pictures[len(p.pictures)-1]
		if media, real := time.Duration(last.rtp-first.rtp)*time.Second/rate, last.came.Sub(first.came); media > real+500*time.Millisecond {
			t.Errorf("%v of pictures came in %v: a player would wait for them", media, real)
		}
		for i := 1; i < len(p.pictures); i++ {
			if int32(p.pictures[i].rtp-p.pictures[i-1].rtp) <= 0 {
				t.Errorf("picture %d is of %d, after one of %d", i, p.pictures[i].rtp, p.pictures[i-1].rtp)
			}
		}
		p.mu.Unlock()
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	st := newStand(t, Options{Delay: 50 * time.Millisecond})
	st.server.recheck = 100 * time.Millisecond
	st.play(taptest.MakeClip(t, taptest.Spec{}), 0, 0)
	ended := func(p *player, why string) {
		t.Helper()
		p.until("end after "+why, 5*time.Second, p.gone)
		if n, _ := st.server.Stats("cam"); n != 0 {
			t.Errorf("%s: %d viewers are left", why, n)
		}
	}
	begin := func() *player {
		t.Helper()
		p := newPlayer(t, false)
		p.connect(st.url)
		p.until("picture", 10*time.Second, func() bool { return len(p.pictures) > 0 })
		if n, _ := st.server.Stats("cam"); n != 1 {
			t.Errorf("%d viewers", n)
		}
		return p
	}

	p := begin()
	st.who.Store("another")
	if got := send(t, http.MethodDelete, p.at, "", nil); got.code != 404 {
		t.Errorf("another account's DELETE: got %d", got.code)
	}
	st.who.Store("somebody")
	if got := send(t, http.MethodPatch, p.at, "a=candidate:…", nil); got.code != 405 || got.header.Get("Allow") != "DELETE, OPTIONS" {
		t.Errorf("PATCH: got %d, %v", got.code, got.header)
	}
	if got := send(t, http.MethodDelete, p.at, "", nil); got.code != 200 {
		t.Errorf("DELETE: got %d", got.code)
	}
	ended(p, "DELETE")
	if got := send(t, http.MethodDelete, p.at, "", nil); got.code != 404 {
		t.Errorf("a second DELETE: got %d", got.code)
	}

	p = begin()
	st.may.Store(false)
	ended(p, "the account's right")
	st.may.Store(true)

	p = begin()
	st.server.Camera(sidecar.Camera{ID: "cam", Analyse: sidecar.Analyse{Mask: []sidecar.Polygon{{{0, 0}, {1, 0}, {0, 1}}}}})
	ended(p, "masks")
	st.server.Camera(sidecar.Camera{ID: "cam"})
	p = newPlayer(t, false)
	if got := send(t, http.MethodPost, st.url, p.offer(), http.Header{"Content-Type": {"application/sdp"}}); got.code != 201 {
		t.Errorf("after the masks have gone: got %d %s", got.code, got.body)
	}
	p = begin()
	st.server.Remove("cam")
	ended(p, "removing the camera")
	st.server.Camera(sidecar.Camera{ID: "cam"})
	time.Sleep(time.Second) // a key picture
	p = begin()
	st.stop()
	ended(p, "the server")
}

func TestWhoGoesIsForgotten(t *testing.T) {
	t.Parallel()
	st := newStand(t, Options{Delay: 50 * time.Millisecond})
	st.play(taptest.MakeClip(t, taptest.Spec{}), 0, 0)
	p := newPlayer(t, false)
	p.connect(st.url)
	p.until("picture", 10*time.Second, func() bool { return len(p.pictures) > 0 })
	if err := p.peer.Close(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(12 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		st.server.mu.Lock()
		left := len(st.server.sessions)
		st.server.mu.Unlock()
		if left == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d sessions are left", left)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	sdp := http.Header{"Content-Type": {"application/sdp"}}
	good := newPlayer(t, false).offer()
	st := newStand(t, Options{PerCamera: 1, Viewers: 1})
	if got := send(t, http.MethodPost, st.url, good, sdp); got.code != 409 || got.header.Get("Retry-After") == "" {
		t.Errorf("no picture yet: got %d %v", got.code, got.header)
	}
	st.play(taptest.MakeClip(t, taptest.Spec{}), 0, 0)
	noH264 := strings.ReplaceAll(good, "H264/90000", "H266/90000")
	for _, c := range []struct {
		name, method, url, body string
		header                  http.Header
		code                    int
		says                    string
	}{
		{"unknown camera", "POST", strings.Replace(st.url, "/cam/", "/none/", 1), good, sdp, 404, "no such camera"},
		{"no type", "POST", st.url, good, http.Header{}, 415, "application/sdp"},
		{"JSON", "POST", st.url, `{"sdp":""}`, http.Header{"Content-Type": {"application/json"}}, 415, "application/sdp"},
		{"nothing", "POST", st.url, "", sdp, 400, "no video"},
		{"nonsense", "POST", st.url, "v=1\r\nhello", sdp, 400, "no SDP"},
		{"large", "POST", st.url, good + strings.Repeat("a=x\r\n", 10000), sdp, 413, "32768"},
		{"no video", "POST", st.url, strings.ReplaceAll(good, "m=video", "m=audio"), sdp, 400, "no video"},
		{"sends only", "POST", st.url, strings.ReplaceAll(good, "a=recvonly", "a=sendonly"), sdp, 400, "no video"},
		{"no H.264", "POST", st.url, noH264, sdp, 406, "no H.264"},
		{"no password", "POST", st.url, strings.ReplaceAll(good, "a=ice-pwd", "a=x"), sdp, 400, "cannot be answered"},
		{"no fingerprint", "POST", st.url, strings.ReplaceAll(good, "a=fingerprint", "a=x"), sdp, 400, "cannot be answered"},
		{"GET", "GET", st.url, "", nil, 405, "no GET"},
		{"DELETE of the endpoint", "DELETE", st.url, "", nil, 405, "no DELETE"},
		{"DELETE of no session", "DELETE", st.url + "/x", "", nil, 404, "no such session"},
		{"OPTIONS", "OPTIONS", st.url, "", nil, 204, ""},
		{"good", "POST", st.url, good, sdp, 201, "a=ice-lite"},
		{"full", "POST", st.url, good, sdp, 503, "as many"},
	} {
		got := send(t, c.method, c.url, c.body, c.header)
		if got.code != c.code || !strings.Contains(got.body, c.says) {
			t.Errorf("%s: got %d %s, want %d with %q", c.name, got.code, got.body, c.code, c.says)
		}
	}
}

// An H.265 or JPEG camera is not given, and it is said what helps.
func TestOtherCodecsAreRefused(t *testing.T) {
	t.Parallel()
	for _, codec := range []sidecar.Codec{sidecar.H265, sidecar.MJPEG} {
		st := newStand(t, Options{})
		st.play(taptest.MakeClip(t, taptest.Spec{Codec: codec}), 0, 0)
		got := send(t, http.MethodPost, st.url, newPlayer(t, false).offer(), http.Header{"Content-Type": {"application/sdp"}})
		if got.code != 406 || !strings.Contains(got.body, "H.264 profile") {
			t.Errorf("%s: got %d %s", codec, got.code, got.body)
		}
	}
}

func ExampleRefusal() {
	fmt.Println(errMasked)
	// Output: the camera has masks, and its own pictures would show what they hide; an administrator allows it by whep.unmasked
}

// Viewers are told the addresses that the configuration lists, and no others; the port is
// ours, for UDP and TCP.
func TestAddressesThatViewersAreTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		listen    string
		advertise []netip.Addr
		want      []string
	}{
		{"127.0.0.1:0", nil, []string{"127.0.0.1"}},
		{"0.0.0.0:0", []netip.Addr{netip.MustParseAddr("203.0.113.5"), netip.MustParseAddr("2001:db8::5")}, []string{"203.0.113.5", "2001:db8::5"}},
	} {
		st := newStand(t, Options{Listen: c.listen, Advertise: c.advertise})
		st.play(taptest.MakeClip(t, taptest.Spec{}), 0, 0)
		got := send(t, http.MethodPost, st.url, newPlayer(t, false).offer(), http.Header{"Content-Type": {"application/sdp"}})
		told := map[string]bool{}
		before := ""
		for line := range strings.Lines(got.body) {
			before += line
			if f := strings.Fields(line); strings.HasPrefix(line, "a=candidate:") {
				told[f[2]+" "+f[4]] = true
				if !strings.Contains(before, "m=video") {
					t.Error("a medium that is refused has the addresses")
				}
				if f[5] != strconv.Itoa(int(st.server.Addr().Port())) {
					t.Errorf("another port: %s", line)
				}
			}
		}
		for _, want := range c.want {
			if !told["udp "+want] || !told["tcp "+want] {
				t.Errorf("%s is not told: %v", want, told)
			}
		}
		if len(told) != 2*len(c.want) {
			t.Errorf("got %v, want those of %v", told, c.want)
		}
	}
}

// TestASessionOfARemovedCameraIsNotAdmitted removes the camera while an offer is read.
func TestASessionOfARemovedCameraIsNotAdmitted(t *testing.T) {
	server := newStand(t, Options{}).server
	v := &session{id: "late", camera: server.cameras.Get("cam"), done: make(chan struct{})}
	v.ctx, v.cancel = context.WithCancelCause(t.Context())
	close(v.done)
	server.Remove("cam")
	if err := server.admit("cam", v); !errors.Is(err, errNoCamera) {
		t.Errorf("got %v, want that there is no such camera", err)
	}
	server.Camera(sidecar.Camera{ID: "cam"})
	if err := server.admit("cam", v); !errors.Is(err, errNoCamera) {
		t.Errorf("another camera of that name: got %v, want that there is no such camera", err)
	}
}
