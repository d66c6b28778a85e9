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
	// newest is how many values a total keeps of a distribution.
	newest = 256
	// enough is the uptime, and half of it the part of the expected frames, from
	// which the quality is good.
	enough = 0.9
)

// minute is one interval of the ledger, a minute at most, or the sum of all.
type minute struct {
	from    time.Time // zero: of the sum
	to      time.Time
	frames  int
	covered time.Duration // of the minute, analysed
	n       []int         // by row
	levels  []float64     // by row: integral of the level over the covered seconds
	peaks   []int         // by row
	samples [][]float64   // by row: of a distribution
	dense   []bool        // by row: its objects could not be told apart
	doubts  []float64     // by row: sum of the squares of the samples' standard errors
	strange bool          // the capture time did not fit
	poor    []string      // what was wrong with the picture
	rev     int
	given   bool
	told    time.Duration // steady time when it was revised
	changed bool          // since it was given
	final   bool          // as it was given
}

func newMinute(from, to time.Time, rows int) *minute {
	return &minute{from: from, to: to, n: make([]int, rows), levels: make([]float64, rows), peaks: make([]int, rows),
		samples: make([][]float64, rows), doubts: make([]float64, rows), dense: make([]bool, rows)}
}

// grow makes room for one more row.
func (m *minute) grow() {
	m.n, m.levels, m.peaks = append(m.n, 0), append(m.levels, 0), append(m.peaks, 0)
	m.samples, m.doubts, m.dense = append(m.samples, nil), append(m.doubts, 0), append(m.dense, false)
}

// take adds the numbers of an interval that is none.
func (m *minute) take(other *minute) {
	m.frames += other.frames
	for i := range m.n {
		m.n[i] += other.n[i]
		m.peaks[i] = max(m.peaks[i], other.peaks[i])
		m.samples[i] = append(m.samples[i], other.samples[i]...)
		m.doubts[i] += other.doubts[i]
		m.dense[i] = m.dense[i] || other.dense[i]
	}
	m.strange = m.strange || other.strange
	m.note(other.poor...)
	m.changed = true
}

// note adds what was wrong with the picture.
func (m *minute) note(flags ...string) {
	for _, f := range flags {
		if !slices.Contains(m.poor, f) {
			m.poor = append(m.poor, f)
			m.changed = true
		}
	}
}

// row is a line of the ledger: the key of its numbers, and when they mattered.
type row struct {
	sidecar.CountRow
	since, until time.Time // in minutes' time; until is zero as long as it is counted
	capacity     int       // of a level; 0: it has none
}

// in says whether the row was counted in a part of a minute at least; of the
// total, whether it still is.
func (r row) in(m *minute) bool {
	if m.from.IsZero() {
		return r.until.IsZero()
	}
	return m.to.After(r.since) && (r.until.IsZero() || m.from.Before(r.until))
}

// ledger keeps the counts by minute of capture time.
//
// Its intervals are UTC minutes, cut where the first frame was captured and where
// the ledger is closed. What is before the first frame is by this machine's clock,
// which the camera's may be ahead of: those intervals begin on odd milliseconds,
// and those by the camera's on even ones, so that none has the key of one that a
// run before has given.
type ledger struct {
	rows     []row         // what is counted; the numbers are in the minutes
	level    []int         // by row: presence now
	interval time.Duration // expected between two analysed frames
	minutes  []*minute     // in order, not all that there were
	total    minute
	next     time.Time // from here on nothing was given yet; zero: nothing has begun
	given    bool      // something was
	waited   time.Time // up to here, for the first frame
	seen     bool      // a frame
	opened   time.Time // where the first frame is
	end      time.Time // nothing is after it; zero: it goes on
	newest   time.Time // frame
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

// sample adds a value to a row's distribution, at a time that may be past. The
// total keeps the newest only.
func (l *ledger) sample(at time.Time, row int, v float64) {
	l.add(at, row, 1)
	m, all := l.minute(at), &l.total
	m.samples[row] = append(m.samples[row], v)
	if n := len(all.samples[row]); n < newest {
		all.samples[row] = append(all.samples[row], v)
	} else {
		all.samples[row][all.n[row]%newest] = v
	}
}

// measure is sample of a value that has a standard error.
func (l *ledger) measure(at time.Time, row int, v, doubt float64) {
	l.sample(at, row, v)
	l.minute(at).doubts[row] += doubt * doubt
	l.total.doubts[row] += doubt * doubt
}

// blind says that a row's objects cannot be counted: its minute gives no number.
func (l *ledger) blind(at time.Time, row int) { l.minute(at).dense[row] = true }

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
	t := l.follow(before, now, step)
	end := t.Add(covered)
	if t.Before(l.newest) {
		t = l.newest
	}
	for t.Before(end) {
		m := l.minute(t)
		part := min(end.Sub(t), m.to.Sub(t))
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

// follow opens the ledger, or moves its first interval with the camera's clock, and
// gives where the time since the frame before begins.
func (l *ledger) follow(before, now moment, step time.Duration) time.Time {
	t := before.minute
	if !l.seen {
		l.open(now.minute)
	} else if leap := now.minute.Sub(t) - step; leap > leaping && l.shift(leap) {
		t = t.Add(leap)
	}
	return t
}

// pause notes a frame that was not analysed, step after the one before: it covers
// nothing.
func (l *ledger) pause(before, now moment, step time.Duration) {
	l.follow(before, now, step)
	if now.minute.After(l.newest) {
		l.newest = now.minute
	}
}

// doubt notes what is wrong with the picture at a time.
func (l *ledger) doubt(at time.Time, flags ...string) {
	if len(flags) > 0 {
		l.minute(at).note(flags...)
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

// list gives the rows with a minute's numbers, none if nothing is known.
func (l *ledger) list(m *minute) []sidecar.CountRow {
	rows := make([]sidecar.CountRow, 0, len(l.rows))
	if m.covered == 0 && m.frames == 0 && !slices.ContainsFunc(m.n, func(n int) bool { return n != 0 }) {
		return rows
	}
	for i, r := range l.rows {
		if !r.in(m) || m.dense[i] || r.Kind == sidecar.Turned && m.n[i] == 0 { // most of a matrix is zero
			continue
		}
		row := r.CountRow
		if row.Kind.Level() {
			mean := 0.0
			if m.covered > 0 {
				mean = math.Round(1000*m.levels[i]/m.covered.Seconds()) / 1000
			}
			row.Mean, row.Max = &mean, new(m.peaks[i])
			if r.capacity > 0 {
				row.Capacity = new(r.capacity)
			}
		} else {
			row.N = new(m.n[i])
			describe(&row, m.samples[i], m.doubts[i])
		}
		rows = append(rows, row)
	}
	return rows
}

// describe writes a distribution into its row.
func describe(row *sidecar.CountRow, samples []float64, doubts float64) {
	if len(samples) == 0 {
		return
	}
	sorted := slices.Sorted(slices.Values(samples))
	row.Median = quantile(sorted, 0.5)
	switch row.Kind {
	case sidecar.Speed:
		row.P85 = quantile(sorted, 0.85)
		row.Error = new(thousandths(math.Sqrt(doubts / float64(*row.N))))
	case sidecar.Dwell:
		row.P95, row.Longest = quantile(sorted, 0.95), quantile(sorted, 1)
	}
}

// quantile is the least of the values that a part q of them does not exceed (the
// nearest rank), to a thousandth. There is one value at least, and they are sorted.
func quantile(sorted []float64, q float64) *float64 {
	rank := int(math.Ceil(q * float64(len(sorted))))
	v := thousandths(sorted[max(rank, 1)-1])
	return &v
}

// expected is how many frames an interval has, had nothing been missed. When they
// come evenly it is by chance one more than there are whole steps: then that is
// what was to be expected.
func (l *ledger) expected(m *minute) int {
	const rounding = 1e-3 // of the interval, in frames
	n := float64(m.to.Sub(m.from)) / float64(l.interval)
	return max(int(math.Round(n)), min(m.frames, int(n+rounding)+1))
}

// fill writes a minute's numbers into a count.
func (l *ledger) fill(c *sidecar.Count, m *minute) {
	c.From, c.To = m.from, m.to
	c.Rev, c.Final = m.rev, m.final
	c.Frames = m.frames
	c.Expected = l.expected(m)
	c.Uptime = math.Round(10000*min(1, float64(m.covered)/float64(m.to.Sub(m.from)))) / 10000
	c.Rows = l.list(m)
	c.Quality, c.Flags = sidecar.QualityGood, append([]string{}, m.poor...)
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
	if slices.Contains(m.dense, true) {
		c.Flags = append(c.Flags, "dense")
	}
	if m.strange {
		c.Flags = append(c.Flags, "clock")
	}
	if len(c.Flags) > 0 {
		c.Quality = sidecar.QualityLow
	}
}
