package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/tap"
	"pantau/sidecar/view"
)

// keepView is the time between two savings of what a view is held against.
const keepView = 5 * time.Minute

// viewing watches the view of one camera.
type viewing struct {
	*view.Watcher
	told  string // state of the camera, as it was told last
	epoch string
	n     int    // events of the epoch
	dir   string // of the references; empty: they are not kept
	path  string // of this one
	kept  time.Time
}

// newViewing goes on with the reference of an earlier run, if the camera has the
// same rules and the same source. It gives nil for a camera that may move.
func newViewing(c sidecar.Camera, dir string) (*viewing, error) {
	if c.Analyse.View == sidecar.ViewAny {
		return nil, nil
	}
	v := &viewing{told: tap.Running, dir: dir, kept: time.Now()}
	if dir == "" {
		v.Watcher = view.New(view.Options{Mask: c.Analyse.Mask})
		return v, nil
	}
	v.path = v.file(c)
	reference, err := os.ReadFile(v.path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	v.Watcher = view.New(view.Options{Mask: c.Analyse.Mask, Reference: reference})
	if err != nil {
		err = fmt.Errorf("reading the reference of the view, which is taken anew: %w", err)
	}
	return v, err
}

// file is where the reference of a camera, its rules, its source and its masks is kept.
func (v *viewing) file(c sidecar.Camera) string {
	of := c.Source.RTSP + c.Source.ONVIF + c.Source.Profile + "\x00" + c.Source.File
	if len(c.Analyse.Mask) > 0 { // one from before would show the edges of what they hide
		of += fmt.Sprint("\x00", c.Analyse.Mask)
	}
	sum := sha256.Sum256([]byte(of))
	return filepath.Join(v.dir, c.ID, RulesVersion(c.Functions)+"-"+hex.EncodeToString(sum[:4]))
}

// redefine takes the reference anew where the rules are others.
func (v *viewing) redefine(c sidecar.Camera) {
	if v.dir == "" || v.file(c) != v.path {
		v.Renew()
	}
	if v.dir != "" {
		v.path = v.file(c)
	}
}

// keep writes the reference, from time to time or at once. Those of other rules go.
func (v *viewing) keep(now time.Time, atOnce bool) error {
	if v.dir == "" || !atOnce && now.Sub(v.kept) < keepView {
		return nil
	}
	reference := v.Reference()
	if reference == nil {
		return nil
	}
	v.kept = now
	if err := v.write(reference); err != nil {
		return fmt.Errorf("keeping the reference of the view: %w", err)
	}
	return nil
}

// confirm takes the reference anew from what the camera shows now. The old one is
// forgotten on the disk too, and the new one is kept as soon as it is made.
func (v *viewing) confirm() error {
	v.Renew()
	v.kept = time.Time{}
	if v.dir == "" {
		return nil
	}
	if err := os.Remove(v.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forgetting the reference of the view: %w", err)
	}
	return nil
}

func (v *viewing) write(reference []byte) error {
	folder := filepath.Dir(v.path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(v.path+".new", reference, 0o600); err != nil {
		return err
	}
	if err := os.Rename(v.path+".new", v.path); err != nil {
		return err
	}
	others, err := os.ReadDir(folder)
	for _, o := range others {
		if o.Name() != filepath.Base(v.path) {
			err = errors.Join(err, os.Remove(filepath.Join(folder, o.Name())))
		}
	}
	return err
}

// look fills a scene's view, and gives the event of its change. A new session of
// the camera runs until its view is told to be another.
func (v *viewing) look(f *sidecar.Frame, s *sidecar.Scene) []sidecar.Event {
	if f.Epoch != v.epoch {
		v.epoch, v.n, v.told = f.Epoch, 0, tap.Running
	}
	s.View = v.Look(f)
	state := tap.Running
	if s.View.Suspends() {
		state = string(s.View.State)
	}
	if state == v.told {
		return nil
	}
	v.n++
	change := sidecar.StateChange{Origin: sidecar.OriginOf(s, ""), From: v.told, To: state, Cause: s.View.Cause, Hint: s.View.Hint()}
	v.told = state
	return []sidecar.Event{{ID: sidecar.EventID(s.Camera, "state", s.Epoch, 0, v.n), Type: sidecar.CameraState,
		Camera: s.Camera, Subject: s.Camera, Time: s.Capture, Data: change}}
}
