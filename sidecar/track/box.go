package track

import (
	"math"

	"pantau/sidecar"
)

// usable says whether a box is one: finite, not empty, and somewhere near the picture.
func usable(b sidecar.Box) bool {
	return b.Left > -1 && b.Top > -1 && b.Right < 2 && b.Bottom < 2 && // false for NaN, too
		b.Width() > smallest && b.Height() > smallest
}

// buffered is a box, widened on each side.
func buffered(b sidecar.Box, x, y float64) sidecar.Box {
	return sidecar.Box{Left: b.Left - x, Top: b.Top - y, Right: b.Right + x, Bottom: b.Bottom + y}
}

// similarity is the IoU of two boxes after both were widened (buffered IoU, Yang
// 2023): it tells near from far also where boxes do not touch, as those of small
// and fast objects from one frame to the next. Widening hides differences in
// size, so they count on their own. 0..1.
func similarity(a, b sidecar.Box, x, y float64) float64 {
	if a.Top-y >= b.Bottom+y || b.Top-y >= a.Bottom+y {
		return 0
	}
	iou := buffered(a, x, y).IoU(buffered(b, x, y))
	if iou == 0 {
		return 0
	}
	w, h := a.Width()/b.Width(), a.Height()/b.Height()
	return iou * math.Sqrt(math.Sqrt(min(w, 1/w)*min(h, 1/h)))
}

// between is the box at part of the way from a to b.
func between(a, b sidecar.Box, part float64) sidecar.Box {
	return sidecar.Box{
		Left: a.Left + (b.Left-a.Left)*part, Top: a.Top + (b.Top-a.Top)*part,
		Right: a.Right + (b.Right-a.Right)*part, Bottom: a.Bottom + (b.Bottom-a.Bottom)*part,
	}
}

// inside is the part of a box that is in the picture; of a box beyond its edge,
// the empty box on the edge.
func inside(b sidecar.Box) sidecar.Box {
	in := func(v float64) float64 { return min(max(v, 0), 1) }
	return sidecar.Box{Left: in(b.Left), Top: in(b.Top), Right: in(b.Right), Bottom: in(b.Bottom)}
}
