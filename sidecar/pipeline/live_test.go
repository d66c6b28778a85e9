package pipeline

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"pantau/sidecar"
	"pantau/sidecar/tap/taptest"
)

// passing is a clip on which a white square goes from left to right, once in two
// seconds, so that what is counted live is known exactly.
func passing(tb taptest.TB) string {
	return taptest.MakeClip(tb, taptest.Spec{
		Width: 320, Height: 240, Rate: 10, GOP: 10, Frames: 60,
		Pattern: "color=black:s=320x240:r=10[b];color=white:s=40x60:r=10[w];[b][w]overlay=x='mod(t*190\\,380)-40':y=90:shortest=1",
	})
}

// middle is a line which every square crosses from its left hand... to its right.
var middle = sidecar.Function{ID: "middle", Kind: "line", Line: []sidecar.Point{{0.5, 0.9}, {0.5, 0.1}}, Classes: []sidecar.Class{sidecar.Car}, Anchor: sidecar.AnchorCentre}

// bright is a detector that finds the bright area of a picture: a test double
// that looks at real pixels.
type bright struct {
	delay  time.Duration
	looked atomic.Int64
}

func (*bright) Name() string { return "bright@1" }

func (d *bright) Detect(ctx context.Context, next func() *sidecar.Frame, dst []sidecar.Detection) (*sidecar.Frame, []sidecar.Detection, error) {
	f := next()
	if f == nil {
		return nil, dst, nil
	}
	if d.delay > 0 {
		select {
		case <-ctx.Done():
			return f, dst, ctx.Err()
		case <-time.After(d.delay):
		}
	}
	d.looked.Add(1)
	picture, err := f.Picture.YCbCr()
	if err != nil {
		return f, dst, err
	}
	w, h := picture.Rect.Dx(), picture.Rect.Dy()
	left, top, right, bottom := w, h, 0, 0
	for y := range h {
		for x, v := range picture.Y[y*picture.YStride : y*picture.YStride+w] {
			if v > 128 {
				left, top, right, bottom = min(left, x), min(top, y), max(right, x+1), max(bottom, y+1)
			}
		}
	}
	if right-left < 4 {
		return f, dst, nil
	}
	box := sidecar.Box{Left: float64(left) / float64(w), Top: float64(top) / float64(h), Right: float64(right) / float64(w), Bottom: float64(bottom) / float64(h)}
	return f, append(dst, sidecar.Detection{Class: sidecar.Car, Score: 0.9, Box: box}), nil
}

// camera starts a demo camera that ends with the test.
func camera(t *testing.T, o taptest.Options) *taptest.Camera {
	t.Helper()
	c, err := taptest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	background(t, c.Run)
	return c
}

// background runs fn until stop is called or the test ends, and waits for it.
func background(t *testing.T, fn func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- fn(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// eventually waits until is holds.
func eventually(t *testing.T, what string, within time.Duration, is func() bool) {
	t.Helper()
	deadline := time.After(within)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-deadline:
			t.Fatalf("%s: not within %v", what, within)
		case <-tick.C:
		}
	}
}

func watch(t *testing.T, c *taptest.Camera, d Detector) (p *Pipeline, sink *memory, stop func()) {
	t.Helper()
	sink = &memory{}
	p = New(Options{Camera: sidecar.Camera{ID: "a", Timezone: "UTC", Source: c.Source(), Functions: []sidecar.Function{middle}}, Detector: d, Sink: sink})
	return p, sink, background(t, p.Run)
}

// What passes live is counted, one by one, also when the 32-bit RTP clock wraps
// while an object is on its way.
func TestLiveCountsOverTheWrapOfRTPTime(t *testing.T) {
	t.Parallel()
	c := camera(t, taptest.Options{Clip: passing(t), StartRTP: 1<<32 - 5*90000, User: "u", Password: sidecar.NewSecret("p")})
	_, sink, _ := watch(t, c, &bright{})
	eventually(t, "six crossings", 30*time.Second, func() bool { return len(sink.crossings("middle")) >= 6 })
	all := sink.crossings("middle")
	for i, x := range all {
		if x.Direction != all[0].Direction {
			t.Errorf("crossing %d went %s, the first %s", i, x.Direction, all[0].Direction)
		}
		if i > 0 && (x.T-all[i-1].T < 1.7 || x.T-all[i-1].T > 2.3) {
			t.Errorf("crossing %d came %.2f s after the one before, want 2 s", i, x.T-all[i-1].T)
		}
	}
	sink.mu.Lock()
	defer sink.mu.Unlock()
	wrapped := false
	for i, s := range sink.scenes {
		if uint32(s.PTS) != s.RTPTime {
			t.Fatalf("scene %d: PTS %d does not end in RTP time %d", i, s.PTS, s.RTPTime)
		}
		if i > 0 && s.PTS <= sink.scenes[i-1].PTS {
			t.Fatalf("scene %d: PTS %d after %d", i, s.PTS, sink.scenes[i-1].PTS)
		}
		wrapped = wrapped || i > 0 && s.RTPTime < sink.scenes[i-1].RTPTime
	}
	if !wrapped {
		t.Error("the RTP clock did not wrap")
	}
}

// A detector of half a second per frame: the camera keeps its one session, what
// is looked at is new, and what is not is counted.
func TestSlowDetectorIsNotFeltByTheCamera(t *testing.T) {
	t.Parallel()
	long := 2 * time.Minute
	if testing.Short() {
		long = 10 * time.Second
	}
	c := camera(t, taptest.Options{Clip: passing(t)})
	d := &bright{delay: 500 * time.Millisecond}
	p, sink, _ := watch(t, c, d)
	eventually(t, "the first frame", 20*time.Second, func() bool { return d.looked.Load() > 0 })
	<-time.After(long)
	st := p.Status()
	if st.State != "running" || st.Reconnects != 0 || c.Readers() != 1 {
		t.Errorf("got state %s, %d reconnects, %d readers, want one session all the time", st.State, st.Reconnects, c.Readers())
	}
	wanted := uint64(long.Seconds()*10) * 7 / 10
	if dropped := st.Dropped["newest"]; dropped < wanted {
		t.Errorf("got %d frames dropped for newer ones, want about 8 of 10: more than %d", dropped, wanted)
	}
	if st.Dropped["queue"] != 0 {
		t.Errorf("%d access units were dropped before the decoder, want none", st.Dropped["queue"])
	}
	sink.mu.Lock()
	defer sink.mu.Unlock()
	for i, s := range sink.scenes {
		if s.Latency.Total > 1500*time.Millisecond {
			t.Errorf("scene %d was %v old, want at most two inferences and a little", i, s.Latency.Total)
		}
	}
}

// Other functions, given while the camera runs: the connection stays, and what
// was counted before stays counted.
func TestRedefineKeepsTheConnection(t *testing.T) {
	t.Parallel()
	c := camera(t, taptest.Options{Clip: passing(t)})
	p, sink, stop := watch(t, c, &bright{})
	eventually(t, "two crossings", 30*time.Second, func() bool { return len(sink.crossings("middle")) >= 2 })
	changed := p.o.Camera
	changed.Functions = []sidecar.Function{{ID: "other", Kind: "line", Line: []sidecar.Point{{0.4, 0.1}, {0.4, 0.9}}, Anchor: sidecar.AnchorCentre}}
	if !Redefinable(p.o.Camera, changed) {
		t.Fatal("a change of functions needs no new connection")
	}
	p.Redefine(changed)
	eventually(t, "two crossings of the other line", 30*time.Second, func() bool { return len(sink.crossings("other")) >= 2 })
	if st := p.Status(); st.Reconnects != 0 || c.Readers() != 1 {
		t.Errorf("got %d reconnects, %d readers, want the same session", st.Reconnects, c.Readers())
	}
	stop() // the open minute is finished
	counted := 0
	sink.mu.Lock()
	for _, m := range sink.counts {
		for _, r := range m.Rows {
			if r.Rule == "middle" && r.N != nil {
				counted += *r.N
			}
		}
	}
	sink.mu.Unlock()
	if crossed := len(sink.crossings("middle")); counted != crossed {
		t.Errorf("the minutes of the first line hold %d crossings, its events %d", counted, crossed)
	}
}

// A camera that is lost and comes back is told as events, once each, however
// often it was tried.
func TestLostCameraIsAnEvent(t *testing.T) {
	t.Parallel()
	c := camera(t, taptest.Options{Clip: passing(t)})
	_, sink, _ := watch(t, c, &bright{})
	states := func() (to []string) {
		sink.mu.Lock()
		defer sink.mu.Unlock()
		for _, e := range sink.events {
			if s, ok := e.Data.(sidecar.StateChange); ok {
				to = append(to, s.To)
			}
		}
		return to
	}
	eventually(t, "the connection", 20*time.Second, func() bool { return len(states()) == 2 })
	c.Drop()
	eventually(t, "loss and return", 30*time.Second, func() bool { return len(states()) >= 4 })
	if got, want := states(), []string{"connecting", "running", "retrying", "running"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	sink.mu.Lock()
	defer sink.mu.Unlock()
	ids := map[string]bool{}
	for _, e := range sink.events {
		if ids[e.ID] {
			t.Errorf("the id %s stands twice", e.ID)
		}
		ids[e.ID] = true
	}
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Who wants the frames gets each one that was analysed, with its scene.
func TestFramesAreShownWithTheirScenes(t *testing.T) {
	t.Parallel()
	clip := shared(t, "videos", "street-dusk.mp4")
	var mu sync.Mutex
	var shown []sidecar.Stamp
	var decoded atomic.Int64
	sink := &memory{}
	p := New(Options{Camera: sidecar.Camera{ID: "a", Source: sidecar.Source{File: clip}}, Detector: &bright{}, Sink: sink,
		Shown: func(f *sidecar.Frame, s *sidecar.Scene) {
			mu.Lock()
			defer mu.Unlock()
			if w, h := f.Picture.Size(); f.Stamp != s.Stamp || w != s.Width || h != s.Height {
				t.Errorf("a frame of %v with the scene of %v", f.Stamp, s.Stamp)
			}
			shown = append(shown, s.Stamp)
		},
		Decoded: func(camera string, f *sidecar.Frame) {
			if w, h := f.Picture.Size(); camera != "a" || w != 640 || h != 360 {
				t.Errorf("a picture of %d×%d of camera %s", w, h, camera)
			}
			decoded.Add(1)
		}})
	stop := background(t, p.Run)
	eventually(t, "five frames", 20*time.Second, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(shown) >= 5
	})
	stop()
	if len(shown) != len(sink.scenes) {
		t.Errorf("%d frames were shown, and %d scenes made", len(shown), len(sink.scenes))
	}
	if n := int(decoded.Load()); n <= len(shown) {
		t.Errorf("%d pictures came of the decoder, and %d were analysed", n, len(shown))
	}
}
