package main

import (
	"context"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/pipeline"
)

// How long a change of functions may take until it is in force: it is within two seconds,
// and longer where the file is large.
const (
	inForce = 8 * time.Second
	lookFor = 50 * time.Millisecond
)

// change gives a camera other functions in the configuration file, and returns when they
// are in force, or it takes too long: see console.Options.Change.
func (s *service) change(ctx context.Context, camera string, change func([]sidecar.Function) ([]sidecar.Function, error)) error {
	var want []sidecar.Function
	err := s.catalogue.Change(camera, func(now []sidecar.Function) (_ []sidecar.Function, err error) {
		want, err = change(now)
		return want, err
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, inForce)
	defer cancel()
	tick := time.NewTicker(lookFor)
	defer tick.Stop()
	for {
		now, ok := s.fleet.Camera(camera)
		if ok && (len(now.Functions)+len(want) == 0 || pipeline.RulesVersion(now.Functions) == pipeline.RulesVersion(want)) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.log.Warn("functions were changed in the file, and are not in force yet", "camera", camera, "file", s.file)
			return sidecar.ErrNotYet
		}
	}
}
