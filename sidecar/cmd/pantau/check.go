package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"pantau/sidecar"
	"pantau/sidecar/config"
)

// checkCmd is `pantau check`.
type checkCmd struct {
	Config string `arg:"" help:"Configuration file (YAML)."`
	Look   bool   `help:"Also say what of each camera's picture would be looked at for its functions."`
	Ask    bool   `help:"Also ask each ONVIF camera for its profiles, and say which one would be taken."`
	JSON   bool   `help:"Print the result as JSON."`
}

// Run carries out the command. All faults of the file are printed.
func (c *checkCmd) Run(ctx context.Context) error {
	settings, err := config.Load(c.Config, checks())
	var faults config.Errors
	if err != nil && !errors.As(err, &faults) {
		return err
	}
	if c.JSON {
		if faults == nil {
			faults = config.Errors{}
		}
		if err := json.NewEncoder(os.Stdout).Encode(map[string]any{"file": c.Config, "ok": len(faults) == 0, "errors": faults}); err != nil {
			return err
		}
	}
	switch {
	case faults != nil && c.JSON:
		return &sidecar.Fault{Err: fmt.Errorf("%s: %d errors", c.Config, len(faults))}
	case faults != nil:
		return faults
	case !c.JSON:
		functions := 0
		for _, camera := range settings.Cameras {
			functions += len(camera.Functions)
		}
		fmt.Printf("%s is right. Cameras: %d, functions: %d\n", c.Config, len(settings.Cameras), functions)
		if len(settings.Cameras) == 0 {
			fmt.Println("It watches nothing until cameras: names a camera; see docs/how-to/watch-your-own-camera.md.")
		}
		if c.Look {
			if err := checkLook(settings.Cameras); err != nil {
				return err
			}
		}
		if c.Ask {
			return checkAsk(ctx, settings.Cameras)
		}
	}
	return nil
}
