package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"pantau/sidecar"
	"pantau/sidecar/cmd/pantau/measure"
	"pantau/sidecar/internal/ap"
)

// modelsMeasureCmd is `pantau models measure`.
type modelsMeasureCmd struct {
	modelChoice
	Pictures    string  `arg:"" help:"Folder with images/ and labels/ (YOLO), or of labels in pixels."`
	Images      string  `help:"Folder of the pictures, for labels in pixels: class left top right bottom." placeholder:"DIR"`
	Only        string  `help:"Only pictures of these names." placeholder:"PATTERN"`
	List        string  `help:"Only pictures that this file names, one a line." placeholder:"FILE"`
	MergeRiders bool    `help:"The labels keep riders apart from what they ride: join them."`
	Line        string  `help:"Measure only what is at this line, with the whole picture and, at the same cost, with the part that a camera would look at for it." placeholder:"X,Y,X,Y"`
	MinScore    float64 `help:"Lowest score that is kept for the curve." default:"0.02"`
	Resamples   int     `help:"Resamples of the pictures for the intervals." default:"1000"`
	Seed        uint64  `help:"Seed of the resamples." default:"1"`
	Worst       string  `help:"Write the worst pictures here, with misses and false boxes drawn in." placeholder:"DIR"`
	WorstN      int     `help:"How many of each model." default:"20" placeholder:"N"`
	JSON        bool    `help:"Print the figures as JSON."`
}

// Help is the longer text of --help.
func (modelsMeasureCmd) Help() string {
	return `Measures average precision as COCO does, with every model and all sources merged alike: who
rides is part of the two-wheeler, and vans, pickups, trucks and buses are also measured as one.

  pantau models measure traffic --only 'manaus_*' --models-from ~/models
  pantau models measure labels --images pictures --model nanodet-g --weights student.onnx --worst worst

With --worst, labels that nobody found are thick and red, false boxes dashed and blue, right ones
thin and green, regions to be ignored grey; each counts from the score of the model's best F1 on.`
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
	if set.Line, err = c.line(); err != nil {
		return err
	}
	opened, closeAll, err := c.open(c.MinScore)
	defer func() { err = errors.Join(err, closeAll()) }()
	if err != nil {
		return err
	}
	var all []measure.Model
	for _, one := range opened {
		m := measure.Model{Detector: one.detector, Label: one.model.Name, Input: one.model.Input.Size}
		all = append(all, m)
		if set.Line != nil {
			m.Label, m.Look = m.Label+", part", sidecar.LookAuto
			all = append(all, m)
		}
	}
	report, err := measure.Run(ctx, set, all, ap.Options{Resamples: c.Resamples, Seed: c.Seed}, sayPictures)
	if err != nil {
		return err
	}
	if c.Worst != "" {
		if err := measure.Worst(set, report, c.Worst, c.WorstN); err != nil {
			return err
		}
	}
	if c.JSON {
		return report.JSON(os.Stdout)
	}
	return report.Print(os.Stdout)
}

// line reads --line.
func (c *modelsMeasureCmd) line() ([]sidecar.Point, error) {
	if c.Line == "" {
		return nil, nil
	}
	var a, b sidecar.Point
	if n, err := fmt.Sscanf(c.Line, "%g,%g,%g,%g", &a[0], &a[1], &b[0], &b[1]); n != 4 || err != nil {
		return nil, &sidecar.FieldError{Field: "--line", Problem: c.Line + " is no line", Remedy: "give two points, such as 0,0.4,1,0.4"}
	}
	return []sidecar.Point{a, b}, nil
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
