package draw

import (
	"image"
	"math"

	"pantau/sidecar"
)

// box draws an upright frame with a dark edge, so that it shows on light and on
// dark ground.
func (c *canvas) box(r image.Rectangle, colour shade, observed bool) {
	alpha := 1.0
	if !observed {
		alpha = 0.45
	}
	c.frame(r.Inset(-c.hair), c.hair, dark, 0.6*alpha)
	c.frame(r, c.stroke, colour, alpha)
}

// thin draws the frame of what has not moved and is not seen surely.
func (c *canvas) thin(r image.Rectangle, colour shade) { c.frame(r, c.hair, colour, 0.6) }

// tail draws the way of an object to where its feet are now, fainter the longer ago.
func (c *canvas) tail(way []pace, now sidecar.Point, colour shade) {
	for i := range way {
		to := now
		if i+1 < len(way) {
			to = way[i+1].at
		}
		c.segment(c.at(way[i].at), c.at(to), float64(c.stroke), colour, 0.15+0.6*float64(i+1)/float64(len(way)))
	}
}

// zone draws the outline of an area.
func (c *canvas) zone(p sidecar.Polygon) {
	for _, pass := range c.passes(rule) {
		for i, b := range p {
			a := p[(i+len(p)-1)%len(p)]
			c.segment(c.at(a), c.at(b), pass.width, pass.colour, pass.alpha)
		}
	}
}

// line draws a line and, at its middle, an arrow to the side that is "in": the
// right hand of who walks along it. It gives the area of the arrow.
func (c *canvas) line(l []sidecar.Point) image.Rectangle {
	from, to := c.middle(l)
	dx, dy := to.x-from.x, to.y-from.y
	length := math.Hypot(dx, dy)
	if length == 0 {
		return image.Rectangle{}
	}
	dx, dy = dx/length, dy/length
	middle, size := point{(from.x + to.x) / 2, (from.y + to.y) / 2}, 6*float64(c.stroke)
	place := func(along, across float64) point { // in a frame of the line: along it, and to its right hand
		return point{middle.x + along*dx - across*dy, middle.y + along*dy + across*dx}
	}
	tip := place(0, 2*size)
	for _, pass := range c.passes(rule) {
		for k, a := range l[:len(l)-1] {
			c.segment(c.at(a), c.at(l[k+1]), pass.width, pass.colour, pass.alpha)
		}
		for _, s := range [...][2]point{{middle, tip}, {tip, place(-size/2, 1.4*size)}, {tip, place(size/2, 1.4*size)}} {
			c.segment(s[0], s[1], pass.width, pass.colour, pass.alpha)
		}
	}
	return image.Rect(int(min(middle.x, tip.x)-size), int(min(middle.y, tip.y)-size), int(max(middle.x, tip.x)+size), int(max(middle.y, tip.y)+size))
}

// middle gives the ends of a line's longest piece: there is room for its arrow.
func (c *canvas) middle(l []sidecar.Point) (from, to point) {
	longest := -1.0
	for k := range l[:len(l)-1] {
		a, b := c.at(l[k]), c.at(l[k+1])
		if n := math.Hypot(b.x-a.x, b.y-a.y); n > longest {
			longest, from, to = n, a, b
		}
	}
	return from, to
}
