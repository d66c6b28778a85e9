package device

import (
	"context"
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
	queue   []metadata.Notification
	lost    int       // events that were dropped and not told of
	since   time.Time // of the first of them
	newer   chan struct{}
	stopped bool
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
	if len(s.queue) >= maxQueue {
		s.drop(1)
	}
	s.queue = append(s.queue, n)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// drop loses the oldest events. The caller holds mu.
func (s *subscription) drop(n int) {
	if s.lost == 0 {
		s.since = s.queue[0].Time
	}
	s.lost += n
	s.queue = s.queue[n:]
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

// wait gives the events that are there, at most limit, or the first that comes within the
// timeout. resync says that some were dropped, so that states must be told anew.
func (p *pull) wait(ctx context.Context, timeout time.Duration, limit int) (batch []metadata.Notification, resync, ok bool) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for {
		if batch, resync = p.take(limit); len(batch) > 0 {
			return batch, resync, true
		}
		select {
		case <-p.wake:
		case <-timer.C:
			return nil, false, true
		case <-p.unit.closing:
			return nil, false, true
		case <-p.newer:
			return nil, false, false
		case <-p.ended:
			return nil, false, false
		case <-ctx.Done():
			return nil, false, false
		}
	}
}

// take takes events off the queue. Where some were lost, the first says so.
func (p *pull) take(limit int) (batch []metadata.Notification, resync bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lost > 0 {
		batch = append(batch, gap(p.lost, p.since, time.Now()))
		p.lost, resync = 0, true
	}
	n := min(len(p.queue), limit-len(batch))
	batch = append(batch, p.queue[:n]...)
	p.queue = p.queue[n:]
	return batch, resync
}

// back puts events at the front of the queue again: they did not arrive.
func (p *pull) back(batch []metadata.Notification) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = append(batch[:len(batch):len(batch)], p.queue...)
	if over := len(p.queue) - maxQueue; over > 0 {
		p.drop(over)
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}
