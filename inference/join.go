package inference

import (
	"cmp"
	"slices"

	"pantau/inference/models"
	"pantau/sidecar"
)

// part is one crop of a frame, and where the detections of it end.
type part struct {
	region sidecar.Box // 0..1 of the picture, as it was cut out
	end    int
}

const (
	// sameObject is the intersection over union from which what two crops found is
	// one object.
	sameObject = 0.6
	// ofIt is the share of a cut object that must lie in another one, which a
	// neighbour found, to be a part of it.
	ofIt = 0.6
	// touching is how near to a border a box is cut by it, sides of the picture.
	touching = 0.004
)

// join removes what several crops of a frame found of one object, and gives the
// rest, best first, in the same storage: the parts that a crop's border has cut
// off yield to the whole, and of two alike the better one stays. The scratch is
// used for a while, and given back.
func join(found []sidecar.Detection, parts []part, scratch []sidecar.Detection) (rest, used []sidecar.Detection) {
	if len(parts) > 1 {
		scratch = append(scratch[:0], found...)
		found = found[:0]
		for i, d := range scratch {
			if !again(i, d, scratch, parts) {
				found = append(found, d)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b sidecar.Detection) int { return cmp.Compare(b.Score, a.Score) })
	return found, scratch
}

// again says whether the i-th detection is also one of another crop's, and that
// one is to stay.
func again(i int, d sidecar.Detection, found []sidecar.Detection, parts []part) bool {
	own := partOf(i, parts)
	cut := cuts(parts[own].region, d.Box)
	for j, e := range found {
		other := partOf(j, parts)
		if other == own || !models.Alike(d.Class, e.Class) {
			continue
		}
		otherCut := cuts(parts[other].region, e.Box)
		rest := d.Box.Intersect(e.Box).Area()
		same := d.Box.IoU(e.Box) > sameObject
		better := e.Score > d.Score || e.Score == d.Score && j < i
		switch {
		case cut && !otherCut && rest > ofIt*d.Box.Area():
			return true
		case cut == otherCut && same && better:
			return true
		case cut && otherCut && !same && rest > ofIt*d.Box.Area() && (d.Box.Area() < e.Box.Area()):
			return true
		}
	}
	return false
}

// partOf is the crop that found the i-th detection.
func partOf(i int, parts []part) int {
	return slices.IndexFunc(parts, func(p part) bool { return i < p.end })
}

// cuts says whether a crop's border, which is not the picture's, cuts a box off.
func cuts(r, b sidecar.Box) bool {
	return r.Left > 0 && b.Left < r.Left+touching || r.Top > 0 && b.Top < r.Top+touching ||
		r.Right < 1 && b.Right > r.Right-touching || r.Bottom < 1 && b.Bottom > r.Bottom-touching
}
