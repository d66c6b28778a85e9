// Package pipeline joins the stages for one camera: its tap, decoder, detector,
// tracker and analytics, with the queues and goroutines between them.
//
//	tap ─► units ─► decode ─► newest frame ─► detect, track, analyse ─► sink
//	   └─► viewer                                                   └─► viewer
//
// Frames are dropped in two places only, and counted: in units, up to the next
// key frame, and in the slot before the detector, where the newest wins. The
// reader of the camera never waits for anybody.
package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"reflect"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"pantau/sidecar"
	"pantau/sidecar/internal/slot"
	"pantau/sidecar/tap"
)

// DefaultFPS is how many frames per second are analysed where a camera does not say.
const DefaultFPS = 10

// Detector finds objects. It is shared by all cameras.
type Detector interface {
	// Detect waits for its turn, calls next for the frame to look at, and
	// returns that frame, with what it shows appended to dst. A nil frame gives
	// the turn up. The frame stays the caller's to release, also beside an error.
	Detect(ctx context.Context, next func() *sidecar.Frame, dst []sidecar.Detection) (*sidecar.Frame, []sidecar.Detection, error)
	// Name is the model as name@version.
	Name() string
}

// Sink takes what a pipeline finds.
type Sink interface {
	Scene(*sidecar.Scene)                                          // for drawing: never blocks, may drop
	Facts(context.Context, []sidecar.Event, []sidecar.Count) error // returns when they are safe on disk
	Health(sidecar.StateChange)                                    // never blocks
}

// Resolver finds the stream of an ONVIF camera, before each session: a source with an
// RTSP address. What a person must act upon is a *sidecar.Fault.
type Resolver func(context.Context, sidecar.Camera) (sidecar.Source, error)

// Viewer shows what passes to those who watch. Its methods never block.
type Viewer interface {
	AccessUnit(camera string, u *sidecar.AccessUnit)
	Scene(s *sidecar.Scene)
	Events(camera string, events []sidecar.Event)
	Totals(camera string, since time.Time, rows []sidecar.CountRow)
}

// Options are what a camera's pipeline is made of. All but Resolve, KeyFrame, Viewer, Shown,
// Decoded, Abandon, Views, Memory and Log are required.
type Options struct {
	Camera   sidecar.Camera
	Resolve  Resolver            // of ONVIF cameras
	KeyFrame func(camera string) // asks the camera for a key frame now; must not block; nil: nobody can
	Detector Detector
	Sink     Sink
	Viewer   Viewer
	Packets  bool // Viewer wants the camera's RTP packets too
	// Shown is called with each analysed frame and its scene, and must not block.
	// Who keeps the frame retains it.
	Shown func(*sidecar.Frame, *sidecar.Scene)
	// Decoded is called with each picture of the camera, as Shown is.
	Decoded func(camera string, f *sidecar.Frame)
	// Abandon is closed when the whole process ends: facts that cannot be kept
	// even then are given up. A camera that is merely removed waits for them.
	Abandon <-chan struct{}
	Memory  Memory // keeps what is known over restarts; nil: nothing does
	Views   string // folder of what the views of cameras are held against; empty: it is not kept
	Log     *slog.Logger
}

// Pipeline is one camera at work.
type Pipeline struct {
	o       Options
	log     *slog.Logger
	tap     *tap.Tap
	units   *unitQueue
	epoch   string // of the newest unit; the tap's goroutine uses it alone
	newest  *slot.Slot[*sidecar.Frame]
	changes chan sidecar.Camera
	looks   chan lookAt
	states  stateLog
	meter   meter
}

// New prepares a pipeline; Run starts it.
func New(o Options) *Pipeline {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Viewer == nil {
		o.Viewer = nobody{}
	}
	if o.Shown == nil {
		o.Shown = func(*sidecar.Frame, *sidecar.Scene) {}
	}
	if o.Decoded == nil {
		o.Decoded = func(string, *sidecar.Frame) {}
	}
	p := &Pipeline{
		o:       o,
		log:     o.Log.With("camera", o.Camera.ID),
		units:   newUnitQueue(),
		newest:  slot.New((*sidecar.Frame).Release),
		changes: make(chan sidecar.Camera, 1),
		looks:   make(chan lookAt),
		states:  stateLog{ready: make(chan struct{}, 1)},
	}
	var resolve func(context.Context) (sidecar.Source, error)
	if o.Camera.Source.ONVIF != "" && o.Resolve != nil {
		resolve = func(ctx context.Context) (sidecar.Source, error) { return o.Resolve(ctx, o.Camera) }
	}
	p.tap = tap.New(tap.Options{
		Source:    o.Camera.Source,
		Resolve:   resolve,
		KeyFrames: o.Camera.Analyse.KeyFrames,
		Packets:   o.Packets,
		Log:       p.log.With("stage", "tap"),
		OnState:   p.state,
	})
	return p
}

// Run works until ctx ends, and returns after its last counts are safe.
func (p *Pipeline) Run(ctx context.Context) error {
	// Shutdown follows the flow: when the tap has ended, the queue is closed,
	// the decoder ends, and the detecting goroutine finishes the open minute.
	g, ctx := errgroup.WithContext(ctx)
	decoded := make(chan struct{})
	g.Go(func() error {
		defer p.units.close()
		return p.tap.Run(ctx, p.receive)
	})
	g.Go(func() error {
		defer close(decoded)
		p.decode()
		return nil
	})
	g.Go(func() error { return p.detect(ctx, decoded) })
	err := g.Wait()
	p.newest.Close()
	return err
}

// Redefine gives the camera other functions, without touching its connection.
// Only what Redefinable allows may differ from before.
func (p *Pipeline) Redefine(c sidecar.Camera) {
	select {
	case <-p.changes: // an older change that nobody has seen yet
	default:
	}
	p.changes <- c
}

// Redefinable says whether a running pipeline can go on with b where it had a:
// the video and the way it is looked at are the same.
func Redefinable(a, b sidecar.Camera) bool {
	return a.ID == b.ID && reflect.DeepEqual(a.Source, b.Source) && a.Analyse.KeyFrames == b.Analyse.KeyFrames &&
		a.Analyse.Model == b.Analyse.Model && a.Analyse.View == b.Analyse.View && a.Analyse.Look == b.Analyse.Look && slices.Equal(a.Analyse.Parts, b.Analyse.Parts) && equalMasks(a.Analyse.Mask, b.Analyse.Mask) &&
		FPS(a) == FPS(b)
}

func equalMasks(a, b []sidecar.Polygon) bool {
	x, _ := json.Marshal(a) // numbers always marshal
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

// receive takes one access unit from the tap. It never blocks.
func (p *Pipeline) receive(u *sidecar.AccessUnit) {
	p.meter.units.Add(1)
	p.o.Viewer.AccessUnit(p.o.Camera.ID, u)
	p.units.put(u)
	if p.waitsForKey(u) && p.o.KeyFrame != nil {
		p.o.KeyFrame(p.o.Camera.ID)
	}
}

// waitsForKey says whether the decoder could go on if there were a key frame: at the
// beginning of a session, and when units were dropped and there is room again.
func (p *Pipeline) waitsForKey(u *sidecar.AccessUnit) bool {
	begins := u.Epoch != p.epoch
	p.epoch = u.Epoch
	return !u.Key && (begins || p.units.skip && len(p.units.c) < queueLength/2)
}

// state notes a change of the connection's state, and tells of it.
func (p *Pipeline) state(s tap.State) {
	p.meter.setState(s)
	if change, ok := p.states.put(p.o.Camera.ID, s); ok {
		p.o.Sink.Health(change)
	}
}

// FPS is how many frames per second of a camera are analysed.
func FPS(c sidecar.Camera) float64 {
	if c.Analyse.FPS > 0 {
		return c.Analyse.FPS
	}
	return DefaultFPS
}

// RulesVersion names a set of functions by what it says, so that the same rules
// have the same name after a restart, on another machine, and in ten years.
func RulesVersion(functions []sidecar.Function) string {
	text, _ := json.Marshal(functions) // strings and numbers always marshal
	sum := sha256.Sum256(text)
	return "r" + hex.EncodeToString(sum[:4])
}

// nobody watches.
type nobody struct{}

func (nobody) AccessUnit(string, *sidecar.AccessUnit)       {}
func (nobody) Scene(*sidecar.Scene)                         {}
func (nobody) Events(string, []sidecar.Event)               {}
func (nobody) Totals(string, time.Time, []sidecar.CountRow) {}
