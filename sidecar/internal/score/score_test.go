package score

import (
	"testing"

	"pantau/sidecar"
)

func TestMatch(t *testing.T) {
	at := func(s float64, d sidecar.Direction) Crossing { return Crossing{T: s, Direction: d} }
	truth := Truth{Tolerance: 0.5, Crossings: []Crossing{
		at(1, sidecar.In), at(1.2, sidecar.In), at(5, sidecar.Out),
		{T: 9, Direction: sidecar.In, Ignore: true},
	}}
	for _, c := range []struct {
		name           string
		counted        []Crossing
		matched, false int
	}{
		{"nothing counted", nil, 0, 0},
		{"all", []Crossing{at(1.1, sidecar.In), at(1.3, sidecar.In), at(4.6, sidecar.Out)}, 3, 0},
		{"one twice", []Crossing{at(5, sidecar.Out), at(5.1, sidecar.Out)}, 1, 1},
		{"wrong way", []Crossing{at(5, sidecar.In)}, 0, 1},
		{"too late", []Crossing{at(5.6, sidecar.Out)}, 0, 1},
		{"the ignored one", []Crossing{at(9.2, sidecar.In)}, 0, 0},
		{"order of counting does not matter", []Crossing{at(1.6, sidecar.In), at(0.8, sidecar.In)}, 2, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := truth.Match(c.counted)
			if r.True != 3 || r.Matched != c.matched || len(r.False) != c.false || r.Matched+len(r.Missed) != r.True {
				t.Errorf("got %v with %d missed, want %d of 3 matched, %d false", r, len(r.Missed), c.matched, c.false)
			}
		})
	}
}
