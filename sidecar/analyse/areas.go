package analyse

import (
	"slices"

	"pantau/sidecar"
)

// most is how many functions a camera may have: zones are bits of a word.
const most = 64

// area is what one analytic shows in scenes: how many are in it now.
type area struct {
	id      string
	bit     uint64 // of this area in object.zones
	classes []sidecar.Class
	present []int           // by class, now
	taken   func() []string // names of the bays that are; nil: there are none
}

func newArea(f sidecar.Function, classes []sidecar.Class) area {
	return area{id: f.ID, classes: classes, present: make([]int, len(classes))}
}

func (a *area) shown() *area { return a }

// shower is an analytic that has an area.
type shower interface{ shown() *area }

// areas writes into scenes who is in which zone. What it writes is shared by
// many scenes, and made new when it changes.
type areas struct {
	zones []*area
	sets  map[uint64][]string // names of the zones, by their bits
	shown []sidecar.Zone      // as in the last scene
	stale bool
}

// newAreas gives each zone its bit.
func newAreas(analytics []Analytic) areas {
	a := areas{stale: true, sets: map[uint64][]string{}}
	for _, k := range analytics {
		if s, ok := k.(shower); ok {
			z := s.shown()
			z.bit = 1 << len(a.zones)
			a.zones = append(a.zones, z)
		}
	}
	return a
}

// describe fills the Zones of a scene and of its tracks.
func (a *areas) describe(s *sidecar.Scene, tracks map[sidecar.TrackID]*object) {
	for i := range s.Tracks {
		t := &s.Tracks[i]
		t.Zones, t.KMH = nil, 0
		if o := tracks[t.ID]; o != nil {
			t.KMH = o.kmh
			if o.zones != 0 {
				t.Zones = a.names(o.zones)
			}
		}
	}
	if a.stale {
		a.shown, a.stale = a.list(), false
	}
	s.Zones = a.shown
}

// clear says that nothing is known of any zone.
func (a *areas) clear(s *sidecar.Scene) {
	for i := range s.Tracks {
		s.Tracks[i].Zones, s.Tracks[i].KMH = nil, 0
	}
	s.Zones, a.stale = nil, true
}

// names lists the zones of some bits.
func (a *areas) names(bits uint64) []string {
	if set, ok := a.sets[bits]; ok {
		return set
	}
	var set []string
	for i, z := range a.zones {
		if bits&(1<<i) != 0 {
			set = append(set, z.id)
		}
	}
	a.sets[bits] = slices.Clip(set)
	return a.sets[bits]
}

// list is what is in each zone now.
func (a *areas) list() []sidecar.Zone {
	var list []sidecar.Zone
	for _, z := range a.zones {
		shown := sidecar.Zone{ID: z.id}
		for i, n := range z.present {
			if n > 0 {
				shown.Counts = append(shown.Counts, sidecar.ClassCount{Class: z.classes[i], N: n})
			}
		}
		if z.taken != nil {
			shown.Bays = z.taken()
		}
		list = append(list, shown)
	}
	return list
}
