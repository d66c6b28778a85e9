package models

import (
	"cmp"
	"slices"

	"pantau/sidecar"
)

const (
	// maxCandidates and maxObjects bound the work of one frame, whatever a model
	// says: the best stay.
	maxCandidates = 1000
	maxObjects    = 300

	// sameClass is the intersection over union from which two boxes of one class
	// are one object (NanoDet's and YOLOX's authors use 0.6 and 0.65).
	sameClass = 0.6
	// sameObject is the same for classes that are taken for each other, such as a
	// van for a car and for a truck: one object has one class.
	sameObject = 0.7
)

// suppress removes double findings: best first, each removes what lies on it.
// It works in place.
func suppress(found []Candidate, alike func(a, b int) bool) []Candidate {
	byScore(found)
	found = found[:min(len(found), maxCandidates)]
	kept := found[:0]
	for _, c := range found {
		if !covered(kept, c, alike) {
			kept = append(kept, c)
		}
		if len(kept) == maxObjects {
			break
		}
	}
	return kept
}

// byScore sorts the best to the front, in an order that depends on nothing else.
func byScore(found []Candidate) {
	slices.SortFunc(found, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Class, b.Class),
			cmp.Compare(a.Left, b.Left), cmp.Compare(a.Top, b.Top), cmp.Compare(a.Right, b.Right), cmp.Compare(a.Bottom, b.Bottom))
	})
}

// covered says whether c is the same object as one of kept.
func covered(kept []Candidate, c Candidate, alike func(a, b int) bool) bool {
	for i := range kept {
		k := &kept[i]
		if k.Class == c.Class && iou(k, &c) > sameClass {
			return true
		}
		if k.Class != c.Class && alike(k.Class, c.Class) && iou(k, &c) > sameObject {
			return true
		}
	}
	return false
}

// iou is the intersection of two boxes over their union.
func iou(a, b *Candidate) float32 {
	common := intersection(a, b)
	return common / (a.area() + b.area() - common)
}

func intersection(a, b *Candidate) float32 {
	w := min(a.Right, b.Right) - max(a.Left, b.Left)
	h := min(a.Bottom, b.Bottom) - max(a.Top, b.Top)
	return max(0, w) * max(0, h)
}

func (c *Candidate) area() float32 { return (c.Right - c.Left) * (c.Bottom - c.Top) }

// kind groups the classes that are taken for each other, and knows riders and
// what they ride.
type kind uint8

const (
	other kind = iota
	rider
	twoWheeler
	vehicle
)

// Alike says whether two detections of these classes may be one object.
func Alike(a, b sidecar.Class) bool {
	return a == b || kindOf(a) == kindOf(b) && kindOf(a) != other
}

// kindOf gives the kind of a class.
func kindOf(c sidecar.Class) kind {
	switch c {
	case sidecar.Person:
		return rider
	case sidecar.Bicycle, sidecar.Motorcycle:
		return twoWheeler
	case sidecar.Car, sidecar.Bus, sidecar.Truck:
		return vehicle
	}
	return other
}
