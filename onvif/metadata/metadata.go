// Package metadata writes what a camera sees as ONVIF does: the scene descriptions
// and events of a metadata stream (ONVIF Analytics Service Specification, section 5,
// and metadatastream.xsd), as XML for RTP and events, and as JSON for MQTT
// (Analytics 5.5, Core 11.12).
//
// Coordinates are ONVIF's: −1..1, origin in the middle of the picture, y pointing up
// (Analytics 5.2.2). [FromPicture] makes them of 0..1 with y pointing down.
package metadata

import (
	"math"
	"slices"
	"time"
)

// Stream is one document of a metadata stream, tt:MetadataStream.
type Stream struct {
	Frames []Frame        // tt:VideoAnalytics; left out where there are none
	Events []Notification // tt:Event; left out where there are none
}

// Frame is the scene of one picture, tt:Frame. One without objects tells a viewer to
// clear its boxes (Analytics 5.4).
type Frame struct {
	Time    time.Time // of exactly this picture, in the time base of its RTCP sender reports (Analytics 5.2.1)
	Source  string    // the analytics module; may be empty
	Objects []Object
	Merges  []Merge
	Deleted []uint64 // ids of objects that will not come again (Analytics 5.4.3)
}

// Object is one thing that is followed, tt:Object.
type Object struct {
	ID      uint64
	Box     Box
	Classes []Likely // tt:ObjectType, the likeliest first
	Vehicle Likely   // tt:VehicleType of a vehicle; empty for others
	Speed   float64  // m/s on the ground, tt:Behaviour; 0: not measured
}

// Merge says that objects turned out to be one, tt:Merge.
type Merge struct {
	From []uint64
	To   uint64
}

// Likely is a name with how likely it is, 0..1; tt:StringLikelihood.
type Likely struct {
	Name       string
	Likelihood float64
}

// Box is a rectangle, tt:Rectangle: −1..1, y up.
type Box struct {
	Left, Top, Right, Bottom float64
}

// FromPicture makes a Box of one in parts of the picture: 0..1, origin top left, y
// down. What lies outside of the picture is cut off.
func FromPicture(left, top, right, bottom float64) Box {
	return Box{Left: across(left), Top: -across(top), Right: across(right), Bottom: -across(bottom)}
}

func across(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return math.Max(-1, math.Min(1, 2*v-1))
}

// The values of tt:ObjectType and tt:VehicleType that street objects have
// (metadatastream.xsd).
const (
	Human      = "Human"
	Bicycle    = "Bicycle"
	Vehicle    = "Vehicle"
	Bike       = "Bike"
	Animal     = "Animal"
	Car        = "Car"
	Bus        = "Bus"
	Truck      = "Truck"
	Motorcycle = "Motorcycle"
)

// named is what COCO's names of classes are in ONVIF: types of object, and the type
// of vehicle.
var named = map[string]struct {
	types   []string
	vehicle string
}{
	"person":     {types: []string{Human}},
	"bicycle":    {types: []string{Bicycle, Bike}, vehicle: Bicycle},
	"motorcycle": {types: []string{Bike, Vehicle}, vehicle: Motorcycle},
	"car":        {types: []string{Vehicle}, vehicle: Car},
	"bus":        {types: []string{Vehicle}, vehicle: Bus},
	"truck":      {types: []string{Vehicle}, vehicle: Truck},
	"cat":        {types: []string{Animal}},
	"dog":        {types: []string{Animal}},
	"bird":       {types: []string{Animal}},
}

// Classify gives an object's types for the name of a class in COCO. A name that
// ONVIF does not know is given as it is, which its schema allows.
func Classify(coco string, likelihood float64) (classes []Likely, vehicle Likely) {
	of, known := named[coco]
	if !known {
		return []Likely{{coco, likelihood}}, Likely{}
	}
	for _, name := range of.types {
		classes = append(classes, Likely{name, likelihood})
	}
	if of.vehicle != "" {
		vehicle = Likely{of.vehicle, likelihood}
	}
	return classes, vehicle
}

// Named gives the classes of COCO that a type of object or of vehicle stands for, in the
// order of their names; a name that is neither stands for itself.
func Named(name string) []string {
	var all []string
	for coco, of := range named {
		if of.vehicle == name || slices.Contains(of.types, name) {
			all = append(all, coco)
		}
	}
	if all == nil {
		return []string{name}
	}
	slices.Sort(all)
	return all
}

// Operation is what became of a property, tt:PropertyOperation (Core 9.5.1).
type Operation string

// The operations of properties. An event that is no property has none.
const (
	Initialized Operation = "Initialized"
	Changed     Operation = "Changed"
	Deleted     Operation = "Deleted"
)

// Item is a name and a value, tt:SimpleItem.
type Item struct {
	Name, Value string
}

// Notification is one event, wsnt:NotificationMessage with a tt:Message.
type Notification struct {
	Topic     string // without prefix, such as RuleEngine/LineDetector/Crossed
	Time      time.Time
	Operation Operation
	Source    []Item // what it is about: VideoSource, Rule, …
	Key       []Item
	Data      []Item
}

// RuleSource is what a rule's notifications are about: by the newest names (Analytics A),
// and the camera once more by the name of older editions, which Home Assistant tells the
// rules of several cameras apart by.
func RuleSource(camera, rule string) []Item {
	return []Item{{"VideoSource", camera}, {"Rule", rule}, {"VideoSourceConfigurationToken", camera}}
}

// The topics of what a street's rules tell (Analytics, annex A), and one of ours where
// there is none.
const (
	LineCrossed      = "RuleEngine/LineDetector/Crossed"
	ObjectsInside    = "RuleEngine/FieldDetector/ObjectsInside"
	ObjectLoitering  = "RuleEngine/LoiteringDetector/ObjectIsLoitering"
	Counter          = "RuleEngine/CountAggregation/Counter"
	OccupancyCounter = "RuleEngine/CountAggregation/OccupancyCounter"
	Congestion       = "RuleEngine/pantau:Congestion"
)
