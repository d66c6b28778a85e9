package inference

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"pantau/inference/models"
	"pantau/inference/onnx"
)

// Pace is what one frame costs a model on this machine.
type Pace struct {
	Model models.Model
	Frame time.Duration // processor time of one run at 16:9, on one thread
}

// measureRuns is how often Measure runs each model. An odd number has a median.
const measureRuns = 7

// Measure runs models in turn on an input of 16:9 and gives the median of each,
// in their order. It takes well under 2 s: a machine that is slower than that is
// asked less often. It is processor time that counts, so neighbours do not decide.
func Measure(library, folder string, all []models.Model) (paces []Pace, err error) {
	const enough = time.Second
	l, err := onnx.Open(library)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	sessions := make([]*onnx.Session, len(all))
	workers := make([]*worker, len(all))
	for i, m := range all {
		if sessions[i], workers[i], err = ready(l, folder, m); err != nil {
			return nil, fmt.Errorf("measuring model %s: %w", m.ID(), err)
		}
		defer func() { err = errors.Join(err, workers[i].close(), sessions[i].Close()) }()
	}
	spent := make([][]time.Duration, len(all))
	begun := time.Now()
	for round := 0; round <= measureRuns && (round < 2 || time.Since(begun) < enough); round++ {
		for i, w := range workers {
			before := sessions[i].CPU()
			if err := w.blank(); err != nil {
				return nil, fmt.Errorf("measuring model %s: %w", all[i].ID(), err)
			}
			if round > 0 { // the first run allocates
				spent[i] = append(spent[i], sessions[i].CPU()-before)
			}
		}
	}
	for i, m := range all {
		slices.Sort(spent[i])
		paces = append(paces, Pace{m, spent[i][len(spent[i])/2]})
	}
	return paces, nil
}

// Runtime is the version of ONNX Runtime that is in a library.
func Runtime(library string) (string, error) {
	l, err := onnx.Open(library)
	if err != nil {
		return "", err
	}
	return l.Version(), l.Close()
}

// ready opens a model with one worker.
func ready(l *onnx.Library, folder string, m models.Model) (*onnx.Session, *worker, error) {
	weights, err := models.Read(folder, m)
	if err != nil {
		return nil, nil, err
	}
	s, err := l.Session(weights)
	if err != nil {
		return nil, nil, err
	}
	w, err := newWorker(s, Options{Model: m, MinScore: m.MinScore})
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	return s, w, nil
}

// blank runs the model on what stands in the input for 16:9.
func (w *worker) blank() error {
	l := w.model.Letterbox(16, 9)
	in, err := w.input(size{l.Width, l.Height})
	if err != nil {
		return err
	}
	return in.Run()
}
