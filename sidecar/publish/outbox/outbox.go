// Package outbox keeps what must not be lost on disk until somebody else has it.
//
// It is one SQLite file (WAL, synchronous=FULL), opened by one process. Put
// returns when its records would survive a power cut; callers that come together
// share one commit. Records leave it in the order in which they came.
package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Reasons for which Put cannot store now. Both pass: the caller keeps what it
// has and tries again.
var (
	// ErrFull says that the outbox holds as much as it may.
	ErrFull = errors.New("outbox is full")
	// ErrDisk says that the disk has no room, or refuses to write.
	ErrDisk = errors.New("disk is full or refuses to write")
)

// ErrLocked says that another process has the outbox open.
var ErrLocked = errors.New("outbox is in use by another process")

// deleteChunk is how many records one transaction deletes at most, so that Put
// never waits long behind a great clearing.
const deleteChunk = 5000

// Options says where an outbox lies and how large it may become.
type Options struct {
	Path     string // of the SQLite file; its folder is made
	MaxBytes int64  // of all records together; 0 is 1 GiB
	MinFree  int64  // bytes that stay free on the disk, so that records can still be deleted; 0 is 32 MiB
	MaxPages int    // of the SQLite file, 4 KiB each; 0 is no limit beside MaxBytes
}

// Record is one entry of the outbox. Seq grows and is never used twice.
type Record struct {
	Seq  int64
	Body []byte
}

// Stats is what the outbox holds now.
type Stats struct {
	Records int64
	Bytes   int64 // of the records' bodies
	Limit   int64 // Bytes will not exceed it
}

// Outbox is safe for use by many goroutines.
type Outbox struct {
	db      *sql.DB
	lock    *os.File
	dir     string
	minFree int64
	moved   string
	turn    chan struct{} // holds one token: the right to write

	mu        sync.Mutex // guards what follows
	gathering *batch
	stats     Stats
}

// batch is what the callers of Put gather while one of them writes.
type batch struct {
	bodies [][]byte
	bytes  int64
	notes  map[string][]byte
	done   bool // written by one of its callers, with err; guarded by Outbox.turn
	err    error
}

// Open opens or makes the outbox. A damaged file is moved aside, what can still
// be read of it is taken over, and Moved says where it lies now.
func Open(ctx context.Context, o Options) (*Outbox, error) {
	if o.MaxBytes <= 0 {
		o.MaxBytes = 1 << 30
	}
	if o.MinFree <= 0 {
		o.MinFree = 32 << 20
	}
	if err := os.MkdirAll(filepath.Dir(o.Path), 0o700); err != nil {
		return nil, fmt.Errorf("making the outbox's folder: %w", err)
	}
	lock, err := lockFile(o.Path + ".lock")
	if err != nil {
		return nil, err
	}
	b := &Outbox{lock: lock, dir: filepath.Dir(o.Path), minFree: o.MinFree, turn: make(chan struct{}, 1)}
	b.turn <- struct{}{}
	b.stats.Limit = o.MaxBytes
	b.db, err = openFile(ctx, o)
	if damaged(err) {
		b.db, b.moved, err = replace(ctx, o)
	}
	if err == nil {
		err = b.db.QueryRowContext(ctx, "SELECT count(*), coalesce(sum(length(body)), 0) FROM record").
			Scan(&b.stats.Records, &b.stats.Bytes)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the outbox %s: %w", o.Path, err), b.Close())
	}
	return b, nil
}

// lockFile takes the lock that keeps a second process out. The kernel gives it
// back when this one ends, however it ends.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the outbox: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%w (%s)", ErrLocked, path)
	}
	return f, nil
}

// Moved is where a damaged predecessor of the file lies now; empty if there was none.
func (b *Outbox) Moved() string { return b.moved }

// Stats is what the outbox holds now.
func (b *Outbox) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stats
}

// Put stores the bodies in order and returns when they stand on the disk. An
// error that is ErrFull or ErrDisk passes. After an error none of them is
// promised; some may be there.
func (b *Outbox) Put(ctx context.Context, bodies ...[]byte) error {
	return b.PutNoting(ctx, nil, bodies...)
}

// PutNoting is Put that writes notes too, by their names, in the same moment: after a
// crash both are there, or neither is. A nil note is forgotten.
func (b *Outbox) PutNoting(ctx context.Context, notes map[string][]byte, bodies ...[]byte) error {
	mine := b.join(notes, bodies)
	select {
	case <-b.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { b.turn <- struct{}{} }()
	if !mine.done {
		b.mu.Lock()
		b.gathering = nil
		b.mu.Unlock()
		mine.err = b.write(context.WithoutCancel(ctx), mine)
		mine.done = true
	}
	return mine.err
}

func (b *Outbox) join(notes map[string][]byte, bodies [][]byte) *batch {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gathering == nil {
		b.gathering = &batch{notes: map[string][]byte{}}
	}
	maps.Copy(b.gathering.notes, notes)
	b.gathering.bodies = append(b.gathering.bodies, bodies...)
	for _, body := range bodies {
		b.gathering.bytes += int64(len(body))
	}
	return b.gathering
}

const insertRecord = "INSERT INTO record (at, body) VALUES (?, ?)"

func (b *Outbox) write(ctx context.Context, w *batch) error {
	if s := b.Stats(); s.Records > 0 && s.Bytes+w.bytes > s.Limit {
		return fmt.Errorf("%w: %d bytes of %d", ErrFull, s.Bytes, s.Limit)
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(b.dir, &fs); err == nil && int64(fs.Bavail)*fs.Bsize < b.minFree {
		return fmt.Errorf("%w: less than %d MiB are free", ErrDisk, b.minFree>>20)
	}
	now := time.Now().UnixMilli()
	err := inTx(ctx, b.db, func(tx *sql.Tx) error {
		insert, err := tx.PrepareContext(ctx, insertRecord)
		if err != nil {
			return err
		}
		defer insert.Close()
		for _, body := range w.bodies {
			if _, err := insert.ExecContext(ctx, now, body); err != nil {
				return err
			}
		}
		return writeNotes(ctx, tx, now, w.notes)
	})
	if err != nil {
		return fmt.Errorf("writing to the outbox: %w", diskError(err))
	}
	b.add(int64(len(w.bodies)), w.bytes)
	return nil
}

func (b *Outbox) add(records, bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats.Records += records
	b.stats.Bytes += bytes
}

// Next gives the oldest records after seq, at most limit.
func (b *Outbox) Next(ctx context.Context, after int64, limit int) ([]Record, error) {
	rows, err := b.db.QueryContext(ctx, "SELECT seq, body FROM record WHERE seq > ? ORDER BY seq LIMIT ?", after, limit)
	if err != nil {
		return nil, fmt.Errorf("reading the outbox: %w", err)
	}
	defer rows.Close()
	var records []Record
	for rows.Next() {
		var r Record
		if err := rows.Scan(&r.Seq, &r.Body); err != nil {
			return nil, fmt.Errorf("reading the outbox: %w", err)
		}
		records = append(records, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the outbox: %w", err)
	}
	return records, nil
}

// Oldest is when the oldest record after seq was stored; the zero time if there is none.
func (b *Outbox) Oldest(ctx context.Context, after int64) (time.Time, error) {
	var at int64
	err := b.db.QueryRowContext(ctx, "SELECT at FROM record WHERE seq > ? ORDER BY seq LIMIT 1", after).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the outbox: %w", err)
	}
	return time.UnixMilli(at), nil
}

// Delete removes all records up to seq, in transactions of a few thousand, and
// gives pages that are no longer needed back to the disk.
func (b *Outbox) Delete(ctx context.Context, seq int64) error {
	for {
		n, err := b.deleteSome(ctx, seq)
		if err != nil {
			return fmt.Errorf("deleting from the outbox: %w", diskError(err))
		}
		if n < deleteChunk {
			break
		}
	}
	_, err := b.db.ExecContext(ctx, "PRAGMA incremental_vacuum(2048)")
	return diskError(err)
}

func (b *Outbox) deleteSome(ctx context.Context, seq int64) (n int64, err error) {
	var bytes int64
	err = inTx(ctx, b.db, func(tx *sql.Tx) error {
		var last sql.NullInt64
		err := tx.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(length(body)), 0), max(seq) FROM
			(SELECT seq, body FROM record WHERE seq <= ? ORDER BY seq LIMIT ?)`, seq, deleteChunk).Scan(&n, &bytes, &last)
		if err != nil || n == 0 {
			return err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM record WHERE seq <= ?", last.Int64)
		return err
	})
	if err == nil {
		b.add(-n, -bytes)
	}
	return n, err
}

// SetMark notes how far the reader has come, in its own words.
func (b *Outbox) SetMark(ctx context.Context, seq int64, note string) error {
	_, err := b.db.ExecContext(ctx, `INSERT INTO mark (one, seq, note) VALUES (1, ?, ?)
		ON CONFLICT (one) DO UPDATE SET seq = excluded.seq, note = excluded.note`, seq, note)
	if err != nil {
		return fmt.Errorf("marking the outbox: %w", diskError(err))
	}
	return nil
}

// Mark is what SetMark noted last; zero and empty if it never did.
func (b *Outbox) Mark(ctx context.Context) (seq int64, note string, err error) {
	err = b.db.QueryRowContext(ctx, "SELECT seq, note FROM mark").Scan(&seq, &note)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, "", nil
	}
	if err != nil {
		return 0, "", fmt.Errorf("reading the outbox's mark: %w", err)
	}
	return seq, note, nil
}

// Close gives the file back. Put must not be running.
func (b *Outbox) Close() error {
	var err error
	if b.db != nil {
		err = b.db.Close()
	}
	return errors.Join(err, b.lock.Close())
}
