package analyse

import (
	"time"

	"pantau/sidecar"
)

const (
	// memory is how long after its end a minute can still be revised, and how
	// far a capture time may be off what the media clock says.
	memory = 10 * time.Minute
	// trust is how long a leap of the capture time to the future must last until
	// it is believed.
	trust = 30 * time.Second
	// moments is how many of the last scenes are remembered, to find the one of
	// a past instant.
	moments = 64
)

// moment is an analysed frame's place in time.
type moment struct {
	sidecar.Stamp
	steady time.Duration // since the first scene; never runs backwards, goes on over epochs
	minute time.Time     // capture time as the minutes understand it
}

// clock gives scenes their moments. Within an epoch the media time says how time
// passes, between epochs the capture time does.
//
// The minutes follow the capture time as long as it is within memory of where
// the steady time says that it should be. A leap further back is not followed:
// those minutes are over, and the counts go on by the steady time until the
// capture time has caught up. A leap further ahead is followed at a new epoch,
// or once it has lasted for the time that is called trust.
type clock struct {
	last    moment
	opened  moment // the first one of the epoch
	started bool
	strange time.Duration // steady time since which the capture time is ahead; 0: it is not
	ring    [moments]moment
	n       int
}

// tick takes the next scene's stamp. It says how much steady time has passed.
func (c *clock) tick(s sidecar.Stamp) (moment, time.Duration) {
	step := c.step(s)
	m := moment{Stamp: s, steady: c.last.steady + step}
	m.minute = c.follow(m, c.last.minute.Add(step))
	if !c.started || s.Epoch != c.opened.Epoch {
		c.opened = m
	}
	c.last, c.started = m, true
	c.ring[c.n%moments] = m
	c.n++
	return m, step
}

// step is the time since the last scene, from zero to a day. A media time that
// leaps further ahead than the capture time is a fault of the camera.
func (c *clock) step(s sidecar.Stamp) time.Duration {
	if !c.started {
		return 0
	}
	step := min(24*time.Hour, s.Capture.Sub(c.last.Capture))
	if s.Epoch == c.last.Epoch {
		if media := s.Media() - c.last.Media(); media <= trust || media < step {
			step = media
		}
	}
	return max(0, step)
}

// follow gives the time that the minutes use, where expected is what the steady
// time makes of it.
func (c *clock) follow(m moment, expected time.Time) time.Time {
	off := m.Capture.Sub(expected)
	switch {
	case !c.started, off.Abs() <= memory, off > 0 && m.Epoch != c.last.Epoch:
		c.strange = 0
		return m.Capture.UTC()
	case off < 0:
		c.strange = 0
		return expected
	case c.strange == 0:
		c.strange = max(1, m.steady)
		return expected
	case m.steady-c.strange < trust:
		return expected
	}
	c.strange = 0
	return m.Capture.UTC()
}

// believe gives what the minutes make of a capture time that may be later than
// that of the newest scene: only what has passed since is believed. Before the
// first scene the time is as good as any.
func (c *clock) believe(now time.Time) (time.Time, time.Duration) {
	if !c.started {
		return now.UTC(), 0
	}
	passed := max(0, now.Sub(c.last.Capture))
	return c.last.minute.Add(passed), c.last.steady + passed
}

// near is the remembered moment nearest to a steady time.
func (c *clock) near(steady time.Duration) moment {
	best := c.last
	for i := max(0, c.n-moments); i < c.n; i++ {
		if m := c.ring[i%moments]; (m.steady - steady).Abs() < (best.steady - steady).Abs() {
			best = m
		}
	}
	return best
}
