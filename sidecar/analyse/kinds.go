package analyse

import (
	"maps"
	"slices"
	"time"

	"pantau/sidecar"
)

// Analytic watches one function of a camera. It writes what it finds into the
// book that it was made with.
type Analytic interface {
	// Update looks at the objects after a scene, at moment now. Objects that
	// were not observed in it have an older fix.
	Update(now moment, objects []*object)
	// Join says that two objects are one: what from did, into did.
	Join(from, into *object, now moment)
	// Leave says that an object will not be seen again.
	Leave(o *object)
	// Undecided is the minutes' time of the oldest fact that may still come out
	// either way; false: there is none.
	Undecided() (time.Time, bool)
}

// kind is one kind of function.
type kind struct {
	reads []string // fields of sidecar.Function besides id, kind, classes and anchor
	check func(f sidecar.Function) error
	make  func(f sidecar.Function, b *book) Analytic
}

// kinds is the whole list of analytics: to add one, write its file and add its line.
var kinds = map[string]kind{
	"congestion": {reads: []string{"polygon", "plane", "lanes", "window"}, check: checkCongestion, make: newCongestion},         // congestion.go
	"crowd":      {reads: []string{"polygon", "levels", "plane"}, check: checkCrowd, make: newCrowd},                            // crowd.go
	"line":       {reads: []string{"line"}, check: checkLine, make: newLine},                                                    // line.go
	"parking":    {reads: []string{"polygon", "dwell", "bays", "capacity", "forbidden"}, check: checkParking, make: newParking}, // parking.go
	"speed":      {reads: []string{"plane"}, check: checkSpeed, make: newSpeed},                                                 // speed.go
	"zone":       {reads: []string{"polygon", "dwell", "time_threshold"}, check: checkZone, make: newZone},                      // zone.go
}

// kindNames lists the kinds in order.
func kindNames() []string { return slices.Sorted(maps.Keys(kinds)) }
