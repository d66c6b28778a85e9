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
//
// A step is a leap where it is more of the object's way than its mean score, so that who
// is seen surely may be hidden for half of it, and than one of the usual time between
// two frames would be at twice the object's pace.
const (
	crowded = 2                       // so many must stand about a box
	sharing = 0.15                    // overlap (IoU) from which it is in the place of one of them
	wayTime = 1250 * time.Millisecond // of a leg of its way
	wayLegs = 2                       // so many are looked at
	elders  = 16                      // so many identities of one object are known again
)

// gait is how an object came along lately: in legs of wayTime, the newest last.
type gait struct {
	begun bool
	from  [wayLegs]fix     // where each leg began
	step  [wayLegs]float64 // the largest one in each
}

// to goes on from one observation to the next.
func (g *gait) to(a, b fix) {
	last := wayLegs - 1
	switch {
	case !g.begun:
		g.begun = true
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

// leaps says whether the object came by a leap lately.
func (o *object) leaps(interval time.Duration) bool {
	most := 0.0
	for _, s := range o.gait.step {
		most = max(most, s)
	}
	way, took := sizesApart(o.gait.from[0].box, o.fix.box), o.fix.steady-o.gait.from[0].steady
	return most*float64(o.looks) > o.scores*way && most*float64(took) > 2*way*float64(interval)
}

// sizesApart is how far the foot of a box is from that of another, in sizes of both.
func sizesApart(a, b sidecar.Box) float64 {
	p, q := a.Foot(), b.Foot()
	w, h := max(a.Width()+b.Width(), blur), max(a.Height()+b.Height(), blur)
	return 2 * math.Hypot((p[0]-q[0])/w, (p[1]-q[1])/h)
}

// jammed says whether one of the boxes of an object is in the place of another of its
// kind that stands there, among others.
func (b *book) jammed(o *object, boxes ...sidecar.Box) bool {
	for _, box := range boxes {
		about, shares := 0, false
		for _, objects := range [2][]*object{b.live, b.lost} {
			for _, e := range objects {
				if o.is(e) || e.joined || e.heir != nil || e.track.Motion != sidecar.Stopped || !e.real() || e.fix.box.Intersect(box).Area() <= 0 {
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
	for range elders {
		if o == e || o == nil {
			break
		}
		o = o.elder
	}
	return o == e
}

// kindred says whether two classes are taken for each other.
func kindred(a, b sidecar.Class) bool { return a == b || a.Wheels() > 0 && a.Wheels() == b.Wheels() }
