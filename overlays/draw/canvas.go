package draw

import (
	"image"
	"math"

	"pantau/sidecar"
)

// canvas is a picture to draw on. Everything is cut off at its edges.
type canvas struct {
	img    *image.YCbCr
	w, h   int
	sx, sy int // log2 of the chroma planes' subsampling
	hair   int // width of the thinnest edge, pixels; even where there is room, for chroma's sake
	stroke int // width of a box's edge and of a line, pixels
	text   float64
	of     sidecar.Colours // of the picture
	dabs   *dabs           // where segments are recorded in the place of being drawn; nil: they are drawn
	idle   bool            // segments are neither drawn nor recorded
}

// dabs are the strokes of what stays where it is, sample by sample of each plane: they
// cost most to find, and little to draw again.
type dabs [3][]dab

// dab moves a sample towards v by alpha, 0..256.
type dab struct {
	at    int32
	alpha uint16
	v     uint8
}

// play draws what was recorded on a picture of the same layout.
func (c *canvas) play(d *dabs) {
	luma, chroma := c.img.YOffset(c.img.Rect.Min.X, c.img.Rect.Min.Y), c.img.COffset(c.img.Rect.Min.X, c.img.Rect.Min.Y)
	for i, samples := range [3][]uint8{c.img.Y[luma:], c.img.Cb[chroma:], c.img.Cr[chroma:]} {
		for _, b := range d[i] {
			mix(&samples[b.at], b.v, int(b.alpha))
		}
	}
}

// point is a place on the canvas, in pixels.
type point struct{ x, y float64 }

func newCanvas(img *image.YCbCr, of sidecar.Colours) *canvas {
	c := &canvas{img: img, of: of, w: img.Rect.Dx(), h: img.Rect.Dy()}
	switch img.SubsampleRatio {
	case image.YCbCrSubsampleRatio420:
		c.sx, c.sy = 1, 1
	case image.YCbCrSubsampleRatio422:
		c.sx = 1
	case image.YCbCrSubsampleRatio440:
		c.sy = 1
	case image.YCbCrSubsampleRatio411:
		c.sx = 2
	case image.YCbCrSubsampleRatio410:
		c.sx, c.sy = 2, 1
	}
	unit := float64(min(c.w, c.h*16/9)) / 960
	c.hair = max(1, int(unit))
	c.stroke = 2 * max(1, int(math.Round(unit)))
	c.text = max(11, 16*unit)
	return c
}

// at is a place of the scene in pixels.
func (c *canvas) at(p sidecar.Point) point {
	return point{p.X() * float64(c.w), p.Y() * float64(c.h)}
}

// pixels is a box in whole pixels, where possible on the grid of the chroma samples.
func (c *canvas) pixels(b sidecar.Box) image.Rectangle {
	even := func(v float64, n, shift int) int {
		return int(math.Round(max(0, min(1, v))*float64(n))) >> shift << shift
	}
	return image.Rect(even(b.Left, c.w, c.sx), even(b.Top, c.h, c.sy), even(b.Right, c.w, c.sx), even(b.Bottom, c.h, c.sy))
}

// bounds is the upright box around an area, in pixels.
func (c *canvas) bounds(p sidecar.Polygon) image.Rectangle {
	b := sidecar.Box{Left: 1, Top: 1}
	for _, q := range p {
		b = sidecar.Box{Left: min(b.Left, q.X()), Top: min(b.Top, q.Y()), Right: max(b.Right, q.X()), Bottom: max(b.Bottom, q.Y())}
	}
	return c.pixels(b)
}

// mix moves a sample towards v by alpha, 0..256.
func mix(sample *uint8, v uint8, alpha int) {
	*sample = uint8(int(*sample) + ((int(v)-int(*sample))*alpha+128)>>8)
}

// fill covers a rectangle.
func (c *canvas) fill(r image.Rectangle, colour shade, alpha float64) {
	r = r.Intersect(image.Rect(0, 0, c.w, c.h))
	if r.Empty() {
		return
	}
	a, colour := int(alpha*256), native(colour, c.of)
	origin := c.img.Rect.Min
	for y := r.Min.Y; y < r.Max.Y; y++ {
		from := c.img.YOffset(origin.X+r.Min.X, origin.Y+y)
		row := c.img.Y[from : from+r.Dx()]
		for i := range row {
			mix(&row[i], colour.Y, a)
		}
	}
	x0, x1 := r.Min.X>>c.sx, (r.Max.X-1)>>c.sx
	for y := r.Min.Y >> c.sy; y <= (r.Max.Y-1)>>c.sy; y++ {
		from := c.img.COffset(origin.X+x0<<c.sx, origin.Y+y<<c.sy)
		cb, cr := c.img.Cb[from:from+x1-x0+1], c.img.Cr[from:from+x1-x0+1]
		for i := range cb {
			mix(&cb[i], colour.Cb, a)
			mix(&cr[i], colour.Cr, a)
		}
	}
}

// frame draws the edge of a rectangle, width pixels to the inside.
func (c *canvas) frame(r image.Rectangle, width int, colour shade, alpha float64) {
	in := r.Inset(width)
	if in.Empty() {
		c.fill(r, colour, alpha)
		return
	}
	c.fill(image.Rect(r.Min.X, r.Min.Y, r.Max.X, in.Min.Y), colour, alpha)
	c.fill(image.Rect(r.Min.X, in.Max.Y, r.Max.X, r.Max.Y), colour, alpha)
	c.fill(image.Rect(r.Min.X, in.Min.Y, in.Min.X, in.Max.Y), colour, alpha)
	c.fill(image.Rect(in.Max.X, in.Min.Y, r.Max.X, in.Max.Y), colour, alpha)
}

// pass is one of the strokes that a line is drawn with.
type pass struct {
	width  float64
	colour shade
	alpha  float64
}

// passes are a dark edge, and the line itself on it.
func (c *canvas) passes(colour shade) [2]pass {
	w := float64(c.stroke)
	return [2]pass{{w + 2*float64(c.hair), dark, 0.6}, {w, colour, 1}}
}

// segment draws a straight stroke with round ends and soft edges.
func (c *canvas) segment(a, b point, width float64, colour shade, alpha float64) {
	if c.idle {
		return
	}
	s, colour := newStroke(a, b, width/2), native(colour, c.of)
	luma, chroma := c.img.YOffset(c.img.Rect.Min.X, c.img.Rect.Min.Y), c.img.COffset(c.img.Rect.Min.X, c.img.Rect.Min.Y)
	ux, uy := 1<<c.sx, 1<<c.sy
	w, h := (c.w+ux-1)>>c.sx, (c.h+uy-1)>>c.sy
	planes := [3]plane{
		{samples: c.img.Y[luma:], stride: c.img.YStride, w: c.w, h: c.h, ux: 1, uy: 1},
		{samples: c.img.Cb[chroma:], stride: c.img.CStride, w: w, h: h, ux: ux, uy: uy},
		{samples: c.img.Cr[chroma:], stride: c.img.CStride, w: w, h: h, ux: ux, uy: uy},
	}
	for i, v := range [3]uint8{colour.Y, colour.Cb, colour.Cr} {
		if c.dabs != nil {
			planes[i].dabs = &c.dabs[i]
		}
		s.cover(planes[i], v, alpha)
	}
}

// plane is w·h samples, each ux·uy pixels large.
type plane struct {
	samples      []uint8
	stride, w, h int
	ux, uy       int
	dabs         *[]dab // nil: samples are drawn on
}

// stroke is all points that are nearer than radius to a straight line, in pixels.
type stroke struct {
	a, d           point // beginning, and the way to the end
	length, radius float64
}

func newStroke(a, b point, radius float64) stroke {
	d := point{b.x - a.x, b.y - a.y}
	return stroke{a, d, math.Hypot(d.x, d.y), radius}
}

// cover moves each sample of a plane that the stroke covers towards v, by the part that
// it covers and alpha.
func (s *stroke) cover(p plane, v uint8, alpha float64) {
	soft, ux, uy := float64(max(p.ux, p.uy)), float64(p.ux), float64(p.uy)
	reach := s.radius + soft
	top := max(0, int((min(s.a.y, s.a.y+s.d.y)-reach)/uy))
	bottom := min(p.h-1, int((max(s.a.y, s.a.y+s.d.y)+reach)/uy))
	per := 0.0 // of the length
	if s.length > 0 {
		per = 1 / s.length
	}
	for j := top; j <= bottom; j++ {
		y := (float64(j) + 0.5) * uy
		from, to := s.across(y, reach)
		first, last := max(0, int(from/ux)), min(p.w-1, int(to/ux))
		if first > last {
			continue
		}
		row := p.samples[j*p.stride+first : j*p.stride+last+1]
		x, y := (float64(first)+0.5)*ux-s.a.x, y-s.a.y
		along, beside := (x*s.d.x+y*s.d.y)*per, (x*s.d.y-y*s.d.x)*per
		stepAlong, stepBeside := ux*s.d.x*per, ux*s.d.y*per
		for i := range row {
			d := math.Abs(beside)
			if per == 0 || along < 0 {
				d = math.Sqrt(x*x + y*y)
			} else if over := along - s.length; over > 0 {
				d = math.Sqrt(over*over + beside*beside)
			}
			if part := (s.radius-d)/soft + 0.5; part > 0 {
				if a := int(min(1, part) * alpha * 256); p.dabs == nil {
					mix(&row[i], v, a)
				} else {
					*p.dabs = append(*p.dabs, dab{int32(j*p.stride + first + i), uint16(a), v})
				}
			}
			x, along, beside = x+ux, along+stepAlong, beside+stepBeside
		}
	}
}

// across is where a row can be nearer than reach to the line.
func (s *stroke) across(y, reach float64) (from, to float64) {
	from, to = min(s.a.x, s.a.x+s.d.x)-reach, max(s.a.x, s.a.x+s.d.x)+reach
	if math.Abs(s.d.y) < 1 {
		return from, to
	}
	x := s.a.x + (y-s.a.y)/s.d.y*s.d.x
	beside := reach * s.length / math.Abs(s.d.y)
	return max(from, x-beside), min(to, x+beside)
}
