package models

import (
	"fmt"
	"slices"
	"strings"

	"pantau/sidecar"
)

// Tensor is an output of a model: row-major numbers of the given shape.
type Tensor struct {
	Shape []int64
	Data  []float32
}

// Query is what is wanted of a model's outputs.
type Query struct {
	Width, Height int                        // of the input tensor, pixels
	All           int                        // number of classes that the model knows
	Classes       []int                      // those that are wanted
	MinScore      float32                    // 0..1
	Ours          [len(sidecar.Scores{})]int // where each of sidecar.Classes stands in the model's; -1: it does not know it
}

// Candidate is an object before double findings are removed: a box in pixels of
// the input tensor. Its numbers are finite, and it is not empty.
type Candidate struct {
	Left, Top, Right, Bottom float32
	Score                    float32
	Class                    int
	Scores                   sidecar.Scores
}

// Family is a way in which models write down what they found. It is pure: it
// keeps nothing between two calls, and any number of goroutines may use it.
type Family interface {
	// Shapes gives the shapes of the outputs, in the model's order, for an
	// input of the query's size. The model's own declaration is given, with -1
	// for what is free. An error says that the model is of another family.
	Shapes(declared [][]int64, q Query) ([][]int64, error)
	// Candidates appends to dst what the outputs hold. Numbers that are not
	// finite are no objects. Outputs of another shape are an error.
	Candidates(dst []Candidate, outputs []Tensor, q Query) ([]Candidate, error)
}

// families is the whole list of model families: to add one, write its file and add its line.
var families = map[string]Family{
	"gfl":   gfl{},   // gfl.go
	"yolox": yolox{}, // yolox.go
}

// familyNames lists the families for error messages.
func familyNames() string {
	var names []string
	for name := range families {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// check refuses a tensor whose data does not fill its shape.
func (t Tensor) check() error {
	n := int64(1)
	for _, d := range t.Shape {
		if d < 0 || d > 1<<30 || n > 1<<30 {
			return fmt.Errorf("shape %v", t.Shape)
		}
		n *= d
	}
	if n != int64(len(t.Data)) {
		return fmt.Errorf("shape %v has %d numbers", t.Shape, len(t.Data))
	}
	return nil
}

// best gives the wanted class with the highest score in scores, or -1 if none
// reaches least. NaN reaches nothing.
func best(scores []float32, wanted []int, least float32) (class int, score float32) {
	class, score = -1, least
	for _, c := range wanted {
		if s := scores[c]; s >= score {
			class, score = c, s
		}
	}
	return class, score
}

// ours takes the scores of our classes, each times a factor.
func (q *Query) ours(scores []float32, factor float32) (s sidecar.Scores) {
	for i, n := range q.Ours {
		if n >= 0 && factor*scores[n] > 0 { // NaN is not
			s[i] = min(factor*scores[n], 1)
		}
	}
	return s
}

// sound says whether a box is finite and not empty.
func sound(left, top, right, bottom float32) bool {
	const far = 1 << 20
	return left > -far && top > -far && right < far && bottom < far && right > left && bottom > top
}

// cells is the number of a grid's columns or rows: a part of a stride counts.
func cells(pixels, stride int) int { return (pixels + stride - 1) / stride }
