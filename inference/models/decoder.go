package models

import (
	"fmt"
	"slices"

	"pantau/sidecar"
)

// Decoder turns a model's outputs into detections: the family's candidates, one
// for each object, riders joined with what they ride (where the model has not
// done so itself). It keeps its memory between frames, so it is for one goroutine
// at a time.
type Decoder struct {
	family  Family
	classes []sidecar.Class // all of the model
	apart   bool            // riders are found apart from what they ride
	query   Query
	found   []Candidate
}

// NewDecoder makes a decoder of a model for the wanted classes (none means the
// default ones). A class that the model does not know is a *sidecar.FieldError.
func NewDecoder(m Model, wanted []sidecar.Class, minScore float64) (*Decoder, error) {
	d := &Decoder{family: families[m.Family], classes: m.Classes(), apart: m.Riders != ridersInside}
	if d.family == nil || len(d.classes) == 0 {
		return nil, fmt.Errorf("model %s: family %q or classes %q are not known", m.ID(), m.Family, m.ClassSet)
	}
	if len(wanted) == 0 {
		wanted = sidecar.Classes()
	}
	d.query = Query{All: len(d.classes), MinScore: float32(minScore)}
	for i, c := range sidecar.Classes() {
		d.query.Ours[i] = slices.Index(d.classes, c)
	}
	for i, c := range wanted {
		n := slices.Index(d.classes, c)
		if n < 0 {
			return nil, &sidecar.FieldError{Field: fmt.Sprintf("classes[%d]", i),
				Problem: fmt.Sprintf("class %q is not known to model %s", c, m.ID()),
				Remedy:  "choose one of its classes, such as person, car or motorcycle"}
		}
		d.query.Classes = append(d.query.Classes, n)
	}
	return d, nil
}

// Shapes gives the shapes of the outputs for an input of the given size, from
// what the model declares (-1 is free).
func (d *Decoder) Shapes(declared [][]int64, width, height int) ([][]int64, error) {
	q := d.query
	q.Width, q.Height = width, height
	return d.family.Shapes(declared, q)
}

// Decode appends to dst what the outputs for an input of the given size hold.
// Boxes are cut off at the edges of the picture, best score first.
func (d *Decoder) Decode(dst []sidecar.Detection, outputs []Tensor, width, height int, fit sidecar.Fit) ([]sidecar.Detection, error) {
	q := d.query
	q.Width, q.Height = width, height
	found, err := d.family.Candidates(d.found[:0], outputs, q)
	d.found = found
	if err != nil {
		return dst, err
	}
	found = suppress(found, d.alike)
	if d.apart {
		found = mergeRiders(found, d.kind)
	}
	for i := range found {
		c := &found[i]
		box := fit.Box(float64(c.Left), float64(c.Top), float64(c.Right), float64(c.Bottom))
		if box.Area() > 0 {
			dst = append(dst, sidecar.Detection{Class: d.classes[c.Class], Score: float64(c.Score), Box: box, Scores: c.Scores})
		}
	}
	return dst, nil
}

// kind gives the kind of the model's n-th class.
func (d *Decoder) kind(n int) kind { return kindOf(d.classes[n]) }

// alike says whether two classes are taken for each other.
func (d *Decoder) alike(a, b int) bool {
	k := d.kind(a)
	return k == d.kind(b) && (k == vehicle || k == twoWheeler)
}
