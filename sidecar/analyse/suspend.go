package analyse

import (
	"time"

	"pantau/sidecar"
)

// suspend says whether nothing is counted in a scene, since its picture is not what
// the rules were drawn on. The gap is no fact: who was in a zone has not left it,
// and what is parked stays parked. Afterwards all begins as in the first scene, but
// for the places of vehicles, which are where they were.
func (a *Analyser) suspend(v sidecar.View, before, now moment, step time.Duration) bool {
	is := v.Suspends()
	if now.Epoch != before.Epoch {
		a.told = nil
	}
	switch {
	case is && !a.suspended:
		a.forget()
	case !is && a.suspended:
		a.clock.opened = now // what was before was not seen
		for _, k := range a.analytics {
			if r, ok := k.(resumer); ok {
				r.Resume(now)
			}
		}
	}
	a.suspended = is
	if is {
		a.pause(before, now, step)
		a.doubt(now.minute, string(v.State))
	}
	return is
}

// resumer is an analytic that goes on with what it knew before the rules were
// suspended.
type resumer interface {
	// Resume says that scenes are analysed again, from now on.
	Resume(now moment)
}

// forget lets go of all objects, and of what they would have done next.
func (a *Analyser) forget() {
	a.told = map[sidecar.TrackID]map[string]int{} // a track that goes on gives no id twice
	for _, o := range a.live {
		a.ended(o)
		a.told[o.track.ID] = o.told
	}
	a.mute = true
	for _, objects := range [2][]*object{a.live, a.lost} {
		for _, o := range objects {
			a.leave(o)
			o.observed = false // places may still know it
		}
	}
	a.mute = false
	clear(a.tracks)
	a.live, a.lost = nil, nil
}
