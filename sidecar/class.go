package sidecar

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

// Classes lists the default classes, in the order in which they are shown.
func Classes() []Class { return []Class{Person, Bicycle, Motorcycle, Car, Bus, Truck} }
