package sidecar

import "slices"

// Class is what an object is, by its COCO name.
type Class string

// The classes that Pantau counts by default. A Motorcycle or a Bicycle includes
// its rider, who is no Person. Detectors may know more; a function that names
// another class of its detector gets it.
const (
	Person     Class = "person"
	Bicycle    Class = "bicycle"
	Motorcycle Class = "motorcycle"
	Car        Class = "car"
	Bus        Class = "bus"
	Truck      Class = "truck"
)

// AllClasses stands in a row that is about all of them together.
const AllClasses Class = "all"

// classes are the default ones, in the order in which they are shown.
var classes = [...]Class{Person, Bicycle, Motorcycle, Car, Bus, Truck}

// Classes lists the default classes, in the order in which they are shown.
func Classes() []Class { return slices.Clone(classes[:]) }

// ClassAt is the i-th of Classes.
func ClassAt(i int) Class { return classes[i] }

// Index is the place of a class in Classes, or -1.
func (c Class) Index() int { return slices.Index(classes[:], c) }

// Wheels is 2 of what is ridden, 4 of what is driven, and 0 of a class that is neither.
// Classes of one number of wheels are taken for each other.
func (c Class) Wheels() int {
	switch c {
	case Bicycle, Motorcycle:
		return 2
	case Car, Bus, Truck:
		return 4
	}
	return 0
}

// Scores are what a detector gives each of Classes for one box, 0..1, in their order.
// They are all zero where it gives a class alone.
type Scores [len(classes)]float32
