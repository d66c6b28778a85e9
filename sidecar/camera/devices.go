package camera

import (
	"context"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"pantau/onvif"
	"pantau/sidecar"
)

// Options are what all cameras share.
type Options struct {
	// Need says what is to be seen on a camera, to choose its profile.
	Need func(sidecar.Camera) onvif.Need
	// Facts takes the events of the cameras themselves, and returns when they are safe.
	Facts func(context.Context, []sidecar.Event, []sidecar.Count) error
	Log   *slog.Logger
}

// Devices are the ONVIF cameras of the catalogue.
type Devices struct {
	o       Options
	changed chan struct{} // holds a token when known has changed
	keys    chan string   // ids of cameras that are to send a key frame

	mu    sync.Mutex
	known map[string]*device // by the camera's id

	finder *finder
}

// device is one ONVIF camera.
type device struct {
	camera sidecar.Camera
	found  Found     // zero before it has told its stream
	at     string    // its address, where that is not the one that was set any more
	asked  time.Time // for a key frame
	never  bool      // it sends none when asked
}

// New makes an empty set.
func New(o Options) *Devices {
	return &Devices{o: o, changed: make(chan struct{}, 1), keys: make(chan string, 64), known: map[string]*device{}, finder: newFinder()}
}

// Camera notes a camera that came or changed. One that is no ONVIF camera is left out.
// What another source has told is not known of the new one.
func (d *Devices) Camera(c sidecar.Camera) {
	defer d.tell()
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.Source.ONVIF == "" {
		delete(d.known, c.ID)
		return
	}
	if old := d.known[c.ID]; old != nil && reflect.DeepEqual(old.camera.Source, c.Source) {
		old.camera = c
		return
	}
	d.known[c.ID] = &device{camera: c}
}

// Remove forgets a camera.
func (d *Devices) Remove(id string) {
	defer d.tell()
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.known, id)
}

// tell wakes Run.
func (d *Devices) tell() {
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// Resolve finds the stream of a camera, anew each time: its addresses may have changed
// since the connection was lost. A camera that does not answer is looked for where its
// stream was the last time.
func (d *Devices) Resolve(ctx context.Context, c sidecar.Camera) (sidecar.Source, error) {
	c, known := d.newest(c)
	f, at, err := d.resolve(ctx, c)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known[c.ID] != known { // it has gone, or has another source by now
		known = nil
	}
	if err != nil {
		if known != nil && known.found.Source.RTSP != "" && !isFault(err) && ctx.Err() == nil {
			d.o.Log.Debug("the camera does not tell its stream; the last one is tried", "camera", c.ID, "error", err)
			return known.found.Source, nil
		}
		return sidecar.Source{}, err
	}
	if known != nil {
		if known.found.Source.RTSP != f.Source.RTSP || known.found.Why != f.Why {
			d.o.Log.Info("stream found", "camera", c.ID, "profile", f.Why, "address", onvif.Redact(f.Source.RTSP))
		}
		if known.at != at && at != "" {
			d.o.Log.Warn("the camera is at another address than the one that was set", "camera", c.ID, "address", at, "hint", "set onvif to it")
		}
		known.found, known.at = f, at
	}
	return f.Source, nil
}

// resolve finds the stream of a camera where that was set, and otherwise where it has
// moved to; at is that address then.
func (d *Devices) resolve(ctx context.Context, c sidecar.Camera) (f Found, at string, err error) {
	f, err = Resolve(ctx, c.Source, d.o.Need(c))
	if err == nil || isFault(err) || c.Source.Endpoint == "" || ctx.Err() != nil {
		return f, "", err
	}
	moved, err := d.finder.moved(ctx, c.Source, err)
	if err != nil {
		return Found{}, "", err
	}
	f, err = Resolve(ctx, moved, d.o.Need(c))
	return f, moved.ONVIF, err
}

// source is a camera's, with the address at which it was found last.
func (d *Devices) source(c sidecar.Camera) sidecar.Source {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := c.Source
	if known := d.known[c.ID]; known != nil && known.at != "" {
		s.ONVIF = known.at
	}
	return s
}

// newest is a camera with the functions that it has by now, and what is known of it;
// nil: nothing.
func (d *Devices) newest(c sidecar.Camera) (sidecar.Camera, *device) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if known := d.known[c.ID]; known != nil {
		return known.camera, known
	}
	return c, nil
}

// Profile says which profile of a camera was taken, and why; empty before that is known.
func (d *Devices) Profile(id string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if known := d.known[id]; known != nil {
		return known.found.Why
	}
	return ""
}
