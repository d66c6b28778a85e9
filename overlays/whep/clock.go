package whep

import (
	"time"

	"pantau/sidecar"
)

// rate is the RTP clock of video in WebRTC (RFC 6184 clause 8.2.1), ticks per second.
const rate = 90000

// clock gives the RTP times of one viewer's session. In the first epoch they are the
// camera's own. When the camera begins anew they go on where they were, by this
// machine's clock: a player does not expect them to jump.
type clock struct {
	epoch string
	shift int64 // of the camera's time, in ticks
	last  int64 // the newest picture's time
	came  time.Time
	from  int64 // the PTS of the epoch's first picture here
}

// picture gives the time of the next picture.
func (c *clock) picture(u *sidecar.AccessUnit) uint32 {
	own := ticks(u.Stamp)
	if u.Epoch != c.epoch {
		if c.epoch != "" {
			gap := max(u.Received.Sub(c.came), time.Millisecond)
			c.shift = c.last + int64(gap*rate/time.Second) - own
		}
		c.epoch, c.from = u.Epoch, u.PTS
	}
	c.last, c.came = own+c.shift, u.Received
	return uint32(c.last)
}

// scene gives the time of a scene's picture; false where this viewer did not get it.
func (c *clock) scene(s sidecar.Stamp) (uint32, bool) {
	return uint32(ticks(s) + c.shift), s.Epoch == c.epoch && s.PTS >= c.from
}

// ticks is the camera's time in ticks of ours. The low 32 bits are its RTP time where
// its clock is of the same rate.
func ticks(s sidecar.Stamp) int64 {
	if s.ClockRate == rate || s.ClockRate <= 0 {
		return s.PTS
	}
	return s.PTS/int64(s.ClockRate)*rate + s.PTS%int64(s.ClockRate)*rate/int64(s.ClockRate)
}
