package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sync/errgroup"

	"pantau/sidecar"
	"pantau/sidecar/decode"
	"pantau/sidecar/look"
)

// File is what a run over a clip needs.
type File struct {
	Camera   sidecar.Camera
	Clip     *decode.File
	Detector Detector
	Workers  int // frames looked at at once; the results are the same for any number
	Sink     Sink
	// Watch is what is known of the objects at the camera's functions, as of a
	// camera that has run for a while; what the clip shows is added. Nil: nothing.
	Watch *look.Watch
	// Shown is called with each analysed frame, its scene and the totals so far,
	// in order; nil is allowed.
	Shown func(*sidecar.Frame, *sidecar.Scene, []sidecar.CountRow) error
	// Looking is called when the plan of what is looked at was made anew; nil is allowed.
	Looking func(sidecar.Looking)
	// Progress is called with the media time of each analysed frame; nil is allowed.
	Progress func(*sidecar.Scene)
}

// sighting is a frame on its way through the detector.
type sighting struct {
	frame *sidecar.Frame
	found []sidecar.Detection
	err   error
	done  chan struct{}
}

// Analyse runs the stages over a clip as fast as they go. The same clip with
// the same camera and detector always gives the same events and counts. It
// returns the totals.
func Analyse(ctx context.Context, f File) ([]sidecar.CountRow, error) {
	o, err := newObserver(f.Camera, f.Detector)
	if err != nil {
		return nil, err
	}
	if f.Watch != nil {
		o.looker.watch = f.Watch
	}
	if o.view, err = newViewing(f.Camera, ""); err != nil {
		return nil, err
	}
	// Frames are looked at side by side and observed in their order: the queue
	// of sightings holds them in the order in which they were read.
	queue := make(chan *sighting, max(1, f.Workers))
	var waiting sync.WaitGroup // frames that were read and are not observed yet
	g, inner := errgroup.WithContext(ctx)
	inner, stop := context.WithCancel(inner)
	defer stop()
	var failed error // of observing; what is read and looked at after it is of no use
	g.Go(func() error {
		defer close(queue)
		return f.read(inner, g, queue, &waiting, o.looker)
	})
	g.Go(func() error {
		for s := range queue {
			<-s.done
			if failed == nil {
				if failed = f.observe(inner, o, s); failed != nil {
					stop()
				}
			}
			s.frame.Release()
			waiting.Done()
		}
		return failed
	})
	if err := g.Wait(); err != nil {
		return nil, cmp.Or(failed, err)
	}
	events, counts := o.analyser.Close(o.last)
	if err := f.Sink.Facts(ctx, events, counts); err != nil {
		return nil, fmt.Errorf("writing the last events and counts: %w", err)
	}
	return o.analyser.Totals(), nil
}

// read decodes the clip and has the frames to be analysed looked at. What is
// looked at depends on the frames before: where that may change, it waits for them.
func (f File) read(ctx context.Context, g *errgroup.Group, queue chan<- *sighting, waiting *sync.WaitGroup, l *looker) error {
	sample := newSampler(FPS(f.Camera))
	for {
		frame, err := f.Clip.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the clip: %w", err)
		}
		if !sample.take(frame.Stamp) {
			frame.Release()
			continue
		}
		reviewed := l.review(frame)
		if reviewed {
			waiting.Wait()
		}
		l.take(frame)
		if reviewed && f.Looking != nil {
			f.Looking(l.plan.Looking)
		}
		s := &sighting{frame: frame, done: make(chan struct{})}
		waiting.Add(1)
		select {
		case queue <- s:
		case <-ctx.Done():
			waiting.Done()
			frame.Release()
			return ctx.Err()
		}
		g.Go(func() error {
			defer close(s.done)
			_, s.found, s.err = f.Detector.Detect(ctx, func() *sidecar.Frame { return s.frame }, nil)
			return s.err
		})
	}
}

func (f File) observe(ctx context.Context, o *observer, s *sighting) error {
	if s.err != nil {
		return s.err
	}
	scene, events := o.observe(s.frame, s.found, timing{})
	f.Sink.Scene(scene)
	if err := f.Sink.Facts(ctx, events, o.analyser.Counts(scene.Capture)); err != nil {
		return fmt.Errorf("writing events: %w", err)
	}
	if f.Progress != nil {
		f.Progress(scene)
	}
	if f.Shown != nil {
		return f.Shown(s.frame, scene, o.analyser.Totals())
	}
	return nil
}
