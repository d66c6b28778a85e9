package analyse

import (
	"cmp"
	"math"
	"slices"
	"time"

	"pantau/sidecar"
)

const (
	// An object has settled after so many observations in a row beyond the band
	// that span so much time.
	settleHits = 2
	settleTime = 80 * time.Millisecond
)

// checkLine refuses lines that could not count.
func checkLine(f sidecar.Function) error { return polyline(f.Line).check("line") }

// line counts what crosses a line, by class and direction.
type line struct {
	*book
	id      string
	shape   polyline
	anchor  sidecar.Anchor
	classes []sidecar.Class
	rows    [][2]int // by class: out, in
	paths   map[*object]*path
}

// path is what a line knows of an object. Sides are +1, the right hand, −1, the
// left hand, and 0, not known.
type path struct {
	at      fix
	anchor  sidecar.Point
	birth   sidecar.Point // the first anchor
	settled int           // where it stood clearly the last time
	stood   sidecar.Box   // where that was
	net     int           // cuts of the line since then: to the right less to the left
	cuts    [2]cut        // the last one to the left, and to the right
	toward  int           // the side of the last observation beyond the band
	hits    int           // so many in a row are there, and it is not settled there
	since   time.Duration // steady time of the first of them
	passes  []pass        // counted, and alternating: the newest of them
	counted int
}

// cut is where and when a path cut the line.
type cut struct {
	moment               // of the nearest frame
	when   time.Duration // steady time, between two frames
	piece  int           // of the line
	at     sidecar.Point
}

// pass is a crossing that was counted.
type pass struct {
	cut
	to    int
	id    string
	class sidecar.Class
	row   int
	track string
}

func newLine(f sidecar.Function, b *book) Analytic {
	l := &line{book: b, id: f.ID, shape: polyline(f.Line).onward(), anchor: f.Anchor, classes: classesOf(f), paths: map[*object]*path{}}
	for _, c := range l.classes {
		in := b.row(f.ID, sidecar.Flow, c, sidecar.In)
		l.rows = append(l.rows, [2]int{b.row(f.ID, sidecar.Flow, c, sidecar.Out), in})
	}
	return l
}

// Update follows each object's path to its newest fix.
func (l *line) Update(_ moment, objects []*object) {
	for _, o := range objects {
		if !o.observed {
			continue
		}
		p := l.paths[o]
		if p == nil {
			p = l.begin(o)
			l.paths[o] = p
		}
		l.step(o, p)
	}
}

// begin starts a path where the object was born.
func (l *line) begin(o *object) *path {
	p := &path{at: o.start, stood: o.start.box, anchor: l.anchor.Of(o.start.box)}
	p.birth = p.anchor
	if d := l.shape.depth(p.anchor, o.start.box); math.Abs(d) > 1 {
		p.settled = sign(d)
	}
	return p
}

// step goes on to the object's newest fix.
func (l *line) step(o *object, p *path) {
	l.move(p, o.fix)
	depth := l.shape.depth(p.anchor, o.fix.box)
	if math.Abs(depth) <= 1 {
		p.hits = 0
		return
	}
	to := sign(depth)
	if to == p.settled {
		p.hits, p.net, p.stood = 0, 0, o.fix.box
		return
	}
	if to != p.toward {
		p.toward, p.hits = to, 0
	}
	if p.hits++; p.hits == 1 {
		p.since = o.fix.steady
	}
	if p.hits >= settleHits && o.fix.steady-p.since >= settleTime {
		l.settle(o, p, to)
	}
}

// move goes straight to a fix and notes where that cuts the line.
func (l *line) move(p *path, to fix) {
	anchor := l.anchor.Of(to.box)
	if anchor != p.anchor {
		latest := [2]float64{-1, -1} // of this step, by hand
		l.shape.cuts(p.anchor, anchor, func(part float64, piece, side int) {
			p.net += side
			if i := hand(side); part > latest[i] {
				latest[i] = part
				when := p.at.steady + time.Duration(part*float64(to.steady-p.at.steady))
				p.cuts[i] = cut{l.clock.near(when), when, piece, between(p.anchor, anchor, part)}
			}
		})
	}
	p.at, p.anchor = to, anchor
}

// settle says that the object stands clearly on another side than before. If its
// path led there through the line, it has crossed.
func (l *line) settle(o *object, p *path, to int) {
	// One that was born within the band has crossed if it came at least as far
	// as one that was settled.
	b := o.fix.box
	came := p.settled != 0 || math.Abs(l.shape.depth(p.anchor, b)-l.shape.depth(p.birth, b)) >= 2
	if p.net*to > 0 && came && (!o.leaps(l.interval) || !l.jammed(o, b, p.stood)) {
		l.count(o, p, to)
	}
	p.settled, p.net, p.hits, p.stood = to, 0, 0, b
}

// count counts a crossing, unless the object's last one had the same direction:
// it has come back around the end of the line, or hovers there.
func (l *line) count(o *object, p *path, to int) {
	i := slices.Index(l.classes, o.track.Class)
	if i < 0 || len(p.passes) > 0 && p.passes[len(p.passes)-1].to == to {
		return
	}
	p.counted++
	c := pass{cut: p.cuts[hand(to)], to: to, class: o.track.Class, row: l.rows[i][hand(to)], track: o.name}
	c.id = l.tell(sidecar.CountCrossing, l.id, o, c.moment, sidecar.Crossing{
		Origin: l.origin(l.id, c.moment), Track: o.name, Class: c.class, Direction: direction(to),
		At: rounded(c.at), Share: o.share(), Score: o.score(), KMH: o.kmh, N: p.counted,
	})
	l.add(c.minute, c.row, 1)
	if len(p.passes) == cap(p.passes) && cap(p.passes) >= 8 { // only the newest matter
		p.passes = append(p.passes[:0], p.passes[1:]...)
	}
	p.passes = append(p.passes, c)
	for _, w := range l.watchers {
		w.passed(l.id, o, c)
	}
}

// Join lets into go on from where from was: into's way since its birth is
// replaced by the straight one from there. What both have counted is withdrawn once.
func (l *line) Join(from, into *object, now moment) {
	f, p := l.paths[from], l.paths[into]
	delete(l.paths, from)
	if f == nil {
		return
	}
	if p == nil {
		l.paths[into] = f
		return
	}
	after := into.start.steady >= from.fix.steady
	whole := *f
	l.move(&whole, p.at)
	switch {
	case p.settled == 0:
		p.settled, p.stood, p.net, p.cuts = f.settled, f.stood, whole.net, whole.cuts
	case after && f.settled == -p.settled && len(p.passes) == 0 && whole.net*p.settled > 0 && !l.jammed(into, into.start.box, f.stood):
		p.cuts, p.passes = whole.cuts, f.passes
		l.count(into, p, p.settled)
		return
	}
	p.passes = l.alternate(append(f.passes, p.passes...), into, now)
}

// alternate withdraws each crossing that has the same direction as the one before.
func (l *line) alternate(passes []pass, o *object, now moment) []pass {
	slices.SortStableFunc(passes, func(a, b pass) int { return cmp.Compare(a.steady, b.steady) })
	kept := passes[:0]
	for _, c := range passes {
		if len(kept) == 0 || kept[len(kept)-1].to != c.to {
			kept = append(kept, c)
			continue
		}
		l.tell(sidecar.CorrectionMade, l.id, o, now, sidecar.Correction{
			Origin: l.origin(l.id, now), Withdraws: c.id, Track: c.track, Class: c.class, Direction: direction(c.to),
			Reason: "track " + c.track + " is an object that was counted already",
		})
		l.add(c.minute, c.row, -1)
		for _, w := range l.watchers {
			w.withdrawn(c)
		}
	}
	return kept
}

// Leave counts an object that was last seen past the line and on its way on.
func (l *line) Leave(o *object) {
	p := l.paths[o]
	delete(l.paths, o)
	if p == nil || p.settled == 0 || p.net*p.settled >= 0 || o.leaps(l.interval) && l.jammed(o, o.fix.box, p.stood) {
		return
	}
	to := -p.settled
	k := p.cuts[hand(to)].piece
	a, b, v := l.shape[k], l.shape[k+1], o.track.Velocity
	on := side(a, b, sidecar.Point{a[0] + v[0], a[1] + v[1]})
	if p.hits > 0 || o.track.Motion != sidecar.Stopped && on*float64(to) > 0 {
		l.count(o, p, to)
	}
}

// Undecided is the oldest cut of an object that has not settled since.
func (l *line) Undecided() (oldest time.Time, some bool) {
	for _, p := range l.paths {
		if p.settled != 0 && p.net*p.settled < 0 {
			oldest, some = earlier(oldest, some, p.cuts[hand(-p.settled)].minute, true)
		}
	}
	return oldest, some
}

// sign is +1 or −1, by the sign bit.
func sign(v float64) int {
	if math.Signbit(v) {
		return -1
	}
	return 1
}

// hand is 0 for the left side and 1 for the right side.
func hand(side int) int { return (side + 1) / 2 }

// direction is the direction that leads to a side.
func direction(to int) sidecar.Direction {
	if to > 0 {
		return sidecar.In
	}
	return sidecar.Out
}

// classesOf gives the classes of a function.
func classesOf(f sidecar.Function) []sidecar.Class {
	if len(f.Classes) == 0 {
		return sidecar.Classes()
	}
	return slices.Clone(f.Classes)
}
