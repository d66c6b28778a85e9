package rendition_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"pantau/overlays"
	"pantau/overlays/burn"
	"pantau/overlays/live"
	"pantau/overlays/rendition"
	"pantau/sidecar"
	"pantau/sidecar/decode"
	"pantau/sidecar/tap"
	"pantau/sidecar/tap/taptest"
)

const (
	numbered = 100 // pictures of the clip
	slots    = 20  // places of a box
	tick     = 90000 / 25
)

// numbers shows each picture's number, as those of the page's own tests do: 16 blocks of
// black or white, the highest bit first, and below them the same bits inverted as a check.
// Below are upright stripes.
const numbers = "color=c=gray:size=640x360:rate=25,format=gray," +
	"geq=lum='if(between(Y,20,99),if(eq(mod(floor(N/pow(2,15-floor(X/40))),2),lt(Y,60)),235,16),if(gt(Y,179),60+120*mod(floor(X/4),2),96))'"

// slot is the box of picture n.
func slot(n int) sidecar.Box {
	left := float64(n%slots*32 + 4)
	return sidecar.Box{Left: left / 640, Top: 180.0 / 360, Right: (left + 24) / 640, Bottom: 330.0 / 360}
}

// read gives the number in a picture; -1 where there is none.
func read(img *image.YCbCr) (number int) {
	for bit := range 16 {
		x := bit*40 + 20
		upper, lower := img.YCbCrAt(x, 40).Y > 128, img.YCbCrAt(x, 80).Y > 128
		if upper == lower {
			return -1
		}
		number *= 2
		if upper {
			number++
		}
	}
	return number
}

// stage is a camera whose pictures carry their number, what converts them and the hub.
type stage struct {
	camera    *taptest.Camera
	converted *rendition.Server
	hub       *live.Hub
	mux       *http.ServeMux
	web       *httptest.Server
	scene     func(n int) []sidecar.Track // nil: no scene of this picture
	started   uint32                      // RTP time of the first picture
}

// newStage starts them; feed begins to play.
func newStage(t *testing.T, most int, cam sidecar.Camera) *stage {
	t.Helper()
	s := &stage{started: 1<<32 - 60*tick, mux: http.NewServeMux()} // the RTP clock wraps after 2.4 s
	s.scene = func(n int) []sidecar.Track {
		if n%2 > 0 {
			return nil
		}
		return []sidecar.Track{{ID: sidecar.TrackID(n + 1), Confirmed: true, Observed: true, Class: sidecar.Person, Score: 0.9, Box: slot(n)}}
	}
	const delay = 400 * time.Millisecond
	s.converted = rendition.New(rendition.Options{Most: most, Pictures: burn.Options{Delay: delay, FPS: 25,
		Decoder: func(codec sidecar.Codec, masks []sidecar.Polygon, keys bool) (burn.Decoder, error) {
			return decode.New(decode.Options{Codec: codec, Mask: masks, KeyFrames: keys})
		}}})
	s.hub = live.NewHub(live.Options{Renditions: s.converted, Delay: delay})
	s.configure(cam)
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.converted.Run(ctx) })
	s.mux.HandleFunc("GET /api/v1/cameras/{id}/live", func(w http.ResponseWriter, r *http.Request) {
		wg.Add(1)
		defer wg.Done()
		both, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(ctx, cancel)()
		s.hub.Serve(w, r.WithContext(both), r.PathValue("id"), r.Header.Get("Sees") == "blurred")
	})
	s.web = httptest.NewServer(s.mux)
	t.Cleanup(func() { stop(); s.web.Close(); wg.Wait() })
	return s
}

func (s *stage) configure(cam sidecar.Camera) {
	s.converted.Camera(cam)
	s.hub.Camera(cam)
}

// play lets the camera a send a clip.
func (s *stage) play(t *testing.T, codec sidecar.Codec) {
	t.Helper()
	clip := taptest.MakeClip(t, taptest.Spec{Codec: codec, Width: 640, Height: 360, GOP: 25, Frames: numbered, Pattern: numbers})
	var err error
	if s.camera, err = taptest.New(taptest.Options{Clip: clip, StartRTP: s.started}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.camera.Run(ctx) })
	wg.Go(func() {
		_ = tap.New(tap.Options{Source: s.camera.Source()}).Run(ctx, func(u *sidecar.AccessUnit) {
			s.converted.AccessUnit("a", u)
			s.hub.AccessUnit("a", u)
			n := int(u.RTPTime-s.started) / tick
			tracks := s.scene(n)
			if tracks == nil {
				return
			}
			scene := &sidecar.Scene{Stamp: u.Stamp, Camera: "a", Width: 640, Height: 360, Seq: uint64(n), Tracks: tracks}
			time.AfterFunc(time.Duration(20+n*7919%260)*time.Millisecond, func() {
				s.converted.Scene(scene)
				s.hub.Scene(scene)
			})
		})
	})
	t.Cleanup(func() { stop(); wg.Wait() })
}

// hello is what a view begins with.
type hello struct {
	Type, Codec, Epoch, Rendition string
	Width, Height                 int
	Masked, Busy                  bool
	Hold                          int `json:"hold_ms"`
}

// view is a viewer that decodes what it is given.
type view struct {
	t      *testing.T
	s      *stage
	conn   *websocket.Conn
	hello  hello
	scenes map[int64][]int // the slots of a scene's boxes, by its PTS
	d      *decode.Decoder
}

// open watches the camera a; sees is "blurred" or empty.
func (s *stage) open(t *testing.T, query, sees string) *view {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), s.web.URL+"/api/v1/cameras/a/live"+query, &websocket.DialOptions{HTTPHeader: http.Header{"Sees": {sees}}})
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(16 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() })
	v := &view{t: t, s: s, conn: conn, scenes: map[int64][]int{}}
	t.Cleanup(func() {
		if v.d != nil {
			v.d.Close()
		}
	})
	return v
}

// message reads the next one; nil for one that is no picture, and at the end.
func (v *view) message() (picture []byte, err error) {
	ctx, stop := context.WithTimeout(v.t.Context(), 30*time.Second)
	defer stop()
	kind, data, err := v.conn.Read(ctx)
	if err != nil || kind == websocket.MessageBinary {
		return data, err
	}
	var m struct {
		hello
		Scene struct {
			PTS     int64
			Objects []struct{ Box [4]float64 }
		}
	}
	if err := json.Unmarshal(data, &m); err != nil {
		v.t.Fatal(err)
	}
	switch m.Type {
	case "hello":
		v.hello = m.hello
	case "scene":
		v.scenes[m.Scene.PTS] = []int{}
		for _, o := range m.Scene.Objects {
			v.scenes[m.Scene.PTS] = append(v.scenes[m.Scene.PTS], int(o.Box[0]*640+0.5)/32)
		}
	}
	return nil, nil
}

// picture gives the next picture with its PTS, decoded.
func (v *view) picture() (pts int64, img *image.YCbCr) {
	v.t.Helper()
	for {
		data, err := v.message()
		if err != nil {
			v.t.Fatalf("%v, after %+v", err, v.hello)
		}
		if data == nil {
			continue
		}
		if !strings.HasPrefix(v.hello.Codec, "avc1.42") {
			v.t.Fatalf("a picture of %+v, want one of H.264 Constrained Baseline", v.hello)
		}
		if v.d == nil {
			if v.d, err = decode.New(decode.Options{Codec: sidecar.H264}); err != nil {
				v.t.Fatal(err)
			}
		}
		u := &sidecar.AccessUnit{Codec: sidecar.H264, Key: data[1]&1 == 1, NALUs: split(data[20:])}
		u.PTS = int64(binary.BigEndian.Uint64(data[4:]))
		f, err := v.d.Decode(u)
		if err != nil || f == nil {
			v.t.Fatalf("a picture cannot be decoded: %v", err)
		}
		img, err = f.Picture.YCbCr()
		f.Release()
		if err != nil {
			v.t.Fatal(err)
		}
		return u.PTS, img
	}
}

// split cuts Annex B with start codes of four bytes.
func split(data []byte) (nalus [][]byte) {
	for _, n := range strings.Split(string(data), "\x00\x00\x00\x01")[1:] {
		nalus = append(nalus, []byte(n))
	}
	return nalus
}

// number is that of the picture of a PTS, whose low bits are the RTP time.
func (s *stage) number(pts int64) int { return int(uint32(pts)-s.started) / tick }

// Three viewers of an H.265 camera share one encoder, and each picture that they get
// shows the number of its time; the scene of the same time has its box. It plays a short
// while, or PANTAU_RENDITION_FRAMES analysed pictures.
func TestConvertedPicturesKeepTheirScenes(t *testing.T) {
	t.Parallel()
	want := 25
	if n, err := fmt.Sscan(os.Getenv("PANTAU_RENDITION_FRAMES"), &want); n != 1 || err != nil {
		want = 25
	}
	s := newStage(t, 1, sidecar.Camera{ID: "a"})
	s.play(t, sidecar.H265)
	own := s.open(t, "", "")
	for !strings.HasPrefix(own.hello.Codec, "hvc1.") {
		if _, err := own.message(); err != nil {
			t.Fatal(err)
		}
	}
	_ = own.conn.CloseNow()
	if now, _ := s.converted.Working(); now != 0 {
		t.Errorf("%d are converted for who wants none", now)
	}
	views := []*view{s.open(t, "?codec=avc1", ""), s.open(t, "?codec=avc1", ""), s.open(t, "?codec=avc1", "")}
	exact, waits := make([]int, len(views)), make([]int, len(views))
	var all sync.WaitGroup
	for i, v := range views {
		all.Go(func() {
			seen := map[int]bool{}
			for exact[i] < want && !t.Failed() {
				pts, img := v.picture()
				n := s.number(pts)
				if got := read(img); got != n%numbered {
					t.Errorf("the time of picture %d, which shows %d", n, got)
				}
				if seen[n] {
					t.Errorf("picture %d came twice", n)
				}
				seen[n] = true
				if n%2 > 0 {
					continue
				}
				at, there := v.scenes[pts]
				switch {
				case !there: // it comes later: the page waits for it
					waits[i]++
				case !slices.Equal(at, []int{n % slots}):
					t.Errorf("the scene of picture %d has its box at %v", n, at)
				default:
					exact[i]++
				}
				if waits[i] > 4*want {
					t.Errorf("%d pictures came before their scenes", waits[i])
				}
			}
		})
	}
	all.Wait()
	stats := s.converted.Stats("a", overlays.Converted)
	t.Logf("%v analysed pictures with their scene there before them, %v before their scene; %+v", exact, waits, stats)
	if now, _ := s.converted.Working(); now != 1 {
		t.Errorf("%d encoders for three viewers", now)
	}
	if h := views[0].hello; h.Rendition != "converted" || h.Width != 640 || h.Height != 360 || h.Busy || h.Hold > 400 {
		t.Errorf("got %+v", h)
	}
	for _, v := range views {
		_ = v.conn.CloseNow()
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if now, _ := s.converted.Working(); now == 0 {
			break
		} else if time.Now().After(deadline) {
			t.Fatal("it is converted while nobody watches")
		}
	}
}

// contrast is that of the stripes in a column of a box's place.
func contrast(img *image.YCbCr, slot int) (most int) {
	for x := slot*32 + 6; x < slot*32+24; x++ {
		for y := 190; y < 320; y += 10 {
			most = max(most, int(img.YCbCrAt(x, y).Y)-int(img.YCbCrAt(x+4, y).Y))
		}
	}
	return most
}

// Who may not see persons gets pictures in which nothing is to be seen where they are, of
// whatever codec the camera's own are, and nothing but those.
func TestPersonsAreBlurredForThoseWhoMayNotSeeThem(t *testing.T) {
	t.Parallel()
	for _, codec := range []sidecar.Codec{sidecar.H264, sidecar.MJPEG} {
		t.Run(string(codec), func(t *testing.T) {
			t.Parallel()
			s := newStage(t, 1, sidecar.Camera{ID: "a"})
			const stands = 7 // where the person stands; the other one walks
			s.scene = func(n int) []sidecar.Track {
				walks := sidecar.Track{ID: 2, Confirmed: n%3 > 0, Class: sidecar.Motorcycle, Box: slot(12 + n/10%4)}
				return []sidecar.Track{{ID: 1, Confirmed: true, Observed: true, Class: sidecar.Person, Score: 0.9, Box: slot(stands)}, walks}
			}
			s.play(t, codec)
			v := s.open(t, "", "blurred")
			shown := 0
			for i := 0; shown < 25 && i < 500; i++ {
				pts, img := v.picture()
				n := s.number(pts)
				if c := contrast(img, stands); c > 40 {
					t.Errorf("picture %d shows the person: contrast %d", n, c)
				}
				if c := contrast(img, 12+n/10%4); c > 40 {
					t.Errorf("picture %d shows the rider: contrast %d", n, c)
				}
				if contrast(img, 1) > 80 { // otherwise all of it is hidden: nothing is known of it
					shown++
				}
			}
			if shown < 25 || v.hello.Rendition != "blurred" {
				t.Errorf("%d pictures are shown, %+v", shown, v.hello)
			}
		})
	}
}

// Where no scenes come, nobody knows who is there.
func TestNothingIsShownThatNobodyLookedAt(t *testing.T) {
	t.Parallel()
	s := newStage(t, 1, sidecar.Camera{ID: "a"})
	s.scene = func(int) []sidecar.Track { return nil }
	s.play(t, sidecar.H264)
	v := s.open(t, "?codec=avc1", "blurred")
	for range 20 {
		pts, img := v.picture()
		for at := range slots - 1 {
			if c := contrast(img, at); c > 40 {
				t.Errorf("picture %d is shown: contrast %d at place %d", s.number(pts), c, at)
			}
		}
	}
}

// A masked camera is shown with its masks blanked, to who asks for converted pictures.
func TestMaskedCamerasAreShownConverted(t *testing.T) {
	t.Parallel()
	left := []sidecar.Polygon{{{0, 0.4}, {0.5, 0.4}, {0.5, 1}, {0, 1}}}
	s := newStage(t, 1, sidecar.Camera{ID: "a", Analyse: sidecar.Analyse{Mask: left}})
	s.play(t, sidecar.H264)
	v := s.open(t, "?codec=avc1", "")
	for range 20 {
		pts, img := v.picture()
		if n := s.number(pts); read(img) != n%numbered || contrast(img, 3) > 20 || contrast(img, 15) < 80 {
			t.Errorf("picture %d shows %d; contrast %d under the mask, %d beside it", n, read(img), contrast(img, 3), contrast(img, 15))
		}
	}
	if !v.hello.Masked || v.hello.Rendition != "converted" {
		t.Errorf("got %+v", v.hello)
	}
	// Another mask: nothing comes any more that the new one hides.
	right := []sidecar.Polygon{{{0.5, 0.4}, {1, 0.4}, {1, 1}, {0.5, 1}}}
	s.configure(sidecar.Camera{ID: "a", Name: "new", Analyse: sidecar.Analyse{Mask: right}})
	for told, i := false, 0; i < 20; i++ {
		for !told { // up to the hello that tells of the change
			before := v.hello
			if _, err := v.message(); err != nil {
				t.Fatal(err)
			}
			told = v.hello != before
		}
		if _, img := v.picture(); contrast(img, 15) > 20 || contrast(img, 3) < 80 {
			t.Errorf("contrast %d under the new mask, %d beside it", contrast(img, 15), contrast(img, 3))
		}
	}
	// No mask: the camera's own are what H.264 is now, and the viewer is let go to get them.
	s.configure(sidecar.Camera{ID: "a"})
	for {
		if _, err := v.message(); err != nil {
			if got := websocket.CloseStatus(err); got != websocket.StatusGoingAway {
				t.Errorf("got %v, want going away", err)
			}
			break
		}
	}
}
