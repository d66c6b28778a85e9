package publish

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/publish/outbox"
)

// Stats are the publisher's numbers since it began. They are a copy.
type Stats struct {
	FramesSent    uint64
	FramesDropped map[string]uint64 // by reason: queue (ours is full), away, oom, misconf, …
	FactsSent     uint64            // acknowledged by Redis
	FactsResent   uint64            // sent again, since Redis was restarted or replaced
	FactsBad      uint64            // records of a damaged outbox that could not be read
	NotesLost     uint64            // changes of state and audits that could not be stored
	Waiting       int64             // facts that Redis has not acknowledged
	Oldest        time.Duration     // age of the oldest of them
	Outbox        outbox.Stats
	OutboxState   State
	RedisState    State
	JSONLState    State
	ClockOffset   time.Duration // by which Redis' clock is ahead of ours
	Groups        []Group       // consumer groups of events and counts
	Lines         uint64        // written to the file of JSON lines
	LinesLost     uint64        // that could not wait any more until the file took them
}

// State is how it stands with Redis, the outbox or the file of JSON lines.
type State struct {
	Kind  string // "ok", or the kind of trouble: away, loading, oom, misconf, readonly, auth, …; full, disk, failed
	Cause string
	Hint  string // what a person does; empty where waiting helps
	Since time.Time
}

// Stats gives the numbers.
func (p *Publisher) Stats() Stats {
	ok := State{Kind: "ok"} // of what is not in use
	s := Stats{FramesDropped: map[string]uint64{}, NotesLost: p.lost.Load(), OutboxState: ok, RedisState: ok, JSONLState: ok}
	for _, k := range p.sinks {
		k.add(&s)
	}
	return s
}

func (s *redisSink) add(t *Stats) {
	t.FactsSent, t.FactsResent, t.FactsBad = s.fwd.sent.Load(), s.fwd.resent.Load(), s.fwd.bad.Load()
	t.Outbox = s.box.Stats()
	t.Waiting = max(0, t.Outbox.Records-s.fwd.keeps.Load())
	if at, err := s.box.Oldest(context.Background(), s.fwd.position.Load()); err == nil && !at.IsZero() {
		t.Oldest = time.Since(at)
	}
	t.OutboxState, t.RedisState = s.state.get(), s.fwd.state.get()
	t.ClockOffset = time.Duration(s.conn.offset.Load())
	t.Groups = s.care.groups()
	t.FramesSent = s.queue.sent.Load()
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	for reason, n := range s.queue.dropped {
		t.FramesDropped[reason] += n
	}
}

// condition is a state that is said once when it changes: in the log and in
// pantau:health.
type condition struct {
	what string // "redis", "outbox" or "jsonl"
	p    *Publisher

	mu    sync.Mutex // guards state
	state State
}

func newCondition(what string, p *Publisher) *condition {
	return &condition{what: what, p: p, state: State{Kind: "ok", Since: p.o.Now()}}
}

func (c *condition) get() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// set notes an error, or with nil that all is well.
func (c *condition) set(err error, t trouble) {
	next := State{Kind: "ok", Hint: t.hint, Since: c.p.o.Now()}
	if err != nil {
		next.Kind, next.Cause = t.kind, err.Error()
	}
	c.mu.Lock()
	last := c.state
	if last.Kind != next.Kind {
		c.state = next
	}
	c.mu.Unlock()
	if last.Kind == next.Kind {
		return
	}
	c.p.note(c.p.o.Node+"/"+c.what, sidecar.StateChange{From: word(last), To: word(next), Cause: next.Cause, Hint: next.Hint})
	log := c.p.o.Log.With(slog.String("part", c.what))
	switch {
	case next.Kind == "ok":
		log.Info("well again", "after", next.Since.Sub(last.Since).Round(time.Millisecond))
	case next.Hint == "":
		log.Warn("facts wait on the disk", "error", next.Cause)
	default:
		log.Error("facts wait until somebody acts", "error", next.Cause, "hint", next.Hint)
	}
}

// word is a state in the words of pantau:health.
func word(s State) string {
	switch {
	case s.Kind == "ok":
		return "running"
	case s.Hint == "":
		return "retrying"
	}
	return "faulty"
}
