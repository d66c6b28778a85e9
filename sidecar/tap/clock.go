package tap

import (
	"sync"
	"time"

	"github.com/pion/rtcp"

	"pantau/sidecar"
)

// When a camera's sender reports are believed.
const (
	// maxReportAge is the age after which a report says nothing more: by then a
	// crystal of 100 ppm has drifted 18 ms.
	maxReportAge = 3 * time.Minute
	// maxClockOffset is the difference from this machine's clock up to which the
	// camera's is preferred. Beyond, its clock was never set, or set to local
	// time, and would put counts into minutes and hours that they do not belong to.
	maxClockOffset = time.Minute
	// maxJump is the step of RTP time, measured against the arrival, from which
	// the RTP clock has been set anew and older reports say nothing.
	maxJump = 2 * time.Second
)

// clock gives the capture times of one session.
type clock struct {
	mu     sync.Mutex // RTCP and RTP come from two goroutines with UDP
	ntp    time.Time  // the newest report: the camera's clock …
	rtp    uint32     // … at this RTP time
	heard  time.Time  // when it came; zero: none
	jumped time.Time  // reports heard before this say nothing
	offset time.Duration

	// the last picture
	pts     int64
	arrival time.Time
	capture time.Time
}

// report takes a sender report that has just come.
func (c *clock) report(r *rtcp.SenderReport, now time.Time) {
	if r.NTPTime == 0 { // a sender without a clock (RFC 3550 clause 6.4.1)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ntp, c.rtp, c.heard = timeOfNTP(r.NTPTime), r.RTPTime, now
	c.offset = c.ntp.Sub(now)
}

// clockOffset is how far the camera's clock is ahead of this machine's, by the
// newest report; ok is false if there was none.
func (c *clock) clockOffset() (offset time.Duration, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset, !c.heard.IsZero()
}

// at gives the capture time of a picture. It never goes back within a session:
// when a better clock says less, time goes on at half its pace until it is caught up.
func (c *clock) at(pts int64, arrival time.Time) (time.Time, sidecar.TimeSource) {
	c.mu.Lock()
	defer c.mu.Unlock()
	step := ticks(pts - c.pts)
	if c.jump(step, arrival) {
		c.jumped = arrival
	}
	capture, source := c.reported(pts, arrival)
	if back := c.capture.Sub(capture); back > 0 && back < 2*maxClockOffset { // beyond, this machine's clock was set
		capture = c.capture.Add(min(max(step, 0), time.Second) / 2)
	}
	c.pts, c.arrival, c.capture = pts, arrival, capture
	return capture.UTC(), source
}

// jump says whether the RTP clock was set between the last picture and this one.
// Pictures that were held up on their way are no jump: they come late, and close together.
func (c *clock) jump(step time.Duration, arrival time.Time) bool {
	if c.arrival.IsZero() {
		return false
	}
	return step < -maxJump || step-arrival.Sub(c.arrival) > maxJump
}

// reported is the capture time by the newest report, or the arrival if there is
// no report to be believed.
func (c *clock) reported(pts int64, arrival time.Time) (time.Time, sidecar.TimeSource) {
	if !c.heard.After(c.jumped) || arrival.Sub(c.heard) > maxReportAge {
		return arrival, sidecar.TimeArrival
	}
	capture := c.ntp.Add(ticks(int64(int32(uint32(pts) - c.rtp))))
	if capture.Sub(arrival).Abs() > maxClockOffset {
		return arrival, sidecar.TimeArrival
	}
	return capture, sidecar.TimeRTCP
}

// ticks is the duration of a number of RTP ticks.
func ticks(n int64) time.Duration {
	return time.Duration(n/clockRate)*time.Second + time.Duration(n%clockRate)*time.Second/clockRate
}

// timeOfNTP reads a time in 2^-32 s since 1900, or since 2036 where the highest
// bit is not set (RFC 4330 clause 3).
func timeOfNTP(v uint64) time.Time {
	const from1900to1970, era = 2208988800, 1 << 32
	seconds := int64(v >> 32)
	if seconds < era/2 {
		seconds += era
	}
	return time.Unix(seconds-from1900to1970, int64(v&0xFFFFFFFF*uint64(time.Second)>>32))
}
