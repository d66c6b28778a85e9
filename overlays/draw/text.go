package draw

import (
	"fmt"
	"strconv"
	"strings"

	"pantau/sidecar"
)

// trackText is an object's class and number, and its speed where that is measured.
func trackText(t *sidecar.Track) string {
	text := string(t.Class) + " " + t.ID.String()
	if t.KMH > 0 {
		text += fmt.Sprintf("  %.0f km/h", t.KMH)
	}
	return text
}

// zoneText is a zone's name, and how many of each class are in it.
func zoneText(id string, zones []sidecar.Zone, name, counts bool) string {
	var parts []string
	if name {
		parts = append(parts, id)
	}
	for i := range zones {
		if zones[i].ID != id || !counts {
			continue
		}
		for _, n := range zones[i].Counts {
			parts = append(parts, string(n.Class)+" "+strconv.Itoa(n.N))
		}
	}
	return strings.Join(parts, "  ")
}

// lineText is a line's name, and how many have crossed it each way.
func lineText(id string, rows []sidecar.CountRow, name, counts bool) string {
	n := map[sidecar.Direction]int{}
	for _, r := range rows {
		if r.Rule == id && r.Kind == sidecar.Flow && r.N != nil {
			n[r.Direction] += *r.N
		}
	}
	var parts []string
	if name {
		parts = append(parts, id)
	}
	if counts {
		parts = append(parts, "in "+strconv.Itoa(n[sidecar.In]), "out "+strconv.Itoa(n[sidecar.Out]))
	}
	return strings.Join(parts, "  ")
}
