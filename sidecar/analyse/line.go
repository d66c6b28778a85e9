package analyse

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"pantau/sidecar"
)

const (
	// shortest is the least length of a line, in sides of the picture.
	shortest = 0.02
	// margin is how near to the edge of the picture a line may not run: what
	// comes in there is first seen past it.
	margin = 0.05
	// band is how far an anchor must be from a border to be clearly beyond it,
	// as a part of the object's size across the border.
	band = 0.2
	// blur is added to the band, in sides of the picture: about a pixel of 640.
	blur = 0.0015
	// An object has settled after so many observations in a row beyond the band
	// that span so much time.
	settleHits = 2
	settleTime = 80 * time.Millisecond
)

// checkLine refuses lines that could not count.
func checkLine(f sidecar.Function) error {
	if len(f.Line) != 2 {
		return &sidecar.FieldError{Field: "line", Problem: fmt.Sprintf("the line has %d points", len(f.Line)),
			Remedy: "give two, [A, B]; for a bent line make one function for each straight part"}
	}
	if err := checkPoints("line", f.Line); err != nil {
		return err
	}
	a, b := f.Line[0], f.Line[1]
	if length := math.Hypot(b[0]-a[0], b[1]-a[1]); length < shortest {
		return &sidecar.FieldError{Field: "line", Problem: fmt.Sprintf("the line is only %.3f of the picture long", length),
			Remedy: fmt.Sprintf("draw it longer than %v", shortest)}
	}
	for i, name := range [...]string{"left", "right", "top", "bottom"} {
		far := func(p sidecar.Point) float64 { return [...]float64{p[0], 1 - p[0], p[1], 1 - p[1]}[i] }
		if far(a) < margin && far(b) < margin {
			return &sidecar.FieldError{Field: "line",
				Problem: fmt.Sprintf("the line runs along the %s edge of the picture, where objects are first seen past it and would not be counted", name),
				Remedy:  fmt.Sprintf("move it at least %v of the picture away from that edge; its ends may touch other edges", margin)}
		}
	}
	return nil
}

// line counts what crosses a segment, by class and direction.
type line struct {
	*book
	id      string
	a, b    sidecar.Point
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
	side    float64 // side() of the anchor
	birth   float64 // side() of the first anchor
	settled int     // where it stood clearly the last time
	net     int     // cuts of the segment since then: to the right less to the left
	cuts    [2]cut  // the last one to the left, and to the right
	hits    int     // observations in a row that are clearly on the other side
	since   time.Duration
	passes  []pass // counted, and alternating: the newest of them
	counted int
}

// cut is where and when a path cut the segment.
type cut struct {
	moment
	at sidecar.Point
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
	l := &line{book: b, id: f.ID, a: f.Line[0], b: f.Line[1], anchor: f.Anchor, classes: classesOf(f),
		paths: map[*object]*path{}}
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
	p := &path{at: o.start, anchor: l.anchor.Of(o.start.box)}
	p.side = side(l.a, l.b, p.anchor)
	p.birth = p.side
	if math.Abs(p.side) > l.reach(o.start.box) {
		p.settled = sign(p.side)
	}
	return p
}

// step goes on to the object's newest fix.
func (l *line) step(o *object, p *path) {
	l.move(p, o.fix)
	to := sign(p.side)
	if math.Abs(p.side) <= l.reach(o.fix.box) {
		p.hits = 0
		return
	}
	if to == p.settled {
		p.hits, p.net = 0, 0
		return
	}
	if p.hits++; p.hits == 1 {
		p.since = o.fix.steady
	}
	if p.hits >= settleHits && o.fix.steady-p.since >= settleTime {
		l.settle(o, p, to)
	}
}

// move goes straight to a fix and notes whether that cuts the segment.
func (l *line) move(p *path, to fix) {
	anchor := l.anchor.Of(to.box)
	s := side(l.a, l.b, anchor)
	if s == 0 { // on the line is still where it was
		s = math.Copysign(0, p.side)
	}
	if math.Signbit(s) != math.Signbit(p.side) {
		f := p.side / (p.side - s)
		at := between(p.anchor, anchor, f)
		if u := along(l.a, l.b, at); u >= 0 && u <= 1 {
			when := p.at.steady + time.Duration(f*float64(to.steady-p.at.steady))
			p.net += sign(s)
			p.cuts[hand(sign(s))] = cut{l.clock.near(when), at}
		}
	}
	p.at, p.anchor, p.side = to, anchor, s
}

// settle says that the object stands clearly on another side than before. If its
// path led there through the segment, it has crossed.
func (l *line) settle(o *object, p *path, to int) {
	// One that was born within the band has crossed if it came at least as far
	// as one that was settled.
	came := p.settled != 0 || math.Abs(p.side-p.birth) >= 2*l.reach(o.fix.box)
	if p.net*to > 0 && came {
		l.count(o, p, to)
	}
	p.settled, p.net, p.hits = to, 0, 0
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
		p.settled, p.net, p.cuts = f.settled, whole.net, whole.cuts
	case after && f.settled == -p.settled && len(p.passes) == 0 && whole.net*p.settled > 0:
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
	}
	return kept
}

// Leave counts an object that was last seen past the segment and on its way on.
func (l *line) Leave(o *object) {
	p := l.paths[o]
	delete(l.paths, o)
	if p == nil || p.settled == 0 || p.net*p.settled >= 0 {
		return
	}
	to := -p.settled
	v := o.track.Velocity
	on := side(l.a, l.b, sidecar.Point{l.a[0] + v[0], l.a[1] + v[1]})
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

// reach is the width of the band on one side of the line, as a value of side().
func (l *line) reach(b sidecar.Box) float64 {
	dx, dy := math.Abs(l.b[0]-l.a[0]), math.Abs(l.b[1]-l.a[1])
	return band*(dx*b.Height()+dy*b.Width()) + blur*(dx+dy)
}

// sign is +1 or −1, by the sign bit: an anchor on the line keeps its side.
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
