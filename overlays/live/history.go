package live

import (
	"time"

	"pantau/sidecar"
)

// history is what is kept of a camera for those who come: the newest group of
// pictures. While somebody may come back it also holds the groups before, as
// far as they are younger than a page's absence, and the scenes; all in the
// order in which they were sent.
type history struct {
	most  int           // bytes
	age   time.Duration // of the groups before the newest
	items []item
	bytes int
	key   int // index of the newest key frame
}

// item is one picture or scene. It is written as a message when the first
// viewer wants it, and then for all of them.
type item struct {
	unit    *sidecar.AccessUnit // nil once it is written
	message message
	pts     int64 // of a picture
	at      time.Time
	bytes   int
}

// picture adds an access unit. Earlier groups are kept where somebody may come
// back. When there is too much, the oldest groups go; a single group that is too
// large is given up, and later viewers wait for the next key frame.
func (h *history) picture(u *sidecar.AccessUnit, written message, now time.Time, back bool) {
	if u.Key {
		h.forget(h.outdated(now, back))
		h.key = len(h.items)
	} else if len(h.items) == 0 {
		return
	}
	i := item{message: written, pts: u.PTS, at: now, bytes: u.Size()}
	if written.data == nil {
		kept := u
		if u.Packets != nil { // twice the memory, for nothing
			lean := *u
			lean.Packets = nil
			kept = &lean
		}
		i.unit = kept
	}
	h.add(i)
}

// scene adds a scene where there are pictures that it may belong to.
func (h *history) scene(written message, now time.Time) {
	if len(h.items) > 0 {
		h.add(item{message: written, at: now, bytes: len(written.data)})
	}
}

func (h *history) add(i item) {
	h.items = append(h.items, i)
	h.bytes += i.bytes
	for h.bytes > h.most {
		h.forget(h.next(1))
	}
}

// outdated is how many of the oldest items are not wanted once a new group
// begins: the groups whose last picture is older than a page's absence.
func (h *history) outdated(now time.Time, back bool) int {
	if !back {
		return len(h.items)
	}
	n := 0
	for m := h.next(1); m < len(h.items) && now.Sub(h.items[m].at) > h.age; m = h.next(m + 1) {
		n = m
	}
	return n
}

// next is the index of the first key frame from i on, or of the end.
func (h *history) next(i int) int {
	for i < len(h.items) && !h.items[i].key() {
		i++
	}
	return i
}

func (i item) key() bool {
	if i.unit != nil {
		return i.unit.Key
	}
	return i.message.kind == kindKey
}

// forget leaves out the oldest n items.
func (h *history) forget(n int) {
	for _, i := range h.items[:n] {
		h.bytes -= i.bytes
	}
	kept := copy(h.items, h.items[n:])
	clear(h.items[kept:])
	h.items, h.key = h.items[:kept], max(0, h.key-n)
}

func (h *history) clear() { h.forget(len(h.items)) }

// since gives what came after the picture of this PTS; false where that picture
// is not held.
func (h *history) since(pts int64) ([]message, bool) {
	for i := len(h.items) - 1; i >= 0; i-- {
		if it := h.items[i]; it.pts == pts && (it.unit != nil || it.message.kind.picture()) {
			return h.messages(i + 1), true
		}
	}
	return nil, false
}

// group gives the newest group of pictures; nothing where none is held.
func (h *history) group() []message { return h.messages(h.key) }

func (h *history) messages(from int) []message {
	all := make([]message, 0, len(h.items)-from)
	for n := from; n < len(h.items); n++ {
		i := &h.items[n]
		if i.unit != nil {
			i.message, i.unit = unitMessage(i.unit), nil
		}
		all = append(all, i.message)
	}
	return all
}
