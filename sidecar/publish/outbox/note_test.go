package outbox

import (
	"path/filepath"
	"testing"
	"time"
)

func TestNotesStandBesideTheirRecords(t *testing.T) {
	o := Options{Path: filepath.Join(t.TempDir(), "outbox.db")}
	b, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"one", "two"} {
		if err := b.PutNoting(t.Context(), map[string][]byte{"a": []byte(text), "b": []byte("b")}, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.PutNoting(t.Context(), map[string][]byte{"b": nil}); err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		for name, want := range map[string]string{"a": "two", "b": "", "c": ""} {
			if got, err := b.Note(t.Context(), name); err != nil || string(got) != want {
				t.Errorf("%s: note %s is %q, error %v, want %q", when, name, got, err, want)
			}
		}
		if n := b.Stats().Records; n != 2 {
			t.Errorf("%s: got %d records, want 2", when, n)
		}
	}
	check("written")
	reopen := func() {
		t.Helper()
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if b, err = Open(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	reopen()
	check("opened again")
	old := time.Now().Add(-noteKept - time.Hour).UnixMilli()
	if _, err := b.db.ExecContext(t.Context(), "UPDATE note SET at = ?", old); err != nil {
		t.Fatal(err)
	}
	reopen()
	defer b.Close()
	if got, err := b.Note(t.Context(), "a"); got != nil || err != nil {
		t.Errorf("an old note is %q, error %v", got, err)
	}
}
