package analyse

import (
	"math"
	"testing"
	"time"

	"pantau/sidecar"
)

// letters shows one object that is above the line in frames with A, below it in
// frames with B, near it with a and b, and hidden in all other frames.
func letters(t tester, sides string) *film {
	f := newFilm(t, 10, across)
	for _, c := range sides {
		switch c {
		case 'A':
			f.show(walker(1, 0.3, 0.4))
		case 'a':
			f.show(walker(1, 0.3, 0.49))
		case 'b':
			f.show(walker(1, 0.3, 0.51))
		case 'B':
			f.show(walker(1, 0.3, 0.6))
		default:
			f.show()
		}
	}
	return f
}

func TestLineInLetters(t *testing.T) {
	for sides, want := range map[string]string{
		"":                   "",
		"AAABAAA":            "", // case 1: flicker
		"AAABAAABAAA":        "",
		"AAAabababaAAA":      "",
		"AAABBB":             "in", // case 2: jump
		"BBBAAA":             "out",
		"AAABAAABBB":         "in",
		"AAABBBAAA":          "in out",
		"AAAabababababBBB":   "in", // case 3: stop on the line
		"AAAbbbbbbbbbbaaAAA": "",
		"AAA......BBB":       "in", // hidden while it crosses
		"aaaaBBB":            "in", // born just before the line
		"bbbbBBB":            "",   // born on it, already past
		"aABAAAA":            "",   // born on it, and flickering
		"AAABABABABABBB":     "in",
		"AB":                 "",
	} {
		if got := letters(t, sides).dirs(); got != want {
			t.Errorf("%q: got %q, want %q", sides, got, want)
		}
	}
}

func FuzzLineAlternates(f *testing.F) {
	for _, s := range []string{"AAABAAABBB", "AAABBBAAA", "ABABAB", "aabbAABB", "BBB...AAA"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sides string) {
		if len(sides) > 1000 {
			return
		}
		film, last := letters(t, sides), sidecar.Direction("")
		film.end(1)
		film.wait(4 * time.Second)
		for _, e := range film.events {
			if c, ok := e.Data.(sidecar.Crossing); ok {
				if c.Direction == last {
					t.Fatalf("%q twice in a row for %q", last, sides)
				}
				last = c.Direction
			}
		}
	})
}

func TestLineStampsTheCut(t *testing.T) {
	f := letters(t, "AAAAABBBB")
	c, ok := f.events[0].Data.(sidecar.Crossing)
	if !ok {
		t.Fatalf("got %T, want a crossing", f.events[0].Data)
	}
	// Half way between the fifth frame, at 0.4 s, and the sixth, at 0.5 s.
	if c.PTS != 400_000 && c.PTS != 500_000 || c.RTP != uint32(c.PTS*9/100) || !f.events[0].Time.Equal(began.Add(time.Duration(c.PTS)*time.Microsecond)) {
		t.Errorf("got %v, rtp %d, want the frame at 0.4 or 0.5 s", f.events[0].Time, c.RTP)
	}
	if math.Abs(c.At.Y()-0.5) > 1e-9 || math.Abs(c.At.X()-0.3) > 1e-9 {
		t.Errorf("got a cut at %v, want 0.3, 0.5", c.At)
	}
	if want := "cam/line/e1/1/1"; f.events[0].ID != want || f.events[0].Subject != "cam/line" {
		t.Errorf("got id %q, want %q", f.events[0].ID, want)
	}
}

// TestLineDirections holds the words of the design against both orientations of
// lines of every slope: in is from the left hand to the right hand of who stands
// at A and looks to B, as seen in the picture.
func TestLineDirections(t *testing.T) {
	const centreX, centreY, half, way = 0.5, 0.5, 0.2, 0.3
	for degrees := 0; degrees < 360; degrees += 15 {
		sin, cos := math.Sincos(float64(degrees) * math.Pi / 180)
		a := sidecar.Point{centreX - half*cos, centreY - half*sin}
		b := sidecar.Point{centreX + half*cos, centreY + half*sin}
		// Looking to the right of the picture, the right hand is below: turning
		// (cos, sin) by a quarter as the clock goes gives (−sin, cos), y down.
		right := sidecar.Point{-sin, cos}
		f := newFilm(t, 10, sidecar.Function{ID: "line", Kind: "line", Line: []sidecar.Point{a, b}})
		for i := -10; i <= 10; i++ {
			d := way * float64(i) / 10
			f.show(walker(1, centreX+d*right[0], centreY+d*right[1]))
		}
		for i := 10; i >= -10; i-- {
			d := way * float64(i) / 10
			f.show(walker(1, centreX+d*right[0], centreY+d*right[1]))
		}
		if got := f.dirs(); got != "in out" {
			t.Errorf("%d degrees: got %q, want in out", degrees, got)
		}
	}
}

func TestLineIsASegment(t *testing.T) { // case 4
	short := sidecar.Function{ID: "line", Kind: "line", Line: []sidecar.Point{{0.3, 0.3}, {0.7, 0.7}}}
	for _, c := range []struct {
		x0, y0, x1, y1 float64
		want           string
	}{
		{0.3, 0.6, 0.6, 0.3, "out"}, // through the middle
		{0.6, 0.3, 0.3, 0.6, "in"},
		{0.1, 0.3, 0.3, 0.1, ""}, // over the endless line before A
		{0.7, 0.95, 0.95, 0.7, ""},
		{0.2, 0.3, 0.9, 0.95, ""}, // along it
	} {
		for _, steps := range []int{1, 2, 7, 40} {
			f := newFilm(t, 10, short)
			for i := range 3 {
				f.show(walker(1, c.x0, c.y0+0.001*float64(i)))
			}
			for i := range steps {
				p := between(sidecar.Point{c.x0, c.y0}, sidecar.Point{c.x1, c.y1}, float64(i+1)/float64(steps))
				f.show(walker(1, p[0], p[1]))
			}
			for i := range 3 {
				f.show(walker(1, c.x1, c.y1+0.001*float64(i)))
			}
			if got := f.dirs(); got != c.want {
				t.Errorf("%v in %d steps: got %q, want %q", c, steps, got, c.want)
			}
		}
	}
}

// TestLineQueue lets a queue of ten stand on the line for a minute, with jitter
// and a new identity for each of them in the middle.
func TestLineQueue(t *testing.T) { // case 3
	f := newFilm(t, 8, across)
	jitter := noise(7)
	queue := func(y float64, first sidecar.TrackID) {
		var tracks []sidecar.Track
		for i := range 10 {
			w := walker(first+sidecar.TrackID(i), 0.05+0.09*float64(i)+0.002*jitter(), y+0.004*jitter())
			if y == 0.5 {
				w.Motion = sidecar.Stopped
			}
			tracks = append(tracks, w)
		}
		f.show(tracks...)
	}
	for y := 0.3; y < 0.5; y += 0.02 {
		queue(y, 1)
	}
	for range 30 * 8 {
		queue(0.5, 1)
	}
	for range 3 { // hidden for a moment
		f.show()
	}
	for i := range 30 * 8 {
		queue(0.5, 11)
		if i == 16 {
			f.end(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
		}
	}
	for y := 0.5; y < 0.8; y += 0.02 {
		queue(y+0.001, 11)
	}
	if got := f.total("line", sidecar.Flow, sidecar.Person, sidecar.In); got != 10 {
		t.Errorf("got %d in, want 10: %s", got, f.dirs())
	}
	if got := f.total("line", sidecar.Flow, sidecar.Person, sidecar.Out); got != 0 {
		t.Errorf("got %d out, want none", got)
	}
}

func TestLineTwoSideBySide(t *testing.T) { // case 6
	f := newFilm(t, 10, across)
	for i := range 12 {
		y := 0.35 + 0.03*float64(i)
		f.show(walker(1, 0.4, y), walker(2, 0.44, y))
	}
	if got := f.story(); got != "in 1, in 2" {
		t.Errorf("got %q, want both", got)
	}
	if f.events[0].Time != f.events[1].Time {
		t.Errorf("got %v and %v, want one frame", f.events[0].Time, f.events[1].Time)
	}
}

func TestLineCountsClasses(t *testing.T) {
	only := across
	only.Classes = []sidecar.Class{sidecar.Motorcycle, sidecar.Bicycle}
	f := newFilm(t, 10, only)
	for i := range 12 {
		y := 0.35 + 0.03*float64(i)
		rider, walks := walker(1, 0.4, y), walker(2, 0.6, y)
		rider.Class = sidecar.Motorcycle
		f.show(rider, walks)
	}
	if got := f.story(); got != "in 1" {
		t.Errorf("got %q, want the motorcycle only", got)
	}
}

func TestLineMergeIsCorrected(t *testing.T) { // case 7
	f := newFilm(t, 10, across)
	for i := range 12 {
		y := 0.35 + 0.03*float64(i)
		f.show(walker(1, 0.4, y), walker(2, 0.402, y-0.02))
	}
	if got := f.dirs(); got != "in in" {
		t.Fatalf("got %q before the merge, want in in", got)
	}
	f.wait(65 * time.Second)
	counts := f.a.Counts(began.Add(f.at))
	if len(counts) != 1 || counts[0].Rev != 0 || number(t, counts[0].Rows, "line", sidecar.Flow, sidecar.Person, sidecar.In) != 2 {
		t.Fatalf("got %+v, want one minute with two crossings", counts)
	}
	f.play(&sidecar.Scene{Tracks: []sidecar.Track{walker(1, 0.4, 0.7)}, Merged: []sidecar.Merge{{From: 2, Into: 1}}})
	if got, want := f.story(), "in 1, in 2, correction cam/line/e1/2/1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	counts = f.a.Counts(began.Add(f.at))
	if len(counts) != 1 || counts[0].Rev != 1 || !counts[0].From.Equal(began) ||
		number(t, counts[0].Rows, "line", sidecar.Flow, sidecar.Person, sidecar.In) != 1 {
		t.Errorf("got %+v, want the minute again with one crossing and revision 1", counts)
	}
	if got := f.total("line", sidecar.Flow, sidecar.Person, sidecar.In); got != 1 {
		t.Errorf("got a total of %d, want 1", got)
	}
	if more := f.a.Counts(began.Add(f.at)); len(more) != 0 {
		t.Errorf("got %+v once more, want nothing", more)
	}
}

// TestLineNewIdentity gives an object that walks over the line a new identity,
// at every frame of its way, with and without frames in which it is hidden.
func TestLineNewIdentity(t *testing.T) {
	for hidden := range 6 {
		for change := 1; change < 19; change++ {
			f := newFilm(t, 10, across)
			for i := range 20 {
				id := sidecar.TrackID(1)
				if i >= change {
					id = 2
				}
				w := walker(id, 0.4, 0.35+0.015*float64(i))
				w.Velocity = sidecar.Point{0, 0.15}
				if i >= change && i < change+hidden {
					f.show()
					continue
				}
				f.show(w)
			}
			for i := range 10 {
				f.show(walker(2, 0.4, 0.65+0.015*float64(i)))
			}
			f.end(1)
			f.show(walker(2, 0.4, 0.8))
			f.end(2)
			f.wait(4 * time.Second)
			if got := f.total("line", sidecar.Flow, sidecar.Person, sidecar.In); got != 1 {
				t.Errorf("change at frame %d, hidden for %d: got %d, want 1: %s", change, hidden, got, f.story())
			}
		}
	}
}

func TestLineCountsFromBirth(t *testing.T) {
	f := newFilm(t, 10, across)
	f.wait(300 * time.Millisecond)
	w := walker(1, 0.4, 0.56) // confirmed only past the line
	w.Born, w.Start = 100*time.Millisecond, walker(1, 0.4, 0.44).Box
	f.show(w)
	f.show(walker(1, 0.4, 0.6))
	f.show(walker(1, 0.4, 0.64))
	if got := f.dirs(); got != "in" {
		t.Fatalf("got %q, want in", got)
	}
	if c := f.events[0].Data.(sidecar.Crossing); c.PTS != 200_000 {
		t.Errorf("got %d µs, want the frame at 200000", c.PTS)
	}
}

func TestLineCountsWhatEndsPastIt(t *testing.T) {
	for _, c := range []struct {
		y, speed float64
		want     string
	}{
		{0.6, 0.2, "in"},  // one observation beyond the band
		{0.51, 0.2, "in"}, // within it, moving on
		{0.51, -0.2, ""},  // turning back
		{0.49, 0.2, ""},   // not there yet
		{0.505, 0, ""},    // standing
	} {
		f := letters(t, "AAA")
		w := walker(1, 0.3, c.y)
		w.Velocity = sidecar.Point{0, c.speed}
		f.show(w)
		f.end(1)
		f.wait(4 * time.Second)
		if got := f.dirs(); got != c.want {
			t.Errorf("%+v: got %q, want %q", c, got, c.want)
		}
	}
}

func TestLineAroundTheEnd(t *testing.T) {
	f := newFilm(t, 10, sidecar.Function{ID: "line", Kind: "line", Line: []sidecar.Point{{0.3, 0.5}, {0.6, 0.5}}})
	for lap := range 3 {
		for i := range 36 {
			sin, cos := math.Sincos(float64(10*i) * math.Pi / 180)
			f.show(walker(1, 0.6+0.2*cos, 0.5-0.2*sin))
		}
		if got := f.dirs(); got != "in" {
			t.Fatalf("lap %d: got %q, want one in: directions alternate", lap, got)
		}
	}
}
