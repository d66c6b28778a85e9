package draw

import (
	"image"
	"testing"
	"time"

	"pantau/sidecar"
)

// What was never found surely has a thin box and nothing else; who once was keeps all.
func TestWhatIsNotSureHasNoLabelAndNoWay(t *testing.T) {
	var p Painter
	marks := func(i int, score float64, only ...sidecar.Layer) (n int) {
		img := grey(960, 540, image.YCbCrSubsampleRatio420)
		x := 0.2 + 0.02*float64(i)
		k := track(7, sidecar.Person, sidecar.Box{Left: x, Top: 0.3, Right: x + 0.1, Bottom: 0.7})
		k.Score = score
		p.Scene(img, at("a", time.Duration(i)*100*time.Millisecond, k), nil, Options{Only: only})
		for _, y := range img.Y {
			if y != 110 {
				n++
			}
		}
		return n
	}
	marks(0, 0.49)
	marks(1, 0.49)
	thin := marks(2, 0.49, sidecar.LayerBoxes)
	if label, way := marks(3, 0.49, sidecar.LayerNames), marks(4, 0.49, sidecar.LayerTracks); label+way != 0 || thin == 0 {
		t.Errorf("of what is not sure %d pixels are box, %d label and %d way; want a box alone", thin, label, way)
	}
	marks(5, 0.5)
	box, label, way := marks(6, 0.3, sidecar.LayerBoxes), marks(7, 0.3, sidecar.LayerNames), marks(8, 0.3, sidecar.LayerTracks)
	if label == 0 || way == 0 || box <= thin {
		t.Errorf("of what was sure once %d pixels are box (thin: %d), %d label and %d way; want all", box, thin, label, way)
	}
}

// A single picture knows what the scenes before it showed.
func TestSureIsRememberedAndForgotten(t *testing.T) {
	var s Sure
	found := track(7, sidecar.Person, sidecar.Box{Right: 0.1, Bottom: 0.1})
	weak := found
	weak.Score = 0.3
	for i, tt := range []struct {
		scene *sidecar.Scene
		want  bool
	}{
		{at("a", 0, weak), false},
		{at("a", time.Second, found), true},
		{at("a", 2*time.Second, weak), true},
		{at("a", 3*time.Second), true}, // it may come back
		{at("a", 6*time.Second), false},
		{at("a", 7*time.Second, found), true},
		{at("b", 0, weak), false}, // another session, where 7 is somebody else
	} {
		s.See(tt.scene)
		if got := s.Clone().Has(7); got != tt.want {
			t.Errorf("scene %d: sure %v, want %v", i, got, tt.want)
		}
	}
}
