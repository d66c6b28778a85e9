// Package draw paints a scene over its picture: boxes with their labels, the
// lines with the direction that is "in", the zones, and the numbers.
//
// It works on the pixels of an [image.YCbCr] as they are, without a detour over
// RGB. Sizes follow the picture's, so that a label can be read on a sub-stream
// and does not cover half of it.
package draw

import (
	"image"
	"math"
	"strconv"
	"strings"

	"pantau/sidecar"
)

// Options is what is drawn besides the scene itself.
type Options struct {
	Totals []sidecar.CountRow // numbers so far; the flows are shown beside their lines
}

// Scene draws s and the lines and zones among fns onto img, which has full-range
// BT.601 colours as [sidecar.Picture.YCbCr] gives them. Only confirmed tracks
// are drawn; one that was not observed in this frame is drawn faintly.
func Scene(img *image.YCbCr, s *sidecar.Scene, fns []sidecar.Function, o Options) {
	c := newCanvas(img)
	if c.w < 1 || c.h < 1 {
		return
	}
	var l labels
	for i := range fns {
		f := &fns[i]
		switch {
		case len(f.Polygon) > 2:
			c.zone(f.Polygon)
			l.add(rule, zoneText(f.ID, s.Zones), c.bounds(f.Polygon))
		case len(f.Line) > 1:
			l.add(rule, lineText(f.ID, o.Totals), c.line(f.Line))
			for k, a := range f.Line[:len(f.Line)-1] {
				l.lines = append(l.lines, newStroke(c.at(a), c.at(f.Line[k+1]), 0))
			}
		}
	}
	for i := range s.Tracks {
		if t := &s.Tracks[i]; t.Confirmed {
			r := c.pixels(t.Box)
			c.box(r, colourOf(t.Class), t.Observed)
			l.add(colourOf(t.Class), string(t.Class)+" "+t.ID.String(), r)
		}
	}
	l.draw(c)
}

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

// zoneText is a zone's name and how many of each class are in it.
func zoneText(id string, zones []sidecar.Zone) string {
	parts := []string{id}
	for i := range zones {
		if zones[i].ID != id {
			continue
		}
		for _, n := range zones[i].Counts {
			parts = append(parts, string(n.Class)+" "+strconv.Itoa(n.N))
		}
	}
	return strings.Join(parts, "  ")
}

// lineText is a line's name and how many have crossed it each way.
func lineText(id string, rows []sidecar.CountRow) string {
	n := map[sidecar.Direction]int{}
	for _, r := range rows {
		if r.Rule == id && r.Kind == sidecar.Flow && r.N != nil {
			n[r.Direction] += *r.N
		}
	}
	return id + "  in " + strconv.Itoa(n[sidecar.In]) + "  out " + strconv.Itoa(n[sidecar.Out])
}
