package live

import "time"

// The bounds of the hold, and what it learns from. A page's own are the same
// (playout.ts): it sees the network besides.
const (
	shortestHold = 60 * time.Millisecond
	longestHold  = 1500 * time.Millisecond
	holdMargin   = 30 * time.Millisecond // above the worst of the last seconds
	holdSeconds  = 10
	leastScenes  = 10                     // before anything is told of them
	closeScenes  = 300 * time.Millisecond // between scenes so close, pictures wait for the later one
)

// lateness learns how long pictures wait until their scenes come.
type lateness struct {
	epoch  string
	came   [256]arrival // of the newest pictures; a ring
	next   int
	last   int64 // PTS of the scene before
	scenes bool  // there is one
	known  int   // scenes whose pictures were known, up to leastScenes
	worst  [holdSeconds]time.Duration
	second int64 // since 1970, of the newest of worst
	learnt time.Duration
}

type arrival struct {
	pts int64
	at  time.Time
}

// picture tells that a picture has come.
func (l *lateness) picture(epoch string, pts int64, now time.Time) {
	if epoch != l.epoch {
		l.epoch, l.scenes = epoch, false
		clear(l.came[:])
	}
	l.came[l.next] = arrival{pts, now}
	l.next = (l.next + 1) % len(l.came)
}

// scene tells that a scene has come. The pictures since the scene before wait
// for it too, as long as the two are close.
func (l *lateness) scene(epoch string, pts int64, clock int, now time.Time) {
	if epoch != l.epoch || clock <= 0 {
		return
	}
	from := pts
	if gap := time.Duration(pts-l.last) * time.Second / time.Duration(clock); l.scenes && gap > 0 && gap <= closeScenes {
		from = l.last
	}
	l.last, l.scenes = pts, true
	for _, a := range l.came {
		if a.pts == from && !a.at.IsZero() {
			l.add(now.Sub(a.at), now)
			return
		}
	}
}

func (l *lateness) add(late time.Duration, now time.Time) {
	l.known = min(leastScenes, l.known+1)
	second := now.Unix()
	for l.second = max(l.second, second-holdSeconds); l.second < second; {
		l.second++
		l.worst[l.second%holdSeconds] = 0
	}
	slot := &l.worst[l.second%holdSeconds]
	*slot = max(*slot, late)
	most := time.Duration(0)
	for _, w := range l.worst {
		most = max(most, w)
	}
	l.learnt = min(longestHold, max(shortestHold, most+holdMargin))
}

// hold is how long a page should wait for a picture's scene, to 10 ms; start
// until enough scenes have come.
func (l *lateness) hold(start time.Duration) time.Duration {
	const step = 10 * time.Millisecond
	if l.known < leastScenes {
		return start
	}
	return (l.learnt + step - 1) / step * step
}
