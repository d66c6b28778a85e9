package draw

import (
	"image"
	"testing"
	"time"

	"pantau/sidecar"
)

// What stands and is not seen surely has a thin box and nothing else; who is has all.
func TestWhatIsNotSureHasNoLabelAndNoWay(t *testing.T) {
	var p Painter
	marks := func(i int, score float64, only ...sidecar.Layer) (n int) {
		img := grey(960, 540, image.YCbCrSubsampleRatio420)
		x := 0.2 + 0.005*float64(i) // less than its width in all
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
	marks(5, 0.9)
	box, label, way := marks(6, 0.5, sidecar.LayerBoxes), marks(7, 0.5, sidecar.LayerNames), marks(8, 0.5, sidecar.LayerTracks)
	if label == 0 || way == 0 || box <= thin {
		t.Errorf("of what is sure on average %d pixels are box (thin: %d), %d label and %d way; want all", box, thin, label, way)
	}
}

// Who moves is somebody, and stays so; who stands is if it is seen surely on average, and
// a little less than that does not end it.
func TestWhoIsSure(t *testing.T) {
	var s Sure
	score := map[sidecar.TrackID][]float64{1: {0.3, 0.6, 0.3, 0.3}, 2: {0.3, 0.3, 0.2, 0.1}, 3: {0.7, 0.3, 0.7, 0.7}, 4: {0.5, 0.44, 0.44, 0.44}}
	for i := range 4 {
		var tracks []sidecar.Track
		for id := sidecar.TrackID(1); id <= 4; id++ {
			x := 0.0
			if id == 2 { // walks
				x = 0.04 * float64(i)
			}
			k := track(id, sidecar.Person, sidecar.Box{Left: x, Right: x + 0.1, Bottom: 0.2})
			k.Score = score[id][i]
			tracks = append(tracks, k)
		}
		s.See(at("a", time.Duration(i)*time.Second, tracks...))
	}
	for id, want := range map[sidecar.TrackID]bool{1: false, 2: true, 3: true, 4: true, 5: false} {
		if s.Has(id) != want {
			t.Errorf("%d: sure %v, want %v", id, !want, want)
		}
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
		{at("a", 8*time.Second), false},
		{at("a", 9*time.Second, found), true},
		{at("b", 0, weak), false}, // another session, where 7 is somebody else
	} {
		s.See(tt.scene)
		if got := s.Clone().Has(7); got != tt.want {
			t.Errorf("scene %d: sure %v, want %v", i, got, tt.want)
		}
	}
}
