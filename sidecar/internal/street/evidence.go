package street

import (
	"math"
	"math/rand/v2"
	"slices"

	"pantau/sidecar"
)

// view is what a detector keeps seeing in an object: noise that lasts.
type view struct {
	own, slow, lapse float64
	edges            [4]float64 // of centre and size
	other            sidecar.Class
	confused         bool
	extent           float64 // how much of what is hidden its box takes in
	seconds          []second
	last             float64 // seconds
}

// second is one more box of an object.
type second struct {
	part  sidecar.Box // of the whole: where it is
	level float64     // mean evidence
	doubt float64     // noise that lasts
}

// look is what a frame makes of an object.
type look struct {
	evidence float64
	hold     float64 // what is least is missed first
	counts   bool    // for the recall
	seconds  []float64
	shake    [4]float64
}

// lasting moves noise of deviation 1 on by dt: an Ornstein-Uhlenbeck process.
func (l *looker) lasting(v *float64, dt, time float64) {
	k := math.Exp(-dt / time)
	*v = *v*k + math.Sqrt(1-k*k)*l.r.NormFloat64()
}

// look draws all noise of an object in a frame, which does not depend on the recall.
func (l *looker) look(o *Object, now float64) look {
	v, n := l.view(o, now), l.r.NormFloat64
	dt := now - v.last
	v.last = now
	l.lasting(&v.slow, dt, l.Lasting)
	l.lasting(&v.lapse, dt, l.Lapsing)
	k := look{counts: o.Near && o.Visible >= halfSeen}
	for i := range v.edges {
		l.lasting(&v.edges[i], dt, 0.4)
		if i < 2 {
			k.shake[i] = l.CentreLasts*v.edges[i] + l.Centre*n()
		} else {
			k.shake[i] = l.SizeLasts*v.edges[i] + l.Size*n()
		}
	}
	if l.r.Float64() < 0.04 { // a box that has gone wrong
		for i := range k.shake {
			k.shake[i] *= 4
		}
	}
	px := math.Sqrt(o.Box.Area()*aspect) * 360 // in a picture of 640 by 360
	hard := l.Small*max(-2.5, min(0.7, math.Log2(px/40))) - l.Hidden*(1-o.Visible)
	k.evidence = l.Mean + hard + l.Own*v.own + l.Slow*v.slow + l.Fast*n()
	k.hold = hard + 0.5*l.Own*v.own + l.Slow*v.slow + l.Lapse*math.Sqrt(0.5)*(v.lapse+n())
	for i := range v.seconds {
		s := &v.seconds[i]
		l.lasting(&s.doubt, dt, 0.3)
		k.seconds = append(k.seconds, s.level+0.8*s.doubt+0.4*n())
	}
	return k
}

// view is what is kept of an object; of a new one it is drawn.
func (l *looker) view(o *Object, now float64) *view {
	if v := l.views[o.Agent]; v != nil {
		return v
	}
	n := l.r.NormFloat64
	v := &view{own: n(), slow: n(), lapse: n(), edges: [4]float64{n(), n(), n(), n()}, last: now,
		confused: l.r.Float64() < l.Confused, extent: l.r.Float64(), other: alike(o.Class, l.r)}
	for range l.Seconds {
		s := second{part: l.second(o.Class), level: -2.2 + 0.4*n(), doubt: n()}
		if l.r.Float64() < 0.03 { // always seen twice
			s.level += 1.5
		}
		v.seconds = append(v.seconds, s)
	}
	l.views[o.Agent] = v
	return v
}

// second is where another box of an object is, in parts of the first: too large
// around it, as most are, or on a part of it: a cab, a torso, a load.
func (l *looker) second(c sidecar.Class) sidecar.Box {
	if l.r.Float64() < 0.65 {
		w, h := 1+0.6*l.r.Float64(), 1+0.6*l.r.Float64()
		if w*h < 1.5 {
			w, h = w*1.25, h*1.25
		}
		x, y := (w-1)*l.r.Float64(), (h-1)*(0.5+0.5*l.r.Float64())
		return sidecar.Box{Left: -x, Right: w - x, Top: -y, Bottom: h - y}
	}
	from, to := 0.0, 0.4+0.2*l.r.Float64()
	if l.r.IntN(2) == 0 {
		from, to = 1-to, 1
	}
	if c == sidecar.Person || l.r.IntN(2) == 0 {
		return sidecar.Box{Left: 0, Right: 1, Top: from, Bottom: to}
	}
	return sidecar.Box{Left: from, Right: to, Top: 0, Bottom: 1}
}

// alike is a class that is taken for another.
func alike(c sidecar.Class, r *rand.Rand) sidecar.Class {
	four := []sidecar.Class{sidecar.Car, sidecar.Truck, sidecar.Bus}
	switch c {
	case sidecar.Motorcycle:
		return sidecar.Bicycle
	case sidecar.Bicycle:
		return sidecar.Motorcycle
	case sidecar.Person:
		return c
	}
	return four[(slices.Index(four, c)+1+r.IntN(2))%3]
}
