package audit

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"os"
)

// develop makes the films, the page and the record of a recording whose strips have
// been drawn. Films take long: when ctx ends it gives up with the cause, and goes on
// where it was when it is called again.
func (f Folder) develop(ctx context.Context, camera string) error {
	r, _, err := f.draft(camera)
	if err != nil {
		return err
	}
	for _, s := range r.Shown() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if s.Still {
			continue
		}
		if err := f.film(camera, s.ID); err != nil {
			return err
		}
	}
	return errors.Join(writePage(f, r), write(f.record(camera), r), remove(f.drawn(camera)))
}

// draft gives a recording whose films are still to be made; false if there is none.
func (f Folder) draft(camera string) (*Record, bool, error) {
	var r Record
	ok, err := read(f.drawn(camera), &r)
	return &r, ok, err
}

// film makes a video of a strip's pictures, and deletes them.
func (f Folder) film(camera, id string) error {
	file, err := os.Open(f.shots(camera, id))
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(f.strip(camera, id)); err == nil {
			return nil // made before the last stop
		}
	}
	if err != nil {
		return fmt.Errorf("reading pictures: %w", err)
	}
	defer file.Close()
	var shots []shot
	if err := gob.NewDecoder(file).Decode(&shots); err != nil {
		return fmt.Errorf("reading pictures: %w", err)
	}
	if err := writeStrip(f.strip(camera, id), shots); err != nil {
		return err
	}
	return os.Remove(f.shots(camera, id))
}
