// Package track follows objects from frame to frame: detections in, tracks out.
//
// It is ByteTrack's association in two stages (Zhang 2022), certain detections
// first and then the doubtful ones, over Kalman filters (SORT, Bewley 2016), with
// OC-SORT's re-update after a gap (Cao 2023). Appearance is not looked at. All
// motion is by media time, so that 2 and 30 frames per second, and gaps, are the
// same street.
package track

import (
	"time"

	"pantau/sidecar"
	"pantau/sidecar/internal/assign"
)

// Options say how sure the tracker wants to be. Zero values are the defaults.
type Options struct {
	High   float64       // score from which a detection is certain (0.4)
	Low    float64       // score from which a doubtful one may continue a track (0.1)
	Hits   int           // observations that confirm a track, if they are not all doubtful (3)
	Lost   time.Duration // how long what moves may be hidden and keep its identity (2.5 s); what stands, twice as long
	Aspect float64       // the picture's width by its height (16/9)
	Coast  time.Duration // how long a hidden one is shown where it is believed to be (500 ms)
}

// Result is what one frame changed. The slices belong to the tracker and are
// valid until its next Update.
type Result struct {
	// Tracks are all that are in the picture now, the oldest first: those with a
	// detection in this frame, confirmed or not, and confirmed ones that have been
	// hidden for less than Options.Coast, with Observed false and a predicted box.
	// One that is hidden for longer is in no list, until it is seen again under
	// its old identity, or is Ended.
	Tracks []sidecar.Track
	Ended  []sidecar.Track // confirmed ones that were given up
	Merged []sidecar.Merge // From is given up, and is not in Ended
}

// Tracker follows the objects of one camera in one epoch. It is not safe for
// concurrent use.
type Tracker struct {
	o       Options
	at      time.Duration // media time of the last frame
	now     time.Duration // the tracker's own clock: never runs backwards
	frames  int
	lastID  sidecar.TrackID
	objects []*object   // in order of birth
	free    []*object   // to be used again
	dets    []detection // of this frame, from left to right
	widest  float64     // of dets
	rows    []*object
	assign  assign.Problem
	result  Result
}

// New makes a tracker.
func New(o Options) *Tracker {
	o.High, o.Low = orDefault(o.High, 0.4), orDefault(o.Low, 0.1)
	o.Hits, o.Aspect = orDefault(o.Hits, 3), orDefault(o.Aspect, 16.0/9)
	o.Lost, o.Coast = orDefault(o.Lost, 2500*time.Millisecond), orDefault(o.Coast, 500*time.Millisecond)
	return &Tracker{o: o}
}

// Update takes the detections of the frame at a media time. It does not keep dets.
// Detections that are no boxes in the picture are passed over. Where time runs
// backwards, or leaps further than Options.Lost, velocities are forgotten and
// identities kept where an object still is.
func (t *Tracker) Update(at time.Duration, dets []sidecar.Detection) Result {
	t.result.Tracks, t.result.Ended, t.result.Merged = t.result.Tracks[:0], t.result.Ended[:0], t.result.Merged[:0]
	t.advance(at)
	t.sift(dets)
	t.associate()
	t.confirm()
	t.unite()
	t.prune()
	t.bear(at)
	for _, o := range t.objects {
		if o.found || o.confirmed() && t.now-o.seenAt <= t.o.Coast {
			t.result.Tracks = append(t.result.Tracks, o.track())
		}
	}
	return t.result
}

// advance moves clock and predictions on to a media time.
func (t *Tracker) advance(at time.Duration) {
	dt := at - t.at
	if t.frames == 0 {
		dt = 0
	}
	leap := dt < 0 || dt > t.o.Lost
	if leap {
		dt = 0
	}
	t.at, t.frames, t.now = at, t.frames+1, t.now+dt
	for _, o := range t.objects {
		if leap {
			o.forget()
		}
		o.advance(dt.Seconds())
	}
}

// prune gives up what has not been seen for too long.
func (t *Tracker) prune() {
	kept := t.objects[:0]
	for _, o := range t.objects {
		if !o.found {
			o.misses++
		}
		if o.merged || !o.finite() || t.over(o) {
			if o.confirmed() && !o.merged {
				t.result.Ended = append(t.result.Ended, o.track())
			}
			t.free = append(t.free, o)
			continue
		}
		kept = append(kept, o)
	}
	t.objects = kept
}

// over says whether an object is to be given up.
func (t *Tracker) over(o *object) bool {
	hidden := t.now - o.seenAt
	switch {
	case o.found:
		return false
	case !o.confirmed():
		return o.misses > o.hits || hidden > tentativeFor && o.misses > 1
	case o.stopped:
		return hidden > patience*t.o.Lost
	default:
		return hidden > t.o.Lost || o.outside()
	}
}

// bear begins a track for each certain detection that belongs to none.
func (t *Tracker) bear(at time.Duration) {
	for i := range t.dets {
		d := &t.dets[i]
		if d.taken || d.around() || d.Score < bornFrom*t.o.High || t.known(&d.Detection) {
			continue
		}
		o := t.take()
		o.begin(&d.Detection, at, t.now)
		t.objects = append(t.objects, o)
	}
}

// take gives an object to be filled.
func (t *Tracker) take() *object {
	n := len(t.free)
	if n == 0 {
		return new(object)
	}
	o := t.free[n-1]
	t.free = t.free[:n-1]
	return o
}

// identify gives the next identity.
func (t *Tracker) identify(o *object) {
	t.lastID++
	o.id = t.lastID
}

// orDefault is v, or the default where v is zero.
func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
