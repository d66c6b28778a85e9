package live

import (
	"slices"
	"strings"
	"sync"
	"time"

	"pantau/overlays"
	"pantau/sidecar"
)

// camera is one camera's pictures on the way to its viewers.
type camera struct {
	options Options
	removed chan struct{} // closed when the camera is gone

	mu       sync.Mutex
	about    helloCamera
	masks    []sidecar.Polygon
	lateness lateness
	totals   *totals
	stats    *stats
	feeds    [3]*feed // the camera's own pictures first
	dropped  uint64   // of viewers that have gone
}

func newCamera(o Options) *camera {
	c := &camera{options: o, removed: make(chan struct{})}
	for i, r := range [...]overlays.Rendition{overlays.Own, overlays.Converted, overlays.Blurred} {
		c.feeds[i] = newFeed(r, o)
	}
	return c
}

// own is the camera's own pictures.
func (c *camera) own() *feed { return c.feeds[0] }

// masked says that the camera's own pictures would show what a mask hides.
func (c *camera) masked() bool { return len(c.masks) > 0 }

// configure takes what the catalogue says, and tells the viewers.
func (c *camera) configure(cam sidecar.Camera) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.about = helloCamera{ID: cam.ID, Name: cam.Name, Functions: cam.Functions}
	if c.about.Functions == nil {
		c.about.Functions = []sidecar.Function{}
	}
	changed := !slices.EqualFunc(c.masks, cam.Analyse.Mask, slices.Equal)
	c.masks = cam.Analyse.Mask
	for _, f := range c.feeds {
		switch {
		case f.rendition == overlays.Own && c.masked():
			f.forget()
		case f.rendition != overlays.Own && changed: // what it gave had the old masks
			f.unmake()
			c.make(f)
		}
		f.tell(c.hello(f, false))
	}
	c.resort()
}

// resort lets those who watch converted pictures come anew where the camera's own will
// do for them by now. The caller holds mu.
func (c *camera) resort() {
	if f := c.feeds[1]; len(f.viewers) > 0 && !c.masked() && strings.HasPrefix(c.own().describer.current.codec, "avc1.") {
		close(f.moved)
		f.moved = make(chan struct{})
	}
}

// accessUnit takes the camera's next picture.
func (c *camera) accessUnit(u *sidecar.AccessUnit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lateness.picture(u.Epoch, u.PTS, time.Now())
	c.take(c.own(), u)
}

// take keeps a picture for those who come later and gives it to those who are there.
// Of a masked camera's own nothing is kept or given. The caller holds mu.
func (c *camera) take(f *feed, u *sidecar.AccessUnit) {
	now := time.Now()
	if u.Key && f.describer.see(u) {
		f.history.clear() // nobody can go on from there
		if len(f.viewers) > 0 {
			f.tell(c.hello(f, false))
		}
		c.resort()
	}
	f.decodable = (f.decodable || u.Key) && (f.rendition != overlays.Own || !c.masked())
	if !f.decodable {
		return
	}
	var m message
	if len(f.viewers) > 0 {
		m = unitMessage(u)
		f.tell(m, true)
	}
	f.history.picture(u, m, now, f.expected(now, c.options.Resume))
}

func (c *camera) scene(s *sidecar.Scene) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lateness.scene(s.Epoch, s.PTS, s.ClockRate, now)
	var m message
	for _, f := range c.feeds {
		if !f.expected(now, c.options.Resume) {
			continue
		}
		if m.data == nil {
			m = sceneMessage(s)
		}
		f.tell(m, true)
		f.history.scene(m, now)
	}
}

func (c *camera) setTotals(t totals) {
	if t.Rows == nil {
		t.Rows = []sidecar.CountRow{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.totals = &t
	for _, f := range c.feeds {
		if len(f.viewers) > 0 {
			f.tell(jsonMessage(t, kindState))
		}
	}
}

// setStats also looks whether there is room by now for a rendition that somebody waits for.
func (c *camera) setStats(s stats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats = &s
	for _, f := range c.feeds {
		if f.busy() {
			if c.make(f); !f.busy() {
				f.tell(c.hello(f, false))
			}
		}
		if len(f.viewers) > 0 {
			f.tell(c.statsMessage(f))
		}
	}
}

// statsMessage says how the camera fares. The caller holds mu and has stats.
func (c *camera) statsMessage(f *feed) (message, bool) {
	s := *c.stats
	if f.rendition == overlays.Blurred {
		s.Status = s.Status.Unnamed()
	}
	s.Hold = c.hold(f)
	return jsonMessage(s, kindState)
}

// hello says what comes. The caller holds mu.
func (c *camera) hello(f *feed, resumed bool) (message, bool) {
	s := f.describer.current
	return jsonMessage(hello{Type: "hello", Camera: c.about, Codec: s.codec, Clock: s.clock,
		Epoch: s.epoch, Width: s.width, Height: s.height,
		Hold: c.hold(f), Masked: c.masked(), Rendition: f.rendition, Busy: f.busy(), Resumed: resumed}, kindHello)
}

// hold is how long a page should wait for a scene, ms: less by as long as a rendition's
// pictures have waited already. The caller holds mu.
func (c *camera) hold(f *feed) int64 {
	d := c.lateness.hold(c.options.Hold)
	if f.rendition != overlays.Own {
		d = max(shortestHold, d-c.options.Delay)
	}
	return d.Milliseconds()
}

// choose gives what a viewer is to watch: blurred where it may see nothing else, and
// converted where it asks for H.264 and the camera's own is another codec, or masked.
// The caller holds mu.
func (c *camera) choose(w wish) *feed {
	own, codec := c.own(), c.own().describer.current.codec
	switch {
	case w.blurred:
		return c.feeds[2]
	case w.codec != "" && c.options.Renditions != nil && (c.masked() || codec != "" && !strings.HasPrefix(codec, w.codec+".")):
		return c.feeds[1]
	}
	return own
}

// join makes a queue for a viewer. The messages that it gives besides stand in front of
// what comes through the queue.
func (c *camera) join(w wish) (*feed, *queue, []message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.choose(w)
	var first []message
	add := func(m message, ok bool) {
		if ok {
			first = append(first, m)
		}
	}
	pictures, resumed := []message(nil), false
	if w.has.epoch != "" && w.has.epoch == f.describer.current.epoch {
		pictures, resumed = f.history.since(w.has.pts)
	}
	if !resumed {
		pictures = f.history.group()
	}
	q := newQueue(c.options.QueueBytes, c.options.Queue, !resumed && len(pictures) == 0)
	q.moved = f.moved
	f.viewers[q] = struct{}{}
	c.make(f)
	add(c.hello(f, resumed))
	if c.totals != nil {
		add(jsonMessage(*c.totals, kindState))
	}
	if c.stats != nil {
		add(c.statsMessage(f))
	}
	return f, q, append(first, pictures...)
}

func (c *camera) leave(f *feed, q *queue) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(f.viewers, q)
	f.left = time.Now()
	c.dropped += q.losses()
	if len(f.viewers) == 0 {
		f.unmake()
	}
}

func (c *camera) watching() (watching int, dropped uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	dropped = c.dropped
	for _, f := range c.feeds {
		watching += len(f.viewers)
		for q := range f.viewers {
			dropped += q.losses()
		}
	}
	return watching, dropped
}
