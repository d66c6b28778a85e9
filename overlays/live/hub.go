package live

import (
	"slices"
	"time"

	"pantau/overlays"
	"pantau/sidecar"
)

// Options bound what a Hub keeps. Zero values are the defaults.
type Options struct {
	GOPBytes   int           // compressed pictures and scenes kept per camera for viewers that come; 4 MiB
	QueueBytes int           // what waits for one viewer; 4 MiB
	Queue      int           // messages that wait for one viewer; 256
	Resume     time.Duration // a viewer that comes back so soon gets what it missed; 10 s
	Hold       time.Duration // how long a page should wait for a picture's scene, until that is learnt; 400 ms
	Write      time.Duration // a viewer that takes nothing for so long is let go; 10 s

	Renditions overlays.Renditions // for who cannot or may not have the cameras' own pictures; nil: there are none
	Delay      time.Duration       // how long their pictures wait for their scenes; 400 ms
}

// Hub gives the pictures and scenes of every camera to those who watch it. All
// methods may be called from several goroutines; none of them blocks but Serve.
type Hub struct {
	options Options
	cameras overlays.Cameras[camera]
}

// NewHub makes a Hub without cameras.
func NewHub(o Options) *Hub {
	fallback(&o.GOPBytes, 4<<20)
	fallback(&o.QueueBytes, 4<<20)
	fallback(&o.Queue, 256)
	fallback(&o.Resume, 10*time.Second)
	fallback(&o.Hold, 400*time.Millisecond)
	fallback(&o.Write, 10*time.Second)
	fallback(&o.Delay, 400*time.Millisecond)
	return &Hub{options: o}
}

func fallback[T int | time.Duration](v *T, other T) {
	if *v <= 0 {
		*v = other
	}
}

// Camera adds a camera, or changes what is said of it. Who makes the renditions is told
// before, so that nothing is given here that was made with other masks.
func (h *Hub) Camera(c sidecar.Camera) {
	h.cameras.Add(c.ID, func() *camera { return newCamera(h.options) }).configure(c)
}

// Remove forgets a camera and lets its viewers go.
func (h *Hub) Remove(id string) {
	if cam := h.cameras.Remove(id); cam != nil {
		close(cam.removed)
	}
}

// AccessUnit takes the next picture of a camera. It is kept until the next key
// frame, and must not be changed.
func (h *Hub) AccessUnit(id string, u *sidecar.AccessUnit) {
	if cam := h.camera(id); cam != nil {
		cam.accessUnit(u)
	}
}

// Scene takes a finished scene. Nothing of it is kept.
func (h *Hub) Scene(s *sidecar.Scene) {
	if cam := h.camera(s.Camera); cam != nil {
		cam.scene(s)
	}
}

// Totals takes the counts of a camera since a moment.
func (h *Hub) Totals(id string, since time.Time, rows []sidecar.CountRow) {
	if cam := h.camera(id); cam != nil {
		cam.setTotals(totals{Type: "totals", Since: since.UTC(), Rows: slices.Clone(rows)})
	}
}

// Stats takes how a camera fares; called once a second.
func (h *Hub) Stats(id string, s sidecar.Status) {
	if cam := h.camera(id); cam != nil {
		cam.setStats(stats{Type: "stats", Status: s})
	}
}

// Viewers is how many watch a camera now, and how many messages slow viewers
// have lost since the camera was added.
func (h *Hub) Viewers(id string) (watching int, dropped uint64) {
	cam := h.camera(id)
	if cam == nil {
		return 0, 0
	}
	return cam.watching()
}

func (h *Hub) camera(id string) *camera { return h.cameras.Get(id) }
