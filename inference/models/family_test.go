package models

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// query is a small input for the tests: 96x64, the classes of COCO.
func query(minScore float32) Query {
	return Query{Width: 96, Height: 64, All: 80, Classes: []int{0, 1, 2, 3, 5, 7}, MinScore: minScore}
}

// declared gives for each family what a model of it declares, everything free.
func declared(family string) [][]int64 {
	if family == "yolox" {
		return [][]int64{{1, -1, -1}}
	}
	return [][]int64{{1, -1, 80}, {1, -1, 80}, {1, -1, 80}, {1, -1, 44}, {1, -1, 44}, {1, -1, 44}}
}

// random fills outputs of a family with numbers like a model's: mostly nothing.
func random(t testing.TB, family string, q Query, seed uint64) []Tensor {
	t.Helper()
	shapes, err := families[family].Shapes(declared(family), q)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(seed, 1))
	var out []Tensor
	for i, s := range shapes {
		data := make([]float32, s[0]*s[1]*s[2])
		for j := range data {
			switch {
			case family == "gfl" && i >= 3: // logits of distances
				data[j] = float32(r.NormFloat64() * 2)
			case family == "yolox" && j%85 < 4: // box
				data[j] = float32(r.NormFloat64())
			default: // scores
				data[j] = float32(math.Pow(r.Float64(), 3))
			}
		}
		out = append(out, Tensor{s, data})
	}
	return out
}

// reference is another way to the same candidates: plain, slow, in float64, every
// cell and class looked at.
var reference = map[string]func(outputs []Tensor, q Query) []Candidate{
	"gfl": func(outputs []Tensor, q Query) (all []Candidate) {
		for level := range 3 {
			s := 8 * math.Pow(2, float64(level))
			gridW, gridH := int(math.Ceil(float64(q.Width)/s)), int(math.Ceil(float64(q.Height)/s))
			for row := range gridH {
				for column := range gridW {
					cell := row*gridW + column
					side := func(k int) float64 {
						var weights, sum float64
						for bin := range 11 {
							e := math.Exp(float64(outputs[3+level].Data[cell*44+k*11+bin]))
							weights += e
							sum += e * float64(bin)
						}
						return sum / weights * s
					}
					x, y := (float64(column)+0.5)*s, (float64(row)+0.5)*s
					all = append(all, winner(outputs[level].Data[cell*80:cell*80+80], 1, q,
						x-side(0), y-side(1), x+side(2), y+side(3))...)
				}
			}
		}
		return all
	},
	"yolox": func(outputs []Tensor, q Query) (all []Candidate) {
		cell := 0
		for _, s := range []int{8, 16, 32} {
			for y := 0; y < q.Height; y += s {
				for x := 0; x < q.Width; x += s {
					row := outputs[0].Data[cell*85 : cell*85+85]
					cx, cy := float64(row[0])*float64(s)+float64(x), float64(row[1])*float64(s)+float64(y)
					w, h := math.Exp(float64(row[2]))*float64(s), math.Exp(float64(row[3]))*float64(s)
					all = append(all, winner(row[5:], float64(row[4]), q, cx-w/2, cy-h/2, cx+w/2, cy+h/2)...)
					cell++
				}
			}
		}
		return all
	},
}

// winner is the candidate of a cell, if one of the wanted classes reaches the score.
func winner(scores []float32, factor float64, q Query, left, top, right, bottom float64) []Candidate {
	class, score := -1, 0.0
	for c, s := range scores {
		if v := float64(s) * factor; slices.Contains(q.Classes, c) && v > score {
			class, score = c, v
		}
	}
	if score < float64(q.MinScore) {
		return nil
	}
	return []Candidate{box(class, float32(score), float32(left), float32(top), float32(right), float32(bottom))}
}

func TestFamiliesAgreeWithPlainReference(t *testing.T) {
	for name, family := range families {
		plain := reference[name]
		if plain == nil {
			t.Errorf("%s has no reference", name)
			continue
		}
		for seed := range uint64(20) {
			q := query(0.3)
			q.Width, q.Height = 32+32*int(seed%5), 96+int(seed%3)*32
			outputs := random(t, name, q, seed)
			got, err := family.Candidates(nil, outputs, q)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			want := plain(outputs, q)
			if len(got) != len(want) || len(got) == 0 {
				t.Fatalf("%s: %d candidates, want %d", name, len(got), len(want))
			}
			for i := range got {
				if !near(got[i], want[i]) {
					t.Fatalf("%s: candidate %d is %v, want %v", name, i, got[i], want[i])
				}
			}
		}
	}
}

func near(a, b Candidate) bool {
	for _, d := range []float32{a.Left - b.Left, a.Top - b.Top, a.Right - b.Right, a.Bottom - b.Bottom} {
		if max(d, -d) > 2e-3 {
			return false
		}
	}
	return a.Class == b.Class && max(a.Score-b.Score, b.Score-a.Score) < 1e-5
}

// A box that is known by hand: all weight on one bin.
func TestGFLBoxByHand(t *testing.T) {
	q := query(0.5)
	outputs := random(t, "gfl", q, 1)
	for i := range outputs {
		clear(outputs[i].Data)
	}
	cell := 1*6 + 2 // stride 16: 6 columns, row 1, column 2
	outputs[1].Data[cell*80+2] = 0.75
	for side, bin := range []int{1, 2, 3, 0} {
		outputs[4].Data[cell*44+side*11+bin] = 100
	}
	got, err := gfl{}.Candidates(nil, outputs, q)
	if err != nil || len(got) != 1 {
		t.Fatalf("%v, %v, want one candidate", got, err)
	}
	if want := box(2, 0.75, 40-16, 24-32, 40+48, 24); !near(got[0], want) {
		t.Errorf("candidate is %v, want %v", got[0], want)
	}
}

func TestYOLOXBoxByHand(t *testing.T) {
	q := query(0.5)
	outputs := random(t, "yolox", q, 1)
	clear(outputs[0].Data)
	row := outputs[0].Data[(96+6*1+2)*85:] // after 12x8 cells of stride 8
	copy(row, []float32{0.5, 0.25, 0, float32(math.Log(2)), 0.8})
	row[5+7] = 1
	got, err := yolox{}.Candidates(nil, outputs, q)
	if err != nil || len(got) != 1 {
		t.Fatalf("%v, %v, want one candidate", got, err)
	}
	if want := box(7, 0.8, 32, 4, 48, 36); !near(got[0], want) {
		t.Errorf("candidate is %v, want %v", got[0], want)
	}
}

// Outputs of a wrong shape are an error in every family.
func TestFamiliesRefuseWrongShapes(t *testing.T) {
	q := query(0.3)
	for name, family := range families {
		good := random(t, name, q, 1)
		last := len(good) - 1
		cases := map[string]func(o []Tensor) []Tensor{
			"none":           func([]Tensor) []Tensor { return nil },
			"one less":       func(o []Tensor) []Tensor { return o[:last] },
			"one more":       func(o []Tensor) []Tensor { return append(o, o[0]) },
			"data too short": func(o []Tensor) []Tensor { o[last].Data = o[last].Data[1:]; return o },
			"no shape":       func(o []Tensor) []Tensor { o[0].Shape = nil; return o },
			"negative":       func(o []Tensor) []Tensor { o[0].Shape[1] *= -1; o[0].Shape[2] *= -1; return o },
			"batch of two": func(o []Tensor) []Tensor {
				o[0].Shape[0], o[0].Data = 2, append(o[0].Data, o[0].Data...)
				return o
			},
			"flat": func(o []Tensor) []Tensor {
				o[last].Shape = []int64{int64(len(o[last].Data))}
				return o
			},
			"one cell more": func(o []Tensor) []Tensor {
				o[0].Shape[1]++
				o[0].Data = append(o[0].Data, make([]float32, o[0].Shape[2])...)
				return o
			},
			"one number less": func(o []Tensor) []Tensor {
				o[last].Shape[2]--
				o[last].Data = o[last].Data[:o[last].Shape[1]*o[last].Shape[2]]
				return o
			},
			"huge": func(o []Tensor) []Tensor { o[0].Shape = []int64{1 << 40, 1 << 40, 1 << 40}; return o },
		}
		for what, change := range cases {
			outputs := make([]Tensor, len(good))
			for i, o := range good {
				outputs[i] = Tensor{slices.Clone(o.Shape), slices.Clone(o.Data)}
			}
			if got, err := family.Candidates(nil, change(outputs), q); err == nil || len(got) != 0 {
				t.Errorf("%s, %s: %d candidates, error %v", name, what, len(got), err)
			}
		}
	}
}

func TestFamiliesRefuseModelsOfOtherFamilies(t *testing.T) {
	q := query(0.3)
	for name, family := range families {
		for other := range families {
			if _, err := family.Shapes(declared(other), q); (err == nil) != (name == other) {
				t.Errorf("%s takes the outputs of %s: error %v", name, other, err)
			}
		}
		if _, err := family.Shapes(nil, q); err == nil {
			t.Errorf("%s takes a model without outputs", name)
		}
	}
	fixed := [][]int64{{1, 3549, 85}}
	if _, err := (yolox{}).Shapes(fixed, Query{Width: 416, Height: 416, All: 80}); err != nil {
		t.Error(err)
	}
	if _, err := (yolox{}).Shapes(fixed, Query{Width: 640, Height: 640, All: 80}); err == nil {
		t.Error("a model of 416 pixels taken for 640: no error")
	}
}

// PicoDet: four levels, 8 bins, the coarsest grid with a part of a stride.
func TestGFLTakesPicoDet(t *testing.T) {
	var shapes [][]int64
	for _, last := range []int64{80, 32} {
		for _, a := range []int64{2704, 676, 169, 49} {
			shapes = append(shapes, []int64{1, a, last})
		}
	}
	if _, err := (gfl{}).Shapes(shapes, Query{Width: 416, Height: 416, All: 80}); err != nil {
		t.Error(err)
	}
}

func FuzzFamilies(f *testing.F) {
	f.Add(uint64(1), uint32(0x7fc00000), uint32(0xff800000), float32(0.3)) // NaN, minus infinity
	f.Add(uint64(2), uint32(0x7f800000), uint32(0x7f7fffff), float32(0.1)) // infinity, the largest number
	f.Add(uint64(3), uint32(0), uint32(0x3f800000), float32(0))
	f.Fuzz(func(t *testing.T, seed uint64, a, b uint32, minScore float32) {
		q := query(minScore)
		for name := range families {
			outputs := random(t, name, q, seed)
			r := rand.New(rand.NewPCG(seed, 2))
			for _, o := range outputs {
				for i := range o.Data {
					switch r.IntN(8) {
					case 0:
						o.Data[i] = math.Float32frombits(a)
					case 1:
						o.Data[i] = math.Float32frombits(b)
					}
				}
			}
			checkDetections(t, name, outputs, q)
		}
	})
}
