package draw

import (
	"image"
	"math/rand/v2"
	"testing"

	"pantau/sidecar"
)

func TestLabelsStayInsideAndOffWhatTheyName(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, size := range []image.Point{{160, 120}, {352, 288}, {1280, 720}, {720, 1280}} {
		c := newCanvas(grey(size.X, size.Y, image.YCbCrSubsampleRatio420), sidecar.Colours{})
		g := fontFor(c.text)
		for range 300 {
			var l labels
			x, y := rnd.Float64(), rnd.Float64()
			of := c.pixels(sidecar.Box{Left: x, Top: y, Right: x + 0.3*rnd.Float64(), Bottom: y + 0.4*rnd.Float64()}.Clamp())
			l.add(label{text: "person 42", colour: orange, of: of, place: new(int)})
			plate := l.place(c, 0, image.Pt(min(c.w, g.width("person 42")), g.height), nil)
			if !plate.In(image.Rect(0, 0, c.w, c.h)) {
				t.Errorf("%v: label at %v lies outside", size, plate)
			}
			if overlap(plate, of) > 0 {
				t.Errorf("%v: label at %v hides %v", size, plate, of)
			}
		}
	}
}

func TestLabelsKeepApart(t *testing.T) {
	c := newCanvas(grey(960, 540, image.YCbCrSubsampleRatio420), sidecar.Colours{})
	var l labels
	var placed []image.Rectangle
	for i := range 3 {
		l.add(label{text: "person", colour: orange, of: image.Rect(400+10*i, 200, 430+10*i, 300), place: new(int)})
	}
	for i := range l.all {
		placed = append(placed, l.place(c, i, image.Pt(80, 20), placed))
	}
	for i, a := range placed {
		for _, b := range placed[:i] {
			if overlap(a, b) > 0 {
				t.Errorf("%v and %v overlap", a, b)
			}
		}
	}
}

func TestALabelLiesOnlyOnWhatFillsThePicture(t *testing.T) {
	c := newCanvas(grey(640, 480, image.YCbCrSubsampleRatio420), sidecar.Colours{})
	var l labels
	l.add(label{text: "bus", colour: orange, of: image.Rect(0, 0, 640, 480), place: new(int)})
	if plate := l.place(c, 0, image.Pt(60, 20), nil); !plate.In(image.Rect(0, 0, 640, 480)) {
		t.Errorf("%v lies outside", plate)
	}
}

func TestLongTextsAreCutOff(t *testing.T) {
	g := fontFor(16)
	long := "a zone with a very long name, and 日本"
	if got := g.fit(long, 100); g.width(got) > 100 || got[:2] != "a " {
		t.Errorf("%q is %d pixels long, want at most 100", got, g.width(got))
	}
	if got := g.fit("short", 100); got != "short" {
		t.Errorf("%q, want short", got)
	}
}

func TestFontsGrowWithThePicture(t *testing.T) {
	last := 0
	for _, height := range []int{120, 360, 720, 1080, 2160} {
		c := newCanvas(grey(height*16/9, height, image.YCbCrSubsampleRatio420), sidecar.Colours{})
		g := fontFor(c.text)
		if g.height < last || g.height < 11 || g.height > max(15, height/20) {
			t.Errorf("letters of %d pixels in %d lines", g.height, height)
		}
		last = g.height
	}
}
