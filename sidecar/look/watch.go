package look

import (
	"math"
	"slices"

	"pantau/sidecar"
)

const (
	// enough is how many objects must have been seen at a function, to know how large
	// they are, and plenty how many are remembered: the newest.
	enough = 8
	plenty = 256
	// settled is how old a track must be for its speed to be known, frames.
	settled = 4
	// cutBy is how near to the border of what is looked at a box is cut by it, and
	// hidden how much of it may be beyond.
	cutBy  = 0.004
	hidden = 1.5
)

// Watch remembers what objects near a camera's functions are like. One goroutine uses it.
type Watch struct {
	functions []sidecar.Function
	cores     []sidecar.Box
	seen      []sample                   // by function
	known     map[sidecar.TrackID]uint64 // the functions where a track was noted, as bits
	epoch     string
}

// sample is the newest objects at a function, one a track.
type sample struct {
	width, height, small, across, down []float64
	next                               int
}

// NewWatch watches a camera's functions.
func NewWatch(functions []sidecar.Function) *Watch {
	w := &Watch{functions: functions, known: map[sidecar.TrackID]uint64{}, seen: make([]sample, len(functions))}
	for _, f := range functions {
		core, _ := Core(f)
		w.cores = append(w.cores, core)
	}
	return w
}

// See notes the objects of a scene.
func (w *Watch) See(s *sidecar.Scene) {
	if s.Epoch != w.epoch {
		w.epoch = s.Epoch
		clear(w.known)
	}
	for i := range s.Tracks {
		t := &s.Tracks[i]
		if !t.Confirmed || !t.Observed || t.Age < settled {
			continue
		}
		for j := range w.functions[:min(64, len(w.functions))] {
			bit := uint64(1) << j
			if w.known[t.ID]&bit == 0 && w.of(j, t) {
				w.known[t.ID] |= bit
				w.seen[j].add(t, s.Looked)
			}
		}
	}
	for i := range s.Ended {
		delete(w.known, s.Ended[i].ID)
	}
	for _, m := range s.Merged {
		delete(w.known, m.From)
	}
}

// of says whether a track is at a function and of its classes.
func (w *Watch) of(j int, t *sidecar.Track) bool {
	f, c, b := &w.functions[j], w.cores[j], t.Box
	return b.Left <= c.Right && c.Left <= b.Right && b.Top <= c.Bottom && c.Top <= b.Bottom &&
		(len(f.Classes) == 0 || slices.Contains(f.Classes, t.Class))
}

// add notes an object. One that is cut off by what is looked at is larger than it seems.
func (s *sample) add(t *sidecar.Track, looked []sidecar.Box) {
	w, h := t.Box.Width(), t.Box.Height()
	if len(looked) > 0 && cutOff(t.Box, looked) {
		w, h = w*hidden, h*hidden
	}
	values := [...]float64{w, h, math.Sqrt(w * h), math.Abs(t.Velocity[0]), math.Abs(t.Velocity[1])}
	for i, list := range [...]*[]float64{&s.width, &s.height, &s.small, &s.across, &s.down} {
		if len(*list) < plenty {
			*list = append(*list, values[i])
		} else {
			(*list)[s.next%plenty] = values[i]
		}
	}
	s.next++
}

// cutOff says whether a box touches a border of what is looked at, that is not the
// picture's, and lies nowhere wholly inside.
func cutOff(b sidecar.Box, looked []sidecar.Box) bool {
	for _, l := range looked {
		l = sidecar.Box{Left: inner(l.Left, 0, cutBy), Top: inner(l.Top, 0, cutBy), Right: inner(l.Right, 1, -cutBy), Bottom: inner(l.Bottom, 1, -cutBy)}
		if inside(b, []sidecar.Box{l}, 0) {
			return false
		}
	}
	return true
}

// inner is a border moved in, unless it is the picture's edge.
func inner(border, edge, by float64) float64 {
	if border == edge {
		return edge - math.Copysign(1, by)
	}
	return border + by
}

// Seen gives what objects are like at the functions where enough were seen.
func (w *Watch) Seen() map[string]Seen {
	all := map[string]Seen{}
	for i, s := range w.seen {
		if len(s.width) >= enough {
			all[w.functions[i].ID] = Seen{N: s.next, Width: quantile(s.width, 0.95), Height: quantile(s.height, 0.95), Small: quantile(s.small, 0.1),
				Across: quantile(s.across, 0.95), Down: quantile(s.down, 0.95)}
		}
	}
	return all
}

// quantile is the value below which a part of all lies.
func quantile(all []float64, part float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[int(math.Round(part*float64(len(sorted)-1)))]
}

// Redefine goes on with other functions: what was seen at those that stay is kept.
func (w *Watch) Redefine(functions []sidecar.Function) *Watch {
	next := NewWatch(functions)
	for i, f := range functions {
		for j, old := range w.functions {
			if f.ID == old.ID && next.cores[i] == w.cores[j] && slices.Equal(f.Classes, old.Classes) {
				next.seen[i] = w.seen[j]
			}
		}
	}
	return next
}
