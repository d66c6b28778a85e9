package track

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pantau/sidecar"
)

// truth is a clip's line and every crossing of it, counted by eye.
type truth struct {
	Width, Height float64
	Tolerance     float64 `json:"tolerance_s"`
	Rule          struct {
		Line   [2]sidecar.Point
		Anchor sidecar.Anchor
	}
	Crossings []struct {
		T      float64
		Dir    sidecar.Direction
		Ignore bool
	}
}

// passage is one counted crossing.
type passage struct {
	t   float64 // seconds
	dir sidecar.Direction
	id  sidecar.TrackID
}

// counter counts crossings of a segment in the plainest way: an object is on
// the side on which it was last clearly, by a part of its size, and a change of
// side counts where the straight way between cuts the segment.
type counter struct {
	a, b     sidecar.Point
	anchor   sidecar.Anchor
	settled  map[sidecar.TrackID]sidecar.Point
	passages []passage
}

func newCounter(tr *truth) *counter {
	return &counter{a: tr.Rule.Line[0], b: tr.Rule.Line[1], anchor: tr.Rule.Anchor,
		settled: map[sidecar.TrackID]sidecar.Point{}}
}

func (c *counter) update(at time.Duration, r Result) {
	for _, m := range r.Merged {
		delete(c.settled, m.From)
	}
	for _, tk := range r.Tracks {
		if !tk.Confirmed {
			continue
		}
		p := c.anchor.Of(tk.Box)
		old, ok := c.settled[tk.ID]
		if !ok {
			old = c.anchor.Of(tk.Start)
			c.settled[tk.ID] = old
		}
		dx, dy := c.b[0]-c.a[0], c.b[1]-c.a[1]
		depth := math.Abs(right(c.a, c.b, p)) / (math.Abs(dy)*tk.Box.Width() + math.Abs(dx)*tk.Box.Height() + 1e-12)
		if depth < 0.15 {
			continue
		}
		c.settled[tk.ID] = p
		from, to := right(c.a, c.b, old), right(c.a, c.b, p)
		if from*to >= 0 || right(old, p, c.a)*right(old, p, c.b) > 0 {
			continue
		}
		dir := sidecar.In
		if to < 0 {
			dir = sidecar.Out
		}
		c.passages = append(c.passages, passage{at.Seconds(), dir, tk.ID})
	}
}

// right is positive for points to the right of who goes from a to b.
func right(a, b, p sidecar.Point) float64 {
	return -(b[1]-a[1])*(p[0]-a[0]) + (b[0]-a[0])*(p[1]-a[1])
}

// score matches counted crossings with true ones of the same direction.
func (c *counter) score(tr *truth) (matched, total, spurious int) {
	taken := make([]bool, len(c.passages))
	for _, want := range tr.Crossings {
		best, least := -1, tr.Tolerance
		for i, p := range c.passages {
			if d := math.Abs(p.t - want.T); !taken[i] && p.dir == want.Dir && d <= least {
				best, least = i, d
			}
		}
		if best >= 0 {
			taken[best] = true
		}
		if want.Ignore {
			continue
		}
		total++
		if best >= 0 {
			matched++
		}
	}
	for _, used := range taken {
		if !used {
			spurious++
		}
	}
	return matched, total, spurious
}

// shared gives the path of a file that stands beside the project, or skips.
func shared(t testing.TB, parts ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Skip("no go.mod above")
		}
		dir = up
	}
	path := filepath.Join(append([]string{dir, "..", "shared"}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("needs %s: %v", filepath.Join(parts...), err)
	}
	return path
}

func readTruth(t testing.TB, path string) *truth {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	tr := &truth{}
	if err := json.Unmarshal(data, tr); err != nil {
		t.Fatal(err)
	}
	return tr
}
