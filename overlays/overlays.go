// Package overlays joins scenes with the pictures that they belong to: by epoch and
// RTP time, whichever comes first, in bounded memory. What lies below brings them on
// their ways out.
package overlays

import (
	"context"
	"slices"
	"sync"
	"time"

	"pantau/sidecar"
)

// Options bound what waits. Zero values are the defaults.
type Options struct {
	Delay time.Duration // how long after its arrival a picture is let go: 400 ms
	Bytes int           // of pictures that wait: 16 MiB; what is older goes at once
}

// Stats count what became of pictures and scenes.
type Stats struct {
	Pictures uint64        // let go
	Joined   uint64        // with their scene
	Late     uint64        // scenes that came after their picture was let go
	Lost     uint64        // scenes whose picture never came
	Hurried  uint64        // pictures that went before their time, for want of memory
	Behind   time.Duration // the most, by media time, that a late scene was behind the picture
}

// Add adds the counters of another joiner.
func (s *Stats) Add(o Stats) {
	s.Pictures += o.Pictures
	s.Joined += o.Joined
	s.Late += o.Late
	s.Lost += o.Lost
	s.Hurried += o.Hurried
	s.Behind = max(s.Behind, o.Behind)
}

// Joiner holds each picture back by a constant delay, and lets it go together with
// its scene. A scene that comes too late is given alone. Its methods may be called
// from several goroutines; none but Run blocks.
type Joiner struct {
	o    Options
	give func(*sidecar.AccessUnit, *sidecar.Scene)
	wake chan struct{}

	mu     sync.Mutex
	units  []*sidecar.AccessUnit // in the order of their coming
	bytes  int
	scenes []*sidecar.Scene // of pictures that wait, or are still to come
	gone   sidecar.Stamp    // of the last picture that was let go
	late   []*sidecar.Scene
	stats  Stats
}

// maxScenes is how many scenes may wait for their pictures.
const maxScenes = 256

// NewJoiner makes a Joiner. It calls give, one call at a time, for every picture with
// its scene or nil, in order, and for a late scene with a nil picture.
func NewJoiner(o Options, give func(*sidecar.AccessUnit, *sidecar.Scene)) *Joiner {
	if o.Delay <= 0 {
		o.Delay = 400 * time.Millisecond
	}
	if o.Bytes <= 0 {
		o.Bytes = 16 << 20
	}
	return &Joiner{o: o, give: give, wake: make(chan struct{}, 1)}
}

// AccessUnit takes the next picture.
func (j *Joiner) AccessUnit(u *sidecar.AccessUnit) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.units = append(j.units, u)
	j.bytes += u.Size()
	j.alarm()
}

// Scene takes a finished scene.
func (j *Joiner) Scene(s *sidecar.Scene) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if s.Epoch == j.gone.Epoch && s.PTS <= j.gone.PTS && !j.waits(s) {
		j.stats.Late++
		j.stats.Behind = max(j.stats.Behind, j.gone.Media()-s.Media())
		j.late = append(j.late, s)
		j.alarm()
		return
	}
	if len(j.scenes) == maxScenes {
		j.scenes = j.scenes[1:]
		j.stats.Lost++
	}
	j.scenes = append(j.scenes, s)
}

// waits says whether a scene's picture is still here: where pictures come in another
// order than they are shown in, later ones may have gone before it.
func (j *Joiner) waits(s *sidecar.Scene) bool {
	return slices.ContainsFunc(j.units, func(u *sidecar.AccessUnit) bool { return u.PTS == s.PTS && u.Epoch == s.Epoch })
}

func (j *Joiner) alarm() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// Stats gives the counters as they are now.
func (j *Joiner) Stats() Stats {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.stats
}

// Next gives the earliest scene that waits for a picture after the given one; nil if
// there is none.
func (j *Joiner) Next(after sidecar.Stamp) (next *sidecar.Scene) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range j.scenes {
		if s.Epoch == after.Epoch && s.PTS > after.PTS && (next == nil || s.PTS < next.PTS) {
			next = s
		}
	}
	return next
}

// Run lets pictures go when they are due, until ctx ends.
func (j *Joiner) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-j.wake:
		case <-timer.C:
		}
		for {
			u, s, wait := j.next(time.Now())
			if u == nil && s == nil {
				timer.Reset(wait)
				break
			}
			j.give(u, s)
		}
	}
}

// next takes what is to be given now, or says how long nothing is due.
func (j *Joiner) next(now time.Time) (*sidecar.AccessUnit, *sidecar.Scene, time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.late) > 0 {
		s := j.late[0]
		j.late = j.late[1:]
		return nil, s, 0
	}
	if len(j.units) == 0 {
		return nil, nil, time.Hour
	}
	u := j.units[0]
	wait := j.o.Delay - now.Sub(u.Received)
	if wait > 0 {
		if j.bytes <= j.o.Bytes {
			return nil, nil, wait
		}
		j.stats.Hurried++
	}
	j.units[0] = nil
	j.units = j.units[1:]
	j.bytes -= u.Size()
	j.gone = u.Stamp
	j.stats.Pictures++
	return u, j.match(u), 0
}

// match takes the scene of a picture, and gives up those of pictures before it.
func (j *Joiner) match(u *sidecar.AccessUnit) (found *sidecar.Scene) {
	kept := j.scenes[:0]
	for _, s := range j.scenes {
		switch {
		case s.Epoch != u.Epoch: // of a session that is over, or of one that begins
			if s.Capture.Before(u.Capture) {
				j.stats.Lost++
				continue
			}
			kept = append(kept, s)
		case s.PTS == u.PTS:
			found = s
			j.stats.Joined++
		case s.PTS < u.PTS && !j.waits(s):
			j.stats.Lost++
		default:
			kept = append(kept, s)
		}
	}
	clear(j.scenes[len(kept):])
	j.scenes = kept
	return found
}
