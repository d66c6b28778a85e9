package pipeline

import (
	"slices"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/analyse"
	"pantau/sidecar/track"
)

// observer makes scenes, events and counts of detections. It holds what one
// camera's past means for its present: tracks and tallies. One goroutine uses it.
type observer struct {
	camera   sidecar.Camera
	model    string
	rules    string
	looker   *looker
	tracker  *track.Tracker
	analyser *analyse.Analyser
	view     *viewing // nil: the camera may move
	epoch    string
	seq      uint64
	last     time.Time // capture of the newest scene; zero before the first
}

// newObserver refuses functions that analyse.Check refuses.
func newObserver(c sidecar.Camera, d Detector) (*observer, error) {
	o := &observer{camera: c, model: d.Name(), rules: RulesVersion(c.Functions), looker: newLooker(c, d)}
	var err error
	o.analyser, err = analyse.New(c, o.options())
	return o, err
}

func (o *observer) options() analyse.Options {
	return analyse.Options{Model: o.model, Rules: o.rules, FPS: FPS(o.camera)}
}

// redefine takes other functions: tracks, minutes and the functions that stay go
// on. It gives what ends with those that go. An error changes nothing.
func (o *observer) redefine(c sidecar.Camera) ([]sidecar.Event, error) {
	next := *o
	next.camera, next.rules = c, RulesVersion(c.Functions)
	events, err := o.analyser.Redefine(c, next.options())
	if err != nil {
		return nil, err
	}
	*o = next
	o.looker.redefine(c)
	if o.view != nil {
		o.view.redefine(c)
	}
	return events, nil
}

// origin is what facts about the camera itself refer to.
func (o *observer) origin() sidecar.Origin {
	return sidecar.Origin{Camera: o.camera.ID, Epoch: o.epoch, Model: o.model, Rules: o.rules}
}

// timing is when the stages of one frame ended, on this machine's clock.
type timing struct{ taken, inferred time.Time }

// observe gives the scene of a frame and what happened in it. The scene owns
// its slices: others may read it while the next frame is observed.
func (o *observer) observe(f *sidecar.Frame, found []sidecar.Detection, t timing) (*sidecar.Scene, []sidecar.Event) {
	width, height := f.Picture.Size()
	if f.Epoch != o.epoch {
		o.epoch, o.seq = f.Epoch, 0
		o.tracker = track.New(track.Options{Aspect: float64(width) / float64(height)})
	}
	o.seq++
	o.last = f.Capture
	r := o.tracker.Update(f.Media(), found)
	s := &sidecar.Scene{
		Stamp: f.Stamp, Camera: o.camera.ID, Seq: o.seq, Width: width, Height: height,
		Model: o.model, Rules: o.rules,
		Tracks: slices.Clone(r.Tracks), Ended: slices.Clone(r.Ended), Merged: slices.Clone(r.Merged),
		Latency: latency(f, t),
	}
	if len(f.Crops) > 0 {
		s.Looked = o.looker.plan.Boxes
	}
	var changed []sidecar.Event
	if o.view != nil {
		changed = o.view.look(f, s)
	}
	events := append(changed, o.analyser.Update(s)...)
	o.looker.watch.See(s)
	return s, events
}

func latency(f *sidecar.Frame, t timing) sidecar.Latency {
	if t.taken.IsZero() { // a file: nobody waits
		return sidecar.Latency{}
	}
	l := sidecar.Latency{
		Decode: f.Decoded.Sub(f.Received),
		Wait:   t.taken.Sub(f.Decoded),
		Infer:  t.inferred.Sub(t.taken),
		Total:  t.inferred.Sub(f.Received),
	}
	if f.Source == sidecar.TimeRTCP {
		l.Receive = f.Received.Sub(f.Capture)
		l.Total += l.Receive
	}
	return l
}
