package inference

import (
	"slices"
	"testing"
	"time"

	"pantau/inference/models"
)

func TestMeasure(t *testing.T) {
	o := options(t)
	small, large := o.Model, o.Model
	small.Name, small.Input.Size, large.Input.Size = "small", 64, 320 // 25 times the cells
	begun := time.Now()
	paces, err := Measure(o.Library, o.Folder, []models.Model{large, small})
	if err != nil || len(paces) != 2 {
		t.Fatalf("%v, error %v", paces, err)
	}
	if paces[0].Model.Name != "street" || paces[1].Model.Name != "small" || paces[1].Frame <= 0 || paces[0].Frame < 2*paces[1].Frame {
		t.Errorf("paces are %v after %v, want street's to be longer", paces, time.Since(begun))
	}
	small.Family = "yolox"
	if _, err := Measure(o.Library, o.Folder, []models.Model{large, small}); err == nil {
		t.Error("a model that cannot be opened: no error")
	}
	open(t, o) // nothing of it is left behind
}

// The format is fixed, whatever was trained: what is new must fit the program that is there.
func TestEveryEmbeddedModelTakesBytes(t *testing.T) {
	o := options(t)
	manifest, err := models.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"street", "street-int8"} {
		if o.Model, err = manifest.Find(name); err != nil {
			t.Fatal(err)
		}
		d := open(t, o)
		if !d.session.Input.Bytes || d.session.Input.Name != "image" || !slices.Equal(d.session.Input.Shape, []int64{1, 3, -1, -1}) {
			t.Errorf("%s takes %+v, want bytes [1,3,height,width] by the name of image", name, d.session.Input)
		}
		if len(d.session.Outputs) != 6 {
			t.Errorf("%s has %d outputs, want 3 of scores and 3 of distances", name, len(d.session.Outputs))
			continue
		}
		for i, out := range d.session.Outputs {
			if want := []int64{1, -1, []int64{6, 44}[i/3]}; !slices.Equal(out.Shape, want) {
				t.Errorf("%s: output %d is %v, want %v", name, i, out.Shape, want)
			}
		}
	}
}
