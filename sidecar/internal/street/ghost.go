package street

import "pantau/sidecar"

// ghost is a pole, a shadow, a sign: always there, sometimes found.
type ghost struct {
	class sidecar.Class
	box   sidecar.Box
	level float64 // mean evidence
	slow  float64 // noise that lasts
}

// plant draws the ghosts: about where real objects come by, and of their size.
func (l *looker) plant(f *Film) {
	for i := range l.Ghosts {
		o, ok := l.any(f)
		if !ok {
			continue
		}
		g := ghost{class: o.Class, box: l.about(o.Box), level: -2.1 + 0.5*l.r.NormFloat64(), slow: l.r.NormFloat64()}
		if i == 0 { // one that is found more often than not
			g.level += 1.5
		}
		l.ghosts = append(l.ghosts, g)
	}
}

// any is some object of some frame.
func (l *looker) any(f *Film) (Object, bool) {
	objects := f.Frames[l.r.IntN(len(f.Frames))].Objects
	if len(objects) == 0 {
		return Object{}, false
	}
	return objects[l.r.IntN(len(objects))], true
}

// about is a box beside another, of another size.
func (l *looker) about(b sidecar.Box) sidecar.Box {
	n := l.r.NormFloat64
	return shaken(b, [4]float64{n(), 0.5 * n(), 0.25 * n(), 0.25 * n()}, 1)
}

// haunt finds what is not there.
func (l *looker) haunt(f *Frame) {
	now := f.At.Seconds()
	dt := now - l.now
	l.now = now
	for i := range l.ghosts {
		g := &l.ghosts[i]
		l.lasting(&g.slow, dt, 1)
		n := func() float64 { return l.Centre * l.r.NormFloat64() }
		l.add(g.class, shaken(g.box, [4]float64{n(), n(), n(), n()}, 2), g.level+0.7*g.slow+0.3*l.r.NormFloat64())
	}
	if l.r.Float64() < l.Flashes*dt && len(f.Objects) > 0 {
		o := f.Objects[l.r.IntN(len(f.Objects))]
		l.add(o.Class, l.about(o.Box), -1.5+0.6*l.r.NormFloat64())
	}
}
