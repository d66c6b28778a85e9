package live

import (
	"sync"

	"pantau/sidecar"
)

// camera is one camera's pictures on the way to its viewers.
type camera struct {
	options Options
	removed chan struct{} // closed when the camera is gone

	mu        sync.Mutex
	about     helloCamera
	masked    bool
	decodable bool // a key frame came since pictures may be sent
	describer describer
	gop       []*sidecar.AccessUnit // from the newest key frame on; empty where it grew too large
	gopBytes  int
	totals    *totals
	stats     *stats
	viewers   map[*queue]struct{}
	dropped   uint64 // of viewers that have gone
}

// configure takes what the catalogue says, and tells the viewers.
func (c *camera) configure(cam sidecar.Camera) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.about = helloCamera{ID: cam.ID, Name: cam.Name, Functions: cam.Functions}
	if c.about.Functions == nil {
		c.about.Functions = []sidecar.Function{}
	}
	c.masked = len(cam.Analyse.Mask) > 0
	if c.masked {
		c.forget()
		c.decodable = false
		for q := range c.viewers {
			q.dropPictures()
		}
	}
	c.tell(c.hello())
}

// accessUnit keeps the picture for those who come later and gives it to those
// who are there. Of a masked camera nothing is kept or given.
func (c *camera) accessUnit(u *sidecar.AccessUnit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if u.Key {
		c.forget()
		if c.describer.see(u) && len(c.viewers) > 0 {
			c.tell(c.hello())
		}
	}
	c.decodable = !c.masked && (c.decodable || u.Key)
	if !c.decodable {
		return
	}
	c.remember(u)
	if len(c.viewers) > 0 {
		c.tell(unitMessage(u), true)
	}
}

// remember adds a picture to the newest group of pictures. A group that grows
// too large is given up: later viewers wait for the next key frame.
func (c *camera) remember(u *sidecar.AccessUnit) {
	if !u.Key && len(c.gop) == 0 {
		return
	}
	c.gopBytes += u.Size()
	if c.gopBytes > c.options.GOPBytes {
		c.forget()
		return
	}
	if u.Packets != nil { // twice the memory, for nothing
		kept := *u
		kept.Packets = nil
		u = &kept
	}
	c.gop = append(c.gop, u)
}

func (c *camera) forget() {
	clear(c.gop)
	c.gop, c.gopBytes = c.gop[:0], 0
}

func (c *camera) scene(s *sidecar.Scene) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.viewers) > 0 {
		c.tell(sceneMessage(s), true)
	}
}

func (c *camera) setTotals(t totals) {
	if t.Rows == nil {
		t.Rows = []sidecar.CountRow{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.totals = &t
	if len(c.viewers) > 0 {
		c.tell(jsonMessage(t, kindState))
	}
}

func (c *camera) setStats(s stats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats = &s
	if len(c.viewers) > 0 {
		c.tell(jsonMessage(s, kindState))
	}
}

// hello says what comes. The caller holds mu.
func (c *camera) hello() (message, bool) {
	s := c.describer.current
	return jsonMessage(hello{Type: "hello", Camera: c.about, Codec: s.codec, Clock: s.clock,
		Epoch: s.epoch, Width: s.width, Height: s.height,
		Hold: c.options.Hold.Milliseconds(), Masked: c.masked}, kindHello)
}

// tell puts a message into every viewer's queue. The caller holds mu.
func (c *camera) tell(m message, ok bool) {
	if !ok {
		return
	}
	for q := range c.viewers {
		q.put(m)
	}
}

// join makes a queue for a new viewer. The messages and pictures that it gives
// besides stand in front of what comes through the queue.
func (c *camera) join() (q *queue, first []message, gop []*sidecar.AccessUnit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	add := func(m message, ok bool) {
		if ok {
			first = append(first, m)
		}
	}
	add(c.hello())
	if c.totals != nil {
		add(jsonMessage(*c.totals, kindState))
	}
	if c.stats != nil {
		add(jsonMessage(*c.stats, kindState))
	}
	gop = append(gop, c.gop...)
	q = newQueue(c.options.QueueBytes, c.options.Queue, len(gop) == 0)
	c.viewers[q] = struct{}{}
	return q, first, gop
}

func (c *camera) leave(q *queue) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.viewers, q)
	c.dropped += q.losses()
}

func (c *camera) watching() (watching int, dropped uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	dropped = c.dropped
	for q := range c.viewers {
		dropped += q.losses()
	}
	return len(c.viewers), dropped
}
