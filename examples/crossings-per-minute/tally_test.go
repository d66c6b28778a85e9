package main

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

func crossing(id, at, dir string) map[string]any {
	return map[string]any{"id": id, "type": "pantau.count.crossing.v1", "time": at,
		"data": fmt.Sprintf(`{"cam":"gate","rule":"door","cls":"person","dir":%q,"n":1}`, dir)}
}

func correction(id, at, withdraws string) map[string]any {
	return map[string]any{"id": id, "type": "pantau.correction.v1", "time": at,
		"data": fmt.Sprintf(`{"cam":"gate","rule":"door","cls":"person","withdraws":%q}`, withdraws)}
}

// fill puts entries into a new tally; their stream ids count from 1.
func fill(t *testing.T, entries ...map[string]any) *tally {
	t.Helper()
	all := newTally()
	for i, fields := range entries {
		e, err := parse(fields)
		if err != nil {
			t.Fatal(err)
		}
		all.add(fmt.Sprint(i+1), e)
	}
	return all
}

func moment(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return at
}

func TestMinuteIsPrintedOnceAndThenAcknowledged(t *testing.T) {
	all := fill(t,
		crossing("gate/door/k3f9/1/1", "2026-11-23T05:41:07.240000Z", "in"),
		crossing("gate/door/k3f9/2/1", "2026-11-23T05:41:59.990000Z", "in"),
		crossing("gate/door/k3f9/1/1", "2026-11-23T05:41:07.240000Z", "in"), // again
		crossing("gate/door/k3f9/3/1", "2026-11-23T05:42:00.000000Z", "out"),
		map[string]any{"id": "x", "type": "pantau.something.new.v1", "time": "2026-11-23T05:41:00Z", "data": "{}"})
	if lines, _ := all.finish(moment("2026-11-23T05:41:59Z")); len(lines) > 0 {
		t.Errorf("got %q before the minute is over", lines)
	}
	lines, done := all.finish(moment("2026-11-23T05:42:00Z"))
	if want := []string{"2026-11-23 05:41  gate         door         person     in     2"}; !slices.Equal(lines, want) {
		t.Errorf("got %q, want %q", lines, want)
	}
	if want := []string{"1", "2", "3"}; !slices.Equal(done, want) {
		t.Errorf("got %v to acknowledge, want %v", done, want)
	}
	if lines, _ := all.finish(moment("2026-11-23T05:42:30Z")); len(lines) > 0 {
		t.Errorf("got %q twice", lines)
	}
}

func TestWithdrawnCrossingIsNotCounted(t *testing.T) {
	all := fill(t,
		crossing("gate/door/k3f9/1/1", "2026-11-23T05:41:07Z", "in"),
		crossing("gate/door/k3f9/2/1", "2026-11-23T05:41:08Z", "in"),
		correction("gate/door/k3f9/2/2", "2026-11-23T05:41:30Z", "gate/door/k3f9/2/1"))
	lines, done := all.finish(moment("2026-11-23T05:45:00Z"))
	if len(lines) != 1 || lines[0][len(lines[0])-1] != '1' || len(done) != 3 {
		t.Errorf("got %q and %v to acknowledge", lines, done)
	}
	e, err := parse(correction("gate/door/k3f9/1/2", "2026-11-23T05:46:00Z", "gate/door/k3f9/1/1"))
	if err != nil {
		t.Fatal(err)
	}
	if note := all.add("9", e); note == "" {
		t.Error("nothing is said about a crossing that was withdrawn after it was printed")
	}
}

func TestEntriesThatCannotBeRead(t *testing.T) {
	if _, err := parse(nil); !errors.Is(err, errTrimmed) {
		t.Errorf("got %v, want that it was trimmed", err)
	}
	for _, fields := range []map[string]any{
		{"time": "yesterday", "data": "{}"},
		{"time": "2026-11-23T05:41:00Z", "data": "{"},
	} {
		if e, err := parse(fields); err == nil {
			t.Errorf("got %+v of %v", e, fields)
		}
	}
}

func TestGapIsNoticed(t *testing.T) {
	for _, c := range []struct {
		delivered, deleted string
		want               bool
	}{
		{"1795452069105-0", "1795452069105-1", true},
		{"1795452069105-0", "1795452069104-9", false},
		{"1795452069105-0", "1795452069105-0", false},
		{"0-0", "1795452069105-0", false}, // a new group has missed nothing
		{"1795452069105-0", "0-0", false}, // nothing was trimmed
		{"1795452069105-0", "", false},    // Redis before 7.0
	} {
		if got := missed(c.delivered, c.deleted); got != c.want {
			t.Errorf("got %v, want %v for %s, %s", got, c.want, c.delivered, c.deleted)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("2026-11-23T05:41:07Z", `{"cam":"gate","dir":"in"}`)
	f.Add("", "{")
	f.Fuzz(func(_ *testing.T, at, data string) {
		e, err := parse(map[string]any{"id": "a", "type": "pantau.count.crossing.v1", "time": at, "data": data})
		if err == nil {
			newTally().add("1-0", e)
		}
	})
}
