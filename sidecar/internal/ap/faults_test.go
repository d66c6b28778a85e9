package ap

import (
	"math"
	"testing"

	"pantau/sidecar"
)

func TestFaultsAndBestPoint(t *testing.T) {
	a, b, far := box(0, 0, 100, 100), box(200, 0, 300, 100), box(500, 200, 600, 300)
	p := Picture{[]Object{car(a), car(b), {Ignore: true, Box: box(500, 400, 640, 640)}}, []Object{
		{Class: sidecar.Truck, Box: a, Score: 0.9}, // a van is either
		found(0.8, far),
		found(0.7, box(510, 410, 600, 500)), // in the region
		found(0.3, b),
	}}
	right, missed, wrong := Faults(p, 0.5)
	if len(right) != 1 || len(missed) != 1 || len(wrong) != 1 || missed[0].Box != b || wrong[0].Box != far {
		t.Errorf("right %v, missed %v, wrong %v", right, missed, wrong)
	}
	got, want := BestPoint([]Picture{p}), Point{0.3, 2. / 3, 1, 0.8}
	if got.Score != want.Score || math.Abs(got.Precision-want.Precision)+math.Abs(got.Recall-want.Recall)+math.Abs(got.F1-want.F1) > 1e-9 {
		t.Errorf("best point %v, want %v", got, want)
	}
	if got := BestPoint(nil); got.Score != 1 {
		t.Errorf("of nothing: %v", got)
	}
}
