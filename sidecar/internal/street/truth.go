package street

import (
	"math"

	"pantau/sidecar"
)

// How far from the line an anchor must be, in sizes of its box across the line, to
// be beyond it without doubt, and not to stand on it any more.
const (
	clear = 0.5
	on    = 0.3
)

// Crossing is one agent over the line, in truth.
type Crossing struct {
	Agent     int
	Class     sidecar.Class
	Direction sidecar.Direction
	T         float64 // seconds
	From, To  float64 // before and after it is clearly beside the line; it stands on it in between
	At        sidecar.Point
	Size      float64 // of its box, sides of the picture: the root of its area
	// Doubtful: it hesitates on the line, goes by its very end, or is there only
	// at the beginning or the end. To count it and not to count it are both right.
	Doubtful bool
	// Hidden: others hide it so long about the line that nobody could follow it.
	Hidden bool

	shaky bool // doubtful, whatever comes
}

// path is what the truth knows of an agent.
type path struct {
	known  bool
	anchor sidecar.Point
	side   float64 // side of the anchor, as a part of the box's extent across the line
	depth  float64 // the furthest since the last cut
	last   int     // crossing before, as index of the truth; -1: none
	came   float64 // when the anchor came onto the line
	stands int     // crossing that it still stands on; -1: none
}

// follow looks whether an agent's anchor went through the line in this step.
func (w *world) follow(a *agent) {
	box, _, ok := w.camera.box(&a.body, a.now)
	p := &a.path
	if !ok {
		p.known = false
		return
	}
	anchor := box.Foot()
	s := w.beyond(anchor, box)
	if !p.known {
		*p = path{known: true, anchor: anchor, side: s, last: -1, stands: -1, came: w.t}
	}
	if math.Abs(s) > on {
		p.came, p.stands = w.t, -1
	}
	if p.stands >= 0 {
		w.truth[p.stands].To = w.t
	}
	if (s < 0) != (p.side < 0) {
		w.cut(a, anchor, box, p.side/(p.side-s))
		p.depth = 0
	}
	p.anchor, p.side, p.depth = anchor, s, max(p.depth, math.Abs(s))
	if p.last >= 0 && p.depth >= clear {
		w.truth[p.last].Doubtful = w.truth[p.last].Doubtful && w.truth[p.last].shaky
		p.last = -1
	}
}

// cut notes a crossing at part f of the way to an anchor. It stays doubtful until
// the agent is clear of the line on the other side.
func (w *world) cut(a *agent, to sidecar.Point, box sidecar.Box, f float64) {
	p := &a.path
	at := sidecar.Point{p.anchor[0] + f*(to[0]-p.anchor[0]), p.anchor[1] + f*(to[1]-p.anchor[1])}
	dx, dy := w.line[1][0]-w.line[0][0], w.line[1][1]-w.line[0][1]
	u := ((at[0]-w.line[0][0])*dx + (at[1]-w.line[0][1])*dy) / (dx*dx + dy*dy)
	room := 0.5 * math.Hypot(box.Width(), box.Height()) / math.Hypot(dx, dy)
	shaky := p.depth < clear || u < room || u > 1-room
	if p.last >= 0 {
		w.truth[p.last].shaky = true
	}
	if u < -room || u > 1+room {
		p.last = -1
		return
	}
	c := Crossing{Agent: a.id, Class: a.class, Direction: sidecar.Out, T: w.t - step*(1-f), From: p.came, To: w.t, At: at,
		Size: math.Sqrt(box.Area()), Doubtful: true, shaky: shaky}
	if p.side < 0 {
		c.Direction = sidecar.In
	}
	w.truth = append(w.truth, c)
	p.last = len(w.truth) - 1
	p.stands = p.last
}

// beyond is how far an anchor is from the endless line, in extents of its box
// across the line; positive on the right hand of who looks from A to B.
func (w *world) beyond(p sidecar.Point, b sidecar.Box) float64 {
	dx, dy := w.line[1][0]-w.line[0][0], w.line[1][1]-w.line[0][1]
	return (dx*(p[1]-w.line[0][1]) - dy*(p[0]-w.line[0][0])) / (math.Abs(dx)*b.Height() + math.Abs(dy)*b.Width())
}
