package device

import (
	"context"
	"slices"
	"sync"
	"time"

	"pantau/onvif/metadata"
)

// Bounds of one subscription.
const (
	shortest  = 10 * time.Second // life
	longest   = 24 * time.Hour
	usual     = time.Minute     // life, where the client names none
	grace     = time.Minute     // how long after a pull the next may come, beyond the pull's own timeout
	maxPull   = 2 * time.Minute // wait of one PullMessages
	maxAtOnce = 256             // events of one answer
)

// subscription is a pull point: the events that wait for one subscriber, in their order.
// What was sent is let go when the subscriber's host has acknowledged it.
type subscription struct {
	id     string
	unit   *unit
	user   string
	filter filter

	turn  chan struct{} // held by the pull that is being answered
	wake  chan struct{} // has something where the queue got its first event
	ended chan struct{}

	mu      sync.Mutex
	until   time.Time
	queue   []waiting
	events  int       // of the queue; the others are states
	lost    int       // events that were dropped and not told of
	since   time.Time // of the first of them
	stale   bool      // one was dropped, and no state that waits was taken after it
	newer   chan struct{}
	stopped bool
}

// waiting is what waits for a subscriber. A state is told anew at any time, so it is
// neither counted nor dropped for want of room.
type waiting struct {
	metadata.Notification
	state bool
}

func newSubscription(u *unit, user string, f filter, until time.Time) *subscription {
	return &subscription{unit: u, user: user, filter: f, until: until,
		turn: make(chan struct{}, 1), wake: make(chan struct{}, 1), ended: make(chan struct{})}
}

// sees says whether a camera is one of the device that was subscribed to.
func (s *subscription) sees(camera string) bool {
	return s.unit.camera == "" || s.unit.camera == camera
}

// put adds an event; the oldest one goes where there is no room.
func (s *subscription) put(n metadata.Notification) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, waiting{Notification: n})
	s.events++
	s.fit()
	s.awake()
}

// sync adds states, in the place of those that still wait.
func (s *subscription) sync(states []waiting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = slices.DeleteFunc(s.queue, func(w waiting) bool { return w.state })
	s.queue = append(s.queue, states...)
	s.awake()
}

// awake lets a pull look at the queue. The caller holds mu.
func (s *subscription) awake() {
	if len(s.queue) == 0 {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// fit drops the oldest events that are too many. The caller holds mu.
func (s *subscription) fit() {
	for ; s.events > maxQueue; s.events-- {
		i := slices.IndexFunc(s.queue, func(w waiting) bool { return !w.state })
		s.stale = s.stale || len(s.queue)-s.events == i // all states are older
		s.lose(1, s.queue[i].Time)
		copy(s.queue[1:], s.queue[:i])
		s.queue = s.queue[1:]
	}
}

// lose counts events that were dropped. The caller holds mu.
func (s *subscription) lose(n int, since time.Time) {
	if s.lost == 0 || since.Before(s.since) {
		s.since = since
	}
	s.lost += n
}

func (s *subscription) over(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return now.After(s.until)
}

// renew lets it live from now on for as long, and says until when.
func (s *subscription) renew(now time.Time, life time.Duration) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until = now.Add(min(max(life, shortest), longest))
	return s.until
}

// keep lets it live for at least as long.
func (s *subscription) keep(now time.Time, life time.Duration) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until := now.Add(life); until.After(s.until) {
		s.until = until
	}
	return s.until
}

// end lets whoever waits go.
func (s *subscription) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopped {
		s.stopped = true
		close(s.ended)
	}
}

// pull is one PullMessages that holds the turn.
type pull struct {
	*subscription
	newer chan struct{} // closed when another pull comes
}

// enter waits for the turn. A pull that still waits for events, or whose answer is still
// on its way, makes room: its client was cut off, and has come back.
func (s *subscription) enter(ctx context.Context) (*pull, bool) {
	p := &pull{subscription: s, newer: make(chan struct{})}
	s.mu.Lock()
	if s.newer != nil {
		close(s.newer)
	}
	s.newer = p.newer
	s.mu.Unlock()
	select {
	case s.turn <- struct{}{}:
		return p, true
	case <-p.newer:
	case <-s.ended:
	case <-ctx.Done():
	}
	return nil, false
}

// leave gives the turn to the next.
func (p *pull) leave() { <-p.turn }

// batch is what one answer brings.
type batch struct {
	lost   int // events that were dropped before
	since  time.Time
	resync bool // states must be told anew
	queue  []waiting
}

// all is what is told: first that there is a gap.
func (b batch) all() []metadata.Notification {
	var all []metadata.Notification
	if b.lost > 0 {
		all = append(all, gap(b.lost, b.since, time.Now()))
	}
	for _, w := range b.queue {
		all = append(all, w.Notification)
	}
	return all
}

// wait gives the events that are there, at most limit, or the first that comes within the
// timeout.
func (p *pull) wait(ctx context.Context, timeout time.Duration, limit int) (b batch, ok bool) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for {
		if b = p.take(limit); b.lost > 0 || len(b.queue) > 0 {
			return b, true
		}
		select {
		case <-p.wake:
		case <-timer.C:
			return b, true
		case <-p.unit.closing:
			return b, true
		case <-p.newer:
			return b, false
		case <-p.ended:
			return b, false
		case <-ctx.Done():
			return b, false
		}
	}
}

// take takes events off the queue. That some were lost is one of the limit.
func (p *pull) take(limit int) batch {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := batch{lost: p.lost, since: p.since, resync: p.stale}
	p.lost, p.stale = 0, false
	if b.lost > 0 {
		limit--
	}
	n := min(len(p.queue), limit)
	b.queue, p.queue = p.queue[:n:n], p.queue[n:]
	p.events -= b.events()
	return b
}

// events are those of a batch that are no states.
func (b batch) events() (n int) {
	for _, w := range b.queue {
		if !w.state {
			n++
		}
	}
	return n
}

// back puts a batch at the front of the queue again: it did not arrive.
func (p *pull) back(b batch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b.lost > 0 {
		p.lose(b.lost, b.since)
	}
	p.stale = p.stale || b.resync
	p.queue = slices.Concat(b.queue, p.queue)
	p.events += b.events()
	p.fit()
	p.awake()
}
