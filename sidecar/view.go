package sidecar

// View is what a camera's picture shows of the scene that its rules were drawn on.
type View struct {
	State ViewState
	Flags []string // why the picture is poor, in order: low_detail, night, rain; shared and read-only
	Cause string   // what is seen; empty while the state is ViewOK
}

// ViewState says whether the rules hold for the picture. Empty is not watched.
type ViewState string

// The states of a view. In all but ViewOK the rules are suspended.
const (
	ViewOK      ViewState = "ok"
	ViewMoved   ViewState = "moved"   // the camera looks elsewhere than its rules were drawn on
	ViewDark    ViewState = "dark"    // the picture is black
	ViewBlurred ViewState = "blurred" // the lens is out of focus
	ViewCovered ViewState = "covered" // nothing is left of the scene
	ViewFrozen  ViewState = "frozen"  // the same picture comes again and again
)

// Suspends says whether nothing may be counted.
func (v View) Suspends() bool { return v.State != "" && v.State != ViewOK }

// Hint says what a person does about a view that suspends the rules.
func (v View) Hint() string {
	switch v.State {
	case ViewMoved:
		return "turn the camera back; or confirm its view on the page, or change its lines and zones to what it shows now: then the view is taken anew"
	case ViewDark:
		return "look whether the lens is covered, or the place has no light"
	case ViewBlurred:
		return "focus the lens, or clean it"
	case ViewCovered:
		return "look what stands or hangs before the lens"
	case ViewFrozen:
		return "restart the camera: its stream goes on, its picture does not"
	}
	return ""
}

// ViewWatch says what a camera's picture must show. Empty is ViewFixed.
type ViewWatch string

// What the picture must show.
const (
	ViewFixed ViewWatch = "fixed" // the scene that the rules were drawn on: they are suspended while it shows another
	ViewAny   ViewWatch = "any"   // whatever it shows: its view is not watched
)
