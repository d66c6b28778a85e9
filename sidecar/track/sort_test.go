package track

import (
	"math"

	"pantau/sidecar"
	"pantau/sidecar/internal/assign"
	"pantau/sidecar/internal/mot"
)

// sorted is a track of SORT (Bewley 2016) with the constants of its authors'
// program: state x, y, area, aspect and the velocities of the first three, in
// pixels and frames. All its matrices are diagonal, so each coordinate is a
// filter of its own.
type sorted struct {
	id           int
	x, y, s, r   plain
	hits, missed int
}

// plain is a textbook filter: q of position, q of velocity, r of measurement.
type plain struct{ x, v, pxx, pxv, pvv, qx, qv, r float64 }

func (p *plain) predict() {
	p.x += p.v
	p.pxx += 2*p.pxv + p.pvv + p.qx
	p.pxv += p.pvv
	p.pvv += p.qv
}

func (p *plain) update(z float64) {
	s := p.pxx + p.r
	gx, gv, miss := p.pxx/s, p.pxv/s, z-p.x
	p.x, p.v = p.x+gx*miss, p.v+gv*miss
	p.pvv -= gv * p.pxv
	p.pxv -= gx * p.pxv
	p.pxx -= gx * p.pxx
}

const side = 1000.0 // pixels of a picture's side, for SORT's absolute constants

func newSorted(id int, b sidecar.Box) *sorted {
	c := b.Centre()
	return &sorted{id: id,
		x: plain{x: c[0] * side, pxx: 10, pvv: 1e4, qx: 1, qv: 0.01, r: 1},
		y: plain{x: c[1] * side, pxx: 10, pvv: 1e4, qx: 1, qv: 0.01, r: 1},
		s: plain{x: b.Area() * side * side, pxx: 10, pvv: 1e4, qx: 1, qv: 1e-4, r: 10},
		r: plain{x: b.Width() / b.Height(), pxx: 10, qx: 1, r: 10}}
}

func (o *sorted) box() sidecar.Box {
	s, r := max(o.s.x, 1)/side/side, max(o.r.x, 0.01)
	w := math.Sqrt(s * r)
	h := s / w
	x, y := o.x.x/side, o.y.x/side
	return sidecar.Box{Left: x - w/2, Top: y - h/2, Right: x + w/2, Bottom: y + h/2}
}

// followSORT is the peer: max_age 1, min_hits 3, IoU 0.3.
func followSORT(dets [][]sidecar.Detection) [][]mot.Row {
	var tracks []*sorted
	var a assign.Problem
	last := 0
	out := make([][]mot.Row, len(dets))
	for i, now := range dets {
		a.Reset()
		for _, o := range tracks {
			o.x.predict()
			o.y.predict()
			o.s.predict()
			o.r.predict()
			for col, d := range now {
				if iou := o.box().IoU(d.Box); iou >= 0.3 {
					a.Add(col, 1-iou)
				}
			}
			a.EndRow()
		}
		a.Solve(len(now))
		for row, o := range tracks {
			col := a.ColOf[row]
			if col < 0 {
				o.missed++
				o.hits = 0
				continue
			}
			b := now[col].Box
			c := b.Centre()
			o.x.update(c[0] * side)
			o.y.update(c[1] * side)
			o.s.update(b.Area() * side * side)
			o.r.update(b.Width() / b.Height())
			o.hits++
			o.missed = 0
			if o.hits >= 3 || i < 3 {
				out[i] = append(out[i], mot.Row{Frame: i + 1, ID: o.id, Box: o.box()})
			}
		}
		kept := tracks[:0]
		for _, o := range tracks {
			if o.missed <= 1 {
				kept = append(kept, o)
			}
		}
		tracks = kept
		for col, d := range now {
			if a.RowOf[col] < 0 {
				last++
				tracks = append(tracks, newSorted(last, d.Box))
			}
		}
	}
	return out
}
