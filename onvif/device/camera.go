package device

import (
	"context"

	"pantau/onvif/soap"
)

// Camera is one video source.
type Camera struct {
	ID      string   // letters, digits, dots, hyphens, underscores: the token of whatever belongs to it
	Name    string   // for people; empty: the ID
	Streams []Stream // the first is the main one
	Rules   []Rule
}

// Stream is a way to read a camera over RTSP: a profile.
type Stream struct {
	Name  string // main, overlay: tells it from the camera's others
	Path  string // of the RTSP server, without the slash in front
	Video Video
}

// Video is what a stream carries. A stream whose codec is not known is not offered.
type Video struct {
	Codec   string  `json:"codec"` // H264, H265 or JPEG
	Width   int     `json:"width"`
	Height  int     `json:"height"`
	Rate    float64 `json:"rate"`    // frames per second
	BitRate int     `json:"bitrate"` // kbit/s
	Profile string  `json:"profile"` // of H.264 or H.265: Main, High, …
	GOP     int     `json:"gop"`     // pictures from one key picture to the next
}

// Account is who may call.
type Account struct {
	Name      string // as the backend writes it; empty: as it was asked for
	Admin     bool   // may change rules
	Passwords []soap.Secret
}

// Backend is what stands behind the device. Its methods may be called from several
// goroutines.
type Backend interface {
	// Account gives an account by its name; one without passwords where there is none.
	Account(ctx context.Context, user string) (Account, error)
	// Snapshot gives the newest picture of a camera's stream as a JPEG. ErrNotSupported: there
	// are none at all; asked of no camera, it says that alone.
	Snapshot(ctx context.Context, camera, stream string) ([]byte, error)
	// ChangeRules changes rules of a camera, all of them or none. The server may know of
	// others than there are by now: a rule to be made that is there is refused as
	// RuleExists, one to be changed or deleted that is not as NoRule. A *Refusal says why
	// it cannot be, and what to do instead.
	// They are in force, and the server knows, when it returns, or will be soon.
	ChangeRules(ctx context.Context, camera, user string, c RuleChange) error
	// KeyPicture asks the camera for a key picture soon. It does not block.
	KeyPicture(camera string)
}

// RuleChange is what becomes of rules, by their names.
type RuleChange struct {
	Create []Rule
	Modify []Rule
	Delete []string
}

// Refusal is why a backend does not do what it is asked for. It is told to the client.
type Refusal struct {
	Reason  string // with the remedy
	Invalid bool   // what was sent is wrong in itself; otherwise it does not fit to what is there
	Code    string // of what is Invalid: RuleExists, NoRule, or empty
}

// The codes of refusals, those of the Analytics Service Specification.
const (
	RuleExists = "ter:RuleAlreadyExistent"
	NoRule     = "ter:RuleNotExistent"
)

// Error is the reason.
func (r *Refusal) Error() string { return r.Reason }
