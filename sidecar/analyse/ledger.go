package analyse

import (
	"math"
	"slices"
	"time"

	"pantau/sidecar"
)

const (
	// patience is the gap between two analysed frames up to which the time
	// between them counts as analysed, or five of the expected intervals if that
	// is longer. After a longer gap only one interval counts.
	patience = 2 * time.Second
	// settling is how long after its end a minute is given, so that crossings
	// which need some frames to be sure are in it and need no revision.
	settling = 3 * time.Second
	// longest is how many minutes without scenes are given at most; those before
	// are missing.
	longest = 24 * 60
	// enough is the uptime, and half of it the part of the expected frames, from
	// which the quality is good.
	enough = 0.9
)

// minute is one minute of the ledger, or the sum of all.
type minute struct {
	from    time.Time
	frames  int
	covered time.Duration // of the minute, analysed
	n       []int         // by row
	levels  []float64     // by row: integral of the level over the covered seconds
	peaks   []int         // by row
	strange bool          // the capture time did not fit
	rev     int
	given   bool
	changed bool // since it was given
	final   bool // as it was given
}

func newMinute(from time.Time, rows int) *minute {
	return &minute{from: from, n: make([]int, rows), levels: make([]float64, rows), peaks: make([]int, rows)}
}

// grow makes room for one more row.
func (m *minute) grow() {
	m.n, m.levels, m.peaks = append(m.n, 0), append(m.levels, 0), append(m.peaks, 0)
}

func (m *minute) to() time.Time { return m.from.Add(time.Minute) }

// row is a line of the ledger: the key of its numbers, and when they mattered.
type row struct {
	sidecar.CountRow
	since, until time.Time // in minutes' time; until is zero as long as it is counted
}

// in says whether the row was counted in a part of a minute at least; of the
// total, whether it still is.
func (r row) in(m *minute) bool {
	if m.from.IsZero() {
		return r.until.IsZero()
	}
	return m.to().After(r.since) && (r.until.IsZero() || m.from.Before(r.until))
}

// ledger keeps the counts by minute of capture time.
type ledger struct {
	rows     []row         // what is counted; the numbers are in the minutes
	level    []int         // by row: presence now
	interval time.Duration // expected between two analysed frames
	minutes  []*minute     // in order, not all that there were
	total    minute
	next     time.Time // the first minute that was not given yet; zero: nothing has begun
	begun    time.Time // the first minute counts from here on
	end      time.Time // the last minute counts up to here; zero: it goes on
	newest   time.Time
}

// define gives the index of a row, which it adds if there was none. It counts
// from a time on.
func (l *ledger) define(since time.Time, key sidecar.CountRow) int {
	for i := range l.rows {
		if l.rows[i].CountRow == key {
			l.rows[i].until = time.Time{}
			return i
		}
	}
	l.rows = append(l.rows, row{CountRow: key, since: since})
	l.level = append(l.level, 0)
	l.total.grow()
	for _, m := range l.minutes {
		m.grow()
	}
	return len(l.rows) - 1
}

// retire says that a rule's rows stop to be counted, until they are defined again.
func (l *ledger) retire(at time.Time, rule string) {
	for i := range l.rows {
		if r := &l.rows[i]; r.Rule == rule && r.until.IsZero() {
			r.until, l.level[i] = at, 0
		}
	}
}

// add counts n more in a row, at a time that may be past.
func (l *ledger) add(at time.Time, row, n int) {
	m := l.minute(at)
	m.n[row] += n
	m.changed = true
	l.total.n[row] += n
}

// set says what the level of a row is from now on, and gives whether that is new.
func (l *ledger) set(at time.Time, row, level int) bool {
	if l.level[row] == level {
		return false
	}
	l.level[row] = level
	m := l.minute(at)
	m.peaks[row] = max(m.peaks[row], level)
	l.total.peaks[row] = max(l.total.peaks[row], level)
	return true
}

// frame notes an analysed frame, step after the one before. Time that ran
// backwards covers nothing twice.
func (l *ledger) frame(before, now moment, step time.Duration) {
	covered := step
	if step > max(patience, 5*l.interval) {
		covered = l.interval
	}
	t, end := before.minute, before.minute.Add(covered)
	if t.Before(l.newest) {
		t = l.newest
	}
	for t.Before(end) {
		m := l.minute(t)
		part := min(end.Sub(t), m.to().Sub(t))
		l.integrate(m, part)
		t = t.Add(part)
	}
	m := l.minute(now.minute)
	m.frames++
	m.changed = true
	m.strange = m.strange || !now.minute.Equal(now.Capture)
	if now.minute.After(l.newest) {
		l.newest = now.minute
	}
}

// integrate says that the levels have held for a part of a minute.
func (l *ledger) integrate(m *minute, part time.Duration) {
	m.covered += part
	m.changed = true
	l.total.covered += part
	for i, level := range l.level {
		if level == 0 {
			continue
		}
		m.levels[i] += float64(level) * part.Seconds()
		m.peaks[i] = max(m.peaks[i], level)
		l.total.levels[i] += float64(level) * part.Seconds()
	}
}

// begin says that counting begins, if it has not.
func (l *ledger) begin(at time.Time) {
	if l.next.IsZero() {
		l.next, l.begun = at.Truncate(time.Minute), at
	}
}

// minute finds or begins the minute of a time. What is older than memory belongs
// to the oldest minute that can be revised.
func (l *ledger) minute(at time.Time) *minute {
	if oldest := l.newest.Add(-memory); at.Before(oldest) {
		at = oldest
	}
	from := at.Truncate(time.Minute)
	i := len(l.minutes)
	for i > 0 && l.minutes[i-1].from.After(from) {
		i--
	}
	if i > 0 && l.minutes[i-1].from.Equal(from) {
		return l.minutes[i-1]
	}
	m := newMinute(from, len(l.rows))
	l.begin(at)
	m.given = from.Before(l.next) // as one without scenes
	l.minutes = slices.Insert(l.minutes, i, m)
	return m
}

// give calls yield with each minute that ended before now and was not given yet,
// and with each that changed since it was. Facts from undecided on may still
// come out either way, if open is true.
func (l *ledger) give(now, undecided time.Time, open bool, yield func(*minute)) {
	for _, m := range l.minutes {
		decided := !open || !undecided.Before(m.to())
		if !m.given || !m.changed && (m.final || !decided) {
			continue
		}
		m.rev++
		m.final = decided
		m.changed = false
		yield(m)
	}
	if from := now.Truncate(time.Minute).Add(-longest * time.Minute); from.After(l.next) {
		l.skip(from)
	}
	for ; !l.next.Add(time.Minute).After(now); l.next = l.next.Add(time.Minute) {
		m := l.at(l.next)
		m.given, m.changed = true, false
		m.final = !open || !undecided.Before(m.to())
		yield(m)
	}
	l.forget()
}

// at is the minute that begins at from, an empty one if nothing was seen in it.
func (l *ledger) at(from time.Time) *minute {
	for _, m := range l.minutes {
		if m.from.Equal(from) {
			return m
		}
	}
	return newMinute(from, len(l.rows))
}

// skip goes on at a minute after a long sleep, or at the one before it that has scenes.
func (l *ledger) skip(from time.Time) {
	for _, m := range l.minutes {
		if !m.given && m.from.Before(from) {
			from = m.from
		}
	}
	l.next = from
}

// forget lets go of minutes that cannot be revised any more.
func (l *ledger) forget() {
	oldest := l.newest.Add(-memory).Truncate(time.Minute)
	l.minutes = slices.DeleteFunc(l.minutes, func(m *minute) bool {
		return m.given && m.from.Before(oldest) && !m.changed
	})
}

// list gives the rows with a minute's numbers, none if nothing is known.
func (l *ledger) list(m *minute) []sidecar.CountRow {
	rows := make([]sidecar.CountRow, 0, len(l.rows))
	if m.covered == 0 && m.frames == 0 && !slices.ContainsFunc(m.n, func(n int) bool { return n != 0 }) {
		return rows
	}
	for i, r := range l.rows {
		if !r.in(m) {
			continue
		}
		row := r.CountRow
		if row.Kind == sidecar.Presence {
			mean := 0.0
			if m.covered > 0 {
				mean = math.Round(1000*m.levels[i]/m.covered.Seconds()) / 1000
			}
			row.Mean, row.Max = &mean, new(m.peaks[i])
		} else {
			row.N = new(m.n[i])
		}
		rows = append(rows, row)
	}
	return rows
}

// fill writes a minute's numbers into a count. The first and the last minute are
// as long as they were counted: what is started again in mid-minute gives the
// rest of it as an interval of its own, and both together are the minute.
func (l *ledger) fill(c *sidecar.Count, m *minute) {
	c.From, c.To = m.from, m.to()
	if begun := l.begun.Truncate(time.Millisecond); begun.After(c.From) && begun.Before(c.To) {
		c.From = begun
	}
	if !l.end.IsZero() && l.end.After(c.From) && l.end.Before(c.To) {
		c.To = l.end.Truncate(time.Millisecond)
	}
	long := c.To.Sub(c.From)
	c.Rev, c.Final = m.rev, m.final
	c.Frames = m.frames
	c.Expected = int(math.Round(float64(long) / float64(l.interval)))
	c.Uptime = math.Round(10000*min(1, float64(m.covered)/float64(max(long, 1)))) / 10000
	c.Rows = l.list(m)
	c.Quality, c.Flags = sidecar.QualityGood, []string{}
	if c.Uptime == 0 {
		c.Quality = sidecar.QualityNone
		return
	}
	if c.Uptime < enough {
		c.Flags = append(c.Flags, "gaps")
	}
	if float64(c.Frames) < enough/2*c.Uptime*float64(c.Expected) {
		c.Flags = append(c.Flags, "slow")
	}
	if m.strange {
		c.Flags = append(c.Flags, "clock")
	}
	if len(c.Flags) > 0 {
		c.Quality = sidecar.QualityLow
	}
}
