// Package audit measures how right a camera's counts are. It keeps short strips
// of pictures around random crossings and of random time without any, and pictures of
// random moments, a person tallies them without knowing what was counted, and the
// difference is the error of the counts, its bias and an interval.
//
// # The sample
//
// The recorded time of each line is cut into windows of 10 to 20 s, between the
// crossings that were counted (cutter). Windows with and without counts are two
// strata. Of each a simple random sample is kept as it passes (draw), so that every
// window's probability is known: the size of the sample over the windows of the
// stratum. Time that was not analysed is in no window. What is missed and what is
// counted wrongly are both in the pictures with a known probability.
//
// Entries into a zone and exits are crossings of its border. Of who is there (presence,
// heads, parked vehicles) a moment, one a second, is what a window is: those in which
// Pantau says that somebody is there are one stratum.
//
// # The pictures
//
// They are those that were analysed: masked where the camera has masks. They lie in
// the state folder, readable by its owner only, until the tally is read, the recording
// fails, the camera's masks change, or the days are over that the order gives them.
package audit

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"pantau/sidecar"
)

// Order is what `pantau audit` asks of a running sidecar.
type Order struct {
	ID        string        `json:"id"`
	Camera    string        `json:"camera"`
	Seed      uint64        `json:"seed"` // of the chance that draws the windows
	Begun     time.Time     `json:"begun"`
	For       time.Duration `json:"for,omitempty"` // 0: until there are crossings enough
	Crossings int           `json:"crossings"`     // to be seen of each line, about
	Quiet     int           `json:"quiet"`         // windows without a count to be seen of each line
	Keep      time.Duration `json:"keep"`          // how long pictures are kept at most
}

// Strip is one window that a person is to see.
type Strip struct {
	ID      string        `json:"id"`
	Stratum int           `json:"stratum"`         // 0: nothing was counted
	At      time.Time     `json:"at"`              // capture time of its first picture
	Media   time.Duration `json:"media"`           // where the window begins, by the media time of its epoch
	Begin   time.Duration `json:"begin"`           // where the window begins in the strip
	End     time.Duration `json:"end"`             // and where it ends
	Still   bool          `json:"still,omitempty"` // it is one picture, of a moment
	Counted Tally         `json:"counted"`
}

// Line is one line's windows, or those of a zone; or the moments of who is there.
type Line struct {
	Rule    sidecar.Function `json:"rule"`
	Moments bool             `json:"moments,omitempty"`
	Windows [strata]int      `json:"windows"` // quiet, busy: all of the recorded time
	Counted Tally            `json:"counted"` // in all windows
	Strips  []*Strip         `json:"strips"`  // in the order in which they are shown
}

// Record is a finished recording.
type Record struct {
	Order
	Masks  []sidecar.Polygon `json:"masks,omitempty"` // with which its pictures were made
	Model  string            `json:"model"`
	Rules  string            `json:"rules"`
	From   time.Time         `json:"from"` // capture times
	To     time.Time         `json:"to"`
	Seen   time.Duration     `json:"seen"` // time in windows: what was analysed without a gap
	Width  int               `json:"width"`
	Height int               `json:"height"` // of the strips, pixels
	Lines  []*Line           `json:"lines"`
	Ends   time.Time         `json:"ends"` // when the pictures are deleted
}

// Progress is how far a recording has come.
type Progress struct {
	State string         `json:"state"` // recording, recorded, failed
	Cause string         `json:"cause,omitempty"`
	Until time.Time      `json:"until,omitzero"` // its end, as far as that is known
	Lines []LineProgress `json:"lines"`
}

// LineProgress is how many windows there have been.
type LineProgress struct {
	Rule      string `json:"rule"`
	Crossings int    `json:"crossings"`
	Busy      int    `json:"busy"`
	Quiet     int    `json:"quiet"`
	Moments   bool   `json:"moments,omitempty"` // busy and quiet are moments, and crossings are who was there
}

// The states of a recording.
const (
	Recording = "recording"
	Recorded  = "recorded"
	Failed    = "failed"
)

// Result is a tallied audit, without pictures: it is kept for good.
type Result struct {
	ID    string       `json:"id"`
	At    time.Time    `json:"at"` // when the recorded time ended
	From  time.Time    `json:"from"`
	Who   string       `json:"who,omitempty"`
	Model string       `json:"model"`
	Rules string       `json:"rules"`
	Lines []LineResult `json:"lines"`
}

// LineResult is how right one line's counts are.
type LineResult struct {
	Rule      string      `json:"rule"`
	Kind      string      `json:"kind,omitempty"`    // of the function; empty: a line
	Moments   bool        `json:"moments,omitempty"` // windows are moments, and numbers are of all of them together
	Windows   [strata]int `json:"windows"`           // quiet, busy
	Seen      [strata]int `json:"seen"`              // by a person
	Estimates []Estimate  `json:"estimates"`
}

// NewOrder makes an order with an id and a chance of its own.
func NewOrder(camera string) Order {
	var seed [8]byte
	_, _ = rand.Read(seed[:]) // it never fails
	o := Order{ID: rand.Text()[:8], Camera: camera, Begun: time.Now().UTC()}
	for _, b := range seed {
		o.Seed = o.Seed<<8 | uint64(b)
	}
	return o
}

// Folder is where the audits of all cameras are, in a state folder.
type Folder string

// In gives the folder of a state folder.
func In(state string) Folder { return Folder(filepath.Join(state, "audits")) }

// Evidence is the folder of a camera's pictures.
func (f Folder) Evidence(camera string) string { return filepath.Join(string(f), camera, "evidence") }

// Page is the page on which a person tallies.
func (f Folder) Page(camera string) string { return filepath.Join(f.Evidence(camera), "tally.html") }

func (f Folder) order(camera string) string { return filepath.Join(f.Evidence(camera), "order.json") }
func (f Folder) progress(camera string) string {
	return filepath.Join(f.Evidence(camera), "progress.json")
}
func (f Folder) record(camera string) string { return filepath.Join(f.Evidence(camera), "record.json") }

// drawn is the record of a recording whose films are still to be made.
func (f Folder) drawn(camera string) string { return filepath.Join(f.Evidence(camera), "drawn.json") }
func (f Folder) results(camera string) string {
	return filepath.Join(string(f), camera, "results.json")
}

func (f Folder) strips(camera string) string { return filepath.Join(f.Evidence(camera), "strips") }

// shots is a strip's pictures, until there is a film of them.
func (f Folder) shots(camera, id string) string { return filepath.Join(f.strips(camera), id+".shots") }

// strip is the film of a strip.
func (f Folder) strip(camera, id string) string { return filepath.Join(f.strips(camera), id+".mp4") }

// still is the picture of a moment.
func (f Folder) still(camera, id string) string { return filepath.Join(f.strips(camera), id+".jpg") }

// Place gives an order to the sidecar that runs with this state folder.
func (f Folder) Place(o Order) error {
	if err := os.MkdirAll(f.Evidence(o.Camera), 0o700); err != nil {
		return fmt.Errorf("placing the order: %w", err)
	}
	return write(f.order(o.Camera), o)
}

// Order gives a camera's order; false if there is none.
func (f Folder) Order(camera string) (o Order, ok bool, err error) {
	ok, err = read(f.order(camera), &o)
	return o, ok, err
}

// Progress gives how far a camera's recording has come; false if nobody has begun it.
func (f Folder) Progress(camera string) (p Progress, ok bool, err error) {
	ok, err = read(f.progress(camera), &p)
	return p, ok, err
}

// Record gives a camera's recording; false if there is none that is finished.
func (f Folder) Record(camera string) (*Record, bool, error) {
	var r Record
	ok, err := read(f.record(camera), &r)
	return &r, ok, err
}

// Results gives a camera's tallied audits, the newest last.
func (f Folder) Results(camera string) (all []Result, err error) {
	_, err = read(f.results(camera), &all)
	return all, err
}

// Keep adds a result, in the place of an earlier tally of the same recording.
func (f Folder) Keep(camera string, r Result) error {
	all, err := f.Results(camera)
	if err != nil {
		return err
	}
	kept := all[:0]
	for _, old := range all {
		if old.ID != r.ID {
			kept = append(kept, old)
		}
	}
	return write(f.results(camera), append(kept, r))
}

// Discard deletes a camera's pictures, and all that belongs to them.
func (f Folder) Discard(camera string) error { return os.RemoveAll(f.Evidence(camera)) }

// fail says why a recording is of no use, and deletes its pictures.
func (f Folder) fail(camera string, p Progress, cause error) error {
	p.State, p.Cause, p.Until = Failed, cause.Error(), time.Time{}
	return errors.Join(os.RemoveAll(f.strips(camera)), remove(f.Page(camera)), remove(f.drawn(camera)), remove(f.record(camera)), write(f.progress(camera), p))
}

// remove deletes a file that may be there.
func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// write replaces a file, readable by its owner only. It is whole or not there.
func write(path string, value any) error {
	data, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return replace(path, append(data, '\n'))
}

func replace(path string, data []byte) error {
	return stream(path, func(w *bufio.Writer) error {
		_, _ = w.Write(data) // stream tells
		return nil
	})
}

// stream replaces a file by what fill writes, which need not look for errors of writing.
func stream(path string, fill func(*bufio.Writer) error) error {
	part := path + ".part"
	file, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err == nil {
		w := bufio.NewWriter(file)
		if err := fill(w); err != nil {
			return errors.Join(err, file.Close(), os.Remove(part))
		}
		err = errors.Join(w.Flush(), file.Close())
	}
	if err != nil {
		_ = os.Remove(part) // where it could be made
		return &sidecar.Fault{Err: err, Hint: "make room in the state folder, and let Pantau write to it"}
	}
	return os.Rename(part, path)
}

// read reads what write wrote; false if it is not there.
func read(path string, value any) (bool, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(data, value); err != nil {
		return false, &sidecar.Fault{Err: fmt.Errorf("reading %s: %w", path, err), Hint: "remove the file, and audit the camera again"}
	}
	return true, nil
}

// CheckCamera refuses what is no id of a camera: it names a folder.
func CheckCamera(id string) error {
	wrong := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	}
	if id == "" || strings.ContainsFunc(id, wrong) || strings.Trim(id, ".") == "" {
		return &sidecar.FieldError{Field: "CAMERA", Problem: fmt.Sprintf("%q is no id of a camera", id), Remedy: "give one of the configuration"}
	}
	return nil
}
