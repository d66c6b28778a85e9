package accuracy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/decode"
	"pantau/sidecar/internal/score"
	"pantau/sidecar/look"
	"pantau/sidecar/pipeline"
)

// Full is the frame rate that stands for every frame of a clip.
const Full = 120.0

// Options say what to count.
type Options struct {
	Clips   string         // folder of the clips and their truths (NAME.json)
	Others  []string       // folders where a truth's clip is looked for besides
	Models  []*Model       // in the order of the tables
	FPS     []float64      // Full: every frame
	Look    []sidecar.Look // what of the pictures is looked at; empty: as a camera that does not say
	Learned bool           // each clip is looked at twice: the second time with what the first showed of the objects' sizes
	Cache   string         // folder for detections; empty: they are forgotten
	// Pictures is the folder for pictures of misses and false counts; empty: none are made.
	Pictures string
	Notes    Notes             // what is known of them
	Say      func(line string) // what is being done
}

// Detector is a detector that says what it takes; inference.Detector is one.
type Detector interface {
	pipeline.Detector
	pipeline.Sizer
}

// Model is a detector to count with.
type Model struct {
	Detector
	Label string
	Key   string // names the weights and their input, for the cache
}

// Counted is how one clip was counted with one model at one rate.
type Counted struct {
	Clip, Model string
	FPS         float64
	Truth       score.Truth
	Result      score.Result
	Megapixels  float64 // of input for a frame, the mean
	Faults      []Fault // of the result, with their pictures
}

// Run counts every clip with every model at every rate.
func Run(ctx context.Context, o Options) ([]Counted, error) {
	paths, err := filepath.Glob(filepath.Join(o.Clips, "*.json"))
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	if len(paths) == 0 {
		return nil, &sidecar.Fault{Err: fmt.Errorf("no truth (*.json) in %s", o.Clips), Hint: "name a folder of clips with --clips"}
	}
	g := &gallery{dir: o.Pictures, notes: o.Notes, kept: map[string]bool{}}
	if o.Pictures != "" {
		if err := os.MkdirAll(o.Pictures, 0o755); err != nil {
			return nil, &sidecar.Fault{Err: err, Hint: "name a folder that can be written with --pictures"}
		}
	}
	var all []Counted
	for _, path := range paths {
		truth, err := score.Read(path)
		if err != nil {
			return nil, err
		}
		clip, err := o.find(truth.Clip)
		if err != nil {
			o.Say(fmt.Sprintf("%s is left out: %v", filepath.Base(path), err))
			continue
		}
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		for _, m := range o.Models {
			counted, err := o.clip(ctx, m, name, clip, truth, g)
			if err != nil {
				return all, fmt.Errorf("counting in %s with %s: %w", name, m.Label, err)
			}
			all = append(all, counted...)
		}
	}
	return all, g.clean()
}

// find gives the path of a clip.
func (o Options) find(clip string) (string, error) {
	for _, dir := range append([]string{o.Clips}, o.Others...) {
		path := filepath.Join(dir, filepath.Base(clip))
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not here", clip)
}

// clip counts one clip with one model at each rate. What the model saw is kept
// even if something fails.
func (o Options) clip(ctx context.Context, m *Model, name, clip string, truth score.Truth, g *gallery) (all []Counted, err error) {
	d := Record(m)
	if o.Cache != "" {
		path := filepath.Join(o.Cache, name+"-"+m.Key+".gob")
		if err := d.Load(path); err != nil {
			return nil, err
		}
		defer func() {
			if d.looked > 0 {
				err = errors.Join(err, d.Save(path))
			}
		}()
	}
	looks := o.Look
	if len(looks) == 0 {
		looks = []sidecar.Look{""}
	}
	for _, part := range looks {
		label := m.Label
		if len(looks) > 1 {
			label += ", " + string(part)
		}
		for _, fps := range o.FPS {
			crossings, err := o.count(ctx, d, clip, truth.Rule, sidecar.Analyse{FPS: fps, Look: part})
			if err != nil {
				return all, err
			}
			c := Counted{Clip: name, Model: label, FPS: fps, Truth: truth, Result: truth.Match(crossings), Megapixels: d.megapixels()}
			o.Say(fmt.Sprintf("%-20s %-16s %3.0f fps  %v  (%.3f megapixels a frame, %d frames looked at)", name, label, fps, c.Result, c.Megapixels, d.looked))
			if err := g.add(ctx, d, clip, sidecar.Analyse{FPS: fps, Look: part}, &c, all); err != nil {
				return all, err
			}
			all = append(all, c)
		}
	}
	return all, nil
}

// count counts, where that is wanted as a camera does that has run for a while.
func (o Options) count(ctx context.Context, d *Recorded, clip string, rule sidecar.Function, a sidecar.Analyse) ([]score.Crossing, error) {
	if !o.Learned {
		return Count(ctx, d, clip, rule, a, nil)
	}
	watch := look.NewWatch([]sidecar.Function{rule})
	if _, err := Count(ctx, d, clip, rule, sidecar.Analyse{FPS: a.FPS, Look: sidecar.LookWhole}, watch); err != nil {
		return nil, err
	}
	d.megapixels()
	return Count(ctx, d, clip, rule, a, watch)
}

// Count runs the product's stages over a clip and gives the crossings of a line.
// The watch is what is known of the objects there; nil is nothing.
func Count(ctx context.Context, d pipeline.Detector, clip string, rule sidecar.Function, a sidecar.Analyse, watch *look.Watch) ([]score.Crossing, error) {
	var kept memory
	err := run(ctx, d, clip, rule, a, watch, &kept, nil)
	return score.Crossings(kept.events, rule.ID), err
}

// run runs the stages over a clip.
func run(ctx context.Context, d pipeline.Detector, clip string, rule sidecar.Function, a sidecar.Analyse, watch *look.Watch, kept *memory,
	shown func(*sidecar.Frame, *sidecar.Scene, []sidecar.CountRow) error) error {
	file, err := decode.OpenFile(clip, decode.FileOptions{Start: time.Unix(0, 0).UTC()})
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = pipeline.Analyse(ctx, pipeline.File{
		Camera: sidecar.Camera{ID: "clip", Analyse: a, Functions: []sidecar.Function{rule}},
		Clip:   file, Detector: d, Workers: 1, Sink: kept, Watch: watch, Shown: shown,
	})
	return err
}

// memory is a sink that keeps the events.
type memory struct {
	mu     sync.Mutex
	events []sidecar.Event
}

// Scene is not kept.
func (*memory) Scene(*sidecar.Scene) {}

// Health does not happen in clips.
func (*memory) Health(sidecar.StateChange) {}

// Facts keeps the events.
func (m *memory) Facts(_ context.Context, events []sidecar.Event, _ []sidecar.Count) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = append(m.events, events...)
	return nil
}
