package live

import (
	"time"

	"pantau/overlays"
	"pantau/sidecar"
)

// feed is one rendition of a camera with those who watch it. The camera's mu guards it.
type feed struct {
	rendition overlays.Rendition
	describer describer
	decodable bool // a key frame came since pictures may be sent
	history   history
	viewers   map[*queue]struct{}
	left      time.Time     // when the last viewer went
	moved     chan struct{} // closed when those who watch now are to come anew

	// of a rendition that is made for its viewers
	leave func() // ends it; nil: it is not made now
	turn  int    // counts the times that it was begun: what an earlier one still gives is dropped
}

func newFeed(r overlays.Rendition, o Options) *feed {
	return &feed{rendition: r, viewers: map[*queue]struct{}{}, moved: make(chan struct{}), history: history{most: o.GOPBytes, age: o.Resume}}
}

// busy says that somebody wants pictures which cannot be made now.
func (f *feed) busy() bool {
	return f.rendition != overlays.Own && f.leave == nil && len(f.viewers) > 0
}

// tell puts a message into every viewer's queue.
func (f *feed) tell(m message, ok bool) {
	if !ok {
		return
	}
	for q := range f.viewers {
		q.put(m)
	}
}

// expected says whether somebody watches, or may come back.
func (f *feed) expected(now time.Time, resume time.Duration) bool {
	return len(f.viewers) > 0 || f.rendition == overlays.Own && now.Sub(f.left) < resume
}

// forget takes back what is kept and what waits, and goes on with the next key frame.
func (f *feed) forget() {
	f.history.clear()
	f.decodable = false
	for q := range f.viewers {
		q.dropPictures()
	}
}

// make lets a rendition be made where somebody wants it and there is room. What it gives
// comes from a goroutine of its own, so that mu may be held here.
func (c *camera) make(f *feed) {
	if f.rendition == overlays.Own || f.leave != nil || len(f.viewers) == 0 || c.options.Renditions == nil {
		return
	}
	f.turn++
	turn := f.turn
	leave, err := c.options.Renditions.Watch(c.about.ID, f.rendition, func(u *sidecar.AccessUnit) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if f.turn == turn {
			c.take(f, u)
		}
	})
	if err == nil {
		f.leave = leave
	}
}

// unmake ends the making of a rendition: nothing of it is given any more.
func (f *feed) unmake() {
	if f.leave == nil {
		return
	}
	f.leave()
	f.leave = nil
	f.turn++
	f.describer = describer{}
	f.forget()
}
