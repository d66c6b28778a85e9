package audit

import (
	"errors"
	"os"
	"testing"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/pipeline"
)

func TestOrdersAreChecked(t *testing.T) {
	right := NewOrder("cam")
	right.Crossings, right.Quiet, right.Keep = UsualCrossings, UsualQuiet, UsualKeep
	if err := right.Check(); err != nil {
		t.Fatal(err)
	}
	for field, change := range map[string]func(*Order){
		"crossings": func(o *Order) { o.Crossings = 0 }, "quiet": func(o *Order) { o.Quiet = mostSeen + 1 },
		"keep": func(o *Order) { o.Keep = time.Minute }, "for": func(o *Order) { o.For = -1 },
	} {
		o := right
		change(&o)
		var wrong *sidecar.FieldError
		if err := o.Check(); !errors.As(err, &wrong) || wrong.Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

// One recording at a time: it is begun anew only where the one before failed, or where
// nobody has begun it.
func TestOneRecordingAtATime(t *testing.T) {
	f := In(t.TempDir())
	begin := func() string {
		o := order(Order{})
		if err := f.Begin(o); err != nil {
			if !errors.Is(err, ErrBegun) {
				t.Fatal(err)
			}
			return ""
		}
		return o.ID
	}
	state := func(s string) {
		if err := write(f.progress("cam"), Progress{State: s}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if begin() == "" {
			t.Error("an order that nobody has taken up keeps others away")
		}
	}
	for _, s := range []string{Recording, Recorded} {
		state(s)
		if begin() != "" {
			t.Errorf("%s: another one was begun", s)
		}
	}
	state(Failed)
	id := begin()
	if o, ok, err := f.Order("cam"); err != nil || !ok || o.ID != id {
		t.Errorf("got %+v, %v after one that failed", o, err)
	}
}

func TestFilmsAreThoseOfTheRecord(t *testing.T) {
	f := In(t.TempDir())
	if _, _, err := f.Film("cam", "road-1"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v without a recording", err)
	}
	if _, err := f.Tally("cam", Answer{}, false); err == nil {
		t.Error("a tally of nothing was taken")
	}
}

func TestResultsBecomeOutdated(t *testing.T) {
	r := Result{Model: "m@1", Rules: pipeline.RulesVersion(twoLines.Functions)}
	for _, c := range []struct {
		functions []sidecar.Function
		model     string
		want      bool
	}{{twoLines.Functions, "m@1", false}, {twoLines.Functions, "", false}, {twoLines.Functions, "m@2", true}, {twoLines.Functions[:1], "m@1", true}} {
		if got := r.Outdated(c.functions, c.model); got != c.want {
			t.Errorf("got %v for %d functions and %q", got, len(c.functions), c.model)
		}
	}
}
