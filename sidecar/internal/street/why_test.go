package street

import (
	"fmt"
	"slices"

	"pantau/sidecar"
)

// why says in a few words what happened to a crossing that was missed: how the
// agent was found and followed in the two seconds before and after.
func (p *play) why(w Crossing, found [][]sidecar.Detection) (kind, story string) {
	var hits, all [2]int
	var score [2]float64
	var tracks [2][]string
	for i := range p.film.Frames {
		f := &p.film.Frames[i]
		at := f.At.Seconds()
		if at < w.T-window || at > w.T+window {
			continue
		}
		side := before(at > w.T)
		for _, o := range f.Objects {
			if o.Agent != w.Agent {
				continue
			}
			all[side]++
			best, most := 0.0, 0.4
			for _, d := range found[i] {
				if iou := d.Box.IoU(o.Box); iou > most {
					best, most = d.Score, iou
				}
			}
			if best > 0 {
				hits[side]++
				score[side] += best
			}
		}
	}
	for id, sights := range p.whom {
		for _, s := range sights {
			if s.agent != w.Agent || s.t < w.T-window || s.t > w.T+window {
				continue
			}
			if side := before(s.t > w.T); !slices.Contains(tracks[side], id) {
				tracks[side] = append(tracks[side], id)
			}
		}
	}
	slices.Sort(tracks[0])
	slices.Sort(tracks[1])
	switch {
	case len(tracks[0]) == 0 && len(tracks[1]) == 0:
		kind = "no track"
	case len(tracks[0]) == 0:
		kind = "track after only"
	case len(tracks[1]) == 0:
		kind = "track before only"
	case slices.Equal(tracks[0], tracks[1]) && len(tracks[0]) == 1:
		kind = "same track"
	case slices.ContainsFunc(tracks[0], func(id string) bool { return slices.Contains(tracks[1], id) }):
		kind = "several tracks"
	default:
		kind = "broken"
	}
	mean := func(i int) float64 { return score[i] / float64(max(1, hits[i])) }
	return kind, fmt.Sprintf("found %d of %d (%.2f) then %d of %d (%.2f), tracks %v then %v", hits[0], all[0], mean(0), hits[1], all[1], mean(1), tracks[0], tracks[1])
}

// rival says how a track that counted twice lies to the other tracks of its agent
// at about the time, and for how long both are there.
func (p *play) rival(g counted) string {
	type rel struct {
		n       int
		iou, in float64
		both    int
	}
	others := map[string]*rel{}
	life, seen := 0, 0
	for i, s := range p.scenes {
		at := p.film.Frames[i].At.Seconds()
		var mine *sidecar.Track
		for j := range s.Tracks {
			if s.Tracks[j].ID.String() == g.Track {
				mine = &s.Tracks[j]
			}
		}
		if mine == nil {
			continue
		}
		life++
		if mine.Observed {
			seen++
		}
		if at < g.t-1.5 || at > g.t+1.5 {
			continue
		}
		for j := range s.Tracks {
			o := &s.Tracks[j]
			if x := o.Box.Intersect(mine.Box).Area(); o.ID != mine.ID && o.Confirmed && x > 0 {
				r := others[o.ID.String()]
				if r == nil {
					r = &rel{}
					others[o.ID.String()] = r
				}
				r.n++
				r.iou += o.Box.IoU(mine.Box)
				r.in += x / min(o.Box.Area(), mine.Box.Area())
				if o.Observed && mine.Observed {
					r.both++
				}
			}
		}
	}
	story := fmt.Sprintf("life %d seen %d", life, seen)
	for id, r := range others {
		if r.iou/float64(r.n) > 0.1 {
			story += fmt.Sprintf("; with %s %d times (both seen %d) IoU %.2f in %.2f", id, r.n, r.both, r.iou/float64(r.n), r.in/float64(r.n))
		}
	}
	return story
}
