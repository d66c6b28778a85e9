package measure

import (
	"context"
	"fmt"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/decode"
	"pantau/sidecar/internal/ap"
)

// Detector is a model at work; inference.Detector is one.
type Detector interface {
	Name() string
	Detect(ctx context.Context, next func() *sidecar.Frame, dst []sidecar.Detection) (*sidecar.Frame, []sidecar.Detection, error)
	CPU() time.Duration // of the model alone
}

// Model is one detector to be measured.
type Model struct {
	Detector
	Label string       // how it is called in the tables
	Input int          // pixels of the input's longer side
	Look  sidecar.Look // what it looks at; empty: the whole picture
}

// Report is what came out.
type Report struct {
	Pictures int
	Names    []string
	Models   []Measured
}

// Measured is one model's figures.
type Measured struct {
	Model    string
	Label    string
	Input    int
	CPU      time.Duration // of the model, per picture
	ap.Point               // where its F1 is best
	Figures  []ap.Figure
	Pictures []ap.Picture // in the order of the report's names
}

// Run has each picture seen by all models and computes their figures.
func Run(ctx context.Context, s Set, all []Model, o ap.Options, say func(done, of int)) (Report, error) {
	names, err := s.Names()
	if err != nil {
		return Report{}, err
	}
	r := Report{Pictures: len(names), Names: names}
	for _, m := range all {
		r.Models = append(r.Models, Measured{Model: m.Name(), Label: m.Label, Input: m.Input})
	}
	for i, name := range names {
		if err := r.picture(ctx, s, name, all); err != nil {
			return r, fmt.Errorf("measuring on %s: %w", name, err)
		}
		say(i+1, len(names))
	}
	for i := range r.Models {
		m := &r.Models[i]
		m.CPU /= time.Duration(len(names))
		m.Figures, m.Point = ap.Evaluate(m.Pictures, o), ap.BestPoint(m.Pictures)
	}
	return r, nil
}

// picture has one picture seen by all models.
func (r *Report) picture(ctx context.Context, s Set, name string, all []Model) error {
	frame, err := s.open(name)
	if err != nil {
		return err
	}
	defer frame.Release()
	width, height := frame.Picture.Size()
	truth, err := s.Truth(name, width, height)
	if err != nil {
		return err
	}
	for i, m := range all {
		frame.Crops = s.crops(m, truth, width, height)
		before := m.CPU()
		_, found, err := m.Detect(ctx, func() *sidecar.Frame { return frame }, nil)
		r.Models[i].CPU += m.CPU() - before
		if err != nil {
			return err
		}
		p := ap.Picture{Truth: s.atLine(truth, width, height)}
		scale := float64(ap.LongSide) / float64(max(width, height))
		w, h := float64(width)*scale, float64(height)*scale
		for _, f := range found {
			b := sidecar.Box{Left: f.Box.Left * w, Top: f.Box.Top * h, Right: f.Box.Right * w, Bottom: f.Box.Bottom * h}
			if s.near(b, width, height) {
				p.Found = append(p.Found, ap.Object{Class: f.Class, Score: f.Score, Box: b})
			}
		}
		r.Models[i].Pictures = append(r.Models[i].Pictures, p)
	}
	return nil
}

// open decodes a picture as a clip of one frame.
func (s Set) open(name string) (*sidecar.Frame, error) {
	path, err := s.Picture(name)
	if err != nil {
		return nil, err
	}
	f, err := decode.OpenFile(path, decode.FileOptions{})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Next()
}
