package audit

import (
	"context"
	"fmt"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/pipeline"
)

// Clip records a clip as if it were a camera, as fast as it goes. The sink of the
// run is the recording itself.
func Clip(ctx context.Context, f Folder, o Order, run pipeline.File) error {
	if err := f.Discard(o.Camera); err != nil {
		return err
	}
	if err := f.Place(o); err != nil {
		return err
	}
	r, err := newRecorder(f, o, run.Camera)
	if err != nil {
		return err
	}
	run.Sink = clipSink{r}
	run.Shown = func(frame *sidecar.Frame, s *sidecar.Scene, _ []sidecar.CountRow) error {
		img, err := frame.Picture.YCbCr()
		if err != nil {
			return fmt.Errorf("copying a picture: %w", err)
		}
		if err := r.frame(img, s.Stamp, s.Model, s.Rules); err != nil || s.View.Suspends() {
			return err
		}
		return r.look(s.Zones)
	}
	if _, err := pipeline.Analyse(ctx, run); err != nil {
		return err
	}
	if err := r.finish(r.last + time.Nanosecond); err != nil { // the last picture belongs to the last window
		return err
	}
	return f.develop(ctx, o.Camera)
}

// clipSink gives what is counted to a recorder. Facts come from one goroutine.
type clipSink struct{ r *recorder }

// Scene is not needed.
func (clipSink) Scene(*sidecar.Scene) {}

// Health does not happen in clips.
func (clipSink) Health(sidecar.StateChange) {}

// Facts takes what was counted.
func (s clipSink) Facts(_ context.Context, events []sidecar.Event, _ []sidecar.Count) error {
	s.r.facts(events)
	return nil
}
