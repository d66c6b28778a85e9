package pipeline

import (
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
}

// setState returns the state before.
func (m *meter) setState(s tap.State) tap.State {
	m.mu.Lock()
	defer m.mu.Unlock()
	from := m.state
	m.state = s
	return from
}

// detected notes one finished scene.
func (m *meter) detected(s *sidecar.Scene) {
	m.analysed.Add(1)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.latency = s.Latency
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
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	st.State, st.Hint = m.state.Phase, m.state.Hint
	if m.state.Cause != nil {
		st.Cause = m.state.Cause.Error()
	}
	st.FPS, st.Latency, st.Stages = m.rates, m.latency, m.stages
	return st
}

// Totals gives what was counted since a moment: the start, or the last change of
// the functions. The rows are not changed afterwards.
func (p *Pipeline) Totals() (since time.Time, rows []sidecar.CountRow) {
	p.meter.mu.Lock()
	defer p.meter.mu.Unlock()
	return p.meter.since, p.meter.totals
}
