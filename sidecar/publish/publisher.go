package publish

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"pantau/sidecar"
)

// Options says where to publish. At least one of Redis and JSONL is given.
type Options struct {
	Node  string // this process among several; empty is "node-1"
	Redis *Redis // streams
	JSONL *JSONL // file of JSON lines
	Log   *slog.Logger
	Now   func() time.Time // empty is time.Now
}

// sink is one place to publish to. Its file is named in the table sinks.
type sink interface {
	// facts returns nil when the entries are safe: they survive the end of this
	// process, and with them the notes. It waits while that cannot be, until ctx ends.
	facts(ctx context.Context, entries []entry, notes map[string][]byte) error
	// note gives a note that was kept; nil: there is none.
	note(ctx context.Context, name string) ([]byte, error)
	// scene takes what it needs of the scene before it returns, and does not wait
	// for a network.
	scene(c *channel, s *sidecar.Scene)
	// set replaces a hash.
	set(h hash)
	// remove forgets a camera.
	remove(camera string)
	// run works until ctx ends, then passes on what it can within a moment.
	run(ctx context.Context) error
	// add adds the sink's numbers.
	add(s *Stats)
}

// sinks is the whole list: to add one, write its file and add its line. A maker
// gives nil when its options are not set.
var sinks = []struct {
	name string
	make func(context.Context, *Publisher) (sink, error)
}{
	{"redis", newRedisSink}, // redis.go
	{"jsonl", newJSONLSink}, // jsonl.go
}

// hash is a Redis hash that always holds the newest.
type hash struct {
	kind   string // "camera" or "latest"
	camera string
	fields []string // name, value, …
	ttl    time.Duration
}

// channel is what the envelopes of one camera's frames have in common.
type channel struct {
	source, stream string
}

// Publisher publishes to all sinks. Its methods can be called by many goroutines.
type Publisher struct {
	o       Options
	sinks   []sink
	noteSeq atomic.Uint64
	notes   chan entry // health and audit, on their way to the facts
	lost    atomic.Uint64

	mu        sync.RWMutex // guards what follows
	cameras   map[string]*channel
	announced map[string]bool // cameras of the catalogue
	ended     bool            // nobody takes notes any more
}

// notesHeld is how many changes of state and audits can wait to be stored.
const notesHeld = 1024

// New opens the sinks. Run does the work; without it facts wait in the outbox.
func New(ctx context.Context, o Options) (*Publisher, error) {
	if o.Node == "" {
		o.Node = "node-1"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	p := &Publisher{o: o, notes: make(chan entry, notesHeld),
		cameras: map[string]*channel{}, announced: map[string]bool{}}
	for _, k := range sinks {
		s, err := k.make(ctx, p)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("opening the sink %s: %w", k.name, err), p.close())
		}
		if s != nil {
			p.sinks = append(p.sinks, s)
		}
	}
	if len(p.sinks) == 0 {
		return nil, errors.New("opening the sinks: neither Redis nor a file is given")
	}
	return p, nil
}

// close gives back what New opened, when Run will not be called.
func (p *Publisher) close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return p.Run(ctx)
}

// Run publishes until ctx ends. Then it has a few seconds to pass on what waits;
// what Redis has not acknowledged stays in the outbox for the next start.
// The error says what a person must do; it does not come while Redis is merely away.
func (p *Publisher) Run(ctx context.Context) error {
	var wait sync.WaitGroup
	errs := make([]error, len(p.sinks))
	sinksCtx, end := context.WithCancel(context.WithoutCancel(ctx))
	for i, s := range p.sinks {
		wait.Go(func() { errs[i] = s.run(sinksCtx) })
	}
	p.storeNotes(ctx)
	end()
	wait.Wait()
	return errors.Join(errs...)
}

// storeNotes gives notes to the facts, until ctx ends and none is left.
func (p *Publisher) storeNotes(ctx context.Context) {
	for {
		select {
		case e := <-p.notes:
			p.storeNote(ctx, e)
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 500*time.Millisecond)
			defer cancel()
			p.mu.Lock()
			p.ended = true
			p.mu.Unlock()
			for len(p.notes) > 0 {
				p.storeNote(ctx, <-p.notes)
			}
			return
		}
	}
}

func (p *Publisher) storeNote(ctx context.Context, e entry) {
	if err := p.store(ctx, []entry{e}, nil); err != nil {
		p.lost.Add(1)
		p.o.Log.Warn("a change of state, or an audit, is not stored", "id", string(e.id), "error", err)
	}
}

// store gives entries and notes to every sink.
func (p *Publisher) store(ctx context.Context, entries []entry, notes map[string][]byte) error {
	for _, s := range p.sinks {
		if err := s.facts(ctx, entries, notes); err != nil {
			return err
		}
	}
	return nil
}

// Facts returns nil when the events and counts stand on the disk: from then on
// they will be published, whatever is killed. While the outbox or the disk is
// full it waits, and says so (log, pantau:health, Stats); when ctx ends first,
// the error is a *sidecar.Fault with the cause. After any error the caller still
// has the facts: giving them again is harmless, since their ids are the same.
func (p *Publisher) Facts(ctx context.Context, events []sidecar.Event, counts []sidecar.Count) error {
	return p.Keep(ctx, nil, events, counts)
}

// Keep is Facts that keeps notes on the disk too, by their names: after a crash both
// are there, or neither is. They are not published. A nil note is forgotten, and so is
// one that is not written for thirty days. Without Redis notes are not kept.
func (p *Publisher) Keep(ctx context.Context, notes map[string][]byte, events []sidecar.Event, counts []sidecar.Count) error {
	if len(events)+len(counts)+len(notes) == 0 {
		return nil
	}
	entries, err := p.facts(events, counts)
	if err != nil {
		return fmt.Errorf("publishing facts: %w", err)
	}
	return p.store(ctx, entries, notes)
}

// Note gives what Keep has kept by a name; nil: nothing.
func (p *Publisher) Note(ctx context.Context, name string) ([]byte, error) {
	for _, s := range p.sinks {
		if body, err := s.note(ctx, name); body != nil || err != nil {
			return body, err
		}
	}
	return nil, nil
}

// Scene publishes what a frame showed. It never blocks: what cannot be taken at
// once is dropped and counted. The scene is the caller's again when it returns.
func (p *Publisher) Scene(s *sidecar.Scene) {
	p.mu.RLock()
	c := p.cameras[s.Camera]
	p.mu.RUnlock()
	if c == nil {
		c = &channel{source: p.source(s.Camera), stream: FramesOf(s.Camera)}
		p.mu.Lock()
		p.cameras[s.Camera] = c
		p.mu.Unlock()
	}
	for _, k := range p.sinks {
		k.scene(c, s)
	}
}

// FramesOf is the stream of a camera's frames, without the prefix. The braces
// are Redis Cluster's hash tag.
func FramesOf(camera string) string { return Frames + ":{" + camera + "}" }

// Health publishes a change of state of a camera, or of this node where the
// change names no camera. It never blocks.
func (p *Publisher) Health(c sidecar.StateChange) {
	subject := c.Camera
	if subject == "" {
		subject = p.o.Node
	}
	p.note(subject, c)
}

func (p *Publisher) note(subject string, c sidecar.StateChange) {
	e, err := p.noted(Health, subject, c.Camera, p.o.Now(), c)
	if err != nil { // cannot happen: the struct marshals
		p.lost.Add(1)
		return
	}
	_ = p.queue(e) // it is counted
}

// queue lets a note wait until Run stores it.
func (p *Publisher) queue(e entry) error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.ended {
		p.lost.Add(1)
		return errors.New("publishing has ended")
	}
	select {
	case p.notes <- e:
		return nil
	default:
		p.lost.Add(1)
		return errors.New("too many changes wait to be stored")
	}
}

// Audit publishes a change that somebody made. It never blocks, whatever ctx
// says: Run stores the change a moment later, as changes of state. The error
// says that there is no room to wait in; Stats count what was not stored.
func (p *Publisher) Audit(_ context.Context, a Audit) error {
	e, err := p.noted(Audited, a.What, "", p.o.Now(), a)
	if err != nil {
		return err
	}
	if err := p.queue(e); err != nil {
		return fmt.Errorf("publishing the audit of %s: %w", a.What, err)
	}
	return nil
}
