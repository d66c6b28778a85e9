package analyse

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"pantau/sidecar"
)

// checkJunction draws vehicles that go through a junction, each from one arm to
// another or back, and holds the matrix against the truth. They rest anywhere, also
// on a line and in the junction.
func checkJunction(t *rapid.T, identities bool) {
	rates, fastest := []float64{4, 8, 10, 25}, 5.0
	if identities { // where even a person could say who is who
		rates, fastest = rates[1:], 12
	}
	fps := rapid.SampledFrom(rates).Draw(t, "fps")
	f := newFilm(t, fps, append(slices.Clone(arms), simpang)...)
	s := &street{film: f, noise: noise(rapid.Uint64().Draw(t, "noise")), jitter: 0.03, miss: 0.15}
	if identities {
		s.switches = 0.5
	}
	places := map[string]sidecar.Point{"north": outer['N'], "east": outer['E'], "south": outer['S'], "west": outer['W']}
	truth := map[string]int{}
	end, start := 0.0, 0.0
	for i := range rapid.IntRange(1, 6).Draw(t, "vehicles") {
		from, to := rapid.SampledFrom(simpang.Lines).Draw(t, "from"), rapid.SampledFrom(simpang.Lines).Draw(t, "to")
		aside := rapid.Float64Range(-0.08, 0.08)
		move := func(p sidecar.Point) sidecar.Point {
			return sidecar.Point{p[0] + aside.Draw(t, "aside x"), p[1] + aside.Draw(t, "aside y")}
		}
		p := trip{from: move(places[from]), via: move(sidecar.Point{0.5, 0.5}), to: move(places[to]), start: start,
			takes: rapid.Float64Range(fastest, 20).Draw(t, "takes"), restAt: rapid.Float64Range(0, 1).Draw(t, "rest at")}
		if rapid.Bool().Draw(t, "rests") {
			p.rest = rapid.Float64Range(1, 30).Draw(t, "rest")
		}
		s.trips = append(s.trips, p)
		truth[from+"-"+to]++
		end = max(end, p.start+p.takes+p.rest)
		if start = float64(i+1) * 3; identities { // one after the other: nobody is taken for another
			start = end + 6
		}
	}
	s.play(end + 6)
	f.over()
	var want []string
	for way, n := range truth {
		want = append(want, fmt.Sprintf("%s %d", way, n))
	}
	slices.Sort(want)
	if got := f.matrix(); got != strings.Join(want, ", ") {
		t.Fatalf("got %s, want %s: %s; %s", got, want, f.turned(), f.story())
	}
	sums(t, f)
}

// TestJunctionMatrix: every vehicle is in its cell, with jitter, missing detections
// and rests.
func TestJunctionMatrix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkJunction(t, false) })
}

// TestJunctionMatrixWithNewIdentities: the same where vehicles get new identities.
func TestJunctionMatrixWithNewIdentities(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkJunction(t, true) })
}
