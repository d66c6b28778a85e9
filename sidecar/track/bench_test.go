package track

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pantau/sidecar"
)

// crowd is a number of walkers on a grid, with misses and noise, in prepared frames.
func crowd(n, frames int) [][]sidecar.Detection {
	rnd := rand.New(rand.NewPCG(3, 5))
	side := 1
	for side*side < n {
		side++
	}
	size := 0.7 / float64(side)
	out := make([][]sidecar.Detection, frames)
	for f := range out {
		for i := range n {
			x := (float64(i%side)+0.5)/float64(side) + 0.2*size*float64(f%10)/10
			y := (float64(i/side) + 0.5) / float64(side)
			if rnd.Float64() < 0.1 {
				continue
			}
			out[f] = append(out[f], sidecar.Detection{Class: sidecar.Person, Score: 0.2 + 0.8*rnd.Float64(),
				Box: square(x+0.03*size*rnd.NormFloat64(), y+0.03*size*rnd.NormFloat64(), size)})
		}
		rnd.Shuffle(len(out[f]), func(i, j int) { out[f][i], out[f][j] = out[f][j], out[f][i] })
	}
	return out
}

func BenchmarkUpdate(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			frames := crowd(n, 10)
			tk, i := New(Options{}), 0
			for range 60 {
				tk.Update(time.Duration(i)*100*time.Millisecond, frames[i%10])
				i++
			}
			b.ReportAllocs()
			for b.Loop() {
				tk.Update(time.Duration(i)*100*time.Millisecond, frames[i%10])
				i++
			}
		})
	}
}

func TestUpdateAllocatesNothing(t *testing.T) {
	frames := crowd(200, 10)
	tk, i := New(Options{}), 0
	step := func() {
		tk.Update(time.Duration(i)*100*time.Millisecond, frames[i%10])
		i++
	}
	for range 200 {
		step()
	}
	if n := testing.AllocsPerRun(200, step); n != 0 {
		t.Errorf("%v allocations per frame, want 0", n)
	}
}

// A thousand boxes in one place, as a broken detector gives them, end as well.
func TestThousandInOnePlace(t *testing.T) {
	dets := make([]sidecar.Detection, 1000)
	for i := range dets {
		dets[i] = sidecar.Detection{Class: sidecar.Car, Score: 0.9, Box: square(0.5+float64(i%7)*1e-4, 0.5, 0.1)}
	}
	tk, ru := New(Options{}), newRules()
	for i := range 3 {
		ru.check(t, tk.Update(time.Duration(i)*100*time.Millisecond, dets))
	}
}
