package look

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"pantau/sidecar"
)

// point draws a point of the picture.
func point(t *rapid.T) sidecar.Point {
	return sidecar.Point{rapid.Float64Range(0, 1).Draw(t, "x"), rapid.Float64Range(0, 1).Draw(t, "y")}
}

// function draws a function of any shape.
func function(t *rapid.T, id string) sidecar.Function {
	polygon := func() sidecar.Polygon { return sidecar.Polygon{point(t), point(t), point(t)} }
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		return sidecar.Function{ID: id, Kind: "line", Line: []sidecar.Point{point(t), point(t)}}
	case 1:
		return sidecar.Function{ID: id, Kind: "parking", Bays: map[string]sidecar.Polygon{"a": polygon(), "b": polygon()}}
	case 2:
		return sidecar.Function{ID: id, Kind: "speed", Plane: &sidecar.Plane{Points: polygon()}}
	}
	return sidecar.Function{ID: id, Kind: "zone", Polygon: polygon()}
}

// situation draws a camera and what was seen there.
func situation(t *rapid.T) (sidecar.Camera, Options) {
	c := sidecar.Camera{Analyse: sidecar.Analyse{Look: rapid.SampledFrom([]sidecar.Look{"", sidecar.LookAuto, sidecar.LookClose}).Draw(t, "look")}}
	sizes := [][4]int{{1920, 1080, 640, 384}, {1280, 720, 640, 384}, {640, 480, 640, 480}, {2592, 1944, 640, 480}, {720, 1280, 384, 640}, {320, 240, 640, 480}, {3840, 2160, 416, 256}}
	s := rapid.SampledFrom(sizes).Draw(t, "size")
	o := Options{Width: s[0], Height: s[1], Input: Input{s[2], s[3], true}, FPS: rapid.SampledFrom([]float64{1, 5, 10, 25}).Draw(t, "fps"), Seen: map[string]Seen{}, Assume: true}
	for i := range rapid.IntRange(0, 5).Draw(t, "functions") {
		f := function(t, fmt.Sprint("f", i))
		c.Functions = append(c.Functions, f)
		if rapid.Bool().Draw(t, "seen") {
			w, h := rapid.Float64Range(0.005, 0.5).Draw(t, "w"), rapid.Float64Range(0.005, 0.5).Draw(t, "h")
			o.Seen[f.ID] = Seen{N: 9, Width: w, Height: h, Small: math.Sqrt(w*h) * rapid.Float64Range(0.1, 1).Draw(t, "small"),
				Across: rapid.Float64Range(0, 1).Draw(t, "across"), Down: rapid.Float64Range(0, 1).Draw(t, "down")}
		}
	}
	return c, o
}

// Whatever the functions and the objects: every function lies in one part with
// room for a whole object around it, sides are multiples of 32, the picture is not
// left, a plan costs what it says and no more than allowed, and it is never less
// close than the whole picture. The same situation gives the same plan.
func TestPlansKeepTheirPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, o := situation(t)
		p := New(c, o)
		if again := New(c, o); !reflect.DeepEqual(p, again) {
			t.Fatalf("twice: %v and %v", p, again)
		}
		if len(p.Crops) == 0 {
			if p.Why == "" || p.Cost != 1 || p.Scale != 1 {
				t.Fatalf("the whole picture: %+v", p.Looking)
			}
			return
		}
		most := 1.0
		if c.Analyse.Look == sidecar.LookClose {
			most = mostCost
		}
		pixels := 0
		for i, crop := range p.Crops {
			r := crop.Region
			if crop.Width%32 != 0 || crop.Height%32 != 0 || r != p.Boxes[i] || r.Left < 0 || r.Top < 0 || r.Right > 1+1e-9 || r.Bottom > 1+1e-9 || r.Area() <= 0 {
				t.Fatalf("part %+v", crop)
			}
			pixels += crop.Width * crop.Height
		}
		if cost := float64(pixels) / float64(o.Input.Width*o.Input.Height); cost > most || math.Abs(cost-p.Cost) > 1e-9 {
			t.Fatalf("it costs %v, says %v, and may cost %v", cost, p.Cost, most)
		}
		if p.Scale < 1-1e-9 {
			t.Fatalf("scale %v", p.Scale)
		}
		for _, f := range c.Functions {
			core, _ := Core(f)
			seen := o.like(f.ID)
			room := sidecar.Box{Left: core.Left - seen.Width/2, Top: core.Top - seen.Height, Right: core.Right + seen.Width/2, Bottom: core.Bottom + seen.Height/2}.Clamp()
			if !inside(room, p.needs, 1e-9) {
				t.Fatalf("%v of %s is in none of %v", room, f.ID, p.needs)
			}
			if c.Analyse.Look != sidecar.LookClose && !inside(room, p.Boxes, 0.01) {
				t.Fatalf("%v of %s is in none of %v", room, f.ID, p.Boxes)
			}
		}
	})
}

// Tiles cover their part, and overlap by an object.
func TestTilesCoverTheirPart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.Float64Range(0, 0.9).Draw(t, "from")
		to := rapid.Float64Range(from+0.05, 1).Draw(t, "to")
		most, overlap := rapid.Float64Range(0.05, 1).Draw(t, "most"), rapid.Float64Range(0, 0.5).Draw(t, "overlap")
		all := cut(from, to, most, overlap)
		overlap = min(overlap, most/2)
		if math.Abs(all[0][0]-from) > 1e-9 || math.Abs(all[len(all)-1][1]-to) > 1e-9 {
			t.Fatalf("%v of %v to %v", all, from, to)
		}
		for i, s := range all {
			if s[1]-s[0] > most+1e-6 || i > 0 && all[i-1][1]-s[0] < overlap-1e-9 {
				t.Fatalf("%v, at most %v long, overlapping by %v", all, most, overlap)
			}
		}
	})
}

// line is a horizontal one in the middle.
var line = sidecar.Function{ID: "l", Kind: "line", Line: []sidecar.Point{{0, 0.5}, {1, 0.5}}}

func TestPlansByHand(t *testing.T) {
	input := Input{640, 384, true}
	small := map[string]Seen{"l": {N: 20, Width: 0.03, Height: 0.05, Small: 0.03, Across: 0.1, Down: 0.1}}
	large := map[string]Seen{"l": {N: 20, Width: 0.5, Height: 0.5, Small: 0.2, Across: 0.5, Down: 0.5}}
	far := sidecar.Function{ID: "z", Kind: "zone", Polygon: sidecar.Polygon{{0.9, 0.02}, {0.95, 0.02}, {0.95, 0.05}}}
	for _, tt := range []struct {
		name      string
		analyse   sidecar.Analyse
		functions []sidecar.Function
		o         Options
		parts     int
		why       string
	}{
		{"no functions", sidecar.Analyse{}, nil, Options{Input: input}, 0, "no functions"},
		{"set so", sidecar.Analyse{Look: sidecar.LookWhole}, []sidecar.Function{line}, Options{Input: input, Seen: small}, 0, "set so"},
		{"nothing seen", sidecar.Analyse{}, []sidecar.Function{line}, Options{Input: input}, 0, "have been seen"},
		{"fixed input", sidecar.Analyse{}, []sidecar.Function{line}, Options{Input: Input{416, 416, false}, Seen: small}, 0, "one size of input"},
		{"small objects", sidecar.Analyse{}, []sidecar.Function{line}, Options{Input: input, Seen: small}, 1, "20 objects"},
		{"large objects", sidecar.Analyse{}, []sidecar.Function{line}, Options{Input: input, Seen: large}, 0, "100 % of it"},
		{"nothing seen for long", sidecar.Analyse{}, []sidecar.Function{far}, Options{Input: input, Assume: true}, 1, "not been seen yet"},
		{"far apart", sidecar.Analyse{}, []sidecar.Function{line, far}, Options{Input: input, Seen: small}, 2, "20 objects"},
		{"no points", sidecar.Analyse{}, []sidecar.Function{{ID: "x", Kind: "new"}}, Options{Input: input, Seen: small}, 0, "function x"},
		{"parts", sidecar.Analyse{Parts: []sidecar.Part{{0, 0.3, 1, 0.7}}}, []sidecar.Function{line}, Options{Input: input}, 1, "are set"},
		{"parts beside it", sidecar.Analyse{Parts: []sidecar.Part{{0, 0.6, 1, 0.9}}}, []sidecar.Function{line}, Options{Input: input}, 0, "function l is not inside"},
		{"parts alone", sidecar.Analyse{Parts: []sidecar.Part{{0, 0.6, 1, 0.9}}}, nil, Options{Input: input}, 1, "are set"},
		{"tiles", sidecar.Analyse{Look: sidecar.LookClose}, []sidecar.Function{{ID: "z", Kind: "crowd", Polygon: sidecar.Polygon{{0, 0}, {1, 0}, {1, 1}}}}, Options{Input: input, Seen: small}, 9, "20 objects"},
	} {
		tt.o.Width, tt.o.Height, tt.o.FPS = 1920, 1080, 10
		p := New(sidecar.Camera{Analyse: tt.analyse, Functions: tt.functions}, tt.o)
		if len(p.Crops) != tt.parts || !strings.Contains(p.Why, tt.why) {
			t.Errorf("%s: %v, want %d parts and %q", tt.name, p, tt.parts, tt.why)
		}
	}
}

// Another plan is taken for what it is worth, and for what the old one leaves out.
func TestBetter(t *testing.T) {
	plan := func(size float64) Plan {
		return New(sidecar.Camera{Functions: []sidecar.Function{line}}, Options{Width: 1920, Height: 1080, FPS: 10, Input: Input{640, 384, true},
			Seen: map[string]Seen{"l": {N: 20, Width: size, Height: size, Small: size, Across: size, Down: size}}})
	}
	for _, tt := range []struct {
		from, to float64
		want     bool
	}{{0.05, 0.05, false}, {0.05, 0.052, false}, {0.05, 0.12, true}, {0.05, 0.5, true}, {0.5, 0.05, true}, {0.12, 0.03, true}} {
		if got := plan(tt.from).Better(plan(tt.to)); got != tt.want {
			t.Errorf("from objects of %v to %v: %v; %v; %v", tt.from, tt.to, got, plan(tt.from), plan(tt.to))
		}
	}
}

// passing is a scene with one track.
func passing(id sidecar.TrackID, b sidecar.Box, looked ...sidecar.Box) *sidecar.Scene {
	return &sidecar.Scene{Looked: looked, Tracks: []sidecar.Track{{ID: id, Confirmed: true, Observed: true, Age: 9, Class: sidecar.Car, Box: b, Velocity: sidecar.Point{-0.2, 0.1}}}}
}

func TestWatchLearnsFromWhatPasses(t *testing.T) {
	w := NewWatch([]sidecar.Function{line})
	at := sidecar.Box{Left: 0.4, Top: 0.4, Right: 0.5, Bottom: 0.55}
	for id := range sidecar.TrackID(enough - 1) {
		w.See(passing(id+1, at))
		w.See(passing(id+1, at)) // the same again
	}
	w.See(passing(99, sidecar.Box{Left: 0.4, Top: 0.6, Right: 0.9, Bottom: 0.9})) // not at the line
	if got := w.Seen(); len(got) != 0 {
		t.Fatalf("%v after %d objects", got, enough-1)
	}
	w.See(passing(100, at))
	got := w.Seen()["l"]
	for _, v := range [][2]float64{{got.Width, 0.1}, {got.Height, 0.15}, {got.Small, math.Sqrt(0.015)}, {got.Across, 0.2}, {got.Down, 0.1}, {float64(got.N), enough}} {
		if math.Abs(v[0]-v[1]) > 1e-9 {
			t.Errorf("%+v: %v, want %v", got, v[0], v[1])
		}
	}
	// What is cut off by the part that is looked at is larger; the picture's edge cuts nothing.
	for id := range sidecar.TrackID(20) {
		w.See(passing(200+id, at, sidecar.Box{Left: 0, Top: 0.4, Right: 1, Bottom: 1}))
	}
	if got := w.Seen()["l"]; math.Abs(got.Height-0.15*hidden) > 1e-9 {
		t.Errorf("%+v, want objects of %v", got, 0.15*hidden)
	}
	if w.Redefine([]sidecar.Function{line}).Seen()["l"].N != got.N+20 {
		t.Error("the same function again: what was seen is lost")
	}
	moved := line
	moved.Line = []sidecar.Point{{0, 0.7}, {1, 0.7}}
	if n := len(w.Redefine([]sidecar.Function{moved}).Seen()); n != 0 {
		t.Error("a line elsewhere knows what was seen")
	}
}

func TestExplainInPlainLines(t *testing.T) {
	l := sidecar.Looking{Crops: []sidecar.Crop{{Region: sidecar.Box{Left: 0, Top: 0.25, Right: 1, Bottom: 0.5}, Width: 1088, Height: 192}}, Scale: 1.7, Cost: 0.85, Megapixels: 0.21, Why: "so"}
	want := "one part of the picture, 1.7 times as closely as the whole, for 85 % of its cost: 0.21 megapixels a frame, about 12 ms\n[0.000, 0.250, 1.000, 0.500] at 1088×192 pixels\nsince so"
	if got := strings.Join(Explain(l, 58), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
