package whep

import (
	"sync"

	"pantau/sidecar"
)

// moment is what a viewer is given at once: a picture, its scene, or both; or a scene
// alone that came late.
type moment struct {
	unit  *sidecar.AccessUnit
	scene *sidecar.Scene
}

// queue is what waits for one viewer. Putting never blocks: when it is full, all that
// waits is left out, and the pictures after it up to the next key picture.
type queue struct {
	maxBytes, maxMoments int
	ready                chan struct{} // holds one token while something waits

	mu       sync.Mutex
	waiting  []moment
	bytes    int
	skipping bool
	dropped  uint64 // pictures
}

func newQueue(maxBytes, maxMoments int) *queue {
	return &queue{maxBytes: maxBytes, maxMoments: maxMoments, ready: make(chan struct{}, 1), skipping: true}
}

// put adds a moment, or leaves it out.
func (q *queue) put(m moment) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if m.unit == nil && (q.skipping || len(q.waiting) >= q.maxMoments) {
		return
	}
	if m.unit != nil {
		if len(q.waiting) >= q.maxMoments || q.bytes+m.unit.Size() > q.maxBytes && q.bytes > 0 {
			for _, w := range q.waiting {
				if w.unit != nil {
					q.dropped++
				}
			}
			clear(q.waiting)
			q.waiting, q.bytes, q.skipping = q.waiting[:0], 0, true
		}
		if q.skipping = q.skipping && !m.unit.Key; q.skipping {
			q.dropped++
			return
		}
		q.bytes += m.unit.Size()
	}
	q.waiting = append(q.waiting, m)
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// take gives the oldest moment; false where none waits.
func (q *queue) take() (moment, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return moment{}, false
	}
	m := q.waiting[0]
	n := copy(q.waiting, q.waiting[1:])
	q.waiting[n] = moment{}
	q.waiting = q.waiting[:n]
	if m.unit != nil {
		q.bytes -= m.unit.Size()
	}
	return m, true
}

// losses is the number of pictures that were left out so far.
func (q *queue) losses() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}
