package analyse

import (
	"math"
	"time"

	"pantau/sidecar"
)

const (
	// returning is how long after it was last seen an object may come back under
	// another identity.
	returning = 3 * time.Second
	// standing is the longest gap between two scenes, as at a restart, over which an
	// object that stood still is found again where it stood.
	standing = 30 * time.Second
	// resemblance is the overlap (IoU) of where an object must be by now with
	// where a new track is born, from which they are the same object.
	resemblance = 0.2
	// straying is by how much both boxes are widened on each side for that, in sizes for
	// each second, of what moves: after one second it may be 1.7 sizes from where it must
	// be, and after three 3.4. What stands stays.
	straying = 0.8
	// away is how far from where it was born an object must have been, in sizes of its
	// box, to have moved: the boxes of what stands tremble.
	away = 1.0
	// surely is the mean score from which what stands is taken for what it is seen as.
	// On the demo's street stones, cones and a tripod have 0.18 to 0.48, people 0.5 to 0.85.
	surely = 0.5
	// edge is how near to the border of the picture a box touches it.
	edge = 0.01
)

// fix is where an object was observed.
type fix struct {
	moment
	box sidecar.Box
}

// object is one confirmed track, from its birth on, as all analytics see it.
type object struct {
	track    sidecar.Track  // as it was observed last
	name     string         // its number in decimal
	start    fix            // where it was born, before it was confirmed
	fix      fix            // where it was observed last
	observed bool           // in this scene
	lost     bool           // the tracker has given it up
	joined   bool           // what it did, another one did
	elder    *object        // whose return it may be, as long as that is not decided
	heir     *object        // the other way round
	kmh      float64        // on the ground, where that is measured
	zones    uint64         // the zones that it is in, by their bits
	told     map[string]int // its events, by rule
	moved    bool           // it was once clearly away from where it was born
	looks    int            // how often it was observed
	scores   float64        // the sum of the scores then
	gait     gait           // how it came along lately
	blind    time.Duration  // since it was observed last, in which it stood and nobody looked
}

// newObject begins an object with a track's first confirmed observation. Its
// birth was some scenes ago. What was before the first scene is not known here.
func newObject(t *sidecar.Track, now moment, c *clock) *object {
	o := &object{name: t.ID.String()}
	o.start = fix{now, t.Box}
	if t.Start.Area() > 0 && finite(t.Start) && t.Born >= c.opened.Media() {
		o.start = fix{c.near(now.steady - max(0, now.Media()-t.Born)), t.Start}
	}
	o.observe(t, now)
	return o
}

// observe takes the track's newest observation.
func (o *object) observe(t *sidecar.Track, now moment) {
	o.track, o.observed = *t, true
	o.track.Zones = nil
	from := o.fix
	if o.looks == 0 {
		from = o.start
	}
	o.gait.to(from, fix{now, t.Box})
	o.fix, o.blind = fix{now, t.Box}, 0
	o.looks++
	o.scores += t.Score
	a, b := o.start.box, t.Box
	o.moved = o.moved || math.Hypot((a.Left+a.Right-b.Left-b.Right)/(2*b.Width()), (a.Top+a.Bottom-b.Top-b.Bottom)/(2*b.Height())) > away
}

// real says whether it is what its class says: it has moved, or is seen surely. Cones,
// stones and bushes are seen as people too, for hours; they stand, and never surely.
func (o *object) real() bool { return o.moved || o.scores >= surely*float64(o.looks) }

// left says whether the object went out of the picture where it was seen last.
func (o *object) left() bool {
	b := o.fix.box
	return b.Left < edge || b.Top < edge || b.Right > 1-edge || b.Bottom > 1-edge
}

// returns says how likely o is the return of an elder that is not seen any more,
// from 0, not at all, to 1: by how well it stands where the elder must be by now,
// and by how short a time ago that was seen.
func (o *object) returns(elder *object) float64 {
	gap := o.start.steady - elder.fix.steady - elder.blind
	if elder.blind > 0 && elder.fix.box.IoU(o.start.box) < alike {
		return 0
	}
	if gap <= 0 && elder.blind == 0 || gap > returning || elder.heir != nil || elder.left() || o.track.Class != elder.track.Class {
		return 0
	}
	x := 0.0
	if elder.track.Motion != sidecar.Stopped {
		x = straying * max(0, gap.Seconds())
	}
	overlap := elder.ahead(gap).Widened(x).IoU(o.start.box.Widened(x))
	if overlap < resemblance {
		return 0
	}
	return overlap / (1 + max(0, gap).Seconds())
}

// ahead is where the object must be some time after it was last seen.
func (o *object) ahead(gap time.Duration) sidecar.Box {
	b, v := o.fix.box, o.track.Velocity
	if o.track.Motion == sidecar.Stopped {
		return b
	}
	dx, dy := v[0]*gap.Seconds(), v[1]*gap.Seconds()
	return sidecar.Box{Left: b.Left + dx, Top: b.Top + dy, Right: b.Right + dx, Bottom: b.Bottom + dy}
}

// tie says that o may be the return of an elder, or of none.
func (o *object) tie(elder *object) {
	if o.elder != nil {
		o.elder.heir = nil
	}
	if o.elder = elder; elder == nil {
		return
	}
	if elder.heir != nil {
		elder.heir.elder = nil
	}
	elder.heir = o
}

// score is the track's certainty as it goes into an event.
func (o *object) score() float64 { return thousandths(o.track.Score) }

// share is the class's certainty as it goes into an event.
func (o *object) share() float64 { return thousandths(o.track.Share) }
