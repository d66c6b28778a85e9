package mot

import (
	"cmp"
	"maps"
	"slices"

	"pantau/sidecar/internal/assign"
)

// overlap is the IoU from which a box is of the same object.
const overlap = 0.5

// Rating is how well tracks agree with the truth.
type Rating struct {
	Frames    int `json:"frames"`
	Truth     int `json:"truth"`   // boxes
	Tracked   int `json:"tracked"` // boxes
	Missed    int `json:"missed"`
	False     int `json:"false"`
	Switches  int `json:"id_switches"`
	Fragments int `json:"fragments"` // times that a tracked object is lost and found again
	SameID    int `json:"same_id"`   // boxes whose track is the object's one, of the pairing that has most
	Overlap   float64
}

// MOTA is CLEAR MOT's accuracy: 1 less all errors by all true boxes.
func (r Rating) MOTA() float64 {
	return 1 - float64(r.Missed+r.False+r.Switches)/float64(max(r.Truth, 1))
}

// MOTP is CLEAR MOT's precision: the mean IoU of what was matched.
func (r Rating) MOTP() float64 { return r.Overlap / float64(max(r.Truth-r.Missed, 1)) }

// IDF1 is the F1 of identities.
func (r Rating) IDF1() float64 { return 2 * float64(r.SameID) / float64(max(r.Truth+r.Tracked, 1)) }

// Add joins the rating of another sequence.
func (r *Rating) Add(o Rating) {
	r.Frames += o.Frames
	r.Truth += o.Truth
	r.Tracked += o.Tracked
	r.Missed += o.Missed
	r.False += o.False
	r.Switches += o.Switches
	r.Fragments += o.Fragments
	r.SameID += o.SameID
	r.Overlap += o.Overlap
}

// Rate compares tracks with the truth, frame by frame. What was matched stays matched
// while it overlaps; the rest is paired such that the overlap is greatest.
func Rate(truth, tracks [][]Row) Rating {
	var r Rating
	var pairs assign.Problem
	partner := map[int]int{}     // object -> track, the last known
	owner := map[int]int{}       // track -> object, the last known
	together := map[[2]int]int{} // object, track -> frames
	was := map[int]bool{}        // objects that were matched in the frame before in which they were
	r.Frames = max(len(truth), len(tracks))
	for i := range r.Frames {
		want, got := at(truth, i), at(tracks, i)
		matched := map[int]int{} // in this frame
		taken := map[int]bool{}
		for _, w := range want {
			for _, g := range got {
				if w.Box.IoU(g.Box) < overlap {
					continue
				}
				together[[2]int{w.ID, g.ID}]++
				if id, ok := partner[w.ID]; ok && id == g.ID && owner[g.ID] == w.ID {
					matched[w.ID], taken[g.ID] = g.ID, true
				}
			}
		}
		pairs.Reset()
		for _, w := range want {
			for col, g := range got {
				if _, done := matched[w.ID]; !done && !taken[g.ID] && w.Box.IoU(g.Box) >= overlap {
					pairs.Add(col, (1-w.Box.IoU(g.Box))/2)
				}
			}
			pairs.EndRow()
		}
		pairs.Solve(len(got))
		for row, col := range pairs.ColOf[:len(want)] {
			if col < 0 {
				continue
			}
			w, g := want[row].ID, got[col].ID
			if id, ok := partner[w]; ok && id != g {
				r.Switches++
			}
			matched[w] = g
		}
		for _, w := range want {
			g, found := matched[w.ID]
			if found {
				if before, seen := was[w.ID]; seen && !before {
					r.Fragments++
				}
				partner[w.ID], owner[g] = g, w.ID
				r.Overlap += w.Box.IoU(got[slices.IndexFunc(got, func(t Row) bool { return t.ID == g })].Box)
			}
			if _, seen := was[w.ID]; seen || found {
				was[w.ID] = found
			}
		}
		r.Truth += len(want)
		r.Tracked += len(got)
		r.Missed += len(want) - len(matched)
		r.False += len(got) - len(matched)
	}
	r.SameID = mostTogether(together, r.Frames)
	return r
}

func at(frames [][]Row, i int) []Row {
	if i >= len(frames) {
		return nil
	}
	return frames[i]
}

// mostTogether pairs objects with tracks so that the boxes in which they agree are most.
func mostTogether(together map[[2]int]int, frames int) (total int) {
	keys := slices.SortedFunc(maps.Keys(together), func(a, b [2]int) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	cols := map[int]int{}
	var pairs assign.Problem
	pairs.Reset()
	for i, k := range keys {
		if _, ok := cols[k[1]]; !ok {
			cols[k[1]] = len(cols)
		}
		if i > 0 && keys[i-1][0] != k[0] {
			pairs.EndRow()
		}
		pairs.Add(cols[k[1]], 1-float64(together[k])/float64(frames+1))
	}
	if len(keys) > 0 {
		pairs.EndRow()
	}
	pairs.Solve(len(cols))
	row := 0
	for i, k := range keys {
		if i > 0 && keys[i-1][0] != k[0] {
			row++
		}
		if pairs.ColOf[row] == int32(cols[k[1]]) {
			total += together[k]
		}
	}
	return total
}
