package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"pantau/overlays/draw"
	"pantau/overlays/encode"
	"pantau/sidecar"
	"pantau/sidecar/config"
	"pantau/sidecar/decode"
	"pantau/sidecar/look"
	"pantau/sidecar/pipeline"
	"pantau/sidecar/publish"
)

// analyseCmd is `pantau analyse`.
type analyseCmd struct {
	Clip  string    `arg:"" help:"Video file; any format that libav reads."`
	Rules string    `required:"" help:"What to count: a YAML file with functions:, as in a camera of the configuration." placeholder:"FILE"`
	Model string    `help:"Model to use. Default: the one of the rules, else auto: the one that this machine is faster with." placeholder:"NAME"`
	FPS   float64   `help:"Frames per second to look at. Default: the one of the rules, else 10." placeholder:"N"`
	Look  string    `help:"What of the picture to look at: auto, whole or close. Default: the one of the rules, else auto." placeholder:"LOOK"`
	Start time.Time `help:"When the clip begins (RFC 3339), so that its counts lie in the right minutes." default:"1970-01-01T00:00:00Z" placeholder:"TIME"`
	Out   string    `help:"Write events and counts as JSON lines. The same clip always gives the same bytes." placeholder:"FILE"`
	Video string    `help:"Write the clip with boxes and counts drawn in (MP4)." placeholder:"FILE"`
	JSON  bool      `help:"Print the totals as JSON."`
}

// Help is the longer text of --help.
func (analyseCmd) Help() string {
	return `Runs the same stages over a file as over a camera, as fast as they go.

  cat >rules.yaml <<END
  functions:
    - {id: road, kind: line, line: [[0.27, 0.85], [0.92, 0.85]], classes: [car, motorcycle, bus, truck]}
  END
  pantau analyse street.mp4 --rules rules.yaml --out events.jsonl --video overlay.mp4`
}

// Run carries out the command.
func (c *analyseCmd) Run(ctx context.Context) (err error) {
	if err := c.apart(); err != nil {
		return err
	}
	camera, err := c.camera()
	if err != nil {
		return err
	}
	clip, err := decode.OpenFile(c.Clip, decode.FileOptions{Start: c.Start.UTC(), Mask: camera.Analyse.Mask})
	if err != nil {
		return err
	}
	defer clip.Close()
	state, err := statePath("")
	if err != nil {
		return err
	}
	models, err := quietDetectors(state)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, models.close()) }()
	detector, err := models.get(camera.Analyse.Model)
	if err != nil {
		return err
	}
	run := pipeline.File{Camera: camera, Clip: clip, Detector: detector, Workers: runtime.NumCPU(), Sink: nowhere{}}
	if c.Out != "" {
		finish, err := c.write(ctx, &run)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, finish()) }()
	}
	if c.Video != "" {
		finish, err := c.film(&run, clip.Info())
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, finish()) }()
	}
	bar := newProgress(os.Stderr, clip.Info().Duration, c.JSON)
	run.Progress = bar.at
	var looking sidecar.Looking
	run.Looking = func(l sidecar.Looking) { looking = l }
	begun := time.Now()
	totals, err := pipeline.Analyse(ctx, run)
	bar.end()
	if err != nil {
		return err
	}
	return c.report(totals, clip, detector.Name(), looking, time.Since(begun))
}

// camera makes a camera of the clip and the rules.
func (c *analyseCmd) camera() (sidecar.Camera, error) {
	rules, err := config.LoadRules(c.Rules, checks())
	if err != nil {
		return sidecar.Camera{}, err
	}
	camera := sidecar.Camera{
		ID: cameraID(c.Clip), Timezone: "UTC", Source: sidecar.Source{File: c.Clip},
		Analyse: rules.Analyse, Functions: rules.Functions,
	}
	if c.Model != "" {
		if err := known(c.Model); err != nil {
			return camera, err
		}
		camera.Analyse.Model = c.Model
	}
	switch look := sidecar.Look(c.Look); look {
	case "":
	case sidecar.LookAuto, sidecar.LookWhole, sidecar.LookClose:
		camera.Analyse.Look = look
	default:
		return camera, &sidecar.FieldError{Field: "--look", Problem: fmt.Sprintf("unknown way to look %q", c.Look), Remedy: "use auto, whole or close"}
	}
	if c.FPS < 0 || c.FPS > 120 {
		return camera, &sidecar.FieldError{Field: "--fps", Problem: fmt.Sprintf("%g frames per second", c.FPS), Remedy: "use up to 120"}
	}
	if c.FPS > 0 {
		camera.Analyse.FPS = c.FPS
	}
	return camera, nil
}

// cameraID makes an id of a file's name.
func cameraID(path string) string {
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' {
			return r
		}
		return '-'
	}, name)
}

// write has the facts written as JSON lines.
func (c *analyseCmd) write(ctx context.Context, run *pipeline.File) (finish func() error, err error) {
	publisher, err := publish.New(ctx, publish.Options{Node: "file", JSONL: &publish.JSONL{Path: c.Out}, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return c.Start }})
	if err != nil {
		return nil, err
	}
	p := newParts()
	p.start("writing "+c.Out, publisher.Run)
	run.Sink = publisher
	return p.stop, nil
}

// film has each analysed frame drawn and encoded.
func (c *analyseCmd) film(run *pipeline.File, info decode.Info) (finish func() error, err error) {
	rate := pipeline.FPS(run.Camera)
	if info.FPS > 0 {
		rate = min(rate, info.FPS)
	}
	film, err := encode.NewMP4(c.Video, info.Width, info.Height, rate)
	if err != nil {
		return nil, err
	}
	var painter draw.Painter
	run.Shown = func(f *sidecar.Frame, s *sidecar.Scene, totals []sidecar.CountRow) error {
		picture, err := f.Picture.YCbCr()
		if err != nil {
			return fmt.Errorf("copying a picture: %w", err)
		}
		painter.Scene(picture, s, run.Camera.Functions, draw.Options{Totals: totals})
		return film.Write(picture, f.Media())
	}
	return film.Close, nil
}

// apart refuses to write over what is read, and over what is written.
func (c *analyseCmd) apart() error {
	files := []struct{ flag, path string }{{"CLIP", c.Clip}, {"--rules", c.Rules}, {"--out", c.Out}, {"--video", c.Video}}
	for i, a := range files {
		for _, b := range files[:i] {
			if a.path != "" && b.path != "" && same(a.path, b.path) {
				return &sidecar.FieldError{Field: a.flag, Problem: a.path + " is also " + b.flag, Remedy: "give it a name of its own"}
			}
		}
	}
	return nil
}

// same says whether two paths lead to one file, which need not exist yet.
func same(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	if errX == nil && errY == nil {
		return os.SameFile(x, y)
	}
	return filepath.Clean(a) == filepath.Clean(b)
}

// report prints the totals.
func (c *analyseCmd) report(totals []sidecar.CountRow, clip *decode.File, model string, looking sidecar.Looking, took time.Duration) error {
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(map[string]any{
			"clip": c.Clip, "model": model, "seconds": clip.Info().Duration.Seconds(), "broken": clip.Broken(), "looking": looking, "rows": totals,
		})
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "FUNCTION\tWHAT\tCLASS\tDIRECTION\tN\t")
	quiet := 0
	for _, r := range totals {
		n, ok := number(r)
		if !ok {
			quiet++
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t\n", r.Rule, r.Kind, r.Class, way(r), n)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if quiet > 0 {
		fmt.Printf("and %d rows of zero\n", quiet)
	}
	length := clip.Info().Duration
	fmt.Printf("\n%s: %v with %s in %v (%.1f × real time)", c.Clip, length.Round(time.Second/10), model, took.Round(time.Second/10), length.Seconds()/took.Seconds())
	if n := clip.Broken(); n > 0 {
		fmt.Printf("; %d broken pictures were passed over", n)
	}
	fmt.Println()
	for i, line := range look.Explain(looking, 0) {
		fmt.Println([2]string{"looked at ", "          "}[min(i, 1)] + line)
	}
	for _, made := range []string{c.Out, c.Video} {
		if made != "" {
			fmt.Println("wrote", made)
		}
	}
	return nil
}

// way is a row's direction, or the lines of a turn.
func way(r sidecar.CountRow) string {
	if r.Kind == sidecar.Turned {
		return r.From + " → " + r.To
	}
	return string(r.Direction)
}

// number prints a row's number; false if it is zero.
func number(r sidecar.CountRow) (string, bool) {
	switch {
	case r.N != nil:
		return fmt.Sprint(*r.N), *r.N != 0
	case r.Mean != nil && r.Max != nil:
		return fmt.Sprintf("mean %.2f, most %d", *r.Mean, *r.Max), *r.Max != 0
	}
	return "", false
}

// nowhere is the sink of a run that is only counted.
type nowhere struct{}

func (nowhere) Scene(*sidecar.Scene)                                          {}
func (nowhere) Facts(context.Context, []sidecar.Event, []sidecar.Count) error { return nil }
func (nowhere) Health(sidecar.StateChange)                                    {}

// progress shows how far a run has come, where a person looks.
type progress struct {
	w     io.Writer
	whole time.Duration
	shown time.Time
	begun time.Time
}

func newProgress(f *os.File, whole time.Duration, quiet bool) *progress {
	p := &progress{whole: whole, begun: time.Now()}
	if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 && !quiet {
		p.w = f
	}
	return p
}

func (p *progress) at(s *sidecar.Scene) {
	if p.w == nil || time.Since(p.shown) < 200*time.Millisecond {
		return
	}
	p.shown = time.Now()
	media := s.Media()
	fmt.Fprintf(p.w, "\r\033[K%v", media.Round(time.Second))
	if p.whole > 0 && media > 0 {
		left := time.Duration(float64(time.Since(p.begun)) * (float64(p.whole)/float64(media) - 1))
		fmt.Fprintf(p.w, " of %v, %.0f %%, %v to go", p.whole.Round(time.Second), 100*float64(media)/float64(p.whole), left.Round(time.Second))
	}
}

func (p *progress) end() {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\033[K")
	}
}
