package analyse

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"pantau/sidecar"
)

// examples has one function of each kind.
var examples = map[string]sidecar.Function{"congestion": jam, "crowd": rally, "line": across, "parking": lot, "speed": pace, "turns": simpang, "zone": square}

// with gives a function, and those before it that it listens to.
func with(f sidecar.Function) []sidecar.Function {
	if kinds[f.Kind].beside == nil {
		return []sidecar.Function{f}
	}
	return append(slices.Clone(arms), f)
}

// TestKindsConform holds every analytic of the table against what a camera does
// on a bad day.
func TestKindsConform(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name := range kinds {
		f, ok := examples[name]
		if !ok {
			t.Errorf("no example of kind %s", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			for what, play := range map[string]func(f *film){
				"nothing": func(f *film) { f.wait(3 * time.Second) },
				"no clock": func(f *film) {
					for range 10 {
						f.a.Update(&sidecar.Scene{Tracks: []sidecar.Track{walker(1, 0.5, 0.5)}})
					}
				},
				"time backwards": func(f *film) {
					for i := range 50 {
						f.at = time.Duration((i*37)%50) * 100 * time.Millisecond
						f.show(walker(1, 0.5, 0.3+0.01*float64(i)))
					}
				},
				"time leaps": func(f *film) {
					for i := range 20 {
						f.at += time.Duration(i*i) * time.Hour
						f.show(walker(1, 0.5, 0.3+0.02*float64(i)))
						f.a.Counts(began.Add(f.at))
					}
				},
				"no numbers": func(f *film) {
					for i := range 40 {
						bad := walker(1, 0.5, 0.3+0.01*float64(i))
						switch i % 4 {
						case 1:
							bad.Box.Bottom = nan
						case 2:
							bad.Box.Left = -inf
						case 3:
							bad.Velocity = sidecar.Point{nan, inf}
						}
						f.show(bad, walker(2, nan, nan))
					}
				},
				"unconfirmed": func(f *film) {
					for i := range 40 {
						f.show(sidecar.Track{Observed: true, Class: sidecar.Person, Box: walker(0, 0.5, 0.3+0.01*float64(i)).Box})
					}
					if len(f.events) != 0 {
						f.t.Errorf("got %q of what is not confirmed", f.story())
					}
				},
				"empty boxes": func(f *film) {
					for i := range 40 {
						y := 0.3 + 0.01*float64(i)
						f.show(sidecar.Track{ID: 1, Confirmed: true, Observed: true, Class: sidecar.Person, Box: sidecar.Box{Left: 0.5, Top: y, Right: 0.5, Bottom: y}})
					}
				},
				"strangers": func(f *film) {
					f.play(&sidecar.Scene{Merged: []sidecar.Merge{{From: 5, Into: 6}, {}, {From: 1, Into: 1}},
						Ended: []sidecar.Track{{ID: 9, Confirmed: true}, {}}})
				},
				"merges of all": func(f *film) {
					for i := range 40 {
						s := &sidecar.Scene{}
						for id := sidecar.TrackID(1); id <= 8; id++ {
							s.Tracks = append(s.Tracks, walker(id, 0.5, 0.3+0.01*float64(i)+0.005*float64(id)))
						}
						if i > 20 {
							s.Tracks = s.Tracks[:1]
							s.Merged = []sidecar.Merge{{From: sidecar.TrackID(i - 19), Into: 1}}
						}
						f.play(s)
					}
				},
			} {
				f := newFilm(t, 10, with(f)...)
				play(f)
				_, counts := f.a.Close(began.Add(f.at))
				for _, c := range counts {
					sane(t, name+", "+what, c)
				}
				for _, k := range f.a.analytics {
					if at, open := k.Undecided(); open {
						t.Errorf("%s: undecided at %v when all is over", what, at)
					}
				}
			}
		})
	}
}

// sane says what no count may be.
func sane(t *testing.T, what string, c sidecar.Count) {
	t.Helper()
	if !(c.Uptime >= 0 && c.Uptime <= 1) || c.Frames < 0 || !c.From.Before(c.To) || c.To.After(c.From.Truncate(time.Minute).Add(time.Minute)) {
		t.Errorf("%s: got %+v", what, c)
	}
	for _, r := range c.Rows {
		if r.N != nil && *r.N < 0 || r.Mean != nil && !(*r.Mean >= 0 && *r.Mean < 1e6) || r.Max != nil && *r.Max < 0 {
			t.Errorf("%s: got %+v", what, r)
		}
	}
}

// busy is a scene of a street in which nothing happens: n objects of all classes
// stand in the lower half of the picture, a part of them in each polygon.
func busy(f *film, n int) *sidecar.Scene {
	s := &sidecar.Scene{Tracks: make([]sidecar.Track, n), Width: 1280, Height: 720}
	for i := range s.Tracks {
		column, row := i%40, i/40
		s.Tracks[i] = walker(sidecar.TrackID(i+1), 0.05+0.0225*float64(column), 0.6+0.015*float64(row))
		s.Tracks[i].Class = sidecar.Classes()[i%6]
		s.Tracks[i].Motion = sidecar.Stopped
	}
	s.Stamp = f.stamp()
	return s
}

// next shows a busy scene again, a tenth of a second later.
func (f *film) next(s *sidecar.Scene) {
	f.at += 100 * time.Millisecond
	s.Stamp = f.stamp()
	f.a.Update(s)
	f.a.Counts(s.Capture)
}

func TestUpdateAllocatesNothing(t *testing.T) {
	for name, fns := range together() {
		t.Run(name, func(t *testing.T) {
			f := newFilm(t, 10, fns...)
			s := busy(f, 40)
			for range 1300 { // longer than a minute's and a place's patience
				f.next(s)
			}
			if n := testing.AllocsPerRun(100, func() { f.next(s) }); n != 0 {
				t.Errorf("got %v allocations a frame, want 0", n)
			}
		})
	}
}

// together has each example alone, and all of them on one camera.
func together() map[string][]sidecar.Function {
	sets := map[string][]sidecar.Function{}
	for name, f := range examples {
		sets[name] = with(f)
		sets["all"] = append(sets["all"], with(f)...)
	}
	return sets
}

func TestScenesSayWhoIsInside(t *testing.T) {
	f := newFilm(t, 10, across, square)
	s := busy(f, 40)
	f.next(s)
	if len(s.Zones) != 1 || len(s.Tracks[20].Zones) != 1 {
		t.Fatalf("got zones %v, want somebody inside", s.Zones)
	}
}

func BenchmarkUpdate(b *testing.B) {
	sets := together()
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		for _, n := range []int{10, 100, 1000} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				f := newFilm(b, 10, sets[name]...)
				s := busy(f, n)
				f.next(s) // who comes is remembered: that is not per frame
				b.ReportAllocs()
				for b.Loop() {
					f.next(s)
				}
			})
		}
	}
}
