// Package accuracy counts in clips whose truth a person counted, with several
// models and frame rates, and writes how right the counts are.
package accuracy

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"pantau/sidecar"
	"pantau/sidecar/pipeline"
)

// Recorded is a detector that remembers what it found in each frame, so that a
// clip's frames are looked at once, however often the clip is analysed. It gives
// exactly what the detector behind it gives. Frames are told apart by their
// epoch, which names a clip by its content, their time stamp, and what of them is
// looked at.
type Recorded struct {
	pipeline.Detector

	mu     sync.Mutex
	found  map[moment][]sidecar.Detection
	looked int // frames that the detector behind it has seen
	frames int // frames that were given
	pixels int // of input for them
}

// weigh adds up what a frame costs.
func (r *Recorded) weigh(f *sidecar.Frame) {
	pixels := 0
	for _, c := range f.Crops {
		pixels += c.Width * c.Height
	}
	if len(f.Crops) == 0 {
		w, h, _ := r.Input(f.Picture.Size())
		pixels = w * h
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.frames, r.pixels = r.frames+1, r.pixels+pixels
}

// megapixels is the mean of the frames since the last call.
func (r *Recorded) megapixels() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	mean := float64(r.pixels) / float64(max(1, r.frames)) / 1e6
	r.frames, r.pixels = 0, 0
	return mean
}

// moment is one frame of one clip.
type moment struct {
	Epoch string
	PTS   int64
	Crops string // empty: the whole picture
}

// momentOf names a frame.
func momentOf(f *sidecar.Frame) moment {
	at := moment{Epoch: f.Epoch, PTS: f.PTS}
	if len(f.Crops) > 0 {
		at.Crops = fmt.Sprint(f.Crops)
	}
	return at
}

// Input is the detector's behind it; one that does not say takes whole pictures only.
func (r *Recorded) Input(width, height int) (w, h int, free bool) {
	if s, ok := r.Detector.(pipeline.Sizer); ok {
		return s.Input(width, height)
	}
	return 0, 0, false
}

// entry is what is written of one frame.
type entry struct {
	At    moment
	Found []sidecar.Detection
}

// Record remembers what a detector finds.
func Record(d pipeline.Detector) *Recorded {
	return &Recorded{Detector: d, found: map[moment][]sidecar.Detection{}}
}

// Detect gives what is remembered of the frame, or looks at it.
func (r *Recorded) Detect(ctx context.Context, next func() *sidecar.Frame, dst []sidecar.Detection) (*sidecar.Frame, []sidecar.Detection, error) {
	frame := next()
	if frame == nil {
		return nil, dst, nil
	}
	at := momentOf(frame)
	r.weigh(frame)
	r.mu.Lock()
	found, ok := r.found[at]
	r.mu.Unlock()
	if ok {
		return frame, append(dst, found...), nil
	}
	_, found, err := r.Detector.Detect(ctx, func() *sidecar.Frame { return frame }, nil)
	if err != nil {
		return frame, dst, err
	}
	r.mu.Lock()
	r.found[at] = found
	r.looked++
	r.mu.Unlock()
	return frame, append(dst, found...), nil
}

// Load adds what Save wrote. A file that is not there is none.
func (r *Recorded) Load(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading detections: %w", err)
	}
	defer f.Close()
	var all []entry
	if err := gob.NewDecoder(f).Decode(&all); err != nil {
		return &sidecar.Fault{Err: fmt.Errorf("reading detections %s: %w", path, err), Hint: "remove the file: it is made anew"}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range all {
		r.found[e.At] = e.Found
	}
	return nil
}

// Save writes everything that is remembered. A file is whole or not there.
func (r *Recorded) Save(path string) (err error) {
	r.mu.Lock()
	var all []entry
	for at, found := range r.found {
		all = append(all, entry{at, found})
	}
	r.mu.Unlock()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("writing detections: %w", err)
	}
	part := path + ".part"
	f, err := os.Create(part)
	if err != nil {
		return fmt.Errorf("writing detections: %w", err)
	}
	if err := errors.Join(gob.NewEncoder(f).Encode(all), f.Close()); err != nil {
		return fmt.Errorf("writing detections: %w", err)
	}
	return os.Rename(part, path)
}
