package audit

import (
	"slices"
	"time"

	"pantau/sidecar"
)

// The measures of windows.
const (
	shortest = 10 * time.Second // a window is so long, or up to twice that where no gap comes sooner
	clear    = time.Second      // from a window's end to the nearest crossing: a person sees on which side of it that lies
	settling = 10 * time.Second // after its frame a crossing may still be told
	blind    = 2 * time.Second  // without a frame nobody knows what passed: no window reaches over it
)

// crossing is one that was counted.
type crossing struct {
	id  string
	at  time.Duration // media time of its frame
	key Key
}

// window is a part of the recorded time.
type window struct {
	from, to  time.Duration // media time
	crossings []crossing
}

// cutter cuts the time of one line into windows that follow each other without
// a gap. Where it cuts depends on the counts alone.
type cutter struct {
	start   time.Duration // of the window that is still open
	pending []crossing    // from start on, by time
}

// put takes a crossing. One that is older than the open window is refused.
func (c *cutter) put(x crossing) bool {
	if x.at < c.start {
		return false
	}
	i := len(c.pending)
	for i > 0 && c.pending[i-1].at > x.at {
		i--
	}
	c.pending = slices.Insert(c.pending, i, x)
	return true
}

// withdraw takes a crossing back.
func (c *cutter) withdraw(id string) {
	c.pending = slices.DeleteFunc(c.pending, func(x crossing) bool { return x.id == id })
}

// cut gives the next window, if all crossings of it have been told by known.
func (c *cutter) cut(known time.Duration) (window, bool) {
	if known < c.start+2*shortest {
		return window{}, false
	}
	return c.take(c.border()), true
}

// border is the first moment from shortest to twice that after the start which is
// clear of every crossing, or the middle of the widest gap.
func (c *cutter) border() time.Duration {
	from, to := c.start+shortest, c.start+2*shortest
	marks := []time.Duration{from - clear} // gaps are between these; the first moment itself is clear
	for _, x := range c.pending {
		if x.at > from-clear && x.at < to+clear {
			marks = append(marks, x.at)
		}
	}
	marks = append(marks, to+clear)
	best, widest := from, time.Duration(0)
	for i, m := range marks[1:] {
		at := marks[i] + clear
		if at+clear <= m {
			return at
		}
		if gap := m - marks[i]; gap > widest {
			best, widest = (marks[i]+m)/2, gap
		}
	}
	return min(max(best, from), to)
}

// take closes the open window.
func (c *cutter) take(to time.Duration) window {
	n := 0
	for n < len(c.pending) && c.pending[n].at < to {
		n++
	}
	w := window{from: c.start, to: to, crossings: slices.Clone(c.pending[:n])}
	c.pending = slices.Delete(c.pending, 0, n)
	c.start = to
	return w
}

// finish gives what is left up to the end: all crossings are known.
func (c *cutter) finish(end time.Duration) []window {
	var all []window
	for c.start < end {
		w, ok := c.cut(end)
		if !ok {
			w = c.take(end)
		}
		all = append(all, w)
	}
	return all
}

// keyOf is what a crossing counts as.
func keyOf(c sidecar.Crossing) Key { return Key{c.Direction, GroupOf(c.Class)} }
