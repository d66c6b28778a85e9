package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"pantau/sidecar"
	"pantau/sidecar/cmd/pantau/accuracy"
)

// accuracyCmd is `pantau accuracy`.
type accuracyCmd struct {
	modelChoice
	Clips    string    `help:"Folder of clips, each with its truth: NAME.json." default:"../shared/videos" placeholder:"DIR"`
	Also     []string  `help:"Folders where clips are looked for besides. Default: that of the demo's clip." placeholder:"DIR"`
	FPS      []float64 `help:"Frames per second; 120 is every frame." default:"120,10,5"`
	Look     []string  `help:"What of the pictures is looked at: auto, whole, close. Default: auto." enum:"auto,whole,close," default:"" placeholder:"LOOK"`
	Learned  bool      `help:"Look at each clip twice: the second time as a camera that knows how large its objects are."`
	Pictures string    `help:"Folder for pictures of misses and false counts. Its notes.yaml says where the clips are from, and what is seen." placeholder:"DIR"`
	Cache    string    `help:"Keep detections here: another run looks at no frame twice." placeholder:"DIR"`
	Out      string    `help:"Write the tables here (Markdown). Default: standard output." placeholder:"FILE"`
}

// Help is the longer text of --help.
func (accuracyCmd) Help() string {
	return `Runs the same stages as analyse over every clip that has a truth. Each frame is looked at once by
each model; tracking and counting run anew for each rate, and from the cache in no time.

  pantau accuracy --model nanodet-g --model picodet-s --models-from ~/models --cache /tmp/seen`
}

// Run carries out the command.
func (c *accuracyCmd) Run(ctx context.Context) (err error) {
	for _, fps := range c.FPS {
		if !(fps > 0 && fps <= accuracy.Full) {
			return &sidecar.FieldError{Field: "--fps", Problem: fmt.Sprintf("%g frames per second", fps), Remedy: "use more than 0 and up to 120"}
		}
	}
	p, err := findPaths()
	if err != nil {
		return err
	}
	opened, closeAll, err := c.open(0)
	defer func() { err = errors.Join(err, closeAll()) }()
	if err != nil {
		return err
	}
	o := accuracy.Options{Clips: c.Clips, Others: append(c.Also, p.clips()), FPS: c.FPS, Learned: c.Learned, Cache: c.Cache,
		Say: func(line string) { fmt.Fprintln(os.Stderr, line) }}
	for _, one := range opened {
		o.Models = append(o.Models, &accuracy.Model{Detector: one.detector, Label: one.model.Name,
			Key: fmt.Sprintf("%s-%d-%s-scores", one.model.ID(), one.model.Input.Size, one.model.SHA256[:8])})
	}
	for _, look := range c.Look {
		o.Look = append(o.Look, sidecar.Look(look))
	}
	way := ""
	if c.Pictures != "" {
		o.Pictures = c.Pictures
		if o.Notes, err = accuracy.ReadNotes(filepath.Join(c.Pictures, "notes.yaml")); err != nil {
			return err
		}
		if way, err = filepath.Rel(filepath.Dir(c.Out), c.Pictures); err != nil {
			return &sidecar.FieldError{Field: "--pictures", Problem: err.Error(), Remedy: "give it as --out: both relative, or both absolute"}
		}
	}
	all, err := accuracy.Run(ctx, o)
	if err != nil {
		return err
	}
	if c.Out == "" {
		return accuracy.Write(os.Stdout, all, filepath.ToSlash(way), o.Notes)
	}
	f, err := os.Create(c.Out)
	if err != nil {
		return &sidecar.Fault{Err: err, Hint: "give a path in a folder that exists and can be written to"}
	}
	return errors.Join(accuracy.Write(f, all, filepath.ToSlash(way), o.Notes), f.Close())
}
