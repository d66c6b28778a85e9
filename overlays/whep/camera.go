package whep

import (
	"context"
	"sync"
	"time"

	"pantau/overlays"
	"pantau/sidecar"
)

// maxGroup is how many pictures of a group are kept for those who come later.
const maxGroup = 512

// camera is one camera's pictures on the way to its viewers.
type camera struct {
	o      *Options
	joiner *overlays.Joiner
	stop   context.CancelFunc
	done   chan struct{}

	mu       sync.Mutex
	masked   bool
	stream   stream
	group    []*sidecar.AccessUnit // from the newest key picture on; empty where it grew too large
	bytes    int                   // of group
	fed      *sidecar.AccessUnit   // the newest picture that was given to the joiner
	gone     sidecar.Stamp         // of the newest picture that left it
	sessions map[*session]struct{} // those that were promised pictures
	viewers  map[*session]struct{} // those that get them
}

func newCamera(o *Options) *camera {
	ctx, stop := context.WithCancel(context.Background())
	c := &camera{o: o, stop: stop, done: make(chan struct{}), sessions: map[*session]struct{}{}, viewers: map[*session]struct{}{}}
	c.joiner = overlays.NewJoiner(overlays.Options{Delay: o.Delay}, c.give)
	go func() {
		defer close(c.done)
		c.joiner.Run(ctx)
	}()
	return c
}

func (c *camera) configure(cam sidecar.Camera) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.masked = len(cam.Analyse.Mask) > 0 && !c.o.Unmasked
	c.part()
}

// remove lets everybody go.
func (c *camera) remove() {
	c.stop()
	<-c.done
	c.mu.Lock()
	defer c.mu.Unlock()
	for s := range c.sessions {
		s.end(errNoCamera)
	}
}

// refusal says why nobody can be given the pictures now. The caller holds mu.
func (c *camera) refusal() error {
	if c.masked {
		return errMasked
	}
	return c.stream.refusal()
}

// part lets those go who cannot be given the pictures any more. The caller holds mu.
func (c *camera) part() {
	why := c.refusal()
	if why != nil {
		c.forget()
	}
	for s := range c.sessions {
		if why != nil {
			s.end(why)
		} else if !s.takes(c.stream.id) {
			s.end(refuse(406, "the camera sends another profile of H.264 now", "connect anew"))
		}
	}
}

func (c *camera) forget() {
	clear(c.group)
	c.group, c.bytes = c.group[:0], 0
}

// accessUnit keeps the picture for those who come later, and lets it wait for its scene
// where anybody watches.
func (c *camera) accessUnit(u *sidecar.AccessUnit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stream.see(u) {
		c.part()
	}
	if c.refusal() != nil || u.Epoch != c.stream.epoch {
		return
	}
	c.remember(u)
	if len(c.viewers) > 0 {
		c.joiner.AccessUnit(u)
		c.fed = u
	}
}

// remember adds a picture to the newest group of pictures. A group that grows too large
// is given up: those who come then wait for the next key picture.
func (c *camera) remember(u *sidecar.AccessUnit) {
	if u.Key {
		c.forget()
	} else if len(c.group) == 0 {
		return
	}
	c.bytes += u.Size()
	if c.bytes > c.o.GroupBytes || len(c.group) == maxGroup {
		c.forget()
		return
	}
	if u.Packets != nil { // twice the memory, for nothing
		kept := *u
		kept.Packets = nil
		u = &kept
	}
	c.group = append(c.group, u)
}

func (c *camera) scene(s *sidecar.Scene) {
	c.mu.Lock()
	watched := len(c.viewers) > 0
	c.mu.Unlock()
	if watched {
		c.joiner.Scene(s)
	}
}

// give passes on what the joiner lets go.
func (c *camera) give(u *sidecar.AccessUnit, s *sidecar.Scene) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refusal() != nil {
		return
	}
	if u != nil {
		c.gone = u.Stamp
	}
	for v := range c.viewers {
		v.queue.put(moment{u, s})
	}
}

// promise counts a session in whose offer takes pictures of a profile.
func (c *camera) promise(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions[s] = struct{}{}
	c.part() // what has changed since the offer was read
}

// join begins to give pictures to a session: at once those that the others have seen
// since the newest key picture, so that it need not wait for the next one.
func (c *camera) join(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.seen()
	for _, u := range hurry(c.group[:n]) {
		s.queue.put(moment{unit: u})
	}
	for _, u := range c.group[n:] {
		if c.fed == nil || c.fed.Epoch != u.Epoch || c.fed.PTS < u.PTS { // nobody watched when it came
			c.joiner.AccessUnit(u)
			c.fed = u
		}
	}
	c.viewers[s] = struct{}{}
}

// seen is how many pictures of the group have left the joiner, or would have if anybody
// had watched.
func (c *camera) seen() int {
	for i, u := range c.group {
		waits := c.fed != nil && c.fed.Epoch == u.Epoch && u.PTS <= c.fed.PTS && (c.gone.Epoch != u.Epoch || u.PTS > c.gone.PTS)
		if waits || time.Since(u.Received) < c.o.Delay {
			return i
		}
	}
	return len(c.group)
}

// hurry gives pictures the times of such as came a millisecond apart up to the last one,
// since they go out at once: a player that took their own times would wait out the
// seconds between them, and stay late.
func hurry(group []*sidecar.AccessUnit) []*sidecar.AccessUnit {
	all := make([]*sidecar.AccessUnit, len(group))
	for i, u := range group {
		h, last := *u, group[len(group)-1]
		h.PTS = last.PTS - int64(len(group)-1-i)*int64(u.ClockRate)/1000
		all[i] = &h
	}
	return all
}

func (c *camera) leave(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.sessions, s)
	delete(c.viewers, s)
}

func (c *camera) stats() (viewers int, joined overlays.Stats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.viewers), c.joiner.Stats()
}
