package devices

import (
	"time"

	"pantau/sidecar"
)

// quiet is how long nothing must move before that is told: motion that stops and goes on
// is one alarm.
const quiet = 5 * time.Second

// motion knows whether anything moves before a camera.
type motion struct {
	moves bool
	last  time.Time // capture time of the scene in which something did
}

// take looks at the next scene.
func (m *motion) take(sc *sidecar.Scene) (changed, moves bool) {
	was := m.moves
	for i := range sc.Tracks {
		if t := &sc.Tracks[i]; t.Confirmed && t.Observed && t.Motion == sidecar.Moving {
			m.moves, m.last = true, sc.Capture
			break
		}
	}
	if m.moves && sc.Capture.Sub(m.last) > quiet {
		m.moves = false
	}
	return m.moves != was, m.moves
}
