package publish

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"pantau/sidecar"
)

// JSONL is a file that gets every fact, and scenes if wanted, as one JSON object
// a line. What is published in the same order gives the same bytes.
//
// Beside Redis the file is a copy: while it cannot be written its lines wait in
// memory, 16 MiB of them, and nobody else waits for it. Without Redis an error
// of writing is one of Facts, and stays.
type JSONL struct {
	Path   string
	Frames bool // scenes too: none is dropped
	Append bool // go on with a file that is there, instead of beginning anew
}

// Limits of the file of lines.
const (
	linesWritten = 64 << 10 // bytes of scenes that are written together
	linesHeld    = 16 << 20 // bytes that wait while a copy cannot be written: about 40 000 facts
	linesRetry   = time.Second
)

// jsonlSink writes the file. Facts are with the kernel when facts returns (of a
// copy: unless the file refuses), and on the disk when run returns.
type jsonlSink struct {
	frames bool
	copied bool       // Redis has the facts too
	state  *condition // of a copy

	mu      sync.Mutex // guards what follows
	file    *os.File
	held    []byte // whole lines that are not written yet
	lines   uint64 // in held
	e       entry
	err     error // stays, but for a copy: said by the next facts and by run
	written uint64
	lost    uint64
}

func newJSONLSink(_ context.Context, p *Publisher) (sink, error) {
	o := p.o.JSONL
	if o == nil {
		return nil, nil
	}
	flags := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	if o.Append {
		flags = os.O_CREATE | os.O_WRONLY | os.O_APPEND
	}
	f, err := os.OpenFile(o.Path, flags, 0o600)
	if err != nil {
		return nil, &sidecar.Fault{Err: err, Hint: "give a path in a folder that exists and can be written to"}
	}
	return &jsonlSink{frames: o.Frames, copied: p.o.Redis != nil, state: newCondition("jsonl", p), file: f}, nil
}

func (s *jsonlSink) facts(_ context.Context, entries []entry, _ map[string][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range entries {
		s.hold(&entries[i])
	}
	s.flush()
	if s.copied {
		return nil // Stats say what is wrong
	}
	return s.fault()
}

func (s *jsonlSink) note(context.Context, string) ([]byte, error) { return nil, nil }

func (s *jsonlSink) scene(c *channel, scene *sidecar.Scene) {
	if !s.frames {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fill(&s.e, c, scene)
	s.hold(&s.e)
	if len(s.held) >= linesWritten {
		s.flush()
	}
}

// hold adds a line to those that are written next. It needs mu.
func (s *jsonlSink) hold(e *entry) {
	if len(s.held) > linesHeld {
		s.lost++
		return
	}
	s.held = append(e.appendLine(s.held), '\n')
	s.lines++
}

// flush writes what is held. What was written of it when that fails is taken
// back, so that the file has whole lines only. It needs mu.
func (s *jsonlSink) flush() {
	if len(s.held) == 0 || s.err != nil && !s.copied {
		return
	}
	size := int64(-1)
	if info, err := s.file.Stat(); err == nil && info.Mode().IsRegular() {
		size = info.Size() // somebody else may have emptied the file
	}
	n, err := s.file.Write(s.held)
	if s.err = err; err != nil {
		if n > 0 && (size < 0 || s.file.Truncate(size) != nil) {
			s.held = append(s.held[:0], s.held[n:]...) // goes on in the middle of the line
		}
	} else {
		s.written += s.lines
		s.held, s.lines = s.held[:0], 0
		if cap(s.held) > 16*linesWritten { // trouble is not remembered for ever
			s.held = nil
		}
	}
	if s.copied {
		s.state.set(s.fault(), trouble{"disk", "make room on the disk of the JSON lines; until then they wait in memory"})
	}
}

func (s *jsonlSink) fault() error {
	if s.err == nil {
		return nil
	}
	return &sidecar.Fault{Err: fmt.Errorf("writing %s: %w", s.file.Name(), s.err), Hint: "make room on the disk, and begin again"}
}

// set does nothing: a file of lines has no newest values.
func (s *jsonlSink) set(hash) {}

// remove does nothing: what is written stays.
func (s *jsonlSink) remove(string) {}

// run tries again what could not be written, until ctx ends.
func (s *jsonlSink) run(ctx context.Context) error {
	for ended := false; !ended; {
		pause(ctx, linesRetry)
		ended = ctx.Err() != nil
		s.mu.Lock()
		s.flush()
		s.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.file.Sync()
	if errors.Is(err, os.ErrInvalid) || isPipe(s.file) {
		err = nil // pipes and terminals cannot be synced
	}
	return errors.Join(s.fault(), err, s.file.Close())
}

func isPipe(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && !info.Mode().IsRegular()
}

func (s *jsonlSink) add(t *Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.Lines += s.written
	t.LinesLost += s.lost
	t.JSONLState = s.state.get()
}
