package score

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"pantau/sidecar"
)

// ReadEvents reads the crossings of a line (rule; empty: of all lines) from
// JSON lines as the product writes them. Those that a correction withdraws are
// left out.
func ReadEvents(r io.Reader, rule string) ([]Crossing, error) {
	type line struct {
		ID, Type string
		Data     struct {
			Rule      string
			PTS       int64             `json:"pts_us"`
			Class     sidecar.Class     `json:"cls"`
			Direction sidecar.Direction `json:"dir"`
			At        *sidecar.Point
			Withdraws string
		}
	}
	var all []line
	withdrawn := map[string]bool{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for n := 1; lines.Scan(); n++ {
		var kind struct{ Type string }
		if err := json.Unmarshal(lines.Bytes(), &kind); err != nil {
			return nil, fmt.Errorf("reading events, line %d: %w", n, err)
		}
		crossing := strings.HasPrefix(kind.Type, "pantau."+string(sidecar.CountCrossing)+".")
		if !crossing && !strings.HasPrefix(kind.Type, "pantau."+string(sidecar.CorrectionMade)+".") {
			continue // counts have data of another shape
		}
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("reading events, line %d: %w", n, err)
		}
		if crossing {
			all = append(all, l)
		} else {
			withdrawn[l.Data.Withdraws] = true
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading events: %w", err)
	}
	var crossings []Crossing
	for _, l := range all {
		if !withdrawn[l.ID] && (rule == "" || l.Data.Rule == rule) {
			crossings = append(crossings, Crossing{T: float64(l.Data.PTS) / 1e6, Class: l.Data.Class, Direction: l.Data.Direction, At: l.Data.At})
		}
	}
	return crossings, nil
}

// Crossings lists what was counted on a line; corrected ones are left out.
func Crossings(events []sidecar.Event, rule string) []Crossing {
	withdrawn := map[string]bool{}
	for _, e := range events {
		if c, ok := e.Data.(sidecar.Correction); ok {
			withdrawn[c.Withdraws] = true
		}
	}
	var all []Crossing
	for _, e := range events {
		if c, ok := e.Data.(sidecar.Crossing); ok && c.Rule == rule && !withdrawn[e.ID] {
			all = append(all, Crossing{T: float64(c.PTS) / 1e6, Class: c.Class, Direction: c.Direction, At: &c.At})
		}
	}
	return all
}
