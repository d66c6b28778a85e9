package models

import (
	"fmt"
	"math"
)

// gfl is Generalised Focal Loss (Li et al., NeurIPS 2020): NanoDet, PicoDet.
//
// Each level has two outputs, [A,C] class scores after the sigmoid and
// [A,4·bins] distances, with or without a leading axis of 1, where A counts the
// cells of a grid with stride 8, 16, 32, … row by row. The distance from the
// cell's centre to a side (left, top, right, bottom) is the expectation of the
// softmax over its bins, in strides. Scores and distances may come in any order,
// each from the finest level to the coarsest.
type gfl struct{}

// maxBins and maxLevels bound what fits on the stack; the known models have 8
// and 11 bins on 3 and 4 levels.
const (
	maxBins   = 32
	maxLevels = 6
)

// level is one grid: the indices of its outputs, and its stride in pixels.
type level struct {
	scores, distances int
	stride            int
}

// Shapes finds the outputs by their last axis.
func (gfl) Shapes(declared [][]int64, q Query) ([][]int64, error) {
	shapes := make([][]int64, len(declared))
	seen := map[bool]int{}
	for i, d := range declared {
		shape, err := matrix(d)
		if err != nil {
			return nil, err
		}
		scores := shape[1] == int64(q.All)
		stride := 8 << seen[scores]
		seen[scores]++
		a := int64(cells(q.Width, stride) * cells(q.Height, stride))
		if shape[0] >= 0 && shape[0] != a {
			return nil, fmt.Errorf("output %d has %d cells, want %d", i, shape[0], a)
		}
		shapes[i] = append([]int64{}, d...)
		shapes[i][len(d)-2] = a
	}
	var found [maxLevels]level
	_, _, err := gflLevels(found[:0], len(shapes), func(i int) []int64 { return shapes[i] }, q)
	return shapes, err
}

// matrix gives the last two axes of a shape; an axis before them must be 1.
func matrix(shape []int64) ([2]int64, error) {
	switch {
	case len(shape) == 2:
		return [2]int64{shape[0], shape[1]}, nil
	case len(shape) == 3 && shape[0] == 1:
		return [2]int64{shape[1], shape[2]}, nil
	}
	return [2]int64{}, fmt.Errorf("output has the shape %v, want [1,cells,numbers]", shape)
}

// gflLevels pairs the outputs to levels and gives the number of bins.
func gflLevels(found []level, n int, shape func(int) []int64, q Query) ([]level, int, error) {
	if n == 0 || n%2 != 0 || n > 2*maxLevels {
		return nil, 0, fmt.Errorf("%d outputs, want a pair for each level", n)
	}
	found = found[:n/2]
	bins, scores, distances := 0, 0, 0
	for i := range n {
		s, err := matrix(shape(i))
		if err != nil {
			return nil, 0, err
		}
		isScores := s[1] == int64(q.All)
		at := &distances
		if isScores {
			at = &scores
		}
		if *at == n/2 {
			return nil, 0, fmt.Errorf("outputs are not %d of scores and %d of distances", n/2, n/2)
		}
		stride := 8 << *at
		if a := int64(cells(q.Width, stride) * cells(q.Height, stride)); s[0] != a {
			return nil, 0, fmt.Errorf("output %d has %d cells, want %d at stride %d", i, s[0], a, stride)
		}
		if isScores {
			found[*at].scores = i
		} else {
			found[*at].distances = i
			if s[1]%4 != 0 || s[1] < 8 || s[1] > 4*maxBins || bins != 0 && bins != int(s[1]/4) {
				return nil, 0, fmt.Errorf("output %d has %d numbers a cell, want 4 times the bins", i, s[1])
			}
			bins = int(s[1] / 4)
		}
		found[*at].stride = stride
		*at++
	}
	return found, bins, nil
}

// Candidates implements Family.
func (gfl) Candidates(dst []Candidate, outputs []Tensor, q Query) ([]Candidate, error) {
	for i := range outputs {
		if err := outputs[i].check(); err != nil {
			return dst, fmt.Errorf("output %d: %w", i, err)
		}
	}
	var found [maxLevels]level
	levels, bins, err := gflLevels(found[:0], len(outputs), func(i int) []int64 { return outputs[i].Shape }, q)
	if err != nil {
		return dst, err
	}
	for _, l := range levels {
		dst = l.candidates(dst, outputs[l.scores].Data, outputs[l.distances].Data, bins, q)
	}
	return dst, nil
}

func (l level) candidates(dst []Candidate, scores, distances []float32, bins int, q Query) []Candidate {
	columns := cells(q.Width, l.stride)
	stride := float32(l.stride)
	for cell := range len(scores) / q.All {
		class, score := best(scores[cell*q.All:(cell+1)*q.All], q.Classes, q.MinScore)
		if class < 0 {
			continue
		}
		x := (float32(cell%columns) + 0.5) * stride
		y := (float32(cell/columns) + 0.5) * stride
		d := distances[cell*4*bins : (cell+1)*4*bins]
		c := Candidate{
			Left: x - stride*expectation(d[:bins]), Top: y - stride*expectation(d[bins:2*bins]),
			Right: x + stride*expectation(d[2*bins:3*bins]), Bottom: y + stride*expectation(d[3*bins:]),
			Score: min(score, 1), Class: class, Scores: q.ours(scores[cell*q.All:(cell+1)*q.All], 1),
		}
		if sound(c.Left, c.Top, c.Right, c.Bottom) {
			dst = append(dst, c)
		}
	}
	return dst
}

// expectation is the mean index under the softmax of the numbers.
func expectation(logits []float32) float32 {
	top := logits[0]
	for _, v := range logits[1:] {
		top = max(top, v)
	}
	var sum, mean float64
	for i, v := range logits {
		e := math.Exp(float64(v - top))
		sum += e
		mean += e * float64(i)
	}
	return float32(mean / sum)
}
