package street

import (
	"math"
	"slices"
)

// walker is one of a group on its way along the road.
type walker struct {
	s, d  float64
	v     float64 // now, m/s
	wish  float64
	dir   float64 // ±1
	from  float64 // d where it came in
	to    float64 // d where it goes out
	sway  float64 // from its way, metres
	rests float64 // until then it stands
}

// walk moves all people on by one step.
func (w *world) walk() {
	if w.rng.Float64() < w.road.walkers*step {
		w.company()
	}
	for _, a := range w.agents {
		if p := a.walk; p != nil {
			w.stride(p)
			a.now = w.road.place(p.s, p.d, p.dir)
		}
	}
	w.agents = slices.DeleteFunc(w.agents, func(a *agent) bool { return a.walk != nil && math.Abs(a.walk.s) > w.walkway()+1 })
}

// walkway is how far from the line people come in and go out.
func (w *world) walkway() float64 { return 32 }

// company lets a group come in.
func (w *world) company() {
	dir := float64(1 - 2*w.rng.IntN(2))
	from, to := w.strip(), 0.0
	to = from
	if w.road.plaza {
		to = w.strip()
	}
	wish := 1.3 + 0.22*w.rng.NormFloat64()
	size := 1
	for size < 5 && w.rng.Float64() < 0.45 {
		size++
	}
	for i := range size {
		p := &walker{s: -dir * (w.walkway() + 0.7*float64(i/3) + 0.3*w.rng.Float64()), dir: dir, wish: max(0.6, wish+0.04*w.rng.NormFloat64())}
		off := 0.62*(float64(i%3)-float64(min(size, 3)-1)/2) + 0.06*w.rng.NormFloat64()
		p.from, p.to, p.v = from+off, to+off, p.wish
		p.d = p.from
		w.enter(&agent{body: pedestrian.vary(w.rng), walk: p, now: w.road.place(p.s, p.d, p.dir)})
	}
}

// strip draws a d where people walk.
func (w *world) strip() float64 {
	if w.road.plaza {
		return 9 * (w.rng.Float64() - 0.5)
	}
	side := float64(1 - 2*w.rng.IntN(2))
	return side * (w.road.half() + 0.6 + (pavement-1.2)*w.rng.Float64())
}

// stride is one step of one walker: it keeps its way, gives way to who comes, and
// now and then rests or turns back.
func (w *world) stride(p *walker) {
	if w.rng.Float64() < 0.006*step {
		p.rests = w.t + 2 + 15*w.rng.Float64()
	}
	if w.rng.Float64() < 0.003*step {
		p.dir, p.from, p.to = -p.dir, p.to, p.from
	}
	want, push := p.wish, 0.0
	if w.t < p.rests {
		want = 0
	}
	for _, a := range w.agents {
		o := a.walk
		if o == nil || o == p {
			continue
		}
		ds, dd := p.dir*(o.s-p.s), o.d-p.d
		if ds < -0.3 || ds > 1.8 || math.Abs(dd) > 0.55 {
			continue
		}
		push -= math.Copysign((0.55-math.Abs(dd))*(1.8-ds)/1.8, dd)
		if ds > 0 && ds < 0.7 && math.Abs(dd) < 0.35 {
			want = min(want, 0.3*p.wish)
		}
	}
	p.v += (want - p.v) * step / 0.5
	p.s += p.dir * p.v * step
	part := (p.dir*p.s + w.walkway()) / (2 * w.walkway())
	p.sway += step * (1.6*push*min(1, p.v) - 0.3*p.sway + 0.35*math.Sqrt(1/step)*0.25*p.v*w.rng.NormFloat64())
	p.d = p.from + (p.to-p.from)*part + p.sway
}
