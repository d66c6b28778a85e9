package track

import (
	"pantau/sidecar"
	"pantau/sidecar/internal/assign"
	"pantau/sidecar/internal/mot"
)

// byteTrack is the peer of the paper (Zhang et al. 2022): detections above a threshold
// first, by IoU times score from 0.2; then those from 0.1 to tracks that were seen in the
// last frame, by IoU from 0.5; then what is left to tracks of one frame, from 0.3; births
// from 0.1 above the threshold; lost tracks live for 30 frames. Its filter is over centre, aspect and
// height with noise in parts of the height.
type byteTrack struct {
	id      int // 0: of one frame
	x, y    plain
	r, h    plain
	seen    int // frame
	tracked bool
}

func newByteTrack(b sidecar.Box, frame int) *byteTrack {
	c, h := b.Centre(), b.Height()*side
	place := func(at float64) plain {
		return plain{x: at, pxx: sq(2 * h / 20), pvv: sq(10 * h / 160)}
	}
	return &byteTrack{x: place(c[0] * side), y: place(c[1] * side), h: place(h),
		r: plain{x: b.Width() / b.Height(), pxx: 1e-4, pvv: 1e-10}, seen: frame, tracked: true}
}

func sq(v float64) float64 { return v * v }

func (o *byteTrack) predict() {
	for _, p := range []*plain{&o.x, &o.y, &o.h} {
		p.qx, p.qv, p.r = sq(o.h.x/20), sq(o.h.x/160), sq(o.h.x/20)
	}
	o.r.qx, o.r.qv, o.r.r = 1e-4, 1e-10, 1e-2
	if !o.tracked {
		o.h.v = 0
	}
	for _, p := range []*plain{&o.x, &o.y, &o.r, &o.h} {
		p.predict()
	}
}

func (o *byteTrack) update(b sidecar.Box, frame int) {
	c := b.Centre()
	o.x.update(c[0] * side)
	o.y.update(c[1] * side)
	o.r.update(b.Width() / b.Height())
	o.h.update(b.Height() * side)
	o.seen, o.tracked = frame, true
}

func (o *byteTrack) box() sidecar.Box {
	h := max(o.h.x, 1) / side
	w := max(o.r.x, 0.01) * h
	x, y := o.x.x/side, o.y.x/side
	return sidecar.Box{Left: x - w/2, Top: y - h/2, Right: x + w/2, Bottom: y + h/2}
}

// followByteTrack runs the peer.
func followByteTrack(dets [][]sidecar.Detection, high float64) [][]mot.Row {
	var tracks []*byteTrack
	last := 0
	out := make([][]mot.Row, len(dets))
	for i, now := range dets {
		taken := make([]bool, len(now))
		match := func(of func(*byteTrack) bool, from, below, least float64, fused bool) {
			var a assign.Problem
			var rows []*byteTrack
			a.Reset()
			for _, o := range tracks {
				if o.seen == i && i > 0 || !of(o) {
					continue
				}
				rows = append(rows, o)
				for col, d := range now {
					alike := o.box().IoU(d.Box)
					if fused {
						alike *= d.Score
					}
					if !taken[col] && d.Score >= from && d.Score < below && alike >= least {
						a.Add(col, 1-alike)
					}
				}
				a.EndRow()
			}
			a.Solve(len(now))
			for row, o := range rows {
				if col := a.ColOf[row]; col >= 0 {
					taken[col] = true
					o.update(now[col].Box, i)
					if o.id == 0 {
						last++
						o.id = last
					}
				}
			}
		}
		for _, o := range tracks {
			o.predict()
		}
		match(func(o *byteTrack) bool { return o.id > 0 }, high, 2, 0.2, true)
		match(func(o *byteTrack) bool { return o.id > 0 && o.tracked }, 0.1, high, 0.5, false)
		match(func(o *byteTrack) bool { return o.id == 0 }, high, 2, 0.3, true)
		kept := tracks[:0]
		for _, o := range tracks {
			if o.seen != i {
				o.tracked = false
			}
			if o.seen == i || o.id > 0 && i-o.seen <= 30 {
				kept = append(kept, o)
			}
		}
		tracks = kept
		for col, d := range now {
			if taken[col] || d.Score < high+0.1 {
				continue
			}
			o := newByteTrack(d.Box, i)
			if i == 0 {
				last++
				o.id = last
			}
			tracks = append(tracks, o)
		}
		for _, o := range tracks {
			if o.seen == i && o.id > 0 {
				out[i] = append(out[i], mot.Row{Frame: i + 1, ID: o.id, Box: o.box()})
			}
		}
	}
	return out
}
