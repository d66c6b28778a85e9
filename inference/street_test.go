package inference

import (
	"os"
	"path/filepath"
	"testing"

	"pantau/inference/models"
	"pantau/sidecar"
)

// A real street, its boxes measured by eye: two pairs of pedestrians, a lorry,
// a van, and a cyclist who is no pedestrian.
func TestRealStreet(t *testing.T) {
	path := filepath.Join(root(t), "../shared/data/traffic/images/manaus_0301.jpg")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("needs a picture that is not in the project: %v", err)
	}
	want := []struct {
		name    string
		classes []sidecar.Class
		box     [4]float64 // pixels of 576x324
	}{
		{"woman in black", []sidecar.Class{sidecar.Person}, [4]float64{453, 136, 475, 203}},
		{"woman in white", []sidecar.Class{sidecar.Person}, [4]float64{479, 135, 500, 203}},
		{"walker with a backpack", []sidecar.Class{sidecar.Person}, [4]float64{532, 125, 550, 184}},
		{"walker at the edge", []sidecar.Class{sidecar.Person}, [4]float64{553, 120, 575, 184}},
		{"lorry", []sidecar.Class{sidecar.Truck, sidecar.Car}, [4]float64{411, 104, 452, 160}},
		{"van", []sidecar.Class{sidecar.Truck, sidecar.Car, sidecar.Bus}, [4]float64{6, 119, 107, 186}},
		{"cyclist", []sidecar.Class{sidecar.Bicycle}, [4]float64{239, 133, 275, 219}},
	}
	manifest, err := models.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	o := options(t)
	if o.Model, err = manifest.Find(models.Auto); err != nil {
		t.Fatal(err)
	}
	picture := openPicture(t, path)
	d := open(t, o)
	_, found, err := d.Detect(t.Context(), func() *sidecar.Frame { return &sidecar.Frame{Picture: picture} }, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range want {
		b := sidecar.Box{Left: w.box[0] / 576, Top: w.box[1] / 324, Right: w.box[2] / 576, Bottom: w.box[3] / 324}
		best := 0.0
		for _, f := range found {
			for _, c := range w.classes {
				if f.Class == c && f.Score > 0.35 {
					best = max(best, f.Box.IoU(b))
				}
			}
		}
		if best < 0.6 {
			t.Errorf("%s: the best box overlaps by %.2f", w.name, best)
		}
	}
	two := 0
	for _, f := range found {
		if f.Score > 0.4 && (f.Class == sidecar.Bicycle || f.Class == sidecar.Motorcycle) {
			two++
		}
		if f.Class == sidecar.Person && f.Score > 0.4 && f.Box.Left > 0.38 && f.Box.Right < 0.5 {
			t.Errorf("the cyclist is also a person: %+v", f)
		}
	}
	if two != 1 {
		t.Errorf("%d two-wheelers, want 1", two)
	}
}
