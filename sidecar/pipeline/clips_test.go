package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/decode"
	"pantau/sidecar/internal/score"
)

// root is the checkout.
func root(tb testing.TB) string {
	tb.Helper()
	_, file, _, _ := runtime.Caller(0)
	return filepath.Clean(filepath.Join(filepath.Dir(file), "..", ".."))
}

// built gives a file that `make build` or `make run` leaves. Under `make test`
// its absence is a failure; a bare `go test` in a fresh checkout goes without.
func built(tb testing.TB, parts ...string) string {
	tb.Helper()
	path := filepath.Join(append([]string{root(tb)}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("PANTAU_TEST_ALL") != "" {
			tb.Fatalf("%v; make test leaves it", err)
		}
		tb.Skipf("%v; make test leaves it", err)
	}
	return path
}

// shared gives a file of the counted clips, which not every checkout has beside it.
func shared(tb testing.TB, parts ...string) string {
	tb.Helper()
	path := filepath.Join(append([]string{root(tb), "..", "shared"}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		tb.Skip("the counted clips (../shared) are not here")
	}
	return path
}

// memory is a sink that keeps everything.
type memory struct {
	mu     sync.Mutex
	scenes []*sidecar.Scene
	events []sidecar.Event
	counts []sidecar.Count
	health []sidecar.StateChange
}

func (m *memory) Scene(s *sidecar.Scene) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.scenes = append(m.scenes, s)
}

func (m *memory) Facts(_ context.Context, e []sidecar.Event, c []sidecar.Count) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = append(m.events, e...)
	m.counts = append(m.counts, c...)
	return nil
}

func (m *memory) Health(s sidecar.StateChange) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.health = append(m.health, s)
}

// crossings lists what was counted on a line; corrected ones are left out.
func (m *memory) crossings(rule string) []score.Crossing {
	m.mu.Lock()
	defer m.mu.Unlock()
	return score.Crossings(m.events, rule)
}

// count runs the stages over a clip with one function.
func count(tb testing.TB, d Detector, clip string, f sidecar.Function, fps float64) *memory {
	tb.Helper()
	file, err := decode.OpenFile(clip, decode.FileOptions{Start: time.Unix(0, 0).UTC()})
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	var sink memory
	_, err = Analyse(context.Background(), File{
		Camera: sidecar.Camera{ID: "clip", Analyse: sidecar.Analyse{FPS: fps}, Functions: []sidecar.Function{f}},
		Clip:   file, Detector: d, Workers: runtime.NumCPU(), Sink: &sink,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return &sink
}

// The street of the demo, with the model that a fresh machine gets: at least 29
// of 32 pedestrians, at most 3 that are none.
func TestPedestriansAreCounted(t *testing.T) {
	truth, err := score.Read(shared(t, "videos", "pedestrians-pets09.json"))
	if err != nil {
		t.Fatal(err)
	}
	d := detector(t, "")
	clip := built(t, "share", "pantau", "vtest.avi")
	r := truth.Match(count(t, d, clip, truth.Rule, 10).crossings(truth.Rule.ID))
	t.Logf("%v; missed %v; false %v", r, r.Missed, r.False)
	if r.True != 32 || r.Matched < 29 || len(r.False) > 3 {
		t.Errorf("got %v, want at least 29 of 32 matched, at most 3 false", r)
	}
}

func TestTheSameClipGivesTheSameFacts(t *testing.T) {
	d := detector(t, "")
	clip := built(t, "share", "pantau", "vtest.avi")
	line := sidecar.Function{ID: "line", Kind: "line", Line: []sidecar.Point{{0.45, 0.2}, {0.45, 1}}}
	first, second := count(t, d, clip, line, 3), count(t, d, clip, line, 3)
	a, b := facts(t, first), facts(t, second)
	if !bytes.Equal(a, b) {
		t.Errorf("the same clip gave other facts the second time:\n%s\n%s", a, b)
	}
	if len(first.events) == 0 || len(first.counts) == 0 {
		t.Errorf("got %d events and %d counts, want some of both", len(first.events), len(first.counts))
	}
}

func facts(t *testing.T, m *memory) []byte {
	t.Helper()
	text, err := json.Marshal(struct {
		E []sidecar.Event
		C []sidecar.Count
	}{m.events, m.counts})
	if err != nil {
		t.Fatal(err)
	}
	return text
}
