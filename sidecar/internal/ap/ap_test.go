package ap

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pantau/sidecar"
)

func box(l, t, r, b float64) sidecar.Box { return sidecar.Box{Left: l, Top: t, Right: r, Bottom: b} }

func car(b sidecar.Box) Object { return Object{Class: sidecar.Car, Box: b} }

func found(score float64, b sidecar.Box) Object {
	return Object{Class: sidecar.Car, Box: b, Score: score}
}

// figure picks one figure.
func figure(t *testing.T, all []Figure, group string, size Size) Figure {
	t.Helper()
	for _, f := range all {
		if f.Group == group && f.Size == size {
			return f
		}
	}
	t.Fatalf("no figure for %s %s", group, size)
	return Figure{}
}

// The values are worked out by hand: precision is interpolated at the 101
// points of recall 0, 0.01 to 1.
func TestAveragePrecisionByHand(t *testing.T) {
	a, b, c := box(0, 0, 100, 100), box(200, 0, 300, 100), box(400, 0, 500, 100)
	far := box(500, 200, 600, 300)
	for _, test := range []struct {
		name     string
		pictures []Picture
		ap50, ap float64
	}{
		{"perfect", []Picture{{[]Object{car(a), car(b)}, []Object{found(0.9, a), found(0.8, b)}}}, 1, 1},
		{"nothing found", []Picture{{[]Object{car(a)}, nil}}, 0, 0},
		{"half found", []Picture{{[]Object{car(a), car(b)}, []Object{found(0.9, a)}}}, 51. / 101, 51. / 101},
		{"a false one first", []Picture{{[]Object{car(a)}, []Object{found(0.9, far), found(0.8, a)}}}, 0.5, 0.5},
		{"a false one last costs nothing", []Picture{{[]Object{car(a)}, []Object{found(0.9, a), found(0.8, far)}}}, 1, 1},
		// Two of two found, with the double between: recall 0.5 at precision 1, 1 at 2/3.
		{"a double", []Picture{{[]Object{car(a), car(b)}, []Object{found(0.9, a), found(0.8, a), found(0.7, b)}}},
			(51 + 50*2./3) / 101, (51 + 50*2./3) / 101},
		// Overlap 0.74: right at 0.5, 0.55, 0.6, 0.65 and 0.7.
		{"loose box", []Picture{{[]Object{car(a)}, []Object{found(0.9, box(0, 0, 100, 74))}}}, 1, 0.5},
		{"half in a region to be ignored", []Picture{{[]Object{car(a), {Ignore: true, Box: box(550, 0, 640, 640)}},
			[]Object{found(0.9, far), found(0.8, a)}}}, 1, 1},
		{"less than half in one", []Picture{{[]Object{car(a), {Ignore: true, Box: box(551, 0, 640, 640)}},
			[]Object{found(0.9, far), found(0.8, a)}}}, 0.5, 0.5},
		{"in a region, and right", []Picture{{[]Object{car(a), {Ignore: true, Box: box(0, 0, 640, 640)}}, []Object{found(0.8, a)}}}, 1, 1},
		{"three of three, false ones between", []Picture{{[]Object{car(a), car(b)}, []Object{found(0.9, a), found(0.5, far)}},
			{[]Object{car(c)}, []Object{found(0.8, c)}}, {nil, []Object{found(0.85, a)}}}, (34 + 33*2./3) / 101, (34 + 33*2./3) / 101},
	} {
		f := figure(t, Evaluate(test.pictures, Options{}), "car", All)
		if math.Abs(f.AP50.Value-test.ap50) > 1e-9 || math.Abs(f.AP.Value-test.ap) > 1e-9 {
			t.Errorf("%s: AP50 %.4f, AP %.4f, want %.4f and %.4f", test.name, f.AP50.Value, f.AP.Value, test.ap50, test.ap)
		}
	}
}

func TestSizesAndGroups(t *testing.T) {
	small, medium, large := box(0, 0, 31, 31), box(100, 100, 150, 150), box(300, 0, 500, 200)
	all := Evaluate([]Picture{{[]Object{car(small), car(medium), {Class: sidecar.Truck, Box: large}},
		[]Object{found(0.9, small), found(0.8, large)}}}, Options{})
	for _, want := range []struct {
		group string
		size  Size
		truth int
		ap50  float64
	}{
		{"car", Small, 1, 1},
		{"car", Medium, 1, 0},
		{"car", Large, 0, math.NaN()},
		{"truck", Large, 1, 0},
		{FourWheeler, Large, 1, 1}, // the car is a truck to others
		{FourWheeler, All, 3, 67. / 101},
		{MeanGroups, All, 3, 67. / 101},
		{"person", All, 0, math.NaN()},
	} {
		f := figure(t, all, want.group, want.size)
		same := math.Abs(f.AP50.Value-want.ap50) < 1e-9 || math.IsNaN(want.ap50) && math.IsNaN(f.AP50.Value)
		if f.Truth != want.truth || !same {
			t.Errorf("%s %s: %d labels, AP50 %.4f, want %d and %.4f", want.group, want.size, f.Truth, f.AP50.Value, want.truth, want.ap50)
		}
	}
}

// street makes pictures with labels, findings of most of them, and false ones.
func street(r *rand.Rand, n int) []Picture {
	var all []Picture
	classes := sidecar.Classes()
	for range n {
		var p Picture
		for range 1 + r.IntN(6) {
			l, top, side := 500*r.Float64(), 500*r.Float64(), 10+150*r.Float64()
			o := Object{Class: classes[r.IntN(len(classes))], Box: box(l, top, l+side, top+side)}
			p.Truth = append(p.Truth, o)
			if r.IntN(4) > 0 {
				o.Score, o.Box.Left = math.Round(10*r.Float64())/10, o.Box.Left+side*0.3*r.Float64()
				p.Found = append(p.Found, o)
			}
			if r.IntN(3) == 0 {
				o.Score, o.Box.Top = r.Float64(), o.Box.Top+side
				p.Found = append(p.Found, o)
			}
		}
		all = append(all, p)
	}
	return all
}

func TestTheOrderOfPicturesDoesNotMatter(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		pictures := street(r, 10)
		before := Evaluate(pictures, Options{})
		r.Shuffle(len(pictures), func(i, j int) { pictures[i], pictures[j] = pictures[j], pictures[i] })
		for _, p := range pictures {
			r.Shuffle(len(p.Found), func(i, j int) { p.Found[i], p.Found[j] = p.Found[j], p.Found[i] })
		}
		for i, f := range Evaluate(pictures, Options{}) {
			if a, b := before[i].AP.Value, f.AP.Value; math.Abs(a-b) > 1e-12 || math.IsNaN(a) != math.IsNaN(b) {
				t.Fatalf("%s %s: %v, and %v in another order", f.Group, f.Size, a, b)
			}
		}
	}
}

func TestIntervalsHoldTheValueAndRepeat(t *testing.T) {
	pictures := street(rand.New(rand.NewPCG(3, 4)), 40)
	o := Options{Resamples: 200, Seed: 7}
	first, second := Evaluate(pictures, o), Evaluate(pictures, o)
	for i, f := range first {
		if f.Truth < 30 {
			continue
		}
		if !(f.AP50.Low <= f.AP50.Value && f.AP50.Value <= f.AP50.High) || f.AP50.Low == f.AP50.High {
			t.Errorf("%s %s: %.3f outside of %.3f to %.3f", f.Group, f.Size, f.AP50.Value, f.AP50.Low, f.AP50.High)
		}
		if !slices.Equal(f.Resamples50, second[i].Resamples50) {
			t.Errorf("%s %s: the same seed gave other resamples", f.Group, f.Size)
		}
	}
}
