package audit

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"pantau/sidecar"
)

// Group is classes that a person counts together.
type Group string

// The groups.
const (
	People      Group = "people"
	TwoWheelers Group = "two-wheelers" // with their riders
	Vehicles    Group = "vehicles"     // with four wheels and more
)

// Groups lists the groups in the order in which they are shown.
func Groups() []Group { return []Group{People, TwoWheelers, Vehicles} }

// GroupOf is the group of a class.
func GroupOf(c sidecar.Class) Group {
	switch c {
	case sidecar.Person:
		return People
	case sidecar.Bicycle, sidecar.Motorcycle:
		return TwoWheelers
	}
	return Vehicles
}

// directions lists what is estimated by itself: the ways over a line, and who is there.
var directions = []sidecar.Direction{sidecar.In, sidecar.Out, now, bay}

// Key is what is counted apart. As a text it is "in/people", "now/people" of who is
// there, "bay/A01" of a bay that is taken.
type Key struct {
	Direction sidecar.Direction
	Group     Group
}

// MarshalText writes direction/group.
func (k Key) MarshalText() ([]byte, error) {
	return []byte(string(k.Direction) + "/" + string(k.Group)), nil
}

// UnmarshalText reads direction/group.
func (k *Key) UnmarshalText(text []byte) error {
	dir, group, _ := strings.Cut(string(text), "/")
	*k = Key{sidecar.Direction(dir), Group(group)}
	if !slices.Contains(directions, k.Direction) || k.Direction != bay && !slices.Contains(Groups(), k.Group) || k.Group == "" {
		return fmt.Errorf("%q is no direction and group such as in/%s", text, People)
	}
	return nil
}

// Tally is a number of crossings by direction and group.
type Tally map[Key]int

func (t Tally) sum(of func(Key) bool) int {
	n := 0
	for k, v := range t {
		if of(k) {
			n += v
		}
	}
	return n
}

func (t Tally) all() int { return t.sum(func(Key) bool { return true }) }

// keys lists the keys of two tallies, each once.
func keys(a, b Tally) []Key {
	all := make([]Key, 0, len(a)+len(b))
	for k := range a {
		all = append(all, k)
	}
	for k := range b {
		if _, known := a[k]; !known {
			all = append(all, k)
		}
	}
	return all
}

// mostTallied is how many a person can have seen on a strip.
const mostTallied = 100_000

// Answer is what a person tallied: the file that the page writes.
type Answer struct {
	Audit  string            `json:"audit"`            // id of the recording
	Who    string            `json:"who,omitempty"`    // as the person likes
	Strips map[string]Tally  `json:"strips"`           // by the strip's id
	Unsure map[string]string `json:"unsure,omitempty"` // strips of which nobody can tell, with the reason
}

// ReadAnswer reads a person's tally.
func ReadAnswer(path string) (Answer, error) {
	var a Answer
	data, err := os.ReadFile(path)
	if err != nil {
		return a, &sidecar.Fault{Err: fmt.Errorf("reading the tally: %w", err), Hint: "name the file that the page wrote"}
	}
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		return a, &sidecar.Fault{Err: fmt.Errorf("reading the tally %s: %w", path, err), Hint: "give the file as the page wrote it"}
	}
	return a, nil
}

// Of joins the answer with the recording that it is of. Every strip is answered
// once, and nothing else is. It gives what was seen by the record's lines.
func (a Answer) Of(r *Record) ([][]Seen, error) {
	if a.Audit != r.ID {
		return nil, &sidecar.Fault{Err: fmt.Errorf("the tally is of the recording %s, and this one is %s", a.Audit, r.ID), Hint: "tally the page that is there now"}
	}
	known := map[string]*Line{}
	seen := make([][]Seen, len(r.Lines))
	for i, line := range r.Lines {
		for _, s := range line.Strips {
			known[s.ID] = line
			t, answered := a.Strips[s.ID]
			_, unsure := a.Unsure[s.ID]
			switch {
			case answered == unsure:
				return nil, &sidecar.FieldError{Field: "strips." + s.ID, Problem: "neither tallied nor unsure, or both", Remedy: "go through every strip of the page"}
			case answered:
				seen[i] = append(seen[i], Seen{s.Stratum, s.Counted, t})
			}
		}
	}
	for id, t := range a.Strips {
		line := known[id]
		if line == nil {
			return nil, &sidecar.FieldError{Field: "strips." + id, Problem: "there is no such strip", Remedy: "give the file as the page wrote it"}
		}
		for k, n := range t {
			text, _ := k.MarshalText() // it has no error
			switch {
			case n < 0 || n > mostTallied:
				return nil, &sidecar.FieldError{Field: "strips." + id + "." + string(text), Problem: fmt.Sprintf("%d were seen", n), Remedy: fmt.Sprintf("use 0 to %d", mostTallied)}
			case !line.takes(k, n):
				return nil, &sidecar.FieldError{Field: "strips." + id + "." + string(text), Problem: "that is not counted there", Remedy: "give the file as the page wrote it"}
			}
		}
	}
	return seen, nil
}
