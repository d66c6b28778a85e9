package track

import (
	"math/rand/v2"
	"time"

	"pantau/sidecar"
)

// square is a box around a centre.
func square(x, y, size float64) sidecar.Box {
	return sidecar.Box{Left: x - size/2, Top: y - size/2, Right: x + size/2, Bottom: y + size/2}
}

// actor is an object with a known way.
type actor struct {
	class  sidecar.Class
	size   float64
	at     func(s float64) (x, y float64) // centre after s seconds
	hidden func(s float64) bool
}

// street simulates a camera over actors: noise and misses by chance, seeded.
type street struct {
	actors []actor
	noise  float64 // standard deviation of each edge, sizes
	recall float64 // 0: all are seen
	rnd    *rand.Rand
}

func newStreet(actors ...actor) *street {
	return &street{actors: actors, noise: 0.02, rnd: rand.New(rand.NewPCG(7, 11))}
}

// detections of the frame after s seconds.
func (st *street) detections(s float64) []sidecar.Detection {
	var out []sidecar.Detection
	for _, a := range st.actors {
		x, y := a.at(s)
		b := square(x, y, a.size)
		n := func() float64 { return st.noise * a.size * st.rnd.NormFloat64() }
		b = sidecar.Box{Left: b.Left + n(), Top: b.Top + n(), Right: b.Right + n(), Bottom: b.Bottom + n()}
		if a.hidden != nil && a.hidden(s) || st.recall > 0 && st.rnd.Float64() > st.recall ||
			x < 0 || x > 1 || y < 0 || y > 1 {
			continue
		}
		out = append(out, sidecar.Detection{Class: a.class, Score: 0.6 + 0.3*st.rnd.Float64(), Box: b.Clamp()})
	}
	return out
}

// play runs a tracker over the street and shows each result.
func (st *street) play(tk *Tracker, fps, to float64, each func(s float64, r Result)) {
	for i := 0; ; i++ {
		s := float64(i) / fps
		if s > to {
			return
		}
		r := tk.Update(time.Duration(s*float64(time.Second)), st.detections(s))
		if each != nil {
			each(s, r)
		}
	}
}

// line is a straight way.
func line(x, y, vx, vy float64) func(float64) (float64, float64) {
	return func(s float64) (float64, float64) { return x + vx*s, y + vy*s }
}
