package live

import (
	"sync"
	"time"

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
	history   history
	lateness  lateness
	totals    *totals
	stats     *stats
	viewers   map[*queue]struct{}
	left      time.Time // when the last viewer went
	dropped   uint64    // of viewers that have gone
}

func newCamera(o Options) *camera {
	return &camera{options: o, removed: make(chan struct{}), viewers: make(map[*queue]struct{}),
		history: history{most: o.GOPBytes, age: o.Resume}}
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
		c.history.clear()
		c.decodable = false
		for q := range c.viewers {
			q.dropPictures()
		}
	}
	c.tell(c.hello(false))
}

// accessUnit keeps the picture for those who come later and gives it to those
// who are there. Of a masked camera nothing is kept or given.
func (c *camera) accessUnit(u *sidecar.AccessUnit) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lateness.picture(u.Epoch, u.PTS, now)
	if u.Key && c.describer.see(u) {
		c.history.clear() // nobody can go on from there
		if len(c.viewers) > 0 {
			c.tell(c.hello(false))
		}
	}
	c.decodable = !c.masked && (c.decodable || u.Key)
	if !c.decodable {
		return
	}
	var m message
	if len(c.viewers) > 0 {
		m = unitMessage(u)
		c.tell(m, true)
	}
	c.history.picture(u, m, now, c.expected(now))
}

// expected says whether somebody watches, or may come back. The caller holds mu.
func (c *camera) expected(now time.Time) bool {
	return len(c.viewers) > 0 || now.Sub(c.left) < c.options.Resume
}

func (c *camera) scene(s *sidecar.Scene) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lateness.scene(s.Epoch, s.PTS, s.ClockRate, now)
	if !c.expected(now) {
		return
	}
	m := sceneMessage(s)
	c.tell(m, true)
	c.history.scene(m, now)
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
	s.Hold = c.hold()
	c.stats = &s
	if len(c.viewers) > 0 {
		c.tell(jsonMessage(s, kindState))
	}
}

// hello says what comes. The caller holds mu.
func (c *camera) hello(resumed bool) (message, bool) {
	s := c.describer.current
	return jsonMessage(hello{Type: "hello", Camera: c.about, Codec: s.codec, Clock: s.clock,
		Epoch: s.epoch, Width: s.width, Height: s.height,
		Hold: c.hold(), Masked: c.masked, Resumed: resumed}, kindHello)
}

// hold is how long a page should wait for a scene, ms. The caller holds mu.
func (c *camera) hold() int64 { return c.lateness.hold(c.options.Hold).Milliseconds() }

// tell puts a message into every viewer's queue. The caller holds mu.
func (c *camera) tell(m message, ok bool) {
	if !ok {
		return
	}
	for q := range c.viewers {
		q.put(m)
	}
}

// join makes a queue for a viewer that has the pictures up to a position. The
// messages that it gives besides stand in front of what comes through the queue.
func (c *camera) join(has position) (*queue, []message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var first []message
	add := func(m message, ok bool) {
		if ok {
			first = append(first, m)
		}
	}
	pictures, resumed := []message(nil), false
	if has.epoch != "" && has.epoch == c.describer.current.epoch {
		pictures, resumed = c.history.since(has.pts)
	}
	if !resumed {
		pictures = c.history.group()
	}
	add(c.hello(resumed))
	if c.totals != nil {
		add(jsonMessage(*c.totals, kindState))
	}
	if c.stats != nil {
		add(jsonMessage(*c.stats, kindState))
	}
	q := newQueue(c.options.QueueBytes, c.options.Queue, !resumed && len(pictures) == 0)
	c.viewers[q] = struct{}{}
	return q, append(first, pictures...)
}

func (c *camera) leave(q *queue) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.viewers, q)
	c.left = time.Now()
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
