package rendition

import (
	"context"
	"errors"
	"image"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"pantau/overlays"
	"pantau/overlays/burn"
	"pantau/sidecar"
	"pantau/sidecar/decode"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// decoders counts those that are open, and remembers the masks of each. Their pictures
// are as light as the number of masks says.
type decoders struct {
	mu     sync.Mutex
	opened int
	open   int
}

type decoder struct {
	all   *decoders
	masks int
}

func (d *decoders) new(_ sidecar.Codec, masks []sidecar.Polygon, _ bool) (burn.Decoder, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opened++
	d.open++
	return &decoder{d, len(masks)}, nil
}

func (d *decoder) Decode(u *sidecar.AccessUnit) (*sidecar.Frame, error) {
	return &sidecar.Frame{Stamp: u.Stamp, Received: u.Received, Picture: plain{light: byte(60 + 20*d.masks)}}, nil
}

func (d *decoder) Close() {
	d.all.mu.Lock()
	defer d.all.mu.Unlock()
	d.all.open--
}

func (d *decoders) count() (opened, open int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.opened, d.open
}

// plain is a picture of one colour.
type plain struct {
	sidecar.Picture
	light byte
}

func (plain) Size() (int, int) { return 320, 240 }
func (plain) Close()           {}
func (p plain) Planes(dst *image.YCbCr) (sidecar.Colours, error) {
	for i := range dst.Y {
		dst.Y[i] = p.light
	}
	for i := range dst.Cb {
		dst.Cb[i], dst.Cr[i] = 128, 128
	}
	return sidecar.Colours{Limited: true}, nil
}

// unit is picture i at 10 a second.
func unit(i int) *sidecar.AccessUnit {
	u := &sidecar.AccessUnit{Codec: sidecar.H265, NALUs: [][]byte{make([]byte, 100)}, Key: i%10 == 0, Received: time.Now()}
	u.Stamp = sidecar.Stamp{Epoch: "e", PTS: int64(i) * 9000, RTPTime: uint32(i * 9000), ClockRate: 90000, Capture: time.Now()}
	return u
}

// start runs a Server with a camera until the test ends.
func start(t *testing.T, most int) (*Server, *decoders) {
	t.Helper()
	d := &decoders{}
	s := New(Options{Most: most, Pictures: burn.Options{Decoder: d.new, Delay: time.Millisecond, FPS: 25}})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if _, open := d.count(); open != 0 {
			t.Errorf("%d decoders are left open", open)
		}
	})
	s.Camera(sidecar.Camera{ID: "a"})
	return s, d
}

// watch begins to watch, and gives what comes.
func watch(t *testing.T, s *Server, id string, r overlays.Rendition) (<-chan *sidecar.AccessUnit, func()) {
	t.Helper()
	out := make(chan *sidecar.AccessUnit, 1000)
	leave, err := s.Watch(id, r, func(u *sidecar.AccessUnit) { out <- u })
	if err != nil {
		t.Fatal(err)
	}
	return out, leave
}

func next(t *testing.T, out <-chan *sidecar.AccessUnit) *sidecar.AccessUnit {
	t.Helper()
	select {
	case u := <-out:
		return u
	case <-time.After(20 * time.Second):
		t.Fatal("no picture came")
		return nil
	}
}

// until waits for something that another goroutine brings about.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("in vain: " + what)
		}
	}
}

func TestAllWhoWatchShareOneDecoderAndEncoder(t *testing.T) {
	s, d := start(t, 4)
	for i := range 5 {
		s.AccessUnit("a", unit(i))
	}
	if opened, _ := d.count(); opened != 0 {
		t.Fatal("something is decoded while nobody watches")
	}
	var all []<-chan *sidecar.AccessUnit
	var leaves []func()
	for range 3 {
		out, leave := watch(t, s, "a", overlays.Converted)
		all, leaves = append(all, out), append(leaves, leave)
	}
	first := next(t, all[0])
	if !first.Key || first.Codec != sidecar.H264 || first.Epoch != "e" || first.PTS%9000 != 0 || first.RTPTime != uint32(first.PTS) {
		t.Errorf("the first picture is %+v", first)
	}
	if sps := first.NALUs[0]; sps[0]&0x1F != 7 || sps[1] != 66 || sps[2]&0x40 == 0 {
		t.Errorf("the first picture begins with %x, want a parameter set of Constrained Baseline", sps[:4])
	}
	sps, _, err := s.Format("a", overlays.Converted)
	if err != nil || len(sps) < 4 || sps[1] != 66 {
		t.Errorf("the format is %x, %v", sps, err)
	}
	s.AccessUnit("a", unit(30))
	var same *sidecar.AccessUnit
	for i, out := range all {
		u := next(t, out)
		for u.PTS != 30*9000 {
			u = next(t, out)
		}
		if i == 0 {
			same = u
		} else if u != same {
			t.Errorf("viewer %d gets another picture", i)
		}
	}
	if opened, open := d.count(); open != 1 || opened != 2 { // one looked at the format
		t.Errorf("%d decoders were opened, %d are; want one for all", opened, open)
	}
	if now, refused := s.Working(); now != 1 || refused != 0 {
		t.Errorf("%d are made, %d refused", now, refused)
	}
	for _, leave := range leaves {
		leave()
		leave() // harms nobody
	}
	if now, _ := s.Working(); now != 0 {
		t.Errorf("%d are made while nobody watches", now)
	}
	until(t, "the decoder is closed", func() bool { _, open := d.count(); return open == 0 })
	if got := s.Stats("a", overlays.Converted); got.Burnt == 0 || s.Stats("a", overlays.Blurred).Burnt != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestThereIsRoomForSoMany(t *testing.T) {
	s, _ := start(t, 2)
	s.Camera(sidecar.Camera{ID: "b"})
	_, leave := watch(t, s, "a", overlays.Converted)
	watch(t, s, "a", overlays.Blurred)
	watch(t, s, "a", overlays.Converted) // made already
	take := func(*sidecar.AccessUnit) {}
	if _, err := s.Watch("b", overlays.Converted, take); !errors.Is(err, overlays.ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
	leave()
	if _, err := s.Watch("b", overlays.Converted, take); !errors.Is(err, overlays.ErrBusy) {
		t.Errorf("got %v while one still watches, want ErrBusy", err)
	}
	if now, refused := s.Working(); now != 2 || refused != 2 {
		t.Errorf("%d are made, %d refused; want 2 and 2", now, refused)
	}
	if _, err := s.Watch("c", overlays.Converted, take); err == nil || errors.Is(err, overlays.ErrBusy) {
		t.Errorf("got %v for a camera that is not there", err)
	}
	if _, err := s.Watch("a", overlays.Own, take); err == nil {
		t.Error("the camera's own pictures are converted")
	}
	none, _ := start(t, 0)
	if _, err := none.Watch("a", overlays.Converted, take); !errors.Is(err, overlays.ErrBusy) {
		t.Errorf("got %v where none are wanted, want ErrBusy", err)
	}
}

// After Camera no picture comes that was made with other masks, but for one that was on
// its way. The fake decoder's pictures are the lighter the more masks there are.
func TestNothingWithOldMasksIsGiven(t *testing.T) {
	s, d := start(t, 1)
	s.AccessUnit("a", unit(0))
	out, leave := watch(t, s, "a", overlays.Converted)
	defer leave()
	next(t, out)
	stop := make(chan struct{})
	var feeding sync.WaitGroup
	feeding.Go(func() {
		for i := 1; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				s.AccessUnit("a", unit(i))
			}
		}
	})
	defer func() { close(stop); feeding.Wait() }()
	for n := 1; n <= 3; n++ {
		masks := make([]sidecar.Polygon, n)
		for i := range masks {
			masks[i] = sidecar.Polygon{{0, 0}, {1, 0}, {1, 1}}
		}
		opened, _ := d.count()
		s.Camera(sidecar.Camera{ID: "a", Analyse: sidecar.Analyse{Mask: masks}})
		for len(out) > 0 {
			<-out
		}
		old := 0
		for light(t, next(t, out)) != 60+20*n {
			old++
		}
		if old > 1 {
			t.Errorf("%d pictures with the old masks come after the new ones were told", old)
		}
		s.Camera(sidecar.Camera{ID: "a", Name: "another name", Analyse: sidecar.Analyse{Mask: masks}})
		if now, _ := d.count(); now > opened+1 {
			t.Error("another name opens another decoder")
		}
	}
}

// light is the brightness of a key picture; 0 for another one.
func light(t *testing.T, u *sidecar.AccessUnit) int {
	t.Helper()
	d, err := decode.New(decode.Options{Codec: sidecar.H264, KeyFrames: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	f, err := d.Decode(u)
	if err != nil || f == nil {
		return 0
	}
	defer f.Release()
	img, err := f.Picture.YCbCr()
	if err != nil {
		t.Fatal(err)
	}
	// Back from the full range to that of the pictures.
	return int(float64(img.YCbCrAt(100, 100).Y)*219/255 + 16.5)
}

func TestWhoWatchesARemovedCamera(t *testing.T) {
	s, d := start(t, 1)
	s.AccessUnit("a", unit(0))
	out, leave := watch(t, s, "a", overlays.Blurred)
	next(t, out)
	s.Remove("a")
	if _, open := d.count(); open != 0 {
		t.Error("the decoder of a removed camera is open")
	}
	if now, _ := s.Working(); now != 1 {
		t.Errorf("%d are made, want 1 until its viewer has gone", now)
	}
	leave()
	if now, _ := s.Working(); now != 0 {
		t.Errorf("%d are made", now)
	}
	s.AccessUnit("a", unit(1)) // what comes late harms nobody
	s.Scene(&sidecar.Scene{Camera: "a"})
	if s.Stats("a", overlays.Blurred).Burnt != 0 {
		t.Error("it is remembered")
	}
	if _, _, err := s.Format("a", overlays.Blurred); err == nil {
		t.Error("it has a format")
	}
}

func TestViewersLeaveRoom(t *testing.T) {
	s, _ := start(t, 2)
	s.Camera(sidecar.Camera{ID: "b"})
	take := func(*sidecar.AccessUnit) {}
	_, leave := watch(t, s, "a", overlays.Blurred)
	if _, err := s.Watch("b", overlays.Blurred, take); !errors.Is(err, overlays.ErrBusy) {
		t.Errorf("got %v for the last one, want ErrBusy", err)
	}
	watch(t, s, "b", overlays.Converted)
	leave()
	watch(t, s, "b", overlays.Blurred)
	one, _ := start(t, 1)
	watch(t, one, "a", overlays.Blurred) // of one there is nothing to share
}
