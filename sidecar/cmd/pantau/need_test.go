package main

import (
	"testing"

	"pantau/sidecar"
)

func TestTheLinesThatACameraNeeds(t *testing.T) {
	line := func(points ...sidecar.Point) []sidecar.Function {
		return []sidecar.Function{{ID: "l", Kind: "line", Line: points}}
	}
	across, far := line(sidecar.Point{0.1, 0.8}, sidecar.Point{0.9, 0.8}), line(sidecar.Point{0.48, 0.1}, sidecar.Point{0.52, 0.1})
	for name, c := range map[string]struct {
		camera      sidecar.Camera
		least, most int
	}{
		"nothing is counted":           {sidecar.Camera{}, 360, 360},
		"a line through the picture":   {sidecar.Camera{Functions: across}, 360, 360},
		"a short line far away":        {sidecar.Camera{Functions: far}, 720, 1080},
		"the whole is to be looked at": {sidecar.Camera{Functions: far, Analyse: sidecar.Analyse{Look: sidecar.LookWhole}}, 360, 360},
		"a close look":                 {sidecar.Camera{Functions: across, Analyse: sidecar.Analyse{Look: sidecar.LookClose}}, 720, 1080},
		"a part that is set":           {sidecar.Camera{Functions: far, Analyse: sidecar.Analyse{Parts: []sidecar.Part{{0.3, 0, 0.7, 0.3}}}}, 720, 1080},
	} {
		got := needOf(c.camera)
		if got.Height < c.least || got.Height > c.most || got.Rate != 5 {
			t.Errorf("%s: got %+v, want %d to %d lines", name, got, c.least, c.most)
		}
	}
}
