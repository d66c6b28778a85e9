package track

import (
	"math"
	"slices"
	"time"

	"pantau/sidecar"
)

// Families of classes.
const (
	alone      = 0
	twoWheels  = 2
	fourWheels = 4
)

// family is a set of classes that a detector confuses, so that an object may be
// seen as one in this frame and as another in the next. Classes outside of all
// families are alone.
func family(c sidecar.Class) int { return c.Wheels() }

// affinity is how well a detection's class fits a track's: 1 for the same, 0
// for what cannot be the same object.
func affinity(a, b sidecar.Class) float64 {
	if a == b {
		return 1
	}
	if f := family(a); f != alone && f == family(b) {
		return relatedClass
	}
	return 0
}

// fits is how well a detection fits what is known of an object: a rider is now a
// person and now a motorcycle where the detector sees something of both.
func (o *object) fits(d *sidecar.Detection) float64 {
	if a := affinity(o.class.winner, d.Class); a > 0 || !rides(o.class.winner, d.Class) {
		return a
	}
	if i := o.class.winner.Index(); float64(d.Scores[i]) >= riderHint*d.Score || o.class.share(d.Class) >= riderHint {
		return relatedClass
	}
	return 0
}

// rides says whether one of two classes is a person's and the other one's that a
// person rides.
func rides(a, b sidecar.Class) bool {
	return a == sidecar.Person && family(b) == twoWheels || b == sidecar.Person && family(a) == twoWheels
}

// ballot sums the evidence for each class over a track's life: the detector's
// scores of all classes, and what the object does.
type ballot struct {
	sums   [len(sidecar.Scores{})]float64 // of sidecar.Classes
	others [2]vote                        // of other classes
	winner sidecar.Class
}

type vote struct {
	class sidecar.Class
	sum   float64
}

// cast adds one detection's evidence. A class takes over from another only with a
// clear lead, so that two which are nearly even do not take turns.
func (b *ballot) cast(d *sidecar.Detection) {
	if d.Scores == (sidecar.Scores{}) {
		b.add(d.Class, d.Score)
		return
	}
	for i, s := range d.Scores {
		b.sums[i] += float64(s)
	}
	b.elect(d.Class)
}

// add is evidence for one class.
func (b *ballot) add(c sidecar.Class, weight float64) {
	if i := c.Index(); i >= 0 {
		b.sums[i] += weight
	} else {
		at := 0
		for i, v := range b.others {
			if v.class == c {
				at = i
				break
			}
			if v.sum < b.others[at].sum {
				at = i
			}
		}
		if b.others[at].class != c {
			b.others[at] = vote{class: c}
		}
		b.others[at].sum += weight
	}
	b.elect(c)
}

// elect asks the classes that may have taken the lead; c is one.
func (b *ballot) elect(c sidecar.Class) {
	if b.winner == "" {
		b.winner = c
	}
	most := classMargin * b.of(b.winner)
	for i, sum := range b.sums {
		if sum > most {
			b.winner, most = sidecar.ClassAt(i), sum
		}
	}
	for _, v := range b.others {
		if v.sum > most {
			b.winner, most = v.class, v.sum
		}
	}
}

// of is the sum of a class.
func (b *ballot) of(c sidecar.Class) float64 {
	if i := c.Index(); i >= 0 {
		return b.sums[i]
	}
	if i := slices.IndexFunc(b.others[:], func(v vote) bool { return v.class == c }); i >= 0 {
		return b.others[i].sum
	}
	return 0
}

// share is a class's part of all evidence, 0..1.
func (b *ballot) share(c sidecar.Class) float64 {
	all := b.others[0].sum + b.others[1].sum
	for _, sum := range b.sums {
		all += sum
	}
	if all <= 0 {
		return 0
	}
	return b.of(c) / all
}

// join adds all evidence of another ballot.
func (b *ballot) join(o *ballot) {
	for i, sum := range o.sums {
		b.sums[i] += sum
	}
	for _, v := range o.others {
		if v.sum > 0 {
			b.add(v.class, v.sum)
		}
	}
	b.elect(o.winner)
}

// pace is how fast something goes, in its own heights per second, over a time that is
// long enough for a detector's jitter not to matter.
type pace struct {
	from   sidecar.Point
	at     time.Duration
	scores float64 // of the observations since then
}

// ride adds the evidence of an object's pace, at the end of each stretch of its way.
// Who walks goes 0.8 of his height in a second, who runs for a bus 2 (1.4 and 3.5 m/s
// of 1.7 m); a motorcycle with its rider in town goes 3 to 8. So a person faster than
// that rides something, and the detector has missed what. aspect is the picture's width
// by its height.
func (o *object) ride(now time.Duration, score, aspect float64) {
	c := o.box.Centre()
	if o.class.winner != sidecar.Person && family(o.class.winner) != twoWheels {
		o.pace = pace{from: c, at: now}
		return
	}
	o.pace.scores += score
	dt := (now - o.pace.at).Seconds()
	if dt < paceTime.Seconds() {
		return
	}
	heights := math.Hypot((c[0]-o.pace.from[0])*aspect, c[1]-o.pace.from[1]) / o.h.x / dt
	if sure := min((heights-runs)/(ridesSurely-runs), 1); sure > 0 && dt < 3*paceTime.Seconds() {
		mount := sidecar.Motorcycle
		if o.class.of(sidecar.Bicycle) > o.class.of(sidecar.Motorcycle) {
			mount = sidecar.Bicycle
		}
		o.class.add(mount, rideWeight*sure*o.pace.scores)
	}
	o.pace = pace{from: c, at: now}
}
