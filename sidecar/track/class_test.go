package track

import (
	"testing"
	"time"

	"pantau/sidecar"
)

// ride plays a person's box that goes at a pace, in its heights per second, and gives
// the class of its track after some seconds. seen are the detector's scores.
func rideFor(t *testing.T, pace, fps, seconds float64, seen func(i int) (sidecar.Class, sidecar.Scores)) (sidecar.Track, int) {
	t.Helper()
	const height, width = 0.06, 0.02
	tk := New(Options{Aspect: 16.0 / 9})
	var last sidecar.Track
	ids := map[sidecar.TrackID]bool{}
	for i := range int(seconds * fps) {
		s := float64(i) / fps
		x := 0.1 + pace*height*s*9/16
		class, scores := seen(i)
		d := sidecar.Detection{Class: class, Box: sidecar.Box{Left: x, Top: 0.5, Right: x + width, Bottom: 0.5 + height}, Score: float64(max(scores[0], scores[1], scores[2])), Scores: scores}
		for _, tr := range tk.Update(time.Duration(s*float64(time.Second)), []sidecar.Detection{d}).Tracks {
			if tr.Confirmed {
				last = tr
				ids[tr.ID] = true
			}
		}
	}
	return last, len(ids)
}

func person(int) (sidecar.Class, sidecar.Scores) {
	return sidecar.Person, sidecar.Scores{0.6, 0.02, 0.04}
}

func TestPaceTellsRidersFromPedestrians(t *testing.T) {
	for name, c := range map[string]struct {
		pace, fps float64
		seen      func(int) (sidecar.Class, sidecar.Scores)
		want      sidecar.Class
	}{
		"who walks":                      {0.8, 10, person, sidecar.Person},
		"who runs":                       {2.0, 10, person, sidecar.Person},
		"who runs, at 3 frames a second": {2.0, 3, person, sidecar.Person},
		"a rider of whom only the person is seen": {5, 10, person, sidecar.Motorcycle},
		"the same at 25 frames a second":          {5, 25, person, sidecar.Motorcycle},
		"a cyclist": {2.8, 10, func(int) (sidecar.Class, sidecar.Scores) {
			return sidecar.Person, sidecar.Scores{0.5, 0.3, 0.1}
		}, sidecar.Bicycle},
		"a rider who is now this and now that": {3, 10, func(i int) (sidecar.Class, sidecar.Scores) {
			if i%3 == 0 {
				return sidecar.Motorcycle, sidecar.Scores{0.35, 0.1, 0.5}
			}
			return sidecar.Person, sidecar.Scores{0.5, 0.1, 0.4}
		}, sidecar.Motorcycle},
		"a parked motorcycle beside nobody": {0, 10, func(int) (sidecar.Class, sidecar.Scores) {
			return sidecar.Motorcycle, sidecar.Scores{0.1, 0.2, 0.6}
		}, sidecar.Motorcycle},
	} {
		got, tracks := rideFor(t, c.pace, c.fps, 3, c.seen)
		if got.Class != c.want || tracks != 1 {
			t.Errorf("%s: %s in %d tracks, want one %s", name, got.Class, tracks, c.want)
		}
		if got.Share <= 0 || got.Share > 1 {
			t.Errorf("%s: share %v", name, got.Share)
		}
	}
}

// A pedestrian beside a motorcycle is not its rider, however often their boxes touch.
func TestPedestriansDoNotBecomeMotorcycles(t *testing.T) {
	tk := New(Options{})
	classes := map[sidecar.TrackID]sidecar.Class{}
	for i := range 60 {
		s := float64(i) / 10
		x := 0.3 + 0.02*s
		dets := []sidecar.Detection{
			{Class: sidecar.Motorcycle, Score: 0.7, Box: square(0.4, 0.5, 0.08), Scores: sidecar.Scores{0.05, 0.1, 0.7}},
			{Class: sidecar.Person, Score: 0.7, Box: sidecar.Box{Left: x, Top: 0.42, Right: x + 0.03, Bottom: 0.54}, Scores: sidecar.Scores{0.7, 0.01, 0.03}},
		}
		for _, tr := range tk.Update(time.Duration(s*float64(time.Second)), dets).Tracks {
			if tr.Confirmed {
				classes[tr.ID] = tr.Class
			}
		}
	}
	if len(classes) != 2 || classes[1] == classes[2] {
		t.Errorf("tracks %v, want a motorcycle and a person", classes)
	}
}

// A van is now a car and now a truck for the detector; its track is one of them for
// the whole way, and says how sure that is.
func TestTheWholeVectorCounts(t *testing.T) {
	var b ballot
	for i := range 20 {
		d := sidecar.Detection{Class: sidecar.Car, Score: 0.45, Scores: sidecar.Scores{3: 0.45, 5: 0.4}}
		if i%2 == 0 {
			d = sidecar.Detection{Class: sidecar.Truck, Score: 0.6, Scores: sidecar.Scores{3: 0.1, 5: 0.6}}
		}
		b.cast(&d)
	}
	if b.winner != sidecar.Truck {
		t.Errorf("it is a %s; the evidence is %v", b.winner, b.sums)
	}
	if got := b.share(sidecar.Truck); got < 0.6 || got > 0.7 {
		t.Errorf("share %.3f, want 10/15.5", got)
	}
}
