package analyse

import (
	"math"

	"pantau/sidecar"
)

// side is the cross product (b−a) × (p−a): positive on the right hand of who
// stands at a and looks to b, in a picture with y pointing down.
func side(a, b, p sidecar.Point) float64 {
	return (b[0]-a[0])*(p[1]-a[1]) - (b[1]-a[1])*(p[0]-a[0])
}

// along is the place of p's foot on the line through a and b: 0 at a, 1 at b.
func along(a, b, p sidecar.Point) float64 {
	dx, dy := b[0]-a[0], b[1]-a[1]
	length := dx*dx + dy*dy
	if length == 0 {
		return 0
	}
	return ((p[0]-a[0])*dx + (p[1]-a[1])*dy) / length
}

// between is the point at part f of the way from p to q.
func between(p, q sidecar.Point, f float64) sidecar.Point {
	return sidecar.Point{p[0] + f*(q[0]-p[0]), p[1] + f*(q[1]-p[1])}
}

// contains says whether p lies in the polygon, by the even-odd rule. What lies on an
// edge of the picture is in what reaches it: boxes end there, and their feet with them.
func contains(poly sidecar.Polygon, p sidecar.Point) bool {
	in := false
	p = sidecar.Point{min(p[0], lastInside), min(p[1], lastInside)}
	for i, j := 0, len(poly)-1; i < len(poly); j, i = i, i+1 {
		a, b := poly[i], poly[j]
		if (a[1] > p[1]) != (b[1] > p[1]) && p[0] < a[0]+(p[1]-a[1])/(b[1]-a[1])*(b[0]-a[0]) {
			in = !in
		}
	}
	return in
}

// lastInside is the greatest coordinate that is still in the picture; on the left and at
// the top, 0 is.
const lastInside = 1 - 0x1p-53

// size is the area of a polygon that does not cross itself, in pictures.
func size(poly sidecar.Polygon) float64 {
	sum := 0.0
	for i, p := range poly {
		q := poly[(i+1)%len(poly)]
		sum += p[0]*q[1] - q[0]*p[1]
	}
	return math.Abs(sum) / 2
}

// touch says whether the segments ab and cd have a point in common.
func touch(a, b, c, d sidecar.Point) bool {
	abc, abd, cda, cdb := side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b)
	if abc*abd < 0 && cda*cdb < 0 {
		return true
	}
	return abc == 0 && within(a, b, c) || abd == 0 && within(a, b, d) ||
		cda == 0 && within(c, d, a) || cdb == 0 && within(c, d, b)
}

// within says whether p, known to be on the line through a and b, is between them.
func within(a, b, p sidecar.Point) bool {
	return min(a[0], b[0]) <= p[0] && p[0] <= max(a[0], b[0]) &&
		min(a[1], b[1]) <= p[1] && p[1] <= max(a[1], b[1])
}

// distance is how far p is from the segment ab, in boxes of the given size.
func distance(a, b, p sidecar.Point, width, height float64) float64 {
	scale := func(q sidecar.Point) sidecar.Point { return sidecar.Point{q[0] / width, q[1] / height} }
	a, b, p = scale(a), scale(b), scale(p)
	foot := between(a, b, min(1, max(0, along(a, b, p))))
	return math.Hypot(p[0]-foot[0], p[1]-foot[1])
}

// finite says whether all four sides of a box are numbers, and in order.
func finite(b sidecar.Box) bool {
	return b.Left <= b.Right && b.Top <= b.Bottom && !math.IsInf(b.Left, 0) && !math.IsInf(b.Top, 0) &&
		!math.IsInf(b.Right, 0) && !math.IsInf(b.Bottom, 0)
}

// rounded is a point as it goes into an event: to a tenth of a pixel in a
// thousand, since more digits would only look more exact.
func rounded(p sidecar.Point) sidecar.Point {
	return sidecar.Point{math.Round(p[0]*1e4) / 1e4, math.Round(p[1]*1e4) / 1e4}
}

// thousandths rounds a number as it goes into an event.
func thousandths(v float64) float64 { return math.Round(1000*v) / 1000 }
