package score

import (
	"image"
	"image/color"
	"image/draw"
	"math"

	"pantau/sidecar"
)

// The picture's measures, pixels.
const (
	pictureWidth  = 1000
	laneHeight    = 140 // of one direction: along the line
	unknownHeight = 30  // below it: crossings of which nobody knows where
	margin        = 20
)

var (
	paper = color.RGBA{255, 255, 255, 255}
	grid  = color.RGBA{222, 222, 222, 255}
	green = color.RGBA{40, 150, 70, 255}
	red   = color.RGBA{210, 40, 40, 255}
	blue  = color.RGBA{40, 80, 220, 255}
)

// Picture draws where the crossings lie: time to the right, a thin line every
// ten seconds; "in" above, "out" below, each from the line's first point (top)
// to its last, and below that a strip for those whose place is not known.
// Matched ones are green, missed ones red crosses, false ones blue rings.
func (r Result) Picture(t Truth) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, pictureWidth, 2*(laneHeight+unknownHeight)+3*margin))
	draw.Draw(img, img.Rect, image.NewUniform(paper), image.Point{}, draw.Src)
	p := plot{img: img, line: t.Rule.Line, seconds: max(1, t.Seconds(), r.end())}
	for s := 0.0; s <= p.seconds; s += 10 {
		x := p.x(s)
		for _, dir := range []sidecar.Direction{sidecar.In, sidecar.Out} {
			top := p.top(dir)
			fill(img, image.Rect(x, top, x+1, top+laneHeight+unknownHeight), grid)
		}
	}
	for _, dir := range []sidecar.Direction{sidecar.In, sidecar.Out} {
		top := p.top(dir)
		for _, y := range []int{top, top + laneHeight, top + laneHeight + unknownHeight} {
			fill(img, image.Rect(margin, y, pictureWidth-margin, y+1), grid)
		}
	}
	for _, pair := range r.Pairs {
		p.mark(pair.Counted, green, func(dx, dy int) bool { return dx*dx+dy*dy <= 12 })
	}
	for _, c := range r.Missed {
		p.mark(c, red, func(dx, dy int) bool { return dx == dy || dx == -dy || dx == dy+1 || dx == -dy+1 })
	}
	for _, c := range r.False {
		p.mark(c, blue, func(dx, dy int) bool { d := dx*dx + dy*dy; return d > 16 && d <= 40 })
	}
	return img
}

// end is the time of the last crossing.
func (r Result) end() float64 {
	last := 0.0
	for _, c := range append(append([]Crossing{}, r.Missed...), r.False...) {
		last = max(last, c.T)
	}
	for _, p := range r.Pairs {
		last = max(last, p.True.T, p.Counted.T)
	}
	return last
}

type plot struct {
	img     *image.RGBA
	line    []sidecar.Point
	seconds float64
}

func (p plot) x(s float64) int {
	return margin + int(math.Round(s/p.seconds*(pictureWidth-2*margin)))
}

func (p plot) top(d sidecar.Direction) int {
	if d == sidecar.In {
		return margin
	}
	return 2*margin + laneHeight + unknownHeight
}

// mark draws a crossing, in a square of 13 pixels.
func (p plot) mark(c Crossing, colour color.RGBA, inside func(dx, dy int) bool) {
	y := p.top(c.Direction) + laneHeight + unknownHeight/2
	if c.At != nil && len(p.line) > 1 {
		y = p.top(c.Direction) + int(math.Round(along(p.line, *c.At)*laneHeight))
	}
	x := p.x(c.T)
	for dy := -6; dy <= 6; dy++ {
		for dx := -6; dx <= 6; dx++ {
			if inside(dx, dy) {
				p.img.SetRGBA(x+dx, y+dy, colour)
			}
		}
	}
}

// along is where on the way from the line's first to its last point a point lies, 0..1.
func along(line []sidecar.Point, at sidecar.Point) float64 {
	a, b := line[0], line[len(line)-1]
	dx, dy := b.X()-a.X(), b.Y()-a.Y()
	length := dx*dx + dy*dy
	if length == 0 {
		return 0
	}
	return min(1, max(0, ((at.X()-a.X())*dx+(at.Y()-a.Y())*dy)/length))
}

func fill(img *image.RGBA, r image.Rectangle, c color.RGBA) {
	draw.Draw(img, r, image.NewUniform(c), image.Point{}, draw.Src)
}
