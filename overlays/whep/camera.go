package whep

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"pantau/overlays"
	"pantau/sidecar"
)

// maxGroup is how many pictures of a group are kept for those who come later.
const maxGroup = 512

// failedTime is how long a rendition of which nothing could be learnt is not asked again.
const failedTime = 2 * time.Second

// camera is one camera's pictures on the way to its viewers: its own, or a rendition.
type camera struct {
	o         *Options
	id        string
	rendition overlays.Rendition
	root      *camera // that of the camera's own pictures
	joiner    *overlays.Joiner
	stop      context.CancelFunc
	done      chan struct{}

	asking sync.Mutex // held while a rendition is asked what its pictures are like; before mu

	mu       sync.Mutex
	over     bool // it was removed
	masked   bool
	masks    []sidecar.Polygon
	others   map[overlays.Rendition]*camera // of the camera's own: its renditions
	unmake   func()                         // of a rendition: ends the making of its pictures; nil: they are not made now
	turn     int                            // counts the makings: what an earlier one still gives is dropped
	stream   stream
	failed   time.Time             // of a rendition: when nothing could be learnt of its pictures
	group    []*sidecar.AccessUnit // from the newest key picture on; empty where it grew too large
	bytes    int                   // of group
	fed      *sidecar.AccessUnit   // the newest picture that was given to the joiner
	gone     sidecar.Stamp         // of the newest picture that left it
	sessions map[*session]struct{} // those that were promised pictures
	viewers  map[*session]struct{} // those that get them
}

func newCamera(o *Options, id string) *camera {
	c := newFeed(o, id, overlays.Own)
	c.root, c.others = c, c.renditions()
	return c
}

func newFeed(o *Options, id string, r overlays.Rendition) *camera {
	ctx, stop := context.WithCancel(context.Background())
	c := &camera{o: o, id: id, rendition: r, stop: stop, done: make(chan struct{}), sessions: map[*session]struct{}{}, viewers: map[*session]struct{}{}}
	c.joiner = overlays.NewJoiner(overlays.Options{Delay: o.Delay}, c.give)
	go func() {
		defer close(c.done)
		c.joiner.Run(ctx)
	}()
	return c
}

// renditions makes those of a camera; none where nobody makes their pictures.
func (c *camera) renditions() map[overlays.Rendition]*camera {
	all := map[overlays.Rendition]*camera{}
	if c.o.Renditions != nil {
		for _, r := range []overlays.Rendition{overlays.Converted, overlays.Blurred} {
			all[r] = newFeed(c.o, c.id, r)
			all[r].root = c
		}
	}
	return all
}

// configure takes what the catalogue says. Where the masks are others, who watches a
// rendition connects anew: what waits for it was made with the old ones.
func (c *camera) configure(cam sidecar.Camera) {
	var old map[overlays.Rendition]*camera
	c.mu.Lock()
	if !slices.EqualFunc(c.masks, cam.Analyse.Mask, slices.Equal) {
		old, c.others = c.others, c.renditions()
	}
	c.masks = cam.Analyse.Mask
	c.masked = len(c.masks) > 0 && !c.o.Unmasked
	c.part()
	c.mu.Unlock()
	for _, r := range old {
		r.remove(errMasks)
	}
}

// remove lets everybody go.
func (c *camera) remove(why error) {
	c.stop()
	<-c.done
	c.mu.Lock()
	c.over = true
	others := c.others
	for s := range c.sessions {
		s.end(why)
	}
	c.mu.Unlock()
	for _, r := range others {
		r.remove(why)
	}
}

// refusal says why nobody can be given the pictures now. The caller holds mu.
func (c *camera) refusal() error {
	switch {
	case c.rendition != overlays.Own:
		return nil
	case c.masked:
		return errMasked
	}
	return c.stream.refusal()
}

// choose gives what a viewer is to watch: the camera's own pictures, or a rendition
// where it may see nothing else, or where they cannot be given.
func (c *camera) choose(blurred bool) (*camera, error) {
	c.mu.Lock()
	why, r := c.refusal(), c.others[overlays.Converted]
	if blurred {
		why, r = errBlurred, c.others[overlays.Blurred]
	}
	c.mu.Unlock()
	if why == nil || r == nil || errors.Is(why, errNoPicture) {
		return c, why
	}
	return r, r.describe()
}

// describe learns what a rendition's pictures are like, or will be. That takes a decoder
// and an encoder, so one asks for all, and where it failed not again soon.
func (c *camera) describe() error {
	c.asking.Lock()
	defer c.asking.Unlock()
	c.mu.Lock()
	known, failed := c.stream.codec != "", time.Since(c.failed) < failedTime
	c.mu.Unlock()
	switch {
	case known:
		return nil
	case failed:
		return errNoPicture
	}
	sps, _, err := c.o.Renditions.Format(c.id, c.rendition)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.failed = time.Now()
		return errNoPicture
	}
	if c.stream.codec == "" {
		c.stream.codec = sidecar.H264
		c.stream.learn(sps)
	}
	return nil
}

// unlearn forgets what a rendition's pictures are like: the camera's are others. Where
// somebody watches, they tell it themselves.
func (c *camera) unlearn() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = time.Time{}
	if len(c.sessions) == 0 {
		c.stream = stream{}
	}
}

// part lets those go who cannot be given the pictures any more. The caller holds mu.
func (c *camera) part() {
	if c.rendition != overlays.Own { // whoever decodes anything decodes these
		return
	}
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

// accessUnit takes the camera's next picture.
func (c *camera) accessUnit(u *sidecar.AccessUnit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.take(u)
}

// take keeps a picture for those who come later, and lets it wait for its scene where
// anybody watches. The caller holds mu.
func (c *camera) take(u *sidecar.AccessUnit) {
	if c.stream.see(u) {
		c.part()
		for _, r := range c.others {
			r.unlearn()
		}
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
	watched, others := len(c.viewers) > 0, c.others
	c.mu.Unlock()
	if watched {
		c.joiner.Scene(s)
	}
	for _, r := range others {
		r.scene(s)
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
func (c *camera) promise(s *session) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return errNoCamera
	}
	if err := c.make(); err != nil {
		return err
	}
	c.sessions[s] = struct{}{}
	c.part() // what has changed since the offer was read
	return nil
}

// make lets a rendition be made. What it gives comes from a goroutine of its own, so that
// the caller may hold mu, as it does.
func (c *camera) make() error {
	if c.rendition == overlays.Own || c.unmake != nil {
		return nil
	}
	turn := c.turn
	leave, err := c.o.Renditions.Watch(c.id, c.rendition, func(u *sidecar.AccessUnit) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.turn == turn {
			c.take(u)
		}
	})
	switch {
	case errors.Is(err, overlays.ErrBusy):
		return errBusy
	case err != nil:
		return errNoCamera
	}
	c.unmake = leave
	return nil
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
	if len(c.sessions) == 0 && c.unmake != nil {
		c.unmake()
		c.unmake, c.stream.epoch = nil, "" // what is known of the pictures holds; they begin anew with a key picture
		c.turn++
		c.forget()
	}
}

func (c *camera) stats() (viewers int, joined overlays.Stats) {
	c.mu.Lock()
	viewers, joined = len(c.viewers), c.joiner.Stats()
	others := c.others
	c.mu.Unlock()
	for _, r := range others {
		n, stats := r.stats()
		viewers += n
		joined.Add(stats)
	}
	return viewers, joined
}
