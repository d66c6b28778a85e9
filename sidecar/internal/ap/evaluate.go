package ap

import (
	"math"
	"math/rand/v2"
	"slices"

	"pantau/sidecar"
)

// Group is classes that are measured as one.
type Group struct {
	Name    string
	Classes []sidecar.Class
}

// Groups lists what is measured: each class, and those merged that sources
// label differently (a van is a car or a truck).
func Groups() []Group {
	var all []Group
	for _, c := range sidecar.Classes() {
		all = append(all, Group{string(c), []sidecar.Class{c}})
	}
	return append(all,
		Group{TwoWheeler, []sidecar.Class{sidecar.Bicycle, sidecar.Motorcycle}},
		Group{FourWheeler, []sidecar.Class{sidecar.Car, sidecar.Bus, sidecar.Truck}})
}

// The names of merged groups, and of the means over those groups that have labels.
const (
	TwoWheeler  = "two-wheeler"
	FourWheeler = "four-wheeler"
	MeanClasses = "mean of classes" // the six
	MeanGroups  = "mean of groups"  // person, two-wheeler, four-wheeler
)

// Value is a figure with its 95 % interval over pictures. NaN: nothing to measure.
type Value struct{ Value, Low, High float64 }

// Figure is one group at one size.
type Figure struct {
	Group string
	Size  Size
	Truth int   // labels to be found
	AP50  Value // at an overlap of 0.5
	AP    Value // mean over overlaps of 0.5 to 0.95

	// Resamples50 and Resamples are AP50 and AP of each resample. With the same
	// seed and pictures they can be compared one by one between two models.
	Resamples50, Resamples []float64
}

// Options say how the interval is found.
type Options struct {
	Resamples int // 0: no interval
	Seed      uint64
}

// Evaluate measures all groups at all sizes, and their means.
func Evaluate(pictures []Picture, o Options) []Figure {
	var curves []*curve
	var figures []Figure
	for _, size := range Sizes() {
		for _, g := range Groups() {
			c := match(pictures, g.Classes, size)
			curves = append(curves, c)
			figures = append(figures, Figure{Group: g.Name, Size: size, Truth: c.total})
		}
	}
	weights := make([]int, len(pictures))
	for i := range weights {
		weights[i] = 1
	}
	var b buffer
	all := b.round(curves, weights)
	rounds := make([][][2]float64, o.Resamples)
	r := rand.New(rand.NewPCG(o.Seed, 0))
	for n := range rounds {
		clear(weights)
		for range weights {
			weights[r.IntN(len(weights))]++
		}
		rounds[n] = b.round(curves, weights)
	}
	return summarise(figures, all, rounds)
}

// summarise makes figures of the values of all pictures and of the resamples.
func summarise(figures []Figure, all [][2]float64, rounds [][][2]float64) []Figure {
	n := len(Groups())
	var out []Figure
	for s := 0; s < len(figures); s += n {
		for i := s; i < s+n; i++ {
			out = append(out, figures[i].fill(all, rounds, i))
		}
		six := []int{s, s + 1, s + 2, s + 3, s + 4, s + 5}
		merged := []int{s, s + 6, s + 7}
		out = append(out, mean(MeanClasses, figures, six).fill(all, rounds, six...),
			mean(MeanGroups, figures, merged).fill(all, rounds, merged...))
	}
	return out
}

func mean(name string, figures []Figure, of []int) Figure {
	f := Figure{Group: name, Size: figures[of[0]].Size}
	for _, i := range of {
		f.Truth += figures[i].Truth
	}
	return f
}

// fill computes a figure as the mean of the given curves.
func (f Figure) fill(all [][2]float64, rounds [][][2]float64, of ...int) Figure {
	f.AP50.Value, f.AP.Value = meanOf(all, of, 0), meanOf(all, of, 1)
	for _, r := range rounds {
		f.Resamples50 = append(f.Resamples50, meanOf(r, of, 0))
		f.Resamples = append(f.Resamples, meanOf(r, of, 1))
	}
	f.AP50.Low, f.AP50.High = Interval(f.Resamples50)
	f.AP.Low, f.AP.High = Interval(f.Resamples)
	return f
}

// meanOf is the mean of the curves that have labels.
func meanOf(values [][2]float64, of []int, which int) float64 {
	var sum, n float64
	for _, i := range of {
		if v := values[i][which]; !math.IsNaN(v) {
			sum += v
			n++
		}
	}
	return sum / n // NaN if there is none
}

// Interval gives the 2.5th and the 97.5th percentile of the values that are numbers.
func Interval(values []float64) (low, high float64) {
	some := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(some) == 0 {
		return math.NaN(), math.NaN()
	}
	slices.Sort(some)
	at := func(q float64) float64 { return some[int(math.Round(q*float64(len(some)-1)))] }
	return at(0.025), at(0.975)
}

// buffer is the memory of average, used again.
type buffer struct{ recall, precision []float64 }

// round computes AP50 and AP of all curves for weights of the pictures.
func (b *buffer) round(curves []*curve, weights []int) [][2]float64 {
	out := make([][2]float64, len(curves))
	for i, c := range curves {
		var positive int
		for p, n := range c.positive {
			positive += n * weights[p]
		}
		if positive == 0 {
			out[i] = [2]float64{math.NaN(), math.NaN()}
			continue
		}
		for k := range overlaps {
			v := b.average(c, weights, positive, k)
			if k == 0 {
				out[i][0] = v
			}
			out[i][1] += v / overlaps
		}
	}
	return out
}

// average is the mean precision at 101 points of recall, for the k-th overlap.
func (b *buffer) average(c *curve, weights []int, positive, k int) float64 {
	b.recall, b.precision = b.recall[:0], b.precision[:0]
	bit := uint16(1) << k
	var right, wrong int
	for i := range c.samples {
		s := &c.samples[i]
		if s.ignored&bit == 0 {
			if s.right&bit != 0 {
				right += weights[s.picture]
			} else {
				wrong += weights[s.picture]
			}
		}
		if i+1 < len(c.samples) && c.samples[i+1].score == s.score || right == 0 {
			continue // equal scores are one step; nothing right has no precision
		}
		b.recall = append(b.recall, float64(right)/float64(positive))
		b.precision = append(b.precision, float64(right)/float64(right+wrong))
	}
	for i := len(b.precision) - 2; i >= 0; i-- {
		b.precision[i] = max(b.precision[i], b.precision[i+1])
	}
	var sum float64
	j := 0
	for point := range 101 {
		for j < len(b.recall) && b.recall[j] < float64(point)*0.01 {
			j++
		}
		if j == len(b.recall) {
			break
		}
		sum += b.precision[j]
	}
	return sum / 101
}
