package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"pantau/inference"
	"pantau/inference/models"
	"pantau/sidecar"
	"pantau/sidecar/config"
	"pantau/sidecar/look"
	"pantau/sidecar/pipeline"
	"pantau/sidecar/tap"
)

// look tells in plain lines what of the picture is looked at.
func (c *probeCmd) look(ctx context.Context, source sidecar.Source) error {
	fmt.Fprintf(os.Stderr, "watching for %v with the functions of %s …\n", c.Watch, c.Rules)
	looking, perMegapixel, err := c.watch(ctx, source)
	if err != nil {
		return err
	}
	for i, line := range look.Explain(looking, perMegapixel) {
		fmt.Println([2]string{"looks at    ", "            "}[min(i, 1)] + line)
	}
	if fix := yamlOf(looking); fix != "" {
		fmt.Println("to fix it   analyse: {" + fix + "}")
	}
	return nil
}

// lookJSON prints the same, with what is known of the stream, as JSON.
func (c *probeCmd) lookJSON(ctx context.Context, source sidecar.Source, info tap.Info) error {
	looking, perMegapixel, err := c.watch(ctx, source)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(struct {
		tap.Info
		Looking sidecar.Looking `json:"looking"`
		CPU     float64         `json:"infer_ms"` // of a frame, on one thread
	}{info, looking, looking.Megapixels * perMegapixel})
}

// watch runs the stages over the stream for a while. It gives what is looked at
// then, and what a million pixels of input cost here, ms.
func (c *probeCmd) watch(ctx context.Context, source sidecar.Source) (l sidecar.Looking, perMegapixel float64, err error) {
	rules, err := config.LoadRules(c.Rules, checks())
	if err != nil {
		return l, 0, err
	}
	state, err := statePath("")
	if err != nil {
		return l, 0, err
	}
	all, err := quietDetectors(state)
	if err != nil {
		return l, 0, err
	}
	defer func() { err = errors.Join(err, all.close()) }()
	detector, err := all.get(rules.Analyse.Model)
	if err != nil {
		return l, 0, err
	}
	if perMegapixel, err = all.pace(rules.Analyse.Model); err != nil {
		return l, 0, err
	}
	line := pipeline.New(pipeline.Options{Camera: sidecar.Camera{ID: "probe", Timezone: "UTC", Source: source, Analyse: rules.Analyse, Functions: rules.Functions},
		Detector: detector, Sink: nowhere{}})
	watching, stop := context.WithTimeout(ctx, c.Watch)
	defer stop()
	if err := line.Run(watching); err != nil && watching.Err() == nil {
		return l, 0, err
	}
	status := line.Status()
	if status.Looking.Cost == 0 {
		return l, 0, &sidecar.Fault{Err: errors.New("no frame was analysed"), Hint: "watch for longer with --watch"}
	}
	return status.Looking, perMegapixel, ctx.Err()
}

// pace is the processor time that a million pixels of input cost a model, ms.
func (d *detectors) pace(name string) (float64, error) {
	d.mu.Lock()
	model, err := d.find(name)
	d.mu.Unlock()
	if err != nil {
		return 0, err
	}
	paces, err := inference.Measure(d.library, d.folder, []models.Model{model})
	if err != nil {
		return 0, err
	}
	box := model.Letterbox(16, 9)
	return float64(paces[0].Frame) / float64(time.Millisecond) / (float64(box.Width*box.Height) / 1e6), nil
}

// yamlOf writes the parts as they stand in a configuration; empty where the whole
// picture is looked at.
func yamlOf(l sidecar.Looking) string {
	if len(l.Crops) == 0 {
		return ""
	}
	text := "parts: ["
	for i, c := range l.Crops {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("[%.3f, %.3f, %.3f, %.3f]", c.Region.Left, c.Region.Top, c.Region.Right, c.Region.Bottom)
	}
	return text + "]"
}
