package analyse

import (
	"fmt"
	"math"
	"time"

	"pantau/sidecar"
)

const (
	// mostLevels is how many levels a crowd may have.
	mostLevels = 16
	// smoothing is the time constant of the head count by which levels are told.
	smoothing = 1500 * time.Millisecond
	// holding is how long the count must be beyond a level until that is told, and
	// falling the part of the level below which it is left again.
	holding = 5 * time.Second
	falling = 0.9
	// fewHeads is how many people there may be, however near to each other.
	fewHeads = 10
	// packed is how many boxes lie upon each other, on average over the zone, from
	// which on people hide each other and the count would be too low.
	packed = 1.5
	// tiny is the mean height of a person's box, in pictures, below which a detector
	// finds some of them only: eight pixels of 640.
	tiny = 0.0125
)

// checkCrowd refuses levels that do not rise.
func checkCrowd(f sidecar.Function) error {
	if err := checkPolygon("polygon", f.Polygon); err != nil {
		return err
	}
	if len(f.Levels) == 0 || len(f.Levels) > mostLevels {
		return &sidecar.FieldError{Field: "levels", Problem: fmt.Sprintf("the crowd has %d levels", len(f.Levels)),
			Remedy: fmt.Sprintf("give 1 to %d numbers of people that rise, such as [50, 200, 1000]", mostLevels)}
	}
	last := 0
	for i, l := range f.Levels {
		if l <= last {
			return &sidecar.FieldError{Field: fmt.Sprintf("levels[%d]", i), Problem: fmt.Sprintf("%d does not rise above %d", l, last),
				Remedy: "give numbers of people from 1 on, the smallest first"}
		}
		last = l
	}
	if f.Plane != nil {
		return checkPlane(f.Plane)
	}
	return nil
}

// crowd counts heads in a zone and tells levels. Where people stand so close that
// the detector cannot tell them apart it says that, and no number.
type crowd struct {
	*book
	area
	polygon sidecar.Polygon
	anchor  sidecar.Anchor
	levels  []int
	metres  float64 // area of the zone, m²; 0: not known
	rows    []int   // by class
	size    float64 // area of the zone, pictures
	started bool
	last    time.Duration // steady
	heads   float64       // smoothed
	dense   float64       // smoothed: 1 if the scenes cannot be counted
	told    int           // level, as it was told; −1: it cannot be counted
	turned  time.Duration // since when it is another
	turning bool
	n       int // events
}

func newCrowd(f sidecar.Function, b *book) Analytic {
	classes := f.Classes
	if len(classes) == 0 {
		classes = sidecar.Classes()[:1]
	}
	c := &crowd{book: b, area: newArea(f, classes), polygon: f.Polygon, anchor: f.Anchor, levels: f.Levels, size: size(f.Polygon)}
	if f.Plane != nil {
		h := homographyOf(f.Plane)
		ground := make(sidecar.Polygon, len(f.Polygon))
		for i, p := range f.Polygon {
			ground[i][0], ground[i][1] = h.ground(p)
		}
		c.metres = size(ground)
	}
	for _, class := range classes {
		c.rows = append(c.rows, b.row(f.ID, sidecar.Heads, class, ""))
	}
	return c
}

// Update counts who is inside, and tells when the level has changed.
func (c *crowd) Update(now moment, objects []*object) {
	clear(c.present)
	n, boxes, heights := 0, 0.0, 0.0
	for _, o := range objects {
		o.zones &^= c.bit
		i := -1
		for j, class := range c.classes {
			if class == o.track.Class {
				i = j
			}
		}
		if i < 0 || !o.observed && (o.left() || now.steady-o.fix.steady > lasting) || !contains(c.polygon, c.anchor.Of(o.fix.box)) {
			continue
		}
		o.zones |= c.bit
		c.present[i]++
		n++
		boxes += o.fix.box.Area()
		heights += o.fix.box.Height()
	}
	for i, present := range c.present {
		if c.set(now.minute, c.rows[i], present) {
			c.areas.stale = true
		}
	}
	dense := 0.0
	if n > fewHeads && (boxes > packed*c.size || heights < tiny*float64(n)) {
		dense = 1
	}
	c.smooth(now, float64(n), dense)
	if c.dense >= 0.5 {
		for _, row := range c.rows {
			c.blind(now.minute, row)
		}
	}
	c.decide(now)
}

// smooth goes on with the means.
func (c *crowd) smooth(now moment, n, dense float64) {
	if !c.started {
		c.started, c.last, c.heads, c.dense = true, now.steady, n, dense
	}
	w := 1 - math.Exp(-(now.steady-c.last).Seconds()/smoothing.Seconds())
	c.heads += w * (n - c.heads)
	c.dense += w * (dense - c.dense)
	c.last = now.steady
}

// level is where the crowd stands now, seen from where it stood.
func (c *crowd) level() int {
	if c.dense >= 0.5 {
		return -1
	}
	level := 0
	for i, least := range c.levels {
		bound := float64(least)
		if i < c.told {
			bound *= falling
		}
		if c.heads >= bound {
			level = i + 1
		}
	}
	return level
}

// decide tells a level that has lasted.
func (c *crowd) decide(now moment) {
	level := c.level()
	if level == c.told {
		c.turning = false
		return
	}
	if !c.turning {
		c.turning, c.turned = true, now.steady
	}
	if now.steady-c.turned < holding {
		return
	}
	data := sidecar.LevelChange{Origin: c.origin(c.id, now), From: c.told, To: level}
	if level >= 0 {
		data.Count = new(int(math.Round(c.heads)))
		if c.metres > 0 {
			data.Density = math.Round(1000*c.heads/c.metres) / 1000
		}
	}
	c.told, c.turning = level, false
	c.n++
	c.state(sidecar.CrowdLevel, c.id, c.n, now, data)
}

// Join changes nothing: a crowd is who is seen now.
func (c *crowd) Join(_, _ *object, _ moment) {}

// Leave changes nothing.
func (c *crowd) Leave(*object) {}

// Undecided is never.
func (c *crowd) Undecided() (time.Time, bool) { return time.Time{}, false }
