package analyse

import (
	"math"
	"slices"
	"time"

	"pantau/sidecar"
)

const (
	// anchorNoise is the standard deviation of a detected anchor, in sizes of the
	// box, as the tracker understands it.
	anchorNoise = 0.06
	// A speed is told of a way through the plane of so many observations and so much
	// time at least, when its standard error is at most a part of it, or a little.
	leastFixes = 5
	leastWay   = 400 * time.Millisecond
	mostDoubt  = 0.25 // of the speed
	littleKMH  = 3.0
	// forgetting is the time constant of the speed that is shown in scenes.
	forgetting = time.Second
	perHour    = 3.6 // km/h in m/s
)

// checkSpeed refuses planes that measure nothing.
func checkSpeed(f sidecar.Function) error { return checkPlane(f.Plane) }

// speed measures how fast objects go through a rectangle on the ground. Outside of
// it nothing is measured: the error of a homography is not bounded there.
type speed struct {
	*book
	id      string
	anchor  sidecar.Anchor
	polygon sidecar.Polygon
	plane   homography
	classes []sidecar.Class
	rows    []int // by class
	ways    map[*object]*way
}

// way is an object's way through the rectangle: a straight line in time through
// its places on the ground, by least squares.
type way struct {
	inside      bool
	all, recent line2
	first, last moment
	n           int
	blur        float64 // sum of the variances of its places, m²
}

// line2 has the sums of a regression of two coordinates over time.
type line2 struct{ w, t, tt, x, tx, y, ty float64 }

func newSpeed(f sidecar.Function, b *book) Analytic {
	s := &speed{book: b, id: f.ID, anchor: f.Anchor, polygon: f.Plane.Points, plane: homographyOf(f.Plane), ways: map[*object]*way{}}
	s.classes = slices.Clone(f.Classes)
	if len(s.classes) == 0 {
		s.classes = sidecar.Classes()[1:] // people are not measured unless that is said
	}
	for _, c := range s.classes {
		s.rows = append(s.rows, b.row(f.ID, sidecar.Speed, c, ""))
	}
	return s
}

// Update goes on with each object's way.
func (s *speed) Update(now moment, objects []*object) {
	for _, o := range objects {
		if !o.observed {
			continue
		}
		p := s.anchor.Of(o.fix.box)
		w := s.ways[o]
		if !contains(s.polygon, p) {
			s.finish(o, w)
			continue
		}
		if w == nil {
			w = &way{}
			s.ways[o] = w
		}
		if !w.inside {
			*w = way{inside: true, first: now}
		}
		s.step(o, w, p, now)
	}
}

// step adds a place to a way.
func (s *speed) step(o *object, w *way, p sidecar.Point, now moment) {
	x, y := s.plane.ground(p)
	t := (now.steady - w.first.steady).Seconds()
	if w.n > 0 {
		w.recent.fade(math.Exp(-(now.steady - w.last.steady).Seconds() / forgetting.Seconds()))
	}
	w.all.add(t, x, y)
	w.recent.add(t, x, y)
	d := s.plane.blurred(p, o.fix.box)
	w.blur += d * d
	w.last = now
	w.n++
	if v, _, ok := w.recent.slope(); ok && w.n >= leastFixes && now.steady-w.first.steady >= leastWay {
		o.kmh = math.Round(10*perHour*v) / 10
	}
}

// finish tells the speed of a way that has ended.
func (s *speed) finish(o *object, w *way) {
	if w == nil || !w.inside {
		return
	}
	w.inside, o.kmh = false, 0
	class := slices.Index(s.classes, o.track.Class)
	v, spread, ok := w.all.slope()
	if !ok || class < 0 || w.n < leastFixes || w.last.steady-w.first.steady < leastWay {
		return
	}
	// The errors of neighbouring frames are alike, so that many frames say less than
	// they seem to: they are taken for one place in each of five parts of the way.
	kmh, doubt := perHour*v, perHour*math.Sqrt(w.blur/float64(w.n)/spread*float64(w.n)/min(float64(w.n), leastFixes))
	if doubt > max(littleKMH, mostDoubt*kmh) {
		return
	}
	s.measure(w.last.minute, s.rows[class], kmh, doubt)
}

// Join goes on with the longer way.
func (s *speed) Join(from, into *object, _ moment) {
	f, w := s.ways[from], s.ways[into]
	delete(s.ways, from)
	if f != nil && f.inside && (w == nil || w.n < f.n) {
		s.ways[into] = f
	}
}

// Leave ends an object's way.
func (s *speed) Leave(o *object) {
	s.finish(o, s.ways[o])
	delete(s.ways, o)
}

// Undecided is never: a speed belongs to the minute in which its way ended.
func (s *speed) Undecided() (time.Time, bool) { return time.Time{}, false }

func (l *line2) add(t, x, y float64) {
	l.w++
	l.t += t
	l.tt += t * t
	l.x += x
	l.tx += t * x
	l.y += y
	l.ty += t * y
}

// fade lets what was weigh less.
func (l *line2) fade(f float64) {
	for _, v := range [...]*float64{&l.w, &l.t, &l.tt, &l.x, &l.tx, &l.y, &l.ty} {
		*v *= f
	}
}

// slope is the speed, m/s, and the sum of the squares of the times about their
// mean, s²; false: all was at one time.
func (l *line2) slope() (v, spread float64, ok bool) {
	if l.w == 0 {
		return 0, 0, false
	}
	spread = l.tt - l.t*l.t/l.w
	if spread < 1e-6 {
		return 0, 0, false
	}
	return math.Hypot(l.tx-l.t*l.x/l.w, l.ty-l.t*l.y/l.w) / spread, spread, true
}
