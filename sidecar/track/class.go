package track

import "pantau/sidecar"

// family is a set of classes that a detector confuses, so that an object may be
// seen as one in this frame and as another in the next. Classes outside of all
// families are alone.
func family(c sidecar.Class) int {
	switch c {
	case sidecar.Car, sidecar.Bus, sidecar.Truck:
		return 1
	case sidecar.Bicycle, sidecar.Motorcycle:
		return 2
	}
	return 0
}

// affinity is how well a detection's class fits a track's: 1 for the same, 0
// for what cannot be the same object.
func affinity(a, b sidecar.Class) float64 {
	if a == b {
		return 1
	}
	if f := family(a); f != 0 && f == family(b) {
		return relatedClass
	}
	return 0
}

// ballot sums the scores of each class over a track's life.
type ballot struct {
	votes  [4]vote // more classes than a family has
	winner sidecar.Class
}

type vote struct {
	class sidecar.Class
	sum   float64
}

// cast adds one detection's vote. A class takes over from another only with a
// clear lead, so that two which are nearly even do not take turns.
func (b *ballot) cast(c sidecar.Class, weight float64) {
	at := 0
	for i, v := range b.votes {
		if v.class == c {
			at = i
			break
		}
		if v.sum < b.votes[at].sum {
			at = i
		}
	}
	if b.votes[at].class != c {
		b.votes[at] = vote{class: c}
	}
	b.votes[at].sum += weight
	if b.winner == "" || b.votes[at].sum > classMargin*b.of(b.winner) {
		b.winner = c
	}
}

// of is the sum of a class.
func (b *ballot) of(c sidecar.Class) float64 {
	for _, v := range b.votes {
		if v.class == c {
			return v.sum
		}
	}
	return 0
}

// join adds all votes of another ballot.
func (b *ballot) join(o *ballot) {
	for _, v := range o.votes {
		if v.sum > 0 {
			b.cast(v.class, v.sum)
		}
	}
}
