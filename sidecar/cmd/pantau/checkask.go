package main

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"pantau/onvif"
	"pantau/sidecar"
	"pantau/sidecar/camera"
)

// checkAsk asks the ONVIF cameras of a configuration for their streams, and says which
// profile of each would be taken, and why. What does not answer makes it fail.
func checkAsk(ctx context.Context, cameras []sidecar.Camera) error {
	lines, failed := make([]string, len(cameras)), make([]bool, len(cameras))
	var asking errgroup.Group
	asking.SetLimit(surveyors)
	for i, c := range cameras {
		if c.Source.ONVIF == "" {
			continue
		}
		asking.Go(func() error {
			f, err := camera.Resolve(ctx, c.Source, needOf(c))
			lines[i] = fmt.Sprintf("%-12s  %s: %s", c.ID, f.Why, onvif.Redact(f.Source.RTSP))
			if failed[i] = err != nil; failed[i] {
				lines[i] = fmt.Sprintf("%-12s  %v", c.ID, err)
			}
			return nil
		})
	}
	_ = asking.Wait() // none gives an error
	missing := 0
	for i, line := range lines {
		if line != "" {
			fmt.Println(line)
		}
		if failed[i] {
			missing++
		}
	}
	if missing > 0 && ctx.Err() == nil {
		return errors.New(fmt.Sprint(missing, " cameras have not told their stream"))
	}
	return ctx.Err()
}
