package track

import (
	"math"
	"time"

	"pantau/sidecar"
)

// object is one thing that is followed.
type object struct {
	filter
	id      sidecar.TrackID // zero: tentative
	born    time.Duration   // media time
	since   time.Duration   // tracker's clock, when it was born
	seenAt  time.Duration   // tracker's clock, when it was observed last
	age     int
	hits    int
	misses  int
	apart   int // observations in a row in which it was not nested; only before it is confirmed
	score   float64
	proof   float64 // scores of all observations, summed
	class   ballot
	pace    pace
	seen    filter      // as it was after the last observation
	first   sidecar.Box // the first observation
	last    sidecar.Box // the last observation
	box     sidecar.Box // the estimate of this frame
	found   bool        // observed in this frame
	stopped bool
	rest    sidecar.Point // where it stands, or was when it last moved
	restAt  time.Duration // tracker's clock
	twin    twin
	merged  bool // given up for its twin
}

// twin is another track that has been in the same place for a while.
type twin struct {
	id         sidecar.TrackID
	since      time.Duration
	nestedAt   time.Duration // when one only lay within the other, the last time
	both       int           // frames since that in which both were observed
	mine, hers int           // observations of each since then
	sure       int           // frames since then in which both were seen surely
}

// confirmed says whether the object has an identity.
func (o *object) confirmed() bool { return o.id != 0 }

// afoot says whether it is somebody who walks or rides.
func (o *object) afoot() bool {
	return o.class.winner == sidecar.Person || family(o.class.winner) == twoWheels
}

// begin makes o a new tentative object.
func (o *object) begin(d *sidecar.Detection, at, now time.Duration) {
	*o = object{filter: newFilter(d.Box), born: at, since: now, seenAt: now, age: 1, hits: 1, apart: 1,
		score: d.Score, proof: d.Score, first: d.Box, last: d.Box, box: d.Box, found: true,
		rest: d.Box.Centre(), restAt: now}
	o.seen = o.filter
	o.class.cast(d)
	o.pace = pace{from: d.Box.Centre(), at: now}
}

// advance predicts the object dt seconds on.
func (o *object) advance(dt float64) {
	agility := 1.0
	if o.stopped {
		o.cx.forget(stillSpeed * o.w.x)
		o.cy.forget(stillSpeed * o.h.x)
		agility = stillAgility
	}
	o.predict(dt, agility)
	o.box = o.filter.box()
	o.found = false
	o.age++
}

// observe takes a detection of this frame.
func (o *object) observe(d *sidecar.Detection, now time.Duration, aspect float64) {
	if gap := now - o.seenAt; o.misses > 0 && gap > 0 && !o.stopped {
		o.replay(d, gap.Seconds())
	} else {
		o.update(d.Box, o.doubt(d))
	}
	o.box, o.seen, o.last = o.filter.box(), o.filter, d.Box
	o.found, o.seenAt, o.score = true, now, d.Score
	o.hits++
	o.proof += d.Score
	o.misses = 0
	o.class.cast(d)
	o.ride(now, d.Score, aspect)
	o.watch(now)
}

// replay is OC-SORT's observation-centric re-update (Cao 2023, section 4.1):
// after frames without observation, the filter goes once more through them, along
// the straight way from the last observation to this one. What it believed of
// the way in between was an error that had grown.
func (o *object) replay(d *sidecar.Detection, gap float64) {
	o.filter = o.seen
	steps := min(o.misses+1, replaySteps)
	for i := 1; i <= steps; i++ {
		o.predict(gap/float64(steps), 1)
		o.update(between(o.last, d.Box, float64(i)/float64(steps)), o.doubt(d))
	}
}

// doubt scales the noise of a measurement: with the detector's own doubt (NSA
// Kalman, Du 2021), and where the object stands, since so many boxes of it are
// known that a new one says little.
func (o *object) doubt(d *sidecar.Detection) float64 {
	n := 2 - d.Score
	if o.stopped {
		n *= stillDoubt
	}
	return n
}

// watch says whether the object stands or moves: by how far it comes from where
// it was, over time, with a wider circle to begin than to stop.
func (o *object) watch(now time.Duration) {
	c := o.box.Centre()
	away := math.Hypot((c[0]-o.rest[0])/o.w.x, (c[1]-o.rest[1])/o.h.x)
	switch {
	case o.stopped && away > startRadius, !o.stopped && away > stopRadius:
		o.stopped, o.rest, o.restAt = false, c, now
	case now-o.restAt >= stopTime:
		o.stopped = true
	}
}

// outside says whether the centre has left the picture.
func (o *object) outside() bool {
	return o.cx.x < 0 || o.cx.x > 1 || o.cy.x < 0 || o.cy.x > 1
}

// track is what others see of the object.
func (o *object) track() sidecar.Track {
	motion := sidecar.Moving
	if o.stopped {
		motion = sidecar.Stopped
	}
	return sidecar.Track{
		ID: o.id, Confirmed: o.confirmed(), Class: o.class.winner, Share: o.class.share(o.class.winner), Score: o.score,
		Box: inside(o.box), Observed: o.found, Age: o.age, Born: o.born, Start: o.first,
		Motion: motion, Velocity: sidecar.Point{o.cx.v, o.cy.v},
	}
}
