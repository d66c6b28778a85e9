package track

import (
	"cmp"
	"slices"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/internal/assign"
)

// detection is one of this frame.
type detection struct {
	sidecar.Detection
	x      float64 // of its centre
	taken  bool    // belongs to a track
	within int     // people who lie within it
	filled float64 // sum of their areas in it, picture sides squared
	own    bool    // it is somebody's own box
}

// sift keeps the detections that can be used, from left to right.
func (t *Tracker) sift(dets []sidecar.Detection) {
	t.dets, t.widest = t.dets[:0], 0
	for _, d := range dets {
		if d.Class != "" && d.Score >= t.o.Low && d.Score <= 1 && usable(d.Box) {
			t.dets = append(t.dets, detection{Detection: d, x: d.Box.Centre()[0]})
			t.widest = max(t.widest, d.Box.Width())
		}
	}
	slices.SortStableFunc(t.dets, func(a, b detection) int { return cmp.Compare(a.x, b.x) })
}

// near gives the range of the detections which a box, widened by x, could touch
// if they were widened as well.
func (t *Tracker) near(b sidecar.Box, x float64) (from, to int) {
	centre, reach := b.Centre()[0], (b.Width()+t.widest)/2+2*x
	byX := func(d detection, x float64) int { return cmp.Compare(d.x, x) }
	from, _ = slices.BinarySearchFunc(t.dets, centre-reach, byX)
	to, _ = slices.BinarySearchFunc(t.dets[from:], centre+reach, byX)
	return from, from + to
}

// stage is one round of the association: which tracks, which detections, and
// how alike they have to be.
type stage struct {
	from, below float64 // scores of the detections
	least       float64 // similarity
	recent      bool    // only tracks that were seen a moment ago
	tentative   bool    // tracks without identity instead of confirmed ones
	patient     bool    // a track rather waits for its doubtful detection than takes somebody else's
}

// associate gives each track at most one detection, in rounds: what is certain
// first, so that it cannot lose its detection to what is not. A round by the last
// observation, as OC-SORT has, changed no count on any clip, and is left out.
func (t *Tracker) associate() {
	high := t.o.High
	t.look()
	t.match(stage{from: high, below: certain, least: leastHigh, patient: true})
	t.cover()
	t.match(stage{from: t.o.Low, below: high, least: leastLow, recent: true})
	t.match(stage{from: tentativeFrom * high, below: certain, least: leastTentative, tentative: true})
}

// match does one round over what has no partner yet.
func (t *Tracker) match(s stage) {
	t.rows = t.rows[:0]
	t.assign.Reset()
	for _, o := range t.objects {
		if o.found || o.confirmed() == s.tentative || s.recent && t.now-o.seenAt > t.lowFor(o) {
			continue
		}
		t.rows = append(t.rows, o)
		t.offer(o, s)
	}
	t.assign.Solve(len(t.dets))
	for i, o := range t.rows {
		if col := t.assign.ColOf[i]; col >= 0 {
			d := &t.dets[col]
			d.taken = true
			o.observe(&d.Detection, t.now, t.o.Aspect)
		}
	}
}

// offer writes the pairs of one track.
func (t *Tracker) offer(o *object, s stage) {
	box, x, y := o.box, o.buffer(&o.cx, o.w.x), o.buffer(&o.cy, o.h.x)
	least := s.least
	if o.stopped {
		least = max(least, leastStill)
	}
	if s.patient {
		least = max(least, t.doubtful(o, box, x, y)-doubtLead)
	}
	late := waitPenalty * (t.now - o.seenAt).Seconds()
	for i, to := t.near(box, x); i < to; i++ {
		d := &t.dets[i]
		if d.taken || d.Score < s.from || d.Score >= s.below {
			continue
		}
		least := least
		if d.around() {
			least = max(least, leastAround)
		}
		kin := o.fits(&d.Detection)
		if kin == 0 {
			continue
		}
		// Score fusion: of two that are alike, the more certain one.
		if alike := kin*similarity(box, d.Box, x, y) - late; alike >= least {
			t.assign.Add(i, assign.Alone-alike*d.Score)
		}
	}
	t.assign.EndRow()
}

// lowFor is how long after its last observation a doubtful detection may continue a
// track. Who walks or rides is doubtful much of the time, and is waited for as long as
// anybody. What is doubtful and stands, or drives, is mostly no object.
func (t *Tracker) lowFor(o *object) time.Duration {
	if o.afoot() && !o.stopped {
		return t.o.Lost
	}
	return lowFor
}

// doubtful is the similarity of a track to the doubtful detection that is most like it.
func (t *Tracker) doubtful(o *object, box sidecar.Box, x, y float64) (most float64) {
	for i, to := t.near(box, x); i < to; i++ {
		if d := &t.dets[i]; d.Score < t.o.High {
			if kin := o.fits(&d.Detection); kin > 0 {
				most = max(most, kin*similarity(box, d.Box, x, y))
			}
		}
	}
	return most
}

// buffer is how much a side is widened for comparing: more where the prediction
// is less sure, as of what was just born, or hidden.
func (o *object) buffer(a *axis, side float64) float64 {
	return min(max(bufferSigmas*a.sigma(), bufferLeast*side), bufferMost*side)
}

// look finds the detections that lie around people who are followed: where one hides
// another, a detector gives a box from the head of one to the feet of the other, and
// is often sure of it.
func (t *Tracker) look() {
	for _, o := range t.objects {
		if !o.confirmed() || o.class.winner != sidecar.Person || t.now-o.seenAt > nestedFor {
			continue
		}
		area := o.box.Area()
		for i, to := t.near(o.box, 0); i < to; i++ {
			d := &t.dets[i]
			part := o.box.Intersect(d.Box).Area()
			if d.Class != sidecar.Person || part < aroundPart*area {
				continue
			}
			all := d.Box.Area()
			if part >= aroundSame*(area+all-part) {
				d.own = true
			} else if all >= aroundLarger*area {
				d.within, d.filled = d.within+1, d.filled+part
			}
		}
	}
}

// around says whether a detection is the box of several people and of none: they lie
// within it and fill it.
func (d *detection) around() bool {
	return d.within > 1 && !d.own && d.filled >= d.Box.Area()
}

// cover takes the doubtful detections that lie on certain ones out of the game:
// they are parts of objects that have their boxes, or two of them in one box.
func (t *Tracker) cover() {
	for i := range t.dets {
		d := &t.dets[i]
		if d.taken || d.Score >= t.o.High {
			continue
		}
		lies := 0.0
		for j, to := t.near(d.Box, 0); j < to; j++ {
			e := &t.dets[j]
			if !e.taken || e.Score < t.o.High {
				continue
			}
			if affinity(d.Class, e.Class) > 0 || family(e.Class) == fourWheels && behind(d.Box, e.Box) {
				lies += d.Box.Intersect(e.Box).Area()
			}
		}
		d.taken = lies >= covered*d.Box.Area()
	}
}
