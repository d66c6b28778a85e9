package analyse

import (
	"fmt"
	"math"

	"pantau/sidecar"
)

const (
	// leastTriangle is the area, in pictures, that any three of the four points
	// of a plane must span: below it they lie on a line, and nothing can be measured.
	leastTriangle = 1e-3
	// shortestSide and longestSide of a plane, metres.
	shortestSide, longestSide = 0.5, 1000.0
)

// checkPlane refuses points of which no plane can be made.
func checkPlane(p *sidecar.Plane) error {
	wrong := func(field, problem, remedy string) error {
		return &sidecar.FieldError{Field: "plane" + field, Problem: problem, Remedy: remedy}
	}
	const around = "give four corners of a rectangle on the ground, in their order around it"
	switch {
	case p == nil:
		return wrong("", "the function has no plane", "give plane: {points: [[x, y], …], width: 7, length: 20}: "+around)
	case len(p.Points) != 4:
		return wrong(".points", fmt.Sprintf("the plane has %d points", len(p.Points)), around)
	case !(p.Width >= shortestSide && p.Width <= longestSide):
		return wrong(".width", fmt.Sprintf("a width of %v m cannot be", p.Width), "give the metres from the first point to the second")
	case !(p.Length >= shortestSide && p.Length <= longestSide):
		return wrong(".length", fmt.Sprintf("a length of %v m cannot be", p.Length), "give the metres from the second point to the third")
	}
	if err := checkPoints("plane.points", p.Points); err != nil {
		return err
	}
	turn := 0.0
	for i := range 4 {
		a, b, c := p.Points[i], p.Points[(i+1)%4], p.Points[(i+2)%4]
		s := side(a, b, c) / 2
		if math.Abs(s) < leastTriangle {
			return wrong(".points", fmt.Sprintf("points %d, %d and %d lie on a line", i+1, (i+1)%4+1, (i+2)%4+1),
				"move them apart: no three may be on a line, nor too near to each other")
		}
		if i > 0 && s*turn < 0 {
			return wrong(".points", "the points are not in their order around the rectangle", around)
		}
		turn = s
	}
	return nil
}

// homography maps a point of the picture to metres on the ground (Hartley and
// Zisserman, Multiple View Geometry, 2.3): the first of four points is 0, 0, the
// second width, 0, the third width, length.
type homography [9]float64

// homographyOf solves the eight equations of four pairs of points. The points were
// checked: there is one solution.
func homographyOf(p *sidecar.Plane) homography {
	ground := [4][2]float64{{0, 0}, {p.Width, 0}, {p.Width, p.Length}, {0, p.Length}}
	var m [8][9]float64
	for i, q := range p.Points {
		x, y, u, v := q[0], q[1], ground[i][0], ground[i][1]
		m[2*i] = [9]float64{x, y, 1, 0, 0, 0, -u * x, -u * y, u}
		m[2*i+1] = [9]float64{0, 0, 0, x, y, 1, -v * x, -v * y, v}
	}
	for i := range 8 { // Gauss and Jordan, with the greatest pivot
		best := i
		for j := i + 1; j < 8; j++ {
			if math.Abs(m[j][i]) > math.Abs(m[best][i]) {
				best = j
			}
		}
		m[i], m[best] = m[best], m[i]
		for j := range 8 {
			if j == i || m[i][i] == 0 {
				continue
			}
			f := m[j][i] / m[i][i]
			for k := i; k < 9; k++ {
				m[j][k] -= f * m[i][k]
			}
		}
	}
	h := homography{8: 1}
	for i := range 8 {
		h[i] = m[i][8] / m[i][i]
	}
	return h
}

// ground is where a point of the picture lies, metres.
func (h *homography) ground(p sidecar.Point) (x, y float64) {
	w := h[6]*p[0] + h[7]*p[1] + h[8]
	return (h[0]*p[0] + h[1]*p[1] + h[2]) / w, (h[3]*p[0] + h[4]*p[1] + h[5]) / w
}

// blurred is how many metres a box's anchor may be off at its place, as a standard
// deviation in one direction: what a part of the box's size is there.
func (h *homography) blurred(p sidecar.Point, b sidecar.Box) float64 {
	x, y := h.ground(p)
	ax, ay := h.ground(sidecar.Point{p[0] + anchorNoise*b.Width() + blur/2, p[1]})
	bx, by := h.ground(sidecar.Point{p[0], p[1] + anchorNoise*b.Height() + blur/2})
	return math.Sqrt((math.Pow(math.Hypot(ax-x, ay-y), 2) + math.Pow(math.Hypot(bx-x, by-y), 2)) / 2)
}
