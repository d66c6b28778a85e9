package pipeline

import (
	"sync/atomic"

	"pantau/sidecar"
)

// queueLength is how many access units may wait for the decoder: a second and a
// quarter at 25 frames per second.
const queueLength = 32

// unitQueue stands between the tap, which never waits, and the decoder. When it
// is full, units are dropped up to the next key frame, since what follows a lost
// unit cannot be decoded. One goroutine puts, one reads c.
type unitQueue struct {
	c       chan *sidecar.AccessUnit
	dropped atomic.Uint64
	skip    bool // until the next key frame
}

func newUnitQueue() *unitQueue {
	return &unitQueue{c: make(chan *sidecar.AccessUnit, queueLength)}
}

func (q *unitQueue) put(u *sidecar.AccessUnit) {
	if q.skip && !u.Key {
		q.dropped.Add(1)
		return
	}
	select {
	case q.c <- u:
		q.skip = false
	default:
		q.skip = true
		q.dropped.Add(1)
	}
}

// close ends the flow; put must not be called any more.
func (q *unitQueue) close() { close(q.c) }
