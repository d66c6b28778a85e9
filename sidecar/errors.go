package sidecar

import "errors"

// Faults of a camera that a caller treats differently from a passing trouble:
// they stay until a person changes something.
var (
	// ErrUnauthorized says that the camera refused the user name or the password.
	ErrUnauthorized = errors.New("user name or password refused")
	// ErrNoVideo says that the address answers, and has no video track.
	ErrNoVideo = errors.New("no video track")
	// ErrCodec says that the video has a codec other than H.264, H.265 and MJPEG.
	ErrCodec = errors.New("codec not supported")
	// ErrNotYet says that a change is written, and not in force yet.
	ErrNotYet = errors.New("the change is written, and not in force yet")
)

// Fault is an error that a person must act upon, with what to do about it.
type Fault struct {
	Err  error
	Hint string // one sentence: the next step
}

// Error is the cause and the remedy in one line.
func (f *Fault) Error() string {
	if f.Hint == "" {
		return f.Err.Error()
	}
	return f.Err.Error() + ": " + f.Hint
}

// Unwrap gives the cause.
func (f *Fault) Unwrap() error { return f.Err }

// FieldError is a bad value in something that a user wrote. Field is a path
// inside the value that was checked, such as "line[1]" or "classes[0]"; whoever
// knows the file adds line and column.
type FieldError struct {
	Field   string
	Problem string // "point 1.2, 0.5 lies outside of the picture"
	Remedy  string // "use coordinates from 0 to 1"
}

// Error is field, problem and remedy in one line.
func (e *FieldError) Error() string {
	s := e.Problem
	if e.Field != "" {
		s = e.Field + ": " + s
	}
	if e.Remedy != "" {
		s += "; " + e.Remedy
	}
	return s
}
