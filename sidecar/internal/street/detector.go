package street

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"pantau/sidecar"
)

// Detector is how wrong a simulated detector is. Begin with Like.
type Detector struct {
	// Recall is the part of the objects near the line, at least half of them
	// visible, that are found at all, with whatever score. From 1 on nothing is
	// missed that is visible.
	Recall float64

	// Evidence, in logits: its mean for what is whole and large; standard deviations
	// of an object's own offset, of the noise that lasts for Lasting seconds, and of
	// the moment's; what is lost where all is hidden, and at half the size.
	Mean, Own, Slow, Fast float64
	Lasting               float64
	Hidden, Small         float64

	// Lapse is the deviation, in logits, of what decides over misses and not over
	// scores; half of it lasts for Lapsing seconds.
	Lapse, Lapsing float64

	// Box: standard deviations in sides of the box, of noise that lasts and of the
	// moment's, for a certain detection; doubtful ones are up to twice as bad.
	CentreLasts, Centre float64
	SizeLasts, Size     float64

	Confused float64 // part of the objects of which half of the detections have another class of their family
	Seconds  int     // other boxes of each object, most of them too large, and doubtful
	Ghosts   int     // places where something stands that is none
	Flashes  float64 // false detections of a moment, 1/s
}

// Like is a detector as it was measured on real clips, with a recall.
func Like(recall float64) Detector {
	return Detector{Recall: recall, Mean: 0.6, Own: 0.8, Slow: 0.42, Fast: 0.22, Lasting: 0.8, Hidden: 3, Small: 0.5,
		Lapse: 0.8, Lapsing: 0.5,
		CentreLasts: 0.015, Centre: 0.012, SizeLasts: 0.02, Size: 0.02,
		Confused: 0.15, Seconds: 1, Ghosts: 12, Flashes: 1}
}

const (
	lowest    = 0.1  // score
	highest   = 0.95 // score
	sameBox   = 0.6  // IoU from which the lesser of two boxes of one class is suppressed
	sameThing = 0.7  // the same for classes that are taken for each other
	blind     = 0.15 // visible part below which nothing can be found
	halfSeen  = 0.5  // visible part from which an object counts for the recall
)

// Look gives what the detector finds in each frame of a film. The same seed finds
// the same.
func (d Detector) Look(f *Film, seed uint64) [][]sidecar.Detection {
	l := &looker{Detector: d, r: rand.New(rand.NewPCG(seed^f.Seed<<1, 0xdec0de)), views: map[int]*view{}}
	l.plant(f)
	looks := make([][]look, len(f.Frames))
	for i := range f.Frames {
		for j := range f.Frames[i].Objects {
			looks[i] = append(looks[i], l.look(&f.Frames[i].Objects[j], f.Frames[i].At.Seconds()))
		}
	}
	l.calibrate(looks)
	all := make([][]sidecar.Detection, len(f.Frames))
	for i := range f.Frames {
		l.found = nil
		for j := range f.Frames[i].Objects {
			l.find(&f.Frames[i].Objects[j], &looks[i][j])
		}
		l.haunt(&f.Frames[i])
		all[i] = suppress(l.found)
	}
	return all
}

// looker is a detector that looks at one film.
type looker struct {
	Detector
	r      *rand.Rand
	least  float64 // hold below which an object is missed
	now    float64
	views  map[int]*view
	ghosts []ghost
	found  []sidecar.Detection // in this frame
}

// calibrate finds the hold below which an object is missed, so that the recall is
// what it should be, together with those whose score is too low.
func (l *looker) calibrate(looks [][]look) {
	var held []float64
	all := 0
	for _, frame := range looks {
		for _, k := range frame {
			if k.counts {
				all++
				if k.evidence >= logit(lowest) {
					held = append(held, k.hold)
				}
			}
		}
	}
	slices.Sort(held)
	l.least = math.Inf(-1)
	if more := len(held) - int(l.Recall*float64(all)); more > 0 && l.Recall < 1 {
		l.least = held[more]
	}
}

// find looks at one object.
func (l *looker) find(o *Object, k *look) {
	if o.Visible < blind || k.hold < l.least {
		return
	}
	v := l.views[o.Agent]
	class := o.Class
	if v.confused && l.r.IntN(2) == 0 || l.r.Float64() < 0.03 {
		class = v.other
	}
	l.add(class, shaken(blend(o.Seen, o.Box, v.extent), k.shake, 2-logistic(k.evidence)), k.evidence)
	for i := range v.seconds {
		l.add(class, shaken(part(o.Box, v.seconds[i].part), k.shake, 3), k.seconds[i])
	}
}

// add finds a box, if its score suffices.
func (l *looker) add(c sidecar.Class, b sidecar.Box, evidence float64) {
	b = b.Clamp()
	if s := min(highest, logistic(evidence)); s >= lowest && b.Width() > 0.002 && b.Height() > 0.002 {
		l.found = append(l.found, sidecar.Detection{Class: c, Score: s, Box: b})
	}
}

// suppress drops the lesser of two boxes that cover each other, as detectors do.
func suppress(found []sidecar.Detection) []sidecar.Detection {
	slices.SortStableFunc(found, func(a, b sidecar.Detection) int { return cmp.Compare(b.Score, a.Score) })
	kept := found[:0]
	for _, c := range found {
		if !slices.ContainsFunc(kept, func(k sidecar.Detection) bool {
			iou := k.Box.IoU(c.Box)
			return iou > sameBox && k.Class == c.Class || iou > sameThing && (k.Class == sidecar.Person) == (c.Class == sidecar.Person)
		}) {
			kept = append(kept, c)
		}
	}
	return kept
}

func logit(p float64) float64    { return math.Log(p / (1 - p)) }
func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// shaken is a box with noise times n.
func shaken(b sidecar.Box, by [4]float64, n float64) sidecar.Box {
	c, w, h := b.Centre(), b.Width(), b.Height()
	x, y := c[0]+n*by[0]*w, c[1]+n*by[1]*h
	w, h = w*max(0.4, 1+n*by[2])/2, h*max(0.4, 1+n*by[3])/2
	return sidecar.Box{Left: x - w, Right: x + w, Top: y - h, Bottom: y + h}
}

// blend is part of the way from a box to another.
func blend(a, b sidecar.Box, part float64) sidecar.Box {
	mix := func(a, b float64) float64 { return a + part*(b-a) }
	return sidecar.Box{Left: mix(a.Left, b.Left), Top: mix(a.Top, b.Top), Right: mix(a.Right, b.Right), Bottom: mix(a.Bottom, b.Bottom)}
}

// part is a box given in parts of another.
func part(of, p sidecar.Box) sidecar.Box {
	w, h := of.Width(), of.Height()
	return sidecar.Box{Left: of.Left + p.Left*w, Right: of.Left + p.Right*w, Top: of.Top + p.Top*h, Bottom: of.Top + p.Bottom*h}
}
