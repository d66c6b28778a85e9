package street

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"pantau/sidecar"
)

// Options say what to film.
type Options struct {
	Kind    Kind
	FPS     float64       // frames per second; single ones are late, or missing
	Length  time.Duration // of the film
	Jam     time.Duration // from its 20th second on the signal stays red for so long; needs a signal
	Perfect bool          // frames are on time and none is missing
}

// Film is what a camera saw of a street, and what was true.
type Film struct {
	Seed      uint64
	Line      [2]sidecar.Point
	Zone      sidecar.Polygon
	Frames    []Frame
	Crossings []Crossing
	Agents    int
}

// Frame is one picture.
type Frame struct {
	At      time.Duration
	Objects []Object // all that are in the picture, hidden ones too
}

// Object is one agent in one picture.
type Object struct {
	Agent   int
	Class   sidecar.Class
	Box     sidecar.Box // the whole of it, cut off at the edges of the picture
	Seen    sidecar.Box // what others leave of it
	Visible float64     // the part of it that is in the picture and not hidden
	Near    bool        // at the line, or within some of its sizes
	Inside  bool        // its anchor is in the zone

	depth float64
}

// Shoot films a street. The street is the same at each frame rate.
func Shoot(seed uint64, o Options) *Film {
	w := newWorld(seed, o)
	f := &Film{Seed: seed, Line: w.line, Zone: w.zone}
	for _, at := range times(seed, o) {
		for w.t < at {
			w.step()
		}
		f.Frames = append(f.Frames, w.frame(at))
	}
	f.Crossings, f.Agents = w.truth, w.next
	f.hide(o.Length.Seconds())
	return f
}

// times gives when frames are taken: 2 % of them are missing, one gap in a minute
// is longer, and the others are off by a few milliseconds.
func times(seed uint64, o Options) []float64 {
	r := rand.New(rand.NewPCG(seed, 0xf1ea5eed))
	var all []float64
	until := 0.0
	for i := 0; ; i++ {
		at := float64(i) / o.FPS
		if at >= o.Length.Seconds() {
			return all
		}
		if o.Perfect {
			all = append(all, at)
			continue
		}
		if r.Float64() < 1/(60*o.FPS) {
			until = at + 0.3 + 0.5*r.Float64()
		}
		late := 0.15 / o.FPS * r.Float64()
		if at >= until && r.Float64() >= 0.02 {
			all = append(all, at+late)
		}
	}
}

// frame takes the picture of a time within the last step.
func (w *world) frame(at float64) Frame {
	f := Frame{At: time.Duration(at * float64(time.Second))}
	for _, a := range w.agents {
		box, depth, ok := w.camera.box(&a.body, a.was.towards(a.now, 1-(w.t-at)/step))
		if !ok {
			continue
		}
		part := box.Clamp()
		if part.Width() <= 0 || part.Height() <= 0 || part.Area() < 0.15*box.Area() {
			continue
		}
		f.Objects = append(f.Objects, Object{Agent: a.id, Class: a.class, Box: part, depth: depth, Visible: part.Area() / box.Area(),
			Near: math.Abs(w.beyond(box.Foot(), box)) < 4 && w.abreast(box.Foot()), Inside: inside(w.zone, box.Foot())})
	}
	slices.SortFunc(f.Objects, func(a, b Object) int { return cmp.Compare(a.depth, b.depth) })
	for i := range f.Objects {
		f.Objects[i].cover(f.Objects[:i])
	}
	return f
}

// abreast says whether a point is beside the segment, and not beyond its ends.
func (w *world) abreast(p sidecar.Point) bool {
	dx, dy := w.line[1][0]-w.line[0][0], w.line[1][1]-w.line[0][1]
	u := ((p[0]-w.line[0][0])*dx + (p[1]-w.line[0][1])*dy) / (dx*dx + dy*dy)
	return u > -0.1 && u < 1.1
}

// silhouette is the part of a box's sides that its object fills.
var silhouette = map[sidecar.Class][2]float64{
	sidecar.Person: {0.7, 0.95}, sidecar.Motorcycle: {0.75, 0.9}, sidecar.Bicycle: {0.7, 0.9},
	sidecar.Car: {0.9, 0.85}, sidecar.Truck: {0.9, 0.95}, sidecar.Bus: {0.9, 0.95},
}

// merged is the most that is visible of an object whose box is that of a nearer one, too.
const merged = 0.3

// cover takes away from an object what nearer ones hide, on a grid.
func (o *Object) cover(nearer []Object) {
	const cols, rows = 6, 8
	var before []sidecar.Box
	one := false // of two that cover each other a detector gives one
	for i := range nearer {
		n := &nearer[i]
		if n.Box.Intersect(o.Box).Area() == 0 || n.Box.Left > o.Box.Right || n.Box.Right < o.Box.Left {
			continue
		}
		one = one || n.Class == o.Class && n.Box.IoU(o.Box) > sameBox
		p, c := silhouette[n.Class], n.Box.Centre()
		w, h := n.Box.Width()*p[0]/2, n.Box.Height()*p[1]
		before = append(before, sidecar.Box{Left: c[0] - w, Right: c[0] + w, Top: n.Box.Bottom - h, Bottom: n.Box.Bottom})
	}
	if o.Seen = o.Box; len(before) == 0 {
		return
	}
	seen := sidecar.Box{Left: 2, Top: 2, Right: -1, Bottom: -1}
	free := 0
	w, h := o.Box.Width()/cols, o.Box.Height()/rows
	for i := range cols {
		for j := range rows {
			x, y := o.Box.Left+(float64(i)+0.5)*w, o.Box.Top+(float64(j)+0.5)*h
			if slices.ContainsFunc(before, func(b sidecar.Box) bool { return b.Left < x && x < b.Right && b.Top < y && y < b.Bottom }) {
				continue
			}
			free++
			seen = sidecar.Box{Left: min(seen.Left, x-w/2), Top: min(seen.Top, y-h/2), Right: max(seen.Right, x+w/2), Bottom: max(seen.Bottom, y+h/2)}
		}
	}
	o.Visible *= float64(free) / (cols * rows)
	if one && o.Visible > merged {
		o.Visible = merged
	}
	if free > 0 {
		o.Seen = seen
	}
}

// inside says whether a point is in a polygon, by the rays that it cuts.
func inside(poly sidecar.Polygon, p sidecar.Point) bool {
	in := false
	for i, a := range poly {
		b := poly[(i+1)%len(poly)]
		if (a[1] > p[1]) != (b[1] > p[1]) && p[0] < a[0]+(p[1]-a[1])/(b[1]-a[1])*(b[0]-a[0]) {
			in = !in
		}
	}
	return in
}

// An object can be followed over the line if in the two seconds before and after
// it is visible (apparent) for half a second each, and not hidden for a second.
const (
	apparent = 0.4
	window   = 2.0
	enough   = 0.5
	tooLong  = 1.0
	ends     = 1.5 // crossings so near to the beginning and the end are doubtful
)

// hide marks the crossings that nobody could follow.
func (f *Film) hide(length float64) {
	for i := range f.Crossings {
		c := &f.Crossings[i]
		c.Doubtful = c.Doubtful || c.T < ends || c.T > length-ends
		var seen [2]float64 // before and after
		dark, last := 0.0, c.T-window
		for j := range f.Frames {
			at := f.Frames[j].At.Seconds()
			if at < c.T-window || at > c.T+window {
				continue
			}
			k := slices.IndexFunc(f.Frames[j].Objects, func(o Object) bool { return o.Agent == c.Agent })
			if k < 0 || f.Frames[j].Objects[k].Visible < apparent {
				if k >= 0 {
					dark += at - last
				}
				c.Hidden = c.Hidden || dark > tooLong
			} else {
				dark = 0
				seen[before(at > c.T)] += at - last
			}
			last = at
		}
		c.Hidden = c.Hidden || seen[0] < enough || seen[1] < enough
	}
}

func before(after bool) int {
	if after {
		return 1
	}
	return 0
}
