package analyse

import (
	"fmt"
	"slices"
	"testing"

	"pantau/sidecar"
)

// flow is a scene in which n cars go to and fro beside the lines of the tests and
// cross none of them: what a street costs when nothing is to be told.
type flow struct {
	film  *film
	scene *sidecar.Scene
	frame int
}

func newFlow(t tester, n int, fns ...sidecar.Function) *flow {
	s := &flow{film: newFilm(t, 10, fns...), scene: &sidecar.Scene{Tracks: make([]sidecar.Track, n), Width: 1280, Height: 720}}
	for i := range s.scene.Tracks {
		s.scene.Tracks[i] = walker(sidecar.TrackID(i+1), 0.02+0.96*float64(i%100)/100, 0.12+0.01*float64(i/100))
		s.scene.Tracks[i].Class = sidecar.Car
	}
	s.next()
	return s
}

// next shows the next scene, a tenth of a second later.
func (s *flow) next() {
	step := 0.002
	if s.frame++; s.frame/10%2 == 1 {
		step = -step
	}
	for i := range s.scene.Tracks {
		b := &s.scene.Tracks[i].Box
		b.Top, b.Bottom = b.Top+step, b.Bottom+step
	}
	s.film.next(s.scene)
}

// lineSets are the functions that are timed: a straight line, one of 16 points, and a
// junction of four.
func lineSets() map[string][]sidecar.Function {
	bent := sidecar.Function{ID: "bent", Kind: "line", Line: zigzag(16)}
	return map[string][]sidecar.Function{"straight": {across}, "bent": {bent}, "junction": append(slices.Clone(arms), simpang)}
}

func TestLinesAllocateNothing(t *testing.T) {
	for name, fns := range lineSets() {
		s := newFlow(t, 100, fns...)
		for range 1300 { // longer than a minute
			s.next()
		}
		if n := testing.AllocsPerRun(100, s.next); n != 0 {
			t.Errorf("%s: got %v allocations a frame, want 0", name, n)
		}
		if len(s.film.events) != 0 {
			t.Errorf("%s: got %q, want nothing to be told", name, s.film.story())
		}
	}
}

func BenchmarkLines(b *testing.B) {
	for _, name := range []string{"straight", "bent", "junction"} {
		for _, n := range []int{10, 100, 1000} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				s := newFlow(b, n, lineSets()[name]...)
				b.ReportAllocs()
				for b.Loop() {
					s.next()
				}
			})
		}
	}
}

// BenchmarkTurns drives a vehicle through the junction again and again: what a turn
// costs, with its two crossings.
func BenchmarkTurns(b *testing.B) {
	f := newFilm(b, 10, append(slices.Clone(arms), simpang)...)
	travel(f, "N")
	b.ReportAllocs()
	for b.Loop() {
		f.events = f.events[:0]
		travel(f, "NCSCN") // there and back: two turns of 41 frames
	}
}
