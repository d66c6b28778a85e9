package draw

import (
	"image"
	"testing"

	"pantau/sidecar"
)

// chequered is a picture of black and white pixels.
func chequered(width, height int) *image.YCbCr {
	img := grey(width, height, image.YCbCrSubsampleRatio420)
	for y := range height {
		for x := range width {
			img.Y[img.YOffset(x, y)] = uint8(255 * ((x + y) % 2))
		}
	}
	return img
}

// detail is how much neighbours differ in a part of a picture, 0..255.
func detail(img *image.YCbCr, r image.Rectangle) int {
	sum, n := 0, 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X-1; x++ {
			d := int(img.YCbCrAt(x, y).Y) - int(img.YCbCrAt(x+1, y).Y)
			sum += max(d, -d)
			n++
		}
	}
	return sum / n
}

func TestPersonsAndPlatesAreBlurred(t *testing.T) {
	box := sidecar.Box{Left: 0.25, Top: 0.25, Right: 0.5, Bottom: 0.75} // 80..160, 60..180
	upper, lower := image.Rect(84, 62, 156, 105), image.Rect(84, 135, 156, 178)
	for class, want := range map[sidecar.Class][2]bool{
		sidecar.Person: {true, true}, sidecar.Bicycle: {true, true}, sidecar.Motorcycle: {true, true}, "dog": {true, true},
		sidecar.Car: {false, true}, sidecar.Bus: {false, true}, sidecar.Truck: {false, true},
	} {
		img := chequered(320, 240)
		Blur(img, []sidecar.Track{{Class: class, Box: box}}) // not confirmed
		for i, r := range [2]image.Rectangle{upper, lower} {
			if got := detail(img, r) < 20; got != want[i] {
				t.Errorf("%s: half %d is blurred %v, want %v", class, i, got, want[i])
			}
		}
		if d := detail(img, image.Rect(200, 20, 300, 220)); d != 255 {
			t.Errorf("%s: detail %d beside it", class, d)
		}
	}
}

func TestAllOfAPictureIsBlurred(t *testing.T) {
	for _, size := range []image.Point{{320, 240}, {33, 17}, {8, 8}} {
		img := chequered(size.X, size.Y)
		BlurAll(img)
		if d := detail(img, image.Rectangle{Max: size}); d > 20 {
			t.Errorf("%v: detail %d is left", size, d)
		}
	}
}

// FuzzBlur blurs what no detector gives: nothing may be written outside of the picture.
func FuzzBlur(f *testing.F) {
	f.Add(64, 48, 0.1, 0.2, 0.3, 0.4)
	f.Add(1, 1, -5.0, 2.0, 9.0, -1.0)
	f.Add(7, 301, 0.9, 0.9, 1.5, 1.5)
	f.Fuzz(func(_ *testing.T, width, height int, x0, y0, x1, y1 float64) {
		width, height = 1+width&0x1ff, 1+height&0x1ff
		Blur(grey(width, height, image.YCbCrSubsampleRatio420), []sidecar.Track{
			{Class: sidecar.Person, Box: sidecar.Box{Left: x0, Top: y0, Right: x1, Bottom: y1}},
			{Class: sidecar.Car, Box: sidecar.Box{Left: x0, Top: y0, Right: x1, Bottom: y1}},
		})
	})
}
