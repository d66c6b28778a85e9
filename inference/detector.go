// Package inference finds objects in frames: letterbox, model, decoding, with
// one worker a core that all cameras share.
//
// A model is one ONNX Runtime session. Each worker has its own tensors and runs
// the session on one thread. A camera waits for its turn, first come, first
// served, and chooses its frame only when the turn has come, so that it is the
// newest one; a camera has one call of Detect at a time, so turns go round.
package inference

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"pantau/inference/models"
	"pantau/inference/onnx"
	"pantau/sidecar"
)

// ErrClosed says that the detector has been closed.
var ErrClosed = errors.New("detector is closed")

// Options say what to detect with.
type Options struct {
	Library  string          // path of libonnxruntime.so.1
	Model    models.Model    // from the manifest
	Folder   string          // of the models that are not in the program itself
	File     string          // path of the weights, where they are neither there nor in the program
	Classes  []sidecar.Class // what to look for; empty: the default classes
	Workers  int             // 0: one per core
	MinScore float64         // 0: the model's own
}

// weights gives the model's bytes, checked against the manifest.
func (o Options) weights() ([]byte, error) {
	if o.File != "" {
		return models.ReadFile(o.File, o.Model)
	}
	return models.Read(o.Folder, o.Model)
}

// Detector finds objects in frames. Any number of goroutines may use it.
type Detector struct {
	model   models.Model
	library *onnx.Library
	session *onnx.Session
	workers int
	free    chan *worker // a channel's receivers are served in the order in which they came
	closed  chan struct{}
	close   sync.Once
	err     error // of closing
}

// Open loads library and model. Trouble that a person must mend is a
// *sidecar.Fault with a hint; weights that do not match the manifest are not loaded.
func Open(o Options) (*Detector, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.MinScore <= 0 {
		o.MinScore = o.Model.MinScore
	}
	weights, err := o.weights()
	if err != nil {
		return nil, err
	}
	library, err := onnx.Open(o.Library)
	if err != nil {
		return nil, err
	}
	d := &Detector{model: o.Model, library: library, workers: o.Workers,
		free: make(chan *worker, o.Workers), closed: make(chan struct{})}
	if d.session, err = library.Session(weights); err != nil {
		return nil, errors.Join(fmt.Errorf("opening model %s: %w", o.Model.ID(), err), library.Close())
	}
	if d.session.Input.Bytes && !o.Model.Input.Plain() {
		return nil, errors.Join(fmt.Errorf("opening model %s: it takes bytes, and the manifest normalises them", o.Model.ID()),
			d.session.Close(), library.Close())
	}
	for range o.Workers {
		w, err := newWorker(d.session, o)
		if err != nil {
			d.workers = len(d.free)
			return nil, errors.Join(fmt.Errorf("opening model %s: %w", o.Model.ID(), err), d.Close())
		}
		d.free <- w
	}
	return d, nil
}

// Name is the model's name@version, as the counts name it.
func (d *Detector) Name() string { return d.model.ID() }

// CPU is the processor time that the model has taken since it was opened,
// without letterboxing and decoding its outputs.
func (d *Detector) CPU() time.Duration { return d.session.CPU() }

// Input is the size of the input for a whole picture of the given size, pixels,
// and whether crops may have another one: both sides multiples of 32.
func (d *Detector) Input(width, height int) (w, h int, free bool) {
	l := d.model.Letterbox(width, height)
	s := d.session.Input.Shape
	return l.Width, l.Height, len(s) == 4 && s[2] < 0 && s[3] < 0
}

// Detect waits for its turn, calls next for the frame, and appends what the
// frame shows to dst, best first; of a frame with Crops only those. If next gives nil, the turn is given up: no
// frame, dst as it was, no error. The frame comes back with everything else, and
// also beside an error; it stays the caller's to release. The error is ctx's if
// it ends before the turn comes, and ErrClosed after Close.
func (d *Detector) Detect(ctx context.Context, next func() *sidecar.Frame, dst []sidecar.Detection) (*sidecar.Frame, []sidecar.Detection, error) {
	w, err := d.take(ctx)
	if err != nil {
		return nil, dst, err
	}
	defer func() { d.free <- w }()
	frame := next()
	if frame == nil {
		return nil, dst, nil
	}
	dst, err = w.detect(frame, dst)
	if err != nil {
		return frame, dst, fmt.Errorf("detecting with %s: %w", d.Name(), err)
	}
	return frame, dst, nil
}

// take waits for a worker.
func (d *Detector) take(ctx context.Context) (*worker, error) {
	select {
	case <-d.closed:
		return nil, ErrClosed
	default:
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case w := <-d.free:
		return w, nil
	case <-d.closed:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close waits for the frames that are being looked at, and frees the model.
func (d *Detector) Close() error {
	d.close.Do(func() {
		close(d.closed)
		for range d.workers {
			d.err = errors.Join(d.err, (<-d.free).close())
		}
		d.err = errors.Join(d.err, d.session.Close(), d.library.Close())
	})
	return d.err
}
