package ap

import (
	"cmp"
	"slices"

	"pantau/sidecar"
)

// merged lists the groups in which one object has one class for all sources.
func merged() []Group {
	all := Groups()
	return []Group{{"person", []sidecar.Class{sidecar.Person}}, all[6], all[7]}
}

// Faults says what a model got right, missed and found falsely in a picture,
// counting from a score on, at an overlap of 0.5, classes merged into person,
// two-wheeler and four-wheeler. Right and wrong are detections, missed are labels.
func Faults(p Picture, score float64) (right, missed, wrong []Object) {
	for _, g := range merged() {
		truth, regions := split(p.Truth, g.Classes, All)
		taken := make([]uint16, len(truth))
		for _, f := range best(p.Found, g.Classes) {
			if f.Score < score {
				break
			}
			ious := make([]float64, len(truth))
			for j := range truth {
				ious[j] = f.Box.IoU(truth[j].Box)
			}
			switch j := choose(truth, ious, taken, 0); {
			case j >= 0:
				taken[j] = 1
				right = append(right, f)
			case !covered(f.Box, regions):
				wrong = append(wrong, f)
			}
		}
		for j := range truth {
			if taken[j] == 0 {
				missed = append(missed, Object{Class: g.Classes[0], Box: truth[j].Box})
			}
		}
	}
	return right, missed, wrong
}

// Point is where a model works with the best F1 at an overlap of 0.5.
type Point struct{ Score, Precision, Recall, F1 float64 }

// BestPoint finds the score from which on F1 is best, over all pictures, classes
// merged as Faults merges them. A model that is never right has the score 1.
func BestPoint(pictures []Picture) Point {
	var all []sample
	total := 0
	for _, g := range merged() {
		c := match(pictures, g.Classes, All)
		all = append(all, c.samples...)
		total += c.total
	}
	slices.SortFunc(all, func(a, b sample) int { return cmp.Compare(b.score, a.score) })
	most := Point{Score: 1}
	var right, wrong int
	for i, s := range all {
		switch {
		case s.right&1 != 0:
			right++
		case s.ignored&1 == 0:
			wrong++
		}
		if i+1 < len(all) && all[i+1].score == s.score || right == 0 {
			continue
		}
		if f1 := 2 * float64(right) / float64(right+wrong+total); f1 > most.F1 {
			most = Point{s.score, float64(right) / float64(right+wrong), float64(right) / float64(total), f1}
		}
	}
	return most
}
