package draw

import (
	"image"
	"testing"
	"time"

	"pantau/sidecar"
)

// A detector blinks: who was found is hidden for another second, at the newest place, and
// who was found once and is nobody yet too.
func TestWhoWasFoundStaysHiddenForAMoment(t *testing.T) {
	at := func(epoch string, ms time.Duration, tracks ...sidecar.Track) *sidecar.Scene {
		return &sidecar.Scene{Stamp: sidecar.Stamp{Epoch: epoch, PTS: int64(ms * 90), ClockRate: 90000}, Tracks: tracks}
	}
	one := func(x float64) sidecar.Track {
		return track(1, sidecar.Person, sidecar.Box{Left: x, Right: x + 0.1, Bottom: 0.5})
	}
	nobody := sidecar.Track{Class: sidecar.Person, Box: sidecar.Box{Left: 0.8, Right: 0.9, Bottom: 0.5}}
	var v Veil
	for i, tt := range []struct {
		scene *sidecar.Scene
		now   time.Duration // ms
		want  []float64     // left edges
	}{
		{at("a", 0), 0, nil},
		{at("a", 100, one(0.1), nobody), 100, []float64{0.1, 0.8}},
		{at("a", 200, one(0.2)), 200, []float64{0.8, 0.2}},
		{at("a", 300), 300, []float64{0.8, 0.2}},
		{at("a", 400), 1150, []float64{0.2}},
		{at("a", 1150), 1201, nil},
		{at("a", 1300, one(0.4)), 1300, []float64{0.4}},
		{at("b", 100), 100, nil}, // another session
	} {
		v.See(tt.scene)
		var got []float64
		for _, t := range v.Cover(tt.now * time.Millisecond) {
			got = append(got, t.Box.Left)
		}
		if len(got) != len(tt.want) {
			t.Errorf("scene %d: hidden at %v, want %v", i, got, tt.want)
			continue
		}
		for k := range got {
			if got[k] != tt.want[k] {
				t.Errorf("scene %d: hidden at %v, want %v", i, got, tt.want)
			}
		}
	}
}

func TestWhatNobodyLookedAtIsHidden(t *testing.T) {
	shown := func(looked ...sidecar.Box) func(x, y int) bool {
		img := chequered(640, 360)
		BlurBeside(img, looked)
		return func(x, y int) bool { return img.YCbCrAt(x, y).Y != img.YCbCrAt(x+1, y).Y }
	}
	all := shown()
	two := shown(sidecar.Box{Left: 0.1, Top: 0.2, Right: 0.5, Bottom: 0.8}, sidecar.Box{Left: 0.4, Top: 0.5, Right: 0.9, Bottom: 1})
	for _, tt := range []struct {
		x, y int
		want bool
	}{
		{100, 100, true}, {300, 250, true}, {500, 300, true}, {570, 355, true},
		{20, 180, false}, {320, 20, false}, {500, 100, false}, {100, 340, false}, {600, 200, false},
	} {
		if got := two(tt.x, tt.y); got != tt.want {
			t.Errorf("%d, %d is shown: %v, want %v", tt.x, tt.y, got, tt.want)
		}
		if !all(tt.x, tt.y) {
			t.Errorf("%d, %d is hidden where all was looked at", tt.x, tt.y)
		}
	}
	if got := without(image.Rect(0, 0, 10, 10), image.Rect(0, 0, 10, 10)); len(got) != 0 {
		t.Errorf("%v is left of nothing", got)
	}
}
