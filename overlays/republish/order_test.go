package republish

import (
	"slices"
	"testing"
	"time"

	"pantau/sidecar"
)

// TestDocumentsComeInTheirOrder lets pictures come in the order of coding, with a
// document each.
func TestDocumentsComeInTheirOrder(t *testing.T) {
	for name, c := range map[string]struct{ pictures, want []int64 }{
		"no B pictures":            {[]int64{0, 1, 2, 3}, []int64{0, 1, 2, 3}},
		"the first group is short": {[]int64{0, 3, 1, 2, 6, 4, 5, 9}, []int64{0, 3, 4, 5, 6}},
		"a pyramid":                {[]int64{0, 2, 1, 6, 4, 3, 5, 10, 8, 7, 9, 14}, []int64{0, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
		"the clock is set back":    {[]int64{100, 101, 0, 1}, []int64{100, 101, 0, 1}},
		"and was mixed before":     {[]int64{100, 103, 101, 102, 106, 0, 1}, []int64{100, 103, 0, 1}},
	} {
		o := newOrder()
		var got []int64
		for _, p := range c.pictures {
			stamp := sidecar.Stamp{PTS: p * 3600, ClockRate: 90000}
			if p > 50 { // a second and more before the others
				stamp.PTS += 10 * 90000
			}
			due := o.picture(stamp.Media())
			due = append(due, o.add(document{at: stamp})...)
			for _, d := range due {
				got = append(got, d.at.PTS/3600%250)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestWhatIsLateIsLeftOut(t *testing.T) {
	o := newOrder()
	stamp := func(ms int64) sidecar.Stamp { return sidecar.Stamp{PTS: ms * 90, ClockRate: 90000} }
	for _, ms := range []int64{0, 1000, 2000} {
		o.picture(time.Duration(ms) * time.Millisecond)
	}
	for _, c := range []struct {
		ms   int64
		want int
	}{{1000, 1}, {1000, 0}, {500, 0}, {1500, 1}} {
		if got := len(o.add(document{at: stamp(c.ms)})); got != c.want {
			t.Errorf("%d ms: %d documents, want %d", c.ms, got, c.want)
		}
	}
	o.mixed = true
	for i := range int64(100) {
		o.add(document{at: stamp(3000 + i)})
	}
	if len(o.waiting) != mostWaiting {
		t.Errorf("%d documents wait", len(o.waiting))
	}
}
