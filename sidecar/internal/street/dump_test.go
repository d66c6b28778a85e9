package street

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestDump prints one agent's story: PANTAU_STREETS_DUMP="queue 17 0.9 31 2 7" is
// kind, seed, recall, agent, and the seconds from and to.
func TestDump(t *testing.T) {
	v := strings.Fields(os.Getenv("PANTAU_STREETS_DUMP"))
	if len(v) != 6 {
		t.Skip("nothing to dump")
	}
	n := func(i int) float64 { x, _ := strconv.ParseFloat(v[i], 64); return x }
	f := Shoot(uint64(n(1)), Options{Kind: Kind(v[0]), FPS: 10, Length: time.Minute})
	found := Like(n(2)).Look(f, 1)
	p := run(t, f, found, 10)
	t.Logf("line %v", f.Line)
	for i := range f.Frames {
		at := f.Frames[i].At.Seconds()
		if at < n(4) || at > n(5) {
			continue
		}
		for _, o := range f.Frames[i].Objects {
			if o.Agent != int(n(3)) {
				continue
			}
			t.Logf("%.2f %s %.3f visible %.2f", at, o.Class, o.Box, o.Visible)
			for _, d := range found[i] {
				if in := d.Box.Intersect(o.Box).Area(); in > 0.3*d.Box.Area() {
					t.Logf("      %-10s %.2f %.3f IoU %.2f", d.Class, d.Score, d.Box, d.Box.IoU(o.Box))
				}
			}
			for _, k := range p.scenes[i].Tracks {
				if in := k.Box.Intersect(o.Box).Area(); in > 0.3*k.Box.Area() && k.Confirmed {
					t.Logf("           track %d %-10s %.3f observed %v %s age %d", k.ID, k.Class, k.Box, k.Observed, k.Motion, k.Age)
				}
			}
			for _, e := range p.scenes[i].Ended {
				t.Logf("           ended %d", e.ID)
			}
			for _, e := range p.scenes[i].Merged {
				t.Logf("           merged %v", e)
			}
		}
	}
	for _, c := range p.crossings() {
		if c.t > n(4)-5 && c.t < n(5)+5 {
			t.Logf("counted %.2f %s %s agent %d track %s", c.t, c.Class, c.Direction, c.agent, c.Track)
		}
	}
	for _, c := range f.Crossings {
		if c.T > n(4)-5 && c.T < n(5)+5 {
			t.Logf("true %+v", c)
		}
	}
}
