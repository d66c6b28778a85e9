package draw

import (
	"image"

	"pantau/sidecar"
)

const (
	// margin is how much a box is enlarged before it is blurred, of its size: boxes
	// are not exact, and between two of them objects move.
	margin = 0.12
	// plates is the lower part of a vehicle's box, in which its number plate is.
	plates = 0.5
	// grain is how many blocks high a person is: a face is one or two of them.
	grain = 9
)

// Blur makes persons and number plates unrecognisable: blocks of one colour over
// each person, over bicycles and motorcycles with their riders, and over the lower
// half of other vehicles. It takes tracks that are not confirmed too. What the
// detector does not find is not blurred.
func Blur(img *image.YCbCr, tracks []sidecar.Track) {
	c := newCanvas(img, sidecar.Colours{})
	for i := range tracks {
		b := tracks[i].Box
		dx, dy := margin*b.Width(), margin*b.Height()
		if blurs := tracks[i].Class; blurs == sidecar.Car || blurs == sidecar.Bus || blurs == sidecar.Truck {
			b.Top = b.Bottom - plates*b.Height()
		}
		r := c.pixels(sidecar.Box{Left: b.Left - dx, Top: b.Top - dy, Right: b.Right + dx, Bottom: b.Bottom + dy})
		c.blocks(r, max(8, int(tracks[i].Box.Height()*float64(c.h)/grain)))
	}
}

// BlurAll makes the whole picture unrecognisable.
func BlurAll(img *image.YCbCr) {
	c := newCanvas(img, sidecar.Colours{})
	c.blocks(image.Rect(0, 0, c.w, c.h), max(8, c.h/12))
}

// blocks makes each block of a rectangle one colour, its mean. Blocks lie on a grid of
// the picture, so that they do not tremble with the box.
func (c *canvas) blocks(r image.Rectangle, size int) {
	size = (size + 3) &^ 3
	r = r.Intersect(image.Rect(0, 0, c.w, c.h))
	for y := r.Min.Y / size * size; y < r.Max.Y; y += size {
		for x := r.Min.X / size * size; x < r.Max.X; x += size {
			b := image.Rect(x, y, x+size, y+size).Intersect(r)
			if b.Empty() {
				continue
			}
			o := c.img.Rect.Min
			level(c.img.Y[c.img.YOffset(o.X+b.Min.X, o.Y+b.Min.Y):], c.img.YStride, b.Dx(), b.Dy())
			w, h := (b.Max.X-1)>>c.sx-b.Min.X>>c.sx+1, (b.Max.Y-1)>>c.sy-b.Min.Y>>c.sy+1
			at := c.img.COffset(o.X+b.Min.X, o.Y+b.Min.Y)
			level(c.img.Cb[at:], c.img.CStride, w, h)
			level(c.img.Cr[at:], c.img.CStride, w, h)
		}
	}
}

// level gives w·h samples of a plane their mean.
func level(plane []uint8, stride, w, h int) {
	sum := 0
	for y := range h {
		for _, v := range plane[y*stride : y*stride+w] {
			sum += int(v)
		}
	}
	mean := uint8(sum / (w * h))
	for y := range h {
		row := plane[y*stride : y*stride+w]
		for i := range row {
			row[i] = mean
		}
	}
}
