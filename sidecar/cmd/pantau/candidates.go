package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"pantau/inference"
	"pantau/inference/models"
	"pantau/sidecar"
)

// modelChoice is which detectors a measurement is made with.
type modelChoice struct {
	modelsFolder
	Model      []string `help:"Models to measure. Default: those that are here." placeholder:"NAME"`
	ModelsFrom []string `help:"Folders of your own to look for models in." placeholder:"DIR"`
	Weights    []string `help:"ONNX files that are in no manifest; a YAML beside one describes it." placeholder:"FILE"`
	As         string   `help:"Model of the manifest that --weights are like. Default: as our own training writes them." placeholder:"NAME"`
	Size       int      `help:"Longer side of the input instead of the model's own, a multiple of 32." placeholder:"N"`
}

// candidate is a model, where its weights are and, once it is opened, its detector.
type candidate struct {
	model    models.Model
	path     string // empty for those in the program or in the folder of models
	detector *inference.Detector
}

// choose lists what is to be measured: the models by name, or all that are
// here, and then the files.
func (c *modelChoice) choose() ([]candidate, error) {
	folder, manifest, err := c.modelsFolder.open()
	if err != nil {
		return nil, err
	}
	var all []candidate
	for _, name := range c.Model {
		m, err := manifest.Find(name)
		if err != nil {
			return nil, err
		}
		path, err := locate(m, folder, c.ModelsFrom)
		if err != nil {
			return nil, err
		}
		all = append(all, candidate{model: m, path: path})
	}
	if len(c.Model) == 0 && len(c.Weights) == 0 {
		for _, m := range manifest.Models {
			if path, err := locate(m, folder, c.ModelsFrom); err == nil {
				all = append(all, candidate{model: m, path: path})
			}
		}
	}
	var like models.Model
	if c.As != "" {
		if like, err = manifest.Find(c.As); err != nil {
			return nil, err
		}
	}
	for _, path := range c.Weights {
		m, err := models.Local(path, like)
		if err != nil {
			return nil, err
		}
		all = append(all, candidate{model: m, path: path})
	}
	if len(all) == 0 {
		return nil, &sidecar.Fault{Err: errors.New("no models are here"), Hint: "run \"pantau models pull\", or name a folder with --models-from"}
	}
	return all, nil
}

// locate finds a model's weights: "" if they are in the program or in the folder
// of models, or the path in one of the user's folders.
func locate(m models.Model, folder string, from []string) (string, error) {
	_, err := models.Verify(folder, m)
	if err == nil {
		return "", nil
	}
	for _, dir := range from {
		for _, s := range m.Sources {
			if s.Folder == "" {
				continue
			}
			path := filepath.Join(dir, s.Folder)
			if _, err := models.ReadFile(path, m); err == nil {
				return path, nil
			}
		}
	}
	return "", err
}

// open opens the chosen models, with one worker each: a measurement takes its
// pictures one by one. A score of 0 is the model's own. What was opened is to be
// closed beside an error too.
func (c *modelChoice) open(minScore float64) (all []candidate, closeAll func() error, err error) {
	closeAll = func() error {
		var errs []error
		for _, one := range all {
			if one.detector != nil {
				errs = append(errs, one.detector.Close())
			}
		}
		return errors.Join(errs...)
	}
	if c.Size != 0 && (c.Size < 32 || c.Size > 4096 || c.Size%32 != 0) {
		return nil, closeAll, &sidecar.FieldError{Field: "--size", Problem: fmt.Sprintf("%d is no input size", c.Size), Remedy: "use a multiple of 32 up to 4096"}
	}
	p, err := findPaths()
	if err != nil {
		return nil, closeAll, err
	}
	folder, _, err := c.modelsFolder.open()
	if err != nil {
		return nil, closeAll, err
	}
	if all, err = c.choose(); err != nil {
		return nil, closeAll, err
	}
	for i := range all {
		one := &all[i]
		if c.Size > 0 {
			one.model.Input.Size = c.Size
		}
		one.detector, err = inference.Open(inference.Options{Library: p.library(), Model: one.model, Folder: folder, File: one.path, Workers: 1, MinScore: minScore})
		if err != nil {
			return all, closeAll, fmt.Errorf("with an input of %d: %w", one.model.Input.Size, err)
		}
	}
	return all, closeAll, nil
}
