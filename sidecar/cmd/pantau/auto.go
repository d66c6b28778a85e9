package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"pantau/inference"
	"pantau/inference/models"
)

// auto finds out what the name "auto" stands for: the manifest's default model,
// or the same one in 8-bit numbers where this machine runs it faster. It measures
// once and remembers, so that a city's numbers do not change their model between
// two starts.
type auto struct {
	library string // path of ONNX Runtime's library
	folder  string // of the models that are not in the program itself
	state   string // folder that remembers
	log     *slog.Logger
}

// choice is what auto stands for, and why. All but the last three fields say
// where it holds: elsewhere it is measured anew.
type choice struct {
	Processor string             `json:"processor"`
	Runtime   string             `json:"onnxruntime"`
	Weights   map[string]string  `json:"weights"`  // SHA-256 of each model
	Frame     map[string]float64 `json:"frame_ms"` // processor time of a frame of 16:9 on one thread
	Use       string             `json:"use"`
	Measured  time.Time          `json:"measured"`
}

// worth is the part of the float model's time that the 8-bit one may take at most.
const worth = 0.9

// candidates gives the default model, and the same in 8-bit numbers if there is one.
func candidates() (manifest *models.Manifest, all []models.Model, err error) {
	if manifest, err = models.Builtin(); err != nil {
		return nil, nil, err
	}
	for name := models.Auto; name != "" && len(all) < 2; {
		m, err := manifest.Find(name)
		if err != nil {
			return nil, nil, err
		}
		all, name = append(all, m), m.INT8
	}
	return manifest, all, nil
}

// choose gives the model that auto stands for.
func (a auto) choose() (models.Model, error) {
	manifest, all, err := candidates()
	if err != nil {
		return models.Model{}, err
	}
	if len(all) == 1 {
		return all[0], nil
	}
	here, err := a.place(all)
	if err != nil {
		return models.Model{}, err
	}
	known := a.known()
	c, remembered := here.among(known)
	if !remembered {
		paces, err := inference.Measure(a.library, a.folder, all)
		if err != nil {
			a.log.Warn("the models cannot be measured; the default is used", "error", err)
			return all[0], nil
		}
		c = here.decide(paces)
		if err := a.remember(append(known, c)); err != nil {
			a.log.Warn("the choice of the model is not remembered", "error", err)
		}
	}
	a.log.Info("model chosen by measurement", "model", c.Use, "frame_ms", c.figures(), "processor", c.Processor,
		"onnxruntime", c.Runtime, "measured", c.Measured.Format(time.DateOnly))
	return manifest.Find(c.Use)
}

// place is a choice that is not made yet: where it will hold.
func (a auto) place(all []models.Model) (choice, error) {
	version, err := inference.Runtime(a.library)
	if err != nil {
		return choice{}, err
	}
	c := choice{Processor: processor(), Runtime: version, Weights: map[string]string{}}
	for _, m := range all {
		c.Weights[m.Name] = m.SHA256
	}
	return c, nil
}

// among looks for what holds in the same place.
func (c choice) among(known []choice) (choice, bool) {
	for _, k := range known {
		if k.Processor == c.Processor && k.Runtime == c.Runtime && maps.Equal(k.Weights, c.Weights) && c.Weights[k.Use] != "" {
			return k, true
		}
	}
	return choice{}, false
}

// decide takes the 8-bit model where it is clearly faster: the float one stands first.
func (c choice) decide(paces []inference.Pace) choice {
	c.Use, c.Frame = paces[0].Model.Name, map[string]float64{}
	if float64(paces[1].Frame) <= worth*float64(paces[0].Frame) {
		c.Use = paces[1].Model.Name
	}
	for _, p := range paces {
		c.Frame[p.Model.Name] = float64(p.Frame.Round(10*time.Microsecond)) / float64(time.Millisecond)
	}
	c.Measured = time.Now().UTC().Truncate(time.Second)
	return c
}

// figures are the times of all models, in words.
func (c choice) figures() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(c.Frame)) {
		all = append(all, fmt.Sprintf("%s %.1f", name, c.Frame[name]))
	}
	return strings.Join(all, ", ")
}

// file is what remembers: the choices of all places where this state folder was used.
func (a auto) file() string { return filepath.Join(a.state, "models.json") }

// known are the choices that are remembered; none if the file cannot be read.
func (a auto) known() []choice {
	data, err := os.ReadFile(a.file())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var all []choice
	if err == nil {
		err = json.Unmarshal(data, &all)
	}
	if err != nil {
		a.log.Warn("the choice of the model is measured anew", "error", err)
		return nil
	}
	return all
}

// remember writes the choices, whole or not at all.
func (a auto) remember(all []choice) error {
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(a.state, 0o700); err != nil {
		return err
	}
	part := a.file() + ".part"
	if err := os.WriteFile(part, append(data, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(part, a.file())
}

// processor names the kind of processor, from /proc/cpuinfo: its model name with
// family and model (a virtual machine may say no more than "AMD EPYC"), or what
// Arm's say instead; the architecture where there is neither.
func processor() string {
	data, _ := os.ReadFile("/proc/cpuinfo") // without it, nothing is found below
	return processorOf(data)
}

func processorOf(cpuinfo []byte) string {
	first, _, _ := bytes.Cut(cpuinfo, []byte("\n\n")) // the first core
	said := map[string]string{}
	for line := range bytes.Lines(first) {
		key, value, _ := strings.Cut(string(line), ":")
		said[strings.TrimSpace(key)] = strings.TrimSpace(value)
	}
	switch {
	case said["model name"] != "" && said["cpu family"] != "":
		return fmt.Sprintf("%s, family %s model %s", said["model name"], said["cpu family"], said["model"])
	case said["model name"] != "":
		return said["model name"]
	case said["CPU part"] != "":
		return strings.Join([]string{"Arm", said["CPU implementer"], said["CPU part"], said["CPU variant"]}, " ")
	}
	return runtime.GOARCH
}
