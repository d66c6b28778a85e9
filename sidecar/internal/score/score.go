// Package score holds counted crossings against a truth that people counted by eye.
package score

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"

	"pantau/sidecar"
)

// Crossing is one object over the line, in truth or as it was counted.
type Crossing struct {
	T         float64           `json:"t"` // seconds of media time
	Class     sidecar.Class     `json:"class"`
	Direction sidecar.Direction `json:"dir"`
	Ignore    bool              `json:"ignore,omitempty"` // too unsure to be scored: neither missed nor false
	At        *sidecar.Point    `json:"at,omitempty"`     // where it cuts the line, if that is known
}

// Truth is a clip's line and every crossing of it.
type Truth struct {
	Clip      string           `json:"clip"`
	Rule      sidecar.Function `json:"rule"`
	Tolerance float64          `json:"tolerance_s"`
	FPS       float64          `json:"fps"`
	Frames    int              `json:"frames"`
	Crossings []Crossing       `json:"crossings"`
}

// Read reads a truth file.
func Read(path string) (Truth, error) {
	var t Truth
	data, err := os.ReadFile(path)
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal(data, &t); err != nil {
		return t, fmt.Errorf("reading truth %s: %w", path, err)
	}
	return t, nil
}

// Result is how a count compares with the truth.
type Result struct {
	True    int        // crossings to be found, those to be ignored left out
	Matched int        // found within the tolerance, in the right direction
	Pairs   []Pair     // those that are matched
	Missed  []Crossing // true, and not counted
	False   []Crossing // counted, and not true
}

// Pair is a true crossing and the counted one that is matched with it. Their
// classes may differ.
type Pair struct{ True, Counted Crossing }

// Seconds is the length of the counted clip; 0 if the truth does not say.
func (t Truth) Seconds() float64 {
	if t.FPS <= 0 {
		return 0
	}
	return float64(t.Frames) / t.FPS
}

// String is "30 of 32 matched, 1 false".
func (r Result) String() string {
	return fmt.Sprintf("%d of %d matched, %d false", r.Matched, r.True, len(r.False))
}

// Match pairs counted crossings with true ones of the same direction, each at
// most once, no further apart than the tolerance. Pairing both in order of time
// pairs as many as can be paired, since the tolerance is the same for all.
func (t Truth) Match(counted []Crossing) Result {
	var r Result
	for _, dir := range []sidecar.Direction{sidecar.In, sidecar.Out} {
		truth, got := ofDirection(t.Crossings, dir), ofDirection(counted, dir)
		i, j := 0, 0
		for i < len(truth) || j < len(got) {
			switch {
			case i < len(truth) && j < len(got) && math.Abs(truth[i].T-got[j].T) <= t.Tolerance:
				if !truth[i].Ignore {
					r.True++
					r.Matched++
					r.Pairs = append(r.Pairs, Pair{truth[i], got[j]})
				}
				i++
				j++
			case j == len(got) || i < len(truth) && truth[i].T < got[j].T:
				if !truth[i].Ignore {
					r.True++
					r.Missed = append(r.Missed, truth[i])
				}
				i++
			default:
				r.False = append(r.False, got[j])
				j++
			}
		}
	}
	return r
}

func ofDirection(all []Crossing, dir sidecar.Direction) []Crossing {
	some := slices.DeleteFunc(slices.Clone(all), func(c Crossing) bool { return c.Direction != dir })
	slices.SortFunc(some, func(a, b Crossing) int {
		switch {
		case a.T < b.T:
			return -1
		case a.T > b.T:
			return 1
		}
		return 0
	})
	return some
}
