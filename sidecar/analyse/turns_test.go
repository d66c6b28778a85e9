package analyse

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pantau/sidecar"
)

// arms are the lines of a junction in the middle of the picture, "in" being into it.
var arms = []sidecar.Function{
	{ID: "north", Kind: "line", Line: []sidecar.Point{{0.3, 0.3}, {0.7, 0.3}}},
	{ID: "east", Kind: "line", Line: []sidecar.Point{{0.7, 0.3}, {0.7, 0.7}}},
	{ID: "south", Kind: "line", Line: []sidecar.Point{{0.7, 0.7}, {0.3, 0.7}}},
	{ID: "west", Kind: "line", Line: []sidecar.Point{{0.3, 0.7}, {0.3, 0.3}}},
}

var simpang = sidecar.Function{ID: "simpang", Kind: "turns", Lines: []string{"north", "east", "south", "west"}}

// outer are points on the arms, before they come to the junction.
var outer = map[byte]sidecar.Point{'N': {0.5, 0.1}, 'E': {0.9, 0.5}, 'S': {0.5, 0.92}, 'W': {0.1, 0.5}, 'C': {0.5, 0.5}, 'A': {0.1, 0.1}}

// travel lets an object go through places, such as NCE, each of its letters being
// ten frames from the one before. A dot hides it for two frames, and a number is its
// identity from there on.
func travel(f *film, way string) {
	id, at := sidecar.TrackID(1), outer[way[0]]
	f.show(traveller(id, at, at))
	for _, c := range way[1:] {
		switch {
		case c >= '1' && c <= '9':
			id = sidecar.TrackID(c - '0')
		case c == '.':
			f.show()
			f.show()
		default:
			to := outer[byte(c)]
			for i := range 10 {
				f.show(traveller(id, between(at, to, float64(i+1)/10), to))
			}
			at = to
		}
	}
}

// traveller is a car at a place, on its way to another: there in a second.
func traveller(id sidecar.TrackID, at, to sidecar.Point) sidecar.Track {
	w := walker(id, at[0], at[1])
	w.Class = sidecar.Car
	w.Velocity = sidecar.Point{to[0] - at[0], to[1] - at[1]}
	return w
}

// matrix tells all turns of a film that are not zero, in order.
func (f *film) matrix() string {
	var words []string
	for _, r := range f.a.Totals() {
		if r.Kind == sidecar.Turned {
			words = append(words, fmt.Sprintf("%s-%s %d", r.From, r.To, *r.N))
		}
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

// turned tells the events of a film that are about turns.
func (f *film) turned() string {
	var words []string
	for _, e := range f.events {
		switch d := e.Data.(type) {
		case sidecar.Turn:
			words = append(words, d.From+"-"+d.To)
		case sidecar.Correction:
			if d.From != "" {
				words = append(words, "not "+d.From+"-"+d.To)
			}
		}
	}
	return strings.Join(words, ", ")
}

// over ends a film, when all that are lost will not return.
func (f *film) over() {
	events, _ := f.a.Close(began.Add(f.at))
	f.events = append(f.events, events...)
}

func TestTurns(t *testing.T) {
	for way, want := range map[string]string{
		"NCE":     "north-east",
		"NCS":     "north-south",
		"ECN":     "east-north",
		"WCW":     "west-west",
		"NCSCE":   "north-south, south-east", // and back
		"N":       "",
		"NC":      "north-unknown",
		"CE":      "unknown-east",
		"C":       "",
		"NC..CE":  "north-east", // hidden in the junction
		"NC.2CE":  "north-east", // and another track from there on
		"N.2CE":   "north-east",
		"NCE.2CW": "north-east, east-west",
		"NAWCE":   "west-east", // around the junction to another arm
	} {
		f := newFilm(t, 10, append(slices.Clone(arms), simpang)...)
		travel(f, way)
		f.wait(4 * time.Second)
		f.end(1, 2)
		f.wait(4 * time.Second)
		f.over()
		if got := f.turned(); got != want {
			t.Errorf("%s: got %q, want %q: %s", way, got, want, f.story())
		}
	}
}

func TestTurnTellsBothCrossings(t *testing.T) {
	f := newFilm(t, 10, append([]sidecar.Function{simpang}, arms...)...) // its place among the functions does not matter
	travel(f, "NCE")
	var in, out sidecar.Event
	for _, e := range f.events {
		c, crossed := e.Data.(sidecar.Crossing)
		switch {
		case crossed && c.Direction == sidecar.In:
			in = e
		case crossed:
			out = e
		}
	}
	e := f.events[len(f.events)-1]
	got, ok := e.Data.(sidecar.Turn)
	if !ok || e.Type != sidecar.CountTurn || e.Subject != "cam/simpang" || e.ID != "cam/simpang/e1/1/1" || !e.Time.Equal(out.Time) {
		t.Fatalf("got %+v, want a turn at %v", e, out.Time)
	}
	want := sidecar.Turn{Origin: got.Origin, Track: "1", Class: sidecar.Car, From: "north", To: "east",
		Entered: in.ID, Left: out.ID, Travel: 1, Score: 0.8, N: 1}
	if got != want || got.Rule != "simpang" {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestTurnsComeAfterTheirLines: one that was seen once past its last line, and no more,
// is counted there when it is given up, and its turn after that.
func TestTurnsComeAfterTheirLines(t *testing.T) {
	f := newFilm(t, 10, append([]sidecar.Function{simpang}, arms...)...)
	travel(f, "NC")
	f.show(traveller(1, sidecar.Point{0.78, 0.5}, outer['E']))
	f.over()
	if got := f.turned(); got != "north-east" {
		t.Errorf("got %q, want one from the north to the east: %s", got, f.story())
	}
}

// TestTurnsVanishInTheJunction: who is not seen to go out is in the minute in which
// it was seen last, and that minute is not final before.
func TestTurnsVanishInTheJunction(t *testing.T) {
	f := newFilm(t, 10, append(slices.Clone(arms), simpang)...)
	f.at = 57 * time.Second
	travel(f, "NC")
	f.wait(5 * time.Second)
	counts := f.a.Counts(began.Add(f.at))
	if len(counts) != 1 || counts[0].Final {
		t.Fatalf("got %+v, want a minute that is not final", counts)
	}
	f.end(1)
	f.wait(4 * time.Second)
	counts = f.a.Counts(began.Add(f.at))
	if len(counts) != 1 || !counts[0].Final || counts[0].Rev != 1 {
		t.Fatalf("got %+v, want the minute again", counts)
	}
	i := slices.IndexFunc(counts[0].Rows, func(r sidecar.CountRow) bool { return r.Kind == sidecar.Turned })
	if i < 0 || counts[0].Rows[i].From != "north" || counts[0].Rows[i].To != sidecar.Unknown || *counts[0].Rows[i].N != 1 {
		t.Errorf("got %+v, want one from the north to nobody knows where", counts[0].Rows)
	}
}

// TestTurnsMerge: two tracks of one object were counted, and the tracker says so late.
func TestTurnsMerge(t *testing.T) {
	for name, c := range map[string]struct {
		ways []string // of the tracks 1 and 2, at once
		want string
	}{
		"both went all the way": {[]string{"NCE", "NCE"}, "north-east, north-east, not north-east"},
		"one came, one went":    {[]string{"NCC", "CCE"}, "unknown-east, not unknown-east, north-east"},
		"one was born late":     {[]string{"NCE", "CCE"}, "north-east, unknown-east, not unknown-east"},
		"one went on":           {[]string{"NCE", "NCC"}, "north-east"},
	} {
		f := newFilm(t, 10, append(slices.Clone(arms), simpang)...)
		at := []sidecar.Point{outer[c.ways[0][0]], outer[c.ways[1][0]]}
		shift := sidecar.Point{0.004, 0.004}
		pair := func(part float64, k int) []sidecar.Track {
			var tracks []sidecar.Track
			for i, way := range c.ways {
				p := between(at[i], outer[way[k]], part)
				tracks = append(tracks, traveller(sidecar.TrackID(i+1), sidecar.Point{p[0] + float64(i)*shift[0], p[1] + float64(i)*shift[1]}, outer[way[k]]))
			}
			return tracks
		}
		for k := range 3 {
			for i := range 10 {
				f.show(pair(float64(i+1)/10, k)...)
			}
			at[0], at[1] = outer[c.ways[0][k]], outer[c.ways[1][k]]
		}
		f.play(&sidecar.Scene{Tracks: pair(1, 2)[:1], Merged: []sidecar.Merge{{From: 2, Into: 1}}})
		f.show(pair(1, 2)[:1]...)
		if got := f.turned(); got != c.want {
			t.Errorf("%s: got %q, want %q: %s", name, got, c.want, f.story())
		}
		f.end(1)
		f.wait(4 * time.Second)
		f.over()
		if got := f.matrix(); got != "north-east 1" {
			t.Errorf("%s: got %q, want one from the north to the east: %s", name, got, f.turned())
		}
	}
}

// TestTurnsForget: what circles for a day is remembered for some rounds only.
func TestTurnsForget(t *testing.T) {
	f := newFilm(t, 10, append(slices.Clone(arms), simpang)...)
	travel(f, "N"+strings.Repeat("CECSCWCN", 20))
	k := f.a.analytics[len(arms)].(*turns)
	for _, tr := range k.transits {
		if len(tr.legs) > mostLegs || len(tr.told) > mostLegs {
			t.Errorf("got %d crossings remembered, want %d at most", len(tr.legs), mostLegs)
		}
	}
	f.over()
	if got, want := f.matrix(), "east-south 20, north-east 20, south-west 20, west-north 20"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTurnsAreChecked(t *testing.T) {
	cars := arms[1]
	cars.Classes = []sidecar.Class{sidecar.Car}
	unknownLine := arms[0]
	unknownLine.ID = "unknown"
	for name, c := range map[string]struct {
		turns sidecar.Function
		lines []sidecar.Function
		field string
		words string
	}{
		"none":         {sidecar.Function{ID: "j", Kind: "turns"}, arms, "functions[4].lines", "0 lines|2 to 8"},
		"one":          {sidecar.Function{ID: "j", Kind: "turns", Lines: []string{"north"}}, arms, "functions[4].lines", "1 lines"},
		"nine":         {sidecar.Function{ID: "j", Kind: "turns", Lines: strings.Split("abcdefghi", "")}, arms, "functions[4].lines", "9 lines"},
		"twice":        {sidecar.Function{ID: "j", Kind: "turns", Lines: []string{"north", "east", "north"}}, arms, "functions[4].lines[2]", `"north" is named twice`},
		"misspelt":     {sidecar.Function{ID: "j", Kind: "turns", Lines: []string{"north", "eats"}}, arms, "functions[4].lines[1]", `unknown line "eats"|did you mean east?`},
		"a zone":       {sidecar.Function{ID: "j", Kind: "turns", Lines: []string{"north", "square"}}, append(slices.Clone(arms), square), "functions[5].lines[1]", `unknown line "square"|north, east`},
		"no lines":     {sidecar.Function{ID: "j", Kind: "turns", Lines: []string{"north", "east"}}, nil, "functions[0].lines[0]", "the camera has no lines|for each way"},
		"unknown":      {sidecar.Function{ID: "j", Kind: "turns", Lines: []string{"unknown", "east"}}, []sidecar.Function{unknownLine, arms[1]}, "functions[2].lines[0]", "another id"},
		"classes":      {sidecar.Function{ID: "j", Kind: "turns", Lines: []string{"north", "east"}, Classes: []sidecar.Class{"car"}}, arms, "functions[4].classes", "to the lines"},
		"anchor":       {sidecar.Function{ID: "j", Kind: "turns", Lines: []string{"north", "east"}, Anchor: "centre"}, arms, "functions[4].anchor", "to the lines"},
		"other counts": {sidecar.Function{ID: "j", Kind: "turns", Lines: []string{"north", "east"}}, []sidecar.Function{arms[0], cars}, "functions[2].lines[1]", "line east counts other classes than line north|same classes"},
		"a polygon":    {sidecar.Function{ID: "j", Kind: "turns", Lines: []string{"north", "east"}, Polygon: square.Polygon}, arms, "functions[4].polygon", "a turns has no polygon"},
		"fine":         {sidecar.Function{ID: "j", Kind: "turns", Lines: []string{"north", "west"}}, arms, "", ""},
	} {
		err := CheckAll(append(slices.Clone(c.lines), c.turns))
		var bad *sidecar.FieldError
		switch {
		case c.field == "" && err == nil:
		case !errors.As(err, &bad) || bad.Field != c.field || bad.Remedy == "" || !contain(err.Error(), strings.Split(c.words, "|")...):
			t.Errorf("%s: got %v, want field %q and %s", name, err, c.field, c.words)
		}
	}
}

// TestTurnsGoOnWhenALineMoves: the line is another one, and the junction the same.
func TestTurnsGoOnWhenALineMoves(t *testing.T) {
	functions := append(slices.Clone(arms), simpang)
	f := newFilm(t, 10, functions...)
	travel(f, "NC")
	functions[1].Line = []sidecar.Point{{0.75, 0.3}, {0.75, 0.7}}
	if _, err := f.a.Redefine(sidecar.Camera{ID: "cam", Functions: functions}, Options{Model: "m@1", Rules: "r2", FPS: 10}); err != nil {
		t.Fatal(err)
	}
	travel(f, "CE")
	functions = functions[:len(arms)]
	last, err := f.a.Redefine(sidecar.Camera{ID: "cam", Functions: functions}, Options{Model: "m@1", Rules: "r3", FPS: 10})
	if err != nil {
		t.Fatal(err)
	}
	if got := f.turned(); got != "north-east" || len(last) > 0 {
		t.Errorf("got %q and %v, want one from the north to the east", got, last)
	}
	if _, err := f.a.Redefine(sidecar.Camera{ID: "cam", Functions: append(functions[:1:1], simpang)}, Options{}); err == nil {
		t.Error("got no error, want that a line is missing")
	}
}

// sums says what a matrix must add up to when nobody is left: its rows are what came
// in over each line, and its columns what went out.
func sums(t tester, f *film) {
	t.Helper()
	n := map[string]int{}
	for _, r := range f.a.Totals() {
		switch {
		case r.Kind == sidecar.Flow && r.Direction == sidecar.In:
			n["in "+r.Rule] += *r.N
		case r.Kind == sidecar.Flow:
			n["out "+r.Rule] += *r.N
		case r.Kind == sidecar.Turned && *r.N < 0:
			t.Errorf("got %d from %s to %s", *r.N, r.From, r.To)
		case r.Kind == sidecar.Turned:
			n["in "+r.From] -= *r.N
			n["out "+r.To] -= *r.N
		}
	}
	for _, what := range slices.Sorted(maps.Keys(n)) {
		if n[what] != 0 && !strings.HasSuffix(what, sidecar.Unknown) {
			t.Errorf("%s: the line counted %d more than the junction: %s; %s", what, n[what], f.matrix(), f.story())
		}
	}
}
