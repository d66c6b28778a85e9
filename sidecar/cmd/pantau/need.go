package main

import (
	"math"

	"pantau/onvif"
	"pantau/sidecar"
	"pantau/sidecar/look"
	"pantau/sidecar/pipeline"
)

// needOf says what must be seen of an ONVIF camera, to choose its profile: the lines
// that give the parts which its functions look at as much as a detector takes in, and
// half of the frames that are analysed, as a minute with fewer is marked as slow. How large
// the objects are is not known yet, so a larger stream must be worth it: where the parts
// are set, where a close look is, and where objects become twice as large.
func needOf(c sidecar.Camera) onvif.Need {
	const lines, most = 360, 1080
	fps := pipeline.FPS(c)
	plan := look.New(c, look.Options{Width: 16 * most / 9, Height: most, Input: look.Input{Width: 16 * lines / 9, Height: lines, Free: true}, FPS: fps, Assume: true})
	if c.Analyse.Look != sidecar.LookClose && len(c.Analyse.Parts) == 0 && plan.Scale < 2 {
		plan.Scale = 1
	}
	return onvif.Need{Height: min(most, int(math.Round(lines*plan.Scale))), Rate: fps / 2}
}
