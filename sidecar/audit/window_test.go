package audit

import (
	"math"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"pantau/sidecar"
)

// Windows follow each other without a gap, every crossing is in one, and a window
// ends clear of crossings wherever there is room.
func TestWindowsTileTheTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "start"))
		length := time.Duration(rapid.Int64Range(1, int64(10*time.Minute)).Draw(t, "length"))
		c := cutter{start: start}
		n := rapid.IntRange(0, 60).Draw(t, "crossings")
		for i := range n {
			at := start + time.Duration(rapid.Int64Range(0, int64(length)-1).Draw(t, "at"))
			if !c.put(crossing{id: strconv.Itoa(i), at: at}) {
				t.Fatalf("a crossing at %v was refused", at)
			}
		}
		var all []crossing
		next, windows := start, c.finish(start+length)
		for i, w := range windows {
			if w.from != next || w.to <= w.from || w.to-w.from > 2*shortest || i < len(windows)-1 && w.to-w.from < shortest {
				t.Fatalf("window %d is from %v to %v after %v", i, w.from, w.to, next)
			}
			next = w.to
			for _, x := range w.crossings {
				if x.at < w.from || x.at >= w.to {
					t.Fatalf("a crossing at %v is in the window from %v to %v", x.at, w.from, w.to)
				}
			}
			all = append(all, w.crossings...)
		}
		if next != start+length || len(all) != n {
			t.Fatalf("windows end at %v with %d crossings, want %v with %d", next, len(all), start+length, n)
		}
	})
}

func TestWindowsEndBetweenCrossings(t *testing.T) {
	for _, c := range []struct {
		name string
		at   []float64
		want float64
	}{
		{"nobody", nil, 10},
		{"somebody long before", []float64{3}, 10},
		{"just before", []float64{9.5}, 10.5},
		{"just after", []float64{10.5}, 11.5},
		{"a platoon", []float64{9.5, 10.5, 11.5, 12.5}, 13.5},
		{"no gap but one", []float64{9.2, 10.7, 12.2, 13.7, 15.6, 17.1, 18.6, 20.1}, 14.65},
	} {
		t.Run(c.name, func(t *testing.T) {
			var cut cutter
			for _, s := range c.at {
				cut.put(crossing{at: time.Duration(s * float64(time.Second))})
			}
			if _, early := cut.cut(19 * time.Second); early {
				t.Error("cut before everything was known")
			}
			w, ok := cut.cut(20 * time.Second)
			if !ok || math.Abs(w.to.Seconds()-c.want) > 1e-6 {
				t.Errorf("got %v, %v, want %v s", w.to, ok, c.want)
			}
		})
	}
}

// Every window is drawn with the same probability, also after a part of them is chosen.
func TestEveryWindowIsDrawnAlike(t *testing.T) {
	const windows, size, chosen, times = 40, 10, 6, 20000
	var kept, shown [windows]int
	for seed := range uint64(times) {
		d := newDraw(size, seed, "line/busy")
		for i := range windows {
			if _, instead := d.offer(&Strip{Stratum: i}); instead != nil && instead.Stratum >= i {
				t.Fatal("what came later was replaced")
			}
		}
		for _, s := range d.kept {
			kept[s.Stratum]++
		}
		some, others := d.some(chosen)
		if len(some) != chosen || len(others) != size-chosen {
			t.Fatalf("got %d and %d", len(some), len(others))
		}
		for _, s := range some {
			shown[s.Stratum]++
		}
	}
	for _, c := range []struct {
		counts [windows]int
		n      float64
	}{{kept, size}, {shown, chosen}} {
		p := c.n / windows
		for i, n := range c.counts {
			if off := (float64(n) - times*p) / math.Sqrt(times*p*(1-p)); math.Abs(off) > 4.5 {
				t.Errorf("window %d was drawn %d times, want about %g (%.1f standard deviations)", i, n, times*p, off)
			}
		}
	}
}

func TestLimits(t *testing.T) {
	for _, c := range []struct{ found, low, high float64 }{
		{0, 0, 3.689}, {1, 0.0253, 5.572}, {10, 4.795, 18.390}, {100, 81.36, 121.63}, // Garwood's table
	} {
		low, high := part{found: c.found, weight: 1, windows: 20, spread: 1}.limits()
		if math.Abs(low-c.low) > 0.005 || math.Abs(high-c.high) > 0.005 {
			t.Errorf("%g: got %.4f to %.4f, want %g to %g", c.found, low, high, c.low, c.high)
		}
	}
	for _, c := range []struct{ degrees, t float64 }{{5, 2.571}, {10, 2.228}, {30, 2.042}} {
		if got := 1.96 * student(c.degrees); math.Abs(got-c.t) > 0.01 {
			t.Errorf("Student's t with %g degrees: got %.3f, want %g", c.degrees, got, c.t)
		}
	}
}

// Who sees all windows knows the truth of the recorded time.
func TestAllWindowsSeenIsTheTruth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var seen []Seen
		drawn := Drawn{Counted: Tally{}}
		truth := map[Key]int{}
		for range rapid.IntRange(1, 30).Draw(t, "windows") {
			w := Seen{Counted: Tally{}, Tallied: Tally{}}
			for _, dir := range directions {
				for _, g := range Groups() {
					k := Key{dir, g}
					w.Counted[k], w.Tallied[k] = rapid.IntRange(0, 3).Draw(t, "counted"), rapid.IntRange(0, 3).Draw(t, "tallied")
					truth[k] += w.Tallied[k]
					drawn.Counted[k] += w.Counted[k]
				}
			}
			if w.Counted.all() > 0 {
				w.Stratum = busy
			}
			drawn.Windows[w.Stratum]++
			seen = append(seen, w)
		}
		for _, e := range Estimates(seen, drawn) {
			want := Tally(truth).sum(func(k Key) bool { return k.Direction == e.Direction || k.Group == e.Group })
			if math.Abs(e.True-float64(want)) > 1e-6 || e.Seen != want {
				t.Fatalf("%s%s: got %g, seen %d, want %d", e.Direction, e.Group, e.True, e.Seen, want)
			}
			if !e.TooFew && (e.Bias.Low > e.Bias.Value || e.Bias.Value > e.Bias.High) {
				t.Fatalf("bias %+v", e.Bias)
			}
		}
	})
}

func TestGroups(t *testing.T) {
	for class, want := range map[sidecar.Class]Group{sidecar.Person: People, sidecar.Motorcycle: TwoWheelers, sidecar.Bus: Vehicles, "cow": Vehicles} {
		if got := GroupOf(class); got != want {
			t.Errorf("got %s for %s, want %s", got, class, want)
		}
	}
}
