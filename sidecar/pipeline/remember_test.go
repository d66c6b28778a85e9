package pipeline

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/tap/taptest"
)

// notes keeps memories beside the facts, as a publisher does.
type notes struct {
	memory
	own   sync.Mutex
	notes map[string][]byte
}

func (n *notes) Keep(ctx context.Context, camera string, memory []byte, events []sidecar.Event, counts []sidecar.Count) error {
	n.own.Lock()
	defer n.own.Unlock()
	if memory == nil {
		delete(n.notes, camera)
	} else {
		n.notes[camera] = memory
	}
	return n.Facts(ctx, events, counts)
}

func (n *notes) Recall(_ context.Context, camera string) ([]byte, error) {
	n.own.Lock()
	defer n.own.Unlock()
	return slices.Clone(n.notes[camera]), nil
}

func (n *notes) has(camera string) bool {
	n.own.Lock()
	defer n.own.Unlock()
	return n.notes[camera] != nil
}

// A pipeline goes on where the one before it was; a camera that is not looked at any
// more, or in another way, is told to its end.
func TestPipelineRemembers(t *testing.T) {
	t.Parallel()
	c := camera(t, taptest.Options{Clip: passing(t)})
	kept := &notes{notes: map[string][]byte{}}
	of := sidecar.Camera{ID: "cam", Source: c.Source(), Functions: []sidecar.Function{middle}}
	live := func(of sidecar.Camera, ends bool, until func() bool) (since time.Time) {
		abandon := make(chan struct{})
		p := New(Options{Camera: of, Detector: &bright{}, Sink: kept, Memory: kept, Abandon: abandon})
		stop := background(t, p.Run)
		eventually(t, "what was waited for", 30*time.Second, until)
		since, _ = p.Totals()
		if ends {
			close(abandon) // the program ends
		}
		stop()
		return since
	}
	crossed := func(n int) func() bool { return func() bool { return len(kept.crossings("middle")) >= n } }
	first := live(of, true, crossed(2))
	n := len(kept.crossings("middle"))
	if since := live(of, true, crossed(n+2)); !since.Equal(first) {
		t.Errorf("the totals are since %v, and were since %v", since, first)
	}
	other := of
	other.Analyse.FPS = 5
	begun := time.Now()
	if since := live(other, false, crossed(len(kept.crossings("middle"))+1)); since.Before(begun) {
		t.Errorf("the totals of a camera that is looked at in another way are since %v", since)
	}
	if kept.has("cam") {
		t.Error("what is known of a camera that is gone is kept")
	}
	kept.mu.Lock()
	defer kept.mu.Unlock()
	newest := map[time.Time]sidecar.Count{}
	for _, m := range kept.counts {
		if m.Rev >= newest[m.From].Rev {
			newest[m.From] = m
		}
	}
	counted := 0
	for _, m := range newest {
		for _, r := range m.Rows {
			if r.N != nil {
				counted += *r.N
			}
		}
	}
	told := 0
	for _, e := range kept.events {
		if e.Type == sidecar.CountCrossing {
			told++
		}
	}
	if counted != told || told < 5 {
		t.Errorf("the minutes hold %d crossings, and %d were told", counted, told)
	}
}
