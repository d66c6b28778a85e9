package taptest

import (
	"time"

	"pantau/sidecar/tap"
)

// orders are the misbehaviours that the player looks at before each picture.
type orders struct {
	frozen      bool
	cut         bool
	garbage     bool
	spoiled     int // pictures still to be made garbage
	lose        int // one packet of so many
	jump        int64
	clip        *tap.Clip // to go on with
	clockOffset time.Duration
	noReports   bool
}

// take gives the orders for one picture.
func (c *Camera) take() orders {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.orders
	c.orders.clip = nil
	if c.orders.spoiled > 0 {
		now.garbage = true
		c.orders.spoiled--
	}
	return now
}

// order changes the orders.
func (c *Camera) order(change func(*orders)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.orders)
}

// Drop closes every connection at once, without a word.
func (c *Camera) Drop() {
	c.mu.Lock()
	var open []interface{ Close() }
	for s := range c.sessions {
		open = append(open, s)
	}
	for conn := range c.conns {
		open = append(open, conn)
	}
	c.mu.Unlock()
	for _, o := range open {
		o.Close()
	}
}

// Freeze keeps the connections and sends nothing more, until Thaw. The camera's
// clock goes on.
func (c *Camera) Freeze() { c.order(func(o *orders) { o.frozen = true }) }

// Thaw ends Freeze.
func (c *Camera) Thaw() { c.order(func(o *orders) { o.frozen = false }) }

// StopMidGOP sends half of the next picture that is no key picture, then drops
// all connections. Whoever comes back begins in the middle of a group of pictures.
func (c *Camera) StopMidGOP() { c.order(func(o *orders) { o.cut = true }) }

// Garbage fills the packets of the next n pictures with random bytes.
func (c *Camera) Garbage(n int) { c.order(func(o *orders) { o.spoiled = n }) }

// Lose leaves out one packet of n at random, as a bad network does; 0 ends it.
func (c *Camera) Lose(n int) { c.order(func(o *orders) { o.lose = n }) }

// Jump moves the RTP clock, forward or (d < 0) backward.
func (c *Camera) Jump(d time.Duration) {
	c.order(func(o *orders) { o.jump += int64(d/time.Millisecond) * clockRate / 1000 })
}

// SetClockOffset sets how far the camera's clock is ahead of this machine's, in
// its sender reports; the RTP clock goes on as it was.
func (c *Camera) SetClockOffset(d time.Duration) { c.order(func(o *orders) { o.clockOffset = d }) }

// SetReports begins or ends the sending of sender reports.
func (c *Camera) SetReports(on bool) { c.order(func(o *orders) { o.noReports = !on }) }

// SetPassword changes the password. Sessions that play go on, as with a camera;
// to refuse them too, Drop follows.
func (c *Camera) SetPassword(password string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.password = password
}

// Switch goes on with another clip. With the same codec it is a change of
// parameter sets in the running stream; with another codec all sessions end, and
// whoever comes back finds the new one.
func (c *Camera) Switch(path string) error {
	clip, err := tap.OpenClip(path)
	if err != nil {
		return err
	}
	c.order(func(o *orders) {
		if o.clip != nil {
			_ = o.clip.Close()
		}
		o.clip = clip
	})
	return nil
}
