package decode

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"pantau/sidecar"
)

// compare fails if the tensor is further from the reference than limit levels of 255.
func compare(t *testing.T, name string, got []float32, want []float64, l sidecar.Letterbox, limit float64) {
	t.Helper()
	n := l.Width * l.Height
	var worst float64
	for i := range got {
		scale := float64(l.Scale[i/n])
		if scale == 0 {
			scale = 1
		}
		worst = max(worst, math.Abs(float64(got[i])-want[i])/scale)
	}
	if worst > limit || math.IsNaN(worst) {
		t.Errorf("%s: %.3f levels from the reference, want at most %g", name, worst, limit)
	}
}

// compareBytes fails if a byte is not the nearest to the reference; float32 may
// decide a tie the other way.
func compareBytes(t *testing.T, name string, got []byte, want []float64) {
	t.Helper()
	for i := range got {
		if off := math.Abs(float64(got[i]) - want[i]); off > 0.51 || math.IsNaN(off) {
			t.Errorf("%s: byte %d is %d, want the nearest to %.3f", name, i, got[i], want[i])
			return
		}
	}
}

// boxes are letterboxes that shrink, grow, crop, and do both along one axis each.
var boxes = []sidecar.Letterbox{
	{Width: 32, Height: 32, Pad: 114},
	{Width: 40, Height: 24, Order: sidecar.RGB, Centred: true, Mean: [3]float32{123.675, 116.28, 103.53}, Scale: [3]float32{1 / 58.395, 1 / 57.12, 1 / 57.375}},
	{Width: 128, Height: 100, Centred: true, Pad: 255},
	{Width: 48, Height: 48, Crop: sidecar.Box{Left: 0.21, Top: 0.13, Right: 0.77, Bottom: 0.94}},
	{Width: 50, Height: 64, Crop: sidecar.Box{Left: 0.5, Top: 0.05, Right: 0.62, Bottom: 1}, Centred: true, Scale: [3]float32{1, 0.5, 0.25}},
	{Width: 7, Height: 5},
	{Width: 1, Height: 1, Crop: sidecar.Box{Left: 0.999, Top: 0.999, Right: 1, Bottom: 1}},
}

func TestLetterboxEqualsPlainReference(t *testing.T) {
	matrices := map[string][2]float64{"smpte170m": {0.299, 0.114}, "bt709": {0.2126, 0.0722}, "bt2020nc": {0.2627, 0.0593}}
	sizes := [][2]int{{96, 54}, {65, 49}, {33, 70}}
	n := 0
	for format := range layouts {
		for matrix, k := range matrices {
			for _, full := range []bool{false, true} {
				size := sizes[n%len(sizes)]
				n++
				r := newRaw(format, size[0], size[1])
				r.full, r.kr, r.kb = full, k[0], k[1]
				t.Run(fmt.Sprintf("%s %s full=%v %v", format, matrix, full, size), func(t *testing.T) {
					t.Parallel()
					f := r.open(t, format, matrix)
					for i, l := range boxes {
						dst := make([]float32, 3*l.Width*l.Height)
						if err := f.Picture.Letterbox(dst, l); err != nil {
							t.Fatal(err)
						}
						compare(t, fmt.Sprintf("box %d", i), dst, r.letterbox(l), l, 0.01)
						bytes := make([]byte, len(dst))
						if err := f.Picture.LetterboxBytes(bytes, l); err != nil {
							t.Fatal(err)
						}
						l.Mean, l.Scale = [3]float32{}, [3]float32{}
						compareBytes(t, fmt.Sprintf("box %d", i), bytes, r.letterbox(l))
					}
				})
			}
		}
	}
}

func TestLetterboxAllocatesNothing(t *testing.T) {
	p := newRaw("yuv420p", 96, 54).open(t, "yuv420p", "bt709").Picture
	l := sidecar.Letterbox{Width: 64, Height: 64, Pad: 114}
	numbers, bytes := make([]float32, 3*64*64), make([]byte, 3*64*64)
	var err error
	got := testing.AllocsPerRun(20, func() { err = errors.Join(err, p.Letterbox(numbers, l), p.LetterboxBytes(bytes, l)) })
	if got != 0 || err != nil {
		t.Errorf("%v allocations a picture (%v), want 0", got, err)
	}
}
