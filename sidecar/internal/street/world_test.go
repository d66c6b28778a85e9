package street

import (
	"math"
	"reflect"
	"testing"
	"time"

	"pantau/sidecar"
)

func TestTheSameSeedIsTheSameFilm(t *testing.T) {
	for _, k := range Kinds() {
		o := Options{Kind: k, FPS: 10, Length: 10 * time.Second}
		a, b := Shoot(7, o), Shoot(7, o)
		if !reflect.DeepEqual(a, b) || !reflect.DeepEqual(Like(0.9).Look(a, 1), Like(0.9).Look(b, 1)) {
			t.Errorf("%s: two films of one seed differ", k)
		}
	}
}

// The street does not depend on how often it is looked at.
func TestTruthIsTheSameAtEachFrameRate(t *testing.T) {
	type fact struct {
		agent int
		dir   sidecar.Direction
		t     float64
	}
	at := func(fps float64) (all []fact) {
		for _, c := range Shoot(3, Options{Kind: Queue, FPS: fps, Length: 40 * time.Second}).Crossings {
			if c.T < 39 {
				all = append(all, fact{c.Agent, c.Direction, c.T})
			}
		}
		return all
	}
	if a, b := at(2), at(30); len(a) == 0 || !reflect.DeepEqual(a, b) {
		t.Errorf("got %v at 2 fps, %v at 30", a, b)
	}
}

func TestPinhole(t *testing.T) {
	c := newCamera(5, math.Pi/4, math.Pi/2)
	for _, p := range []struct {
		x, y, z, u, v, depth float64
	}{
		{0, 5, 0, 0.5, 0.5, 5 * math.Sqrt2}, // where it looks at the ground
		{5 * math.Sqrt2, 5, 0, 1, 0.5, 5 * math.Sqrt2},
		{0, 10, 5, 0.5, 0.5 - aspect*0.5, 10 * math.Sqrt2 / 2}, // at its own height, 45° above where it looks
	} {
		got, depth := c.project(p.x, p.y, p.z)
		if math.Abs(got[0]-p.u) > 1e-9 || math.Abs(got[1]-p.v) > 1e-9 || math.Abs(depth-p.depth) > 1e-9 {
			t.Errorf("(%g, %g, %g): got %v at %g, want (%g, %g) at %g", p.x, p.y, p.z, got, depth, p.u, p.v, p.depth)
		}
	}
	if _, depth := c.project(0, -5, 0); depth != 0 {
		t.Error("what is behind the camera has a place in the picture")
	}
}

// TestVehiclesDoNotDriveThroughEachOther: by car following nobody touches who is
// before him, and queues stand when the light is red.
func TestVehiclesDoNotDriveThroughEachOther(t *testing.T) {
	touched, looks, stood := 0, 0, 0
	for seed := range uint64(4) {
		w := newWorld(seed+1, Options{Kind: Queue})
		for range 1200 {
			w.step()
			for i, a := range w.agents {
				if a.drive == nil || a.drive.parked {
					continue
				}
				looks++
				if a.drive.v == 0 || a.drive.v < 0.1 {
					stood++
				}
				for _, b := range w.agents[i+1:] {
					if b.drive != nil && math.Abs(a.drive.s-b.drive.s) < (a.drive.length+b.drive.length)/2-0.3 &&
						math.Abs(a.drive.d-b.drive.d) < (a.drive.width+b.drive.width)/2-0.3 {
						touched++
					}
				}
			}
		}
	}
	if 100*touched > looks {
		t.Errorf("%d times in %d looks a vehicle is in another", touched, looks)
	}
	if stood < looks/10 {
		t.Errorf("%d of %d looks saw a standing vehicle, want a tenth at least", stood, looks)
	}
}

// TestTruthByHand walks one person over a line and back.
func TestTruthByHand(t *testing.T) {
	w := newWorld(1, Options{Kind: Plaza})
	w.agents, w.road.walkers = nil, 0
	p := &walker{s: -10, dir: 1, wish: 2, v: 2}
	w.enter(&agent{body: pedestrian, walk: p, now: w.road.place(-10, 0, 1)})
	w.truth = nil
	for p.s < 10 {
		p.rests, p.d = -1e9, 0
		w.step()
	}
	p.dir = -1
	for p.s > -10 {
		p.rests, p.d = -1e9, 0
		w.step()
	}
	if len(w.truth) != 2 || w.truth[0].Direction == w.truth[1].Direction || w.truth[0].Doubtful || w.truth[1].Doubtful ||
		w.truth[0].Class != sidecar.Person || w.truth[0].T >= w.truth[1].T {
		t.Fatalf("got %+v, want there and back", w.truth)
	}
	for _, c := range w.truth {
		if c.From > c.T || c.To < c.T || c.To-c.From > 4 {
			t.Errorf("stood on the line from %g to %g, crossed it at %g", c.From, c.To, c.T)
		}
	}
}
