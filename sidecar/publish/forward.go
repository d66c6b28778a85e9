package publish

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"pantau/sidecar/publish/outbox"
)

// Limits of the forwarder.
const (
	batchSize  = 512             // entries in one pipeline
	batchIn    = 5 * time.Second // for one pipeline to be answered
	idle       = time.Second     // between two looks at a Redis to which nothing is sent
	settleAt   = time.Second     // least time between two deletions
	lastWord   = time.Second     // for the batch that is under way at the end
	drainIn    = 2 * time.Second // for what is left then
	settleIn   = time.Second     // for the outbox to note how far it came
	firstRetry = 50 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// grace is how long an acknowledged fact still waits in the outbox. With
// appendfsync everysec, Redis can hold what it has acknowledged for up to two
// seconds in memory while the disk is busy, and a failover can lose what had not
// reached the replica; whoever meets another server than before sends it again.
const (
	grace      = 10 * time.Second
	shortGrace = 3 * time.Second // when the outbox is nearly full
)

// forwarder takes facts from the outbox to Redis, in order. It alone knows the
// position and when to try again.
type forwarder struct {
	box    *outbox.Outbox
	conn   *conn
	log    *slog.Logger
	wake   chan struct{} // something new is in the outbox
	state  *condition    // of Redis
	sent   atomic.Uint64
	resent atomic.Uint64
	bad    atomic.Uint64
	keeps  atomic.Int64 // acknowledged and still in the outbox

	position   atomic.Int64 // acknowledged up to here
	marked     int64        // the position that the outbox has noted
	generation uint64
	kept       []ack // acknowledged and not deleted, oldest first
	settled    time.Time
}

// ack is a batch that Redis has acknowledged.
type ack struct {
	seq int64 // of its last record
	n   int64
	at  time.Time
}

// run forwards until ctx ends, then for a moment more.
func (f *forwarder) run(ctx context.Context) error {
	retry := firstRetry
	for ctx.Err() == nil {
		n, err := f.step(ctx)
		if ctx.Err() != nil {
			break
		}
		f.state.set(err, troubleOf(err))
		switch {
		case err != nil:
			pause(ctx, retry/2+rand.N(retry))
			retry = min(2*retry, lastRetry)
		case n < batchSize:
			retry = firstRetry
			f.wait(ctx)
		}
	}
	return f.finish(context.WithoutCancel(ctx))
}

// resume begins where the last process stopped, if Redis is still the same. It
// comes before the first connection.
func (f *forwarder) resume(ctx context.Context) error {
	seq, note, err := f.box.Mark(ctx)
	if err != nil {
		return err
	}
	f.conn.known(note)
	f.position.Store(seq)
	f.marked = seq
	if seq > 0 {
		f.keep(ack{seq: seq, at: time.Now()})
	}
	return nil
}

func (f *forwarder) wait(ctx context.Context) {
	timer := time.NewTimer(idle)
	defer timer.Stop()
	select {
	case <-f.wake:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// step sends one batch and says how many records were acknowledged.
func (f *forwarder) step(ctx context.Context) (int, error) {
	ctx, cancel := outlive(ctx)
	defer cancel()
	if err := f.conn.Ping(ctx).Err(); err != nil { // a dead connection is found here, and not below
		return 0, err
	}
	f.rewind()
	if err := f.settle(ctx, false); err != nil {
		f.log.Warn("the outbox cannot be cleared", "error", err) // once a second at most; sending goes on
	}
	records, err := f.box.Next(ctx, f.position.Load(), batchSize)
	if err != nil || len(records) == 0 {
		return 0, err
	}
	entries, seqs := f.decode(records)
	n, err := f.conn.add(ctx, entries)
	if n == len(entries) {
		f.acknowledged(records[len(records)-1].Seq, n)
		return len(records), err
	}
	if n > 0 {
		f.acknowledged(seqs[n-1], n)
	}
	return n, err
}

// outlive is a context for one batch. It lasts a moment longer than ctx, so that
// what is under way at the end is not sent twice.
func outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	batch, cancel := context.WithTimeout(context.WithoutCancel(ctx), batchIn)
	stop := context.AfterFunc(ctx, func() {
		pause(batch, lastWord)
		cancel()
	})
	return batch, func() { stop(); cancel() }
}

// rewind goes back to the oldest record that is left when Redis is another one.
func (f *forwarder) rewind() {
	generation, _ := f.conn.met()
	if generation == f.generation {
		return
	}
	f.generation = generation
	f.resent.Add(uint64(f.keeps.Swap(0)))
	f.position.Store(0)
	f.marked, f.kept = -1, nil
}

func (f *forwarder) decode(records []outbox.Record) (entries []entry, seqs []int64) {
	for _, r := range records {
		e, err := parseLine(r.Body)
		if err != nil { // only a damaged file has such
			f.bad.Add(1)
			f.log.Error("a record of the outbox cannot be read and is skipped", "seq", r.Seq, "error", err)
			continue
		}
		entries, seqs = append(entries, e), append(seqs, r.Seq)
	}
	return entries, seqs
}

func (f *forwarder) acknowledged(seq int64, n int) {
	f.position.Store(seq)
	f.sent.Add(uint64(n))
	f.keep(ack{seq: seq, n: int64(n), at: time.Now()})
}

func (f *forwarder) keep(a ack) {
	f.kept = append(f.kept, a)
	f.keeps.Add(a.n)
}

// settle deletes what was acknowledged long enough ago, and notes how far Redis
// has come and which one it is.
func (f *forwarder) settle(ctx context.Context, last bool) error {
	if !last && time.Since(f.settled) < settleAt {
		return nil
	}
	f.settled = time.Now()
	position := f.position.Load()
	if generation, note := f.conn.met(); generation == f.generation && position != f.marked {
		if err := f.box.SetMark(ctx, position, note); err != nil {
			return err
		}
		f.marked = position
	}
	n, stay := 0, grace
	if s := f.box.Stats(); s.Bytes > s.Limit-s.Limit/8 {
		stay = shortGrace
	}
	for n < len(f.kept) && time.Since(f.kept[n].at) > stay {
		n++
	}
	if n == 0 {
		return nil
	}
	if err := f.box.Delete(ctx, f.kept[n-1].seq); err != nil {
		return err
	}
	for _, a := range f.kept[:n] {
		f.keeps.Add(-a.n)
	}
	f.kept = append(f.kept[:0], f.kept[n:]...)
	return nil
}

// finish sends what still waits, while Redis takes it at once. ctx has no end;
// a Redis that hangs leaves time for the outbox all the same.
func (f *forwarder) finish(ctx context.Context) error {
	draining, cancel := context.WithTimeout(ctx, drainIn)
	defer cancel()
	for {
		n, err := f.step(draining)
		if err != nil || n == 0 {
			break // what is left waits for the next start
		}
	}
	settling, cancel := context.WithTimeout(ctx, settleIn)
	defer cancel()
	return f.settle(settling, true)
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
