package view

import (
	"errors"
	"image"
	"image/color"
	"math"
)

// Sketch draws the edges of a reference, as Watcher.Reference gives it, in grey: the
// stronger and the steadier an edge, the brighter. It is 160 pixels wide and no
// picture of the scene: there is none in a reference.
func Sketch(reference []byte) (*image.Gray, error) {
	r := decodeReference(reference)
	if r == nil {
		return nil, errors.New("the reference of the view cannot be read")
	}
	img := image.NewGray(image.Rect(0, 0, r.w, r.h))
	for i, v := range r.v {
		strength := math.Hypot(float64(v.x), float64(v.y))
		img.SetGray(i%r.w, i/r.w, color.Gray{Y: uint8(math.Round(255 * math.Sqrt(min(1, strength))))})
	}
	return img, nil
}
