package publish

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pantau/sidecar/publish/outbox"
)

// publisherOf is a publisher whose sinks a test makes itself.
func publisherOf(o Options) *Publisher {
	o.Node, o.Now, o.Log = "node-1", time.Now, slog.New(slog.DiscardHandler)
	return &Publisher{o: o, notes: make(chan entry, notesHeld), cameras: map[string]*channel{}, announced: map[string]bool{}}
}

// limitFiles lets no file of this process grow beyond a size until relent is called.
func limitFiles(t *testing.T, bytes uint64) (relent func()) {
	t.Helper()
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ) // or the kernel ends us
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	relent = func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
			t.Error(err)
		}
		signal.Reset(syscall.SIGXFSZ)
	}
	t.Cleanup(relent)
	return relent
}

func TestCopyThatCannotBeWrittenHoldsNobodyUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.jsonl")
	p := publisherOf(Options{Redis: &Redis{}, JSONL: &JSONL{Path: path, Append: true}})
	made, err := newJSONLSink(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	e := sample()
	line := string(e.appendLine(nil)) + "\n"
	put := func() {
		t.Helper()
		if err := made.facts(t.Context(), []entry{sample(), sample()}, nil); err != nil {
			t.Fatal(err)
		}
	}
	want := func(n int, kind string) {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var s Stats
		made.add(&s)
		if string(text) != strings.Repeat(line, n) || s.Lines != uint64(n) || s.JSONLState.Kind != kind || s.LinesLost != 0 {
			t.Errorf("got %q and %+v, want %d whole lines and %s", text, s, n, kind)
		}
	}
	put()
	want(2, "ok")
	relent := limitFiles(t, uint64(len(line)*7/2)) // in the middle of the second batch
	put()
	put()
	want(2, "disk")
	if got := len(p.notes); got != 1 {
		t.Errorf("the trouble was said %d times, want once", got)
	}
	relent()
	put()
	want(8, "ok")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := made.run(ended); err != nil {
		t.Error(err)
	}
}

func TestCopyThatWaitsTooLongIsCounted(t *testing.T) {
	p := publisherOf(Options{Redis: &Redis{}, JSONL: &JSONL{Path: "/dev/full", Append: true}})
	made, err := newJSONLSink(t.Context(), p)
	if err != nil {
		t.Skip("no /dev/full here")
	}
	great := sample()
	great.data = bytes.Repeat([]byte("1"), linesHeld)
	for range 3 {
		if err := made.facts(t.Context(), []entry{great}, nil); err != nil {
			t.Fatal(err)
		}
	}
	var s Stats
	if made.add(&s); s.LinesLost != 2 || s.JSONLState.Hint == "" {
		t.Errorf("got %+v, want two lines lost and a hint", s)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := made.run(ended); err == nil {
		t.Error("got nil at the end, want a fault: the file lacks lines")
	}
}

func TestEveryTroubleOfTheOutboxIsSaid(t *testing.T) {
	p := publisherOf(Options{Redis: &Redis{Addrs: []string{"/nowhere"}, Outbox: Outbox{Path: filepath.Join(t.TempDir(), "o.db")}}})
	made, err := newRedisSink(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	s := made.(*redisSink)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.run(ended); err != nil { // closes the outbox: it fails from now on, and is not full
		t.Fatal(err)
	}
	if err := s.facts(t.Context(), []entry{sample()}, nil); err == nil {
		t.Error("got nil, want an error")
	}
	if got := s.state.get(); got.Kind != "failed" || got.Cause == "" || got.Hint == "" {
		t.Errorf("got %+v, want that the outbox has failed", got)
	}
}

// TestRedisThatHangsDoesNotSpoilTheEnd: what was acknowledged is deleted, though
// the time to send what is left was spent on a Redis that does not answer.
func TestRedisThatHangsDoesNotSpoilTheEnd(t *testing.T) {
	box, err := outbox.Open(t.Context(), outbox.Options{Path: filepath.Join(t.TempDir(), "o.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	if err := box.Put(t.Context(), []byte("{}")); err != nil {
		t.Fatal(err)
	}
	p := publisherOf(Options{})
	f := &forwarder{box: box, conn: newConn(&Redis{Addrs: []string{silence(t)}}, p.o.Log), log: p.o.Log, state: newCondition("redis", p)}
	defer f.conn.Close()
	f.keep(ack{seq: 1, n: 1, at: time.Now().Add(-2 * grace)})
	f.position.Store(1)
	if err := f.finish(t.Context()); err != nil {
		t.Errorf("got %v, want nil", err)
	}
	if got := box.Stats().Records; got != 0 {
		t.Errorf("got %d records left, want none", got)
	}
}

func TestAuditNeverBlocksAndIsCounted(t *testing.T) {
	p := publisherOf(Options{}) // without Run nothing is stored
	for n := range notesHeld {
		if err := p.Audit(t.Context(), Audit{What: "a"}); err != nil {
			t.Fatalf("audit %d: %v", n, err)
		}
	}
	if err := p.Audit(t.Context(), Audit{What: "a"}); err == nil || p.Stats().NotesLost != 1 {
		t.Errorf("got %v and %d lost, want an error and one", err, p.Stats().NotesLost)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Run(ended); err != nil {
		t.Error(err)
	}
	if err := p.Audit(t.Context(), Audit{What: "a"}); err == nil || p.Stats().NotesLost != 2 {
		t.Errorf("after the end: got %v and %d lost, want an error and two", err, p.Stats().NotesLost)
	}
}

// silence is the address of a server that takes connections and says nothing.
func silence(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}
