package publish

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"pantau/sidecar"
)

// JSONL is a file that gets every fact, and scenes if wanted, as one JSON object
// a line. What is published in the same order gives the same bytes.
type JSONL struct {
	Path   string
	Frames bool // scenes too: none is dropped
	Append bool // go on with a file that is there, instead of beginning anew
}

// jsonlSink writes the file. Facts are with the kernel when facts returns, and
// on the disk when run returns.
type jsonlSink struct {
	frames bool

	mu      sync.Mutex // guards what follows
	file    *os.File
	out     *bufio.Writer
	line    []byte
	e       entry
	err     error // of a scene; said by the next facts and by run
	written uint64
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
	return &jsonlSink{frames: o.Frames, file: f, out: bufio.NewWriterSize(f, 64<<10)}, nil
}

func (s *jsonlSink) facts(_ context.Context, entries []entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range entries {
		s.write(&entries[i])
	}
	if err := s.out.Flush(); err != nil && s.err == nil {
		s.err = err
	}
	return s.fault()
}

func (s *jsonlSink) scene(c *channel, scene *sidecar.Scene) {
	if !s.frames {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fill(&s.e, c, scene)
	s.write(&s.e)
}

// write needs mu. An error stays: the file has a hole from then on.
func (s *jsonlSink) write(e *entry) {
	s.line = append(e.appendLine(s.line[:0]), '\n')
	if _, err := s.out.Write(s.line); err != nil {
		s.err = err
		return
	}
	s.written++
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

func (s *jsonlSink) run(ctx context.Context) error {
	<-ctx.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.out.Flush(); err != nil && s.err == nil {
		s.err = err
	}
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
}
