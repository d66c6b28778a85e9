package republish

import (
	"cmp"
	"slices"
	"time"

	"pantau/onvif/metadata"
	"pantau/sidecar"
)

// document is a frame to be written, and the picture it is of.
type document struct {
	frame metadata.Frame
	at    sidecar.Stamp
}

// order lets documents out in the order of their time, as readers want them, where
// pictures come in another: B pictures follow one that is shown after them. Where they
// do not, nothing waits.
type order struct {
	newest  time.Duration // media time of the newest picture
	last    time.Duration // of the last document
	mixed   bool          // pictures have come that are shown before others
	waiting []document    // by time
}

// mostWaiting is how many documents wait; standards let 16 pictures wait for others.
const mostWaiting = 32

// newOrder begins before the first picture of an epoch.
func newOrder() order { return order{newest: -heartbeat, last: -heartbeat} }

// picture takes the next picture, and lets out what it says is due.
func (o *order) picture(at time.Duration) []document {
	switch {
	case at < o.newest-heartbeat: // the RTP clock was set back
		*o = order{newest: at, last: at - heartbeat}
	case at < o.newest:
		o.mixed = true
	default:
		o.newest = at
	}
	n := 0
	for n < len(o.waiting) && o.waiting[n].at.Media() < at {
		n++
	}
	return o.release(n)
}

// add takes a document, and lets out what is due: nothing of it where a later one has
// been let out already.
func (o *order) add(d document) []document {
	at := d.at.Media()
	if at <= o.last {
		return nil
	}
	i, _ := slices.BinarySearchFunc(o.waiting, at, func(w document, at time.Duration) int { return cmp.Compare(w.at.Media(), at) })
	o.waiting = slices.Insert(o.waiting, i, d)
	if !o.mixed {
		return o.release(len(o.waiting))
	}
	return o.release(max(0, len(o.waiting)-mostWaiting))
}

// release lets the first n out.
func (o *order) release(n int) []document {
	if n == 0 {
		return nil
	}
	out := slices.Clone(o.waiting[:n])
	o.waiting = slices.Delete(o.waiting, 0, n)
	o.last = out[n-1].at.Media()
	return out
}
