package view

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pantau/sidecar"
	"pantau/sidecar/decode"
)

// street is a street that is drawn: houses with windows, a road, kerbs and poles.
func street(seed uint64) *still {
	r := rand.New(rand.NewPCG(seed, 1))
	s := newStill(320, 180)
	fill := func(x0, y0, x1, y1 int, v float32) {
		for y := max(0, y0); y < min(s.h, y1); y++ {
			for x := max(0, x0); x < min(s.w, x1); x++ {
				for c := range s.rgb {
					s.rgb[c][y*s.w+x] = v * [...]float32{1, 0.95, 0.85}[c]
				}
			}
		}
	}
	fill(0, 0, 320, 180, 170)
	for x := 0; x < 320; {
		w, top := 25+r.IntN(40), 15+r.IntN(45)
		wall := float32(80 + r.IntN(100))
		fill(x, top, x+w, 110, wall)
		for y := top + 6; y < 100; y += 14 {
			for u := x + 4; u < x+w-8; u += 11 {
				fill(u, y, u+6, y+8, wall-float32(30+r.IntN(40)))
			}
		}
		x += w
	}
	fill(0, 110, 320, 180, 95)
	fill(0, 112, 320, 118, 150)
	for x := 0; x < 320; x += 40 {
		fill(x, 146, x+20, 149, 220)
		fill(x+10+r.IntN(20), 80, x+13+r.IntN(20), 120, 50)
	}
	for range 40 {
		x, y := r.IntN(320), 120+r.IntN(58)
		fill(x, y, x+3+r.IntN(14), y+2+r.IntN(4), float32(60+r.IntN(80)))
	}
	return s
}

// noise gives a still with a sensor's noise, another one each time.
func noise(s *still) func() *still {
	r := rand.New(rand.NewPCG(7, 7))
	return func() *still { return s.noisy(r, 4) }
}

// scene is what a watcher has seen for a while.
type scene struct {
	name string
	next func() *still
}

// drawn is how many of the scenes are drawn.
const drawn = 2

// scenes are drawn streets, and the clips that are there.
func scenes(t *testing.T) []scene {
	t.Helper()
	all := []scene{{"drawn 1", noise(street(1))}, {"drawn 2", noise(street(2))}}
	if found, ok := clipsIfAny(); ok {
		for _, path := range found {
			all = append(all, scene{name(path), looped(reel(t, path, 6))})
		}
	}
	return all
}

// few are the drawn streets and three of the clips: all of them take minutes.
func few(t *testing.T) []scene {
	return slices.DeleteFunc(scenes(t), func(s scene) bool {
		return !slices.Contains([]string{"drawn 1", "drawn 2", "street-dusk.mp4", "crowd.mp4", "vtest.avi"}, s.name)
	})
}

// watched is a film of a scene that is known for long.
func watched(s scene) *film {
	f := newFilm(Options{})
	for range taking + 4 {
		f.show(s.next())
	}
	f.w.ref.looks = ripe
	return f
}

// changed changes each still of a scene, and each of them once.
func changed(s scene, change func(*still) *still) func() *still {
	done := map[*still]*still{}
	return func() *still {
		from := s.next()
		if done[from] == nil {
			done[from] = change(from)
		}
		return done[from]
	}
}

// The camera is turned by some degrees: the rules are suspended within 5 s, and
// resumed within 5 s when it is turned back. A scene with few edges (cars from
// above, on a bare lane) is let off the hardest of them.
func TestTurnedCameraIsSuspended(t *testing.T) {
	turns := []struct{ pan, tilt, roll float64 }{{0, 3, 0}, {-3, 0, 0}, {8, 3, 0}, {0, 0, 4}, {4, 0, 0}}
	for n, s := range scenes(t) {
		for i, turn := range turns {
			if n >= drawn && i%2 == 0 {
				continue // of a clip, two
			}
			f := watched(s)
			what := fmt.Sprintf("%s turned by %v", s.name, turn)
			votes := f.w.ref.votes
			after := f.until(sidecar.ViewMoved, 5, changed(s, func(from *still) *still { return from.turned(turn.pan, turn.tilt, turn.roll) }))
			t.Logf("%s: after %d s; %d blocks; %s", what, after, votes, f.w.view.Cause)
			if after < 0 {
				if votes >= 2*fewest {
					t.Errorf("%s: not suspended within 5 s, of %d blocks", what, votes)
				}
				continue
			}
			if back := f.until(sidecar.ViewOK, 5, s.next); back < 0 {
				t.Errorf("%s: not resumed within 5 s", what)
			}
		}
	}
}

// lights are changes of the light, from one second to the next.
var lights = map[string]func(*still) *still{
	"half":  func(s *still) *still { return s.each(func(v float32) float32 { return v * 0.45 }) },
	"twice": func(s *still) *still { return s.each(func(v float32) float32 { return v * 2 }) },
	"gamma": func(s *still) *still {
		return s.each(func(v float32) float32 { return 255 * float32(math.Pow(float64(v)/255, 1.8)) })
	},
	"bright": func(s *still) *still {
		return s.each(func(v float32) float32 { return 255 * float32(math.Pow(float64(v)/255, 0.5)) })
	},
	"dusk":  func(s *still) *still { return s.dusk(0.5) },
	"lamps": func(s *still) *still { return s.dusk(1) },
	"infra": func(s *still) *still { return s.dusk(0.8).grey().noisy(rand.New(rand.NewPCG(3, 3)), 6) },
	"noise": func(s *still) *still { return s.noisy(rand.New(rand.NewPCG(4, 4)), 20) },
}

func TestLightDoesNotSuspend(t *testing.T) {
	for n, s := range scenes(t) {
		for what, change := range lights {
			if n >= drawn && !slices.Contains([]string{"half", "lamps", "infra"}, what) {
				continue
			}
			f := watched(s)
			next := changed(s, change)
			for range 25 {
				if v := f.show(next()); v.Suspends() {
					t.Errorf("%s, light %q: %s, %s", s.name, what, v.State, v.Cause)
					break
				}
			}
		}
	}
}

// A bus comes, stands so that it fills the picture, and goes.
func TestBusDoesNotSuspend(t *testing.T) {
	for _, s := range few(t) {
		f := watched(s)
		for i := range 50 {
			x := 0.02
			if i < 3 || i > 46 {
				x = float64(3-i)*0.3 + map[bool]float64{true: 0, false: 14}[i < 3]
			}
			if v := f.show(s.next().bus(x, 0.96, 0.95)); v.Suspends() {
				t.Errorf("%s: %s after %d s, %s", s.name, v.State, i, v.Cause)
				break
			}
		}
	}
}

// It stands there when the reference is taken, and goes.
func TestReferenceOfABusIsTakenAnew(t *testing.T) {
	s := scenes(t)[0]
	f := newFilm(Options{})
	for range 30 {
		f.show(s.next().bus(0.02, 0.96, 0.95))
	}
	for range 120 {
		if v := f.show(s.next()); v.Suspends() {
			t.Fatalf("%s, %s", v.State, v.Cause)
		}
	}
	if after := f.until(sidecar.ViewMoved, 5, changed(s, func(from *still) *still { return from.turned(3, 0, 0) })); after < 0 {
		t.Error("the camera was turned, and that was not seen")
	}
}

func TestWhatSuspends(t *testing.T) {
	for _, one := range []struct {
		state  sidecar.ViewState
		within int // seconds
		change func(*still) *still
	}{
		{sidecar.ViewDark, 5, func(s *still) *still { return s.each(func(v float32) float32 { return v * 0.05 }) }},
		{sidecar.ViewBlurred, 15, func(s *still) *still { return s.blurred(5) }},
		{sidecar.ViewBlurred, 15, func(s *still) *still { return s.blurred(7) }},
		{sidecar.ViewCovered, 25, func(s *still) *still {
			return s.blurred(90).each(func(v float32) float32 { return v*0.1 + 60 })
		}},
		{sidecar.ViewMoved, 70, func(s *still) *still { // it hangs upside down
			return s.from(func(x, y float64) (float64, float64) { return 319 - x, float64(s.h) - 1 - y })
		}},
	} {
		for _, s := range few(t) {
			f := watched(s)
			after := f.until(one.state, one.within, changed(s, one.change))
			t.Logf("%s %s after %d s", s.name, one.state, after)
			if after < 0 {
				t.Errorf("%s is not %s within %d s, but %v", s.name, one.state, one.within, f.w.view)
				continue
			}
			if v := f.w.view; v.Cause == "" || v.Hint() == "" {
				t.Errorf("%s %s: got cause %q and hint %q", s.name, one.state, v.Cause, v.Hint())
			}
			if back := f.until(sidecar.ViewOK, 5, s.next); back < 0 {
				t.Errorf("%s %s: not resumed within 5 s", s.name, one.state)
			}
		}
	}
}

// A frozen camera sends one picture again and again, with the time written in it.
func TestFrozenPictureSuspends(t *testing.T) {
	s := scenes(t)[0]
	f := watched(s)
	stopped := s.next()
	i := 0
	after := f.until(sidecar.ViewFrozen, 40, func() *still {
		i++
		written := stopped.each(func(v float32) float32 { return v })
		for x := range 40 {
			written.rgb[0][5*320+x] = float32((i * x * 37) % 256)
		}
		return written
	})
	if after < 30 {
		t.Errorf("got frozen after %d s, want 30 to 40", after)
	}
	if back := f.until(sidecar.ViewOK, 2, s.next); back < 0 {
		t.Error("not resumed within 2 s")
	}
}

// Clips of real cameras, from their first picture to their last.
func TestClipsAreNotSuspended(t *testing.T) {
	if testing.Short() {
		t.Skip("it decodes five minutes of video")
	}
	seconds := 0.0
	for _, path := range clips(t) {
		f, err := decode.OpenFile(path, decode.FileOptions{})
		if err != nil {
			t.Fatal(err)
		}
		w := New(Options{})
		flags := map[string]int{}
		least := 1.0
		for {
			frame, err := f.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			v := w.Look(frame)
			frame.Release()
			if v.Suspends() {
				t.Errorf("%s: %s after %v, %s", name(path), v.State, frame.Media(), v.Cause)
				break
			}
			if w.before.w > 0 && w.ref.looks >= taking {
				w.now, w.before = w.before, w.now
				least = min(least, w.detail(w.ref.compare(&w.now.field)))
				w.now, w.before = w.before, w.now
			}
			for _, flag := range v.Flags {
				flags[flag]++
			}
		}
		seconds += w.last.Seconds()
		t.Logf("%s: %v, %d blocks, at least %.2f of the detail, flags in frames %v", name(path), w.last, w.ref.votes, least, flags)
		f.Close()
	}
	t.Logf("%.0f s of video", seconds)
}

func TestFlagsSayWhyThePictureIsPoor(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for _, one := range []struct {
		flag   string
		change func(*still) *still
	}{
		{"night", func(s *still) *still { return s.each(func(v float32) float32 { return v * 0.2 }) }},
		{"night", func(s *still) *still { return s.grey() }},
		{"rain", func(s *still) *still { return s.rainy(r, 150) }},
		{"low_detail", func(s *still) *still { return s.each(func(v float32) float32 { return 200 + v*0.04 }) }},
	} {
		s := scenes(t)[0]
		f := watched(s)
		for range 30 {
			if v := f.show(one.change(s.next())); v.Suspends() && one.flag != "low_detail" {
				t.Fatalf("%s: %s, %s", one.flag, v.State, v.Cause)
			}
		}
		if !slices.Contains(f.w.view.Flags, one.flag) {
			t.Errorf("got flags %v, want %s", f.w.view.Flags, one.flag)
		}
		for range 40 {
			f.show(s.next())
		}
		if len(f.w.view.Flags) > 0 {
			t.Errorf("%s: it has passed, and the flags are %v", one.flag, f.w.view.Flags)
		}
	}
}

// A camera that was turned while nobody looked.
func TestReferenceOutlivesTheWatcher(t *testing.T) {
	s := scenes(t)[0]
	kept := watched(s).w.Reference()
	if len(kept) < 1000 || len(kept) > 40_000 {
		t.Fatalf("got a reference of %d bytes, want some 30,000", len(kept))
	}
	f := newFilm(Options{Reference: kept})
	if after := f.until(sidecar.ViewMoved, 5, func() *still { return s.next().turned(3, 0, 0) }); after < 0 {
		t.Error("turned meanwhile: not suspended within 5 s")
	}
	f = newFilm(Options{Reference: kept})
	for range 20 {
		if v := f.show(s.next()); v.Suspends() {
			t.Fatalf("as it was: %s, %s", v.State, v.Cause)
		}
	}
	f.w.Renew()
	for range 20 {
		if v := f.show(s.next().turned(3, 0, 0)); v.Suspends() {
			t.Fatalf("taken anew: %s, %s", v.State, v.Cause)
		}
	}
}

// A mask and what is written into the picture do not move with the camera.
func TestMaskHasNoVote(t *testing.T) {
	masked := func(s *still) *still {
		out := s.each(func(v float32) float32 { return v })
		for y := range 90 {
			for x := range 160 {
				for c := range out.rgb {
					out.rgb[c][y*320+x] = 0
				}
			}
		}
		return out
	}
	s := scenes(t)[0]
	f := newFilm(Options{Mask: []sidecar.Polygon{{{0, 0}, {0.5, 0}, {0.5, 0.5}, {0, 0.5}}}})
	for range 15 {
		f.show(masked(s.next()))
	}
	for i, e := range f.w.ref.energy {
		if x0, y0, x1, y1 := f.w.ref.block(i); x1 <= 80 && y1 <= 45 && e > 0 {
			t.Errorf("block %d,%d under the mask has edges: %v", x0, y0, e)
		}
	}
	if after := f.until(sidecar.ViewMoved, 5, func() *still { return masked(s.next().turned(-3, 0, 0)) }); after < 0 {
		t.Error("not suspended within 5 s")
	}
}

// Light of any kind, changing from second to second, never suspends.
func FuzzLightNeverSuspends(f *testing.F) {
	f.Add(uint64(1), byte(100), byte(100), byte(0), byte(5))
	f.Add(uint64(2), byte(30), byte(180), byte(200), byte(0))
	f.Add(uint64(3), byte(250), byte(60), byte(90), byte(20))
	f.Fuzz(func(t *testing.T, seed uint64, gain, gamma, dusk, deviation byte) {
		r := rand.New(rand.NewPCG(seed, 2))
		s := scene{"drawn", noise(street(seed % 16))}
		film := watched(s)
		for i := range 30 {
			k := r.Float64() // how much of the change there is now
			g := 1 + k*(0.4+float64(gain)/128-1)
			e := 1 + k*(0.5+float64(gamma)/128-1)
			lit := s.next().dusk(float32(k*float64(dusk)/255)).each(func(v float32) float32 {
				return float32(g * 255 * math.Pow(float64(v)/255, e))
			}).noisy(r, float64(deviation%16))
			if v := film.show(lit); v.Suspends() && v.State != sidecar.ViewDark {
				t.Fatalf("after %d s: %s, %s", i, v.State, v.Cause)
			}
		}
	})
}

func FuzzReference(f *testing.F) {
	f.Add(watched(scene{"drawn", noise(street(1))}).w.Reference())
	f.Add([]byte{1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		film := newFilm(Options{Reference: b})
		for range 3 {
			film.show(street(1))
		}
		if r := decodeReference(b); r != nil && len(r.encode()) != len(b) {
			t.Errorf("got %d bytes of %d", len(r.encode()), len(b))
		}
	})
}

// A picture that is black every other second is not dark, also while the reference
// is taken.
func TestDarkMustLast(t *testing.T) {
	s, black := noise(street(1)), newStill(320, 180)
	f := newFilm(Options{})
	for range 20 {
		for _, next := range [...]*still{s(), black} {
			if v := f.show(next); v.Suspends() {
				t.Fatalf("%s after %d s", v.State, f.t)
			}
		}
	}
}
