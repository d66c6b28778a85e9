package accuracy

import (
	"context"
	"encoding/json"
	"errors"
	"image"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"pantau/sidecar"
	"pantau/sidecar/decode"
	"pantau/sidecar/internal/score"
)

// mover finds one car that crosses the middle of the picture again and again.
type mover struct{ looked atomic.Int64 }

// Name is no model of the manifest.
func (*mover) Name() string { return "mover@1" }

// Input is of one size.
func (*mover) Input(int, int) (w, h int, free bool) { return 64, 64, false }

// Detect puts the car where it is at the frame's time.
func (m *mover) Detect(_ context.Context, next func() *sidecar.Frame, dst []sidecar.Detection) (*sidecar.Frame, []sidecar.Detection, error) {
	f := next()
	m.looked.Add(1)
	t := f.Media().Seconds() / 8
	x := 2 * (t - float64(int(t)))
	if x > 1 {
		x = 2 - x
	}
	x = 0.1 + 0.8*x
	return f, append(dst, sidecar.Detection{Class: sidecar.Car, Score: 0.9, Box: sidecar.Box{Left: x - 0.08, Top: 0.4, Right: x + 0.08, Bottom: 0.55}}), nil
}

// Counting from what is remembered is the same as looking again.
func TestRecordedCountsAsLive(t *testing.T) {
	_, here, _, _ := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(here), "../../../..")
	clip := filepath.Join(root, "share/pantau/vtest.avi")
	if _, err := os.Stat(clip); err != nil {
		clip = filepath.Join(root, "../shared/videos/street-dusk.mp4")
	}
	frames := countFrames(t, clip)
	rule := sidecar.Function{ID: "line", Kind: "line", Line: []sidecar.Point{{0.5, 0}, {0.5, 1}}}
	cache := filepath.Join(t.TempDir(), "cache", "seen.gob")
	var behind mover
	for _, fps := range []float64{Full, 10, 5} {
		live, err := Count(t.Context(), &mover{}, clip, rule, sidecar.Analyse{FPS: fps}, nil)
		if err != nil || len(live) < 4 {
			t.Fatalf("%g fps: %d crossings, error %v", fps, len(live), err)
		}
		recorded := Record(&behind)
		if err := recorded.Load(cache); err != nil {
			t.Fatal(err)
		}
		again, err := Count(t.Context(), recorded, clip, rule, sidecar.Analyse{FPS: fps}, nil)
		if err != nil || !reflect.DeepEqual(live, again) {
			t.Errorf("%g fps: remembered %v, live %v, error %v", fps, again, live, err)
		}
		if err := recorded.Save(cache); err != nil {
			t.Fatal(err)
		}
	}
	if got := int(behind.looked.Load()); got != frames {
		t.Errorf("looked at %d frames, want each of %d once", got, frames)
	}
}

// countFrames reads a clip; without it the test is skipped.
func countFrames(t *testing.T, clip string) int {
	t.Helper()
	f, err := decode.OpenFile(clip, decode.FileOptions{})
	if err != nil {
		t.Skipf("%v; make test leaves it", err)
	}
	defer f.Close()
	for n := 0; ; n++ {
		frame, err := f.Next()
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		frame.Release()
	}
}

func TestWrite(t *testing.T) {
	truth := score.Truth{Tolerance: 0.5, Crossings: []score.Crossing{{T: 1, Class: "car", Direction: "in"}, {T: 2, Class: "car", Direction: "out"}}}
	all := []Counted{
		{"a", "m", 5, truth, truth.Match(nil), 0, nil},
		{"a", "m", Full, truth, truth.Match(truth.Crossings), 0, nil},
		{"b", "m", Full, truth, truth.Match(append(truth.Crossings, score.Crossing{T: 9, Class: "car", Direction: "in"})), 0, nil},
	}
	for i := range all {
		all[i].Faults = faultsOf(all[i].Result)
	}
	var b strings.Builder
	if err := Write(&b, all, "", Notes{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| clip | 5 fps | every frame |", "| `a` | 0 of 2 / 0 · 0.000 | 2 of 2 / 0 · 1.000 |", "| `b` | – | 2 of 2 / 1 · 0.800 |",
		"| **all** | 0 of 2 / 0 · 0.000 | 4 of 4 / 1 · 0.889 |", "| count error, in | -100.0 % (0 for 1) | +50.0 % (3 for 2) |", "`b`, every frame, false: car in at 9.0 s"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

// Every miss and every false count gets a picture, once; of a clip that nobody
// knows the licence of there is none.
func TestFaultsArePictured(t *testing.T) {
	_, here, _, _ := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(here), "../../../..")
	clips := t.TempDir()
	clip := filepath.Join(root, "../shared/videos/street-dusk.mp4")
	if _, err := os.Stat(clip); err != nil {
		t.Skipf("%v: the counted clips are not here", err)
	}
	if err := os.Symlink(clip, filepath.Join(clips, "a.mp4")); err != nil {
		t.Fatal(err)
	}
	// The mover crosses about every 4 s; one of those is not in this truth, and one of it never comes.
	live, err := Count(t.Context(), &mover{}, clip, sidecar.Function{ID: "line", Kind: "line", Line: []sidecar.Point{{0.5, 0}, {0.5, 1}}}, sidecar.Analyse{FPS: 10}, nil)
	if err != nil || len(live) < 3 {
		t.Fatal(live, err)
	}
	truth := score.Truth{Clip: "a.mp4", Tolerance: 0.5, FPS: 23.976, Rule: sidecar.Function{ID: "line", Kind: "line", Line: []sidecar.Point{{0.5, 0}, {0.5, 1}}},
		Crossings: append(live[1:], score.Crossing{T: live[1].T + 1.5, Class: sidecar.Car, Direction: live[0].Direction})}
	text, err := json.Marshal(truth)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(clips, "a.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	pictures := filepath.Join(t.TempDir(), "images")
	o := Options{Clips: clips, Models: []*Model{{Detector: &mover{}, Label: "mover"}}, FPS: []float64{10, 5}, Pictures: pictures, Say: func(string) {},
		Notes: Notes{Clips: map[string]string{"a": "somebody, MIT"}, Why: []Why{{Clip: "a", Kind: "missed", At: live[1].T + 1.2, Direction: live[0].Direction, Text: "Nobody is there."}}}}
	if err := errors.Join(os.Mkdir(pictures, 0o700), os.WriteFile(filepath.Join(pictures, "old.jpg"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	all, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(pictures, "*.jpg"))
	if err != nil || len(files) != 2 {
		t.Fatalf("got %v, %v, want one of the miss and one of the false count", files, err)
	}
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		size, err := jpeg.DecodeConfig(f)
		if f.Close(); err != nil || size.Width != 3*panel+2*between {
			t.Errorf("%s: %+v, %v", path, size, err)
		}
	}
	var b strings.Builder
	if err := Write(&b, all, "images/x", o.Notes); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Nobody is there.", "](images/x/mover-a-missed-", "](images/x/mover-a-false-", " ([picture](images/x/", "`a`: somebody, MIT"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	o.Notes.Clips = nil
	if _, err = Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if files, _ := filepath.Glob(filepath.Join(pictures, "*.jpg")); len(files) != 0 {
		t.Errorf("got %v of a clip without a licence", files)
	}
}

func TestNotes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.yaml")
	if n, err := ReadNotes(path); err != nil || len(n.Clips) > 0 {
		t.Errorf("no file: got %v, %v", n, err)
	}
	for text, good := range map[string]bool{"clips: {a: b}\nwhy: [{clip: a, kind: false, at: 1.5, dir: in, text: x}]\n": true, "whi: []\n": false} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		n, err := ReadNotes(path)
		if (err == nil) != good {
			t.Errorf("%q: got %v", text, err)
		}
		if good && n.of("a", "m", Fault{Kind: "false", Crossing: score.Crossing{T: 1.1, Direction: "in"}}) != "x" {
			t.Errorf("%+v does not know the fault", n)
		}
	}
}

func TestPartsLieInThePicture(t *testing.T) {
	whole := image.Rect(0, 0, 1000, 500)
	for _, c := range []struct {
		line []sidecar.Point
		at   *sidecar.Point
		want image.Rectangle
	}{
		{[]sidecar.Point{{0.5, 0}, {0.5, 1}}, nil, image.Rect(250, 0, 750, 500)},
		{[]sidecar.Point{{0, 0.9}, {1, 0.9}}, nil, image.Rect(0, 200, 1000, 500)},
		{[]sidecar.Point{{0, 0.9}, {1, 0.9}}, &sidecar.Point{0.95, 0.9}, image.Rect(500, 200, 1000, 500)},
	} {
		if got := part(whole, sidecar.Function{Line: c.line}, c.at); got != c.want {
			t.Errorf("%v at %v: got %v, want %v", c.line, c.at, got, c.want)
		}
	}
}
