package overlays

import (
	"errors"

	"pantau/sidecar"
)

// Rendition is how a camera's pictures are given to those who watch.
type Rendition string

// The renditions.
const (
	Own       Rendition = ""          // as the camera sends them
	Converted Rendition = "converted" // decoded, masks blanked, and coded as H.264 that every browser decodes
	Blurred   Rendition = "blurred"   // the same, with persons and number plates made unrecognisable
)

// ErrBusy says that as many renditions are made as may be at once.
var ErrBusy = errors.New("as many pictures are converted as may be")

// Renditions makes those that are not the camera's own: (*rendition.Server).
type Renditions interface {
	// Watch gives a camera's rendition to take, one picture at a time, until leave is
	// called; soon after it one more may come. All who watch share one decoder and one
	// encoder. The error is ErrBusy where there is no room for another.
	Watch(camera string, r Rendition, take func(*sidecar.AccessUnit)) (leave func(), err error)
	// Format gives the parameter sets that the rendition has, or would have.
	Format(camera string, r Rendition) (sps, pps []byte, err error)
}
