// Package still gives single pictures of the cameras as JPEG, with or without boxes. It
// takes them from what is decoded and analysed anyway: nothing is decoded for them.
package still

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"sync"
	"time"

	"pantau/overlays/draw"
	"pantau/sidecar"
)

const (
	// Patience is how long the next picture is waited for.
	Patience = 5 * time.Second
	// quality is that of the JPEG.
	quality = 85
	// atOnce is how many pictures are compressed at the same time.
	atOnce = 2
)

// ErrNoPicture says that no picture has come for a while.
var ErrNoPicture = errors.New("no picture has come")

// Still is one picture.
type Still struct {
	JPEG    []byte
	Capture time.Time // UTC
}

// Stills gives those of all cameras. Its methods may be called from several
// goroutines, and none but Take blocks.
type Stills struct {
	room chan struct{}

	mu      sync.Mutex
	cameras map[string]*camera
}

// camera is what is known of one.
type camera struct {
	functions []sidecar.Function
	totals    []sidecar.CountRow
	decoded   map[chan picture]struct{} // who waits for the next picture
	analysed  map[chan picture]struct{} // who waits for the next one with its scene
	sure      draw.Sure
	veil      draw.Veil
}

// picture is a frame of which whoever gets it has a share, and its scene.
type picture struct {
	frame  *sidecar.Frame
	scene  *sidecar.Scene  // nil: without
	sure   *draw.Sure      // as of the scene
	hidden []sidecar.Track // what is hidden besides the scene's objects, where persons must not be seen
}

// New makes Stills without cameras.
func New() *Stills {
	return &Stills{room: make(chan struct{}, atOnce), cameras: map[string]*camera{}}
}

// Camera adds a camera, or changes what is drawn of it.
func (s *Stills) Camera(c sidecar.Camera) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cam := s.cameras[c.ID]
	if cam == nil {
		cam = &camera{decoded: map[chan picture]struct{}{}, analysed: map[chan picture]struct{}{}}
		s.cameras[c.ID] = cam
	}
	cam.functions = c.Functions
}

// Remove forgets a camera.
func (s *Stills) Remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.cameras, id)
}

// Totals takes what a camera has counted.
func (s *Stills) Totals(id string, rows []sidecar.CountRow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cam := s.cameras[id]; cam != nil {
		cam.totals = rows
	}
}

// Decoded takes a camera's next picture.
func (s *Stills) Decoded(id string, f *sidecar.Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cam := s.cameras[id]; cam != nil {
		hand(cam.decoded, picture{frame: f})
	}
}

// Analysed takes a picture and its scene.
func (s *Stills) Analysed(f *sidecar.Frame, scene *sidecar.Scene) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cam := s.cameras[scene.Camera]; cam != nil {
		cam.sure.See(scene)
		cam.veil.See(scene)
		if len(cam.analysed) > 0 {
			hand(cam.analysed, picture{f, scene, cam.sure.Clone(), cam.veil.Cover(scene.Media())})
		}
	}
}

// hand gives a picture to all who wait. The caller holds mu.
func hand(waiting map[chan picture]struct{}, p picture) {
	for c := range waiting {
		p.frame.Retain()
		c <- p // there is room for one
		delete(waiting, c)
	}
}

// Wish says what a picture is to be like.
type Wish struct {
	Boxes   bool // with what was found in it, and lines and zones
	Blurred bool // with persons and number plates unrecognisable
}

// Take waits for the next picture of a camera, and compresses it; with boxes, or
// blurred, it is one that is analysed. The error is ErrNoPicture where none comes in time.
func (s *Stills) Take(ctx context.Context, id string, wish Wish) (Still, error) {
	ctx, stop := context.WithTimeout(ctx, Patience)
	defer stop()
	p, err := s.wait(ctx, id, wish.Boxes || wish.Blurred)
	if err != nil {
		return Still{}, err
	}
	defer p.frame.Release()
	select {
	case s.room <- struct{}{}:
		defer func() { <-s.room }()
	case <-ctx.Done():
		return Still{}, fmt.Errorf("%w: too many are asked for at once", ErrNoPicture)
	}
	data, err := s.compress(id, p, wish)
	return Still{JPEG: data, Capture: p.frame.Capture}, err
}

// wait gives the next picture.
func (s *Stills) wait(ctx context.Context, id string, found bool) (picture, error) {
	c := make(chan picture, 1)
	s.mu.Lock()
	cam := s.cameras[id]
	if cam == nil {
		s.mu.Unlock()
		return picture{}, fmt.Errorf("%w: there is no such camera", ErrNoPicture)
	}
	waiting, what := cam.decoded, "decoded"
	if found {
		waiting, what = cam.analysed, "analysed"
	}
	waiting[c] = struct{}{}
	s.mu.Unlock()
	select {
	case p := <-c:
		return p, nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(waiting, c)
	select {
	case p := <-c: // at the last moment
		return p, nil
	default:
		return picture{}, fmt.Errorf("%w: none was %s in %v", ErrNoPicture, what, Patience)
	}
}

// compress makes the JPEG.
func (s *Stills) compress(id string, p picture, wish Wish) ([]byte, error) {
	if p.scene == nil {
		return p.frame.Picture.JPEG(quality)
	}
	img, err := p.frame.Picture.YCbCr()
	if err != nil {
		return nil, fmt.Errorf("copying a picture: %w", err)
	}
	if wish.Blurred {
		draw.Blur(img, p.scene.Tracks)
		draw.Blur(img, p.hidden)
		draw.BlurBeside(img, p.scene.Looked)
	}
	if wish.Boxes {
		s.boxes(img, id, p)
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("compressing a picture: %w", err)
	}
	return out.Bytes(), nil
}

// boxes draws what was found.
func (s *Stills) boxes(img *image.YCbCr, id string, p picture) {
	s.mu.Lock()
	var functions []sidecar.Function
	o := draw.Options{Sure: p.sure}
	if cam := s.cameras[id]; cam != nil {
		functions, o.Totals = cam.functions, cam.totals
	}
	s.mu.Unlock()
	draw.Scene(img, p.scene, functions, o)
}
