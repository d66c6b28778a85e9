package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// event is what this program reads of an entry of pantau:events.
type event struct {
	id        string
	kind      string // "pantau.count.crossing.v1", …
	time      time.Time
	key       key
	withdraws string // of a correction: the id that no longer holds
}

// key is what is counted apart.
type key struct{ camera, line, class, direction string }

var errTrimmed = errors.New("trimmed before it was acknowledged")

// parse reads the fields of an entry. Types that it does not know are no error:
// new ones may come at any time.
func parse(fields map[string]any) (event, error) {
	text := func(name string) string { s, _ := fields[name].(string); return s }
	if len(fields) == 0 {
		return event{}, errTrimmed
	}
	e := event{id: text("id"), kind: text("type")}
	var err error
	if e.time, err = time.Parse(time.RFC3339Nano, text("time")); err != nil {
		return event{}, fmt.Errorf("reading its time: %w", err)
	}
	var data struct{ Cam, Rule, Cls, Dir, Withdraws string }
	if err := json.Unmarshal([]byte(text("data")), &data); err != nil {
		return event{}, fmt.Errorf("reading its data: %w", err)
	}
	e.key, e.withdraws = key{data.Cam, data.Rule, data.Cls, data.Dir}, data.Withdraws
	return e, nil
}

// tally counts crossings by the minute until the minute is printed.
type tally struct {
	minutes map[time.Time]*minute
	seen    map[string]time.Time // ids of crossings, and the minute of each
	waiting []string             // stream ids of entries that are in no minute
	printed time.Time            // the newest minute that was printed
}

// minute is one minute's crossings, by their ids.
type minute struct {
	crossings map[string]key
	entries   []string // stream ids, acknowledged when the minute is printed
}

func newTally() *tally {
	return &tally{minutes: map[time.Time]*minute{}, seen: map[string]time.Time{}}
}

// add takes an event that stands in the stream under streamID. It gives a note
// about what it has to say before the minute is over, or nothing.
func (t *tally) add(streamID string, e event) string {
	at := e.time.Truncate(time.Minute)
	switch {
	case strings.HasPrefix(e.kind, "pantau.count.crossing.v1"):
		if _, again := t.seen[e.id]; again {
			t.wait(streamID, t.seen[e.id])
			return ""
		}
		t.seen[e.id] = at
		t.at(at).crossings[e.id] = e.key
		t.wait(streamID, at)
		if !at.After(t.printed) {
			return fmt.Sprintf("late: %s %s %s, so %s is counted again", e.key.line, e.key.class, e.key.direction, at.Format("15:04"))
		}
	case strings.HasPrefix(e.kind, "pantau.correction.v1"):
		was, known := t.seen[e.withdraws]
		m := t.minutes[was]
		if !known || m == nil {
			t.waiting = append(t.waiting, streamID)
			return "withdrawn after it was printed: " + e.withdraws
		}
		delete(m.crossings, e.withdraws)
		t.wait(streamID, was)
	default:
		t.waiting = append(t.waiting, streamID)
	}
	return ""
}

// at is the minute that begins at from.
func (t *tally) at(from time.Time) *minute {
	m := t.minutes[from]
	if m == nil {
		m = &minute{crossings: map[string]key{}}
		t.minutes[from] = m
	}
	return m
}

// wait notes an entry that is to be acknowledged with a minute, or with the next
// one where that was printed.
func (t *tally) wait(streamID string, from time.Time) {
	if m := t.minutes[from]; m != nil {
		m.entries = append(m.entries, streamID)
		return
	}
	t.waiting = append(t.waiting, streamID)
}

// finish gives a line for each count of the minutes that ended before now, and
// the stream ids of what is in them.
func (t *tally) finish(now time.Time) (lines, done []string) {
	for _, from := range slices.SortedFunc(maps.Keys(t.minutes), time.Time.Compare) {
		if from.Add(time.Minute).After(now) {
			continue
		}
		m := t.minutes[from]
		lines = append(lines, m.lines(from)...)
		done = append(done, m.entries...)
		delete(t.minutes, from)
		if from.After(t.printed) {
			t.printed = from
		}
	}
	done = append(done, t.waiting...)
	t.waiting = nil
	maps.DeleteFunc(t.seen, func(_ string, at time.Time) bool { return now.Sub(at) > time.Hour })
	return lines, done
}

// lines writes the minute's counts, in order.
func (m *minute) lines(from time.Time) []string {
	counts := map[key]int{}
	for _, k := range m.crossings {
		counts[k]++
	}
	var lines []string
	for k, n := range counts {
		lines = append(lines, fmt.Sprintf("%s  %-12s %-12s %-10s %-3s %4d", from.Format("2006-01-02 15:04"), k.camera, k.line, k.class, k.direction, n))
	}
	slices.Sort(lines)
	return lines
}

// missed says whether entries were trimmed that the group had not been given.
// Redis tells this from version 7.0 on; before, deleted is empty.
func missed(delivered, deleted string) bool {
	d, ok1 := position(delivered)
	x, ok2 := position(deleted)
	return ok1 && ok2 && d != [2]uint64{} && (x[0] > d[0] || x[0] == d[0] && x[1] > d[1])
}

// position takes a stream id apart: milliseconds by Redis' clock, and a number.
func position(id string) (p [2]uint64, ok bool) {
	ms, n, _ := strings.Cut(id, "-")
	var err1, err2 error
	p[0], err1 = strconv.ParseUint(ms, 10, 64)
	p[1], err2 = strconv.ParseUint(n, 10, 64)
	return p, err1 == nil && err2 == nil
}

// timeOf is the time in a stream id.
func timeOf(id string) string {
	p, ok := position(id)
	if !ok {
		return id
	}
	return time.UnixMilli(int64(p[0])).UTC().Format("2006-01-02 15:04:05")
}
