package sidecar

import (
	"encoding/json"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestBoxes(t *testing.T) {
	a, b := Box{0.2, 0.2, 0.6, 0.6}, Box{0.4, 0.4, 0.8, 0.8}
	if got, want := a.IoU(b), 0.04/0.28; math.Abs(got-want) > 1e-9 {
		t.Errorf("IoU is %v, want %v", got, want)
	}
	if got := a.IoU(Box{0.7, 0.7, 0.9, 0.9}); got != 0 {
		t.Errorf("IoU of boxes apart is %v, want 0", got)
	}
	if got := (Box{0.5, 0.5, 0.4, 0.4}).Area(); got != 0 {
		t.Errorf("area of an inverted box is %v, want 0", got)
	}
	if got := (Box{}).IoU(Box{}); got != 0 {
		t.Errorf("IoU of empty boxes is %v, want 0", got)
	}
	if got, want := AnchorBottom.Of(a), (Point{0.4, 0.6}); math.Abs(got.X()-want.X()) > 1e-9 || got.Y() != want.Y() {
		t.Errorf("the foot is %v, want %v", got, want)
	}
	if got, want := AnchorCentre.Of(b), (Point{0.6, 0.6}); math.Abs(got.X()-want.X()) > 1e-9 || math.Abs(got.Y()-want.Y()) > 1e-9 {
		t.Errorf("the centre is %v, want %v", got, want)
	}
}

func TestBoxJSON(t *testing.T) {
	for _, c := range []struct {
		box  Box
		want string
	}{
		{Box{0.412, 0.53, 0.447, 0.611}, "[0.412,0.53,0.447,0.611]"},
		{Box{0, 1, -0.00001, 0.99999}, "[0,1,0,1]"},
		{Box{math.NaN(), math.Inf(1), math.Inf(-1), 0.5}, "[0,0,0,0.5]"},
	} {
		text, err := json.Marshal(c.box)
		if err != nil || string(text) != c.want {
			t.Errorf("got %s, %v, want %s", text, err, c.want)
		}
	}
	var b Box
	for _, bad := range []string{`[1,2,3]`, `[1,2,3,4,5]`, `{}`, `"x"`, `[1,2,3,"4"]`} {
		if err := json.Unmarshal([]byte(bad), &b); err == nil {
			t.Errorf("%s is taken for a box", bad)
		}
	}
}

// A box that is drawn into the letterbox and mapped back is where it was.
func TestFitMapsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(16, 4096).Draw(t, "width"), rapid.IntRange(16, 4096).Draw(t, "height")
		l := Letterbox{
			Width: 32 * rapid.IntRange(2, 40).Draw(t, "columns"), Height: 32 * rapid.IntRange(2, 40).Draw(t, "rows"),
			Centred: rapid.Bool().Draw(t, "centred"),
		}
		if rapid.Bool().Draw(t, "crop") {
			x, y := rapid.Float64Range(0, 0.9).Draw(t, "x"), rapid.Float64Range(0, 0.9).Draw(t, "y")
			l.Crop = Box{x, y, x + 0.1, y + 0.1}
		}
		f := l.Fit(w, h)
		if f.X < 0 || f.Y < 0 || f.X+f.W > l.Width || f.Y+f.H > l.Height || f.W < 1 || f.H < 1 {
			t.Fatalf("%+v lies outside of the tensor of %+v", f, l)
		}
		if f.CropX < 0 || f.CropY < 0 || f.CropX+f.CropW > w || f.CropY+f.CropH > h || f.CropW < 1 || f.CropH < 1 {
			t.Fatalf("%+v lies outside of the picture of %d×%d", f, w, h)
		}
		if f.W != l.Width && f.H != l.Height {
			t.Fatalf("%+v fills neither side of %+v", f, l)
		}
		got := f.Box(float64(f.X), float64(f.Y), float64(f.X+f.W), float64(f.Y+f.H))
		want := Box{float64(f.CropX) / float64(w), float64(f.CropY) / float64(h),
			float64(f.CropX+f.CropW) / float64(w), float64(f.CropY+f.CropH) / float64(h)}
		if math.Abs(got.Left-want.Left)+math.Abs(got.Top-want.Top)+math.Abs(got.Right-want.Right)+math.Abs(got.Bottom-want.Bottom) > 1e-9 {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}
