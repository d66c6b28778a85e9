package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"

	"pantau/inference/models"
	"pantau/sidecar"
)

// modelsCmd is `pantau models`.
type modelsCmd struct {
	List    modelsListCmd    `cmd:"" default:"withargs" help:"List the models that are known, and which of them are here."`
	Pull    modelsPullCmd    `cmd:"" help:"Get models, verified by their hashes."`
	Verify  modelsVerifyCmd  `cmd:"" help:"Check the models that are here against their hashes."`
	Measure modelsMeasureCmd `cmd:"" help:"Measure models on labelled pictures."`
}

// modelsFolder is where the models are; every subcommand takes it.
type modelsFolder struct {
	Dir string `help:"Folder of the models. Default: the installed one." placeholder:"DIR"`
}

// open gives the folder and what could be in it.
func (f modelsFolder) open() (folder string, manifest *models.Manifest, err error) {
	if manifest, err = models.Builtin(); err != nil {
		return "", nil, err
	}
	if f.Dir != "" {
		return f.Dir, manifest, nil
	}
	p, err := findPaths()
	return p.models(), manifest, err
}

type modelsListCmd struct {
	modelsFolder
	JSON bool `help:"Print the list as JSON."`
}

// modelLine is one model of the list.
type modelLine struct {
	Name    string       `json:"name"`
	Version int          `json:"version"`
	Default bool         `json:"default"`
	State   models.State `json:"state"`
	Family  string       `json:"family"`
	Input   int          `json:"input"`
	Bytes   int64        `json:"bytes"`
	Licence string       `json:"licence"`
	About   string       `json:"about"`
}

// Run carries out the command.
func (c *modelsListCmd) Run() error {
	folder, manifest, err := c.open()
	if err != nil {
		return err
	}
	var lines []modelLine
	for _, m := range manifest.Models {
		state, _ := models.Verify(folder, m) // what is wrong is told by verify
		lines = append(lines, modelLine{m.Name, m.Version, m.Name == manifest.Default, state,
			m.Family, m.Input.Size, m.Size, m.Licence, m.About})
	}
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(lines)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MODEL\tSTATE\tFAMILY\tINPUT\tMB\tLICENCE\tABOUT")
	for _, l := range lines {
		name := l.Name
		if l.Default {
			name += " (default)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%.1f\t%s\t%s\n", name, l.State, l.Family, l.Input, float64(l.Bytes)/1e6, l.Licence, l.About)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Println("\nin", folder)
	return nil
}

type modelsPullCmd struct {
	modelsFolder
	Names []string `arg:"" optional:"" help:"Models to get. Default: the default model."`
	From  []string `help:"Folders of your own to look into first." placeholder:"DIR"`
}

// Run carries out the command.
func (c *modelsPullCmd) Run(ctx context.Context) error {
	folder, manifest, err := c.open()
	if err != nil {
		return err
	}
	if len(c.Names) == 0 {
		c.Names = []string{manifest.Default}
	}
	puller := &models.Puller{Dir: folder, Folders: c.From, Say: func(line string) { fmt.Println(line) }}
	var all []error
	for _, name := range c.Names {
		m, err := manifest.Find(name)
		if err == nil {
			_, err = puller.Pull(ctx, m)
		}
		all = append(all, err)
	}
	return errors.Join(all...)
}

type modelsVerifyCmd struct {
	modelsFolder
}

// Run carries out the command. A model that is not here is no fault; one that
// is not what it should be is.
func (c *modelsVerifyCmd) Run() error {
	folder, manifest, err := c.open()
	if err != nil {
		return err
	}
	damaged := 0
	for _, m := range manifest.Models {
		state, err := models.Verify(folder, m)
		switch state {
		case models.Missing:
			continue
		case models.Ready:
			fmt.Printf("%s: as it should be\n", m.ID())
		default:
			damaged++
			fmt.Printf("%s: %v\n", m.ID(), err)
		}
	}
	if damaged > 0 {
		return &sidecar.Fault{Err: fmt.Errorf("%d models are not what they should be", damaged), Hint: "get them again: pantau models pull NAME"}
	}
	return nil
}
