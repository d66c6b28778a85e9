package publish

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"pantau/sidecar"
)

// Limits of the way of the frames.
const (
	framesHeld = 1024                  // frames that can wait: 0.4 s of 300 cameras at 8 fps
	flushSize  = 64                    // entries in one pipeline (2.5 µs of Redis each, against 12.6 µs alone)
	flushEvery = 20 * time.Millisecond // longest wait for a pipeline to fill
	flushIn    = 2 * time.Second       // for one pipeline to be answered
	flushEnd   = 500 * time.Millisecond
)

const frameType = "pantau." + Frames + ".v1"

// fill makes the entry of a frame, using the entry's buffers again.
func fill(e *entry, c *channel, s *sidecar.Scene) {
	e.stream, e.typ, e.source, e.subject = c.stream, frameType, c.source, s.Camera
	e.id = append(append(e.id[:0], s.Camera...), '/')
	e.id = append(append(e.id, s.Epoch...), '/')
	e.id = strconv.AppendUint(e.id, s.Seq, 10)
	e.time = s.Capture.UTC().AppendFormat(e.time[:0], sidecar.TimeFormat)
	e.data = s.AppendJSON(e.data[:0])
}

// frameQueue is what waits for the next pipeline: frames, in a fixed number of
// buffers that go round, and the newest hashes.
type frameQueue struct {
	free, full chan *entry
	wake       chan struct{} // a hash has changed
	sent       atomic.Uint64

	mu      sync.Mutex // guards what follows
	hashes  map[string]*posted
	removed []string // keys to delete
	dropped map[string]uint64
	active  map[string]time.Time // streams of frames: when the last was sent
}

// posted is a hash and what Redis has of it.
type posted struct {
	hash
	dirty bool
	names string // the fields as they were written last; empty: not since Redis is this one
}

func newFrameQueue() *frameQueue {
	q := &frameQueue{free: make(chan *entry, framesHeld), full: make(chan *entry, framesHeld), wake: make(chan struct{}, 1),
		hashes: map[string]*posted{}, dropped: map[string]uint64{}, active: map[string]time.Time{}}
	for range framesHeld {
		q.free <- &entry{}
	}
	return q
}

// put takes a copy of the scene, or drops it when no buffer is free.
func (q *frameQueue) put(c *channel, s *sidecar.Scene) {
	select {
	case e := <-q.free:
		fill(e, c, s)
		q.full <- e // has room for every buffer
	default:
		q.drop("queue", 1)
	}
}

func (q *frameQueue) drop(reason string, n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dropped[reason] += uint64(n)
}

func (q *frameQueue) set(key string, h hash) {
	q.mu.Lock()
	p := q.hashes[key]
	if p == nil {
		p = &posted{}
		q.hashes[key] = p
	}
	p.hash, p.dirty = h, true
	q.mu.Unlock()
	q.ring()
}

// rewrite makes everything that stays (hashes without an end) be written again.
func (q *frameQueue) rewrite() {
	q.mu.Lock()
	for _, p := range q.hashes {
		p.names = ""
		p.dirty = p.dirty || p.ttl == 0
	}
	q.mu.Unlock()
	q.ring()
}

func (q *frameQueue) remove(keys ...string) {
	q.mu.Lock()
	for _, k := range keys {
		delete(q.hashes, k)
		delete(q.active, k)
	}
	q.removed = append(q.removed, keys...)
	q.mu.Unlock()
	q.ring()
}

func (q *frameQueue) ring() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// run sends until ctx ends, and then what has been put until then.
func (q *frameQueue) run(ctx context.Context, c *conn) {
	batch := make([]*entry, 0, flushSize)
	for ctx.Err() == nil {
		batch = q.gather(ctx, batch[:0])
		q.flush(ctx, c, batch, flushIn)
	}
	for len(q.full) > 0 {
		batch = q.gather(ctx, batch[:0])
		if !q.flush(context.WithoutCancel(ctx), c, batch, flushEnd) {
			return
		}
	}
	q.flush(context.WithoutCancel(ctx), c, nil, flushEnd)
}

// gather waits for the first frame or hash, and a little for more.
func (q *frameQueue) gather(ctx context.Context, batch []*entry) []*entry {
	done := ctx.Done()
	if ctx.Err() != nil { // take what is there
		closed := make(chan struct{})
		close(closed)
		done = closed
	} else {
		select {
		case e := <-q.full:
			batch = append(batch, e)
		case <-q.wake:
		case <-done:
			return batch
		}
	}
	timer := time.NewTimer(flushEvery)
	defer timer.Stop()
	for len(batch) < cap(batch) {
		select {
		case e := <-q.full:
			batch = append(batch, e)
			continue
		default:
		}
		select {
		case e := <-q.full:
			batch = append(batch, e)
		case <-timer.C:
			return batch
		case <-done:
			return batch
		}
	}
	return batch
}

// flush sends frames and hashes in one pipeline and gives the buffers back. What
// Redis did not take is dropped and counted; hashes that stay are tried again.
func (q *frameQueue) flush(ctx context.Context, c *conn, batch []*entry, within time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	pipe := c.Pipeline()
	cmds := make([]*redis.Cmd, len(batch))
	for i, e := range batch {
		cmds[i] = c.xadd(ctx, e)
		_ = pipe.Process(ctx, cmds[i]) // queues; the answer comes with Exec
	}
	sent := q.addHashes(ctx, pipe)
	if pipe.Len() == 0 {
		return true
	}
	_, err := pipe.Exec(ctx)
	q.settle(batch, cmds, sent, err == nil)
	return err == nil
}

// changes are the changes of hashes in one pipeline.
type changes struct {
	names   map[string]string // by key: the fields that were written
	removed []string
}

// addHashes adds the changes of hashes to the pipeline and says which ones they are.
func (q *frameQueue) addHashes(ctx context.Context, pipe redis.Pipeliner) changes {
	q.mu.Lock()
	defer q.mu.Unlock()
	sent := changes{names: map[string]string{}, removed: q.removed}
	q.removed = nil
	for _, key := range sent.removed {
		pipe.Del(ctx, key)
	}
	for key, p := range q.hashes {
		if !p.dirty {
			continue
		}
		names := ""
		for i := 0; i < len(p.fields); i += 2 {
			names += p.fields[i] + "\x00"
		}
		if names != p.names {
			pipe.Del(ctx, key) // or fields of yesterday's rules would stay
		}
		pipe.HSet(ctx, key, p.fields)
		if p.ttl > 0 {
			pipe.PExpire(ctx, key, p.ttl)
		}
		sent.names[key], p.dirty = names, false
	}
	return sent
}

// settle counts, and notes what Redis has now.
func (q *frameQueue) settle(batch []*entry, cmds []*redis.Cmd, sent changes, ok bool) {
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, e := range batch {
		if err := cmds[i].Err(); err != nil {
			q.dropped[troubleOf(err).kind]++
		} else {
			q.sent.Add(1)
			q.active[e.stream] = now
		}
		q.free <- e
	}
	if !ok {
		q.removed = append(sent.removed, q.removed...)
	}
	for key, names := range sent.names {
		p := q.hashes[key]
		if p == nil {
			continue
		}
		if ok {
			p.names = names
		} else {
			p.names = ""
			p.dirty = p.dirty || p.ttl == 0
		}
	}
}
