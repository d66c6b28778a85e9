package draw

import (
	"time"

	"pantau/sidecar"
)

const (
	// patience is how long an object is drawn in full that is not seen: shorter
	// gaps would flicker.
	patience = 350 * time.Millisecond
	// tailTime is how long a way is shown.
	tailTime = 2500 * time.Millisecond
	// step is how far an object goes, 0..1 of the picture, until its way is longer by a point.
	step = 0.01
	// forget is how long an object is remembered that is in no scene.
	forget = 2 * time.Second
)

// thing is what is remembered of an object.
type thing struct {
	seen  time.Duration // media time when it was observed last
	last  time.Duration // media time of its last scene
	way   []pace        // where its feet were, oldest first
	place int           // where its label is, from 1; 0: it has none yet
	form  int           // how much of its label there is
}

// pace is a place at a time.
type pace struct {
	at    sidecar.Point
	media time.Duration
}

// unseen is how long it has not been observed.
func (t *thing) unseen(now time.Duration) time.Duration { return now - t.seen }

// remember takes what a scene shows. A new session begins anew.
func (p *Painter) remember(s *sidecar.Scene) {
	if p.things == nil || p.epoch != s.Epoch {
		p.epoch, p.things = s.Epoch, map[sidecar.TrackID]*thing{}
		if p.places == nil {
			p.places = map[string]int{}
		}
	}
	p.sure.See(s)
	now := s.Media()
	for i := range s.Tracks {
		t := &s.Tracks[i]
		if !t.Confirmed {
			continue
		}
		k := p.things[t.ID]
		if k == nil {
			k = &thing{seen: now - 2*patience}
			p.things[t.ID] = k
		}
		if t.Observed {
			k.seen = now
		}
		k.last = now
		k.walk(t.Box.Foot(), now)
	}
	for id, k := range p.things {
		if now-k.last > forget || k.last > now {
			delete(p.things, id)
		}
	}
}

// walk makes the way longer, and forgets its beginning.
func (t *thing) walk(to sidecar.Point, now time.Duration) {
	gone := 0
	for gone < len(t.way) && now-t.way[gone].media > tailTime {
		gone++
	}
	t.way = append(t.way[:0], t.way[gone:]...)
	if n := len(t.way); n > 0 {
		last := t.way[n-1].at
		if dx, dy := to.X()-last.X(), to.Y()-last.Y(); dx*dx+dy*dy < step*step {
			return
		}
	}
	t.way = append(t.way, pace{to, now})
}
