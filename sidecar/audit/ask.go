package audit

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/pipeline"
)

// What an order asks for where it does not say.
const (
	UsualCrossings = 20
	UsualQuiet     = 12
	UsualKeep      = 7 * 24 * time.Hour
	longest        = 7 * 24 * time.Hour // of a recording
	mostSeen       = 500
)

// Check refuses an order that nobody could carry out. The error is a
// *sidecar.FieldError: crossings, quiet, keep or for.
func (o Order) Check() error {
	switch {
	case o.Crossings < 1 || o.Crossings > mostSeen:
		return &sidecar.FieldError{Field: "crossings", Problem: fmt.Sprintf("%d crossings", o.Crossings), Remedy: fmt.Sprintf("use 1 to %d", mostSeen)}
	case o.Quiet < 1 || o.Quiet > mostSeen:
		return &sidecar.FieldError{Field: "quiet", Problem: fmt.Sprintf("%d windows", o.Quiet),
			Remedy: fmt.Sprintf("use 1 to %d: what is missed while nothing is counted can be seen nowhere else", mostSeen)}
	case o.Keep < time.Hour:
		return &sidecar.FieldError{Field: "keep", Problem: fmt.Sprintf("%v is too short for a tally", o.Keep), Remedy: "use 1h or more"}
	case o.For < 0 || o.For > longest:
		return &sidecar.FieldError{Field: "for", Problem: fmt.Sprintf("%v", o.For), Remedy: "use up to 168h"}
	}
	return nil
}

// ErrBegun says that a camera has a recording already, which runs or waits for its tally.
var ErrBegun = errors.New("a recording has begun, or waits for its tally")

// Begin places an order, in the place of a recording that failed. Where another one
// has begun, or waits for its tally, it is ErrBegun; where there is no room for one more,
// a *sidecar.Fault.
func (f Folder) Begin(o Order) error {
	p, begun, err := f.Progress(o.Camera)
	if err != nil {
		return err
	}
	if begun && p.State == Failed {
		if err := f.Discard(o.Camera); err != nil {
			return err
		}
		begun = false
	}
	_, ordered, err := f.Order(o.Camera)
	switch {
	case err != nil:
		return err
	case ordered && begun:
		return ErrBegun
	}
	if err := f.room(o.Camera); err != nil {
		return err
	}
	return f.Place(o)
}

// Recorded gives a camera's finished recording; that there is none is a *sidecar.Fault.
func (f Folder) Recorded(camera string) (*Record, error) {
	record, ok, err := f.Record(camera)
	if err == nil && !ok {
		err = &sidecar.Fault{Err: fmt.Errorf("there is no recording of %s", camera), Hint: "make one with: pantau audit " + camera}
	}
	return record, err
}

// Tally joins what a person tallied with the recording, keeps the result, and deletes
// the pictures unless they are to be retained.
func (f Folder) Tally(camera string, a Answer, retain bool) (Result, error) {
	record, err := f.Recorded(camera)
	if err != nil {
		return Result{}, err
	}
	result, err := Judge(record, a)
	if err != nil {
		return Result{}, err
	}
	if err := f.Keep(camera, result); err != nil {
		return Result{}, err
	}
	if retain {
		return result, nil
	}
	return result, f.Discard(camera)
}

// Film opens the film of a strip of a finished recording, or the picture of a moment, for
// a person to see it, and says of which media type it is. What is none of its strips is
// os.ErrNotExist.
func (f Folder) Film(camera, id string) (file *os.File, media string, err error) {
	record, ok, err := f.Record(camera)
	if err != nil {
		return nil, "", err
	}
	all := record.Shown()
	i := slices.IndexFunc(all, func(s Shown) bool { return s.ID == id })
	if !ok || i < 0 {
		return nil, "", os.ErrNotExist
	}
	media = "video/mp4"
	if all[i].Still {
		media = "image/jpeg"
	}
	file, err = os.Open(f.picture(camera, all[i]))
	return file, media, err
}

// picture is the file of a strip.
func (f Folder) picture(camera string, s Shown) string {
	if s.Still {
		return f.still(camera, s.ID)
	}
	return f.strip(camera, s.ID)
}

// Outdated says that a camera counts with other functions or another model now: then
// the result is published no more. An empty model may be any.
func (r Result) Outdated(functions []sidecar.Function, model string) bool {
	return r.Rules != pipeline.RulesVersion(functions) || model != "" && r.Model != model
}
