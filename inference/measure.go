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
	detectors := make([]*Detector, len(all))
	for i, m := range all {
		if detectors[i], err = Open(Options{Library: library, Folder: folder, Model: m, Workers: 1}); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, detectors[i].Close()) }()
	}
	spent := make([][]time.Duration, len(all))
	begun := time.Now()
	for round := 0; round <= measureRuns && (round < 2 || time.Since(begun) < enough); round++ {
		for i, d := range detectors {
			before := d.CPU()
			if err := d.blank(); err != nil {
				return nil, fmt.Errorf("measuring model %s: %w", all[i].ID(), err)
			}
			if round > 0 { // the first run allocates
				spent[i] = append(spent[i], d.CPU()-before)
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

// blank runs the model on what stands in the input for 16:9.
func (d *Detector) blank() error {
	w := <-d.free
	defer func() { d.free <- w }()
	l := d.model.Letterbox(16, 9)
	in, err := w.input(size{l.Width, l.Height})
	if err != nil {
		return err
	}
	return in.Run()
}
