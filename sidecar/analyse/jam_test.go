package analyse

import (
	"testing"

	"pantau/sidecar"
)

// lorry is a lorry with the middle of its bottom edge at a point.
func lorry(id sidecar.TrackID, x, y, score float64, m sidecar.Motion) sidecar.Track {
	return sidecar.Track{ID: id, Confirmed: true, Observed: true, Class: sidecar.Truck, Score: score, Motion: m, Velocity: sidecar.Point{0, 0.05},
		Box: sidecar.Box{Left: x - 0.1, Top: y - 0.16, Right: x + 0.1, Bottom: y}}
}

// In a queue on the line, a doubtful box that goes from one car to the next is nobody.
// Who goes through step by step is somebody, and so is who goes like that box where
// nobody stands.
func TestQueueOnTheLine(t *testing.T) {
	for _, c := range []struct {
		name   string
		fps    float64
		stand  bool
		score  float64
		steps  int // by which it comes nearer, before it leaps
		moment int // frames in which the track is seen past the line
		want   string
	}{
		{"from box to box", 10, true, 0.3, 0, 8, ""},
		{"from box to box, and given up", 10, true, 0.3, 0, 1, ""},
		{"from box to box on an empty road", 10, false, 0.3, 0, 8, "in"},
		{"step by step", 10, true, 0.3, 30, 8, "in"},
		{"hidden for half of the way, and seen surely", 10, true, 0.9, 15, 8, "in"},
		{"step by step, and lost past the line", 10, true, 0.3, 13, 0, "in"},
		{"step by step, in few frames", 2, true, 0.4, 5, 5, "in"},
	} {
		f := newFilm(t, c.fps, across)
		show := func(k ...sidecar.Track) {
			if c.stand {
				for i, y := range []float64{0.44, 0.48, 0.6, 0.64} {
					k = append(k, lorry(sidecar.TrackID(10+i), 0.3+0.05*float64(i%2), y, 0.8, sidecar.Stopped))
				}
			}
			f.show(k...)
		}
		y := 0.45
		for range 20 {
			y += 0.0005
			show(lorry(1, 0.32, y, c.score, sidecar.Moving))
		}
		for range c.steps {
			y += 0.05 / c.fps
			show(lorry(1, 0.32, y, c.score, sidecar.Moving))
		}
		for range int(c.fps / 2) {
			show()
		}
		for range c.moment {
			show(lorry(1, 0.32, 0.61, c.score, sidecar.Moving))
		}
		for range 40 {
			show()
		}
		f.end(1)
		for range 40 {
			show()
		}
		if got := f.dirs(); got != c.want {
			t.Errorf("%s: counted %q, want %q", c.name, got, c.want)
		}
	}
}
