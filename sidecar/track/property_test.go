package track

import (
	"encoding/binary"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"pantau/sidecar"
)

// rules are what must hold after every frame, whatever came in.
type rules struct {
	alive, gone map[sidecar.TrackID]bool
	last        sidecar.TrackID
}

func newRules() *rules {
	return &rules{alive: map[sidecar.TrackID]bool{}, gone: map[sidecar.TrackID]bool{}}
}

func (ru *rules) check(t interface{ Fatalf(string, ...any) }, r Result) {
	inFrame := map[sidecar.TrackID]bool{}
	for _, k := range r.Tracks {
		b := k.Box
		for _, v := range []float64{b.Left, b.Top, b.Right, b.Bottom, k.Velocity[0], k.Velocity[1], k.Score} {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("not finite: %+v", k)
			}
		}
		if b != b.Clamp() && b.Area() > 0 || b.Width() < 0 || b.Height() < 0 {
			t.Fatalf("box outside of the picture or inverted: %+v", k)
		}
		if k.Confirmed != (k.ID != 0) || k.Class == "" || k.Age < 1 || k.Motion == "" {
			t.Fatalf("incomplete: %+v", k)
		}
		if !k.Confirmed {
			if !k.Observed {
				t.Fatalf("a tentative one is shown unobserved: %+v", k)
			}
			continue
		}
		if inFrame[k.ID] || ru.gone[k.ID] {
			t.Fatalf("%v is there twice, or again", k.ID)
		}
		if !ru.alive[k.ID] && k.ID <= ru.last {
			t.Fatalf("new identity %v after %v", k.ID, ru.last)
		}
		inFrame[k.ID], ru.alive[k.ID] = true, true
		ru.last = max(ru.last, k.ID)
	}
	leave := func(id sidecar.TrackID) {
		if !ru.alive[id] || ru.gone[id] || inFrame[id] {
			t.Fatalf("%v left, and was not there", id)
		}
		ru.gone[id] = true
	}
	for _, k := range r.Ended {
		leave(k.ID)
	}
	for _, m := range r.Merged {
		if leave(m.From); !ru.alive[m.Into] || ru.gone[m.Into] {
			t.Fatalf("merged into %v, which is not there", m.Into)
		}
	}
}

// clone copies a result out of the tracker's memory.
func clone(r Result) Result {
	return Result{slices.Clone(r.Tracks), slices.Clone(r.Ended), slices.Clone(r.Merged)}
}

func TestWhateverComesIn(t *testing.T) {
	classes := append(sidecar.Classes(), "train", "")
	coordinate := rapid.OneOf(rapid.Float64Range(0, 1), rapid.Float64Range(0.45, 0.55), rapid.Float64(),
		rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, 1}))
	detection := rapid.Custom(func(t *rapid.T) sidecar.Detection {
		x, y := coordinate.Draw(t, "x"), coordinate.Draw(t, "y")
		return sidecar.Detection{Class: rapid.SampledFrom(classes).Draw(t, "class"),
			Score: rapid.OneOf(rapid.Float64Range(0, 1), rapid.Float64()).Draw(t, "score"),
			Box:   sidecar.Box{Left: x, Top: y, Right: x + rapid.Float64Range(-0.01, 0.3).Draw(t, "w"), Bottom: y + rapid.Float64Range(-0.01, 0.3).Draw(t, "h")}}
	})
	rapid.Check(t, func(t *rapid.T) {
		one, two, ru := New(Options{}), New(Options{}), newRules()
		at := time.Duration(0)
		var dets []sidecar.Detection
		for range rapid.IntRange(1, 40).Draw(t, "frames") {
			if rapid.IntRange(0, 2).Draw(t, "new") == 0 {
				dets = rapid.SliceOfN(detection, 0, 8).Draw(t, "detections")
			}
			at += time.Duration(rapid.OneOf(rapid.Int64Range(0, 5e8), rapid.Int64Range(-1e10, 1e10)).Draw(t, "dt"))
			r := clone(one.Update(at, dets))
			ru.check(t, r)
			again := two.Update(at, dets)
			if !reflect.DeepEqual(r, clone(again)) {
				t.Fatalf("the same input gave\n%+v and\n%+v", r, again)
			}
		}
	})
}

// FuzzUpdate reads frames from bytes: four make a time step and a number of
// detections, ten make a detection.
func FuzzUpdate(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 100, 0, 1, 0, 200, 40, 0, 40, 0, 80, 0, 80, 0, 0, 100, 0, 1, 0, 200, 41, 0, 40, 0, 80, 0, 80, 0})
	f.Add([]byte{255, 255, 255, 2, 1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 3, 9, 0, 0, 0, 0, 0, 0, 0, 0})
	classes := append(sidecar.Classes(), "")
	f.Fuzz(func(t *testing.T, data []byte) {
		tk, ru := New(Options{}), newRules()
		at := time.Duration(0)
		for len(data) >= 4 {
			at += time.Duration(int32(binary.BigEndian.Uint32(data)&^0xff)) << 10
			n := int(data[3])
			data = data[4:]
			var dets []sidecar.Detection
			for ; n > 0 && len(data) >= 10; n, data = n-1, data[10:] {
				v := func(i int) float64 { return float64(int16(binary.BigEndian.Uint16(data[2+2*i:]))) / 16384 }
				dets = append(dets, sidecar.Detection{Class: classes[int(data[0])%len(classes)], Score: float64(data[1]) / 200,
					Box: sidecar.Box{Left: v(0), Top: v(1), Right: v(2), Bottom: v(3)}})
			}
			ru.check(t, tk.Update(at, dets))
		}
	})
}
