package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"pantau/sidecar"
	"pantau/sidecar/cmd/pantau/bench"
)

// benchCmd is `pantau bench`.
type benchCmd struct {
	Sections []string `arg:"" optional:"" help:"decode, pipeline, workers, allocations, memory, overlay. Default: all."`
	Rounds   int      `help:"How often each comparison is made; the median counts." default:"5"`
	Node     string   `help:"Folder with node_modules/onnxruntime-node, for the peer." placeholder:"DIR"`
	Model    string   `help:"Model to measure with. Default: the one that this machine is faster with." default:"auto" placeholder:"NAME"`
	JSON     bool     `help:"Print the results as JSON."`
}

// Help is the longer text of --help.
func (benchCmd) Help() string {
	return `The two take turns, and the median of the ratios counts. It wants a quiet machine, ffmpeg and
Node, and takes some minutes.`
}

// Run carries out the command.
func (c *benchCmd) Run(ctx context.Context) error {
	if err := bench.Check(c.Sections); err != nil {
		return err
	}
	p, err := findPaths()
	if err != nil {
		return err
	}
	o, err := c.options(p)
	if err != nil {
		return err
	}
	all, err := bench.Run(ctx, o, c.Sections)
	if c.JSON {
		return errors.Join(err, json.NewEncoder(os.Stdout).Encode(all))
	}
	return errors.Join(bench.Print(os.Stdout, all), err)
}

func (c *benchCmd) options(p paths) (bench.Options, error) {
	if _, err := os.Stat(p.demo()); err != nil {
		return bench.Options{}, &sidecar.Fault{Err: fmt.Errorf("the demo's street is not here: %w", err), Hint: "run make bench"}
	}
	dir, err := stateDir("")
	if err != nil {
		return bench.Options{}, err
	}
	of := &detectors{auto: auto{library: p.library(), folder: p.models(), state: dir, log: logger(false, false)}}
	model, err := of.find(c.Model)
	if err != nil {
		return bench.Options{}, err
	}
	exe, err := os.Executable()
	if err != nil {
		return bench.Options{}, fmt.Errorf("finding the program's own file: %w", err)
	}
	if c.Node == "" {
		c.Node = filepath.Join(p.prefix, "setup", "onnxruntime")
	}
	return bench.Options{
		Program: exe, Library: p.library(), Model: model, Models: p.models(), Clip: p.demo(),
		Dir: filepath.Join(dir, "bench"), Node: c.Node, Rounds: max(1, c.Rounds),
		Say: func(line string) { fmt.Fprintln(os.Stderr, line) },
	}, nil
}

// benchPartCmd is what the benchmark runs in processes of their own.
type benchPartCmd struct {
	Part string   `arg:"" enum:"decode,camera,infer,burn"`
	Args []string `arg:""`
}

// Run carries out the command.
func (c *benchPartCmd) Run(ctx context.Context) error {
	switch {
	case c.Part == "decode" && len(c.Args) == 1:
		return bench.Decode(c.Args[0])
	case c.Part == "burn" && len(c.Args) == 2:
		whole, coding, err := bench.Burn(ctx, c.Args[0], c.Args[1])
		if err == nil {
			fmt.Println(whole.Seconds(), coding.Seconds())
		}
		return err
	case c.Part == "camera" && len(c.Args) == 2:
		return bench.Camera(ctx, c.Args[0], c.Args[1])
	case c.Part == "infer" && len(c.Args) == 3:
		each, err := bench.Infer(c.Args[0], c.Args[1], c.Args[2])
		if err == nil {
			fmt.Println(each.Nanoseconds())
		}
		return err
	}
	return &sidecar.FieldError{Field: c.Part, Problem: "wrong number of arguments", Remedy: "this command is for pantau bench"}
}
