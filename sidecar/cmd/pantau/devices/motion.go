package devices

import (
	"time"

	"pantau/sidecar"
)

// quiet is how long nothing must move before that is told: motion that stops and goes on
// is one alarm.
const quiet = 5 * time.Second

// away is how long no scene with motion must come before the alarm ends by this machine's
// clock: scenes come later than they were captured, and none do from a camera that is lost.
const away = 2 * quiet

// motion knows whether anything moves before a camera.
type motion struct {
	moves bool
	last  time.Time // capture time of the scene in which something did
	came  time.Time // when that came, by this machine's clock
	epoch string
}

// take looks at the next scene.
func (m *motion) take(sc *sidecar.Scene) (changed, moves bool) {
	was := m.moves
	if sc.Epoch != m.epoch { // its times are others
		m.epoch, m.moves = sc.Epoch, false
	}
	for i := range sc.Tracks {
		if t := &sc.Tracks[i]; t.Confirmed && t.Observed && t.Motion == sidecar.Moving {
			m.moves, m.last, m.came = true, sc.Capture, time.Now()
			break
		}
	}
	if m.moves && sc.Capture.Sub(m.last) > quiet {
		m.moves = false
	}
	return m.moves != was, m.moves
}

// end ends the alarm, where nothing moved since. It says whether there was one.
func (m *motion) end(since time.Time) bool {
	if !m.moves || m.came.After(since) {
		return false
	}
	m.moves = false
	return true
}
