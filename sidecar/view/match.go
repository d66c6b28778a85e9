package view

import (
	"math"
	"slices"
)

const (
	// structured is the part of a block that must be edges for it to have a vote.
	structured = 0.03
	// alike is the correlation of a block with the reference from which on it shows
	// the same, and better how much more another place must fit than its own.
	alike  = 0.5
	better = 0.12
	// near is how far around a shift a block's own place is looked for, pixels of
	// the field: what a roll or a zoom adds.
	near = 6
	// slack is how far a block may be from where the whole picture's motion has it.
	slack = 1.5
	// fewest is how many blocks with edges a verdict needs.
	fewest = 8
)

// reference is what the picture is held against.
type reference struct {
	field
	sharp  []float32 // by block: picture.fine, learned; 0: not known
	colour float64   // picture.colour, learned
	looks  int       // of which it was learned
	energy []float32 // by block, of the field; made new by measure
	votes  int       // blocks with edges
}

// learn takes a part of a picture into the reference.
func (r *reference) learn(p *picture, part float32) {
	for i, v := range p.field.v {
		r.v[i].x += part * (v.x - r.v[i].x)
		r.v[i].y += part * (v.y - r.v[i].y)
	}
	for i, s := range p.fine {
		switch {
		case s == 0:
		case r.sharp[i] == 0:
			r.sharp[i] = s
		default:
			r.sharp[i] += part * (s - r.sharp[i])
		}
	}
	r.colour += float64(part) * (p.colour - r.colour)
	r.looks++
	r.measure()
}

// measure finds the blocks that have a vote.
func (r *reference) measure() {
	if len(r.energy) != r.blocks() {
		r.energy = make([]float32, r.blocks())
	}
	r.votes = 0
	for i := range r.energy {
		r.energy[i] = r.field.energy(i)
		if r.energy[i] >= structured {
			r.votes++
		}
	}
}

// correlate is how well a block of the reference fits a picture that is shifted by
// dx, dy: −1..1. False: less than half of it is in the picture, or that is flat there.
func (r *reference) correlate(f *field, i, dx, dy int) (float64, bool) {
	x0, y0, x1, y1 := r.block(i)
	all := (x1 - x0) * (y1 - y0)
	x0, y0 = max(x0, -dx), max(y0, -dy)
	x1, y1 = min(x1, f.w-dx), min(y1, f.h-dy)
	if x0 >= x1 || y0 >= y1 || 2*(x1-x0)*(y1-y0) < all {
		return 0, false
	}
	ab, aa, bb := products(&r.field, f, x0, y0, x1, y1, dx, dy)
	if aa == 0 || bb < structured/4*float32((x1-x0)*(y1-y0)) {
		return 0, false
	}
	return float64(ab) / math.Sqrt(float64(aa)*float64(bb)), true
}

// motion is how the picture lies over the reference, pixels of the field.
type motion struct {
	dx, dy float64 // of the middle
	roll   float64 // radians
	zoom   float64 // 0: none
}

// at is where a place of the reference, seen from the middle, has come to.
func (m motion) at(x, y float64) (dx, dy float64) {
	return m.dx + m.zoom*x - m.roll*y, m.dy + m.roll*x + m.zoom*y
}

// comparison is what the blocks say.
type comparison struct {
	votes   int       // blocks with edges in the reference
	stayed  int       // of those, the ones that show the same
	own     []float64 // by block: how well it fits its own place; −1: not known
	motion  motion    // that most of the others agree on
	could   int       // blocks that the motion leaves in the picture
	moved   int       // of those, the ones that fit the motion and not their own place
	against int       // the ones that fit their own place and not the motion
	reach   float64   // how far it moves those that fit it, upper quartile, pixels of the field
}

// kept is the part of the blocks that show what they showed.
func (c comparison) kept() float64 { return float64(c.stayed) / float64(max(1, c.votes)) }

// turned says whether the blocks agree that the picture has moved.
func (c comparison) turned() bool {
	return c.moved >= fewest/2 && 3*c.moved >= c.could && 5*c.moved >= c.votes && c.moved >= 2*c.against && c.reach >= moving
}

// compare holds a picture against the reference. What moves in the picture, or
// stands before it, fits nowhere and has no vote.
func (r *reference) compare(f *field) comparison {
	own := make([]float64, r.blocks())
	c := comparison{votes: r.votes, own: own}
	for i := range own {
		own[i] = -1
		if r.energy[i] < structured {
			continue
		}
		if v, ok := r.correlate(f, i, 0, 0); ok {
			own[i] = v
			if v >= alike {
				c.stayed++
			}
		}
	}
	if r.votes < fewest || c.kept() >= 0.7 {
		return c
	}
	r.try(&c, f, own, r.follow(f, own, 0, 0))
	if c.stayed <= r.votes/3 {
		dx, dy := r.coarse(f)
		far := c
		if r.try(&far, f, own, r.follow(f, own, dx, dy)); far.moved > c.moved {
			c = far
		}
	}
	return c
}

// try counts who is for a motion and who against it. A block whose edges lie along
// the motion fits both, and is neither.
func (r *reference) try(c *comparison, f *field, own []float64, m motion) {
	c.motion, c.could, c.moved, c.against, c.reach = m, 0, 0, 0, 0
	var far []float64
	for i, here := range own {
		if r.energy[i] < structured {
			continue
		}
		x, y := r.middle(i)
		dx, dy := m.at(x, y)
		if 2*math.Abs(x+dx) > float64(r.w) || 2*math.Abs(y+dy) > float64(r.h) {
			continue
		}
		c.could++
		there := r.best(f, i, int(math.Round(dx)), int(math.Round(dy)), 1)
		switch {
		case there.fit >= alike && there.fit >= here+better:
			c.moved++
			far = append(far, math.Hypot(dx, dy))
		case here >= alike && here >= there.fit+better:
			c.against++
		}
	}
	if len(far) > 0 {
		slices.Sort(far)
		c.reach = far[len(far)*3/4]
	}
}

// place is where a block fits best, and how well.
type place struct {
	dx, dy int
	fit    float64
}

// best looks for a block's place around a shift.
func (r *reference) best(f *field, i, sx, sy, around int) place {
	p := place{fit: -1}
	for dy := sy - around; dy <= sy+around; dy++ {
		for dx := sx - around; dx <= sx+around; dx++ {
			if v, ok := r.correlate(f, i, dx, dy); ok && v > p.fit {
				p = place{dx, dy, v}
			}
		}
	}
	return p
}

// middle is the middle of a block, seen from the picture's.
func (r *reference) middle(i int) (x, y float64) {
	x0, y0, x1, y1 := r.block(i)
	return float64(x0+x1-r.w) / 2, float64(y0+y1-r.h) / 2
}

// vote is a block that fits better at another place than at its own.
type vote struct{ x, y, dx, dy float64 }

// follow looks for each block around a shift, and gives the motion that most agree on.
func (r *reference) follow(f *field, own []float64, sx, sy int) motion {
	var votes []vote
	for i, here := range own {
		if r.energy[i] < structured {
			continue
		}
		if p := r.best(f, i, sx, sy, near); p.fit >= alike && p.fit >= here+better {
			x, y := r.middle(i)
			votes = append(votes, vote{x, y, float64(p.dx), float64(p.dy)})
		}
	}
	return agree(votes)
}

// agree fits a motion to the votes: the shift with most of them around it first,
// then roll and zoom too, each time of those that lie near.
func agree(votes []vote) motion {
	m, most := motion{}, 0
	for _, v := range votes {
		n := 0
		for _, u := range votes {
			if math.Hypot(u.dx-v.dx, u.dy-v.dy) <= 2*slack {
				n++
			}
		}
		if n > most {
			most, m = n, motion{dx: v.dx, dy: v.dy}
		}
	}
	for _, reach := range [...]float64{3 * slack, 2 * slack, slack, slack} {
		m = fit(votes, m, reach)
	}
	return m
}

// fit is the least squares' motion of the votes that lie near another one.
func fit(votes []vote, m motion, reach float64) motion {
	var n, x, y, u, v, xx, dot, cross float64
	for _, o := range votes {
		if dx, dy := m.at(o.x, o.y); math.Hypot(o.dx-dx, o.dy-dy) > reach {
			continue
		}
		n++
		x, y, u, v = x+o.x, y+o.y, u+o.dx, v+o.dy
		xx += o.x*o.x + o.y*o.y
		dot += o.x*o.dx + o.y*o.dy
		cross += o.x*o.dy - o.y*o.dx
	}
	if n < fewest/2 {
		return m
	}
	spread := xx - (x*x+y*y)/n
	if spread < n*block*block {
		return motion{dx: u / n, dy: v / n}
	}
	zoom, roll := (dot-(x*u+y*v)/n)/spread, (cross-(x*v-y*u)/n)/spread
	return motion{dx: (u - zoom*x + roll*y) / n, dy: (v - roll*x - zoom*y) / n, roll: roll, zoom: zoom}
}

// coarse is the shift by which the whole picture fits best, up to three eighths of
// its size.
func (r *reference) coarse(f *field) (dx, dy int) {
	a, b := halved(&r.field), halved(f)
	best := 0.0
	for sy := -a.h * 3 / 8; sy <= a.h*3/8; sy++ {
		for sx := -a.w * 3 / 8; sx <= a.w*3/8; sx++ {
			if v := overlap(a, b, sx, sy); v > best {
				best, dx, dy = v, sx, sy
			}
		}
	}
	return 2 * dx, 2 * dy
}

// products sums the scalar products of a rectangle of a with what lies there in b, shifted:
// of each pair, and of each side with itself.
func products(a, b *field, x0, y0, x1, y1, dx, dy int) (ab, aa, bb float32) {
	for y := y0; y < y1; y++ {
		row := a.v[y*a.w+x0 : y*a.w+x1]
		other := b.v[(y+dy)*b.w+x0+dx:][:len(row)]
		var p, q, s float32 // a row's own: small sums lose less in a float32
		for k, u := range row {
			v := other[k]
			p += u.x*v.x + u.y*v.y
			q += u.x*u.x + u.y*u.y
			s += v.x*v.x + v.y*v.y
		}
		ab, aa, bb = ab+p, aa+q, bb+s
	}
	return ab, aa, bb
}

// overlap is the correlation of two fields, one shifted, where they overlap.
func overlap(a, b *field, sx, sy int) float64 {
	x0, y0, x1, y1 := max(0, -sx), max(0, -sy), min(a.w, b.w-sx), min(a.h, b.h-sy)
	ab, aa, bb := products(a, b, x0, y0, x1, y1, sx, sy)
	if aa == 0 || bb == 0 {
		return 0
	}
	return float64(ab) / math.Sqrt(float64(aa)*float64(bb))
}

// halved means four vectors into one.
func halved(f *field) *field {
	h := &field{w: f.w / 2, h: f.h / 2}
	h.v = make([]vector, h.w*h.h)
	for y := range h.h {
		for x := range h.w {
			i := 2*y*f.w + 2*x
			p, q, r, s := f.v[i], f.v[i+1], f.v[i+f.w], f.v[i+f.w+1]
			h.v[y*h.w+x] = vector{(p.x + q.x + r.x + s.x) / 4, (p.y + q.y + r.y + s.y) / 4}
		}
	}
	return h
}
