package measure

import (
	"math"
	"slices"

	"pantau/sidecar"
	"pantau/sidecar/internal/ap"
	"pantau/sidecar/look"
	"pantau/sidecar/pipeline"
)

// function is the line of a set, as a function of a camera.
func (s Set) function() sidecar.Function {
	return sidecar.Function{ID: "line", Kind: "line", Line: s.Line}
}

// core is the rectangle around the line, in the unit of all boxes.
func (s Set) core(width, height int) sidecar.Box {
	core, _ := look.Core(s.function())
	scale := float64(ap.LongSide) / float64(max(width, height))
	w, h := float64(width)*scale, float64(height)*scale
	return sidecar.Box{Left: core.Left * w, Top: core.Top * h, Right: core.Right * w, Bottom: core.Bottom * h}
}

// meets says whether two boxes have a point in common.
func meets(a, b sidecar.Box) bool {
	return a.Left <= b.Right && b.Left <= a.Right && a.Top <= b.Bottom && b.Top <= a.Bottom
}

// atLine gives the labels with those that are not at the line as regions to be ignored.
func (s Set) atLine(truth []ap.Object, width, height int) []ap.Object {
	if len(s.Line) == 0 {
		return truth
	}
	truth = slices.Clone(truth)
	for i := range truth {
		truth[i].Ignore = truth[i].Ignore || !meets(truth[i].Box, s.core(width, height))
	}
	return truth
}

// near says whether a detection is at the line, or almost.
func (s Set) near(b sidecar.Box, width, height int) bool {
	const almost = 0.1 // of its own size
	x, y := almost*b.Width(), almost*b.Height()
	return len(s.Line) == 0 || meets(sidecar.Box{Left: b.Left - x, Top: b.Top - y, Right: b.Right + x, Bottom: b.Bottom + y}, s.core(width, height))
}

// crops gives what a model looks at: what a camera would that has seen such
// objects at the line as are labelled in this picture.
func (s Set) crops(m Model, truth []ap.Object, width, height int) []sidecar.Crop {
	if m.Look == "" || m.Look == sidecar.LookWhole || len(s.Line) == 0 {
		return nil
	}
	var seen look.Seen
	seen.Small = math.Inf(1)
	scale := float64(ap.LongSide) / float64(max(width, height))
	w, h := float64(width)*scale, float64(height)*scale
	for _, t := range s.atLine(truth, width, height) {
		if t.Ignore {
			continue
		}
		seen.N++
		seen.Width, seen.Height = max(seen.Width, t.Box.Width()/w), max(seen.Height, t.Box.Height()/h)
		seen.Small = min(seen.Small, math.Sqrt(t.Box.Area()/w/h))
	}
	o := look.Options{Width: width, Height: height, Assume: true}
	if seen.N > 0 {
		seen.Across, seen.Down = seen.Width, seen.Height // a size a second
		o.Seen = map[string]look.Seen{"line": seen}
	}
	if s, ok := m.Detector.(pipeline.Sizer); ok {
		o.Input.Width, o.Input.Height, o.Input.Free = s.Input(width, height)
	}
	return look.New(sidecar.Camera{Analyse: sidecar.Analyse{Look: m.Look}, Functions: []sidecar.Function{s.function()}}, o).Crops
}
