package track

import (
	"slices"
	"time"

	"pantau/sidecar"
)

// Follow runs a tracker over all frames of a recording, fps of them a second, and gives
// the observed tracks of each. Unlike live, the frames before a track's confirmation are
// its own too.
func Follow(o Options, fps float64, frames [][]sidecar.Detection) [][]sidecar.Track {
	type birth struct {
		born  time.Duration
		start sidecar.Box
	}
	type place struct{ frame, index int }
	t, tentative := New(o), map[birth][]place{}
	out := make([][]sidecar.Track, len(frames))
	for i, found := range frames {
		for _, k := range t.Update(time.Duration(float64(i)/fps*float64(time.Second)), found).Tracks {
			if !k.Observed {
				continue
			}
			b := birth{k.Born, k.Start}
			if k.Confirmed {
				for _, p := range tentative[b] {
					out[p.frame][p.index].ID = k.ID
				}
				delete(tentative, b)
			} else {
				tentative[b] = append(tentative[b], place{i, len(out[i])})
			}
			out[i] = append(out[i], k)
		}
	}
	for i := range out {
		out[i] = slices.DeleteFunc(out[i], func(k sidecar.Track) bool { return k.ID == 0 })
	}
	return out
}
