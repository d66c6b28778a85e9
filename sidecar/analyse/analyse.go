package analyse

import (
	"slices"
	"time"

	"pantau/sidecar"
)

// Options say what the numbers depend on.
type Options struct {
	Model string  // name@version of the detector
	Rules string  // version of the camera's functions, such as "r17"
	FPS   float64 // frames per second that should be analysed; 0: 8
}

// Analyser makes events and counts of the scenes of one camera. It is not safe
// for concurrent use.
type Analyser struct {
	book
	timezone  string
	functions []sidecar.Function
	analytics []Analytic                         // of the functions, in their order
	tracks    map[sidecar.TrackID]*object        // of this epoch
	suspended bool                               // the rules are: the picture is not what they were drawn on
	told      map[sidecar.TrackID]map[string]int // events of the tracks that were followed when they were; nil: they never were
}

// New makes the analytics of a camera's functions. The error is a
// *sidecar.FieldError; its Field is a path inside the camera.
func New(c sidecar.Camera, o Options) (*Analyser, error) {
	a := &Analyser{tracks: map[sidecar.TrackID]*object{}}
	if _, err := a.Redefine(c, o); err != nil {
		return nil, err
	}
	return a, nil
}

// Update takes the next scene and gives what happened, in order. It fills the
// scene's Zones and those of its tracks with slices that are never changed again.
// Crossings that needed more than this scene to be sure carry the time of the
// earlier one in which they happened.
func (a *Analyser) Update(s *sidecar.Scene) []sidecar.Event {
	a.events = nil
	before := a.clock.last
	now, step := a.clock.tick(s.Stamp)
	if a.suspend(s.View, before, now, step) {
		a.areas.clear(s)
		return a.events
	}
	a.frame(before, now, step)
	a.doubt(now.minute, s.View.Flags...)
	a.gap(step)
	if now.Epoch != before.Epoch {
		for len(a.live) > 0 {
			a.giveUp(a.live[0])
		}
	}
	a.observe(s.Tracks, now)
	for _, k := range a.analytics {
		k.Update(now, a.live)
	}
	for _, m := range s.Merged {
		a.merge(m, now)
	}
	for i := range s.Ended {
		if o := a.tracks[s.Ended[i].ID]; o != nil {
			a.giveUp(o)
		}
	}
	a.reunite(now)
	a.release(now)
	a.areas.describe(s, a.tracks)
	return a.events
}

// gap lets the time in which nobody looked pass by who stood still.
func (a *Analyser) gap(step time.Duration) {
	if step <= max(patience, 5*a.interval) || step > standing {
		return
	}
	for _, objects := range [2][]*object{a.live, a.lost} {
		for _, o := range objects {
			if o.track.Motion == sidecar.Stopped {
				o.blind += step
			}
		}
	}
}

// observe takes the confirmed tracks of a scene.
func (a *Analyser) observe(tracks []sidecar.Track, now moment) {
	for _, o := range a.live {
		o.observed = false
	}
	known := len(a.live)
	for i := range tracks {
		t := &tracks[i]
		if !t.Confirmed || t.ID == 0 || !t.Observed || !finite(t.Box) {
			continue
		}
		if o := a.tracks[t.ID]; o != nil {
			o.observe(t, now)
			continue
		}
		o := newObject(t, now, &a.clock)
		o.told = a.told[t.ID]
		a.tracks[t.ID] = o
		a.live = append(a.live, o)
	}
	for _, o := range a.live[known:] {
		a.trace(o)
	}
}

// trace looks for the object whose return a newcomer is most likely.
func (a *Analyser) trace(o *object) {
	var best *object
	most := 0.0
	for _, others := range [2][]*object{a.live, a.lost} {
		for _, elder := range others {
			if elder == o || elder.observed {
				continue
			}
			if l := o.returns(elder); l > most {
				best, most = elder, l
			}
		}
	}
	o.tie(best)
}

// merge takes the tracker's word that two tracks are one object.
func (a *Analyser) merge(m sidecar.Merge, now moment) {
	from, into := a.tracks[m.From], a.tracks[m.Into]
	if from == nil || into == nil || from == into {
		return
	}
	if from.elder != into && (into.elder == nil || into.elder == from) {
		into.tie(from.elder)
	}
	if from.heir != nil {
		from.heir.tie(nil)
	}
	from.tie(nil)
	a.drop(from)
	a.join(from, into, now)
}

func (a *Analyser) join(from, into *object, now moment) {
	for _, k := range a.analytics {
		k.Join(from, into, now)
	}
}

// giveUp tells that a track has ended. Its object is kept until it is gone.
func (a *Analyser) giveUp(o *object) {
	a.ended(o)
	a.drop(o)
	o.lost, o.observed = true, false
	a.lost = append(a.lost, o)
}

// drop takes an object from those that are tracked.
func (a *Analyser) drop(o *object) {
	delete(a.tracks, o.track.ID)
	a.live = slices.DeleteFunc(a.live, func(other *object) bool { return other == o })
}

// reunite joins newcomers with the objects whose return they are, once the
// tracker has given those up. One that is seen again was another object.
func (a *Analyser) reunite(now moment) {
	for _, objects := range [2][]*object{a.lost, a.live} {
		for _, o := range objects {
			switch elder := o.elder; {
			case elder == nil:
			case elder.observed:
				o.tie(nil)
			case elder.lost:
				o.tie(elder.elder)
				elder.joined = true
				a.join(elder, o, now)
			}
		}
	}
}

// release lets go of lost objects that will not return.
func (a *Analyser) release(now moment) {
	gone := func(o *object) bool { return o.left() || now.steady-o.fix.steady-o.blind > returning }
	for _, o := range a.lost {
		if !o.joined && gone(o) {
			a.leave(o)
		}
	}
	a.lost = slices.DeleteFunc(a.lost, func(o *object) bool { return o.joined || gone(o) })
}

func (a *Analyser) leave(o *object) {
	for _, k := range a.analytics {
		k.Leave(o)
	}
	o.tie(nil)
}

// Counts gives the minutes that are over at now, by the time of the scenes, and
// have not been given: those without scenes too, with uptime 0, but not more than
// a day of them. A minute is over some seconds after its end, and one before the
// first scene a minute later, since that may be from a camera whose clock is
// behind. Earlier ones that have changed since are given again with a higher Rev.
// It is to be called often, at least every few minutes: with each scene, or once
// a second.
func (a *Analyser) Counts(now time.Time) []sidecar.Count {
	over, steady := a.clock.believe(now)
	a.wait(over)
	d := deadline{over: over.Add(-settling), steady: steady}
	if !a.seen {
		d.over = d.over.Add(-behind)
	}
	d.undecided, d.open = a.undecided()
	var counts []sidecar.Count
	a.give(d, func(m *minute) { counts = append(counts, a.count(m)) })
	return counts
}

// Pause gives the counts up to now as they are, and gives up nothing: the minute that
// is not over is given as long as it was counted, and again by the analyser that goes on
// with the Memory.
func (a *Analyser) Pause(now time.Time) []sidecar.Count {
	counts := a.Counts(now)
	if end, _ := a.clock.believe(now); a.seen {
		a.pauseAt(end, func(m *minute) { counts = append(counts, a.count(m)) })
	}
	return counts
}

// Close gives up all that is followed, as at the end of a clip. It gives the last
// events, and the counts up to now. No scene may follow.
func (a *Analyser) Close(now time.Time) ([]sidecar.Event, []sidecar.Count) {
	a.events = nil
	for len(a.live) > 0 {
		a.giveUp(a.live[0])
	}
	a.reunite(a.clock.last)
	for _, o := range a.lost {
		if !o.joined {
			a.leave(o)
		}
	}
	end, steady := a.clock.believe(now)
	a.wait(end)
	a.close(end)
	var counts []sidecar.Count
	a.give(deadline{over: a.end, steady: steady, last: true}, func(m *minute) { counts = append(counts, a.count(m)) })
	return a.events, counts
}

// Totals gives all rows with their numbers since the analyser began.
func (a *Analyser) Totals() []sidecar.CountRow { return a.list(&a.total) }

// undecided is the time of the oldest fact that may still come out either way.
func (a *Analyser) undecided() (oldest time.Time, some bool) {
	for _, k := range a.analytics {
		at, has := k.Undecided()
		oldest, some = earlier(oldest, some, at, has)
	}
	return oldest, some
}

func (a *Analyser) count(m *minute) sidecar.Count {
	c := sidecar.Count{Camera: a.camera, Timezone: a.timezone, Model: a.model, Rules: a.rules}
	a.fill(&c, m)
	return c
}
