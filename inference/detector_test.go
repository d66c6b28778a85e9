package inference

import (
	"context"
	"errors"
	"image"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"pantau/inference/models"
	"pantau/sidecar"
)

// options are those of the default model in this checkout, with small pictures to
// be quick; without it the test is skipped.
func options(t testing.TB) Options {
	t.Helper()
	manifest, err := models.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	model, err := manifest.Find(models.Auto)
	if err != nil {
		t.Fatal(err)
	}
	model.Input.Size = 160
	o := Options{Library: filepath.Join(root(t), "lib/pantau/libonnxruntime.so.1"), Model: model, Workers: 2}
	if _, err := os.Stat(o.Library); err != nil {
		t.Skipf("needs %s: run make build", o.Library)
	}
	return o
}

func open(t testing.TB, o Options) *Detector {
	t.Helper()
	d, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// blank is a frame of one grey.
func blank(width, height int) *sidecar.Frame {
	return &sidecar.Frame{Picture: goPicture{RGBA: image.NewRGBA(image.Rect(0, 0, width, height))}}
}

func none() *sidecar.Frame { return nil }

func TestDetectGivesTheFrameBack(t *testing.T) {
	d := open(t, options(t))
	if d.Name() != "street@4" || d.workers != 2 {
		t.Errorf("%s with %d workers, want street@4 with 2", d.Name(), d.workers)
	}
	for _, size := range [][2]int{{64, 48}, {48, 64}, {32, 32}, {1, 1}, {200, 3}} {
		frame := blank(size[0], size[1])
		got, found, err := d.Detect(t.Context(), func() *sidecar.Frame { return frame }, nil)
		if err != nil || got != frame {
			t.Errorf("%v: frame %p, error %v, want %p", size, got, err, frame)
		}
		for _, f := range found {
			if f.Score > 0.5 {
				t.Errorf("%v: %s with score %.2f in an empty picture", size, f.Class, f.Score)
			}
		}
	}
}

func TestDetectGivesUpATurnWithoutFrame(t *testing.T) {
	o := options(t)
	o.Workers = 1
	d := open(t, o)
	before := []sidecar.Detection{{Class: "kite"}}
	for range 3 { // the only worker comes back each time
		frame, found, err := d.Detect(t.Context(), none, before)
		if frame != nil || len(found) != 1 || err != nil {
			t.Fatalf("frame %v, %d detections, error %v, want nothing", frame, len(found), err)
		}
	}
}

func TestDetectSurvivesAPictureThatFails(t *testing.T) {
	o := options(t)
	o.Workers = 1
	d := open(t, o)
	broken := errors.New("pixels are gone")
	bad := blank(64, 48)
	bad.Picture = goPicture{RGBA: bad.Picture.(goPicture).RGBA, failing: broken}
	frame, _, err := d.Detect(t.Context(), func() *sidecar.Frame { return bad }, nil)
	if frame != bad || !errors.Is(err, broken) {
		t.Errorf("frame %p, error %v, want the frame and %q", frame, err, broken)
	}
	if _, _, err := d.Detect(t.Context(), func() *sidecar.Frame { return blank(0, 0) }, nil); err == nil {
		t.Error("picture without pixels: no error")
	}
	if _, _, err := d.Detect(t.Context(), func() *sidecar.Frame { return blank(64, 48) }, nil); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// Who comes first is served first, and chooses the frame when the turn has come.
func TestTurnsAreFairAndFramesAreChosenLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &Detector{free: make(chan *worker, 1), closed: make(chan struct{})} // its only worker is busy
		const cameras = 8
		var wait sync.WaitGroup
		var order []int // one worker: one at a time
		for camera := range cameras {
			wait.Go(func() {
				for range 2 {
					_, _, err := d.Detect(t.Context(), func() *sidecar.Frame {
						order = append(order, camera)
						return nil
					}, nil)
					if err != nil {
						t.Error(err)
					}
				}
			})
			synctest.Wait() // it stands in the queue
		}
		if len(order) != 0 {
			t.Errorf("%d frames were chosen before the turn came", len(order))
		}
		d.free <- nil
		wait.Wait()
		for i := range cameras {
			if order[i] != i {
				t.Fatalf("turns came as %v, want the order of arrival", order)
			}
		}
	})
}

func TestDetectEndsWithItsContext(t *testing.T) {
	o := options(t)
	o.Workers = 1
	d := open(t, o)
	w := <-d.free
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, _, err := d.Detect(ctx, none, nil)
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want canceled", err)
	}
	d.free <- w
	if _, _, err := d.Detect(ctx, func() *sidecar.Frame { t.Error("a frame was taken"); return nil }, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want canceled", err)
	}
}

func TestCloseWaitsAndEndsTheWaiting(t *testing.T) {
	o := options(t)
	o.Workers = 1
	d, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	working, finish, worked := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		_, _, err := d.Detect(context.Background(), func() *sidecar.Frame {
			close(working)
			<-finish
			return blank(64, 48)
		}, nil)
		worked <- err
	}()
	<-working
	waiting := make(chan error, 1)
	go func() {
		_, _, err := d.Detect(context.Background(), none, nil)
		waiting <- err
	}()
	closed := make(chan error, 1)
	go func() { closed <- d.Close() }()
	if err := <-waiting; !errors.Is(err, ErrClosed) {
		t.Errorf("who waited got %v, want ErrClosed", err)
	}
	select {
	case err := <-closed:
		t.Errorf("closed while a frame was looked at: %v", err)
	default:
	}
	close(finish)
	if err := <-worked; err != nil {
		t.Errorf("the frame that was looked at: %v", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if _, _, err := d.Detect(context.Background(), none, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v, want ErrClosed", err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestManyCamerasAtOnce(t *testing.T) {
	d := open(t, options(t))
	sizes := [][2]int{{64, 48}, {48, 64}, {64, 36}, {33, 33}}
	var wait sync.WaitGroup
	for camera := range 6 {
		wait.Go(func() {
			var found []sidecar.Detection
			for i := range 4 {
				size := sizes[(camera+i)%len(sizes)]
				frame, dets, err := d.Detect(t.Context(), func() *sidecar.Frame { return blank(size[0], size[1]) }, found[:0])
				if err != nil || frame == nil {
					t.Errorf("frame %v, error %v", frame, err)
				}
				found = dets
			}
		})
	}
	wait.Wait()
}

func TestOpenRefusesWhatIsNotTheModel(t *testing.T) {
	good := options(t)
	dir := t.TempDir()
	weights, err := models.Read("", good.Model)
	if err != nil {
		t.Fatal(err)
	}
	outside := good.Model // the same weights as a file
	outside.Sources = []models.Source{{Folder: "street.onnx"}}
	weights[len(weights)/2] ^= 1 // one bit
	if err := os.WriteFile(outside.File(dir), weights, 0o600); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		change func(*Options)
		say    string
	}{
		"damaged":       {func(o *Options) { o.Model, o.Folder = outside, dir }, "does not match"},
		"missing":       {func(o *Options) { o.Model, o.Folder = outside, t.TempDir() }, "no such file"},
		"no library":    {func(o *Options) { o.Library = filepath.Join(dir, "none.so") }, "does not exist"},
		"unknown class": {func(o *Options) { o.Classes = []sidecar.Class{"becak"} }, "becak"},
		"other family":  {func(o *Options) { o.Model.Family = "yolox" }, "outputs"},
		"normalised":    {func(o *Options) { o.Model.Input.Std[1] = 2 }, "takes bytes"},
	}
	for name, c := range cases {
		o := good
		c.change(&o)
		d, err := Open(o)
		if err == nil {
			_ = d.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: error is %v, want one that says %q", name, err, c.say)
		}
		var fault *sidecar.Fault
		var field *sidecar.FieldError
		if name != "other family" && name != "normalised" && !errors.As(err, &fault) && !errors.As(err, &field) {
			t.Errorf("%s: %v is neither a fault with a hint nor of a field", name, err)
		}
	}
	if err := open(t, good).Close(); err != nil { // nothing of the failures is left behind
		t.Error(err)
	}
}

func TestDetectAllocatesNothing(t *testing.T) {
	o := options(t)
	o.Workers, o.MinScore = 1, 0.01 // many detections
	d := open(t, o)
	frame := blank(64, 48)
	p := frame.Picture.(goPicture)
	for i := range p.Pix {
		p.Pix[i] = byte(128 + 100*math.Sin(float64(i*i)))
	}
	next := func() *sidecar.Frame { return frame }
	ctx := t.Context()
	found := make([]sidecar.Detection, 0, 300)
	var err error
	got := testing.AllocsPerRun(5, func() {
		if _, found, err = d.Detect(ctx, next, found[:0]); err != nil {
			t.Error(err)
		}
	})
	if got != 0 || len(found) == 0 {
		t.Errorf("%v allocations a frame with %d detections, want 0", got, len(found))
	}
}

// BenchmarkDetect is a frame of 768x576 with everything but the letterbox, for each installed model.
func BenchmarkDetect(b *testing.B) {
	o := options(b)
	manifest, err := models.Builtin()
	if err != nil {
		b.Fatal(err)
	}
	for _, m := range manifest.Models {
		b.Run(m.Name, func(b *testing.B) {
			o := o
			o.Model, o.Folder, o.Workers = m, filepath.Join(root(b), "share/pantau/models"), 1
			if state, _ := models.Verify(o.Folder, m); state != models.Ready {
				b.Skipf("%s is %s", m.ID(), state)
			}
			d := open(b, o)
			frame := &sidecar.Frame{Picture: unscaled{blank(768, 576).Picture}}
			var found []sidecar.Detection
			b.ReportAllocs()
			for b.Loop() {
				if _, found, err = d.Detect(b.Context(), func() *sidecar.Frame { return frame }, found[:0]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// unscaled is a picture whose letterbox costs nothing.
type unscaled struct{ sidecar.Picture }

func (unscaled) Letterbox([]float32, sidecar.Letterbox) error   { return nil }
func (unscaled) LetterboxBytes([]byte, sidecar.Letterbox) error { return nil }
