package burn

import (
	"context"
	"errors"
	"image"
	"testing"
	"time"

	"go.uber.org/goleak"

	"pantau/overlays"
	"pantau/sidecar"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake decodes a unit to a grey picture at once; with a gate each waits for it.
type fake struct {
	gate  chan struct{}
	opens int
	masks []sidecar.Polygon
}

func (f *fake) open(_ sidecar.Codec, masks []sidecar.Polygon, _ bool) (Decoder, error) {
	f.opens++
	f.masks = masks
	return f, nil
}

func (f *fake) Decode(u *sidecar.AccessUnit) (*sidecar.Frame, error) {
	if f.gate != nil {
		<-f.gate
	}
	if len(u.NALUs) == 0 {
		return nil, errors.New("broken")
	}
	return &sidecar.Frame{Stamp: u.Stamp, Received: u.Received, Picture: grey{}}, nil
}

func (f *fake) Close() {}

// grey is a picture.
type grey struct{ sidecar.Picture }

func (grey) Size() (int, int) { return 321, 239 }
func (grey) Close()           {}
func (grey) Planes(dst *image.YCbCr) (sidecar.Colours, error) {
	for i := range dst.Y {
		dst.Y[i] = byte(40 + i%100)
	}
	for i := range dst.Cb {
		dst.Cb[i], dst.Cr[i] = 128, 128
	}
	return sidecar.Colours{Matrix: sidecar.BT709, Limited: true}, nil
}

// unit is picture i of an epoch at 10 pictures a second.
func unit(epoch string, i int) *sidecar.AccessUnit {
	u := &sidecar.AccessUnit{Codec: sidecar.H264, NALUs: [][]byte{make([]byte, 1000)}, Key: i%20 == 0, Received: time.Now()}
	u.Stamp = sidecar.Stamp{Epoch: epoch, PTS: int64(i) * 9000, RTPTime: uint32(i * 9000), ClockRate: 90000, Capture: time.Now()}
	return u
}

// run runs a Burner until the test ends, and gives what it gives.
func run(t *testing.T, o Options) (*Burner, <-chan *sidecar.AccessUnit, func()) {
	t.Helper()
	out := make(chan *sidecar.AccessUnit, 1000)
	b := New(o, func(u *sidecar.AccessUnit) { out <- u })
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); b.Run(ctx) }()
	return b, out, func() { stop(); <-done }
}

func next(t *testing.T, out <-chan *sidecar.AccessUnit) *sidecar.AccessUnit {
	t.Helper()
	select {
	case u := <-out:
		return u
	case <-time.After(10 * time.Second):
		t.Fatal("no picture came")
		return nil
	}
}

func TestPicturesKeepTheirStamps(t *testing.T) {
	f := &fake{}
	b := New(Options{Decoder: f.open, Delay: 20 * time.Millisecond}, nil)
	if _, _, err := b.Format(); !errors.Is(err, errNoPicture) {
		t.Errorf("%v before the first picture, want errNoPicture", err)
	}
	b, out, stop := run(t, Options{Decoder: f.open, Delay: 20 * time.Millisecond})
	defer stop()
	b.Camera(sidecar.Camera{ID: "cam"})
	for waiting(b) == nil {
		time.Sleep(time.Millisecond)
	}
	for i := range 5 {
		b.AccessUnit(unit("a", i))
	}
	for i := range 5 {
		u := next(t, out)
		if u.PTS != int64(i)*9000 || u.RTPTime != uint32(i*9000) || u.Codec != sidecar.H264 || u.Key != (i == 0) {
			t.Errorf("picture %d: %+v", i, u.Stamp)
		}
	}
	b.Key()
	b.AccessUnit(unit("a", 5))
	if u := next(t, out); !u.Key {
		t.Error("no key picture came where one was asked for")
	}
	b.AccessUnit(unit("b", 20)) // the camera was connected anew
	if u := next(t, out); !u.Key || u.Epoch != "b" {
		t.Errorf("the new session begins with %+v", u.Stamp)
	}
	if sps, pps, err := b.Format(); err != nil || len(sps) == 0 || len(pps) == 0 {
		t.Errorf("%d and %d bytes of parameter sets: %v", len(sps), len(pps), err)
	}
	if s := b.Stats(); s.Burnt != 7 || s.Dropped != 0 || s.Failed != 0 {
		t.Errorf("%+v", s)
	}
}

// waiting is the joiner of a run.
func waiting(b *Burner) any {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.joiner == nil {
		return nil
	}
	return b.joiner
}

func TestNothingIsDoneWhileNobodyWatches(t *testing.T) {
	f := &fake{}
	b := New(Options{Decoder: f.open}, func(*sidecar.AccessUnit) { t.Error("a picture was given") })
	for i := range 100 {
		b.AccessUnit(unit("a", i))
		b.Scene(&sidecar.Scene{Stamp: unit("a", i).Stamp})
	}
	if n := len(b.group.units); f.opens != 0 || n != 20 {
		t.Errorf("%d decoders were opened, %d pictures are kept; want 0 and 20: the newest group", f.opens, n)
	}
}

func TestWhoComesGetsTheNewestGroup(t *testing.T) {
	f := &fake{}
	out := make(chan *sidecar.AccessUnit, 100)
	b := New(Options{Decoder: f.open, Delay: 20 * time.Millisecond}, func(u *sidecar.AccessUnit) { out <- u })
	for i := range 25 {
		b.AccessUnit(unit("a", i))
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); b.Run(ctx) }()
	if u := next(t, out); !u.Key || u.PTS != 20*9000 {
		t.Errorf("the first picture is %d, key %v; want 20 and a key picture", u.PTS/9000, u.Key)
	}
	stop()
	<-done
}

func TestGroupsAreBounded(t *testing.T) {
	var g group
	for i := range 20 {
		u := unit("a", i)
		u.NALUs, u.Packets = [][]byte{make([]byte, 1<<20)}, [][]byte{{1}}
		g.add(u)
	}
	if len(g.units) != 0 || g.first == nil || g.first.Packets != nil {
		t.Errorf("%d units are kept of a group that is too large", len(g.units))
	}
}

func TestASlowProcessorIsNeverFelt(t *testing.T) {
	f := &fake{gate: make(chan struct{})}
	b, _, stop := run(t, Options{Decoder: f.open, Delay: time.Millisecond})
	for waiting(b) == nil {
		time.Sleep(time.Millisecond)
	}
	begun := time.Now()
	for i := range 2000 { // 64 MiB, of which none is decoded
		u := unit("a", i)
		u.NALUs = [][]byte{make([]byte, 32<<10)}
		b.AccessUnit(u)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("the camera waited for %v", took)
	}
	b.mu.Lock()
	kept := b.waiting
	b.mu.Unlock()
	if kept > mostWaiting || b.Stats().Dropped < 1000 {
		t.Errorf("%d bytes wait, %+v", kept, b.Stats())
	}
	close(f.gate)
	stop()
}

func TestMasksAreTheDecoders(t *testing.T) {
	f := &fake{}
	b, out, stop := run(t, Options{Decoder: f.open, Delay: time.Millisecond})
	stop()
	masks := []sidecar.Polygon{{{0, 0}, {1, 0}, {1, 1}}}
	b.Camera(sidecar.Camera{ID: "cam", Analyse: sidecar.Analyse{Mask: masks}})
	b.AccessUnit(unit("a", 0))
	ctx, end := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); b.Run(ctx) }()
	next(t, out)
	end()
	<-done
	if len(f.masks) != 1 {
		t.Errorf("the decoder was opened with the masks %v", f.masks)
	}
}

func TestBetween(t *testing.T) {
	at := func(id sidecar.TrackID, x float64) sidecar.Track {
		return sidecar.Track{ID: id, Confirmed: id != 0, Box: sidecar.Box{Left: x, Right: x + 0.1, Bottom: 0.2}}
	}
	from := []sidecar.Track{at(1, 0), at(2, 0.5), at(0, 0.9)}
	to := []sidecar.Track{at(1, 0.2), at(3, 0.7), at(0, 0.8)}
	for part, want := range map[float64]map[sidecar.TrackID]float64{
		0.25: {1: 0.05, 2: 0.5, 0: 0.9},
		0.5:  {1: 0.1, 3: 0.7, 0: 0.8},
		0.75: {1: 0.15, 3: 0.7, 0: 0.8},
	} {
		got := between(from, to, part)
		if len(got) != len(want) {
			t.Errorf("%g: %d tracks, want %d", part, len(got), len(want))
		}
		for _, g := range got {
			if x, ok := want[g.ID]; !ok || g.Box.Left < x-1e-9 || g.Box.Left > x+1e-9 {
				t.Errorf("%g: track %d at %g, want %g", part, g.ID, g.Box.Left, x)
			}
		}
	}
	if from[0].Box.Left != 0 || to[0].Box.Left != 0.2 {
		t.Error("the scenes were changed")
	}
}

// Where it is not known what a picture shows, none of it is shown; where it is, what
// moves is covered from where it was to where it may be.
func TestWhatIsUnknownIsBlurred(t *testing.T) {
	w := &work{b: New(Options{Blur: true}, nil), joiner: overlays.NewJoiner(overlays.Options{}, nil)}
	shown := func(i int) (left, middle, right bool) {
		f := &sidecar.Frame{Stamp: unit("a", i).Stamp}
		img := image.NewYCbCr(image.Rect(0, 0, 320, 240), image.YCbCrSubsampleRatio420)
		for k := range img.Y {
			img.Y[k] = byte(200 * (k % 2))
		}
		w.blur(img, f, w.scene(f, nil))
		detail := func(x int) bool { return img.YCbCrAt(x, 120).Y != img.YCbCrAt(x+1, 120).Y }
		return detail(20), detail(160), detail(300)
	}
	check := func(name string, i int, want [3]bool) {
		t.Helper()
		l, m, r := shown(i)
		if got := [3]bool{l, m, r}; got != want {
			t.Errorf("%s: left, middle and right are shown %v, want %v", name, got, want)
		}
	}
	check("no scene yet", 0, [3]bool{})
	walker := sidecar.Track{Class: sidecar.Person, Velocity: sidecar.Point{1, 0}, Box: sidecar.Box{Left: 0, Top: 0.2, Right: 0.15, Bottom: 0.8}}
	w.follow(&sidecar.Scene{Stamp: unit("a", 10).Stamp, Tracks: []sidecar.Track{walker}})
	check("after a scene, before another is known", 11, [3]bool{}) // somebody may have come
	check("long after it", 25, [3]bool{})
	gone := walker
	gone.Box = sidecar.Box{Left: 0.85, Top: 0.2, Right: 1, Bottom: 0.8}
	w.joiner.Scene(&sidecar.Scene{Stamp: unit("a", 12).Stamp, Tracks: []sidecar.Track{gone}})
	check("between two scenes", 11, [3]bool{false, true, false})
	w.follow(&sidecar.Scene{Stamp: unit("a", 14).Stamp, Tracks: []sidecar.Track{walker}})
	w.joiner.Scene(&sidecar.Scene{Stamp: unit("a", 20).Stamp})
	check("half a second after one, before another without him", 19, [3]bool{false, false, true})
	w.joiner.Scene(&sidecar.Scene{Stamp: unit("a", 29).Stamp, Tracks: []sidecar.Track{{ID: 7, Class: sidecar.Person, Box: sidecar.Box{Left: 0.6, Top: 0.2, Right: 0.8, Bottom: 0.8}}}})
	w.follow(&sidecar.Scene{Stamp: unit("a", 24).Stamp})
	check("before one with somebody who has come", 26, [3]bool{true, false, false})
	w.follow(&sidecar.Scene{Stamp: unit("a", 30).Stamp, Looked: []sidecar.Box{{Left: 0.4, Right: 1, Bottom: 1}}})
	check("where nobody looked", 30, [3]bool{false, true, true})
	w.follow(&sidecar.Scene{Stamp: unit("a", 40).Stamp, Tracks: []sidecar.Track{gone}})
	w.follow(&sidecar.Scene{Stamp: unit("a", 45).Stamp})
	check("half a second after who is not found now", 45, [3]bool{true, true, false})
	w.follow(&sidecar.Scene{Stamp: unit("a", 52).Stamp})
	check("long after that", 52, [3]bool{true, true, true})
}
