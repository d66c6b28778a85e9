package track

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// Time and not the number of frames moves the filter: one step is as good as many.
func TestPredictionDependsOnTimeOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one := axis{x: 0.5, v: 0.1, pxx: 0.01, pxv: 0.001, pvv: 0.04}
		many := one
		total := 0.0
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			dt := rapid.Float64Range(0, 0.5).Draw(t, "dt")
			many.predict(dt, 0.02)
			total += dt
		}
		one.predict(total, 0.02)
		for _, d := range []float64{one.x - many.x, one.v - many.v, one.pxx - many.pxx, one.pxv - many.pxv, one.pvv - many.pvv} {
			if math.Abs(d) > 1e-6*(1+total*total*total) {
				t.Fatalf("one step %+v, many %+v", one, many)
			}
		}
	})
}

func TestVelocityIsLearntFromUnevenFrames(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	box := square(0.2, 0.5, 0.05)
	f, at := newFilter(box), 0.0
	for range 40 {
		dt := 0.03 + 0.3*rnd.Float64()
		at += dt
		f.predict(dt, 1)
		f.update(square(0.2+0.1*at+0.001*rnd.NormFloat64(), 0.5, 0.05), 1)
	}
	if math.Abs(f.cx.v-0.1) > 0.02 || math.Abs(f.cy.v) > 0.02 {
		t.Errorf("velocity %.3f, %.3f; want 0.1, 0", f.cx.v, f.cy.v)
	}
}

func TestJumpingBoxWeighsLess(t *testing.T) {
	f := newFilter(square(0.5, 0.5, 0.1))
	for range 20 {
		f.predict(0.1, 1)
		f.update(square(0.5, 0.5, 0.1), 1)
	}
	f.predict(0.1, 1)
	jump := square(0.5, 0.5, 0.1)
	jump.Bottom += 0.1 // twice as high for one frame
	f.update(jump, 1)
	if got := f.box().Bottom; got > 0.55+0.05 {
		t.Errorf("bottom at %.3f after a jump of 0.1 from 0.55", got)
	}
}
