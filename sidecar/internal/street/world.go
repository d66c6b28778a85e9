package street

import (
	"math"
	"math/rand/v2"

	"pantau/sidecar"
)

// Kind is a kind of street.
type Kind string

// The kinds.
const (
	Road  Kind = "road"  // traffic both ways, with or without a signal; pavements
	Queue Kind = "queue" // dense traffic, and a signal just past the line
	Plaza Kind = "plaza" // people in groups, from everywhere to everywhere
)

// Kinds lists them.
func Kinds() []Kind { return []Kind{Road, Queue, Plaza} }

// agent is one on the street.
type agent struct {
	body
	id       int
	drive    *driver
	walk     *walker
	was, now ground // a step ago, and now
	path     path
}

// world is a street as it goes on.
type world struct {
	rng    *rand.Rand
	t      float64 // seconds; negative before the film begins
	road   road
	camera camera
	line   [2]sidecar.Point
	zone   sidecar.Polygon
	agents []*agent
	next   int
	truth  []Crossing
}

// newWorld draws a street on which a line can be counted, and lets it go on until
// it is in full swing.
func newWorld(seed uint64, o Options) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))}
	for drawn := false; !drawn; {
		drawn = w.draw(o.Kind)
	}
	if o.Jam > 0 {
		w.road.signal.begins, w.road.signal.end = 20, 20+o.Jam.Seconds()
	}
	if w.road.verge > 0 {
		w.park(w.rng)
	}
	for w.t = -60; w.t < -step/2; {
		w.step()
	}
	w.t = 0
	for _, a := range w.agents {
		a.path = path{}
	}
	w.truth = nil
	return w
}

// draw draws road and camera. False: nobody would count there, since the line is
// too near to an edge or what crosses it is too small.
func (w *world) draw(k Kind) bool {
	r := w.rng
	uniform := func(from, to float64) float64 { return from + (to-from)*r.Float64() }
	down := uniform(12, 40) * math.Pi / 180
	w.camera = newCamera(uniform(4, 9), down, uniform(55, 90)*math.Pi/180)
	away := min(30, w.camera.height/math.Tan(down)*uniform(0.8, 1.3))
	sin, cos := math.Sincos(uniform(0, math.Pi))
	w.road = road{x: uniform(-2, 2), y: away, sin: sin, cos: cos, lanes: 1 + r.IntN(2), rate: uniform(0.1, 0.3), walkers: uniform(0.02, 0.08)}
	switch k {
	case Road:
		if r.Float64() < 0.4 {
			w.road.verge = 2.2
		}
		if r.Float64() < 0.4 {
			w.road.signal = signal{at: uniform(-15, 25), green: uniform(15, 30), red: uniform(15, 40)}
		}
	case Queue:
		w.road.rate = uniform(0.25, 0.5)
		w.road.signal = signal{at: uniform(1, 12), green: uniform(8, 25), red: uniform(20, 60)}
	case Plaza:
		w.road.plaza, w.road.rate, w.road.lanes = true, 0, 2
		w.road.walkers = uniform(0.1, 0.4)
	}
	return w.drawLine(uniform(-20, 20)*math.Pi/180, uniform(0.3, 1))
}

// drawLine draws the line across the road, turned by an angle, and a zone along it.
func (w *world) drawLine(turn, length float64) bool {
	half := w.road.half() + pavement
	if w.road.plaza {
		half = 6
	}
	half *= max(length, 0.8) // sometimes not all of it
	shift := math.Tan(turn) * half
	at := func(s, d float64) (sidecar.Point, bool) {
		g := w.road.place(s, d, 1)
		p, depth := w.camera.project(g.x, g.y, 0)
		return p, depth > 0
	}
	a, okA := at(shift, half)
	b, okB := at(-shift, -half)
	middle, okM := at(0, 0)
	if !okA || !okB || !okM || math.Abs(middle[0]-0.5) > 0.3 || math.Abs(middle[1]-0.55) > 0.25 {
		return false
	}
	for _, s := range [2]float64{-9, 9} { // who comes is seen before the line
		for _, d := range [3]float64{-half, 0, half} {
			if p, ok := at(s, d); !ok || !within(p, 0) {
				return false
			}
		}
	}
	for _, g := range [3]ground{w.road.place(shift, half, 1), w.road.place(0, 0, 1), w.road.place(-shift, -half, 1)} {
		box, _, ok := w.camera.box(&pedestrian, g)
		if !ok || box.Height()*360 < 34 || box.Left < 0 || box.Right > 1 || box.Top < 0 || box.Bottom > 0.97 {
			return false
		}
	}
	w.line = [2]sidecar.Point{rounded(a), rounded(b)}
	if w.rng.IntN(2) == 0 {
		w.line[0], w.line[1] = w.line[1], w.line[0]
	}
	w.zone = nil
	for _, c := range [4][2]float64{{-6, half}, {5, half}, {5, -half}, {-6, -half}} {
		p, _ := at(c[0], c[1])
		w.zone = append(w.zone, rounded(p))
	}
	return true
}

// within says whether a point is in the picture, by a margin.
func within(p sidecar.Point, margin float64) bool {
	return p[0] > margin && p[0] < 1-margin && p[1] > margin && p[1] < 1-margin
}

// rounded is a point as a configuration has it.
func rounded(p sidecar.Point) sidecar.Point {
	return sidecar.Point{math.Round(p[0]*1e4) / 1e4, math.Round(p[1]*1e4) / 1e4}
}

// enter lets an agent come in.
func (w *world) enter(a *agent) {
	w.next++
	a.id, a.was = w.next, a.now
	w.agents = append(w.agents, a)
}

// step moves the world on.
func (w *world) step() {
	for _, a := range w.agents {
		a.was = a.now
	}
	w.t += step
	w.drive()
	w.walk()
	for _, a := range w.agents {
		w.follow(a)
	}
}
