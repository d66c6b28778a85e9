package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"pantau/inference"
	"pantau/inference/models"
	"pantau/sidecar"
	"pantau/sidecar/cmd/pantau/measure"
	"pantau/sidecar/internal/ap"
)

// modelsMeasureCmd is `pantau models measure`.
type modelsMeasureCmd struct {
	modelsFolder
	Pictures    string   `arg:"" help:"Folder with images/ and labels/ (YOLO), or of labels in pixels."`
	Images      string   `help:"Folder of the pictures, for labels in pixels: class left top right bottom." placeholder:"DIR"`
	Only        string   `help:"Only pictures of these names." placeholder:"PATTERN"`
	List        string   `help:"Only pictures that this file names, one a line." placeholder:"FILE"`
	MergeRiders bool     `help:"The labels keep riders apart from what they ride: join them."`
	Model       []string `help:"Models to measure. Default: those that are here." placeholder:"NAME"`
	ModelsFrom  []string `help:"Folders of your own to look for models in." placeholder:"DIR"`
	Weights     []string `help:"ONNX files that are in no manifest; a YAML beside one describes it." placeholder:"FILE"`
	As          string   `help:"Model of the manifest that --weights are like. Default: as our own training writes them." placeholder:"NAME"`
	Size        int      `help:"Longer side of the input instead of the model's own, a multiple of 32." placeholder:"N"`
	MinScore    float64  `help:"Lowest score that is kept for the curve." default:"0.02"`
	Resamples   int      `help:"Resamples of the pictures for the intervals." default:"1000"`
	Seed        uint64   `help:"Seed of the resamples." default:"1"`
	JSON        bool     `help:"Print the figures as JSON."`
}

// Help is the longer text of --help.
func (modelsMeasureCmd) Help() string {
	return `Measures average precision as COCO does, with every model and all sources merged alike: who
rides is part of the two-wheeler, and vans, pickups, trucks and buses are also measured as one.

  pantau models measure traffic --only 'manaus_*' --models-from ~/models
  pantau models measure labels --images pictures --model nanodet-g --weights student.onnx`
}

// candidate is a model with the path of its weights.
type candidate struct {
	model models.Model
	path  string
}

// Run carries out the command.
func (c *modelsMeasureCmd) Run(ctx context.Context) (err error) {
	set, err := measure.OpenSet(c.Pictures, c.Images)
	if err != nil {
		return err
	}
	set.Only, set.MergeRiders = c.Only, c.MergeRiders
	if c.List != "" {
		if set.List, err = measure.ReadList(c.List); err != nil {
			return err
		}
	}
	chosen, err := c.choose()
	if err != nil {
		return err
	}
	all, closeAll, err := c.open(chosen)
	defer func() { err = errors.Join(err, closeAll()) }()
	if err != nil {
		return err
	}
	report, err := measure.Run(ctx, set, all, ap.Options{Resamples: c.Resamples, Seed: c.Seed}, sayPictures)
	if err != nil {
		return err
	}
	if c.JSON {
		return report.JSON(os.Stdout)
	}
	return report.Print(os.Stdout)
}

// sayPictures shows how far it is.
func sayPictures(done, of int) {
	if done%20 == 0 || done == of {
		fmt.Fprintf(os.Stderr, "\r%d of %d pictures", done, of)
	}
	if done == of {
		fmt.Fprintln(os.Stderr)
	}
}

// choose lists what is to be measured: the models by name, or all that are
// here, and then the files.
func (c *modelsMeasureCmd) choose() ([]candidate, error) {
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
		all = append(all, candidate{m, path})
	}
	if len(c.Model) == 0 && len(c.Weights) == 0 {
		for _, m := range manifest.Models {
			if path, err := locate(m, folder, c.ModelsFrom); err == nil {
				all = append(all, candidate{m, path})
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
		all = append(all, candidate{m, path})
	}
	if len(all) == 0 {
		return nil, &sidecar.Fault{Err: errors.New("no models are here"), Hint: "run \"pantau models pull\", or name a folder with --models-from"}
	}
	return all, nil
}

// locate finds a model's weights in the folder of models or in one of the user's.
func locate(m models.Model, folder string, from []string) (string, error) {
	_, err := models.Verify(folder, m)
	if err == nil {
		return m.File(folder), nil
	}
	for _, dir := range from {
		for _, s := range m.Sources {
			if s.Folder == "" {
				continue
			}
			path := filepath.Join(dir, s.Folder)
			if _, err := models.Read(path, m); err == nil {
				return path, nil
			}
		}
	}
	return "", err
}

// open opens the models, one worker each since pictures come one by one.
func (c *modelsMeasureCmd) open(chosen []candidate) (all []measure.Model, closeAll func() error, err error) {
	var opened []*inference.Detector
	closeAll = func() error {
		var errs []error
		for _, d := range opened {
			errs = append(errs, d.Close())
		}
		return errors.Join(errs...)
	}
	p, err := findPaths()
	if err != nil {
		return nil, closeAll, err
	}
	for _, one := range chosen {
		m := one.model
		if c.Size > 0 {
			if c.Size < 32 || c.Size > 4096 || c.Size%32 != 0 {
				return nil, closeAll, &sidecar.FieldError{Field: "--size", Problem: fmt.Sprintf("%d is no input size", c.Size), Remedy: "use a multiple of 32 up to 4096"}
			}
			m.Input.Size = c.Size
		}
		d, err := inference.Open(inference.Options{Library: p.library(), Model: m, Weights: one.path, Workers: 1, MinScore: c.MinScore})
		if err != nil {
			return nil, closeAll, fmt.Errorf("opening %s at %d: %w", m.Name, m.Input.Size, err)
		}
		opened = append(opened, d)
		all = append(all, measure.Model{Detector: d, Label: m.Name, Input: m.Input.Size})
	}
	return all, closeAll, nil
}
