package view

import "time"

const (
	// raining is the energy of the change between two looks, grey levels squared per
	// pixel, from which on a block may show streaks, and passing what is no streak.
	raining = 6
	passing = 400
	// upright is how much more a streak changes across than along.
	upright = 1.7
	// colourless is the difference of the channels in a grey picture.
	colourless = 1.5
	// telling is the time constant of the flags.
	telling = 10 * time.Second
)

// weather is why the picture is poor, smoothed.
type weather struct {
	night, rain, low float64 // 0..1
	flags            []string
}

// look goes on with one look.
func (o *weather) look(w *Watcher, c comparison) {
	p := &w.now
	night := p.median < dusky || p.colour < colourless && w.ref.colour > 3*colourless
	low := c.votes < fewest || 2*w.ref.visible(&p.field) < c.votes
	was := [...]bool{o.low > 0.5, o.night > 0.5, o.rain > 0.5}
	for i, s := range [...]struct {
		level *float64
		is    bool
	}{{&o.low, low}, {&o.night, night}, {&o.rain, w.rains()}} {
		target, part := 0.0, period.Seconds()/telling.Seconds()
		if s.is {
			target = 1
		}
		*s.level += part * (target - *s.level)
		if is := *s.level > 0.5; is != was[i] { // firmly on the new side
			*s.level = map[bool]float64{true: 0.9, false: 0.1}[is]
		}
	}
	if is := [...]bool{o.low > 0.5, o.night > 0.5, o.rain > 0.5}; is != was {
		o.flags = nil
		for i, name := range [...]string{"low_detail", "night", "rain"} {
			if is[i] {
				o.flags = append(o.flags, name)
			}
		}
	}
}

// rains says whether upright streaks come and go in most of the picture. What moves
// changes few blocks much, noise has no direction, and a camera that sways changes
// edges of all directions.
func (w *Watcher) rains() bool {
	p, q := &w.now, &w.before
	if q.w != p.w || q.h != p.h {
		return false
	}
	streaked, blocks := 0, 0
	for i := range p.fine {
		x0, y0, x1, y1 := p.field.block(i)
		across, along := 0, 0
		for y := 2 * y0; y < min(2*y1, p.h-1); y++ {
			row, next := y*p.w, (y+1)*p.w
			for x := 2 * x0; x < min(2*x1, p.w-1); x++ {
				d := int(p.luma[row+x]) - int(q.luma[row+x])
				r := int(p.luma[row+x+1]) - int(q.luma[row+x+1]) - d
				b := int(p.luma[next+x]) - int(q.luma[next+x]) - d
				across += r * r
				along += b * b
			}
		}
		n := 4 * (x1 - x0) * (y1 - y0)
		if across+along > 2*passing*n {
			continue
		}
		blocks++
		if across > raining*n && float64(across) > upright*float64(along) {
			streaked++
		}
	}
	return 3*blocks >= len(p.fine) && 5*streaked >= 3*blocks
}
