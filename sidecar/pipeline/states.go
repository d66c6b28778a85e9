package pipeline

import (
	"strconv"
	"sync"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/tap"
)

// stateLog is what has become of a camera's connection, until the goroutine that
// writes facts takes it. A camera that is away is told once, and not at every
// attempt to reach it.
type stateLog struct {
	ready chan struct{} // holds a token while something waits

	mu      sync.Mutex
	told    string // the phase that was told last
	waiting []stateChange
}

// stateChange is a change and when it came, this machine's clock.
type stateChange struct {
	sidecar.StateChange
	at time.Time
}

// put notes a phase, and says whether it is worth telling.
func (l *stateLog) put(camera string, s tap.State) (sidecar.StateChange, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.Phase == l.told || s.Phase == tap.Connecting && l.told != "" {
		return sidecar.StateChange{}, false
	}
	change := sidecar.StateChange{Origin: sidecar.Origin{Camera: camera}, From: l.told, To: s.Phase, Hint: s.Hint}
	if s.Cause != nil {
		change.Cause = s.Cause.Error()
	}
	l.told = s.Phase
	l.waiting = append(l.waiting, stateChange{change, time.Now().UTC()})
	select {
	case l.ready <- struct{}{}:
	default:
	}
	return change, true
}

// take gives what waits as events. origin is the newest scene's.
func (l *stateLog) take(origin sidecar.Origin) []sidecar.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	var events []sidecar.Event
	for _, c := range l.waiting {
		c.Origin = origin
		events = append(events, sidecar.Event{
			ID:   origin.Camera + "/state/" + strconv.FormatInt(c.at.UnixMicro(), 36) + "/0/1",
			Type: sidecar.CameraState, Camera: origin.Camera, Subject: origin.Camera, Time: c.at, Data: c.StateChange,
		})
	}
	l.waiting = nil
	return events
}
