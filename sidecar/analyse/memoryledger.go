package analyse

import (
	"slices"
	"time"

	"pantau/sidecar"
)

// keptSamples is how many values of a row's distribution since the beginning are
// written down.
const keptSamples = 64

// keptLedger is a ledger as JSON. Rows are numbered; most of their numbers are zero.
type keptLedger struct {
	Rows    []keptRow
	Levels  map[int]int
	Minutes []keptMinute
	Total   keptMinute
	Next    time.Time
	Given   bool
	Waited  time.Time
	Seen    bool
	Opened  time.Time
	Newest  time.Time
}

type keptRow struct {
	sidecar.CountRow
	Since    time.Time
	Until    time.Time `json:",omitzero"`
	Capacity int       `json:"room,omitempty"`
}

type keptMinute struct {
	From    time.Time     `json:",omitzero"`
	To      time.Time     `json:",omitzero"`
	Frames  int           `json:",omitempty"`
	Covered time.Duration `json:",omitempty"`
	Rows    map[int]keptNumbers
	Strange bool     `json:",omitempty"`
	Poor    []string `json:",omitempty"`
	Rev     int      `json:",omitempty"`
	Given   bool     `json:",omitempty"`
	Changed bool     `json:",omitempty"`
	Final   bool     `json:",omitempty"`
}

// keptNumbers are a row's in a minute.
type keptNumbers struct {
	N       int       `json:"n,omitempty"`
	Level   float64   `json:"l,omitempty"`
	Peak    int       `json:"p,omitempty"`
	Samples []float64 `json:"s,omitempty"`
	Doubt   float64   `json:"d,omitempty"`
	Dense   bool      `json:"b,omitempty"`
}

func (l *ledger) keep() keptLedger {
	k := keptLedger{Levels: map[int]int{}, Total: l.total.keep(keptSamples), Next: l.next, Given: l.given, Waited: l.waited, Seen: l.seen, Opened: l.opened, Newest: l.newest}
	for i, r := range l.rows {
		k.Rows = append(k.Rows, keptRow{r.CountRow, r.since, r.until, r.capacity})
		if l.level[i] != 0 {
			k.Levels[i] = l.level[i]
		}
	}
	for _, m := range l.minutes {
		k.Minutes = append(k.Minutes, m.keep(newest))
	}
	return k
}

// keep writes a minute down, with so many values of each distribution.
func (m *minute) keep(most int) keptMinute {
	k := keptMinute{From: m.from, To: m.to, Frames: m.frames, Covered: m.covered, Rows: map[int]keptNumbers{}, Strange: m.strange, Poor: m.poor,
		Rev: m.rev, Given: m.given, Changed: m.changed, Final: m.final}
	for i := range m.n {
		samples := m.samples[i]
		v := keptNumbers{N: m.n[i], Level: thousandths(m.levels[i]), Peak: m.peaks[i], Doubt: m.doubts[i], Dense: m.dense[i]}
		if v.N == 0 && v.Level == 0 && v.Peak == 0 && v.Doubt == 0 && !v.Dense && len(samples) == 0 {
			continue
		}
		for _, s := range samples[max(0, len(samples)-most):] {
			v.Samples = append(v.Samples, thousandths(s))
		}
		k.Rows[i] = v
	}
	return k
}

func (l *ledger) recall(k keptLedger) error {
	l.next, l.given, l.waited, l.seen, l.opened, l.newest = k.Next, k.Given, k.Waited, k.Seen, k.Opened, k.Newest
	for _, r := range k.Rows {
		l.rows = append(l.rows, row{CountRow: r.CountRow, since: r.Since, until: r.Until, capacity: r.Capacity})
	}
	l.level = make([]int, len(l.rows))
	for i, n := range k.Levels {
		if i < 0 || i >= len(l.level) {
			return errMemory
		}
		l.level[i] = n
	}
	total, err := k.Total.recall(len(l.rows))
	if err != nil {
		return err
	}
	l.total = *total
	for _, m := range k.Minutes {
		minute, err := m.recall(len(l.rows))
		if err != nil {
			return err
		}
		if !minute.from.Before(minute.to) {
			return errMemory
		}
		l.minutes = append(l.minutes, minute)
	}
	if !slices.IsSortedFunc(l.minutes, func(a, b *minute) int { return a.from.Compare(b.from) }) {
		return errMemory
	}
	return nil
}

func (k keptMinute) recall(rows int) (*minute, error) {
	m := newMinute(k.From, k.To, rows)
	m.frames, m.covered, m.strange, m.poor, m.rev, m.given, m.changed, m.final = k.Frames, k.Covered, k.Strange, k.Poor, k.Rev, k.Given, k.Changed, k.Final
	for i, v := range k.Rows {
		if i < 0 || i >= rows {
			return nil, errMemory
		}
		m.n[i], m.levels[i], m.peaks[i], m.samples[i], m.doubts[i], m.dense[i] = v.N, v.Level, v.Peak, v.Samples, v.Doubt, v.Dense
	}
	return m, nil
}
