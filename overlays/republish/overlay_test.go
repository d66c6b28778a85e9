package republish_test

import (
	"context"
	"fmt"
	"image"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"pantau/overlays/burn"
	"pantau/overlays/republish"
	"pantau/sidecar"
	"pantau/sidecar/decode"
	"pantau/sidecar/tap"
	"pantau/sidecar/tap/taptest"
)

const (
	numbered = 200 // pictures of the clip
	slots    = 20  // places of a box
	tick     = 90000 / 25
)

// numbers shows each picture's number: 16 blocks of black or white, the highest bit
// first, and below them the same bits inverted as a check.
const numbers = "color=c=gray:size=320x176:rate=25,format=gray," +
	"geq=lum='if(between(Y,10,49),if(eq(mod(floor(N/pow(2,15-floor(X/20))),2),lt(Y,30)),235,16),96)'"

// slot is the box of picture n.
func slot(n int) sidecar.Box {
	left := float64(n%slots*16 + 2)
	return sidecar.Box{Left: left / 320, Top: 90.0 / 176, Right: (left + 12) / 320, Bottom: 160.0 / 176}
}

// read gives the number in a picture, and the slot of the only box; -1 where there is none.
func read(img *image.YCbCr) (number, at int) {
	for bit := range 16 {
		x := bit*20 + 10
		upper, lower := img.YCbCrAt(x, 20).Y > 128, img.YCbCrAt(x, 40).Y > 128
		if upper == lower {
			return -1, -1
		}
		number *= 2
		if upper {
			number++
		}
	}
	at = -1
	for s := range slots {
		p := img.YCbCrAt(s*16+3, 130)
		if p.Cb > 90 || p.Cr < 140 { // no orange
			continue
		}
		if at >= 0 {
			return number, -1
		}
		at = s
	}
	return number, at
}

// decoder is what the program gives.
func decoder(codec sidecar.Codec, masks []sidecar.Polygon, keys bool) (burn.Decoder, error) {
	return decode.New(decode.Options{Codec: codec, Mask: masks, KeyFrames: keys})
}

// scenery is a camera whose pictures carry their number, its tap and a server.
type scenery struct {
	*republish.Server
	camera *taptest.Camera
}

// newScenery starts them. Each picture that `every` divides gets a scene after a time
// between least and most.
func newScenery(t *testing.T, spec taptest.Spec, o republish.Options, cam sidecar.Camera, startRTP uint32, every int, least, most time.Duration) *scenery {
	t.Helper()
	spec.Width, spec.Height, spec.Frames, spec.Pattern = 320, 176, numbered, numbers
	s := &scenery{}
	var err error
	if s.camera, err = taptest.New(taptest.Options{Clip: taptest.MakeClip(t, spec), StartRTP: startRTP}); err != nil {
		t.Fatal(err)
	}
	o.Listen = "127.0.0.1:0"
	o.Passwords = func(context.Context, string) ([]sidecar.Secret, error) {
		return []sidecar.Secret{sidecar.NewSecret(password)}, nil
	}
	o.Overlay.Decoder = decoder
	if s.Server, err = republish.New(o); err != nil {
		t.Fatal(err)
	}
	s.Camera(cam)
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.camera.Run(ctx) })
	wg.Go(func() { _ = s.Run(ctx) })
	tapped := tap.New(tap.Options{Source: sidecar.Source{RTSP: s.camera.URL()}, Packets: true})
	rng := rand.New(rand.NewPCG(3, 4))
	wg.Go(func() {
		_ = tapped.Run(ctx, func(u *sidecar.AccessUnit) {
			s.AccessUnit(cam.ID, u)
			n := int(u.RTPTime-startRTP) / tick
			if n%every != 0 {
				return
			}
			scene := &sidecar.Scene{Stamp: u.Stamp, Camera: cam.ID, Tracks: []sidecar.Track{{
				ID: sidecar.TrackID(n + 1), Confirmed: true, Observed: true, Class: sidecar.Person, Score: 0.9, Box: slot(n % numbered)}}}
			wait := least
			if most > least {
				wait += time.Duration(rng.Int64N(int64(most - least)))
			}
			time.AfterFunc(wait, func() { s.Scene(scene) })
		})
	})
	t.Cleanup(func() { stop(); wg.Wait() })
	return s
}

// patience is how long a test may play.
func patience() time.Duration {
	if os.Getenv("PANTAU_OVERLAY_FRAMES") != "" {
		return time.Hour
	}
	return time.Minute
}

// watch plays /overlay until enough says so, over as many sessions as it takes, and
// gives each picture to see, with the newest report.
func (s *scenery) watch(t *testing.T, path string, see func(n int, u *sidecar.AccessUnit, img *image.YCbCr, report *rtcp.SenderReport) (enough bool)) {
	t.Helper()
	address, err := base.ParseURL(fmt.Sprintf("rtsp://%s:%s@%s/%s", user, password, s.Addr(), path))
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(patience())
	for session := 0; time.Now().Before(deadline); session++ {
		if done, err := s.session(t, address, session, see); done || t.Failed() {
			return
		} else if err != nil {
			time.Sleep(100 * time.Millisecond) // the camera is not there yet
		}
	}
	t.Error("not enough came")
}

func (s *scenery) session(t *testing.T, address *base.URL, session int, see func(int, *sidecar.AccessUnit, *image.YCbCr, *rtcp.SenderReport) bool) (done bool, err error) {
	tcp := gortsplib.TransportTCP
	client := &gortsplib.Client{Scheme: address.Scheme, Host: address.Host, Transport: &tcp}
	if err := client.Start2(); err != nil {
		return false, err
	}
	defer client.Close()
	desc, _, err := client.Describe(address)
	if err != nil {
		return false, err
	}
	var h264 *format.H264
	media := desc.FindFormat(&h264)
	if media == nil || len(h264.SPS) == 0 || len(h264.PPS) == 0 {
		t.Fatalf("the description has no H.264 with its parameter sets: %+v", desc)
	}
	if err := client.SetupAll(desc.BaseURL, []*description.Media{media}); err != nil {
		return false, err
	}
	units, err := h264.CreateDecoder()
	if err != nil {
		t.Fatal(err)
	}
	d, err := decode.New(decode.Options{Codec: sidecar.H264})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	defer func() { mu.Lock(); d.Close(); d = nil; mu.Unlock() }()
	var report *rtcp.SenderReport
	finished := make(chan struct{})
	client.OnPacketRTCP(media, func(p rtcp.Packet) {
		mu.Lock()
		defer mu.Unlock()
		if sr, ok := p.(*rtcp.SenderReport); ok {
			report = sr
		}
	})
	client.OnPacketRTP(media, h264, func(p *rtp.Packet) {
		nalus, err := units.Decode(p)
		if err != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if d == nil || done {
			return
		}
		u := &sidecar.AccessUnit{Codec: sidecar.H264, NALUs: nalus, Key: nalus[0][0]&0x1F == 7}
		u.RTPTime = p.Timestamp
		frame, err := d.Decode(u)
		if err != nil {
			t.Errorf("a picture cannot be decoded: %v", err)
		}
		if frame == nil {
			return
		}
		defer frame.Release()
		img, err := frame.Picture.YCbCr()
		if err != nil {
			t.Error(err)
			return
		}
		if done = see(session, u, img, report); done {
			close(finished)
		}
	})
	if _, err := client.Play(nil); err != nil {
		return false, err
	}
	ended := make(chan error, 1)
	go func() { ended <- client.Wait() }()
	select {
	case <-finished:
		client.Close()
		<-ended
	case err = <-ended:
	}
	mu.Lock()
	defer mu.Unlock()
	return done, err
}

// TestBoxesAreBurntIntoTheirPicture plays a short while, or PANTAU_OVERLAY_FRAMES
// analysed pictures.
func TestBoxesAreBurntIntoTheirPicture(t *testing.T) {
	want := 60
	if n, err := fmt.Sscan(os.Getenv("PANTAU_OVERLAY_FRAMES"), &want); n != 1 || err != nil {
		want = 60
	}
	const start = 1<<32 - 60*tick // the RTP clock wraps after 2.4 s
	s := newScenery(t, taptest.Spec{GOP: 20}, republish.Options{Delay: 450 * time.Millisecond, Overlay: burn.Options{FPS: 25}},
		sidecar.Camera{ID: "cam"}, start, 2, 20*time.Millisecond, 400*time.Millisecond)
	exact, bare, between, other, gone := 0, 0, 0, 0, 0
	wrapped, sessions := false, map[int]time.Time{}
	last := -1
	s.watch(t, "cam/overlay", func(session int, u *sidecar.AccessUnit, img *image.YCbCr, report *rtcp.SenderReport) bool {
		if _, known := sessions[session]; !known {
			sessions[session] = time.Now()
			last = -1
		}
		n := int(u.RTPTime-start) / tick
		number, at := read(img)
		switch {
		case u.RTPTime-start != uint32(n*tick) || number != n%numbered:
			t.Errorf("RTP time of picture %d, which shows %d", n, number)
		case report == nil:
			t.Error("a picture without a report before it")
		case n%2 == 1:
			between++
		case at == number%slots:
			exact++
		case at < 0 && time.Since(sessions[session]) < 700*time.Millisecond:
			bare++ // its scene came before the reader
		default:
			t.Logf("picture %d has its box at %d, want %d", n, at, number%slots)
			other++
		}
		if last >= 0 {
			gone += n - last - 1
		}
		wrapped = wrapped || u.RTPTime < 1<<31
		last = n
		if exact == want/2 && len(sessions) == 1 {
			s.camera.Drop()
		}
		return exact >= want
	})
	readers, stats := s.Burnt("cam")
	t.Logf("%d of %d analysed pictures have their box, %d between, %d bare, %d sessions, %d readers, %+v", exact, want, between, bare, len(sessions), readers, stats)
	if !wrapped || len(sessions) < 2 {
		t.Errorf("wrapped %v, %d sessions", wrapped, len(sessions))
	}
	// A busy machine may be late, and says so; otherwise each picture comes, with its own box.
	if other > int(stats.Late) || gone > int(stats.Dropped) || stats.Failed > 0 {
		t.Errorf("%d pictures have another box, %d did not come, %+v", other, gone, stats)
	}
}

// TestEveryCodecIsBurnt asks that each is decoded, drawn on and given as H.264.
func TestEveryCodecIsBurnt(t *testing.T) {
	for _, codec := range []sidecar.Codec{sidecar.H265, sidecar.MJPEG} {
		s := newScenery(t, taptest.Spec{Codec: codec, GOP: 20}, republish.Options{Delay: 200 * time.Millisecond, Overlay: burn.Options{FPS: 25}},
			sidecar.Camera{ID: "cam"}, 7, 1, 20*time.Millisecond, 60*time.Millisecond)
		exact, other, begun := 0, 0, time.Now()
		s.watch(t, "cam/overlay", func(_ int, u *sidecar.AccessUnit, img *image.YCbCr, _ *rtcp.SenderReport) bool {
			n := int(u.RTPTime-7) / tick
			switch number, at := read(img); {
			case number != n%numbered:
				t.Errorf("%s: RTP time of picture %d, which shows %d", codec, n, number)
			case at == number%slots:
				exact++
			case at >= 0 || exact > 0:
				other++
			}
			return exact >= 15 || t.Failed() || time.Since(begun) > 20*time.Second
		})
		if _, stats := s.Burnt("cam"); exact < 15 || other > int(stats.Late) {
			t.Errorf("%s: %d pictures have their box, %d another, %+v", codec, exact, other, stats)
		}
	}
}

// TestMasksAreInThePictures asks for a camera with a mask: its own packets are refused,
// and its pictures with boxes are blank where the mask is.
func TestMasksAreInThePictures(t *testing.T) {
	mask := sidecar.Polygon{{0, 0.9}, {1, 0.9}, {1, 1}, {0, 1}}
	s := newScenery(t, taptest.Spec{GOP: 20}, republish.Options{Delay: 100 * time.Millisecond, Overlay: burn.Options{Show: []sidecar.Layer{sidecar.LayerBoxes}}},
		sidecar.Camera{ID: "cam", Analyse: sidecar.Analyse{Mask: []sidecar.Polygon{mask}}}, 0, 2, 10*time.Millisecond, 10*time.Millisecond)
	seen := 0
	s.watch(t, "cam/overlay", func(_ int, _ *sidecar.AccessUnit, img *image.YCbCr, _ *rtcp.SenderReport) bool {
		if below, above := img.YCbCrAt(160, 168).Y, img.YCbCrAt(160, 80).Y; below > 12 || above < 60 {
			t.Errorf("luma %d under the mask, %d above it", below, above)
		}
		seen++
		return seen >= 10
	})
	if err := refusal(t, fmt.Sprintf("rtsp://%s:%s@%s/cam/video", user, password, s.Addr())); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("the packets of a camera with masks are given: %v", err)
	}
}

// TestViewersShareOneEncoder lets three watch, one of whom reads nothing: the others lose
// no picture, and when all have gone nothing is done any more.
func TestViewersShareOneEncoder(t *testing.T) {
	s := newScenery(t, taptest.Spec{GOP: 20}, republish.Options{Delay: 100 * time.Millisecond, Overlay: burn.Options{FPS: 25}},
		sidecar.Camera{ID: "cam"}, 0, 2, 10*time.Millisecond, 10*time.Millisecond)
	s.watch(t, "cam/overlay", func(int, *sidecar.AccessUnit, *image.YCbCr, *rtcp.SenderReport) bool { return true })
	stuck := stuckReader(t, s)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			last, seen, gone := -1, 0, 0
			s.watch(t, "cam/overlay", func(_ int, u *sidecar.AccessUnit, _ *image.YCbCr, _ *rtcp.SenderReport) bool {
				n := int(u.RTPTime) / tick
				if last >= 0 {
					gone += n - last - 1
				}
				last = n
				seen++
				return seen >= 50
			})
			if _, stats := s.Burnt("cam"); gone > int(stats.Dropped) {
				t.Errorf("%d pictures did not come, %+v", gone, stats)
			}
		})
	}
	wg.Wait()
	_ = stuck.Close()
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if readers, _ := s.Burnt("cam"); readers == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a reader is left over")
		}
	}
	time.Sleep(300 * time.Millisecond) // the picture that was under way
	_, before := s.Burnt("cam")
	time.Sleep(500 * time.Millisecond)
	if _, after := s.Burnt("cam"); after.Burnt != before.Burnt || after.CPU != before.CPU || after.Pictures != before.Pictures {
		t.Errorf("work was done while nobody watched: %+v, then %+v", before, after)
	} else if after.Burnt > 200 {
		t.Errorf("%d pictures were coded for three viewers of some 60", after.Burnt)
	}
}

// stuckReader plays over TCP and reads nothing of it.
func stuckReader(t *testing.T, s *scenery) net.Conn {
	t.Helper()
	var conn net.Conn
	tcp := gortsplib.TransportTCP
	address, err := base.ParseURL(fmt.Sprintf("rtsp://%s:%s@%s/cam/overlay", user, password, s.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	client := &gortsplib.Client{Scheme: address.Scheme, Host: address.Host, Transport: &tcp,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
			conn = &stuckConn{Conn: c, stop: stop}
			return conn, err
		}}
	t.Cleanup(client.Close)
	t.Cleanup(func() { close(stop) })
	if err := client.Start2(); err != nil {
		t.Fatal(err)
	}
	desc, _, err := client.Describe(address)
	if err == nil {
		err = client.SetupAll(desc.BaseURL, desc.Medias)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Play(nil); err != nil {
		t.Fatal(err)
	}
	conn.(*stuckConn).stuck.Store(true)
	return conn
}

// stuckConn reads nothing more once it is stuck.
type stuckConn struct {
	net.Conn
	stuck atomic.Bool
	stop  chan struct{}
}

func (c *stuckConn) Read(b []byte) (int, error) {
	if c.stuck.Load() {
		<-c.stop
	}
	return c.Conn.Read(b)
}
