// Package fleet keeps a pipeline running for every camera of the catalogue, and
// applies each change as a difference: a camera that stays as it is does not
// notice that another one came, changed or went.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/pipeline"
)

// Options are what all cameras share.
type Options struct {
	// Detector gives the shared detector of a model; "" and "auto" are the default one.
	Detector func(model string) (pipeline.Detector, error)
	Resolve  pipeline.Resolver   // of ONVIF cameras; nil: there are none
	KeyFrame func(camera string) // as of pipeline.Options
	Sink     pipeline.Sink
	Viewer   Viewer
	Packets  bool                                 // Viewer wants the cameras' RTP packets too
	Shown    func(*sidecar.Frame, *sidecar.Scene) // as of pipeline.Options, as is Decoded
	Decoded  func(camera string, f *sidecar.Frame)
	Memory   pipeline.Memory // keeps what is known over restarts; nil: nothing does
	Views    string          // folder of what the views of cameras are held against; empty: it is not kept
	Log      *slog.Logger
}

// Viewer shows the cameras to those who watch. Its methods never block.
type Viewer interface {
	pipeline.Viewer
	Camera(sidecar.Camera) // a camera is there, or has changed
	Remove(camera string)  // a camera is gone
}

// Fleet is all cameras of this process.
type Fleet struct {
	o  Options
	wg sync.WaitGroup

	mu      sync.Mutex
	cameras map[string]*member
}

// member is one camera at work, or the reason why it is not.
type member struct {
	camera   sidecar.Camera
	pipeline *pipeline.Pipeline // nil where it could not be made
	fault    error
	stop     context.CancelFunc
	stopped  chan struct{}
}

// New makes a fleet without cameras; Run starts it.
func New(o Options) *Fleet {
	return &Fleet{o: o, cameras: map[string]*member{}}
}

// Run applies each set of cameras that comes, until ctx ends; then it stops all
// of them and returns when their last facts are safe.
func (f *Fleet) Run(ctx context.Context, sets <-chan []sidecar.Camera) error {
	defer f.wg.Wait()
	again := time.NewTicker(retryTime)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case set := <-sets:
			f.apply(ctx, set)
		case <-again.C:
			f.retry(ctx)
		}
	}
}

// retryTime is how often a camera that could not be started is tried again: its
// model may have come meanwhile.
const retryTime = 30 * time.Second

// retry starts what could not be started.
func (f *Fleet) retry(ctx context.Context) {
	for _, m := range f.members() {
		if m.fault == nil {
			continue
		}
		if _, err := f.o.Detector(m.camera.Analyse.Model); err == nil {
			f.start(ctx, m.camera)
		}
	}
}

// apply brings the fleet from what it is to what it should be.
func (f *Fleet) apply(ctx context.Context, set []sidecar.Camera) {
	wanted := make(map[string]sidecar.Camera, len(set))
	for _, c := range set {
		wanted[c.ID] = c
	}
	// Every camera that must end is told first, and then waited for, so that a
	// change of many takes as long as that of one.
	var ended []*member
	for id, m := range f.members() {
		c, ok := wanted[id]
		switch {
		case ok && reflect.DeepEqual(c, m.camera):
		case ok && m.pipeline != nil && pipeline.Redefinable(m.camera, c):
			f.redefine(m, c)
		default:
			m.stop()
			ended = append(ended, m)
		}
	}
	for _, m := range ended {
		<-m.stopped
		f.remove(m.camera.ID)
		if _, again := wanted[m.camera.ID]; !again {
			f.o.Viewer.Remove(m.camera.ID)
			f.o.Log.Info("camera removed", "camera", m.camera.ID)
		}
	}
	running := f.members()
	for _, c := range set {
		if ctx.Err() != nil {
			return
		}
		if running[c.ID] == nil {
			f.start(ctx, c)
		}
	}
}

// redefine gives a running camera other functions.
func (f *Fleet) redefine(m *member, c sidecar.Camera) {
	m.pipeline.Redefine(c)
	changed := *m
	changed.camera = c
	f.o.Viewer.Camera(c)
	f.add(&changed) // last: who sees it there finds it everywhere
	f.o.Log.Info("functions changed", "camera", c.ID, "rules", pipeline.RulesVersion(c.Functions))
}

// start sets a camera to work. One that cannot work (its model is missing) is
// kept with its fault, and disturbs no other.
func (f *Fleet) start(ctx context.Context, c sidecar.Camera) {
	abandon := ctx.Done()
	ctx, stop := context.WithCancel(ctx)
	m := &member{camera: c, stop: stop, stopped: make(chan struct{})}
	f.o.Viewer.Camera(c)
	detector, err := f.o.Detector(c.Analyse.Model)
	if err != nil {
		m.fault = fmt.Errorf("opening model %q: %w", c.Analyse.Model, err)
		f.o.Log.Error("camera not started", "camera", c.ID, "error", m.fault)
		close(m.stopped)
		f.add(m)
		return
	}
	m.pipeline = pipeline.New(pipeline.Options{Camera: c, Resolve: f.o.Resolve, KeyFrame: f.o.KeyFrame, Detector: detector, Sink: f.o.Sink, Viewer: f.o.Viewer, Packets: f.o.Packets, Shown: f.o.Shown, Decoded: f.o.Decoded, Abandon: abandon, Memory: f.o.Memory, Views: f.o.Views, Log: f.o.Log})
	f.add(m)
	f.o.Log.Info("camera added", "camera", c.ID, "functions", len(c.Functions))
	f.wg.Go(func() {
		defer close(m.stopped)
		if err := m.pipeline.Run(ctx); err != nil && ctx.Err() == nil {
			f.o.Log.Error("camera stopped", "camera", c.ID, "error", err)
		}
	})
}

func (f *Fleet) add(m *member) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cameras[m.camera.ID] = m
}

func (f *Fleet) remove(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.cameras, id)
}

// members copies what is there; a member itself is never changed once it stands
// in the map, but replaced.
func (f *Fleet) members() map[string]*member {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.cameras)
}

// Cameras gives all cameras and how they fare, ordered by id.
func (f *Fleet) Cameras() []sidecar.CameraStatus {
	members := f.members()
	all := make([]sidecar.CameraStatus, 0, len(members))
	for _, m := range members {
		all = append(all, m.status())
	}
	slices.SortFunc(all, func(a, b sidecar.CameraStatus) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// Camera gives a camera as it works now; false: there is none.
func (f *Fleet) Camera(id string) (sidecar.Camera, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.cameras[id]
	if m == nil {
		return sidecar.Camera{}, false
	}
	return m.camera, true
}

func (m *member) status() sidecar.CameraStatus {
	if m.pipeline == nil {
		return sidecar.CameraStatus{Camera: m.camera, Status: sidecar.Status{State: "faulty", Cause: m.fault.Error()}}
	}
	return sidecar.CameraStatus{Camera: m.camera, Status: m.pipeline.Status()}
}

// Totals gives what a camera has counted since a moment; nothing for one that
// does not work.
func (f *Fleet) Totals(id string) (since time.Time, rows []sidecar.CountRow) {
	if m := f.members()[id]; m != nil && m.pipeline != nil {
		return m.pipeline.Totals()
	}
	return time.Time{}, nil
}

// ErrNoCamera says that there is no such camera, or that it does not work.
var ErrNoCamera = errors.New("no such camera works")

// Reference gives what a camera's view is held against, as (*pipeline.Pipeline).Reference.
func (f *Fleet) Reference(ctx context.Context, id string) ([]byte, error) {
	m := f.members()[id]
	if m == nil || m.pipeline == nil {
		return nil, ErrNoCamera
	}
	return m.pipeline.Reference(ctx)
}

// ConfirmView takes what a camera shows now as the view on which its rules hold.
func (f *Fleet) ConfirmView(ctx context.Context, id string) error {
	m := f.members()[id]
	if m == nil || m.pipeline == nil {
		return ErrNoCamera
	}
	return m.pipeline.ConfirmView(ctx)
}
