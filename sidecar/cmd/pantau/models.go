package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"text/tabwriter"
	"time"

	"pantau/inference/models"
	"pantau/sidecar"
)

// modelsCmd is `pantau models`.
type modelsCmd struct {
	List    modelsListCmd    `cmd:"" default:"withargs" help:"List the models that are known, which of them are here, and which one is in use."`
	Card    modelsCardCmd    `cmd:"" help:"Say what a model is, what it was trained with, and what it is bad at."`
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
	State string `help:"Folder that remembers what was measured. Default: $$XDG_STATE_HOME/pantau." placeholder:"DIR"`
	JSON  bool   `help:"Print the list as JSON."`
}

// modelLine is one model of the list.
type modelLine struct {
	Name    string       `json:"name"`
	Version int          `json:"version"`
	Default bool         `json:"default"`
	Auto    bool         `json:"auto"`               // what auto stands for on this machine
	Frame   float64      `json:"frame_ms,omitempty"` // as it was measured for that
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
	choice, why, err := c.chosen()
	if err != nil {
		return err
	}
	var lines []modelLine
	for _, m := range manifest.Models {
		state, _ := models.Verify(folder, m) // what is wrong is told by verify
		lines = append(lines, modelLine{m.Name, m.Version, m.Name == manifest.Default, m.Name == choice.Use, choice.Frame[m.Name],
			state, m.Family, m.Input.Size, m.Size, m.Licence, m.About})
	}
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(lines)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MODEL\tSTATE\tFAMILY\tINPUT\tMB\tLICENCE\tABOUT")
	for _, l := range lines {
		name := l.Name
		if l.Auto {
			name += " (auto)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%.1f\t%s\t%s\n", name, l.State, l.Family, l.Input, float64(l.Bytes)/1e6, l.Licence, l.About)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Printf("\n%s\nfiles are looked for in %s\nwhat a model is, and what it is bad at: pantau models card NAME\n", why, folder)
	return nil
}

// chosen gives what auto stands for on this machine, and says why. It measures nothing.
func (c *modelsListCmd) chosen() (choice, string, error) {
	p, err := findPaths()
	if err != nil {
		return choice{}, "", err
	}
	state, err := statePath(c.State)
	if err != nil {
		return choice{}, "", err
	}
	_, all, err := candidates()
	if err != nil {
		return choice{}, "", err
	}
	if len(all) == 1 {
		return choice{Use: all[0].Name}, "auto is " + all[0].Name, nil
	}
	a := auto{library: p.library(), state: state, log: slog.New(slog.DiscardHandler)}
	here, err := a.place(all)
	if err != nil {
		return choice{}, fmt.Sprintf("auto cannot be measured: %v", err), nil
	}
	found, ok := here.among(a.known())
	if !ok {
		return choice{}, fmt.Sprintf("auto is %s or %s: the first run measures which (%s)", all[0].Name, all[1].Name, here.Processor), nil
	}
	return found, fmt.Sprintf("auto is %s, since a frame takes (ms): %s (%s, ONNX Runtime %s, measured on %s;\n%s is taken where it needs at most %.0f %% of the time)",
		found.Use, found.figures(), found.Processor, found.Runtime, found.Measured.Format(time.DateOnly), all[1].Name, 100*worth), nil
}

type modelsCardCmd struct {
	Name string `arg:"" optional:"" help:"Model to tell of. Default: the default model."`
	JSON bool   `help:"Print what the manifest says and the text as JSON."`
}

// Run carries out the command.
func (c *modelsCardCmd) Run() error {
	manifest, err := models.Builtin()
	if err != nil {
		return err
	}
	m, err := manifest.Find(c.Name)
	if err != nil {
		return err
	}
	text, err := m.Card()
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(struct {
			models.Model
			Card string `json:"card"`
		}{m, text})
	}
	_, err = fmt.Print(text)
	return err
}

type modelsPullCmd struct {
	modelsFolder
	Names []string `arg:"" help:"Models to get."`
	From  []string `help:"Folders of your own to look into first." placeholder:"DIR"`
}

// Run carries out the command.
func (c *modelsPullCmd) Run(ctx context.Context) error {
	folder, manifest, err := c.open()
	if err != nil {
		return err
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
