package track

import (
	"math"
	"testing"
	"time"

	"pantau/sidecar"
)

// A box too large around an object, or on a part of it, is no other object,
// however sure the detector is of both.
func TestNestedBoxesAreOneObject(t *testing.T) {
	for name, second := range map[string]func(b sidecar.Box) sidecar.Box{
		"around": func(b sidecar.Box) sidecar.Box { return buffered(b, 0.25*b.Width(), 0.2*b.Height()) },
		"cab": func(b sidecar.Box) sidecar.Box {
			return sidecar.Box{Left: b.Left, Top: b.Top, Right: b.Right, Bottom: b.Top + 0.5*b.Height()}
		},
	} {
		for _, fps := range rates {
			tk := New(Options{})
			for i := range int(4 * fps) {
				s := float64(i) / fps
				b := square(0.1+0.15*s, 0.5, 0.1)
				dets := []sidecar.Detection{{Class: sidecar.Truck, Score: 0.7, Box: b}}
				if i > 0 && i%4 != 0 {
					dets = append(dets, sidecar.Detection{Class: sidecar.Bus, Score: 0.6, Box: second(b)})
				}
				tk.Update(time.Duration(s*float64(time.Second)), dets)
			}
			if tk.lastID != 1 {
				t.Errorf("%s, %v fps: %d identities, want 1", name, fps, tk.lastID)
			}
		}
	}
}

// Nor is one that reaches out of the object now and then.
func TestNestedBoxesMayShake(t *testing.T) {
	tk := New(Options{})
	for i := range 60 {
		b := square(0.1+0.012*float64(i), 0.5, 0.1)
		part := square(0.1+0.012*float64(i), 0.5, 0.07)
		if i%3 == 2 {
			part.Left, part.Right = part.Left+0.04, part.Right+0.04
		}
		tk.Update(time.Duration(i)*100*time.Millisecond, []sidecar.Detection{
			{Class: sidecar.Car, Score: 0.7, Box: b}, {Class: sidecar.Car, Score: 0.5, Box: part}})
	}
	if tk.lastID != 1 {
		t.Errorf("%d identities, want 1", tk.lastID)
	}
}

// Who comes out from before a bus gets an identity, and has been there before.
func TestNestedObjectsThatPartAreTwo(t *testing.T) {
	tk := New(Options{})
	var last []sidecar.Track
	for i := range 40 {
		s := float64(i) / 10
		bus := sidecar.Box{Left: 0.3, Top: 0.3, Right: 0.6, Bottom: 0.6}
		car := square(0.45+0.1*max(0, s-1), 0.5, 0.15)
		dets := []sidecar.Detection{{Class: sidecar.Bus, Score: 0.8, Box: bus}}
		if i >= 5 {
			dets = append(dets, sidecar.Detection{Class: sidecar.Car, Score: 0.7, Box: car})
		}
		last = append(last[:0], tk.Update(time.Duration(s*float64(time.Second)), dets).Tracks...)
		if nested := s < 1.5; nested && tk.lastID > 1 {
			t.Fatalf("%.1f s: the car has an identity within the bus", s)
		}
	}
	if len(last) != 2 || !last[1].Confirmed || last[1].Born != 500*time.Millisecond || last[1].Start.Centre() != square(0.45, 0.5, 0.15).Centre() {
		t.Errorf("got %+v, want bus and car, which was there from 0.5 s on", last)
	}
}

// What stands behind a lorry, and is seen in the middle of it, is a part of it. Who
// stands before it is not.
func TestWhatAVehicleWouldHideIsAPartOfIt(t *testing.T) {
	for _, c := range []struct {
		name  string
		up    float64 // of the lorry's height, from its wheels
		class sidecar.Class
		want  sidecar.TrackID
	}{{"mirror", 0.6, sidecar.Bicycle, 1}, {"load", 0.4, sidecar.Person, 1}, {"motorcycle in front", 0.05, sidecar.Motorcycle, 2}} {
		tk := New(Options{})
		for i := range 40 {
			x := 0.01 * float64(i)
			lorry := sidecar.Box{Left: 0.1 + x, Top: 0.2, Right: 0.4 + x, Bottom: 0.7}
			foot := lorry.Bottom - c.up*lorry.Height()
			thing := sidecar.Box{Left: 0.2 + x, Right: 0.23 + x, Top: foot - 0.08, Bottom: foot}
			tk.Update(time.Duration(i)*100*time.Millisecond, []sidecar.Detection{
				{Class: sidecar.Truck, Score: 0.6, Box: lorry}, {Class: c.class, Score: 0.5, Box: thing}})
		}
		if tk.lastID != c.want {
			t.Errorf("%s: %d identities, want %d", c.name, tk.lastID, c.want)
		}
	}
}

// Where one hides another, a detector gives a box from the head of one to the feet of
// the other, and is surer of it than of either. It is nobody, and nobody's.
func TestABoxAroundTwoPeopleIsNeither(t *testing.T) {
	for _, fps := range [...]float64{5, 10} {
		tk := New(Options{})
		var last []sidecar.Track
		for i := range int(4 * fps) {
			s := float64(i) / fps
			front := sidecar.Box{Left: 0.28 + 0.1*s, Right: 0.32 + 0.1*s, Top: 0.48, Bottom: 0.66}
			back := sidecar.Box{Left: 0.68 - 0.1*s, Right: 0.72 - 0.1*s, Top: 0.36, Bottom: 0.5}
			dets := []sidecar.Detection{{Class: sidecar.Person, Score: 0.6, Box: front}, {Class: sidecar.Person, Score: 0.6, Box: back}}
			if both := (sidecar.Box{Left: front.Left, Right: front.Right, Top: back.Top, Bottom: front.Bottom}); math.Abs(front.Left-back.Left) < 0.005 {
				dets[1] = sidecar.Detection{Class: sidecar.Person, Score: 0.9, Box: both}
			}
			last = append(last[:0], tk.Update(time.Duration(s*float64(time.Second)), dets).Tracks...)
			for _, k := range last {
				if k.Observed && k.Box.Top < 0.44 && k.Box.Bottom > 0.53 {
					t.Fatalf("%v fps, %.1f s: track %d has the box around both: %.3f", fps, s, k.ID, k.Box)
				}
			}
		}
		if tk.lastID != 2 || len(last) != 2 || last[0].Velocity[0]*last[1].Velocity[0] > 0 {
			t.Errorf("%v fps: %d identities, in the end %+v", fps, tk.lastID, last)
		}
	}
}

// Who walks before two others, and is larger, has a box of his own.
func TestWhoWalksBeforeTwoIsSomebody(t *testing.T) {
	tk := New(Options{})
	var last []sidecar.Track
	for i := range 40 {
		x := 0.2 + 0.015*float64(i)
		dets := []sidecar.Detection{{Class: sidecar.Person, Score: 0.7, Box: sidecar.Box{Left: x - 0.05, Right: x + 0.05, Top: 0.3, Bottom: 0.7}}}
		for _, at := range [2]float64{0.48, 0.53} {
			dets = append(dets, sidecar.Detection{Class: sidecar.Person, Score: 0.6, Box: sidecar.Box{Left: at - 0.02, Right: at + 0.02, Top: 0.35, Bottom: 0.55}})
		}
		last = append(last[:0], tk.Update(time.Duration(i)*100*time.Millisecond, dets).Tracks...)
		if i > 3 && (len(last) != 3 || !last[0].Observed) {
			t.Fatalf("frame %d: %+v", i, last)
		}
	}
	if tk.lastID != 3 {
		t.Errorf("%d identities, want 3", tk.lastID)
	}
}

// A faint one that walks is found again after a second by its faint detections; what
// stands there is not.
func TestFaintOnesAreLookedForLonger(t *testing.T) {
	for _, c := range []struct {
		name  string
		speed float64 // sides of the picture per second
		want  bool
	}{{"walks", 0.08, true}, {"stands", 0, false}} {
		tk := New(Options{})
		found := false
		for i := range 60 {
			s := float64(i) / 10
			score := 0.33
			if i%8 == 0 {
				score = 0.45
			}
			var dets []sidecar.Detection
			switch {
			case s < 4:
				dets = []sidecar.Detection{{Class: sidecar.Person, Score: score, Box: square(0.2+c.speed*s, 0.5, 0.1)}}
			case s >= 4.8:
				dets = []sidecar.Detection{{Class: sidecar.Person, Score: 0.2, Box: square(0.2+c.speed*s, 0.5, 0.1)}}
			}
			for _, k := range tk.Update(time.Duration(s*float64(time.Second)), dets).Tracks {
				found = found || s >= 4.8 && k.ID == 1 && k.Observed
			}
		}
		if found != c.want {
			t.Errorf("%s: found again %v, want %v", c.name, found, c.want)
		}
	}
}

// A faint box over much of the picture, as around several cars that have gone, is no
// object, and a bus close to the camera is one.
func TestGiantsAreSeenSurely(t *testing.T) {
	for _, c := range []struct {
		score, size float64
		want        bool
	}{{0.35, 0.7, false}, {0.6, 0.7, true}, {0.35, 0.2, true}} {
		tk, found := New(Options{}), false
		for i := range 30 {
			d := sidecar.Detection{Class: sidecar.Bus, Score: c.score, Box: square(0.5+0.002*float64(i), 0.5, c.size)}
			for _, k := range tk.Update(time.Duration(i)*100*time.Millisecond, []sidecar.Detection{d}).Tracks {
				found = found || k.Confirmed
			}
		}
		if found != c.want {
			t.Errorf("score %v, size %v: an object %v, want %v", c.score, c.size, found, c.want)
		}
	}
}

// Who comes to lie within a person, and stays there, is that person once more if not both
// are seen surely. If they are, one walks behind the other.
func TestWhoLiesWithinAPersonIsThatOne(t *testing.T) {
	for score, want := range map[float64]int{0.35: 1, 0.6: 0} {
		tk, merged := New(Options{}), 0
		for i := range 60 {
			x := 0.2 + 0.005*float64(i)
			whole := sidecar.Box{Left: x, Top: 0.4, Right: x + 0.05, Bottom: 0.6}
			part := sidecar.Box{Left: x + 0.01, Top: 0.45, Right: x + 0.045, Bottom: 0.6}
			if i < 8 { // beside, at first
				part.Left, part.Right = part.Left+0.03, part.Right+0.03
			}
			merged += len(tk.Update(time.Duration(i)*100*time.Millisecond, []sidecar.Detection{
				{Class: sidecar.Person, Score: score, Box: whole}, {Class: sidecar.Person, Score: score, Box: part}}).Merged)
		}
		if tk.lastID != 2 || merged != want {
			t.Errorf("score %.2f: %d identities and %d merged, want 2 and %d", score, tk.lastID, merged, want)
		}
	}
}
