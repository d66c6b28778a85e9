package accuracy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/goccy/go-yaml"
	"golang.org/x/image/draw"

	boxes "pantau/overlays/draw"
	"pantau/sidecar"
	"pantau/sidecar/internal/score"
	"pantau/sidecar/pipeline"
)

// The measures of a picture: three frames side by side.
const (
	apart   = 0.6  // seconds from one frame to the next
	panel   = 300  // width of a frame, pixels
	between = 4    // of the frames, pixels
	margin  = 0.12 // around the line, of the whole picture
	jpegs   = 70   // quality
	budget  = 1400 << 10
)

// Notes are what a person wrote of the pictures. They outlive a run.
type Notes struct {
	// Clips says where a clip is from and what its licence asks to be named. Of
	// one that is not here no picture is published.
	Clips map[string]string `yaml:"clips"`
	Why   []Why             `yaml:"why"`
}

// Why is what is seen in a picture, in one line.
type Why struct {
	Clip      string            `yaml:"clip"`
	Kind      string            `yaml:"kind"` // missed, false
	At        float64           `yaml:"at"`   // seconds; within half a second it is the same
	Direction sidecar.Direction `yaml:"dir"`
	Model     string            `yaml:"model"` // empty: any
	Text      string            `yaml:"text"`
}

// ReadNotes reads notes; a file that is not there has none.
func ReadNotes(path string) (n Notes, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return n, nil
	}
	if err != nil {
		return n, err
	}
	if err := yaml.UnmarshalWithOptions(text, &n, yaml.Strict()); err != nil {
		return n, &sidecar.Fault{Err: fmt.Errorf("reading %s: %w", path, err), Hint: "it has clips: and why:, as docs/how-to/measure-accuracy.md shows"}
	}
	return n, nil
}

// of gives the line about a fault; empty if there is none.
func (n Notes) of(clip, model string, f Fault) string {
	const same = 0.5
	for _, w := range n.Why {
		if w.Clip == clip && w.Kind == f.Kind && w.Direction == f.Direction && math.Abs(w.At-f.T) <= same && (w.Model == "" || w.Model == model) {
			return w.Text
		}
	}
	return ""
}

// Fault is a miss or a false count.
type Fault struct {
	Kind string // missed, false
	score.Crossing
	Picture string // its file in Options.Pictures; empty: there is none
}

// faultsOf lists what is wrong in a result.
func faultsOf(r score.Result) []Fault {
	var all []Fault
	for _, c := range r.Missed {
		all = append(all, Fault{Kind: "missed", Crossing: c})
	}
	for _, c := range r.False {
		all = append(all, Fault{Kind: "false", Crossing: c})
	}
	return all
}

// gallery is the pictures of one run.
type gallery struct {
	dir   string // empty: no pictures are made
	notes Notes
	kept  map[string]bool // files
	size  int             // bytes of all
}

// add makes pictures of the faults of one count. before are counts of the same
// clip and model at other rates: what is in their pictures gets no other one.
func (g *gallery) add(ctx context.Context, d pipeline.Detector, clip string, a sidecar.Analyse, c *Counted, before []Counted) error {
	c.Faults = faultsOf(c.Result)
	if g.dir == "" || g.notes.Clips[c.Clip] == "" {
		return nil
	}
	var fresh []*Fault
	for i := range c.Faults {
		f := &c.Faults[i]
		if f.Picture = known(*f, before, c.Truth.Tolerance); f.Picture == "" && g.size < budget {
			fresh = append(fresh, f)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	strips, err := film(ctx, d, clip, a, c, fresh)
	if err != nil {
		return err
	}
	for i, f := range fresh {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, strips[i], &jpeg.Options{Quality: jpegs}); err != nil {
			return err
		}
		if g.size += b.Len(); g.size > budget {
			return nil
		}
		name := fmt.Sprintf("%s-%s-%s-%s-%.1f.jpg", c.Model, c.Clip, f.Kind, f.Direction, f.T)
		if err := os.WriteFile(filepath.Join(g.dir, name), b.Bytes(), 0o644); err != nil {
			return &sidecar.Fault{Err: err, Hint: "name a folder that can be written with --pictures"}
		}
		f.Picture, g.kept[name] = name, true
	}
	return nil
}

// known gives the picture of the same fault at another rate.
func known(f Fault, before []Counted, tolerance float64) string {
	for _, c := range before {
		for _, old := range c.Faults {
			if old.Kind == f.Kind && old.Direction == f.Direction && math.Abs(old.T-f.T) <= tolerance && old.Picture != "" {
				return old.Picture
			}
		}
	}
	return ""
}

// clean removes pictures of earlier runs.
func (g *gallery) clean() error {
	old, err := filepath.Glob(filepath.Join(g.dir, "*.jpg"))
	if err != nil || g.dir == "" {
		return err
	}
	for _, path := range old {
		if !g.kept[filepath.Base(path)] {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// film counts the clip once more and keeps the frames before, at and after each fault.
func film(ctx context.Context, d pipeline.Detector, clip string, a sidecar.Analyse, c *Counted, faults []*Fault) ([]*image.RGBA, error) {
	strips := make([]*image.RGBA, len(faults))
	nearest := make([][3]float64, len(faults)) // seconds from what was wanted
	for i := range nearest {
		nearest[i] = [3]float64{math.Inf(1), math.Inf(1), math.Inf(1)}
	}
	close := 1 / min(c.FPS, max(c.Truth.FPS, 1))
	rule := c.Truth.Rule
	shown := func(f *sidecar.Frame, s *sidecar.Scene, totals []sidecar.CountRow) error {
		var img *image.YCbCr
		for i, fault := range faults {
			for j := range 3 {
				wanted := max(0, fault.T+float64(j-1)*apart)
				off := math.Abs(f.Media().Seconds() - wanted)
				if off > close || off >= nearest[i][j] {
					continue
				}
				nearest[i][j] = off
				if img == nil {
					var err error
					if img, err = f.Picture.YCbCr(); err != nil {
						return err
					}
					boxes.Scene(img, s, []sidecar.Function{rule}, boxes.Options{Totals: totals})
				}
				place(&strips[i], img, part(img.Rect, rule, fault.At), j)
			}
		}
		return nil
	}
	if err := run(ctx, d, clip, rule, a, nil, &memory{}, shown); err != nil {
		return nil, err
	}
	for i := range strips {
		if strips[i] == nil {
			return nil, fmt.Errorf("picturing the fault at %.1f s: there is no frame", faults[i].T)
		}
	}
	return strips, nil
}

// part is the part of the picture that is shown: where the line was crossed, or,
// if nobody knows, the whole line.
func part(whole image.Rectangle, rule sidecar.Function, at *sidecar.Point) image.Rectangle {
	const wide, high = 0.5, 0.6 // of the picture
	left, top, right, bottom := 1.0, 1.0, 0.0, 0.0
	for _, p := range rule.Line {
		left, right = min(left, p.X()-margin), max(right, p.X()+margin)
		top, bottom = min(top, p.Y()-margin), max(bottom, p.Y()+margin)
	}
	if at != nil {
		left, right, top, bottom = at.X(), at.X(), at.Y(), at.Y()
	}
	left, right = within(left, right, wide)
	top, bottom = within(top, bottom, high)
	w, h := float64(whole.Dx()), float64(whole.Dy())
	return image.Rect(int(left*w), int(top*h), int(right*w), int(bottom*h))
}

// within widens a range to the least length, and moves it into 0..1.
func within(from, to, least float64) (float64, float64) {
	if short := least - (to - from); short > 0 {
		from, to = from-short/2, to+short/2
	}
	length := min(1, to-from)
	from = max(0, min(1-length, from))
	return from, from + length
}

// place puts a part of a picture into panel j of a strip, which is made for the first.
func place(strip **image.RGBA, img image.Image, part image.Rectangle, j int) {
	height := max(1, part.Dy()*panel/max(1, part.Dx()))
	if *strip == nil {
		*strip = image.NewRGBA(image.Rect(0, 0, 3*panel+2*between, height))
		draw.Draw(*strip, (*strip).Rect, image.White, image.Point{}, draw.Src)
	}
	at := image.Rect(0, 0, panel, height).Add(image.Pt(j*(panel+between), 0))
	draw.CatmullRom.Scale(*strip, at, img, part, draw.Src, nil)
}

// sources lists the clips of pictures with where they are from.
func (n Notes) sources(all []Counted) []string {
	var lines []string
	for _, clip := range distinct(all, func(c Counted) string { return c.Clip }) {
		pictured := slices.ContainsFunc(all, func(c Counted) bool {
			return c.Clip == clip && slices.ContainsFunc(c.Faults, func(f Fault) bool { return f.Picture != "" })
		})
		if pictured {
			lines = append(lines, fmt.Sprintf("`%s`: %s", clip, n.Clips[clip]))
		}
	}
	return lines
}
