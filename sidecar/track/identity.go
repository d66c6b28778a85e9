package track

import (
	"cmp"
	"math"
	"slices"
	"time"

	"pantau/sidecar"
)

// confirm gives an identity to each tentative object with enough observations:
// its lost predecessor's, if it is the return of one, or a new one. What sits on
// a confirmed object is that object once more, and is dropped.
func (t *Tracker) confirm() {
	kept := t.objects[:0]
	for _, o := range t.objects {
		if o.confirmed() || !t.proven(o) {
			kept = append(kept, o)
			continue
		}
		if t.sits(o.box, o.class.winner) {
			t.free = append(t.free, o)
			continue
		}
		if old := t.predecessor(o); old != nil {
			old.resume(o)
			t.free = append(t.free, o)
			continue
		}
		t.identify(o)
		kept = append(kept, o)
	}
	t.objects = kept
}

// proven says whether there is enough evidence that an object is one: enough
// observations over enough time, not all of them doubtful, and not in or around
// another one. What fills much of the picture is seen surely, or is none.
func (t *Tracker) proven(o *object) bool {
	if !o.found {
		return false
	}
	if o.apart++; t.nested(o) {
		o.apart = 0
	}
	least := leastProof
	if o.afoot() {
		least = leastAfoot
	}
	return o.apart >= t.o.Hits && o.proof >= least && t.now-o.since >= leastLife &&
		(o.box.Area() < giant || o.proof >= t.o.High*float64(o.hits))
}

// known says whether a detection is one more box around an object that has one.
func (t *Tracker) known(d *sidecar.Detection) bool { return t.sits(d.Box, d.Class) }

// sits says whether a box lies on a confirmed object that is in view.
func (t *Tracker) sits(b sidecar.Box, c sidecar.Class) bool {
	for _, o := range t.objects {
		if o.confirmed() && o.found && o.box.Left < b.Right && b.Left < o.box.Right &&
			affinity(o.class.winner, c) > 0 && o.box.IoU(b) >= duplicate {
			return true
		}
	}
	return false
}

// nested says whether an object is part of another one that is better proven and was
// in view a moment ago, so far as boxes tell. If it is somebody else, they part sooner
// or later, and until then it has no identity.
func (t *Tracker) nested(o *object) bool {
	for _, e := range t.objects {
		if t.now-e.seenAt > nestedFor {
			continue
		}
		if (e.confirmed() || e.proof > o.proof) && t.partOf(o, e) || family(e.class.winner) == fourWheels && behind(o.box, e.box) {
			return true
		}
	}
	return false
}

// partOf says whether an object lies within another of its family, or around it: a box
// of a part of it, or one too large. Of people who walk one behind the other both are
// seen, and nested: who is seen surely is somebody.
func (t *Tracker) partOf(o, e *object) bool {
	return affinity(e.class.winner, o.class.winner) > 0 && nests(e.box, o.box) &&
		(o.class.winner != sidecar.Person || o.score < t.o.High)
}

// behind says whether what has box b would be hidden by the vehicle that has box v: it
// lies in its box, and stands further back. So it is a mirror, a load, a picture on it.
func behind(b, v sidecar.Box) bool {
	return v.Bottom-b.Bottom > behindBy*v.Height() && b.Intersect(v).Area() >= behindPart*b.Area()
}

// nests says whether the smaller of two boxes lies in the larger.
func nests(a, b sidecar.Box) bool {
	less, more := min(a.Area(), b.Area()), max(a.Area(), b.Area())
	return less >= nestedLeast*more && a.Intersect(b).Area() >= nestedPart*less
}

// predecessor finds the lost object whose return o is: hidden before o was born,
// and on o's way, both when o is followed back and when the lost one is followed
// on. Nil if there is none.
func (t *Tracker) predecessor(o *object) *object {
	var best *object
	most := rejoinSimilar
	for _, old := range t.objects {
		if !old.confirmed() || old.found || old.seenAt >= o.since || affinity(old.class.winner, o.class.winner) == 0 {
			continue
		}
		x, y := rejoinBuffer*old.w.x, rejoinBuffer*old.h.x
		on, back := old.seen, o.filter
		on.coast((o.since - old.seenAt).Seconds())
		back.coast((old.seenAt - t.now).Seconds())
		s := (similarity(on.box(), o.first, x, y) + similarity(back.box(), old.last, x, y)) / 2
		if s > most {
			best, most = old, s
		}
	}
	return best
}

// coast moves the centre along its velocity.
func (f *filter) coast(dt float64) {
	f.cx.x += f.cx.v * dt
	f.cy.x += f.cy.v * dt
}

// resume goes on as a newcomer that turned out to be the same object.
func (o *object) resume(n *object) {
	o.filter, o.seen, o.last, o.box = n.filter, n.seen, n.last, n.box
	o.seenAt, o.score, o.found = n.seenAt, n.score, n.found
	o.stopped, o.rest, o.restAt = n.stopped, n.rest, n.restAt
	o.hits += n.hits
	o.misses = 0
	o.class.join(&n.class)
}

// unite merges confirmed tracks that have covered each other for a while, with
// detections for both: two boxes for one object. (Of two objects that hide each
// other only one is detected.) The younger goes on as the older.
func (t *Tracker) unite() {
	t.rows = t.rows[:0]
	for _, o := range t.objects {
		if o.confirmed() {
			t.rows = append(t.rows, o)
		}
	}
	slices.SortFunc(t.rows, func(a, b *object) int { return cmp.Or(cmp.Compare(a.cx.x, b.cx.x), cmp.Compare(a.id, b.id)) })
	for i, o := range t.rows {
		older := t.covering(i)
		if older == nil {
			o.twin = twin{}
			continue
		}
		if !o.merged && !older.merged && o.twin.of(older, o, t.now, t.o.High) && o.same(t.now) {
			t.result.Merged = append(t.result.Merged, sidecar.Merge{From: o.id, Into: older.id})
			older.absorb(o)
			o.merged = true
		}
	}
}

// covering finds the older object that covers one of rows most. Two boxes whose
// centres are further apart than their IoU allows are not looked at.
func (t *Tracker) covering(i int) *object {
	var best *object
	o, most := t.rows[i], twinOverlap
	reach := (1 - nestedPart/2) * max(o.w.x, t.widest)
	for _, step := range [2]int{-1, 1} {
		for j := i + step; j >= 0 && j < len(t.rows) && math.Abs(t.rows[j].cx.x-o.cx.x) <= reach; j += step {
			e := t.rows[j]
			if e.id > o.id || affinity(e.class.winner, o.class.winner) == 0 {
				continue
			}
			if iou := e.box.IoU(o.box); iou >= most || best == nil && nests(e.box, o.box) {
				best, most = e, max(iou, twinOverlap)
			}
		}
	}
	return best
}

// of counts a frame in which two tracks covered each other, and says whether
// they are one.
func (w *twin) of(older, younger *object, now time.Duration, high float64) bool {
	if w.id != older.id {
		*w = twin{id: older.id, since: now}
	}
	if younger.found {
		w.mine++
	}
	if older.found {
		w.hers++
	}
	together := younger.found && older.found
	if together && min(younger.score, older.score) >= high {
		w.sure++
	}
	switch {
	case younger.box.IoU(older.box) < twinOverlap:
		w.nestedAt, w.both = now, 0
	case together:
		w.both++
	}
	return now-w.since >= twinTime && min(w.mine, w.hers) >= twinHits
}

// same says whether what has covered another for a while is it: they covered each other
// without a break, both seen; or one lay within the other for most of the younger one's life
// and, of people, not both were seen surely, as two are who walk one behind the other.
func (o *object) same(now time.Duration) bool {
	w := &o.twin
	if now-max(w.since, w.nestedAt) >= twinTime && w.both >= twinHits {
		return true
	}
	two := o.class.winner == sidecar.Person && float64(w.sure) >= twinSure*float64(w.mine)
	return !two && float64(w.mine) >= nestedMost*float64(o.hits)
}

// absorb takes over what is known of a twin.
func (o *object) absorb(n *object) {
	if !o.found && n.found {
		o.resume(n)
		return
	}
	o.hits += n.hits
	o.class.join(&n.class)
}
