package draw

import (
	"image"
	"math/rand/v2"
	"testing"
	"time"

	"pantau/sidecar"
)

// at is a scene of an epoch at a media time.
func at(epoch string, media time.Duration, tracks ...sidecar.Track) *sidecar.Scene {
	return &sidecar.Scene{Stamp: sidecar.Stamp{Epoch: epoch, PTS: int64(media * 90000 / time.Second), ClockRate: 90000}, Tracks: tracks}
}

func TestAnObjectIsFaintOnlyAfterAWhile(t *testing.T) {
	var p Painter
	seen := track(1, sidecar.Person, sidecar.Box{Left: 0.2, Top: 0.2, Right: 0.4, Bottom: 0.8})
	unseen := seen
	unseen.Observed = false
	edge := func(media time.Duration, k sidecar.Track) bool {
		img := grey(320, 240, image.YCbCrSubsampleRatio420)
		p.Scene(img, at("a", media, k), nil, Options{})
		return near(img, 64, 120, orange)
	}
	for _, tt := range []struct {
		at   time.Duration
		k    sidecar.Track
		full bool
	}{
		{0, unseen, false}, // nobody has seen it yet
		{100 * time.Millisecond, seen, true},
		{200 * time.Millisecond, unseen, true},
		{400 * time.Millisecond, unseen, true},
		{600 * time.Millisecond, unseen, false},
		{700 * time.Millisecond, seen, true},
	} {
		if got := edge(tt.at, tt.k); got != tt.full {
			t.Errorf("at %v: drawn in full %v, want %v", tt.at, got, tt.full)
		}
	}
}

// A label stays where it is while what is around it trembles.
func TestLabelsDoNotJump(t *testing.T) {
	c := newCanvas(grey(640, 360, image.YCbCrSubsampleRatio420), sidecar.Colours{})
	jumps := func(remember bool) (n int) {
		rnd := rand.New(rand.NewPCG(5, 6))
		place := 0
		for i := range 200 {
			var l labels
			l.add(label{text: "car 1", colour: skyBlue, of: image.Rect(280, 140, 360, 200), place: &place})
			for _, at := range []image.Point{{280, 110}, {330, 110}, {280, 205}, {330, 205}, {370, 140}, {240, 140}} {
				at = at.Add(image.Pt(rnd.IntN(8), rnd.IntN(8)))
				l.add(label{text: "person", colour: orange, of: image.Rectangle{at, at.Add(image.Pt(40, 25))}, place: new(int)})
			}
			was := place
			if !remember {
				place = 0
			}
			l.place(c, 0, image.Pt(60, 16), nil)
			if i > 0 && place != was {
				n++
			}
		}
		return n
	}
	if with, without := jumps(true), jumps(false); with*10 > without || without < 20 {
		t.Errorf("the label jumps %d times in 200 pictures where its place is remembered, %d where not", with, without)
	}
}

func TestWaysAreRememberedAndForgotten(t *testing.T) {
	var p Painter
	img := func() *image.YCbCr { return grey(320, 240, image.YCbCrSubsampleRatio420) }
	for i := range 60 {
		x := 0.1 + 0.01*float64(i)
		p.Scene(img(), at("a", time.Duration(i)*100*time.Millisecond, track(1, sidecar.Car, sidecar.Box{Left: x, Top: 0.2, Right: x + 0.1, Bottom: 0.5})), nil, Options{})
	}
	if n := len(p.things[1].way); n < 20 || n > 27 {
		t.Errorf("the way has %d points after 6 s at 10 a second, want those of 2.5 s", n)
	}
	last := img()
	p.Scene(last, at("a", 6*time.Second, track(1, sidecar.Car, sidecar.Box{Left: 0.7, Top: 0.2, Right: 0.8, Bottom: 0.5})), nil, Options{Only: []sidecar.Layer{sidecar.LayerTracks}})
	if got := last.YCbCrAt(230, 119); got.Y == 110 {
		t.Error("no way is drawn")
	}
	p.Scene(img(), at("a", 9*time.Second), nil, Options{})
	if len(p.things) != 0 {
		t.Error("an object that is gone is remembered")
	}
	p.Scene(img(), at("a", 10*time.Second, track(1, sidecar.Car, sidecar.Box{Left: 0.5, Right: 0.6, Bottom: 0.5})), nil, Options{})
	p.Scene(img(), at("b", 0, track(1, sidecar.Bus, sidecar.Box{Left: 0.1, Right: 0.2, Bottom: 0.5})), nil, Options{})
	if n := len(p.things[1].way); n != 1 {
		t.Errorf("the way has %d points in a new session, want 1", n)
	}
}

// Small things in a crowd are not covered by labels.
func TestLabelsCoverNothingSmall(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	for _, size := range []image.Point{{320, 240}, {640, 360}, {1280, 720}} {
		c := newCanvas(grey(size.X, size.Y, image.YCbCrSubsampleRatio420), sidecar.Colours{})
		for range 20 {
			var l labels
			for range 40 {
				x, y := rnd.Float64()*0.95, rnd.Float64()*0.9
				of := c.pixels(sidecar.Box{Left: x, Top: y, Right: x + 0.01 + 0.05*rnd.Float64(), Bottom: y + 0.02 + 0.1*rnd.Float64()}.Clamp())
				l.add(label{text: "motorcycle 1234", short: "1234", colour: yellow, of: of, place: new(int), form: new(int)})
			}
			g := fontFor(c.text)
			var placed []image.Rectangle
			for i := range l.all {
				text, plate := l.choose(c, i, placed, func(text string) image.Point { return image.Pt(g.width(text)+8, g.height) })
				if text == "" {
					continue
				}
				placed = append(placed, plate)
				for j := range l.all {
					if of := l.all[j].of; float64(overlap(plate, of)) > covers*float64(of.Dx()*of.Dy())+1 {
						t.Errorf("%v: the label of %v covers %v", size, l.all[i].of, of)
					}
				}
				if size.X < narrow && text != "1234" {
					t.Errorf("%v: %q in a narrow picture", size, text)
				}
			}
			if len(placed) < 10 {
				t.Errorf("%v: only %d of 40 have a label", size, len(placed))
			}
		}
	}
}

func TestOnlyWhatIsWantedIsDrawn(t *testing.T) {
	s, fns, o := street()
	marks := map[sidecar.Layer]image.Point{ // where each leaves a mark that no other does
		sidecar.LayerBoxes: {96, 243}, sidecar.LayerLines: {300, 380}, sidecar.LayerZones: {53, 256},
	}
	for _, only := range sidecar.Layers() {
		img := grey(960, 540, image.YCbCrSubsampleRatio420)
		o.Only = []sidecar.Layer{only}
		Scene(img, s, fns, o)
		for l, m := range marks {
			if drawn := img.YCbCrAt(m.X, m.Y).Y != 110; drawn != (l == only) {
				t.Errorf("only %s: %s drawn %v", only, l, drawn)
			}
		}
	}
}

func TestColoursAreThePictures(t *testing.T) {
	for _, of := range []sidecar.Colours{{}, {Limited: true}, {Matrix: sidecar.BT709, Limited: true}, {Matrix: sidecar.BT2020}} {
		kr, kb := of.Matrix.Weights()
		for _, s := range []shade{orange, skyBlue, green, yellow, vermilion, purple, rule, dark} {
			got := native(s, of)
			y, cb, cr := float64(got.Y), float64(got.Cb)-128, float64(got.Cr)-128
			if of.Limited {
				y, cb, cr = (y-16)*255/219, cb*255/224, cr*255/224
			}
			r, b := y+2*(1-kr)*cr, y+2*(1-kb)*cb
			g := (y - kr*r - kb*b) / (1 - kr - kb)
			wr, wg, wb, _ := s.RGBA()
			for i, d := range [3]float64{r - float64(wr>>8), g - float64(wg>>8), b - float64(wb>>8)} {
				if d > 4 || d < -4 {
					t.Errorf("%+v: component %d of %v is %.1f away", of, i, s, d)
				}
			}
		}
	}
}

// Lines and zones are found once, and drawn alike on every picture after that, until
// they or the picture change.
func TestRulesAreDrawnAlikeAgain(t *testing.T) {
	s, fns, o := street()
	s.Tracks = nil
	var p Painter
	draw := func(p *Painter, width, height int, fns []sidecar.Function) *image.YCbCr {
		img := grey(width, height, image.YCbCrSubsampleRatio420)
		p.Scene(img, s, fns, o)
		return img
	}
	other := []sidecar.Function{{ID: "line-3", Kind: "line", Line: []sidecar.Point{{0.1, 0.1}, {0.9, 0.2}}}}
	for i, tt := range []struct {
		width, height int
		fns           []sidecar.Function
	}{{960, 540, fns}, {960, 540, fns}, {640, 360, fns}, {640, 360, other}, {960, 540, other}, {960, 540, nil}, {960, 540, fns}} {
		got, want := draw(&p, tt.width, tt.height, tt.fns), draw(new(Painter), tt.width, tt.height, tt.fns)
		if string(got.Y) != string(want.Y) || string(got.Cb) != string(want.Cb) || string(got.Cr) != string(want.Cr) {
			t.Errorf("picture %d looks otherwise than a first one", i)
		}
	}
}
