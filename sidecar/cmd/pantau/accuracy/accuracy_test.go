package accuracy

import (
	"context"
	"errors"
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
		{"a", "m", 5, truth, truth.Match(nil), 0},
		{"a", "m", Full, truth, truth.Match(truth.Crossings), 0},
		{"b", "m", Full, truth, truth.Match(append(truth.Crossings, score.Crossing{T: 9, Class: "car", Direction: "in"})), 0},
	}
	var b strings.Builder
	if err := Write(&b, all); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| clip | 5 fps | every frame |", "| `a` | 0 of 2 / 0 · 0.000 | 2 of 2 / 0 · 1.000 |", "| `b` | – | 2 of 2 / 1 · 0.800 |",
		"| **all** | 0 of 2 / 0 · 0.000 | 4 of 4 / 1 · 0.889 |", "| count error, in | -100.0 % (0 for 1) | +50.0 % (3 for 2) |", "`b`, every frame, false: car in at 9.0 s"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
