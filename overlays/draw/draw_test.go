package draw

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"pantau/sidecar"
)

// grey is a picture of one colour.
func grey(width, height int, ratio image.YCbCrSubsampleRatio) *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, width, height), ratio)
	for i := range img.Y {
		img.Y[i] = 110
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = 128, 128
	}
	return img
}

func track(id sidecar.TrackID, class sidecar.Class, b sidecar.Box) sidecar.Track {
	return sidecar.Track{ID: id, Confirmed: true, Class: class, Score: 0.9, Box: b, Observed: true}
}

// street is a scene with everything in it.
func street() (*sidecar.Scene, []sidecar.Function, Options) {
	n := func(v int) *int { return &v }
	s := &sidecar.Scene{
		Tracks: []sidecar.Track{
			track(7, sidecar.Person, sidecar.Box{Left: 0.1, Top: 0.3, Right: 0.16, Bottom: 0.6}),
			track(8, sidecar.Car, sidecar.Box{Left: 0.7, Top: 0, Right: 0.95, Bottom: 0.3}),
			track(9, sidecar.Motorcycle, sidecar.Box{Left: 0.14, Top: 0.32, Right: 0.2, Bottom: 0.62}),
			track(10, sidecar.Truck, sidecar.Box{Left: 0.92, Top: 0.8, Right: 1, Bottom: 1}),
		},
		Zones: []sidecar.Zone{{ID: "alun", Counts: []sidecar.ClassCount{{Class: sidecar.Person, N: 1}, {Class: sidecar.Motorcycle, N: 2}}}},
	}
	s.Tracks[2].Observed = false
	fns := []sidecar.Function{
		{ID: "line-3", Kind: "line", Line: []sidecar.Point{{0.27, 0.7}, {0.85, 0.75}}},
		{ID: "alun", Kind: "zone", Polygon: sidecar.Polygon{{0.05, 0.25}, {0.3, 0.2}, {0.35, 0.65}, {0.06, 0.7}}},
	}
	rows := []sidecar.CountRow{
		{Rule: "line-3", Kind: sidecar.Flow, Class: sidecar.Car, Direction: sidecar.In, N: n(11)},
		{Rule: "line-3", Kind: sidecar.Flow, Class: sidecar.Person, Direction: sidecar.In, N: n(2)},
		{Rule: "line-3", Kind: sidecar.Flow, Class: sidecar.Person, Direction: sidecar.Out, N: n(4)},
	}
	return s, fns, Options{Totals: rows}
}

// save writes a picture where a person asked for it: DRAW_TEST_DIR.
func save(t *testing.T, name string, img image.Image) {
	t.Helper()
	dir := os.Getenv("DRAW_TEST_DIR")
	if dir == "" {
		return
	}
	f, err := os.Create(filepath.Join(dir, name+".png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
}

// near says whether a pixel has about the colour.
func near(img *image.YCbCr, x, y int, want shade) bool {
	got := img.YCbCrAt(x, y)
	for _, d := range [3]int{int(got.Y) - int(want.Y), int(got.Cb) - int(want.Cb), int(got.Cr) - int(want.Cr)} {
		if d < -4 || d > 4 {
			return false
		}
	}
	return true
}

func TestEverythingIsWhereItBelongs(t *testing.T) {
	s, fns, o := street()
	img := grey(960, 540, image.YCbCrSubsampleRatio420)
	Scene(img, s, fns, o)
	save(t, "street", img)
	w, h := 960.0, 540.0
	tests := []struct {
		what string
		x, y float64
		want shade
	}{
		{"left edge of the person", 0.1 * w, 0.45 * h, orange},
		{"bottom edge of the car", 0.8 * w, 0.3*h - 1, colourOf(sidecar.Car)},
		{"right edge of the truck", w - 1, 0.9 * h, colourOf(sidecar.Truck)},
		{"line near A", 0.3 * w, 0.7026 * h, rule},
		{"arrow to the right hand of A to B: down", 0.56*w - 1, 0.725*h + 14, rule},
		{"zone's left edge", 0.055 * w, 0.475 * h, rule},
		{"inside of the car", 0.8 * w, 0.15 * h, color.YCbCr{Y: 110, Cb: 128, Cr: 128}},
		{"the other side of the line", 0.56 * w, 0.725*h - 14, color.YCbCr{Y: 110, Cb: 128, Cr: 128}},
	}
	for _, tt := range tests {
		if x, y := int(tt.x), int(tt.y); !near(img, x, y, tt.want) {
			t.Errorf("%s: %v at %d, %d, want %v", tt.what, img.YCbCrAt(x, y), x, y, tt.want)
		}
	}
}

func TestUnconfirmedTracksAreNotDrawn(t *testing.T) {
	img, want := grey(320, 240, image.YCbCrSubsampleRatio420), grey(320, 240, image.YCbCrSubsampleRatio420)
	s := &sidecar.Scene{Tracks: []sidecar.Track{{Class: sidecar.Person, Box: sidecar.Box{Left: 0.2, Top: 0.2, Right: 0.6, Bottom: 0.8}}}}
	Scene(img, s, nil, Options{})
	if string(img.Y) != string(want.Y) || string(img.Cb) != string(want.Cb) {
		t.Error("an unconfirmed track left a mark")
	}
}

func TestEveryClassHasItsColour(t *testing.T) {
	seen := map[shade]sidecar.Class{}
	for _, class := range append(sidecar.Classes(), "dog") {
		if other, ok := seen[colourOf(class)]; ok {
			t.Errorf("%s and %s look alike", class, other)
		}
		seen[colourOf(class)] = class
	}
}

func TestLayoutsAndPartsOfPictures(t *testing.T) {
	s, fns, o := street()
	for _, ratio := range []image.YCbCrSubsampleRatio{
		image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio440,
		image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
	} {
		whole := grey(700, 500, ratio)
		part := whole.SubImage(image.Rect(16, 32, 656, 392)).(*image.YCbCr)
		Scene(part, s, fns, o)
		if x, y := 16+64, 32+162; !near(whole, x, y, orange) {
			t.Errorf("%v: %v at the person's left edge, want %v", ratio, whole.YCbCrAt(x, y), orange)
		}
		if got := whole.YCbCrAt(8, 8); got.Y != 110 {
			t.Errorf("%v: drawn outside of the part", ratio)
		}
	}
}

func TestTextsCarryTheNumbers(t *testing.T) {
	s, _, o := street()
	tests := []struct{ got, want string }{
		{lineText("line-3", o.Totals, true, true), "line-3  in 13  out 4"},
		{lineText("other", o.Totals, true, true), "other  in 0  out 0"},
		{zoneText("alun", s.Zones, true, true), "alun  person 1  motorcycle 2"},
		{zoneText("empty", s.Zones, true, true), "empty"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
}

func TestArrowPointsToTheRightHand(t *testing.T) {
	c := newCanvas(grey(400, 400, image.YCbCrSubsampleRatio420), sidecar.Colours{})
	tests := []struct {
		line []sidecar.Point
		want image.Point // direction of "in"
	}{
		{[]sidecar.Point{{0.2, 0.5}, {0.8, 0.5}}, image.Pt(0, 1)},
		{[]sidecar.Point{{0.8, 0.5}, {0.2, 0.5}}, image.Pt(0, -1)},
		{[]sidecar.Point{{0.5, 0.2}, {0.5, 0.8}}, image.Pt(-1, 0)},
		{[]sidecar.Point{{0.5, 0.8}, {0.5, 0.2}}, image.Pt(1, 0)},
		{[]sidecar.Point{{0.1, 0.7}, {0.2, 0.5}, {0.8, 0.5}, {0.9, 0.7}}, image.Pt(0, 1)}, // at the longest piece
	}
	for _, tt := range tests {
		r := c.line(tt.line)
		middle := r.Min.Add(r.Max).Div(2).Sub(image.Pt(200, 200))
		if middle.X*tt.want.X+middle.Y*tt.want.Y < 8 {
			t.Errorf("%v: the arrow lies at %v from the middle, want towards %v", tt.line, middle, tt.want)
		}
	}
}

func BenchmarkScene1080p(b *testing.B) {
	s, fns, o := street()
	for i := range 20 {
		x := float64(i) * 0.04
		s.Tracks = append(s.Tracks, track(sidecar.TrackID(100+i), sidecar.Person, sidecar.Box{Left: x, Top: 0.4, Right: x + 0.03, Bottom: 0.5}))
	}
	img := grey(1920, 1080, image.YCbCrSubsampleRatio420)
	b.ReportAllocs()
	for b.Loop() {
		Scene(img, s, fns, o)
	}
}

// FuzzScene draws what no camera shows: nothing may be written outside of the picture.
func FuzzScene(f *testing.F) {
	f.Add(640, 480, 0.1, 0.2, 0.3, 0.4, "line-3")
	f.Add(1, 1, 0.0, 0.0, 1.0, 1.0, "")
	f.Add(7, 3, -5.0, 2.0, 9.0, -1.0, "a name that is much too long for this picture")
	f.Add(33, 999, 0.5, 0.5, 0.5, 0.5, "日本語\xff")
	f.Fuzz(func(_ *testing.T, width, height int, x0, y0, x1, y1 float64, id string) {
		width, height = 1+width&0x1ff, 1+height&0x1ff
		s := &sidecar.Scene{Tracks: []sidecar.Track{track(1, sidecar.Class(id), sidecar.Box{Left: x0, Top: y0, Right: x1, Bottom: y1})}}
		fns := []sidecar.Function{
			{ID: id, Line: []sidecar.Point{{x0, y0}, {x1, y1}}},
			{ID: id, Polygon: sidecar.Polygon{{x0, y0}, {x1, y0}, {x1, y1}}},
		}
		Scene(grey(width, height, image.YCbCrSubsampleRatio420), s, fns, Options{})
	})
}
