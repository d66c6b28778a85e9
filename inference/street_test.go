package inference

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pantau/inference/models"
	"pantau/sidecar"
)

// seen is an object of the picture below, measured by eye.
type seen struct {
	name    string
	classes []sidecar.Class
	box     [4]float64 // pixels of 576x324
}

// A real street: two pairs of pedestrians, a lorry, a van, and a cyclist.
var street = []seen{
	{"woman in black", []sidecar.Class{sidecar.Person}, [4]float64{453, 136, 475, 203}},
	{"woman in white", []sidecar.Class{sidecar.Person}, [4]float64{479, 135, 500, 203}},
	{"walker with a backpack", []sidecar.Class{sidecar.Person}, [4]float64{532, 125, 550, 184}},
	{"walker at the edge", []sidecar.Class{sidecar.Person}, [4]float64{553, 120, 575, 184}},
	{"lorry", []sidecar.Class{sidecar.Truck, sidecar.Car}, [4]float64{411, 104, 452, 160}},
	{"van", []sidecar.Class{sidecar.Truck, sidecar.Car, sidecar.Bus}, [4]float64{6, 119, 107, 186}},
	{"cyclist", []sidecar.Class{sidecar.Bicycle}, [4]float64{239, 133, 275, 219}},
}

// look gives what a model finds in the picture.
func look(t *testing.T, name string) []sidecar.Detection {
	t.Helper()
	shared := filepath.Join(root(t), "../shared")
	path := filepath.Join(shared, "data/traffic/images/manaus_0301.jpg")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("needs a picture that is not in the project: %v", err)
	}
	manifest, err := models.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	o := options(t)
	if o.Model, err = manifest.Find(name); err != nil {
		t.Fatal(err)
	}
	if o.Model.Sources[0].Embedded == "" {
		o.File = filepath.Join(shared, "models", o.Model.Sources[0].Folder)
	}
	picture := openPicture(t, path)
	d := open(t, o)
	_, found, err := d.Detect(t.Context(), func() *sidecar.Frame { return &sidecar.Frame{Picture: picture} }, nil)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// overlap is the best IoU of what was found, of one of the classes, with an object.
func overlap(found []sidecar.Detection, s seen, classes ...sidecar.Class) float64 {
	b := sidecar.Box{Left: s.box[0] / 576, Top: s.box[1] / 324, Right: s.box[2] / 576, Bottom: s.box[3] / 324}
	best := 0.0
	for _, f := range found {
		if slices.Contains(classes, f.Class) && f.Score > 0.35 {
			best = max(best, f.Box.IoU(b))
		}
	}
	return best
}

// Models of COCO's classes find everybody, and the cyclist is no pedestrian.
func TestRealStreet(t *testing.T) {
	for _, name := range []string{"picodet-s", "yolox-nano-416"} {
		t.Run(name, func(t *testing.T) {
			found := look(t, name)
			for _, s := range street {
				if best := overlap(found, s, s.classes...); best < 0.6 {
					t.Errorf("%s: the best box overlaps by %.2f", s.name, best)
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
		})
	}
}

// The models in the program find everybody, the cyclist as such. The lorry is a bus
// here: the card says that lorries are less sure.
func TestRealStreetOfOurs(t *testing.T) {
	for _, name := range []string{"street", "street-int8"} {
		t.Run(name, func(t *testing.T) {
			found := look(t, name)
			for _, s := range street {
				classes := s.classes
				if s.name == "lorry" {
					classes = append(slices.Clone(classes), sidecar.Bus)
				}
				if best := overlap(found, s, classes...); best < 0.6 {
					t.Errorf("%s: the best box overlaps by %.2f", s.name, best)
				}
			}
		})
	}
}
