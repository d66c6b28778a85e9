package analyse

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pantau/sidecar"
)

// lot has two bays beside each other, and kerb is one with room for three.
var (
	lot = sidecar.Function{ID: "lot", Kind: "parking", Dwell: 10 * time.Second, Bays: map[string]sidecar.Polygon{
		"A1": {{0.30, 0.40}, {0.40, 0.40}, {0.40, 0.60}, {0.30, 0.60}},
		"A2": {{0.40, 0.40}, {0.50, 0.40}, {0.50, 0.60}, {0.40, 0.60}},
	}}
	kerb = sidecar.Function{ID: "kerb", Kind: "parking", Dwell: 10 * time.Second, Capacity: 3,
		Polygon: sidecar.Polygon{{0.2, 0.4}, {0.8, 0.4}, {0.8, 0.6}, {0.2, 0.6}}}
)

// vehicle is a track with the middle of its bottom edge at a point.
func vehicle(id sidecar.TrackID, class sidecar.Class, x, y float64) sidecar.Track {
	t := walker(id, x, y)
	w, h := 0.04, 0.16
	switch class {
	case sidecar.Bus:
		w, h = 0.12, 0.3
	case sidecar.Motorcycle:
		w, h = 0.015, 0.06
	}
	t.Class, t.Box = class, sidecar.Box{Left: x - w, Top: y - h, Right: x + w, Bottom: y}
	return t
}

func car(id sidecar.TrackID, x, y float64) sidecar.Track { return vehicle(id, sidecar.Car, x, y) }

// sessions tells the parking events of a film as "+bay second" and "-bay second".
func (f *film) sessions() string {
	var words []string
	for _, e := range f.events {
		if d, ok := e.Data.(sidecar.ParkingChange); ok {
			sign := "+"
			if e.Type == sidecar.ParkingFreed {
				sign = "-"
			}
			words = append(words, sign+d.Bay+" "+e.Time.Sub(began).Round(time.Second).String())
		}
	}
	return strings.Join(words, ", ")
}

// hold shows the same tracks for some seconds.
func (f *film) hold(d time.Duration, tracks ...sidecar.Track) {
	for end := f.at + d; f.at < end; {
		f.show(append([]sidecar.Track(nil), tracks...)...)
	}
}

// drive moves one track along a line for some seconds, beside others.
func (f *film) drive(d time.Duration, t sidecar.Track, to sidecar.Point, others ...sidecar.Track) sidecar.Track {
	from := t.Box.Foot()
	dx, dy := to[0]-from[0], to[1]-from[1]
	start, box := f.at, t.Box
	for end := f.at + d; f.at < end; {
		part := float64(f.at-start) / float64(d)
		t.Box = sidecar.Box{Left: box.Left + part*dx, Top: box.Top + part*dy, Right: box.Right + part*dx, Bottom: box.Bottom + part*dy}
		f.show(append([]sidecar.Track{t}, others...)...)
	}
	t.Box = sidecar.Box{Left: box.Left + dx, Top: box.Top + dy, Right: box.Right + dx, Bottom: box.Bottom + dy}
	return t
}

// park lets a car come from below into bay A1.
func (f *film) park(id sidecar.TrackID) sidecar.Track {
	return f.drive(3*time.Second, car(id, 0.35, 0.95), sidecar.Point{0.35, 0.59})
}

func TestParkingStory(t *testing.T) {
	for _, c := range []struct {
		name string
		f    sidecar.Function
		play func(f *film)
		want string
	}{
		{"parks and goes", lot, func(f *film) {
			c := f.park(1)
			f.hold(57*time.Second, c)
			f.drive(3*time.Second, c, sidecar.Point{0.35, 0.95})
			f.hold(20 * time.Second)
		}, "+A1 3s, -A1 1m0s"},
		{"only drives through", lot, func(f *film) {
			c := f.drive(4*time.Second, car(1, 0.05, 0.59), sidecar.Point{0.95, 0.59})
			f.end(c.ID)
			f.wait(20 * time.Second)
		}, ""},
		{"stops for a moment", lot, func(f *film) {
			c := f.park(1)
			f.hold(6*time.Second, c)
			f.drive(3*time.Second, c, sidecar.Point{0.35, 0.95})
			f.wait(20 * time.Second)
		}, ""},
		{"gets other identities", lot, func(f *film) {
			f.park(1)
			for id := sidecar.TrackID(2); id < 20; id++ {
				f.hold(3*time.Second, car(id, 0.35, 0.59))
				f.end(id)
			}
		}, "+A1 3s"},
		{"is not detected for a while", lot, func(f *film) {
			c := f.park(1)
			f.hold(20*time.Second, c)
			f.wait(50 * time.Second)
			f.hold(20*time.Second, car(2, 0.35, 0.59))
		}, "+A1 3s"},
		{"vanishes", lot, func(f *film) {
			c := f.park(1)
			f.hold(20*time.Second, c)
			f.wait(70 * time.Second)
		}, "+A1 3s, -A1 23s"},
		{"a bus hides it for ten minutes", lot, func(f *film) {
			c := f.park(1)
			f.hold(20*time.Second, c)
			bus := f.drive(5*time.Second, vehicle(2, sidecar.Bus, 0.05, 0.75), sidecar.Point{0.35, 0.75})
			f.hold(10*time.Minute, bus)
			f.drive(5*time.Second, bus, sidecar.Point{0.95, 0.75})
			f.hold(20*time.Second, car(3, 0.35, 0.59))
		}, "+A1 3s"},
		{"a bus takes its identity along", lot, func(f *film) {
			c := f.park(1)
			f.hold(20*time.Second, c)
			f.drive(4*time.Second, vehicle(2, sidecar.Bus, 0.05, 0.75), sidecar.Point{0.35, 0.75}, c)
			f.hold(10*time.Second, vehicle(1, sidecar.Bus, 0.35, 0.75))
			bus := f.drive(2*time.Second, vehicle(1, sidecar.Bus, 0.35, 0.75), sidecar.Point{0.55, 0.75})
			f.drive(4*time.Second, bus, sidecar.Point{0.95, 0.75}, car(2, 0.35, 0.59))
			f.hold(20*time.Second, car(2, 0.35, 0.59))
		}, "+A1 3s"},
		{"people walk past", lot, func(f *film) {
			c := f.park(1)
			for id := sidecar.TrackID(10); id < 30; id++ {
				f.drive(4*time.Second, walker(id, 0.1, 0.62), sidecar.Point{0.9, 0.62}, c)
			}
		}, "+A1 3s"},
		{"people stand in an empty bay", lot, func(f *film) {
			f.hold(2*time.Minute, walker(1, 0.35, 0.55))
		}, ""},
		{"another takes the bay at once", lot, func(f *film) {
			c := f.park(1)
			f.hold(30*time.Second, c)
			f.drive(3*time.Second, c, sidecar.Point{0.35, 0.95})
			f.hold(5 * time.Second)
			f.hold(30*time.Second, f.park(2))
		}, "+A1 3s, -A1 33s, +A1 44s"},
		{"stood there before", lot, func(f *film) {
			f.hold(30*time.Second, car(1, 0.45, 0.59))
		}, "+A2 0s"},
		{"two at once", lot, func(f *film) {
			f.hold(30*time.Second, car(1, 0.35, 0.59), car(2, 0.45, 0.58))
		}, "+A1 0s, +A2 0s"},
		{"a truck that is also a car", lot, func(f *film) {
			f.hold(30*time.Second, car(1, 0.35, 0.59), vehicle(2, sidecar.Truck, 0.352, 0.592))
		}, "+A1 0s"},
		{"a kerb", kerb, func(f *film) {
			c := f.drive(3*time.Second, car(1, 0.3, 0.95), sidecar.Point{0.3, 0.58})
			f.hold(30*time.Second, c, car(2, 0.5, 0.58))
			f.hold(70*time.Second, c)
		}, "+ 3s, + 3s, - 33s"},
		{"motorcycles in a row", kerb, func(f *film) {
			var row []sidecar.Track
			for i := range 12 {
				row = append(row, vehicle(sidecar.TrackID(i+1), sidecar.Motorcycle, 0.3+0.02*float64(i), 0.55))
			}
			f.hold(20*time.Second, row...)
		}, strings.Repeat("+ 0s, ", 11) + "+ 0s"},
		{"a queue past the kerb", kerb, func(f *film) {
			for id := sidecar.TrackID(1); id < 20; id++ { // each stands where the one before stood
				c := f.drive(2*time.Second, car(id, 0.1, 0.55), sidecar.Point{0.5, 0.55})
				f.hold(6*time.Second, c)
				f.drive(2*time.Second, c, sidecar.Point{0.9, 0.55})
				f.end(id)
			}
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFilm(t, 10, c.f)
			c.play(f)
			if got := f.sessions(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestParkingTellsTheSession(t *testing.T) {
	f := newFilm(t, 10, lot)
	f.wait(5 * time.Second)
	c := f.park(1)
	f.hold(60*time.Second, c)
	f.drive(3*time.Second, c, sidecar.Point{0.35, 0.95})
	f.wait(10 * time.Second)
	if len(f.events) < 2 {
		t.Fatalf("got %q, want a session", f.sessions())
	}
	came, went := f.events[0].Data.(sidecar.ParkingChange), f.events[1].Data.(sidecar.ParkingChange)
	if came.Bay != "A1" || came.Found || came.Occupied != 1 || came.Capacity != 2 || came.Track != "1" || came.Class != sidecar.Car {
		t.Errorf("got %+v", came)
	}
	if went.Begun != f.events[0].ID || went.Arrived != came.Arrived || went.Stay < 60 || went.Stay > 63 || went.Occupied != 0 || went.Departed == "" {
		t.Errorf("got %+v", went)
	}
	for kind, want := range map[sidecar.RowKind]int{sidecar.Arrivals: 1, sidecar.Departures: 1} {
		if got := f.total("lot", kind, sidecar.Car, ""); got != want {
			t.Errorf("%s: got %d, want %d", kind, got, want)
		}
	}
	_, counts := f.a.Close(began.Add(f.at))
	for _, r := range counts[0].Rows {
		if r.Kind == sidecar.Occupancy && r.Class == sidecar.Car && (*r.Max != 1 || *r.Capacity != 2 || *r.Mean < 0.6 || *r.Mean > 0.8) {
			t.Errorf("got mean %v max %d capacity %d, want 0.7, 1 and 2", *r.Mean, *r.Max, *r.Capacity)
		}
	}
}

// FuzzParkingAlternates looks that whatever is seen, each bay is occupied and
// freed in turns, no session ends before it begins, and the level is the number of
// open sessions.
func FuzzParkingAlternates(f *testing.F) {
	f.Add([]byte("AAAAAAAAAAAAAAAAAAAAAAAA"))
	f.Add([]byte("AAAAAAAABBBBBBBB@@@@@@@@CCCCCCCC"))
	f.Add([]byte{0x41, 0x42, 0x43, 0x81, 0xc1, 0x01, 0, 0, 0, 0xff})
	f.Fuzz(func(t *testing.T, script []byte) {
		film := newFilm(t, 2, lot, kerb)
		for _, b := range script[:min(len(script), 400)] {
			for range 4 {
				var tracks []sidecar.Track
				for i := range 3 { // three vehicles, near each other
					if b&(1<<i) != 0 {
						x := 0.35 + 0.05*float64(i) + 0.01*float64(b>>3&3)
						tracks = append(tracks, car(sidecar.TrackID(1+(i+int(b>>5))%4), x, 0.58))
					}
				}
				if b&0x80 != 0 {
					tracks = append(tracks, vehicle(9, sidecar.Bus, 0.1+0.1*float64(b>>3&7), 0.75))
				}
				film.show(tracks...)
			}
		}
		open := map[string]string{} // session -> bay
		taken := map[string]bool{}
		n := map[string]int{}
		for _, e := range film.events {
			d, ok := e.Data.(sidecar.ParkingChange)
			if !ok {
				continue
			}
			if e.Type == sidecar.ParkingOccupied {
				if _, again := open[e.ID]; again || d.Bay != "" && taken[d.Bay] {
					t.Fatalf("bay %q is occupied twice: %s", d.Bay, film.sessions())
				}
				open[e.ID], taken[d.Bay] = d.Bay, true
				n[d.Rule]++
			} else {
				if bay, ok := open[d.Begun]; !ok || bay != d.Bay || d.Stay < 10 || d.Departed < d.Arrived {
					t.Fatalf("bay %q is freed and was not occupied, or too soon: %s", d.Bay, film.sessions())
				}
				delete(open, d.Begun)
				taken[d.Bay] = false
				n[d.Rule]--
			}
			if d.Occupied != n[d.Rule] {
				t.Fatalf("got %d occupied, want %d", d.Occupied, n[d.Rule])
			}
		}
	})
}

// A post is seen as a motorcycle for hours, and never surely.
func TestGhostsDoNotPark(t *testing.T) {
	for score, want := range map[float64]int{0.36: 0, 0.5: 1} {
		f := newFilm(t, 4, lot)
		ghost := car(1, 0.35, 0.95)
		ghost.Class, ghost.Score = sidecar.Motorcycle, score
		b := lot.Bays[slices.Sorted(maps.Keys(lot.Bays))[0]]
		x, y := (b[0][0]+b[2][0])/2, max(b[0][1], b[2][1])
		ghost.Box = sidecar.Box{Left: x - 0.01, Top: y - 0.06, Right: x + 0.01, Bottom: y - 0.005}
		for range 4 * 120 {
			f.show(ghost)
		}
		n := 0
		for _, e := range f.events {
			if e.Type == sidecar.ParkingOccupied {
				n++
			}
		}
		if n != want {
			t.Errorf("score %v: %d parked, want %d", score, n, want)
		}
	}
}
