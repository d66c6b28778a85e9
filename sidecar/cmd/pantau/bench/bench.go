// Package bench measures what each stage costs on this machine, beside a peer in
// the same run: the two take turns, and the median of the ratios is the result,
// so that a machine which is slower at noon is slower for both.
package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"pantau/inference/models"
	"pantau/sidecar"
)

// Options say what to measure with.
type Options struct {
	Program string // pantau itself: its own parts are measured as processes
	Library string // ONNX Runtime's library
	Model   models.Model
	Models  string // folder of the models
	Clip    string // MP4 of a real street
	Dir     string // for clips made from it, and for state
	Node    string // folder with node_modules/onnxruntime-node, for the peer
	Rounds  int
	Say     func(string) // one line for each thing that is done
}

// Result is one line of the table.
type Result struct {
	Name    string    `json:"name"`
	Value   float64   `json:"value"` // the median
	Unit    string    `json:"unit"`
	Goal    string    `json:"goal"`
	Reached bool      `json:"reached"`
	Rounds  []float64 `json:"rounds"`
	Detail  string    `json:"detail"`
}

// sections are what can be measured, in the order of the table.
var sections = []struct {
	name string
	run  func(context.Context, Options) ([]Result, error)
}{
	{"decode", decoding},
	{"pipeline", pipelines}, // inference, share of everything else, streams a core
	{"workers", workers},
	{"allocations", allocations},
	{"memory", memory},
	{"overlay", burning},
}

// Check refuses what is no section.
func Check(names []string) error {
	var known []string
	for _, s := range sections {
		known = append(known, s.name)
	}
	for _, n := range names {
		if !slices.Contains(known, n) {
			return &sidecar.FieldError{Field: "sections", Problem: fmt.Sprintf("there is no section %q", n), Remedy: "use " + strings.Join(known, ", ")}
		}
	}
	return nil
}

// Run measures the named sections; none means all.
func Run(ctx context.Context, o Options, names []string) ([]Result, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making a folder for the benchmark: %w", err)
	}
	var all []Result
	for _, s := range sections {
		if len(names) > 0 && !slices.Contains(names, s.name) {
			continue
		}
		results, err := s.run(ctx, o)
		if err != nil {
			return all, fmt.Errorf("measuring %s: %w", s.name, err)
		}
		all = append(all, results...)
	}
	return all, nil
}

// Print writes the table.
func Print(w io.Writer, all []Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "WHAT\tMEDIAN\tGOAL\t\tDETAIL")
	for _, r := range all {
		mark := "reached"
		if !r.Reached {
			mark = "MISSED"
		}
		if r.Goal == "" {
			mark = ""
		}
		fmt.Fprintf(t, "%s\t%s %s\t%s\t%s\t%s\n", r.Name, figure(r.Value), r.Unit, r.Goal, mark, r.Detail)
	}
	return t.Flush()
}

func figure(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// atMost and atLeast judge a median.
func atMost(name, unit string, limit float64, rounds []float64, detail string) Result {
	m := median(rounds)
	return Result{Name: name, Value: m, Unit: unit, Goal: "≤ " + figure(limit), Reached: m <= limit, Rounds: rounds, Detail: detail}
}

func atLeast(name, unit string, limit float64, rounds []float64, detail string) Result {
	m := median(rounds)
	return Result{Name: name, Value: m, Unit: unit, Goal: "≥ " + figure(limit), Reached: m >= limit, Rounds: rounds, Detail: detail}
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// clip makes a clip of the street: scaled, at a rate and a bit rate, without
// B pictures and with a key frame every two seconds, as cameras send it. It is
// made once.
func (o Options) clip(ctx context.Context, width, height, rate int, bits string, seconds int) (string, error) {
	path := filepath.Join(o.Dir, fmt.Sprintf("street-%dx%d-%d-%s-%ds.mp4", width, height, rate, bits, seconds))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	o.Say(fmt.Sprintf("making a clip of %d×%d at %d frames/s, %s", width, height, rate, bits))
	_, err := command(ctx, "ffmpeg", "-nostdin", "-v", "error", "-y", "-stream_loop", "-1", "-i", o.Clip, "-t", fmt.Sprint(seconds),
		"-vf", fmt.Sprintf("scale=%d:%d,fps=%d", width, height, rate), "-an", "-c:v", "libx264", "-preset", "veryfast", "-bf", "0",
		"-g", fmt.Sprint(2*rate), "-b:v", bits, "-maxrate", bits, "-bufsize", bits, "-pix_fmt", "yuv420p", path+".part.mp4")
	if err != nil {
		return "", err
	}
	return path, os.Rename(path+".part.mp4", path)
}
