package main

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"pantau/inference"
	"pantau/inference/models"
	"pantau/sidecar/pipeline"
)

// detectors opens each model once, when the first camera wants it.
type detectors struct {
	auto
	fallback string // name of the model of those who do not choose

	mu     sync.Mutex
	open   map[string]*inference.Detector
	chosen models.Model // what auto stands for, once that is known
}

// quietDetectors are the installed ones, for a command that runs once.
func quietDetectors(state string) (*detectors, error) {
	p, err := findPaths()
	if err != nil {
		return nil, err
	}
	return &detectors{auto: auto{library: p.library(), folder: p.models(), state: state, log: slog.New(slog.DiscardHandler)}}, nil
}

// get gives the shared detector of a model; "" is the fallback, and "auto" is
// what this machine is faster with.
func (d *detectors) get(name string) (pipeline.Detector, error) {
	if name == "" {
		name = d.fallback
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	model, err := d.find(name)
	if err != nil {
		return nil, err
	}
	if one, ok := d.open[model.Name]; ok {
		return one, nil
	}
	one, err := inference.Open(inference.Options{
		Library: d.library, Model: model, Folder: d.folder,
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

// find gives the model of a name; the caller holds mu.
func (d *detectors) find(name string) (models.Model, error) {
	if name != "" && name != models.Auto {
		manifest, err := models.Builtin()
		if err != nil {
			return models.Model{}, err
		}
		return manifest.Find(name)
	}
	if d.chosen.Name == "" {
		var err error
		if d.chosen, err = d.choose(); err != nil {
			return models.Model{}, err
		}
	}
	return d.chosen, nil
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
