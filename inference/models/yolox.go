package models

import (
	"fmt"
	"math"
)

// yolox is YOLOX (Ge et al., 2021) with its raw grid: one output [1,A,5+C] over
// the cells of strides 8, 16 and 32, finest level first, row by row. A cell
// holds the box's centre from the cell's corner (in strides), the logarithms of
// its width and height (in strides), and objectness and class scores after the
// sigmoid, whose product is the score.
type yolox struct{}

// strides of the levels, in pixels.
func (yolox) strides() [3]int { return [3]int{8, 16, 32} }

func (y yolox) cells(q Query) int64 {
	n := 0
	for _, s := range y.strides() {
		n += cells(q.Width, s) * cells(q.Height, s)
	}
	return int64(n)
}

// Shapes implements Family.
func (y yolox) Shapes(declared [][]int64, q Query) ([][]int64, error) {
	shape := []int64{1, y.cells(q), int64(5 + q.All)}
	if len(declared) != 1 || len(declared[0]) != 3 {
		return nil, fmt.Errorf("outputs are %v, want one %v", declared, shape)
	}
	for i, d := range declared[0] {
		if d >= 0 && d != shape[i] {
			return nil, fmt.Errorf("output is %v, want %v", declared[0], shape)
		}
	}
	return [][]int64{shape}, nil
}

// Candidates implements Family.
func (y yolox) Candidates(dst []Candidate, outputs []Tensor, q Query) ([]Candidate, error) {
	if len(outputs) != 1 {
		return dst, fmt.Errorf("%d outputs, want 1", len(outputs))
	}
	o, row := outputs[0], 5+q.All
	if err := o.check(); err != nil {
		return dst, fmt.Errorf("output: %w", err)
	}
	if len(o.Shape) != 3 || o.Shape[0] != 1 || o.Shape[1] != y.cells(q) || o.Shape[2] != int64(row) {
		return dst, fmt.Errorf("output is %v, want [1 %d %d]", o.Shape, y.cells(q), row)
	}
	data := o.Data
	for _, stride := range y.strides() {
		columns, rows := cells(q.Width, stride), cells(q.Height, stride)
		for cell := range columns * rows {
			if c, ok := y.cell(data[:row], q); ok {
				s := float32(stride)
				x := (float32(cell%columns) + c.Left) * s
				top := (float32(cell/columns) + c.Top) * s
				w, h := c.Right*s/2, c.Bottom*s/2
				c.Left, c.Top, c.Right, c.Bottom = x-w, top-h, x+w, top+h
				if sound(c.Left, c.Top, c.Right, c.Bottom) {
					dst = append(dst, c)
				}
			}
			data = data[row:]
		}
	}
	return dst, nil
}

// cell reads one row. The candidate's box is the centre and the size, in strides.
func (yolox) cell(row []float32, q Query) (Candidate, bool) {
	object := row[4]
	if !(object >= q.MinScore) { // NaN too
		return Candidate{}, false
	}
	class, score := best(row[5:], q.Classes, q.MinScore/object)
	if class < 0 {
		return Candidate{}, false
	}
	w, h := math.Exp(float64(row[2])), math.Exp(float64(row[3]))
	return Candidate{row[0], row[1], float32(w), float32(h), min(object*score, 1), class, q.ours(row[5:], object)}, true
}
