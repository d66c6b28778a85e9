package draw

import (
	"image"
	"time"

	"pantau/sidecar"
)

// kept is for how long an object stays hidden after it was last found: a detector blinks.
const kept = time.Second

// Veil remembers for a moment where persons and vehicles were. The zero value is ready.
// It belongs to one goroutine.
type Veil struct {
	last sidecar.Stamp
	seen []sidecar.Track // the newest of each object
	at   []time.Duration // media time of each
}

// See takes the next scene. Tracks that are not confirmed count too: each of them is an
// object of its own.
func (v *Veil) See(s *sidecar.Scene) {
	now := s.Media()
	if v.last.Epoch != s.Epoch {
		v.seen, v.at = v.seen[:0], v.at[:0]
	}
	v.last = s.Stamp
	again := make(map[sidecar.TrackID]bool, len(s.Tracks))
	for i := range s.Tracks {
		if s.Tracks[i].Confirmed {
			again[s.Tracks[i].ID] = true
		}
	}
	n := 0
	for i, t := range v.seen {
		if now-v.at[i] <= kept && now >= v.at[i] && (!t.Confirmed || !again[t.ID]) {
			v.seen[n], v.at[n] = t, v.at[i]
			n++
		}
	}
	v.seen, v.at = append(v.seen[:n], s.Tracks...), v.at[:n]
	for range s.Tracks {
		v.at = append(v.at, now)
	}
}

// Cover gives what is to be hidden in a picture of this media time, in addition to what
// was found in it.
func (v *Veil) Cover(now time.Duration) (hidden []sidecar.Track) {
	for i, t := range v.seen {
		if now-v.at[i] <= kept {
			hidden = append(hidden, t)
		}
	}
	return hidden
}

// BlurBeside makes unrecognisable what lies outside of the parts of the picture that
// were looked at: nobody knows who is there. Without parts the whole was looked at.
func BlurBeside(img *image.YCbCr, looked []sidecar.Box) {
	if len(looked) == 0 {
		return
	}
	c := newCanvas(img, sidecar.Colours{})
	left := []image.Rectangle{image.Rect(0, 0, c.w, c.h)}
	for _, part := range looked {
		var next []image.Rectangle
		for _, r := range left {
			next = append(next, without(r, c.pixels(part))...)
		}
		left = next
	}
	for _, r := range left {
		c.blocks(r, max(8, c.h/12))
	}
}

// without gives what of a rectangle lies outside of another one.
func without(r, cut image.Rectangle) (rest []image.Rectangle) {
	cut = cut.Intersect(r)
	if cut.Empty() {
		return []image.Rectangle{r}
	}
	for _, part := range []image.Rectangle{
		image.Rect(r.Min.X, r.Min.Y, r.Max.X, cut.Min.Y), image.Rect(r.Min.X, cut.Max.Y, r.Max.X, r.Max.Y),
		image.Rect(r.Min.X, cut.Min.Y, cut.Min.X, cut.Max.Y), image.Rect(cut.Max.X, cut.Min.Y, r.Max.X, cut.Max.Y),
	} {
		if part.Min.X < part.Max.X && part.Min.Y < part.Max.Y { // image.Rect would turn it round
			rest = append(rest, part)
		}
	}
	return rest
}
