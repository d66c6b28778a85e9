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
	// beside checks a function that listens to others of its camera, among all of
	// them; nil: it does not. It is given each scene after they were.
	beside func(f sidecar.Function, all []sidecar.Function) error
}

// watcher is an analytic that is told of the crossings of lines.
type watcher interface {
	passed(line string, o *object, p pass)
	withdrawn(p pass)
}

// kinds is the whole list of analytics: to add one, write its file and add its line.
var kinds = map[string]kind{
	"congestion": {reads: []string{"polygon", "plane", "lanes", "window"}, check: checkCongestion, make: newCongestion},         // congestion.go
	"crowd":      {reads: []string{"polygon", "levels", "plane"}, check: checkCrowd, make: newCrowd},                            // crowd.go
	"line":       {reads: []string{"line"}, check: checkLine, make: newLine},                                                    // line.go
	"parking":    {reads: []string{"polygon", "dwell", "bays", "capacity", "forbidden"}, check: checkParking, make: newParking}, // parking.go
	"speed":      {reads: []string{"plane"}, check: checkSpeed, make: newSpeed},                                                 // speed.go
	"turns":      {reads: []string{"lines"}, check: checkTurns, make: newTurns, beside: besideTurns},                            // turns.go
	"zone":       {reads: []string{"polygon", "dwell", "time_threshold"}, check: checkZone, make: newZone},                      // zone.go
}

// kindNames lists the kinds in order.
func kindNames() []string { return slices.Sorted(maps.Keys(kinds)) }
