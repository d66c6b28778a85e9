package track

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pantau/sidecar"
)

var rates = []float64{2, 3.3, 5, 8, 12.5, 25, 30}

func TestIdentityComesWithConfirmation(t *testing.T) {
	tk := New(Options{})
	for i := range 4 {
		r := tk.Update(time.Duration(i)*200*time.Millisecond, []sidecar.Detection{{Class: sidecar.Car, Score: 0.8, Box: square(0.3, 0.5, 0.1)}})
		if len(r.Tracks) != 1 {
			t.Fatalf("frame %d: %d tracks, want 1", i, len(r.Tracks))
		}
		k := r.Tracks[0]
		want := sidecar.TrackID(0)
		if i >= 2 {
			want = 1
		}
		if k.ID != want || k.Confirmed != (want != 0) || !k.Observed || k.Age != i+1 || k.Born != 0 {
			t.Errorf("frame %d: got %+v, want ID %v", i, k, want)
		}
		if k.Start != square(0.3, 0.5, 0.1) {
			t.Errorf("frame %d: started at %v", i, k.Start)
		}
	}
}

// A walker behind a bus for a second is the same walker, at every frame rate.
func TestIdentitySurvivesOcclusion(t *testing.T) {
	for _, fps := range rates {
		for _, gap := range []float64{0.5, 1, 1.5} {
			st := newStreet(actor{class: sidecar.Person, size: 0.06, at: line(0.1, 0.5, 0.08, 0.01),
				hidden: func(s float64) bool { return s > 3 && s < 3+gap }})
			ids := map[sidecar.TrackID]bool{}
			st.play(New(Options{}), fps, 8, func(s float64, r Result) {
				for _, k := range r.Tracks {
					ids[k.ID] = true
				}
				for _, k := range r.Ended {
					t.Errorf("%v fps, %v s hidden: %v ended at %v s", fps, gap, k.ID, s)
				}
			})
			delete(ids, 0)
			if len(ids) != 1 {
				t.Errorf("%v fps, %v s hidden: identities %v, want one", fps, gap, ids)
			}
		}
	}
}

// At 5 frames per second fast objects do not overlap from frame to frame.
func TestFastObjectsWithoutOverlap(t *testing.T) {
	for _, sizes := range []float64{4, 6, 8} { // own lengths per second
		for _, fps := range []float64{5, 8} {
			speed := sizes * 0.04
			st := newStreet(
				actor{class: sidecar.Motorcycle, size: 0.04, at: line(0.05, 0.30, speed, 0)},
				actor{class: sidecar.Motorcycle, size: 0.04, at: line(0.95, 0.50, -speed, 0)})
			ids := map[sidecar.TrackID]int{}
			st.play(New(Options{}), fps, 0.9/speed, func(_ float64, r Result) {
				for _, k := range r.Tracks {
					if k.Observed {
						ids[k.ID]++
					}
				}
			})
			if len(ids) != 3 || ids[0] > 4 { // 0: the first two frames of each
				t.Errorf("%v lengths per second at %v fps: %v", sizes, fps, ids)
			}
		}
	}
}

func TestPassingEachOtherKeepsIdentities(t *testing.T) {
	for _, fps := range rates[2:] {
		st := newStreet(
			actor{class: sidecar.Person, size: 0.08, at: line(0.2, 0.50, 0.1, 0)},
			actor{class: sidecar.Person, size: 0.08, at: line(0.8, 0.53, -0.1, 0),
				hidden: func(s float64) bool { return s > 2.75 && s < 3.25 }})
		tk := New(Options{})
		st.play(tk, fps, 5, func(s float64, r Result) {
			for _, k := range r.Tracks {
				if s < 4.5 || !k.Confirmed {
					continue
				}
				if goesRight := k.Velocity.X() > 0; goesRight != (k.Start.Centre().X() < 0.5) {
					t.Errorf("%v fps: %v started at %.2f and goes the other way", fps, k.ID, k.Start.Centre().X())
				}
			}
		})
		if tk.lastID != 2 {
			t.Errorf("%v fps: %d identities, want 2", fps, tk.lastID)
		}
	}
}

// The trouble of the field: a car that stands on the line, seen in two frames of
// three, with a box that jumps. It must stay one object, in its place.
func TestFlickeringStandingCar(t *testing.T) {
	for _, fps := range rates {
		st := newStreet(actor{class: sidecar.Car, size: 0.2, at: line(0.5, 0.5, 0, 0)})
		st.recall, st.noise = 0.66, 0.04
		tk, frame := New(Options{}), 0
		drift := 0.0
		for s := 0.0; s < 60; s += 1 / fps {
			dets := st.detections(s)
			if frame++; frame%7 == 0 && len(dets) > 0 {
				dets[0].Box.Bottom += 0.08 // its shadow
			}
			r := tk.Update(time.Duration(s*float64(time.Second)), dets)
			for _, k := range r.Tracks {
				if k.Confirmed && s > 10 { // it is known to stand
					drift = max(drift, math.Abs(k.Box.Centre().X()-0.5), math.Abs(k.Box.Bottom-0.6))
				}
				if s > 10 && k.Confirmed && k.Motion != sidecar.Stopped {
					t.Errorf("%v fps, %.1f s: %s", fps, s, k.Motion)
				}
			}
		}
		if tk.lastID != 1 {
			t.Errorf("%v fps: %d identities, want 1", fps, tk.lastID)
		}
		if fps > 3 && drift > 0.06 { // with two frames a second, half of a jump is believed
			t.Errorf("%v fps: moved by %.3f of a size", fps, drift/0.2)
		}
	}
}

func TestStopAndGo(t *testing.T) {
	way := func(s float64) (float64, float64) { // drives, stands from 3 to 9 s, drives
		return 0.1 + 0.1*(min(s, 3)+max(s-9, 0)), 0.5
	}
	for _, fps := range rates {
		tk := New(Options{})
		newStreet(actor{class: sidecar.Car, size: 0.1, at: way}).play(tk, fps, 13, func(s float64, r Result) {
			want := sidecar.Moving
			switch {
			case s > 6 && s < 9:
				want = sidecar.Stopped
			case s >= 3 && s <= 10.2:
				return // on the way from one to the other
			}
			for _, k := range r.Tracks {
				if k.Motion != want {
					t.Errorf("%v fps, %.1f s: %s, want %s", fps, s, k.Motion, want)
				}
			}
		})
		if tk.lastID != 1 {
			t.Errorf("%v fps: %d identities, want 1", fps, tk.lastID)
		}
	}
}

func TestVanDoesNotFlip(t *testing.T) {
	st := newStreet(actor{class: sidecar.Car, size: 0.1, at: line(0.1, 0.5, 0.05, 0)})
	tk, frame, changes := New(Options{}), 0, 0
	var last sidecar.Class
	for s := 0.0; s < 12; s += 0.1 {
		dets := st.detections(s)
		if frame++; frame%2 == 0 {
			dets[0].Class = sidecar.Truck
		}
		for _, k := range tk.Update(time.Duration(s*float64(time.Second)), dets).Tracks {
			if k.Class != last {
				last = k.Class
				changes++
			}
		}
	}
	if changes != 1 || tk.lastID != 1 {
		t.Errorf("%d classes in turn, %d identities; want one of each", changes, tk.lastID)
	}
}

func TestBallot(t *testing.T) {
	for _, c := range []struct {
		votes string // a letter a frame
		want  sidecar.Class
	}{
		{"ccc", sidecar.Car},
		{"ct", sidecar.Car},
		{"ctttt", sidecar.Truck},
		{"cccctttt", sidecar.Car},
		{"tcccc", sidecar.Car},
		{"cbtmpxcc", sidecar.Car}, // more classes than places
	} {
		var b ballot
		for _, v := range c.votes {
			b.cast(&sidecar.Detection{Score: 0.5, Class: map[rune]sidecar.Class{'c': sidecar.Car, 't': sidecar.Truck, 'b': sidecar.Bus,
				'm': sidecar.Motorcycle, 'p': sidecar.Person, 'x': "train"}[v]})
		}
		if b.winner != c.want {
			t.Errorf("%s: got %s, want %s", c.votes, b.winner, c.want)
		}
	}
}

// Two boxes for one object that the detector does not join: one object.
func TestTwinsAreMerged(t *testing.T) {
	st := newStreet(actor{class: sidecar.Car, size: 0.2, at: line(0.2, 0.5, 0.05, 0)})
	tk := New(Options{})
	var merged []sidecar.Merge
	ended := 0
	for i := range 100 {
		s := float64(i) / 10
		dets := st.detections(s)
		if i > 3 {
			// The second box begins beside the first and closes in on it.
			second := st.detections(s)[0]
			off := max(0, 0.12-0.01*float64(i))
			second.Box.Left, second.Box.Right = second.Box.Left+off, second.Box.Right+off
			second.Class = sidecar.Truck
			dets = append(dets, second)
		}
		r := tk.Update(time.Duration(s*float64(time.Second)), dets)
		merged = append(merged, r.Merged...)
		ended += len(r.Ended)
	}
	if want := (sidecar.Merge{From: 2, Into: 1}); len(merged) != 1 || merged[0] != want || ended != 0 {
		t.Errorf("merged %v, %d ended; want %v and none", merged, ended, want)
	}
}

func TestDuplicateIsNotBorn(t *testing.T) {
	st := newStreet(actor{class: sidecar.Car, size: 0.2, at: line(0.2, 0.5, 0.05, 0)})
	tk := New(Options{})
	for i := range 100 {
		s := float64(i) / 10
		dets := st.detections(s)
		if i%3 == 0 && i > 5 {
			second := dets[0]
			second.Class, second.Score = sidecar.Bus, 0.5
			dets = append(dets, second)
		}
		tk.Update(time.Duration(s*float64(time.Second)), dets)
	}
	if tk.lastID != 1 {
		t.Errorf("%d identities, want 1", tk.lastID)
	}
}

// What is hidden is shown for a while where it must be, then it is in no list,
// then it is ended, once.
func TestLostTrackCoastsAndEnds(t *testing.T) {
	st := newStreet(actor{class: sidecar.Car, size: 0.05, at: line(0.1, 0.5, 0.05, 0), hidden: func(s float64) bool { return s > 2 }})
	tk, ended := New(Options{}), 0.0
	st.play(tk, 10, 8, func(s float64, r Result) {
		switch {
		case s > 2.05 && s < 2.45:
			if len(r.Tracks) != 1 || r.Tracks[0].Observed {
				t.Errorf("%.1f s: %+v, want a prediction", s, r.Tracks)
			} else if x := r.Tracks[0].Box.Centre().X(); math.Abs(x-(0.1+0.05*s)) > 0.015 {
				t.Errorf("%.1f s: at %.3f, want %.3f", s, x, 0.1+0.05*s)
			}
		case s > 2.6 && len(r.Tracks) != 0:
			t.Errorf("%.1f s: still shown: %+v", s, r.Tracks)
		}
		for _, k := range r.Ended {
			if ended != 0 || k.ID != 1 || !k.Confirmed {
				t.Errorf("%.1f s: %+v ended", s, k)
			}
			ended = s
		}
	})
	if ended < 4.4 || ended > 4.8 {
		t.Errorf("ended after %.1f s, want about 4.5", ended)
	}
}

// Clocks jump. Who still stands where it stood keeps its identity.
func TestTimeJumps(t *testing.T) {
	for _, jump := range []time.Duration{-time.Hour, -40 * time.Millisecond, 0, 10 * time.Second, 1000 * time.Hour, math.MinInt64 / 2} {
		t.Run(fmt.Sprint(jump), func(t *testing.T) {
			st := newStreet(actor{class: sidecar.Car, size: 0.1, at: line(0.5, 0.5, 0, 0)})
			tk := New(Options{})
			at := time.Duration(0)
			for i := range 60 {
				if at += 100 * time.Millisecond; i == 30 {
					at += jump
				}
				for _, k := range tk.Update(at, st.detections(0)).Tracks {
					if i > 3 && k.ID != 1 {
						t.Errorf("frame %d: identity %v", i, k.ID)
					}
					if v := math.Hypot(k.Velocity.X(), k.Velocity.Y()); v > 0.1 {
						t.Errorf("frame %d: velocity %v", i, k.Velocity)
					}
				}
			}
		})
	}
}
