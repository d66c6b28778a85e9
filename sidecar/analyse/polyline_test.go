package analyse

import (
	"math"
	"testing"

	"pantau/sidecar"
)

// grid are points of which the sums and products that are made here are exact.
func grid(points ...[2]int) polyline {
	l := make(polyline, len(points))
	for i, p := range points {
		l[i] = sidecar.Point{float64(p[0]) / 64, float64(p[1]) / 64}
	}
	return l
}

func TestPolylineDepth(t *testing.T) {
	small := sidecar.Box{Right: 0.02, Bottom: 0.02}
	for name, c := range map[string]struct {
		line        polyline
		right, left [][2]int
	}{
		"straight": {grid([2]int{10, 30}, [2]int{50, 30}), [][2]int{{30, 40}, {60, 40}, {0, 31}}, [][2]int{{30, 20}, {60, 20}}},
		// From left to right and then down: the right hand is the inside of the bend.
		"corner":  {grid([2]int{10, 20}, [2]int{40, 20}, [2]int{40, 50}), [][2]int{{30, 30}, {39, 22}, {5, 25}, {30, 60}}, [][2]int{{50, 10}, {42, 18}, {30, 10}, {50, 40}, {50, 60}}},
		"upwards": {grid([2]int{10, 20}, [2]int{40, 20}, [2]int{40, 4}), [][2]int{{50, 30}, {42, 22}, {50, 10}}, [][2]int{{30, 10}, {39, 18}}},
		// A hairpin that points to the right: straight ahead of its tip is outside.
		"hairpin": {grid([2]int{10, 28}, [2]int{50, 32}, [2]int{10, 36}), [][2]int{{15, 32}, {5, 32}}, [][2]int{{60, 32}, {60, 40}, {30, 50}, {30, 10}}},
		"horseshoe": {grid([2]int{30, 10}, [2]int{10, 10}, [2]int{10, 50}, [2]int{50, 50}, [2]int{50, 10}, [2]int{40, 10}),
			[][2]int{{5, 5}, {2, 30}, {30, 60}, {60, 30}, {60, 2}}, [][2]int{{30, 30}, {15, 15}, {45, 45}, {45, 15}, {35, 16}}},
	} {
		for sign, points := range map[float64][][2]int{1: c.right, -1: c.left} {
			for _, p := range points {
				if d := c.line.depth(grid(p)[0], small); d*sign <= 1 {
					t.Errorf("%s: got a depth of %v at %v, want one beyond %v", name, d, p, sign)
				}
				mirrored := polyline{}
				for _, q := range c.line {
					mirrored = append(mirrored, sidecar.Point{1 - q[0], q[1]})
				}
				if d := mirrored.depth(grid([2]int{64 - p[0], p[1]})[0], small); d*sign >= -1 {
					t.Errorf("%s in a mirror: got a depth of %v at %v, want one beyond %v", name, d, p, -sign)
				}
			}
		}
	}
}

// TestPolylineCutsAddUp: a way through corners and along pieces cuts a line as
// often as one beside it, and closed ways around no end cut it as often in as out.
func TestPolylineCutsAddUp(t *testing.T) {
	bent := grid([2]int{0, 32}, [2]int{16, 32}, [2]int{24, 24}, [2]int{32, 32}, [2]int{32, 40}, [2]int{48, 40}, [2]int{64, 32})
	above := []sidecar.Point{} // of the line, and no further than its ends
	below := []sidecar.Point{}
	for x := 0; x <= 64; x += 4 {
		above, below = append(above, grid([2]int{x, 8})[0]), append(below, grid([2]int{x, 56})[0])
	}
	net := func(way ...sidecar.Point) (sum int) {
		for i := range way[1:] {
			bent.cuts(way[i], way[i+1], func(_ float64, _, to int) { sum += to })
		}
		return sum
	}
	for x := 1; x < 64; x++ { // every point of the picture as one on the way
		for y := range 65 {
			on := grid([2]int{x, y})[0]
			for i, from := range above[1:16] {
				to := below[1:16][(i*7+x)%15]
				if got := net(from, on, to); got != 1 {
					t.Fatalf("down over %v, from %v to %v: got %d cuts more to the right, want 1", on, from, to, got)
				}
				if got := net(from, on, to, on, from); got != 0 {
					t.Fatalf("there and back over %v: got %d", on, got)
				}
				if got := net(from, on, above[3]); got != 0 {
					t.Fatalf("over %v and up again: got %d", on, got)
				}
			}
		}
	}
}

// TestBentLine walks over a line around a corner, and past it.
func TestBentLine(t *testing.T) {
	corner := sidecar.Function{ID: "line", Kind: "line", Line: []sidecar.Point{{0.2, 0.3}, {0.6, 0.3}, {0.6, 0.8}}}
	for name, c := range map[string]struct {
		way  []sidecar.Point
		want string
	}{
		"over the first piece":          {[]sidecar.Point{{0.4, 0.15}, {0.4, 0.5}}, "in"},
		"over the second piece":         {[]sidecar.Point{{0.8, 0.6}, {0.4, 0.6}}, "in"},
		"out again by the other":        {[]sidecar.Point{{0.4, 0.15}, {0.4, 0.6}, {0.8, 0.6}}, "in out"},
		"through the corner":            {[]sidecar.Point{{0.8, 0.1}, {0.4, 0.5}}, "in"},
		"beside the corner":             {[]sidecar.Point{{0.5, 0.1}, {0.85, 0.45}}, ""},
		"cutting it":                    {[]sidecar.Point{{0.55, 0.1}, {0.55, 0.32}, {0.9, 0.34}}, ""},
		"around an end":                 {[]sidecar.Point{{0.4, 0.15}, {0.1, 0.15}, {0.1, 0.5}, {0.4, 0.5}}, ""},
		"around both ends and out":      {[]sidecar.Point{{0.4, 0.15}, {0.1, 0.15}, {0.1, 0.5}, {0.4, 0.5}, {0.8, 0.5}}, "out"},
		"in, around the end, and again": {[]sidecar.Point{{0.4, 0.15}, {0.4, 0.5}, {0.1, 0.5}, {0.1, 0.15}, {0.4, 0.15}, {0.4, 0.5}}, "in"},
	} {
		for _, steps := range []int{1, 3, 20} {
			if got := stroll(t, corner, c.way, steps).dirs(); got != c.want {
				t.Errorf("%s in %d steps: got %q, want %q", name, steps, got, c.want)
			}
		}
	}
}

// stroll lets one object go from point to point, in so many steps between two,
// and stand for a moment at each.
func stroll(t tester, fn sidecar.Function, way []sidecar.Point, steps int) *film {
	f := newFilm(t, 10, fn)
	at := way[0]
	for _, to := range way {
		for i := range steps {
			p := between(at, to, float64(i+1)/float64(steps))
			f.show(walker(1, p[0], p[1]))
		}
		for range 3 {
			f.show(walker(1, to[0], to[1]))
		}
		at = to
	}
	return f
}

func TestBentLineSaysWhereItWasCut(t *testing.T) {
	corner := sidecar.Function{ID: "line", Kind: "line", Line: []sidecar.Point{{0.2, 0.3}, {0.6, 0.3}, {0.6, 0.8}}}
	f := stroll(t, corner, []sidecar.Point{{0.8, 0.7}, {0.4, 0.7}}, 2)
	if len(f.events) != 1 {
		t.Fatalf("got %q, want one crossing", f.story())
	}
	if at := f.events[0].Data.(sidecar.Crossing).At; math.Hypot(at[0]-0.6, at[1]-0.7) > 1e-6 {
		t.Errorf("got a cut at %v, want 0.6, 0.7", at)
	}
}

// Boxes end at the edge of the picture: who walks along it goes past a line that ends
// there, by its very end.
func TestALineToTheEdgeCountsAlongIt(t *testing.T) {
	f := newFilm(t, 10, sidecar.Function{ID: "line", Kind: "line", Line: []sidecar.Point{{0.45, 0.2}, {0.45, 1}}})
	for i := range 30 {
		f.show(walker(1, 0.3+0.01*float64(i), 1))
	}
	if got := f.dirs(); got != "out" {
		t.Errorf("got %q, want one crossing", got)
	}
}
