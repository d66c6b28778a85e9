package view

import "testing"

// A sketch is bright where the scene has edges, and dark where it is flat.
func TestSketchShowsEdges(t *testing.T) {
	f := &film{w: New(Options{})}
	w, next := f.w, noise(street(1))
	for range 2 * taking {
		f.show(next())
	}
	img, err := Sketch(w.Reference())
	if err != nil {
		t.Fatal(err)
	}
	if size := img.Bounds().Size(); size.X != width/2 || size.Y != 90 {
		t.Fatalf("got %v", size)
	}
	mean := func(y0, y1 int) (sum int) {
		for y := y0; y < y1; y++ {
			for x := range img.Bounds().Dx() {
				sum += int(img.GrayAt(x, y).Y)
			}
		}
		return sum / (y1 - y0) / img.Bounds().Dx()
	}
	sky, houses := mean(0, 5), mean(20, 50)
	if houses < 4*max(1, sky) {
		t.Errorf("got %d in the sky and %d at the houses", sky, houses)
	}
	for _, b := range [][]byte{nil, []byte("no reference"), w.Reference()[:100]} {
		if _, err := Sketch(b); err == nil {
			t.Error("drew what is no reference")
		}
	}
}
