package sidecar

import "slices"

// Layer is something that is drawn over a picture.
type Layer string

// The layers.
const (
	LayerBoxes  Layer = "boxes"  // of the objects
	LayerNames  Layer = "names"  // of objects, lines and zones
	LayerTracks Layer = "tracks" // where each object came from
	LayerLines  Layer = "lines"
	LayerZones  Layer = "zones"
	LayerCounts Layer = "counts" // at lines and zones
)

var layers = [...]Layer{LayerBoxes, LayerNames, LayerTracks, LayerLines, LayerZones, LayerCounts}

// Layers lists all of them.
func Layers() []Layer { return slices.Clone(layers[:]) }
