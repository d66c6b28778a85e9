package view

import (
	"math"

	"pantau/sidecar"
)

const (
	// width is how wide the picture is that is looked at, and half of it is the
	// field of edges, pixels. Upright pictures are as high.
	width = 320
	// block is about how wide and high a block of the field is, pixels.
	block = 16
	// faint is the gradient, grey levels per pixel of the field, that is noise or
	// no edge.
	faint = 2
)

// picture is what is known of one look at the camera's picture.
type picture struct {
	w, h   int       // of luma, even
	rgb    []byte    // planes, as the letterbox gives them
	luma   []byte    // 0..255
	half   []float32 // luma, a quarter of the pixels
	field  field
	fine   []float32 // by block: energy of the finest detail over that of coarse detail; 0: there is neither
	median int       // of luma
	bright int       // luma that one of a hundred pixels exceeds
	colour float64   // mean difference of the channels, grey levels
}

// field is the direction of edges: at each pixel e^(2iθ), θ being the direction of
// the gradient, times a weight from 0 (flat) to 1 (an edge). Twice the angle makes
// dark beside bright the same as bright beside dark, and the weight depends on
// contrasts within the picture only: light changes neither much.
type field struct {
	w, h int
	v    []vector
}

type vector struct{ x, y float32 }

// sizeOf is the size of the small picture of a frame.
func sizeOf(w, h int) (int, int) {
	if w <= 0 || h <= 0 {
		return 2 * block, 2 * block
	}
	long := float64(max(w, h))
	side := func(n int) int { return max(2*block, 2*int(math.Round(width*float64(n)/long/2))) }
	return side(w), side(h)
}

// read fills the picture from a frame's. The storage is used again.
func (p *picture) read(from sidecar.Picture) error {
	w, h := sizeOf(from.Size())
	if w != p.w || h != p.h {
		*p = picture{w: w, h: h, rgb: make([]byte, 3*w*h), luma: make([]byte, w*h), half: make([]float32, w*h/4)}
		p.field = field{w: w / 2, h: h / 2, v: make([]vector, w*h/4)}
		p.fine = make([]float32, p.field.blocks())
	}
	// The rounded size has not quite the shape of the frame: what the letterbox
	// leaves free is at most a row or a column.
	if err := from.LetterboxBytes(p.rgb, sidecar.Letterbox{Width: w, Height: h, Order: sidecar.RGB}); err != nil {
		return err
	}
	p.grey()
	p.shrink()
	p.edges()
	p.sharpness()
	return nil
}

// grey makes luma of the channels, and what its histogram says.
func (p *picture) grey() {
	n := p.w * p.h
	r, g, b := p.rgb[:n], p.rgb[n:2*n], p.rgb[2*n:]
	var histogram [256]int
	apart := 0
	for i := range p.luma {
		y := byte((77*int(r[i]) + 150*int(g[i]) + 29*int(b[i]) + 128) >> 8)
		p.luma[i] = y
		histogram[y]++
		apart += abs(int(r[i])-int(g[i])) + abs(int(b[i])-int(g[i]))
	}
	p.colour = float64(apart) / float64(2*n)
	sum := 0
	p.median, p.bright = -1, -1
	for y, c := range histogram {
		sum += c
		if p.median < 0 && sum > n/2 {
			p.median = y
		}
		if p.bright < 0 && sum >= n-n/100 {
			p.bright = y
		}
	}
}

// shrink means four pixels into one.
func (p *picture) shrink() {
	w := p.w / 2
	for y := range p.h / 2 {
		a, b := p.luma[2*y*p.w:], p.luma[(2*y+1)*p.w:]
		for x := range w {
			p.half[y*w+x] = float32(int(a[2*x])+int(a[2*x+1])+int(b[2*x])+int(b[2*x+1])) / 4
		}
	}
}

// edges makes the field, with Sobel's operator.
func (p *picture) edges() {
	f := &p.field
	w := f.w
	clear(f.v)
	sum := float32(0)
	for y := 1; y < f.h-1; y++ {
		a, b, c := p.half[(y-1)*w:y*w], p.half[y*w:(y+1)*w], p.half[(y+1)*w:(y+2)*w]
		for x := 1; x < w-1; x++ {
			gx := (a[x+1] - a[x-1] + 2*(b[x+1]-b[x-1]) + c[x+1] - c[x-1]) / 8
			gy := (c[x-1] + 2*c[x] + c[x+1] - a[x-1] - 2*a[x] - a[x+1]) / 8
			f.v[y*w+x] = vector{gx*gx - gy*gy, 2 * gx * gy}
			sum += gx*gx + gy*gy
		}
	}
	usual := max(faint*faint, sum/float32(len(f.v))/2)
	for i, v := range f.v {
		weight := 1 / (float32(math.Sqrt(float64(v.x*v.x+v.y*v.y))) + usual)
		f.v[i] = vector{v.x * weight, v.y * weight}
	}
}

// sharpness compares the finest detail with what is four times as coarse. Light
// changes both alike; a lens that is out of focus takes the finest away.
func (p *picture) sharpness() {
	w, h := p.w/4, p.h/4
	for i := range p.fine {
		x0, y0, x1, y1 := p.field.block(i)
		fine, coarse := 0, float32(0)
		for y := 2 * y0; y < min(2*y1, p.h-1); y++ {
			a, b := p.luma[y*p.w:(y+1)*p.w], p.luma[(y+1)*p.w:]
			for x := 2 * x0; x < min(2*x1, p.w-1); x++ {
				dx, dy := int(a[x+1])-int(a[x]), int(b[x])-int(a[x])
				fine += dx*dx + dy*dy
			}
		}
		for y := y0 / 2; y < min(y1/2, h-1); y++ {
			for x := x0 / 2; x < min(x1/2, w-1); x++ {
				here := p.quarter(x, y)
				dx, dy := p.quarter(x+1, y)-here, p.quarter(x, y+1)-here
				coarse += dx*dx + dy*dy
			}
		}
		p.fine[i] = 0
		if n := float32((x1 - x0) * (y1 - y0)); coarse > 4*faint*faint*n/4 {
			p.fine[i] = max(0.01, float32(fine)/coarse-1) // 1 is a slope without detail
		}
	}
}

// quarter is the mean of the sixteen pixels at a place.
func (p *picture) quarter(x, y int) float32 {
	w := p.w / 2
	i := 2*y*w + 2*x
	return (p.half[i] + p.half[i+1] + p.half[i+w] + p.half[i+w+1]) / 4
}

// columns and rows are how many blocks there are.
func (f *field) columns() int { return max(1, f.w/block) }
func (f *field) rows() int    { return max(1, f.h/block) }
func (f *field) blocks() int  { return f.columns() * f.rows() }

// block gives the pixels of the i-th block: x0 ≤ x < x1, y0 ≤ y < y1.
func (f *field) block(i int) (x0, y0, x1, y1 int) {
	c, r := f.columns(), f.rows()
	x, y := i%c, i/c
	return x * f.w / c, y * f.h / r, (x + 1) * f.w / c, (y + 1) * f.h / r
}

// energy is how much of a block is edges, 0..1.
func (f *field) energy(i int) float32 {
	x0, y0, x1, y1 := f.block(i)
	sum := float32(0)
	for y := y0; y < y1; y++ {
		for _, v := range f.v[y*f.w+x0 : y*f.w+x1] {
			sum += v.x*v.x + v.y*v.y
		}
	}
	return sum / float32((x1-x0)*(y1-y0))
}

// blank takes away the edges of what is masked, and of the mask.
func (f *field) blank(mask []sidecar.Polygon) {
	const margin = 2 // pixels
	for _, p := range mask {
		for y := range f.h {
			for _, at := range spans(p, f, y, margin) {
				clear(f.v[y*f.w+at[0] : y*f.w+at[1]])
			}
		}
	}
}

// spans gives the stretches of a row that lie in a polygon, or nearly.
func spans(p sidecar.Polygon, f *field, y, margin int) [][2]int {
	var all [][2]int
	for _, dy := range [...]int{-margin, 0, margin} {
		xs := p.Row(nil, (float64(y+dy)+0.5)/float64(f.h))
		for i := 0; i+1 < len(xs); i += 2 {
			x0 := min(f.w, max(0, int(xs[i]*float64(f.w))-margin))
			x1 := max(x0, min(f.w, int(math.Ceil(xs[i+1]*float64(f.w)))+margin))
			all = append(all, [2]int{x0, x1})
		}
	}
	return all
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
