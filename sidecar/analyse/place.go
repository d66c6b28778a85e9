package analyse

import (
	"time"

	"pantau/sidecar"
)

// The constants of a place. Shares are of boxes, times are the frames' own.
const (
	// alike is the overlap (IoU) from which two boxes are of one standing vehicle:
	// half a length away it falls to a third, and a jitter of a twentieth costs a tenth.
	alike = 0.5
	// apart is the overlap below which two boxes are of different places.
	apart = 0.2
	// still is how long a vehicle that came from elsewhere must have stood to be
	// seen in a place: what drives by does not.
	still = time.Second
	// lagging is how far, in time, the smoothed box of an object is behind it: what
	// moves by half its length in that time does not stand.
	lagging = 2 * time.Second
	// brief is how long a place must have been seen without its vehicle, once that
	// was seen to go or another one has come; or a vehicle that was not parked yet.
	brief      = 3 * time.Second
	briefLooks = 5
	// vacant is the same where nobody was seen to go: detectors lose what stands
	// in the shade for a while.
	vacant      = time.Minute
	vacantLooks = 10
	// hiding is the part of a place that others must cover to hide it.
	hiding = 0.35
	// lasting is how long an object that is missed in a scene still hides others.
	lasting = time.Second
	// seldom is the least part of the looks in which what stands is found.
	seldom = 0.25
	// sure is the mean score from which what stands is taken for a vehicle: posts and
	// stones are seen as one too, for hours, and never surely.
	sure = 0.42
	// steadying is the weight of a new box in the place's own.
	steadying = 0.05
)

// state is what a place does.
type state int

const (
	free     state = iota
	coming         // a vehicle stands there, and not for long enough
	occupied       // it is parked
)

// place is where a vehicle stands, or may stand. It is free, coming or occupied
// by what is seen in the place; which track that is may change.
type place struct {
	bay     string          // its name; empty at a kerb
	polygon sidecar.Polygon // of a bay
	state   state
	box     sidecar.Box // of the vehicle
	since   fix         // when it came to stand here
	seen    fix         // when it was seen standing last
	holder  *object     // that was it
	looks   int         // scenes in which it could be seen, while it comes
	hits    int         // and was
	scores  float64     // of the detector then, summed
	votes   []int       // by class
	class   int         // as it was told
	found   bool        // it stood there when the analysis began
	begun   string      // id of its parking.occupied
	absent  time.Duration
	misses  int  // looks without it since it was seen, which have lasted for absent
	gone    bool // it was seen elsewhere

	guest *object // who fills it in this scene
	stand *stand
	same  bool // as its vehicle did
}

// take lets an object fill the place in this scene.
func (p *place) take(o *object, s *stand) {
	p.guest, p.stand, s.place = o, s, p
	p.same = p.state != free && p.box.IoU(o.fix.box) >= alike
}

// settled says whether an object has stood long enough to be more than passing by:
// or since its track began, which is then one of something that stood there before.
func (s *stand) settled(o *object, now moment) bool {
	return s.since.steady == o.start.steady || now.steady-s.since.steady >= still
}

// stranger says whether the guest came from elsewhere, after the place's vehicle
// was seen last.
func (p *place) stranger(after fix) bool {
	return p.stand.since.steady > after.steady && p.guest.start.box.IoU(p.stand.box) < apart
}

// look goes on with one place.
func (k *parking) look(p *place, now moment, look time.Duration, objects []*object) {
	switch {
	case p.state == free:
		if p.guest != nil {
			p.begin()
		}
	case p.guest == nil || !p.same || p.guest != p.holder && !p.stand.settled(p.guest, now):
		k.miss(p, look, objects)
	case p.state == coming && p.guest != p.holder && p.absent >= still/2 && p.stranger(p.since):
		p.begin()
	case p.state == occupied && p.absent >= brief && p.misses >= briefLooks && p.stranger(p.seen):
		k.release(p)
		p.begin()
	default:
		p.hit()
	}
	if p.state == coming && p.seen.steady-p.since.steady >= k.dwell && p.hits >= briefLooks && p.scores >= sure*float64(p.hits) {
		k.occupy(p)
	}
}

// begin lets the guest come to stand here.
func (p *place) begin() {
	p.state, p.box, p.since = coming, p.guest.fix.box, p.stand.since
	p.looks, p.hits, p.scores, p.absent, p.misses = 0, 0, 0, 0, 0
	clear(p.votes)
	p.hit()
}

// hit sees the vehicle standing.
func (p *place) hit() {
	o := p.guest
	p.holder, p.seen, p.gone, p.absent, p.misses = o, o.fix, false, 0, 0
	if p.state == coming {
		p.looks++
		p.hits++
		p.scores += o.track.Score
		if p.stand.class >= 0 {
			p.votes[p.stand.class]++
		}
	}
	p.box = mix(p.box, o.fix.box, max(steadying, 1/float64(p.hits+1)))
}

// mix is part w of the way from a box to another.
func mix(a, b sidecar.Box, w float64) sidecar.Box {
	return sidecar.Box{Left: a.Left + w*(b.Left-a.Left), Top: a.Top + w*(b.Top-a.Top),
		Right: a.Right + w*(b.Right-a.Right), Bottom: a.Bottom + w*(b.Bottom-a.Bottom)}
}

// miss looks at a place in which the vehicle is not seen. While others hide it, it
// stays as it was.
func (k *parking) miss(p *place, look time.Duration, objects []*object) {
	if k.hidden(p, objects) {
		return
	}
	p.absent += look
	p.misses++
	replaced := p.guest != nil && !p.same && p.stranger(p.seen)
	went := (p.gone || replaced) && p.absent >= brief && p.misses >= briefLooks
	if p.state == coming {
		p.looks++
		if went || p.absent >= max(2*brief, k.dwell) && p.misses >= briefLooks || float64(p.hits) < seldom*float64(p.looks-briefLooks) {
			p.state = free
		}
		return
	}
	if went || p.absent >= vacant && p.misses >= vacantLooks {
		k.release(p)
	}
	if p.state == free && p.guest != nil {
		p.begin()
	}
}

// hidden says whether others stand or pass before a place. It also looks whether
// its vehicle is one of those, and has gone.
func (k *parking) hidden(p *place, objects []*object) bool {
	covered := 0.0
	nearer := p.box.Bottom - p.box.Height()/4
	for _, o := range objects {
		if k.last-o.fix.steady > lasting {
			continue
		}
		if s := k.stands[o]; s == nil || s.place != nil {
			continue
		}
		common := p.box.Intersect(o.fix.box).Area()
		if o.observed && common <= hiding*p.box.Area() && (o == p.holder || o.start.steady >= p.seen.steady-still && o.start.box.IoU(p.box) >= alike/2) {
			p.gone = true
		}
		if o.fix.box.Bottom >= nearer {
			covered += common
		}
	}
	return covered >= hiding*p.box.Area()
}

// groundOf is where a vehicle stands: above the middle of the bottom edge, since
// the wheels of its other side are further away.
func groundOf(b sidecar.Box) sidecar.Point {
	return sidecar.Point{(b.Left + b.Right) / 2, b.Bottom - b.Height()/4}
}

// seconds is a duration as it goes into an event, to a millisecond.
func seconds(d time.Duration) float64 { return thousandths(d.Seconds()) }
