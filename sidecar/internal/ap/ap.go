// Package ap measures detections against labels as COCO does: average precision
// with 101 points of recall, at overlaps of 0.5 and of 0.5 to 0.95.
//
// It follows pycocotools' evaluateImg and accumulate, with two differences.
// Detections of equal score are taken together, so that the order of the
// pictures does not matter. And a label may be a region to be ignored: what lies
// at least half in one and matches nothing is neither right nor wrong.
package ap

import (
	"cmp"
	"slices"

	"pantau/sidecar"
)

// LongSide is the length of a picture's longer side in the unit of all boxes,
// so that sizes of objects compare between sources.
const LongSide = 640

// maxFound is how many detections of a class count in one picture, as in COCO.
const maxFound = 100

// Object is a label or a detection. Its box is in pixels of the picture scaled to LongSide.
type Object struct {
	Class  sidecar.Class
	Box    sidecar.Box
	Score  float64 // of a detection, 0..1
	Ignore bool    // a label: a region in which nothing is scored; its class does not matter
}

// Picture is one labelled picture and what a model found in it.
type Picture struct {
	Truth, Found []Object
}

// Size is a range of areas.
type Size string

// The sizes, by COCO's areas: below 32², below 96², and the rest.
const (
	All    Size = "all"
	Small  Size = "small"
	Medium Size = "medium"
	Large  Size = "large"
)

// Sizes lists them.
func Sizes() []Size { return []Size{All, Small, Medium, Large} }

func (s Size) holds(area float64) bool {
	switch s {
	case Small:
		return area < 32*32
	case Medium:
		return area >= 32*32 && area < 96*96
	case Large:
		return area >= 96*96
	}
	return true
}

// overlaps is the number of thresholds: 0.5, 0.55 to 0.95.
const overlaps = 10

func overlap(i int) float64 { return 0.5 + 0.05*float64(i) }

// sample is a detection after matching: bit i is of the i-th overlap.
type sample struct {
	score          float64
	picture        int
	right, ignored uint16
}

// curve is what is needed of all pictures to compute a group's precision for
// any weights of the pictures.
type curve struct {
	samples  []sample // best first
	positive []int    // labels to be found, per picture
	total    int
}

// match makes the curve of the classes and the size of objects.
func match(pictures []Picture, classes []sidecar.Class, size Size) *curve {
	c := &curve{positive: make([]int, len(pictures))}
	for i := range pictures {
		p := &pictures[i]
		truth, regions := split(p.Truth, classes, size)
		for _, t := range truth {
			if !t.outside {
				c.positive[i]++
			}
		}
		c.total += c.positive[i]
		c.samples = append(c.samples, matchOne(i, truth, regions, best(p.Found, classes), size)...)
	}
	slices.SortFunc(c.samples, func(a, b sample) int { return cmp.Compare(b.score, a.score) })
	return c
}

// label is an object to be found, or one of another size: whoever finds that
// is neither right nor wrong.
type label struct {
	sidecar.Box
	outside bool
}

// split gives the labels of the classes, those of the right size first, and the regions.
func split(all []Object, classes []sidecar.Class, size Size) (truth []label, regions []sidecar.Box) {
	var outside []label
	for _, t := range all {
		switch {
		case t.Ignore:
			regions = append(regions, t.Box)
		case !slices.Contains(classes, t.Class):
		case size.holds(t.Box.Area()):
			truth = append(truth, label{t.Box, false})
		default:
			outside = append(outside, label{t.Box, true})
		}
	}
	return append(truth, outside...), regions
}

// best gives the detections of the classes, best first, in an order that
// depends on nothing else.
func best(found []Object, classes []sidecar.Class) []Object {
	var some []Object
	for _, f := range found {
		if slices.Contains(classes, f.Class) {
			some = append(some, f)
		}
	}
	slices.SortFunc(some, func(a, b Object) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Box.Left, b.Box.Left), cmp.Compare(a.Box.Top, b.Box.Top),
			cmp.Compare(a.Box.Right, b.Box.Right), cmp.Compare(a.Box.Bottom, b.Box.Bottom))
	})
	return some[:min(len(some), maxFound)]
}

// matchOne matches one picture's detections, best first, each with the label
// that it covers best of those that are free.
func matchOne(picture int, truth []label, regions []sidecar.Box, found []Object, size Size) []sample {
	taken := make([]uint16, len(truth))
	var all []sample
	for _, f := range found {
		s := sample{score: f.Score, picture: picture}
		off := !size.holds(f.Box.Area()) || covered(f.Box, regions)
		ious := make([]float64, len(truth))
		for j := range truth {
			ious[j] = f.Box.IoU(truth[j].Box)
		}
		for k := range overlaps {
			bit := uint16(1) << k
			j := choose(truth, ious, taken, k)
			switch {
			case j >= 0 && truth[j].outside:
				taken[j] |= bit
				s.ignored |= bit
			case j >= 0:
				taken[j] |= bit
				s.right |= bit
			case off:
				s.ignored |= bit
			}
		}
		if s.ignored != 1<<overlaps-1 {
			all = append(all, s)
		}
	}
	return all
}

// choose gives the free label with the highest overlap, from the k-th threshold
// on; one of another size only if there is none of the right one. -1: none.
func choose(truth []label, ious []float64, taken []uint16, k int) int {
	chosen, most := -1, min(overlap(k), 1-1e-10)
	for j := range truth {
		if taken[j]&(1<<k) != 0 {
			continue
		}
		if chosen >= 0 && !truth[chosen].outside && truth[j].outside {
			break // those of the right size come first
		}
		if ious[j] >= most {
			chosen, most = j, ious[j]
		}
	}
	return chosen
}

// covered says whether at least half of a box lies in one region.
func covered(b sidecar.Box, regions []sidecar.Box) bool {
	for _, r := range regions {
		if b.Intersect(r).Area() >= b.Area()/2 {
			return true
		}
	}
	return false
}
