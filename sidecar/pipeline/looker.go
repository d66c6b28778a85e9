package pipeline

import (
	"pantau/sidecar"
	"pantau/sidecar/look"
)

const (
	// firstLook is after how many analysed frames the plan of what is looked at is
	// made anew, each later time after twice as many as before, up to lastLook.
	firstLook = 50
	lastLook  = 6000
	// assumeAfter is how many frames go by without enough objects at the functions
	// until they are taken to be of a usual size: a minute.
	assumeAfter = 600
)

// Sizer is a detector that says what it takes for a whole picture, pixels, and
// whether crops may have another size. One that does not say looks at all of it.
type Sizer interface {
	Input(width, height int) (w, h int, free bool)
}

// looker says what of a camera's picture is looked at. One goroutine at a time uses it.
type looker struct {
	camera        sidecar.Camera
	detector      Detector
	watch         *look.Watch
	plan          look.Plan
	width, height int // of the picture that the plan is for
	frames        int // looked at so far
	due           int // of frames, when the plan is made anew
}

func newLooker(c sidecar.Camera, d Detector) *looker {
	return &looker{camera: c, detector: d, watch: look.NewWatch(c.Functions), due: firstLook}
}

// review says whether the plan is to be made anew before the frame is looked at:
// with all that was seen before it.
func (l *looker) review(f *sidecar.Frame) bool {
	width, height := f.Picture.Size()
	return width != l.width || height != l.height || l.frames >= l.due
}

// take says what of the next frame is looked at, and whether that is another plan
// than before.
func (l *looker) take(f *sidecar.Frame) (changed bool) {
	if l.review(f) {
		changed = l.replan(f.Picture.Size())
	}
	l.frames++
	f.Crops = l.plan.Crops
	return changed
}

// replan makes the plan anew. Another one is taken only where it is worth it, so
// that tracks are not disturbed without need.
func (l *looker) replan(width, height int) (changed bool) {
	next := look.New(l.camera, l.options(width, height))
	changed = width != l.width || height != l.height || l.plan.Better(next)
	if changed || len(l.plan.Crops) == 0 { // the whole picture may have another reason
		l.plan = next
	}
	l.width, l.height = width, height
	for l.due <= l.frames {
		l.due += min(max(firstLook, l.due), lastLook)
	}
	return changed
}

func (l *looker) options(width, height int) look.Options {
	o := look.Options{Width: width, Height: height, FPS: FPS(l.camera), Seen: l.watch.Seen(), Assume: l.frames >= assumeAfter}
	if s, ok := l.detector.(Sizer); ok {
		o.Input.Width, o.Input.Height, o.Input.Free = s.Input(width, height)
	}
	return o
}

// redefine goes on with other functions, and what was seen at those that stay.
func (l *looker) redefine(c sidecar.Camera) {
	l.camera, l.watch = c, l.watch.Redefine(c.Functions)
	l.width, l.height = 0, 0 // the plan is made anew with the next frame
}
