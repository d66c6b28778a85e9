// Package view notices when a camera's picture no longer shows the scene that its
// rules were drawn on. It is pure: no clock, no input and output, no goroutine.
//
// Once a second it makes a small picture of 320 pixels' width, and of that a field
// of the directions of edges. Directions, and not brightness, since they stay what
// they are when lights go on, when the sun moves and at night. The reference is the
// mean field of the scene: what passes is not in it, and what changes slowly is
// learned. Each block of 16·16 pixels that has edges in the reference has one vote:
// it shows the same, it shows the same at another place, or it shows neither.
//
// The camera has moved when many blocks fit one motion of the picture (shift, roll,
// zoom) and few still fit their own place. What moves or stands before the camera,
// however large, is not in the reference and has no vote.
package view

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"pantau/sidecar"
)

const (
	// period is the time between two looks.
	period = time.Second
	// taking is how many looks a new reference is made of, and ripe how many it
	// takes until it is trusted to say that nothing is left of the scene.
	taking = 8
	ripe   = 60
	// steadying is over how many looks the reference forgets what was: ten minutes.
	steadying = 600
	// moving is how far the picture must have moved, pixels of the field, 160 wide:
	// about a degree and a half of a lens of 90°. Cameras on poles sway by less.
	moving = 2.75
	// recognised is the part of the blocks by which a scene is known again.
	recognised = 0.33
	// strange is the part that may be alike by chance.
	strange = 0.25
	// black is the luma that not one of a hundred pixels of a dark picture exceeds,
	// and dusky the median of a picture at night.
	black = 40
	dusky = 45
	// crisp is the least detail of a block that can be lost.
	crisp = 0.3
	// soft is what is left of the finest detail when a lens is out of focus.
	soft = 0.45
	// unchanged is the part of the pixels that may change in a frozen picture, since
	// the camera may write the time into it.
	unchanged = 0.01
)

// lasting is how long a state must be seen until it is believed, besides in three
// looks. A bus may stop before the camera, and fill the picture, for a minute.
var lasting = map[sidecar.ViewState]time.Duration{
	sidecar.ViewOK:      2 * time.Second,
	sidecar.ViewMoved:   2 * time.Second,
	sidecar.ViewDark:    3 * time.Second,
	sidecar.ViewBlurred: 8 * time.Second,
	sidecar.ViewCovered: 20 * time.Second,
	sidecar.ViewFrozen:  30 * time.Second,
	elsewhere:           time.Minute,
}

// elsewhere is ViewMoved, so far that nothing of the reference is in the picture.
const elsewhere sidecar.ViewState = "elsewhere"

// Options say what a watcher begins with.
type Options struct {
	Mask      []sidecar.Polygon // areas that are blanked
	Reference []byte            // of an earlier watcher of the same camera and rules; empty: it is taken anew
}

// Watcher watches the view of one camera. It belongs to one goroutine.
type Watcher struct {
	mask    []sidecar.Polygon
	now     picture
	before  picture    // the look before; w is 0 before the second one
	ref     *reference // nil before the first look
	epoch   string
	last    time.Duration // media time of the newest look
	steady  time.Duration // time over all looks
	moved   time.Duration // steady time when the picture changed last
	suspect sidecar.ViewState
	since   time.Duration // steady time since which it is suspected
	seen    int           // looks in a row
	motion  motion        // of the suspect
	weather weather
	view    sidecar.View
}

// New makes a watcher. A reference that cannot be read is taken anew.
func New(o Options) *Watcher {
	return &Watcher{mask: o.Mask, ref: decodeReference(o.Reference), view: sidecar.View{State: sidecar.ViewOK}}
}

// Renew takes the reference anew, from what the camera shows now.
func (w *Watcher) Renew() {
	w.ref = nil
	w.suspect, w.seen = "", 0
	w.view = sidecar.View{State: sidecar.ViewOK, Flags: w.view.Flags}
}

// Reference is what another watcher can go on with, nil as long as there is none.
// It has directions of edges and no picture.
func (w *Watcher) Reference() []byte {
	if w.ref == nil || w.ref.looks < taking {
		return nil
	}
	return w.ref.encode()
}

// Look gives the view at a frame. It looks once a second; in between it gives what
// it gave before.
func (w *Watcher) Look(f *sidecar.Frame) sidecar.View {
	step := f.Media() - w.last
	if f.Epoch != w.epoch || step < 0 {
		step = period
	}
	if step < period || f.Picture == nil {
		return w.view
	}
	if f.Epoch == w.epoch && step < 2*period {
		w.last += period
	} else {
		w.last = f.Media()
	}
	w.epoch = f.Epoch
	w.steady += step
	if w.now.read(f.Picture) != nil {
		return w.view
	}
	w.now.field.blank(w.mask)
	w.look()
	w.now, w.before = w.before, w.now
	return w.view
}

// look is Look with a new picture.
func (w *Watcher) look() {
	p := &w.now
	if w.ref == nil || w.ref.w != p.field.w || w.ref.h != p.field.h {
		w.ref = newReference(&p.field)
	}
	if w.before.w != p.w || w.before.h != p.h || differ(p.luma, w.before.luma) > unchanged {
		w.moved = w.steady
	}
	if w.ref.looks < taking {
		w.take()
		return
	}
	c := w.ref.compare(&p.field)
	state := w.judge(c)
	if state == sidecar.ViewMoved && w.suspect == state && !alikeMotions(w.motion, c.motion) {
		w.suspect = "" // it is still turning
	}
	w.suspectOf(state)
	w.motion = c.motion
	if w.view.State == sidecar.ViewOK && (state == sidecar.ViewOK || state == "") {
		w.ref.learn(p, 1/float32(min(w.ref.looks+1, steadying)))
	}
	w.weather.look(w, c)
	w.view.Flags = w.weather.flags
	w.believe(c)
}

// take goes on with a new reference. It is of no use as long as the picture is
// black, and begins again when the picture has changed meanwhile.
func (w *Watcher) take() {
	r, p := w.ref, &w.now
	if p.bright < black {
		w.suspectOf(sidecar.ViewDark)
		w.believe(comparison{})
		return
	}
	w.suspectOf("")
	if w.view.State == sidecar.ViewDark {
		w.view.State, w.view.Cause = sidecar.ViewOK, ""
	}
	if r.looks > 0 && r.votes >= fewest && r.compare(&p.field).kept() < recognised {
		w.ref = newReference(&p.field)
		r = w.ref
	}
	r.learn(p, 1/float32(r.looks+1))
}

// judge says what one look shows; empty: nothing is clear.
func (w *Watcher) judge(c comparison) sidecar.ViewState {
	p, kept := &w.now, c.kept()
	visible := w.ref.visible(&p.field)
	few := c.votes < fewest // then light and detail are all that can be judged
	switch {
	case p.bright < black/2 || p.bright < black && (few || kept < recognised):
		return sidecar.ViewDark
	case w.steady-w.moved >= lasting[sidecar.ViewFrozen]:
		return sidecar.ViewFrozen
	case c.turned():
		return sidecar.ViewMoved
	case w.detail(c) < soft:
		return sidecar.ViewBlurred
	case few || kept >= recognised:
		return sidecar.ViewOK
	case kept < strange && visible < c.votes/4:
		return sidecar.ViewCovered
	case kept < strange && visible >= c.votes/2 && w.stands():
		return elsewhere
	}
	return ""
}

// detail is what is left of the finest detail where the scene is known again, half
// of the blocks having less; 1 where there never was any. What stands before the
// camera has a detail of its own, and is left out.
func (w *Watcher) detail(c comparison) float64 {
	var left []float64
	for i, s := range w.now.fine {
		if s > 0 && w.ref.sharp[i] >= crisp && c.own[i] >= alike {
			left = append(left, float64(s/w.ref.sharp[i]))
		}
	}
	if len(left) < fewest/2 {
		return 1
	}
	slices.Sort(left)
	return left[len(left)/2]
}

// stands says whether the picture shows the same as a look before: it is no bus
// that drives by.
func (w *Watcher) stands() bool {
	if w.before.w != w.now.w || w.before.h != w.now.h {
		return false
	}
	r := newReference(&w.before.field)
	r.learn(&w.before, 1)
	return r.compare(&w.now.field).kept() >= 0.3
}

// suspectOf notes what a look has shown.
func (w *Watcher) suspectOf(state sidecar.ViewState) {
	if state != w.suspect {
		w.suspect, w.since, w.seen = state, w.steady, 0
	}
	w.seen++
}

// believe changes the state once what is suspected has lasted.
func (w *Watcher) believe(c comparison) {
	state := w.suspect
	if state == "" {
		// What was black, frozen or out of focus, and is not now, may be counted in;
		// what was moved or covered must be known again.
		if w.view.State == sidecar.ViewMoved || w.view.State == sidecar.ViewCovered {
			return
		}
		state = sidecar.ViewOK
	}
	thawed := w.view.State == sidecar.ViewFrozen && state == sidecar.ViewOK
	if state != sidecar.ViewFrozen && !thawed && (w.seen < 3 || w.steady-w.since < lasting[state]) {
		return
	}
	if (state == elsewhere || state == sidecar.ViewCovered) && w.ref.looks < ripe && w.view.State == sidecar.ViewOK {
		w.Renew() // the reference was of something that stood before the camera
		return
	}
	cause := ""
	switch state {
	case sidecar.ViewMoved:
		cause = c.motion.describe(float64(w.ref.w))
	case elsewhere:
		state, cause = sidecar.ViewMoved, "the picture shows another scene"
	case sidecar.ViewDark:
		cause = "the picture is black"
	case sidecar.ViewBlurred:
		cause = "the fine detail of the picture is gone"
	case sidecar.ViewCovered:
		cause = "nothing is left of the scene"
	case sidecar.ViewFrozen:
		cause = fmt.Sprintf("the picture has not changed for %d s", int((w.steady - w.moved).Seconds()))
	}
	if state != w.view.State {
		w.view.State, w.view.Cause = state, cause
	}
}

// alikeMotions says whether the picture stands between two looks.
func alikeMotions(a, b motion) bool { return math.Hypot(a.dx-b.dx, a.dy-b.dy) <= 2*slack }

// describe says a motion for people. width is the field's.
func (m motion) describe(width float64) string {
	var parts []string
	say := func(v float64, unit, less, more string) {
		switch {
		case v < 0:
			parts = append(parts, fmt.Sprintf("%.1f%s %s", -v, unit, less))
		case v > 0:
			parts = append(parts, fmt.Sprintf("%.1f%s %s", v, unit, more))
		}
	}
	tenth := func(v float64) float64 { return math.Round(10*v) / 10 }
	say(tenth(100*m.dx/width), " % of its width", "to the left", "to the right")
	say(tenth(100*m.dy/width), " % of its width", "up", "down")
	say(tenth(m.roll*180/math.Pi), "°", "anticlockwise", "clockwise")
	if z := tenth(100 * m.zoom); z != 0 {
		parts = append(parts, fmt.Sprintf("%+.1f %% in size", z))
	}
	return "the picture has moved: " + strings.Join(parts, ", ")
}

// differ is the part of the pixels that are not the same.
func differ(a, b []byte) float64 {
	n := 0
	for i, v := range a {
		if v != b[i] {
			n++
		}
	}
	return float64(n) / float64(max(1, len(a)))
}
