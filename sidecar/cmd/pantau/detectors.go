package main

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"pantau/inference"
	"pantau/inference/models"
	"pantau/sidecar/pipeline"
)

// detectors opens each model once, when the first camera wants it.
type detectors struct {
	library  string // path of ONNX Runtime's library
	folder   string // of the models
	fallback string // name of the model of those who do not choose
	workers  int    // 0: one per core

	mu   sync.Mutex
	open map[string]*inference.Detector
}

// get gives the shared detector of a model; "" and "auto" are the default one.
func (d *detectors) get(name string) (pipeline.Detector, error) {
	if name == "" || name == models.Auto {
		name = d.fallback // which may be "auto" too: the manifest's default
	}
	manifest, err := models.Builtin()
	if err != nil {
		return nil, err
	}
	model, err := manifest.Find(name)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if one, ok := d.open[model.Name]; ok {
		return one, nil
	}
	one, err := inference.Open(inference.Options{
		Library: d.library, Model: model, Weights: model.File(d.folder), Workers: d.workers,
	})
	if err != nil {
		return nil, err
	}
	if d.open == nil {
		d.open = map[string]*inference.Detector{}
	}
	d.open[model.Name] = one
	return one, nil
}

// name is the default model as name@version; the bare name until it can be opened.
func (d *detectors) name() string {
	one, err := d.get("")
	if err != nil {
		return d.fallback
	}
	return one.Name()
}

// cpu is the processor time of all models.
func (d *detectors) cpu() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	var sum time.Duration
	for _, one := range d.open {
		sum += one.CPU()
	}
	return sum
}

// close frees all models; nobody may be detecting any more.
func (d *detectors) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []error
	for name, one := range d.open {
		if err := one.Close(); err != nil {
			all = append(all, fmt.Errorf("closing model %s: %w", name, err))
		}
	}
	d.open = nil
	return errors.Join(all...)
}

// known says whether the manifest has a model, for checking a configuration.
func known(name string) error {
	manifest, err := models.Builtin()
	if err != nil {
		return err
	}
	_, err = manifest.Find(name)
	return err
}
