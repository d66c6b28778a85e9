package live

import "sync"

// queue is what waits for one viewer. Putting never blocks: when it is full,
// what the viewer can do without is left out and counted.
type queue struct {
	maxBytes, maxMessages int
	ready                 chan struct{} // holds one token while something waits
	moved                 chan struct{} // closed when the viewer is to come anew

	mu       sync.Mutex
	waiting  []message
	bytes    int
	skipping bool // pictures are left out up to the next key frame
	dropped  uint64
}

// newQueue makes an empty queue that begins with a key frame, or with the
// pictures after backlog where that is given.
func newQueue(maxBytes, maxMessages int, needKey bool) *queue {
	return &queue{maxBytes: maxBytes, maxMessages: maxMessages, skipping: needKey,
		ready: make(chan struct{}, 1)}
}

// put adds a message, or leaves it out. A key frame after a gap takes the place
// of all older pictures and scenes: the viewer goes on with the newest.
func (q *queue) put(m message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	full := len(q.waiting) >= q.maxMessages || q.bytes+len(m.data) > q.maxBytes
	switch {
	case m.kind == kindHello && full:
		q.keep(func(messageKind) bool { return false })
		q.skipping = true // what comes next may need what was left out
	case m.kind == kindHello: // nothing is left out for it
	case m.kind == kindKey && (full || q.skipping):
		q.keep(func(k messageKind) bool { return k == kindHello || k == kindState })
		q.skipping = false
	case m.kind == kindDelta && (full || q.skipping):
		q.skipping = true
		q.dropped++
		return
	case full:
		q.dropped++
		return
	}
	q.waiting = append(q.waiting, m)
	q.bytes += len(m.data)
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// dropPictures leaves out the pictures that wait.
func (q *queue) dropPictures() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.keep(func(k messageKind) bool { return !k.picture() })
	q.skipping = true
}

// keep leaves out the waiting messages whose kind is not wanted. The caller
// holds mu.
func (q *queue) keep(want func(messageKind) bool) {
	kept := q.waiting[:0]
	for _, m := range q.waiting {
		if want(m.kind) {
			kept = append(kept, m)
			continue
		}
		q.dropped++
		q.bytes -= len(m.data)
	}
	clear(q.waiting[len(kept):])
	q.waiting = kept
}

// take gives the oldest message; false where none waits.
func (q *queue) take() (message, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return message{}, false
	}
	m := q.waiting[0]
	n := copy(q.waiting, q.waiting[1:])
	q.waiting[n] = message{}
	q.waiting = q.waiting[:n]
	q.bytes -= len(m.data)
	return m, true
}

// losses is the number of messages that were left out so far.
func (q *queue) losses() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}
