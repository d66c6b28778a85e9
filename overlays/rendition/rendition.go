// Package rendition makes of a camera's pictures what its viewers can show and may see:
// H.264 that every browser decodes, and the same with persons and number plates
// blurred. A camera has one decoder and one encoder for each, whoever watches and over
// whichever way, and none where nobody does. How many work at once is bounded.
//
// Pictures keep their stamps, so that scenes belong to them as to the camera's own.
package rendition

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"pantau/overlays"
	"pantau/overlays/burn"
	"pantau/sidecar"
)

// errNoCamera says that there is no such camera, or no such rendition of it.
var errNoCamera = errors.New("there is no such camera")

// Options say what the pictures are like, and how many cameras' may be made at once.
type Options struct {
	Pictures burn.Options // of them Bare, Baseline and Blur are set here
	Most     int          // decoders and encoders that work at once; 0: none. Of more than one, the blurred leave one to the others
}

// Server makes the renditions of all cameras. Its methods may be called from several
// goroutines; none but Run, Remove and Format blocks.
type Server struct {
	o       Options
	cameras overlays.Cameras[camera]

	mu      sync.Mutex
	working int
	blurred int // of them
	refused uint64
}

// camera is one camera's renditions.
type camera map[overlays.Rendition]*feed

// feed is one rendition, with those who watch it.
type feed struct {
	burner *burn.Watched

	mu    sync.Mutex
	masks []sidecar.Polygon
	next  int
	takes map[int]func(*sidecar.AccessUnit)
}

// New makes a Server without cameras.
func New(o Options) *Server { return &Server{o: o} }

// Run waits until ctx ends, and ends everything.
func (s *Server) Run(ctx context.Context) error {
	<-ctx.Done()
	for _, c := range s.cameras.End() {
		c.close()
	}
	return nil
}

func (s *Server) newCamera() *camera {
	c := camera{}
	for _, r := range []overlays.Rendition{overlays.Converted, overlays.Blurred} {
		o := s.o.Pictures
		o.Bare, o.Baseline, o.Blur = true, true, r == overlays.Blurred
		f := &feed{takes: map[int]func(*sidecar.AccessUnit){}}
		f.burner = burn.NewWatched(o, f.give)
		c[r] = f
	}
	return &c
}

func (c *camera) close() {
	for _, f := range *c {
		f.burner.Close()
	}
}

// Camera adds a camera, or changes what is said of it. From its return on pictures are
// made with the masks of now; one that is on its way may still come to who watched
// before.
func (s *Server) Camera(c sidecar.Camera) {
	cam := s.cameras.Add(c.ID, s.newCamera)
	if cam == nil {
		return
	}
	for _, f := range *cam {
		f.configure(c)
	}
}

func (f *feed) configure(c sidecar.Camera) {
	f.mu.Lock()
	defer f.mu.Unlock()
	changed := !slices.EqualFunc(f.masks, c.Analyse.Mask, slices.Equal)
	f.masks = c.Analyse.Mask
	f.burner.Camera(c)
	if changed {
		f.burner.Again()
	}
}

// Remove forgets a camera.
func (s *Server) Remove(id string) {
	if c := s.cameras.Remove(id); c != nil {
		c.close()
	}
}

// AccessUnit takes the next picture of a camera. It must not be changed afterwards.
func (s *Server) AccessUnit(id string, u *sidecar.AccessUnit) {
	if c := s.cameras.Get(id); c != nil {
		for _, f := range *c {
			f.burner.AccessUnit(u)
		}
	}
}

// Scene takes a finished scene. It must not be changed afterwards.
func (s *Server) Scene(sc *sidecar.Scene) {
	if c := s.cameras.Get(sc.Camera); c != nil {
		for _, f := range *c {
			f.burner.Scene(sc)
		}
	}
}

// Watch is that of overlays.Renditions.
func (s *Server) Watch(id string, r overlays.Rendition, take func(*sidecar.AccessUnit)) (leave func(), err error) {
	f := s.feed(id, r)
	if f == nil {
		return nil, errNoCamera
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.takes) == 0 && !s.admit(r) {
		return nil, overlays.ErrBusy
	}
	f.next++
	n := f.next
	f.takes[n] = take
	f.burner.Watch(true)
	return func() { s.leave(f, r, n) }, nil
}

// admit counts one more that works, where there is room. Viewers alone, who get blurred
// pictures, do not fill it.
func (s *Server) admit(r overlays.Rendition) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.working >= s.o.Most || r == overlays.Blurred && s.o.Most > 1 && s.blurred >= s.o.Most-1 {
		s.refused++
		return false
	}
	s.count(r, 1)
	return true
}

// count adds to those that work. The caller holds mu.
func (s *Server) count(r overlays.Rendition, n int) {
	s.working += n
	if r == overlays.Blurred {
		s.blurred += n
	}
}

func (s *Server) leave(f *feed, r overlays.Rendition, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, there := f.takes[n]; !there {
		return
	}
	delete(f.takes, n)
	if len(f.takes) > 0 {
		return
	}
	f.burner.Watch(false)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(r, -1)
}

// give passes a picture to all who watch.
func (f *feed) give(u *sidecar.AccessUnit) {
	f.mu.Lock()
	takes := slices.Collect(maps.Values(f.takes))
	f.mu.Unlock()
	for _, take := range takes {
		take(u)
	}
}

// Format is that of overlays.Renditions.
func (s *Server) Format(id string, r overlays.Rendition) (sps, pps []byte, err error) {
	f := s.feed(id, r)
	if f == nil {
		return nil, nil, errNoCamera
	}
	return f.burner.Format()
}

func (s *Server) feed(id string, r overlays.Rendition) *feed {
	c := s.cameras.Get(id)
	if c == nil {
		return nil
	}
	return (*c)[r]
}

// Stats says what became of a camera's pictures in a rendition.
func (s *Server) Stats(id string, r overlays.Rendition) burn.Stats {
	f := s.feed(id, r)
	if f == nil {
		return burn.Stats{}
	}
	return f.burner.Stats()
}

// Working says how many renditions are made now, and how often there was no room for one.
func (s *Server) Working() (now int, refused uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.working, s.refused
}
