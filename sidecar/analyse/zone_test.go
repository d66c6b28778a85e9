package analyse

import (
	"testing"
	"time"

	"pantau/sidecar"
)

// square is a zone in the middle of the picture.
var square = sidecar.Function{ID: "square", Kind: "zone", Dwell: 5 * time.Second,
	Polygon: sidecar.Polygon{{0.3, 0.3}, {0.7, 0.3}, {0.7, 0.7}, {0.3, 0.7}}}

// TestZoneThreeNumbers is case 8: presence, entries and visits. One object
// stands inside for a minute, two walk through in two seconds, one of them twice.
func TestZoneThreeNumbers(t *testing.T) {
	f := newFilm(t, 10, square)
	for i := range 600 {
		tracks := []sidecar.Track{walker(1, 0.5, 0.5)}
		for id, start := range map[sidecar.TrackID]int{2: 100, 3: 300} {
			if x := 0.2 + 0.03*float64(i-start); x >= 0.2 && x < 0.8 {
				tracks = append(tracks, walker(id, x, 0.6))
			}
		}
		if x := 0.8 - 0.03*float64(i-340); x > 0.2 && x <= 0.8 {
			tracks = append(tracks, walker(3, x, 0.6))
		}
		f.show(tracks...)
	}
	want := map[sidecar.RowKind]int{sidecar.Entries: 4, sidecar.Exits: 3, sidecar.Visits: 1}
	for kind, n := range want {
		if got := f.total("square", kind, sidecar.Person, ""); got != n {
			t.Errorf("%s: got %d, want %d", kind, got, n)
		}
	}
	_, counts := f.a.Close(began.Add(f.at - time.Millisecond))
	row := counts[0].Rows[0]
	if row.Kind != sidecar.Presence || *row.Max != 2 || *row.Mean < 1.06 || *row.Mean > 1.09 {
		t.Errorf("got %s mean %v max %d, want presence 1.07 and 2", row.Kind, *row.Mean, *row.Max)
	}
}

// faint is a track that is seen, and never surely.
func faint(t sidecar.Track) sidecar.Track {
	t.Score = 0.3
	return t
}

func TestZoneStory(t *testing.T) {
	for _, c := range []struct {
		name string
		play func(f *film)
		want string
	}{
		{"walks through", func(f *film) {
			for x := 0.1; x < 0.9; x += 0.02 {
				f.show(walker(1, x, 0.5))
			}
		}, "entered 1, left 1"},
		{"jitters on the border", func(f *film) {
			jitter := noise(3)
			for range 600 {
				f.show(walker(1, 0.3+0.002*jitter(), 0.5))
			}
		}, ""},
		{"a cone", func(f *film) {
			jitter := noise(3)
			for range 600 {
				f.show(faint(walker(1, 0.5+0.002*jitter(), 0.5)))
			}
		}, ""},
		{"stood faintly, and walks on", func(f *film) {
			for range 600 {
				f.show(faint(walker(1, 0.5, 0.5)))
			}
			for x := 0.5; x < 0.9; x += 0.01 {
				f.show(faint(walker(1, x, 0.5)))
			}
		}, "entered 1, left 1"},
		{"stood far away, and is seen surely", func(f *film) {
			for range 100 {
				f.show(faint(walker(1, 0.5, 0.5)))
			}
			for range 300 {
				f.show(walker(1, 0.5, 0.5))
			}
		}, "entered 1"},
		{"flickers inside", func(f *film) {
			for i := range 60 {
				x := 0.5
				if i%10 == 5 {
					x = 0.1
				}
				f.show(walker(1, x, 0.5))
			}
		}, "entered 1"},
		{"stands just inside", func(f *film) {
			for range 5 {
				f.show(walker(1, 0.2, 0.5))
			}
			for range 40 {
				f.show(walker(1, 0.303, 0.5))
			}
		}, "entered 1"},
		{"is hidden inside", func(f *film) {
			for range 10 {
				f.show(walker(1, 0.5, 0.5))
			}
			f.wait(2 * time.Second)
			for range 10 {
				f.show(walker(1, 0.5, 0.5))
			}
		}, "entered 1"},
		{"gets another identity inside", func(f *film) {
			for range 10 {
				f.show(walker(1, 0.5, 0.5))
			}
			f.wait(500 * time.Millisecond)
			for range 10 {
				f.show(walker(2, 0.501, 0.5))
			}
			f.end(1)
			for range 10 {
				f.show(walker(2, 0.501, 0.5))
			}
			f.end(2)
			f.wait(4 * time.Second)
		}, "entered 1, left 2"},
		{"comes back when the first has been given up", func(f *film) {
			f.show(walker(1, 0.5, 0.5))
			f.end(1)
			f.wait(time.Second)
			f.show(walker(2, 0.5, 0.5))
			f.show(walker(2, 0.5, 0.5))
		}, "entered 1"},
		{"is another beside one that was hidden", func(f *film) {
			f.show(walker(1, 0.5, 0.5))
			f.show()
			f.show(walker(2, 0.51, 0.5))
			f.show(walker(2, 0.51, 0.5), walker(1, 0.5, 0.5))
			f.show(walker(2, 0.51, 0.5), walker(1, 0.5, 0.5))
		}, "entered 1, entered 2"},
		{"vanishes inside", func(f *film) {
			f.show(walker(1, 0.5, 0.5))
			f.end(1)
			f.wait(4 * time.Second)
		}, "entered 1, left 1"},
		{"is counted twice and merged", func(f *film) {
			f.show(walker(1, 0.5, 0.5), walker(2, 0.502, 0.5))
			f.play(&sidecar.Scene{Tracks: []sidecar.Track{walker(1, 0.5, 0.5)}, Merged: []sidecar.Merge{{From: 2, Into: 1}}})
			for x := 0.5; x < 0.9; x += 0.02 {
				f.show(walker(1, x, 0.5))
			}
		}, "entered 1, entered 2, correction cam/square/e1/2/1, left 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFilm(t, 10, square)
			c.play(f)
			if got := f.story(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestZoneTellsTheStay(t *testing.T) {
	f := newFilm(t, 10, square)
	for i := range 100 { // inside from 0.3 to 0.7: 80 frames
		f.show(walker(1, 0.2625+0.005*float64(i), 0.5))
	}
	if len(f.events) != 2 {
		t.Fatalf("got %q, want an entry and an exit", f.story())
	}
	entered, left := f.events[0], f.events[1].Data.(sidecar.ZoneChange)
	if want := began.Add(800 * time.Millisecond); !entered.Time.Equal(want) {
		t.Errorf("got entered at %v, want %v", entered.Time, want)
	}
	if left.Stay != 7.9 || !left.Visit || left.PTS != 8_700_000 {
		t.Errorf("got a stay of %v s, visit %v, until %d µs, want 7.9 s, a visit, until 8700000", left.Stay, left.Visit, left.PTS)
	}
}

func TestZoneIsShownInScenes(t *testing.T) {
	left := square
	left.ID, left.Polygon = "left", sidecar.Polygon{{0, 0}, {0.5, 0}, {0.5, 1}, {0, 1}}
	f := newFilm(t, 10, square, left)
	car := walker(2, 0.1, 0.5)
	car.Class = sidecar.Car
	f.show(walker(1, 0.4, 0.5), car, walker(3, 0.9, 0.9))
	first := f.scene
	if got := string(first.AppendJSON(nil)); !contain(got,
		`"zones":[{"id":"square","counts":{"person":1}},{"id":"left","counts":{"person":1,"car":1}}]`,
		`"age":1,"zones":["square","left"]}`, `"age":1,"zones":["left"]}`, `"age":1}`) {
		t.Errorf("got %s", got)
	}
	before := string(first.AppendJSON(nil))
	f.show(walker(1, 0.6, 0.5), car)
	for range 3 {
		f.show(walker(1, 0.9, 0.5))
	}
	if got := string(first.AppendJSON(nil)); got != before {
		t.Errorf("a scene that was handed on has changed:\n%s\n%s", before, got)
	}
}

// A zone to the edge of the picture has no border there: feet that are cut off
// at the edge are inside.
func TestZoneReachesTheEdge(t *testing.T) {
	whole := square
	whole.Polygon = sidecar.Polygon{{0, 0}, {1, 0}, {1, 1}, {0, 1}}
	f := newFilm(t, 10, whole)
	for _, p := range []sidecar.Point{{0.5, 1}, {0, 0.5}, {1, 1}, {0.5, 0}, {0.99, 0.999}} {
		f.show(walker(1, p[0], p[1]))
	}
	if got := f.story(); got != "entered 1" {
		t.Errorf("got %q, want one entry", got)
	}
	// What is hidden at the edge has left the picture and is present no more.
	f.show(walker(1, 0.98, 0.5))
	f.show()
	if got := f.scene.Zones[0].Counts; len(got) != 0 {
		t.Errorf("got %v, want nobody", got)
	}
}

func TestZoneTellsHowLongTheyStayed(t *testing.T) {
	f := newFilm(t, 10, square)
	for id := sidecar.TrackID(1); id <= 20; id++ { // one after the other, a tenth of a second longer each
		for range id {
			f.show(walker(id, 0.5, 0.5))
		}
		for range 3 {
			f.show(walker(id, 0.9, 0.5))
		}
		f.end(id)
	}
	_, counts := f.a.Close(began.Add(f.at))
	for _, r := range counts[0].Rows {
		switch {
		case r.Kind != sidecar.Dwell:
		case r.Class == sidecar.Person && (*r.N != 20 || *r.Median != 0.9 || *r.P95 != 1.8 || *r.Longest != 1.9):
			t.Errorf("got %d stays, median %v, p95 %v, longest %v, want 20, 0.9, 1.8 and 1.9 s", *r.N, *r.Median, *r.P95, *r.Longest)
		case r.Class != sidecar.Person && (*r.N != 0 || r.Median != nil || r.Longest != nil):
			t.Errorf("got %+v of a class of which nobody came", r)
		}
	}
}

func TestZoneTellsLoiteringOnce(t *testing.T) {
	watched := square
	watched.TimeThreshold = 20 * time.Second
	f := newFilm(t, 10, watched)
	f.wait(time.Second)
	f.hold(15*time.Second, walker(1, 0.5, 0.5))
	f.end(1)
	f.wait(500 * time.Millisecond)
	f.hold(30*time.Second, walker(2, 0.5, 0.5), walker(3, 0.9, 0.9)) // the first under another identity, and one outside
	var told []sidecar.Loitering
	for _, e := range f.events {
		if d, ok := e.Data.(sidecar.Loitering); ok {
			told = append(told, d)
			if want := began.Add(21 * time.Second); !e.Time.Equal(want) {
				t.Errorf("got told of %v, want %v", e.Time, want)
			}
		}
	}
	if len(told) != 1 || told[0].Since != "2026-11-23T05:41:01.000000Z" || told[0].Begun != "cam/square/e1/1/1" || told[0].Class != sidecar.Person {
		t.Errorf("got %+v, want one, since the first second", told)
	}
}

// Boxes end at the edge of the picture: whose feet are cut off stands in a zone that
// reaches it, on each of the four sides.
func TestAZoneReachesTheEdge(t *testing.T) {
	whole := sidecar.Polygon{{0, 0}, {1, 0}, {1, 1}, {0, 1}}
	for _, p := range []sidecar.Point{{0.5, 1}, {1, 0.5}, {0, 0.5}, {0.5, 0}, {1, 1}, {0, 0}} {
		if !contains(whole, p) {
			t.Errorf("%v is outside of the whole picture", p)
		}
	}
	f := newFilm(t, 10, sidecar.Function{ID: "z", Kind: "zone", Polygon: sidecar.Polygon{{0.2, 0.6}, {0.8, 0.6}, {0.8, 1}, {0.2, 1}}})
	f.hold(2*time.Second, walker(1, 0.5, 1))
	if got := f.story(); got != "entered 1" {
		t.Errorf("got %q, want one who has entered", got)
	}
}

// Who is joined into one that was not announced leaves as who had come.
func TestLeavesAsWhoCame(t *testing.T) {
	f := newFilm(t, 10, square)
	for x := 0.1; x < 0.5; x += 0.02 {
		f.show(walker(1, x, 0.5))
	}
	for range 10 {
		f.show(walker(1, 0.5, 0.5), faint(walker(2, 0.52, 0.5)))
	}
	f.play(&sidecar.Scene{Tracks: []sidecar.Track{faint(walker(2, 0.52, 0.5))}, Merged: []sidecar.Merge{{From: 1, Into: 2}}})
	f.end(2)
	f.wait(5 * time.Second)
	if got := f.story(); got != "entered 1, left 2" {
		t.Errorf("got %s", got)
	}
	for _, e := range f.events {
		if c, ok := e.Data.(sidecar.ZoneChange); ok && c.N != 1 {
			t.Errorf("%s has n %d, want 1", e.Type, c.N)
		}
	}
}

// An entry that was told stays told when its object is joined with one that waits for
// somebody who is hidden: entries and exits stay as many.
func TestJoinedWithOneThatWaits(t *testing.T) {
	f := newFilm(t, 10, square)
	for range 10 {
		f.show(walker(1, 0.5, 0.5))
	}
	for range 5 {
		f.show(walker(2, 0.5, 0.5)) // the return of 1, it seems
	}
	for range 10 {
		f.show(walker(2, 0.5, 0.5), walker(3, 0.52, 0.5))
	}
	f.play(&sidecar.Scene{Tracks: []sidecar.Track{walker(3, 0.52, 0.5)}, Merged: []sidecar.Merge{{From: 2, Into: 3}}})
	f.end(1)
	for range 10 {
		f.show(walker(3, 0.52, 0.5))
	}
	f.end(3)
	f.wait(5 * time.Second)
	if got := f.story(); got != "entered 1, entered 3, correction cam/square/e1/3/1, left 3" {
		t.Errorf("got %s", got)
	}
	if in, out := f.total("square", sidecar.Entries, sidecar.Person, ""), f.total("square", sidecar.Exits, sidecar.Person, ""); in != 1 || out != 1 {
		t.Errorf("%d entries and %d exits of one", in, out)
	}
}
