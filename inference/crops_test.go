package inference

import (
	"image"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"pantau/inference/models"
	"pantau/sidecar"
)

// A box that a model finds in a crop comes to lie where it is in the picture, to a
// pixel, whatever the crop and the input; and never beyond the crop.
func TestCropsMapToThePicture(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width, height := rapid.IntRange(64, 4000).Draw(t, "width"), rapid.IntRange(64, 4000).Draw(t, "height")
		l := sidecar.Letterbox{Width: 32 * rapid.IntRange(1, 40).Draw(t, "w"), Height: 32 * rapid.IntRange(1, 40).Draw(t, "h")}
		l.Crop.Left, l.Crop.Top = rapid.Float64Range(0, 0.8).Draw(t, "left"), rapid.Float64Range(0, 0.8).Draw(t, "top")
		l.Crop.Right, l.Crop.Bottom = l.Crop.Left+rapid.Float64Range(0.1, 0.2).Draw(t, "dx"), l.Crop.Top+rapid.Float64Range(0.1, 0.2).Draw(t, "dy")
		fit := l.Fit(width, height)
		// The part of the picture under some pixels of the tensor, from the definition.
		left, right := float64(fit.W)*0.25, float64(fit.W)*0.75
		top, bottom := float64(fit.H)*0.4, float64(fit.H)*0.9
		got := fit.Box(left, top, right, bottom)
		want := sidecar.Box{
			Left: l.Crop.Left + 0.25*l.Crop.Width(), Right: l.Crop.Left + 0.75*l.Crop.Width(),
			Top: l.Crop.Top + 0.4*l.Crop.Height(), Bottom: l.Crop.Top + 0.9*l.Crop.Height(),
		}
		for _, d := range []float64{(got.Left - want.Left) * float64(width), (got.Right - want.Right) * float64(width),
			(got.Top - want.Top) * float64(height), (got.Bottom - want.Bottom) * float64(height)} {
			if math.Abs(d) > 1 {
				t.Fatalf("%v, want %v: %v pixels away", got, want, d)
			}
		}
		beyond := fit.Box(-1e3, -1e3, 1e5, 1e5)
		if r := fit.Region(); beyond != r || math.Abs(r.Left-l.Crop.Left)*float64(width) > 0.5+1e-9 || math.Abs(r.Bottom-l.Crop.Bottom)*float64(height) > 0.5+1e-9 {
			t.Fatalf("%v of %v", beyond, l.Crop)
		}
	})
}

// The same pixels in a crop as in the whole picture: the same objects in the same
// places, to a pixel.
func TestACropFindsWhatTheWholePictureDoes(t *testing.T) {
	path := filepath.Join(root(t), "../shared/data/traffic/images/manaus_0301.jpg")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("needs a picture that is not in the project: %v", err)
	}
	o := options(t)
	o.Model.Input.Size = 576 // the picture's own width
	d := open(t, o)
	frame := &sidecar.Frame{Picture: openPicture(t, path)}
	next := func() *sidecar.Frame { return frame }
	_, whole, err := d.Detect(t.Context(), next, nil)
	if err != nil {
		t.Fatal(err)
	}
	// On the grid of the coarsest cells, so that the model sees the same.
	frame.Crops = []sidecar.Crop{{Region: sidecar.Box{Left: 320.0 / 576, Top: 0, Right: 1, Bottom: 256.0 / 324}, Width: 256, Height: 256}}
	_, part, err := d.Detect(t.Context(), next, nil)
	if err != nil {
		t.Fatal(err)
	}
	met := 0
	for _, w := range whole {
		if w.Score < 0.5 || w.Box.Left*576 < 320+32 || w.Box.Bottom*324 > 256-16 {
			continue
		}
		met++
		if !slices.ContainsFunc(part, func(p sidecar.Detection) bool {
			return p.Class == w.Class && math.Abs(p.Box.Left-w.Box.Left)*576 < 1.5 && math.Abs(p.Box.Right-w.Box.Right)*576 < 1.5 &&
				math.Abs(p.Box.Top-w.Box.Top)*324 < 1.5 && math.Abs(p.Box.Bottom-w.Box.Bottom)*324 < 1.5
		}) {
			t.Errorf("%+v is not in the crop's %+v", w, part)
		}
	}
	if met < 3 {
		t.Errorf("only %d objects to compare", met)
	}
	for _, p := range part {
		if p.Box.Left < 320.0/576-1e-9 || p.Box.Bottom > 256.0/324+1e-9 {
			t.Errorf("%+v lies outside of the crop", p)
		}
	}
}

// Of what two crops found, each object stays once: the whole one, not the part
// that a border cut off.
func TestJoinKeepsEachObjectOnce(t *testing.T) {
	left, right := sidecar.Box{Left: 0, Top: 0, Right: 0.6, Bottom: 1}, sidecar.Box{Left: 0.4, Top: 0, Right: 1, Bottom: 1}
	box := func(l, r float64) sidecar.Box { return sidecar.Box{Left: l, Top: 0.4, Right: r, Bottom: 0.6} }
	car := func(score float64, b sidecar.Box) sidecar.Detection {
		return sidecar.Detection{Class: sidecar.Car, Score: score, Box: b}
	}
	van := car(0.5, box(0.45, 0.55))
	van.Class = sidecar.Truck
	person := car(0.5, box(0.45, 0.55))
	person.Class = sidecar.Person
	for _, tt := range []struct {
		name        string
		left, right []sidecar.Detection
		want        []sidecar.Detection
	}{
		{"in both", []sidecar.Detection{car(0.7, box(0.45, 0.55))}, []sidecar.Detection{car(0.8, box(0.451, 0.549))}, []sidecar.Detection{car(0.8, box(0.451, 0.549))}},
		{"of two kinds", []sidecar.Detection{car(0.7, box(0.45, 0.55))}, []sidecar.Detection{van}, []sidecar.Detection{car(0.7, box(0.45, 0.55))}},
		{"a person at a car", []sidecar.Detection{car(0.7, box(0.45, 0.55))}, []sidecar.Detection{person}, []sidecar.Detection{car(0.7, box(0.45, 0.55)), person}},
		{"cut off by the left one, and better there", []sidecar.Detection{car(0.9, box(0.5, 0.6))}, []sidecar.Detection{car(0.4, box(0.5, 0.8))}, []sidecar.Detection{car(0.4, box(0.5, 0.8))}},
		{"cut off by both", []sidecar.Detection{car(0.9, box(0.2, 0.6))}, []sidecar.Detection{car(0.8, box(0.4, 0.65))}, []sidecar.Detection{car(0.9, box(0.2, 0.6))}},
		{"two objects", []sidecar.Detection{car(0.6, box(0.1, 0.2))}, []sidecar.Detection{car(0.8, box(0.7, 0.8))}, []sidecar.Detection{car(0.8, box(0.7, 0.8)), car(0.6, box(0.1, 0.2))}},
		{"two in one crop", []sidecar.Detection{car(0.6, box(0.1, 0.2)), car(0.5, box(0.1, 0.21))}, nil, []sidecar.Detection{car(0.6, box(0.1, 0.2)), car(0.5, box(0.1, 0.21))}},
		{"at the picture's edge nothing is cut", nil, []sidecar.Detection{car(0.6, box(0.9, 1))}, []sidecar.Detection{car(0.6, box(0.9, 1))}},
	} {
		found := slices.Concat(tt.left, tt.right)
		got, _ := join(found, []part{{left, len(tt.left)}, {right, len(found)}}, nil)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// Two crops that overlap give each object once; a worker keeps tensors for a
// bounded number of sizes, however many it meets.
func TestManySizesOfCrops(t *testing.T) {
	o := options(t)
	o.Workers = 1
	d := open(t, o)
	frame := &sidecar.Frame{Picture: goPicture{RGBA: image.NewRGBA(image.Rect(0, 0, 96, 64))}}
	for i := range 2 * maxInputs {
		frame.Crops = []sidecar.Crop{{Region: sidecar.Box{Right: 1, Bottom: 1}, Width: 32 * (1 + i%8), Height: 32 * (1 + i/8)}}
		if _, _, err := d.Detect(t.Context(), func() *sidecar.Frame { return frame }, nil); err != nil {
			t.Fatal(err)
		}
	}
	w := <-d.free
	defer func() { d.free <- w }()
	if len(w.inputs) != maxInputs {
		t.Errorf("tensors for %d sizes, want %d", len(w.inputs), maxInputs)
	}
}

// A model says what it takes.
func TestInput(t *testing.T) {
	o := options(t)
	o.Model.Input.Size = 640
	d := open(t, o)
	if w, h, free := d.Input(1920, 1080); w != 640 || h != 384 || !free {
		t.Errorf("%d×%d, free %v, want 640×384 and true", w, h, free)
	}
	if !models.Alike(sidecar.Car, sidecar.Bus) || models.Alike(sidecar.Car, sidecar.Person) || models.Alike("cat", "dog") {
		t.Error("classes are taken for each other otherwise")
	}
}
