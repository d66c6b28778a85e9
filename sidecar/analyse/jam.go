package analyse

import (
	"math"
	"time"

	"pantau/sidecar"
)

// Where several stand close together, detectors give boxes that are too large, or of
// parts, and a track goes from one to another without anybody moving. What comes to a
// place in which another of its kind stands, or from one, is mostly that, and is believed
// only if it went there step by step. Lengths are in sizes of the boxes.
const (
	crowded = 2                       // so many must stand about a box
	sharing = 0.15                    // overlap (IoU) from which it is in the place of one of them
	wayTime = 1250 * time.Millisecond // of a leg of its way
	wayLegs = 2                       // so many are looked at
)

// gait is how an object came along lately: in legs of wayTime, the newest last.
type gait struct {
	from [wayLegs]fix     // where each leg began
	step [wayLegs]float64 // the largest step in each
}

// to goes on from one observation to the next.
func (g *gait) to(a, b fix) {
	last := wayLegs - 1
	switch {
	case g.from[last].box.Area() <= 0:
		for i := range g.from {
			g.from[i] = a
		}
	case b.steady-g.from[last].steady > wayTime:
		copy(g.from[:], g.from[1:])
		copy(g.step[:], g.step[1:])
		g.from[last], g.step[last] = a, 0
	}
	g.step[last] = max(g.step[last], sizesApart(a.box, b.box))
}

// leaps says whether one step made a large part of the object's way: more than its mean
// score, so that who is seen surely may be hidden for half of it.
func (o *object) leaps() bool {
	most := 0.0
	for _, s := range o.gait.step {
		most = max(most, s)
	}
	return most*float64(o.looks) > o.scores*sizesApart(o.gait.from[0].box, o.fix.box)
}

// sizesApart is how far the foot of a box is from that of another, in sizes of both.
func sizesApart(a, b sidecar.Box) float64 {
	p, q := a.Foot(), b.Foot()
	return 2 * math.Hypot((p[0]-q[0])/(a.Width()+b.Width()), (p[1]-q[1])/(a.Height()+b.Height()))
}

// jammed says whether one of the boxes of an object is in the place of another of its
// kind that stands there, among others.
func (b *book) jammed(o *object, boxes ...sidecar.Box) bool {
	for _, box := range boxes {
		about, shares := 0, false
		for _, objects := range [2][]*object{b.live, b.lost} {
			for _, e := range objects {
				if e.is(o) || e.joined || e.track.Motion != sidecar.Stopped || !e.real() || e.fix.box.Intersect(box).Area() <= 0 {
					continue
				}
				about++
				shares = shares || kindred(e.track.Class, o.track.Class) && e.fix.box.IoU(box) > sharing
			}
		}
		if shares && about >= crowded {
			return true
		}
	}
	return false
}

// is says whether two may be the same one: it, or one whose return it may be.
func (o *object) is(e *object) bool {
	for _, from := range [2][2]*object{{o, e}, {e, o}} {
		for k := from[0]; k != nil; k = k.elder {
			if k == from[1] {
				return true
			}
		}
	}
	return false
}

// kindred says whether two classes are taken for each other.
func kindred(a, b sidecar.Class) bool { return a == b || wheels(a) > 0 && wheels(a) == wheels(b) }

// wheels is 2 or 4, or 0 of what has none.
func wheels(c sidecar.Class) int {
	switch c {
	case sidecar.Bicycle, sidecar.Motorcycle:
		return 2
	case sidecar.Car, sidecar.Bus, sidecar.Truck:
		return 4
	}
	return 0
}
