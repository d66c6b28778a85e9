package publish

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/publish/outbox"
)

// redisSink is the streams: facts by way of the outbox, frames by way of a
// bounded queue.
type redisSink struct {
	o     *Redis
	log   *slog.Logger
	box   *outbox.Outbox
	conn  *conn
	queue *frameQueue
	fwd   *forwarder
	state *condition // of the outbox
	care  upkeep
}

func newRedisSink(ctx context.Context, p *Publisher) (sink, error) {
	o := p.o.Redis
	if o == nil {
		return nil, nil
	}
	if len(o.Addrs) == 0 || o.Outbox.Path == "" {
		return nil, errors.New("no address of Redis or no path of the outbox")
	}
	box, err := outbox.Open(ctx, outbox.Options{Path: o.Outbox.Path, MaxBytes: o.Outbox.MaxBytes, MinFree: o.Outbox.MinFree})
	if errors.Is(err, outbox.ErrLocked) {
		return nil, &sidecar.Fault{Err: err, Hint: "stop the other pantau, or use another --state folder"}
	}
	if err != nil {
		return nil, &sidecar.Fault{Err: err, Hint: "look at the folder's owner and at the room on the disk"}
	}
	if box.Moved() != "" {
		p.o.Log.Error("the outbox was damaged; it lies aside now and a new one is in use",
			"file", box.Moved(), "rescued", box.Stats().Records)
	}
	s := &redisSink{o: o, log: p.o.Log, box: box, conn: newConn(o, p.o.Log), queue: newFrameQueue()}
	s.state = newCondition("outbox", p)
	s.fwd = &forwarder{box: box, conn: s.conn, log: p.o.Log, wake: make(chan struct{}, 1), state: newCondition("redis", p)}
	s.care = upkeep{conn: s.conn, queue: s.queue, log: p.o.Log}
	if err := s.fwd.resume(ctx); err != nil {
		return nil, errors.Join(err, s.conn.Close(), box.Close())
	}
	return s, nil
}

// fullRetry is how long facts wait before they try a full outbox again.
const fullRetry = 200 * time.Millisecond

func (s *redisSink) facts(ctx context.Context, entries []entry, notes map[string][]byte) error {
	bodies := make([][]byte, len(entries))
	for i := range entries {
		bodies[i] = entries[i].appendLine(nil)
	}
	for {
		err := s.box.PutNoting(ctx, notes, bodies...)
		t, passes := outboxTrouble(err)
		if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
			s.state.set(err, t)
		}
		if err == nil {
			select {
			case s.fwd.wake <- struct{}{}:
			default:
			}
			return nil
		}
		if !passes {
			return fmt.Errorf("storing facts: %w", err)
		}
		pause(ctx, fullRetry)
		if ctx.Err() != nil {
			return &sidecar.Fault{Err: err, Hint: t.hint}
		}
	}
}

func (s *redisSink) note(ctx context.Context, name string) ([]byte, error) {
	return s.box.Note(ctx, name)
}

// outboxTrouble tells what a person does about an error, and whether it can pass.
func outboxTrouble(err error) (trouble, bool) {
	switch {
	case err == nil:
		return trouble{}, false
	case errors.Is(err, outbox.ErrFull):
		return trouble{"full", "bring Redis back, or allow the outbox more room; until then nothing more is stored"}, true
	case errors.Is(err, outbox.ErrDisk):
		return trouble{"disk", "make room on the disk of the state folder; until then nothing more is stored"}, true
	}
	return trouble{"failed", "close other programs that have the outbox open, and look at its disk; a damaged outbox is moved aside when pantau starts again"}, false
}

func (s *redisSink) scene(c *channel, scene *sidecar.Scene) { s.queue.put(c, scene) }

func (s *redisSink) set(h hash) { s.queue.set(s.conn.key(h.kind+":{"+h.camera+"}"), h) }

func (s *redisSink) remove(camera string) {
	s.queue.remove(s.conn.key("camera:{"+camera+"}"), s.conn.key("latest:{"+camera+"}"), s.conn.key(FramesOf(camera)))
}

func (s *redisSink) run(ctx context.Context) error {
	var wait sync.WaitGroup
	var err error
	wait.Go(func() { s.queue.run(ctx, s.conn) })
	wait.Go(func() { err = s.fwd.run(ctx) })
	wait.Go(func() { s.care.run(ctx) })
	wait.Wait()
	if err != nil {
		err = fmt.Errorf("forwarding facts: %w", err)
	}
	return errors.Join(err, s.conn.Close(), s.box.Close())
}
