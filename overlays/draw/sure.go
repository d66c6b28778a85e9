package draw

import (
	"maps"
	"time"

	"pantau/sidecar"
)

// surely is the score of one detection that makes sure of its object: cones and
// tripods that look like people stay below it. What was never found surely is drawn as
// a thin box, without a label and without its way. The page has the same rule
// (sidecar/console/web/src/live/sure.ts).
const surely = 0.5

// Sure remembers, of one session, which objects were once found surely: who was stays
// so. The zero value is ready. It belongs to one goroutine.
type Sure struct {
	epoch string
	ids   map[sidecar.TrackID]time.Duration // media time of the newest scene that has it
}

// See takes the next scene.
func (s *Sure) See(scene *sidecar.Scene) {
	if s.ids == nil || s.epoch != scene.Epoch {
		s.epoch, s.ids = scene.Epoch, map[sidecar.TrackID]time.Duration{}
	}
	now := scene.Media()
	for i := range scene.Tracks {
		t := &scene.Tracks[i]
		if _, known := s.ids[t.ID]; t.Confirmed && (known || t.Score >= surely) {
			s.ids[t.ID] = now
		}
	}
	for id, last := range s.ids {
		if (now - last).Abs() > forget {
			delete(s.ids, id)
		}
	}
}

// Has says whether an object was ever found surely.
func (s *Sure) Has(id sidecar.TrackID) bool {
	_, known := s.ids[id]
	return known
}

// Clone gives a copy.
func (s *Sure) Clone() *Sure { return &Sure{s.epoch, maps.Clone(s.ids)} }
