package street

import (
	"math"
	"math/rand/v2"
	"slices"
)

// The model's constants besides those of a brand. Lengths in metres, times in s.
const (
	step     = 0.05 // of the simulation
	reach    = 75.0 // the road goes from -reach to reach
	lane     = 3.3
	headway  = 1.1 // time to who drives before (IDM's T)
	comfort  = 2.0 // deceleration that drivers like, m/s² (IDM's b)
	hardest  = 5.0 // the most that they can brake
	pavement = 2.8 // width
)

// road is straight. Lanes with d < 0 lead to larger s, the others back.
type road struct {
	x, y, cos, sin float64 // where s and d are 0, and its direction
	lanes          int     // each way
	verge          float64 // between lanes and pavement, where cars park
	plaza          bool    // no lanes: people only, everywhere
	rate           float64 // vehicles each way, 1/s
	walkers        float64 // groups, 1/s
	signal         signal
}

// place is where s and d are on the ground; dir is the heading, ±1 along the road.
func (r *road) place(s, d, dir float64) ground {
	return ground{r.x + s*r.cos - d*r.sin, r.y + s*r.sin + d*r.cos, dir * r.cos, dir * r.sin}
}

// half is the width of the carriageway on one side, with its verge.
func (r *road) half() float64 { return float64(r.lanes)*lane + r.verge }

// signal is a traffic light for both ways: each stops before its own line.
type signal struct {
	at          float64 // metres past s = 0, in the direction of travel
	green, red  float64 // seconds; no red: there is none
	begins, end float64 // it is red all the time in between
}

func (g signal) isRed(t float64) bool {
	if g.red == 0 {
		return false
	}
	return t >= g.begins && t < g.end || math.Mod(t, g.green+g.red) >= g.green
}

// driver is a vehicle on its way.
type driver struct {
	brand
	s, d, v float64
	dir     float64 // ±1
	aim     float64 // d that it drives to
	look    float64 // when it looks for a way past others
	parked  bool
}

// drive moves all vehicles on by one step.
func (w *world) drive() {
	for _, way := range [2]float64{-1, 1} {
		if w.rng.Float64() < w.road.rate*step {
			w.arrive(way)
		}
	}
	for _, a := range w.agents {
		if v := a.drive; v != nil && !v.parked {
			v.accelerate(w.gap(v, v.d))
		}
	}
	for _, a := range w.agents {
		v := a.drive
		if v == nil || v.parked {
			continue
		}
		v.s += v.dir * v.v * step
		w.steer(v)
		a.now = w.road.place(v.s, v.d, v.dir)
	}
	w.agents = slices.DeleteFunc(w.agents, func(a *agent) bool { return a.drive != nil && math.Abs(a.drive.s) > reach+1 })
}

// arrive lets a vehicle come in at the end of the road, if there is room.
func (w *world) arrive(dir float64) {
	b := some(w.rng)
	row := float64(w.rng.IntN(w.road.lanes)) + 0.5
	if b.narrow {
		row = w.rng.Float64()*float64(w.road.lanes-1) + 0.5 + 0.4*(w.rng.Float64()-0.5)
	}
	v := &driver{brand: b, s: -dir * reach, d: -dir * row * lane, dir: dir, v: b.wish}
	v.aim = v.d
	gap, ahead := w.gap(v, v.d)
	if gap < 3+v.v*0.8 {
		if gap < 3 {
			return
		}
		v.v = min(v.v, ahead)
	}
	w.enter(&agent{body: b.body, drive: v, now: w.road.place(v.s, v.d, v.dir)})
}

// gap is the free way before a vehicle if it were at d, and the speed of who ends
// it. A red light is a standing one, for who can still stop.
func (w *world) gap(v *driver, d float64) (gap, ahead float64) {
	gap, ahead = 1000, v.wish
	for _, a := range w.agents {
		o := a.drive
		if o == nil || o == v || o.dir != v.dir || math.Abs(o.d-d) > (o.width+v.width)/2+0.25 {
			continue
		}
		if g := v.dir*(o.s-v.s) - (o.length+v.length)/2; v.dir*(o.s-v.s) > 0 && g < gap {
			gap, ahead = g, o.v
		}
	}
	if w.road.signal.isRed(w.t) {
		g := w.road.signal.at - v.dir*v.s - v.length/2
		if g > 0 && g < gap && v.v*v.v/(2*g) < 1.5*comfort {
			gap, ahead = g+v.spacing-0.5, 0
		}
	}
	return gap, ahead
}

// accelerate is the Intelligent Driver Model.
func (v *driver) accelerate(gap, ahead float64) {
	if gap < 0.15 {
		v.v = 0
		return
	}
	want := v.spacing + max(0, v.v*headway+v.v*(v.v-ahead)/(2*math.Sqrt(v.accel*comfort)))
	a := v.accel * (1 - math.Pow(v.v/v.wish, 4) - want*want/(gap*gap))
	v.v = max(0, v.v+max(a, -hardest)*step)
}

// steer moves a vehicle across the road: a little by chance, and, if it is narrow
// and held up, to where there is a way past.
func (w *world) steer(v *driver) {
	pull := (v.aim - v.d) * 0.8
	v.d += step * max(-1, min(1, v.v/3)) * max(-1, min(1, pull+0.5*w.rng.NormFloat64()))
	if !v.narrow || w.t < v.look {
		return
	}
	v.look = w.t + 0.7
	gap, _ := w.gap(v, v.d)
	if gap > 6 {
		return
	}
	d := -v.dir * (0.4 + w.rng.Float64()*(float64(w.road.lanes)*lane-0.8))
	if free, _ := w.gap(v, d); free > gap+2 && !w.beside(v, d) {
		v.aim = d
		v.v = max(v.v, 0.8)
	}
}

// beside says whether somebody is in the way of going over to d.
func (w *world) beside(v *driver, d float64) bool {
	return slices.ContainsFunc(w.agents, func(a *agent) bool {
		o := a.drive
		if o == nil || o == v || math.Abs(o.s-v.s) > (o.length+v.length)/2+0.4 {
			return false
		}
		room := (o.width+v.width)/2 + 0.1
		return o.d+room > min(d, v.d) && o.d-room < max(d, v.d)
	})
}

// park lets cars stand on the verge from the beginning on.
func (w *world) park(r *rand.Rand) {
	for _, side := range [2]float64{-1, 1} {
		for s := -40 + 10*r.Float64(); s < 40; s += 6 + 20*r.Float64() {
			b := traffic[1].vary(r)
			v := &driver{brand: b, s: s, d: -side * (w.road.half() - w.road.verge/2), dir: side, parked: true}
			w.enter(&agent{body: b.body, drive: v, now: w.road.place(v.s, v.d, v.dir)})
		}
	}
}
