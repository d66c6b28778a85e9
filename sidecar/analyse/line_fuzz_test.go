package analyse

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"pantau/sidecar"
)

// tape gives the bytes of a fuzzed input, and then zeros.
type tape struct{ data []byte }

func (t *tape) next() int {
	if len(t.data) == 0 {
		return 0
	}
	b := t.data[0]
	t.data = t.data[1:]
	return int(b)
}

// fine is the step of a grid on which the pictures of the fuzzed lines lie: sums and
// products of a few of its coordinates are exact, and so mirrors and turns are too.
const fine = 1.0 / 256

// polyline reads a line from the tape: 2 to 9 points.
func (t *tape) polyline() []sidecar.Point {
	l := make([]sidecar.Point, 2+t.next()%8)
	for i := range l {
		l[i] = sidecar.Point{fine * float64(t.next()), fine * float64(t.next())}
	}
	return l
}

// observations reads where one object was seen, frame by frame: nil where it was not.
func (t *tape) observations() []*sidecar.Box {
	var all []*sidecar.Box
	x, y := t.next(), t.next()
	for len(t.data) > 0 && len(all) < 300 {
		how := t.next()
		switch how % 4 {
		case 0: // hidden
			all = append(all, nil)
			continue
		case 1: // it moves a little
			x, y = x+t.next()%16-8, y+t.next()%16-8
		case 2: // it leaps
			x, y = t.next(), t.next()
		}
		x, y = min(256, max(0, x)), min(256, max(0, y))
		w, h := 2*(1+how/4%8), 2*(1+how/32)
		all = append(all, &sidecar.Box{Left: fine * float64(x-w), Top: fine * float64(y-2*h), Right: fine * float64(x+w), Bottom: fine * float64(y)})
	}
	return all
}

// watch shows one object to one line, and gives its crossings as they were told.
func watch(t *testing.T, fn sidecar.Function, fps float64, seen []*sidecar.Box) []sidecar.Crossing {
	f := newFilm(t, fps, fn)
	for _, b := range seen {
		if b == nil {
			f.show()
			continue
		}
		f.show(sidecar.Track{ID: 1, Confirmed: true, Observed: true, Class: sidecar.Car, Score: 0.8, Motion: sidecar.Moving, Box: *b})
	}
	f.over()
	var all []sidecar.Crossing
	n := map[sidecar.Direction]int{}
	for _, e := range f.events {
		switch c := e.Data.(type) {
		case sidecar.Crossing:
			all = append(all, c)
			n[c.Direction]++
		case sidecar.Correction:
			t.Fatalf("got a correction of one object: %+v", c)
		}
	}
	for _, r := range f.a.Totals() {
		if r.Class == sidecar.Car && *r.N != n[r.Direction] {
			t.Fatalf("got a total of %d %s, and %d events", *r.N, r.Direction, n[r.Direction])
		}
	}
	return all
}

// passage is a crossing as it is compared: its way, its frame and its place.
type passage struct {
	in    bool
	frame int
	at    sidecar.Point
}

// listed gives crossings as they were before their picture was moved, in and out
// being changed if it was mirrored.
func listed(all []sidecar.Crossing, fps float64, back func(sidecar.Point) sidecar.Point, mirrored bool) []passage {
	var list []passage
	for _, c := range all {
		list = append(list, passage{(c.Direction == sidecar.In) != mirrored, int(math.Round(float64(c.PTS) / 1e6 * fps)), back(c.At)})
	}
	return list
}

// alike says whether two crossings differ by the rounding of their places only.
func (p passage) alike(q passage) bool {
	return p.in == q.in && p.frame == q.frame && math.Hypot(p.at[0]-q.at[0], p.at[1]-q.at[1]) < 3e-4
}

func same(p sidecar.Point) sidecar.Point { return p }

// FuzzLine shows any object to any line. Its directions alternate, its crossings lie
// on the line, and they are the same in a mirror and for the line backwards, in and
// out being changed, in a picture that is turned, and in a slower film.
func FuzzLine(f *testing.F) {
	across := []byte{0, 0, 128, 255, 128}
	corner := []byte{1, 30, 80, 150, 80, 150, 200}
	up, down := []byte{2, 90, 40}, []byte{2, 90, 220}
	still := []byte{3, 3, 3}
	for _, line := range [][]byte{across, corner} {
		f.Add(slices.Concat(line, up, still, down, still, up, still))
		f.Add(slices.Concat(line, up, still, []byte{0, 0, 0}, down, still))
		f.Add(slices.Concat(line, up, still, []byte{1, 8, 15, 1, 8, 15, 1, 8, 15, 1, 8, 15}, down, []byte{34, 200, 20, 35, 35}))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		in := &tape{data}
		fn := sidecar.Function{ID: "line", Kind: "line", Line: in.polyline(), Anchor: sidecar.AnchorCentre}
		if Check(fn) != nil {
			return
		}
		seen, shape := in.observations(), polyline(fn.Line).onward() // one that ends at the picture's edge goes on beyond it
		const fps = 10
		got := watch(t, fn, fps, seen)
		for i, c := range got {
			if i > 0 && c.Direction == got[i-1].Direction {
				t.Fatalf("%s twice in a row", c.Direction)
			}
			off := math.Inf(1)
			for k := range shape[1:] {
				off = min(off, distance(shape[k], shape[k+1], c.At, 1, 1))
			}
			if !(off < 1e-3) {
				t.Fatalf("got a cut at %v, %v beside the line", c.At, off)
			}
			if c.N != i+1 {
				t.Fatalf("got crossing %d numbered %d", i+1, c.N)
			}
		}
		if folded(fn.Line) || onTheLine(fn, seen) { // what is beside a fold, and in which of two frames it was past is a matter of taste
			return
		}
		want := listed(got, fps, same, false)
		hold := func(what string, got []passage) {
			if !slices.EqualFunc(got, want, passage.alike) {
				t.Fatalf("%s: got %v, want %v: line %v, %d frames", what, got, want, fn.Line, len(seen))
			}
		}
		for _, slower := range []float64{5, 0.5} {
			hold(fmt.Sprint("at ", slower, " frames per second"), listed(watch(t, fn, slower, seen), slower, same, false))
		}
		back := fn
		back.Line = slices.Clone(fn.Line)
		slices.Reverse(back.Line)
		hold("backwards", listed(watch(t, back, fps, seen), fps, same, true))
		hold("in a mirror", listed(watch(t, moved(fn, mirror), fps, movedBoxes(seen, mirror)), fps, mirror, true))
		hold("turned", listed(watch(t, moved(fn, quarter), fps, movedBoxes(seen, quarter)), fps,
			func(p sidecar.Point) sidecar.Point { return quarter(quarter(quarter(p))) }, false))
	})
}

// folded says whether a line turns back on itself, within 15 degrees.
func folded(l []sidecar.Point) bool {
	for k := range len(l) - 2 {
		a, b, c := l[k], l[k+1], l[k+2]
		ax, ay, cx, cy := a[0]-b[0], a[1]-b[1], c[0]-b[0], c[1]-b[1]
		if ax*cx+ay*cy > math.Cos(math.Pi/12)*math.Hypot(ax, ay)*math.Hypot(cx, cy) {
			return true
		}
	}
	return false
}

// onTheLine says whether an anchor, or a step between two, touches what is a tie: a
// piece or an end of the line, or the middle between two frames.
func onTheLine(fn sidecar.Function, seen []*sidecar.Box) bool {
	var last *sidecar.Point
	before := 0
	for i, b := range seen {
		if b == nil {
			continue
		}
		p := fn.Anchor.Of(*b)
		for k := range fn.Line[1:] {
			now := side(fn.Line[k], fn.Line[k+1], p)
			if now == 0 {
				return true
			}
			if last == nil {
				continue
			}
			then := side(fn.Line[k], fn.Line[k+1], *last)
			_, between := math.Modf(then / (then - now) * float64(i-before))
			if then*now < 0 && math.Abs(between-0.5) < 1e-9 {
				return true
			}
		}
		for _, end := range fn.Line {
			if last != nil && *last != p && side(*last, p, end) == 0 {
				return true
			}
		}
		last, before = &p, i
	}
	return false
}

// mirror changes left and right; it undoes itself.
func mirror(p sidecar.Point) sidecar.Point { return sidecar.Point{1 - p[0], p[1]} }

// quarter turns the picture by a quarter as the clock goes.
func quarter(p sidecar.Point) sidecar.Point { return sidecar.Point{1 - p[1], p[0]} }

func moved(fn sidecar.Function, move func(sidecar.Point) sidecar.Point) sidecar.Function {
	fn.Line = slices.Clone(fn.Line)
	for i, p := range fn.Line {
		fn.Line[i] = move(p)
	}
	return fn
}

func movedBoxes(seen []*sidecar.Box, move func(sidecar.Point) sidecar.Point) []*sidecar.Box {
	all := make([]*sidecar.Box, len(seen))
	for i, b := range seen {
		if b != nil {
			p, q := move(sidecar.Point{b.Left, b.Top}), move(sidecar.Point{b.Right, b.Bottom})
			all[i] = &sidecar.Box{Left: min(p[0], q[0]), Top: min(p[1], q[1]), Right: max(p[0], q[0]), Bottom: max(p[1], q[1])}
		}
	}
	return all
}

// FuzzLineAddsUp shows any object to a line from the left edge of the picture to the
// right one, so that everybody can say what is above it and what below: what came in
// less what went out is where the object ended less where it began.
func FuzzLineAddsUp(f *testing.F) {
	f.Add([]byte{3, 128, 60, 200, 130, 90, 40, 2, 90, 220, 3, 3, 2, 10, 10, 3})
	f.Add([]byte{7, 10, 240, 10, 240, 10, 240, 10, 240, 0, 2, 30, 250, 1, 9, 9, 1, 15, 15})
	f.Add([]byte{1, 128, 128, 1, 100, 100, 0, 0, 2, 200, 200})
	f.Fuzz(func(t *testing.T, data []byte) {
		in := &tape{data}
		pieces := 1 + in.next()%12
		fn := sidecar.Function{ID: "line", Kind: "line", Anchor: sidecar.AnchorCentre}
		for i := range pieces + 1 {
			fn.Line = append(fn.Line, sidecar.Point{float64(i) / float64(pieces), 0.1 + 0.8*fine*float64(in.next())})
		}
		if Check(fn) != nil {
			return
		}
		shape := polyline(fn.Line)
		below := func(p sidecar.Point) float64 { // how far, in pictures
			k := min(pieces-1, int(p[0]*float64(pieces)))
			a, b := shape[k], shape[k+1]
			return p[1] - (a[1] + (p[0]-a[0])/(b[0]-a[0])*(b[1]-a[1]))
		}
		seen := in.observations()
		var first, last *sidecar.Box
		for i, b := range seen {
			if b == nil {
				continue
			}
			c := b.Centre() // not past the picture's edges, where the line ends
			dx, dy := min(1, max(0, c[0]))-c[0], min(1, max(0, c[1]))-c[1]
			seen[i] = &sidecar.Box{Left: b.Left + dx, Top: b.Top + dy, Right: b.Right + dx, Bottom: b.Bottom + dy}
			if first == nil {
				first = seen[i]
			}
			last = seen[i]
			c = seen[i].Centre()
			if d, truth := shape.depth(c, *seen[i]), below(c); math.Abs(d) > 1 && d*truth < 0 && math.Abs(truth) > 1e-9 {
				t.Fatalf("got a depth of %v at %v, which is %v below the line %v", d, c, truth, shape)
			}
		}
		if first == nil || math.Abs(shape.depth(first.Centre(), *first)) <= 1 || math.Abs(shape.depth(last.Centre(), *last)) <= 1 {
			return // it begins or ends on the line
		}
		net := 0
		for _, c := range watch(t, fn, 10, append(seen, last, last)) {
			net += map[sidecar.Direction]int{sidecar.In: 1, sidecar.Out: -1}[c.Direction]
		}
		if want := hand(sign(shape.depth(last.Centre(), *last))) - hand(sign(shape.depth(first.Centre(), *first))); net != want {
			t.Fatalf("got %d more in than out, want %d: line %v", net, want, shape)
		}
	})
}

// FuzzTurns shows four objects to a junction, with merges and ends of tracks: the
// matrix adds up to the flows, the events to the matrix, and nothing is withdrawn twice.
func FuzzTurns(f *testing.F) {
	f.Add([]byte{0, 128, 20, 0, 128, 128, 0, 240, 128, 0, 240, 128, 0, 250, 130})
	f.Add([]byte{0, 128, 20, 1, 130, 22, 0, 128, 128, 1, 130, 130, 40, 0, 0, 0, 240, 128, 0, 240, 128, 60, 0, 0})
	f.Add([]byte{0, 128, 20, 0, 128, 100, 0, 128, 128, 56, 0, 0, 1, 128, 130, 1, 240, 128, 1, 240, 128, 24, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		in := &tape{data}
		lines := slices.Clone(arms)
		lines[1].Line = []sidecar.Point{{0.7, 0.3}, {0.8, 0.5}, {0.7, 0.7}}
		film := newFilm(t, 10, append(lines, simpang)...)
		var at [4]sidecar.Point
		var here, gone [4]bool
		epoch := sidecar.TrackID(0)
		for frame := 0; len(in.data) > 0 && frame < 400; frame++ {
			s := &sidecar.Scene{}
			how, x, y := in.next(), in.next(), in.next()
			i := how % 4
			at[i], here[i] = sidecar.Point{fine * float64(x), fine * float64(y)}, true
			switch j := (i + 1 + how/64) % 4; {
			case how/8%8 == 3: // its track ends
				s.Ended = append(s.Ended, sidecar.Track{ID: epoch + sidecar.TrackID(i+1), Confirmed: true})
				here[i], gone[i] = false, true
			case how/8%8 == 5 && i != j && here[j] && !gone[i] && !gone[j]: // it is another one
				s.Merged = append(s.Merged, sidecar.Merge{From: epoch + sidecar.TrackID(i+1), Into: epoch + sidecar.TrackID(j+1)})
				here[i], gone[i] = false, true
			case how/8%8 == 7: // all are hidden
				film.wait(time.Duration(how/64) * time.Second)
				continue
			}
			for k, p := range at {
				if here[k] && !gone[k] {
					v := walker(epoch+sidecar.TrackID(k+1), p[0], p[1])
					v.Class = sidecar.Car
					s.Tracks = append(s.Tracks, v)
				}
			}
			film.play(s)
			if gone == [4]bool{true, true, true, true} {
				epoch += 4
				here, gone = [4]bool{}, [4]bool{}
			}
		}
		film.over()
		sums(t, film)
		n := map[string]int{}
		stand := map[string]string{}
		for _, e := range film.events {
			switch d := e.Data.(type) {
			case sidecar.Turn:
				stand[e.ID] = d.From + "-" + d.To
				n[stand[e.ID]]++
				if d.From == sidecar.Unknown && d.To == sidecar.Unknown || d.Travel < 0 {
					t.Fatalf("got %+v", d)
				}
			case sidecar.Correction:
				if d.From == "" {
					continue
				}
				if stand[d.Withdraws] != d.From+"-"+d.To {
					t.Fatalf("got %+v, of which %q is told", d, stand[d.Withdraws])
				}
				n[stand[d.Withdraws]]--
				delete(stand, d.Withdraws)
			}
		}
		for _, r := range film.a.Totals() {
			if r.Kind == sidecar.Turned {
				n[r.From+"-"+r.To] -= *r.N
			}
		}
		for _, way := range slices.Sorted(maps.Keys(n)) {
			if n[way] != 0 {
				t.Fatalf("got %d more events than turns %s: %s", n[way], way, film.matrix())
			}
		}
		for _, k := range film.a.analytics {
			if when, open := k.Undecided(); open {
				t.Fatalf("undecided at %v when all is over", when)
			}
		}
	})
}
