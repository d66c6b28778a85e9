package pipeline

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/tap"
)

// meter counts what passes through one pipeline.
type meter struct {
	units, decoded, broken, failed, analysed, lostFacts atomic.Uint64
	decodeCPU                                           atomic.Int64 // ns

	mu      sync.Mutex
	state   tap.State
	rates   sidecar.Rates
	last    sidecar.Rates // the counters at the last tick
	ticked  time.Time
	latency sidecar.Latency
	stages  [4]sidecar.Histogram // in the order of sidecar.Stages
	since   time.Time            // of the totals
	totals  []sidecar.CountRow
	zones   []sidecar.Zone // of the newest scene
	looking sidecar.Looking
	view    sidecar.View // the same
}

func (m *meter) setState(s tap.State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state = s
}

// detected notes one finished scene.
func (m *meter) detected(s *sidecar.Scene, l sidecar.Looking) {
	m.analysed.Add(1)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.latency, m.zones, m.view, m.looking = s.Latency, s.Zones, s.View, l
	for i, d := range [4]time.Duration{s.Latency.Decode, s.Latency.Wait, s.Latency.Infer, s.Latency.Total} {
		m.stages[i].Observe(d)
	}
}

// tick makes rates of what was counted since the last tick.
func (m *meter) tick(now time.Time, skipped uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	counted := sidecar.Rates{
		Camera: float64(m.units.Load()), Processed: float64(m.decoded.Load()),
		Skipped: float64(skipped), Detection: float64(m.analysed.Load()),
	}
	if s := now.Sub(m.ticked).Seconds(); !m.ticked.IsZero() && s > 0 {
		m.rates = sidecar.Rates{
			Camera:    (counted.Camera - m.last.Camera) / s,
			Processed: (counted.Processed - m.last.Processed) / s,
			Skipped:   (counted.Skipped - m.last.Skipped) / s,
			Detection: (counted.Detection - m.last.Detection) / s,
		}
	}
	m.last, m.ticked = counted, now
}

// Status is a snapshot; it may be asked for at any time.
func (p *Pipeline) Status() sidecar.Status {
	m, t := &p.meter, p.tap.Stats()
	st := sidecar.Status{
		Dropped: map[string]uint64{
			"queue": p.units.dropped.Load(), "newest": p.newest.Dropped(),
			"broken": m.broken.Load(), "failed": m.failed.Load(),
		},
		Model:       p.o.Detector.Name(),
		Reconnects:  max(t.Connects, 1) - 1,
		ClockOffset: t.ClockOffset.Seconds(),
		TimeSource:  t.TimeSource,
		DecodeCPU:   time.Duration(m.decodeCPU.Load()),
		LostFacts:   m.lostFacts.Load(),
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	st.State, st.Hint = m.state.Phase, m.state.Hint
	if m.state.Cause != nil {
		st.Cause = m.state.Cause.Error()
	}
	if st.State == tap.Running && m.view.Suspends() {
		st.State, st.Cause, st.Hint = string(m.view.State), m.view.Cause, m.view.Hint()
	}
	st.Flags = m.view.Flags
	st.FPS, st.Latency, st.Stages, st.Looking = m.rates, m.latency, m.stages, m.looking
	return st
}

// Totals gives what was counted since a moment, the start, and for each level
// not its mean but how many are there now.
func (p *Pipeline) Totals() (since time.Time, rows []sidecar.CountRow) {
	m := &p.meter
	m.mu.Lock()
	defer m.mu.Unlock()
	rows = slices.Clone(m.totals)
	for i, r := range rows {
		if r.Kind.Level() {
			rows[i].Mean = new(float64(present(m.zones, r.Rule, r.Class)))
		}
	}
	return m.since, rows
}

// present is the number of objects of a class that are in a zone.
func present(zones []sidecar.Zone, id string, class sidecar.Class) int {
	for _, z := range zones {
		if z.ID != id {
			continue
		}
		for _, c := range z.Counts {
			if c.Class == class {
				return c.N
			}
		}
	}
	return 0
}
