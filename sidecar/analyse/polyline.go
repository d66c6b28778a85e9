package analyse

import (
	"fmt"
	"math"
	"slices"

	"pantau/sidecar"
)

const (
	// mostPoints is how many points a line may have.
	mostPoints = 16
	// shortest is the least length of a line, in sides of the picture.
	shortest = 0.02
	// shortestPiece is the least length of one of its pieces: about three pixels of 640.
	shortestPiece = 0.005
	// margin is how near to the edge of the picture a line may not run: what
	// comes in there is first seen past it.
	margin = 0.05
	// band is how far an anchor must be from a border to be clearly beyond it,
	// as a part of the object's size across the border.
	band = 0.2
	// beyond is how far a line that touches the edge of the picture goes on.
	beyond = 0.02
	// blur is added to the band, in sides of the picture: about a pixel of 640.
	blur = 0.0015
)

// polyline is a line as it is drawn: its points in their order. Piece k goes from
// point k to the next one.
type polyline []sidecar.Point

// onward makes the ends that touch the edge of the picture go on beyond it: boxes end
// there, so anchors go along it, just past an end that lies on it.
func (l polyline) onward() polyline {
	out := slices.Clone(l)
	last := len(l) - 1
	for _, end := range [2][2]int{{0, 1}, {last, last - 1}} {
		p, q := l[end[0]], l[end[1]]
		if min(p[0], p[1], 1-p[0], 1-p[1]) > edge {
			continue
		}
		if length := math.Hypot(p[0]-q[0], p[1]-q[1]); length > 0 {
			f := beyond / length
			out[end[0]] = sidecar.Point{p[0] + f*(p[0]-q[0]), p[1] + f*(p[1]-q[1])}
		}
	}
	return out
}

// depth says how far an anchor is beyond the line, in bands of its box: more than
// 1 is clearly on the right hand, less than −1 clearly on the left hand. It is that
// of the nearest piece; beyond an end of the line the end's piece goes on endlessly.
func (l polyline) depth(p sidecar.Point, box sidecar.Box) float64 {
	w, h := band*box.Width()+blur, band*box.Height()+blur
	perW, perH := 1/w, 1/h
	last := len(l) - 2
	least, piece, corner := math.Inf(1), 0, 0
	for k := 0; k <= last && last > 0; k++ {
		a, b := l[k], l[k+1]
		dx, dy := (b[0]-a[0])*perW, (b[1]-a[1])*perH
		px, py := (p[0]-a[0])*perW, (p[1]-a[1])*perH
		square, at := 0.0, 0 // of the distance, in bands
		switch foot, length := px*dx+py*dy, dx*dx+dy*dy; {
		case foot <= 0:
			square, at = px*px+py*py, k
		case foot >= length:
			square, at = (px-dx)*(px-dx)+(py-dy)*(py-dy), k+1
		default:
			square = (px*dy - py*dx) * (px*dy - py*dx) / length
		}
		if square < least {
			least, piece, corner = square, k, at
		}
	}
	if corner > 0 && corner <= last { // nothing is nearest to a corner but what is outside of the bend
		if bend := side(l[corner-1], l[corner], l[corner+1]); bend != 0 {
			return math.Copysign(math.Sqrt(least), -bend)
		}
	}
	a, b := l[piece], l[piece+1]
	return side(a, b, p) / (math.Abs(b[0]-a[0])*h + math.Abs(b[1]-a[1])*w)
}

// cuts calls yield with each piece that the step from p to q cuts: at which part of
// the step, and to which hand.
func (l polyline) cuts(p, q sidecar.Point, yield func(part float64, piece, to int)) {
	ahead := beside(p, q, l[0], -1)
	for k := range l[1:] {
		a, b := l[k], l[k+1]
		before := ahead
		ahead = beside(p, q, b, -1)
		if before == ahead {
			continue
		}
		if from, to := beside(a, b, p, 1), beside(a, b, q, 1); from != to {
			s := side(a, b, p)
			yield(s/(s-side(a, b, q)), k, to)
		}
	}
}

// beside says on which hand of who looks from a to b the point p is: +1 right, −1
// left. A tie is broken as if all anchors were pushed by (ε, ε²), ε being as small
// as need be: so a path through a corner, or along a piece, cuts the line as often
// as one that goes just beside it. push is +1 where p is an anchor, and −1 where a
// and b are.
func beside(a, b, p sidecar.Point, push int) int {
	switch s := side(a, b, p); {
	case s > 0:
		return 1
	case s < 0:
		return -1
	}
	if dx, dy := b[0]-a[0], b[1]-a[1]; dy > 0 || dy == 0 && dx < 0 {
		return -push
	}
	return push
}

// check refuses lines that could not count. The error's field begins with name.
func (l polyline) check(name string) error {
	if n := len(l); n < 2 || n > mostPoints {
		return &sidecar.FieldError{Field: name, Problem: fmt.Sprintf("the line has %d points", n),
			Remedy: fmt.Sprintf("give 2 to %d, [A, B] or [A, B, C]", mostPoints)}
	}
	if err := checkPoints(name, l); err != nil {
		return err
	}
	length := 0.0
	for k := range l[1:] {
		length += math.Hypot(l[k+1][0]-l[k][0], l[k+1][1]-l[k][1])
	}
	if length < shortest {
		return &sidecar.FieldError{Field: name, Problem: fmt.Sprintf("the line is only %.3f of the picture long", length),
			Remedy: fmt.Sprintf("draw it longer than %v", shortest)}
	}
	if err := l.checkShape(name); err != nil {
		return err
	}
	return l.checkEdges(name)
}

// checkShape refuses lines that have no two sides everywhere.
func (l polyline) checkShape(name string) error {
	for k := range l[1:] {
		if n := math.Hypot(l[k+1][0]-l[k][0], l[k+1][1]-l[k][1]); n < shortestPiece {
			return &sidecar.FieldError{Field: fmt.Sprintf("%s[%d]", name, k+1),
				Problem: fmt.Sprintf("the point is only %.4f of the picture from the one before", n), Remedy: "leave it out"}
		}
	}
	if last := len(l) - 1; last > 1 && l[0] == l[last] {
		return &sidecar.FieldError{Field: fmt.Sprintf("%s[%d]", name, last), Problem: "the line ends where it begins",
			Remedy: "leave a gap, or use kind zone for an area"}
	}
	for i := range l[1:] {
		for j := i + 1; j < len(l)-1; j++ {
			crossed := touch(l[i], l[i+1], l[j], l[j+1])
			if j == i+1 { // neighbours share a point, and no more
				a, b, c := l[i], l[j], l[j+1]
				crossed = side(a, b, c) == 0 && along(b, a, c) > 0
			}
			if crossed {
				return &sidecar.FieldError{Field: fmt.Sprintf("%s[%d]", name, j+1),
					Problem: fmt.Sprintf("the line crosses itself: piece %d and piece %d touch", i+1, j+1),
					Remedy:  "give the points in their order along the line; for two ways make two functions"}
			}
		}
	}
	return nil
}

// checkEdges refuses lines that run along an edge of the picture.
func (l polyline) checkEdges(name string) error {
	for k := range l[1:] {
		for i, edge := range [...]string{"left", "right", "top", "bottom"} {
			far := func(p sidecar.Point) float64 { return [...]float64{p[0], 1 - p[0], p[1], 1 - p[1]}[i] }
			if far(l[k]) >= margin || far(l[k+1]) >= margin {
				continue
			}
			what := "the line"
			if len(l) > 2 {
				what = fmt.Sprintf("piece %d of the line", k+1)
			}
			return &sidecar.FieldError{Field: name,
				Problem: fmt.Sprintf("%s runs along the %s edge of the picture, where objects are first seen past it and would not be counted", what, edge),
				Remedy:  fmt.Sprintf("move it at least %v of the picture away from that edge; its ends may touch other edges", margin)}
		}
	}
	return nil
}
