package draw

import (
	"maps"
	"math"
	"time"

	"pantau/sidecar"
)

// surely is the mean score from which an object that stands is taken for what it is seen
// as: cones, stones and tripods that look like people stay below it. Who has moved by its
// own size is somebody in any case. What is neither is drawn as a thin box, without a label
// and without its way. Zones count by the same rule (sidecar/analyse/object.go), and so does
// the page (sidecar/console/web/src/live/sure.ts).
const surely = 0.5

// wavering is how far below that the mean may fall again, so that nothing flickers.
const wavering = 0.05

// returning is how long Sure remembers who is hidden: as long as the tracker, for what stands.
const returning = 5 * time.Second

// Sure remembers, of one session, which objects are somebody: who moved stays so. The zero
// value is ready. It belongs to one goroutine.
type Sure struct {
	epoch string
	ids   map[sidecar.TrackID]looks
}

// looks are what was seen of an object.
type looks struct {
	last  time.Duration // media time of the newest scene that has it
	from  sidecar.Point // its centre at first
	moved bool
	sure  bool
	n     int
	score float64 // the sum
}

// See takes the next scene.
func (s *Sure) See(scene *sidecar.Scene) {
	if s.ids == nil || s.epoch != scene.Epoch {
		s.epoch, s.ids = scene.Epoch, map[sidecar.TrackID]looks{}
	}
	now := scene.Media()
	for i := range scene.Tracks {
		t := &scene.Tracks[i]
		if !t.Confirmed {
			continue
		}
		k, known := s.ids[t.ID]
		c := t.Box.Centre()
		if !known {
			if k.from = c; t.Start.Area() > 0 {
				k.from = t.Start.Centre()
			}
		}
		k.last = now
		if t.Observed || !known {
			k.n, k.score = k.n+1, k.score+t.Score
		}
		k.moved = k.moved || math.Hypot((c[0]-k.from[0])/t.Box.Width(), (c[1]-k.from[1])/t.Box.Height()) > 1
		k.sure = mean(k) >= surely || k.sure && mean(k) >= surely-wavering
		s.ids[t.ID] = k
	}
	for id, k := range s.ids {
		if (now - k.last).Abs() > returning {
			delete(s.ids, id)
		}
	}
}

// Has says whether an object is somebody.
func (s *Sure) Has(id sidecar.TrackID) bool {
	k, known := s.ids[id]
	return known && (k.moved || k.sure)
}

func mean(k looks) float64 { return k.score / float64(k.n) }

// Clone gives a copy.
func (s *Sure) Clone() *Sure { return &Sure{s.epoch, maps.Clone(s.ids)} }
