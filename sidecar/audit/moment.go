package audit

import (
	"os"
	"strconv"
	"time"

	"pantau/sidecar"
)

// every is the time between two moments of which some are drawn.
const every = time.Second

// What stands for a direction where somebody is there and crosses nothing.
const (
	now sidecar.Direction = "now" // in the zone, of a group
	bay sidecar.Direction = "bay" // in a bay, which stands in the place of the group
)

// momentRecorder draws moments of one function. A moment is to it what a window is to a
// line: those in which Pantau says that somebody is there are one stratum, the others
// the other one.
type momentRecorder struct {
	line  *Line
	drawn [strata]*draw
	n     int // moments so far
}

func newMomentRecorder(o Order, rule sidecar.Function) *momentRecorder {
	m := &momentRecorder{line: &Line{Rule: rule, Moments: true, Counted: Tally{}}}
	m.drawn[quiet] = newDraw(max(1, o.Quiet), o.Seed, rule.ID+"@quiet")
	m.drawn[busy] = newDraw(max(1, o.Crossings, fewestWindows), o.Seed, rule.ID+"@busy")
	return m
}

// look takes what Pantau says of the zones in the newest picture.
func (r *recorder) look(zones []sidecar.Zone) error {
	if len(r.moments) == 0 || len(r.shots) == 0 || r.last < r.next {
		return nil
	}
	r.next = r.last + every
	for _, m := range r.moments {
		if err := r.draw(m, presentIn(zones, m.line.Rule)); err != nil {
			return err
		}
	}
	if len(r.lines) == 0 {
		r.record.Seen += every
	}
	return nil
}

// draw puts a moment into its stratum, and keeps its picture if it is drawn.
func (r *recorder) draw(m *momentRecorder, counted Tally) error {
	m.n++
	s := &Strip{ID: m.line.Rule.ID + "@" + strconv.Itoa(m.n), Still: true, At: r.capture.UTC(), Media: r.last, Counted: counted}
	if counted.all() > 0 {
		s.Stratum = busy
	}
	m.line.Windows[s.Stratum]++
	for k, n := range counted {
		m.line.Counted[k] += n
	}
	kept, instead := m.drawn[s.Stratum].offer(s)
	if instead != nil {
		if err := os.Remove(r.path(instead)); err != nil {
			return err
		}
	}
	if !kept {
		return nil
	}
	jpeg := r.shots[len(r.shots)-1].JPEG
	if err := r.measure(jpeg); err != nil {
		return err
	}
	if err := r.folder.fits(int64(len(jpeg))); err != nil {
		return err
	}
	return replace(r.path(s), jpeg)
}

// presentIn is who is in a function's zone, or which of its bays are taken.
func presentIn(zones []sidecar.Zone, rule sidecar.Function) Tally {
	t := Tally{}
	for _, z := range zones {
		if z.ID != rule.ID {
			continue
		}
		if len(rule.Bays) > 0 {
			for _, name := range z.Bays {
				t[Key{bay, Group(name)}] = 1
			}
			continue
		}
		for _, c := range z.Counts {
			t[Key{now, GroupOf(c.Class)}] += c.N
		}
	}
	return t
}

// takes says whether a key can be tallied on a line's strips, and how often.
func (l *Line) takes(k Key, n int) bool {
	switch {
	case !l.Moments:
		return k.Direction == sidecar.In || k.Direction == sidecar.Out
	case len(l.Rule.Bays) > 0:
		_, known := l.Rule.Bays[string(k.Group)]
		return k.Direction == bay && known && n <= 1
	}
	return k.Direction == now
}
