package outbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(tb testing.TB, o Options) *Outbox {
	tb.Helper()
	if o.Path == "" {
		o.Path = filepath.Join(tb.TempDir(), "outbox.db")
	}
	b, err := Open(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func shut(tb testing.TB, b *Outbox) {
	tb.Helper()
	if err := b.Close(); err != nil {
		tb.Error(err)
	}
}

func put(tb testing.TB, b *Outbox, bodies ...string) {
	tb.Helper()
	for _, s := range bodies {
		if err := b.Put(tb.Context(), []byte(s)); err != nil {
			tb.Fatal(err)
		}
	}
}

func texts(tb testing.TB, b *Outbox) (all []string) {
	tb.Helper()
	records, err := b.Next(tb.Context(), 0, 1_000_000)
	if err != nil {
		tb.Fatal(err)
	}
	for _, r := range records {
		all = append(all, string(r.Body))
	}
	return all
}

func TestRecordsComeBackInOrderAfterReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a folder?#%", "outbox.db")
	b := open(t, Options{Path: path})
	put(t, b, "one", "two", "three")
	shut(t, b)
	b = open(t, Options{Path: path})
	defer shut(t, b)
	if got, want := fmt.Sprint(texts(t, b)), "[one two three]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if at, err := b.Oldest(t.Context(), 1); err != nil || time.Since(at) > time.Minute {
		t.Errorf("got the oldest from %v, %v, want from now", at, err)
	}
	if at, err := b.Oldest(t.Context(), 3); err != nil || !at.IsZero() {
		t.Errorf("got the oldest from %v, %v, want none", at, err)
	}
	if got, want := b.Stats(), (Stats{Records: 3, Bytes: 11, Limit: 1 << 30}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the file lies elsewhere: %v", err)
	}
}

func TestSequenceNeverRepeats(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outbox.db")
	b := open(t, Options{Path: path})
	put(t, b, "one", "two")
	if err := b.Delete(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	shut(t, b)
	b = open(t, Options{Path: path})
	defer shut(t, b)
	put(t, b, "three")
	records, err := b.Next(t.Context(), 2, 10)
	if err != nil || len(records) != 1 || records[0].Seq != 3 {
		t.Errorf("got %v, %v, want one record with sequence 3", records, err)
	}
}

func TestCallersShareCommitsAndKeepTheirOwnOrder(t *testing.T) {
	b := open(t, Options{})
	defer shut(t, b)
	var wait sync.WaitGroup
	for caller := range 8 {
		wait.Go(func() {
			for n := range 20 {
				if err := b.Put(t.Context(), []byte{byte(caller), byte(n)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	records, err := b.Next(t.Context(), 0, 1000)
	if err != nil || len(records) != 160 {
		t.Fatalf("got %d records, %v, want 160", len(records), err)
	}
	next := map[byte]byte{}
	for _, r := range records {
		if r.Body[1] != next[r.Body[0]] {
			t.Fatalf("caller %d: got %d, want %d", r.Body[0], r.Body[1], next[r.Body[0]])
		}
		next[r.Body[0]]++
	}
}

func TestFullOutboxRefusesAndTakesAgain(t *testing.T) {
	b := open(t, Options{MaxBytes: 10})
	defer shut(t, b)
	put(t, b, "12345", "12345")
	if err := b.Put(t.Context(), []byte("6")); !errors.Is(err, ErrFull) {
		t.Errorf("got %v, want ErrFull", err)
	}
	if err := b.Delete(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	put(t, b, "6")
	if got, want := fmt.Sprint(texts(t, b)), "[12345 6]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFullDiskIsSaidAndPasses(t *testing.T) {
	b := open(t, Options{MaxPages: 40})
	defer shut(t, b)
	kept := 0
	var err error
	for err == nil {
		if err = b.Put(t.Context(), bytes.Repeat([]byte("x"), 8000)); err == nil {
			kept++
		}
	}
	if !errors.Is(err, ErrDisk) || kept == 0 {
		t.Fatalf("got %v after %d records, want ErrDisk after some", err, kept)
	}
	if got := len(texts(t, b)); got != kept {
		t.Errorf("got %d records, want %d", got, kept)
	}
	if err := b.Delete(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	put(t, b, "again")
}

func TestLittleRoomOnTheDiskIsSaid(t *testing.T) {
	b := open(t, Options{MinFree: 1 << 60})
	defer shut(t, b)
	if err := b.Put(t.Context(), []byte("one")); !errors.Is(err, ErrDisk) {
		t.Errorf("got %v, want ErrDisk", err)
	}
}

func TestSecondProcessIsKeptOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outbox.db")
	b := open(t, Options{Path: path})
	if _, err := Open(t.Context(), Options{Path: path}); !errors.Is(err, ErrLocked) {
		t.Errorf("got %v, want ErrLocked", err)
	}
	shut(t, b)
	shut(t, open(t, Options{Path: path}))
}

func TestGreatClearingGoesInChunksAndShrinksTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outbox.db")
	b := open(t, Options{Path: path})
	defer shut(t, b)
	bodies := make([][]byte, 12_001)
	for i := range bodies {
		bodies[i] = bytes.Repeat([]byte("x"), 300)
	}
	if err := b.Put(t.Context(), bodies...); err != nil {
		t.Fatal(err)
	}
	if err := b.Delete(t.Context(), 12_000); err != nil {
		t.Fatal(err)
	}
	if got := b.Stats(); got.Records != 1 || got.Bytes != 300 {
		t.Errorf("got %+v, want one record of 300 bytes", got)
	}
	var pages int
	if err := b.db.QueryRow("PRAGMA page_count").Scan(&pages); err != nil || pages > 20 {
		t.Errorf("got %d pages, %v, want few", pages, err)
	}
}

func TestMarkIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outbox.db")
	b := open(t, Options{Path: path})
	if seq, note, err := b.Mark(t.Context()); seq != 0 || note != "" || err != nil {
		t.Errorf("got %d, %q, %v, want nothing", seq, note, err)
	}
	for _, note := range []string{"a", "b"} {
		if err := b.SetMark(t.Context(), 7, note); err != nil {
			t.Fatal(err)
		}
	}
	shut(t, b)
	b = open(t, Options{Path: path})
	defer shut(t, b)
	if seq, note, err := b.Mark(t.Context()); seq != 7 || note != "b" || err != nil {
		t.Errorf("got %d, %q, %v, want 7, b", seq, note, err)
	}
}

// damages are ways in which a file can be spoilt, and what can be read after it.
var damages = []struct {
	name   string
	spoil  func(file []byte) []byte
	rescue bool // at least some records survive
}{
	{"no database at all", func([]byte) []byte { return bytes.Repeat([]byte("garbage "), 4000) }, false},
	{"header", func(f []byte) []byte { copy(f, "not SQLite at all"); return f }, false},
	{"last pages", func(f []byte) []byte { return append(f[:len(f)-8192], bytes.Repeat([]byte{0xff}, 8192)...) }, true},
	{"cut off", func(f []byte) []byte { return f[:len(f)/2] }, false},
	{"empty", func([]byte) []byte { return nil }, false},
}

func TestDamagedFileIsMovedAside(t *testing.T) {
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "outbox.db")
			b := open(t, Options{Path: path})
			for range 100 {
				put(t, b, string(bytes.Repeat([]byte("x"), 500)))
			}
			shut(t, b)
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			spoilt := d.spoil(bytes.Clone(file))
			if err := os.WriteFile(path, spoilt, 0o600); err != nil {
				t.Fatal(err)
			}
			b = open(t, Options{Path: path})
			defer shut(t, b)
			rescued := b.Stats().Records
			if d.rescue && rescued == 0 {
				t.Error("nothing was taken over")
			}
			put(t, b, "new")
			if got := texts(t, b); got[len(got)-1] != "new" {
				t.Errorf("got %q last, want the new record", got[len(got)-1])
			}
			if len(spoilt) == 0 {
				return // an empty file is a new one
			}
			left, err := os.ReadFile(b.Moved())
			if header := 100; err != nil || len(left) != len(spoilt) || !bytes.Equal(left[header:], spoilt[header:]) { // the header holds SQLite's counters
				t.Errorf("the damaged file is not what it was: %d bytes, %v, want %d", len(left), err, len(spoilt))
			}
		})
	}
}

func FuzzDamagedFileNeverBlocksTheStart(f *testing.F) {
	b := open(f, Options{Path: filepath.Join(f.TempDir(), "outbox.db")})
	put(f, b, "one", "two", "three")
	path := filepath.Join(b.dir, "outbox.db")
	shut(f, b)
	sound, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	for _, d := range damages {
		f.Add(d.spoil(bytes.Clone(sound)))
	}
	f.Add(sound)
	f.Fuzz(func(t *testing.T, file []byte) {
		path := filepath.Join(t.TempDir(), "outbox.db")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		b := open(t, Options{Path: path})
		defer shut(t, b)
		put(t, b, "new")
	})
}

func BenchmarkPut100(b *testing.B) {
	box := open(b, Options{})
	defer shut(b, box)
	bodies := make([][]byte, 100)
	for i := range bodies {
		bodies[i] = bytes.Repeat([]byte("x"), 400)
	}
	var last int64
	for b.Loop() {
		if err := box.Put(context.Background(), bodies...); err != nil {
			b.Fatal(err)
		}
		if last += 100; last%10_000 == 0 {
			if err := box.Delete(context.Background(), last); err != nil {
				b.Fatal(err)
			}
		}
	}
}
