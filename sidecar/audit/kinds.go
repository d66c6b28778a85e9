package audit

import (
	"maps"
	"slices"
	"strings"

	"pantau/sidecar"
)

// subject is what can be audited of a function.
type subject struct {
	crossings bool            // strips: who goes over its line, or into its zone and out of it
	moments   bool            // pictures of random moments: who is there
	level     sidecar.RowKind // what the moments are of
}

// kinds is the whole list of functions that can be audited, by their kind: to add one,
// add its line.
var kinds = map[string]subject{
	"crowd":   {moments: true, level: sidecar.Heads},
	"line":    {crossings: true},
	"parking": {moments: true, level: sidecar.Occupancy},
	"zone":    {crossings: true, moments: true, level: sidecar.Presence},
}

// Can says whether functions of a kind can be audited.
func Can(kind string) bool { _, ok := kinds[kind]; return ok }

// Kinds names the kinds of functions that can be audited, as in "crowd, line, …".
func Kinds() string { return strings.Join(slices.Sorted(maps.Keys(kinds)), ", ") }

// rowOf is the kind of the rows of which an estimate is.
func rowOf(kind string, d sidecar.Direction) sidecar.RowKind {
	switch {
	case d == now || d == bay:
		return kinds[kind].level
	case kind == "zone" && d == sidecar.In:
		return sidecar.Entries
	case kind == "zone":
		return sidecar.Exits
	}
	return sidecar.Flow
}

// Of names what an estimate is of: a direction, a number of a zone, or a group.
func (l LineResult) Of(e Estimate) string {
	kind := rowOf(l.Kind, e.Direction)
	switch {
	case e.Direction == "" && l.Moments:
		return string(kinds[l.Kind].level) + " of " + string(e.Group)
	case e.Direction == "":
		return string(e.Group)
	case kind == sidecar.Flow:
		return string(e.Direction)
	}
	return string(kind)
}

// Numbers are what was counted and what is true of an estimate: of moments their means.
func (l LineResult) Numbers(e Estimate) (counted, truth float64) {
	n := 1.0
	if l.Moments {
		n = float64(max(1, l.Windows[quiet]+l.Windows[busy]))
	}
	return float64(e.Counted) / n, e.True / n
}
