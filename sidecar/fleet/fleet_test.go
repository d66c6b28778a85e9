package fleet

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"pantau/sidecar"
	"pantau/sidecar/pipeline"
	"pantau/sidecar/tap/taptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// blind is a detector that sees nothing, at once.
type blind struct{}

func (blind) Name() string { return "blind@1" }

func (blind) Detect(_ context.Context, next func() *sidecar.Frame, dst []sidecar.Detection) (*sidecar.Frame, []sidecar.Detection, error) {
	return next(), dst, nil
}

// audience notes what it is told.
type audience struct {
	mu     sync.Mutex
	pts    map[string][]int64  // of the access units, by camera
	epochs map[string][]string // in the order in which they came
	gone   []string
	shown  map[string]sidecar.Camera
}

func newAudience() *audience {
	return &audience{pts: map[string][]int64{}, epochs: map[string][]string{}, shown: map[string]sidecar.Camera{}}
}

func (a *audience) AccessUnit(id string, u *sidecar.AccessUnit) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pts[id] = append(a.pts[id], u.PTS)
	if e := a.epochs[id]; len(e) == 0 || e[len(e)-1] != u.Epoch {
		a.epochs[id] = append(e, u.Epoch)
	}
}

func (a *audience) units(id string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.pts[id])
}

func (a *audience) Scene(*sidecar.Scene)                                          {}
func (a *audience) Events(string, []sidecar.Event)                                {}
func (a *audience) Totals(string, time.Time, []sidecar.CountRow)                  {}
func (a *audience) Facts(context.Context, []sidecar.Event, []sidecar.Count) error { return nil }
func (a *audience) Health(sidecar.StateChange)                                    {}

func (a *audience) Camera(c sidecar.Camera) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.shown[c.ID] = c
}

func (a *audience) Remove(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.shown, id)
	a.gone = append(a.gone, id)
}

// street is a running fleet.
type street struct {
	*Fleet
	*audience
	sets chan []sidecar.Camera
}

func run(t *testing.T) *street {
	t.Helper()
	s := &street{audience: newAudience(), sets: make(chan []sidecar.Camera)}
	s.Fleet = New(Options{
		Detector: func(model string) (pipeline.Detector, error) {
			if model == "missing" {
				return nil, errors.New("no such weights")
			}
			return blind{}, nil
		},
		Sink: s.audience, Viewer: s.audience, Log: slog.New(slog.DiscardHandler),
	})
	background(t, func(ctx context.Context) error { return s.Run(ctx, s.sets) })
	return s
}

func background(t *testing.T, fn func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- fn(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func camera(t *testing.T, id string) (*taptest.Camera, sidecar.Camera) {
	t.Helper()
	c, err := taptest.New(taptest.Options{Clip: taptest.MakeClip(t, taptest.Spec{Rate: 25, GOP: 25})})
	if err != nil {
		t.Fatal(err)
	}
	background(t, c.Run)
	return c, sidecar.Camera{ID: id, Source: c.Source()}
}

func (s *street) until(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-deadline:
			t.Fatalf("%s: not within 20 s", what)
		case <-tick.C:
		}
	}
}

// more waits until a camera has given n further access units.
func (s *street) more(t *testing.T, id string, n int) {
	t.Helper()
	from := s.units(id)
	s.until(t, "frames of "+id, func() bool { return s.units(id) >= from+n })
}

// Whatever happens to the others, a camera that stays as it is loses no frame:
// one session, and every access unit 40 ms after the one before.
func TestCamerasAreIndependent(t *testing.T) {
	s := run(t)
	_, a := camera(t, "a")
	misbehaving, b := camera(t, "b")
	s.sets <- []sidecar.Camera{a}
	s.more(t, "a", 10)
	s.sets <- []sidecar.Camera{a, b}
	s.more(t, "b", 5)
	changed := b
	changed.Functions = []sidecar.Function{{ID: "l", Kind: "line", Line: []sidecar.Point{{0.5, 0.1}, {0.5, 0.9}}}}
	s.sets <- []sidecar.Camera{a, changed}
	s.more(t, "b", 5)
	changed.Analyse.KeyFrames = true
	s.sets <- []sidecar.Camera{a, changed}
	s.more(t, "b", 1)
	misbehaving.Drop()
	s.more(t, "b", 1)
	broken := changed
	broken.Analyse.Model = "missing"
	s.sets <- []sidecar.Camera{a, broken}
	s.until(t, "the broken camera", func() bool {
		all := s.Cameras()
		return len(all) == 2 && all[1].Status.State == "faulty" && all[1].Status.Cause != ""
	})
	s.sets <- []sidecar.Camera{a, changed}
	s.more(t, "b", 1)
	s.sets <- []sidecar.Camera{a}
	s.until(t, "the removal", func() bool { return len(s.Cameras()) == 1 })
	s.more(t, "a", 10)

	s.audience.mu.Lock()
	defer s.audience.mu.Unlock()
	if len(s.epochs["a"]) != 1 {
		t.Errorf("camera a had the sessions %v, want one", s.epochs["a"])
	}
	for i, pts := range s.pts["a"][1:] {
		if step := pts - s.pts["a"][i]; step != 3600 {
			t.Errorf("access unit %d of camera a came %d ticks after the one before, want 3600", i+1, step)
		}
	}
	// Redefining kept b's session; key frames only, its drop and its broken
	// model each began a new one.
	if n := len(s.epochs["b"]); n != 4 {
		t.Errorf("camera b had %d sessions, want 4", n)
	}
	if len(s.gone) != 1 || s.gone[0] != "b" {
		t.Errorf("gone are %v, want b once", s.gone)
	}
	if _, ok := s.shown["a"]; !ok {
		t.Error("camera a is not shown")
	}
}

// A set that is the same as before disturbs nobody.
func TestTheSameSetChangesNothing(t *testing.T) {
	s := run(t)
	_, a := camera(t, "a")
	for range 5 {
		s.sets <- []sidecar.Camera{a}
		s.more(t, "a", 3)
	}
	s.audience.mu.Lock()
	defer s.audience.mu.Unlock()
	if len(s.epochs["a"]) != 1 {
		t.Errorf("camera a had the sessions %v, want one", s.epochs["a"])
	}
}
