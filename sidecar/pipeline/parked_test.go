package pipeline

import (
	"testing"
	"time"

	"pantau/sidecar"
)

// The two parked vehicles of the demo's street occupy their bays for the whole
// clip, in spite of everyone who walks past, and nobody else parks anywhere.
func TestParkedVehiclesStay(t *testing.T) {
	d := detector(t, "")
	clip := built(t, "share", "pantau", "vtest.avi")
	bays := sidecar.Function{ID: "lot", Kind: "parking", Dwell: 5 * time.Second, Bays: map[string]sidecar.Polygon{
		"van":   {{0.84, 0.07}, {0.945, 0.07}, {0.945, 0.18}, {0.84, 0.18}},
		"car":   {{0.95, 0.08}, {1, 0.08}, {1, 0.17}, {0.95, 0.17}},
		"empty": {{0.02, 0.26}, {0.2, 0.26}, {0.2, 0.36}, {0.02, 0.36}},
		"path":  {{0.3, 0.4}, {0.5, 0.4}, {0.5, 0.5}, {0.3, 0.5}},
	}}
	m := count(t, d, clip, bays, 4)
	came := map[string]int{}
	for _, e := range m.events {
		p, ok := e.Data.(sidecar.ParkingChange)
		if !ok {
			continue
		}
		if e.Type == sidecar.ParkingFreed {
			t.Errorf("bay %s was freed at %v", p.Bay, e.Time)
		}
		if came[p.Bay]++; !p.Found {
			t.Errorf("bay %s: got an arrival at %s, want that it stood there before", p.Bay, p.Arrived)
		}
	}
	if came["van"] != 1 || came["car"] != 1 || len(came) != 2 {
		t.Errorf("got %v, want the van and the car once each", came)
	}
}
