package burn

import "pantau/sidecar"

// between gives the tracks at part 0..1 of the way from one scene to the next. One
// that both know moves on a straight line. One that only a single scene knows stands
// still, and is there in the half of the way that is nearer to that scene.
func between(from, to []sidecar.Track, part float64) []sidecar.Track {
	next := make(map[sidecar.TrackID]*sidecar.Track, len(to))
	for i := range to {
		if to[i].Confirmed {
			next[to[i].ID] = &to[i]
		}
	}
	var all []sidecar.Track
	for _, t := range from {
		u := next[t.ID]
		switch {
		case t.Confirmed && u != nil:
			delete(next, t.ID)
			box := mix(t.Box, u.Box, part)
			if part >= 0.5 {
				t = *u
			}
			t.Box = box
		case part >= 0.5:
			continue
		}
		all = append(all, t)
	}
	if part < 0.5 {
		return all
	}
	for i := range to { // in their order
		if t := &to[i]; !t.Confirmed || next[t.ID] != nil {
			all = append(all, *t)
		}
	}
	return all
}

func mix(a, b sidecar.Box, part float64) sidecar.Box {
	at := func(x, y float64) float64 { return x + (y-x)*part }
	return sidecar.Box{Left: at(a.Left, b.Left), Top: at(a.Top, b.Top), Right: at(a.Right, b.Right), Bottom: at(a.Bottom, b.Bottom)}
}
