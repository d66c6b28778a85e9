package main

import (
	"errors"
	"fmt"
	"image/png"
	"os"

	"pantau/sidecar"
	"pantau/sidecar/internal/score"
)

// scoreCmd is `pantau score`.
type scoreCmd struct {
	Truth   string `required:"" help:"What a person counted: JSON with rule, tolerance_s and crossings." placeholder:"FILE"`
	Events  string `required:"" help:"What was counted: JSON lines, as analyse --out writes them." placeholder:"FILE"`
	JSON    bool   `help:"Print the score as JSON."`
	Picture string `help:"Write a picture of where the misses lie, in time and along the line (PNG)." placeholder:"FILE"`
}

// Help is the longer text of --help.
func (scoreCmd) Help() string {
	return `Matches counted crossings with true ones of the same direction, each at most once, no further
apart than the truth's tolerance. Corrected events do not count.

  pantau analyse clip.mp4 --rules rules.yaml --out events.jsonl
  pantau score --truth clip.json --events events.jsonl --picture misses.png

In the picture time goes to the right; "in" is above and "out" below, along the line. Matched ones
are green, missed ones red crosses, false ones blue rings.`
}

// Run carries out the command.
func (c *scoreCmd) Run() error {
	truth, err := score.Read(c.Truth)
	if err != nil {
		return &sidecar.Fault{Err: err, Hint: "see docs/how-to/measure-accuracy.md for what a truth file holds"}
	}
	f, err := os.Open(c.Events)
	if err != nil {
		return &sidecar.Fault{Err: err, Hint: "make it with pantau analyse CLIP --rules FILE --out FILE"}
	}
	defer f.Close()
	counted, err := score.ReadEvents(f, truth.Rule.ID)
	if err != nil {
		return &sidecar.Fault{Err: err, Hint: "give a file that analyse --out wrote"}
	}
	r := truth.Match(counted)
	if c.Picture != "" {
		if err := writePicture(c.Picture, r, truth); err != nil {
			return err
		}
	}
	if c.JSON {
		return r.JSON(os.Stdout, truth.Seconds())
	}
	return r.Print(os.Stdout, truth.Seconds())
}

func writePicture(path string, r score.Result, t score.Truth) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return &sidecar.Fault{Err: err, Hint: "give a path in a folder that exists and can be written to"}
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := png.Encode(f, r.Picture(t)); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
