package sidecar

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// Point is a place in the picture: {x, y}, each 0..1, origin top left.
type Point [2]float64

// X is the horizontal coordinate, 0 at the left edge.
func (p Point) X() float64 { return p[0] }

// Y is the vertical coordinate, 0 at the top edge.
func (p Point) Y() float64 { return p[1] }

// Polygon is a closed area: its corners in order, the last one joined to the first.
type Polygon []Point

// Box is an upright rectangle in the picture, 0..1, origin top left. In JSON it
// is [left, top, right, bottom].
type Box struct {
	Left, Top, Right, Bottom float64
}

// Width is the horizontal extent, 0..1 of the picture.
func (b Box) Width() float64 { return b.Right - b.Left }

// Height is the vertical extent, 0..1 of the picture.
func (b Box) Height() float64 { return b.Bottom - b.Top }

// Area is the part of the picture that the box covers; zero for an empty or inverted box.
func (b Box) Area() float64 { return max(0, b.Width()) * max(0, b.Height()) }

// Centre is the middle of the box.
func (b Box) Centre() Point { return Point{(b.Left + b.Right) / 2, (b.Top + b.Bottom) / 2} }

// Foot is the middle of the bottom edge: where feet or wheels stand.
func (b Box) Foot() Point { return Point{(b.Left + b.Right) / 2, b.Bottom} }

// Intersect is the common part of two boxes; its Area is zero where they are apart.
func (b Box) Intersect(c Box) Box {
	return Box{max(b.Left, c.Left), max(b.Top, c.Top), min(b.Right, c.Right), min(b.Bottom, c.Bottom)}
}

// IoU is the intersection of two boxes over their union, 0..1.
func (b Box) IoU(c Box) float64 {
	inter := b.Intersect(c).Area()
	union := b.Area() + c.Area() - inter
	if union <= 0 {
		return 0
	}
	return inter / union
}

// Widened is the box with part of its width and height added on each side.
func (b Box) Widened(part float64) Box {
	x, y := part*b.Width(), part*b.Height()
	return Box{b.Left - x, b.Top - y, b.Right + x, b.Bottom + y}
}

// Clamp cuts off what lies outside of the picture.
func (b Box) Clamp() Box { return b.Intersect(Box{0, 0, 1, 1}) }

// AppendJSON appends [left,top,right,bottom] with four decimals (a tenth of a
// pixel at 1000 pixels) to dst.
func (b Box) AppendJSON(dst []byte) []byte {
	for i, v := range [4]float64{b.Left, b.Top, b.Right, b.Bottom} {
		dst = append(dst, "[,,,"[i])
		dst = appendDecimal(dst, v, 4)
	}
	return append(dst, ']')
}

// MarshalJSON writes [left,top,right,bottom].
func (b Box) MarshalJSON() ([]byte, error) { return b.AppendJSON(nil), nil }

// UnmarshalJSON reads [left,top,right,bottom].
func (b *Box) UnmarshalJSON(data []byte) error {
	var v []float64
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	if len(v) != 4 {
		return fmt.Errorf("box has %d numbers, want [left, top, right, bottom]", len(v))
	}
	*b = Box{v[0], v[1], v[2], v[3]}
	return nil
}

// appendDecimal appends v with at most n decimals, without trailing zeros.
// What is not a finite number becomes 0: JSON has no word for it.
func appendDecimal(dst []byte, v float64, n int) []byte {
	if v != v || v > 1e15 || v < -1e15 {
		return append(dst, '0')
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, v, 'f', n, 64)
	if n == 0 {
		return dst
	}
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	if dst[len(dst)-1] == '.' {
		dst = dst[:len(dst)-1]
	}
	if string(dst[start:]) == "-0" {
		dst = append(dst[:start], '0')
	}
	return dst
}

// Row appends where the sides cut a horizontal line at height y, from left to right:
// between the first and the second, the third and the fourth, … the line is inside, by
// the even-odd rule.
func (p Polygon) Row(xs []float64, y float64) []float64 {
	for i, b := range p {
		a := p[(i+len(p)-1)%len(p)]
		if (a.Y() <= y) != (b.Y() <= y) {
			xs = append(xs, a.X()+(y-a.Y())/(b.Y()-a.Y())*(b.X()-a.X()))
		}
	}
	slices.Sort(xs)
	return xs
}
