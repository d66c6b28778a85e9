package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"pantau/overlays/encode"
	"pantau/sidecar/analyse"
	"pantau/sidecar/config"
)

// runCmd is `pantau run`.
type runCmd struct {
	Config string `arg:"" help:"Configuration file (YAML); see docs/configuration.md. Changes of it are applied while it runs."`
	State  string `help:"Folder for what must outlive a restart: accounts, outbox, Redis' file. Default: $$XDG_STATE_HOME/pantau." placeholder:"DIR"`
	JSON   bool   `help:"Log as JSON lines."`
	Debug  bool   `help:"Log what only a developer wants to know."`
}

// Help is the longer text of --help.
func (runCmd) Help() string {
	return `Runs until Ctrl-C or SIGTERM. The first start prints a one-time token that makes the
administrator (PANTAU_BOOTSTRAP_TOKEN gives one for unattended set-ups).

  pantau check pantau.yaml && pantau run pantau.yaml`
}

// Run carries out the command.
func (c *runCmd) Run(ctx context.Context) error {
	log := logger(c.JSON, c.Debug)
	s, err := newService(c.Config, c.State, log)
	if err != nil {
		return err
	}
	return s.serve(ctx, func(context.Context) error {
		log.Info("running", "console", "https://"+s.console.Addr().String(), "metrics", "http://"+s.ops.Addr().String()+"/metrics",
			"redis", s.redisAt.Addrs[0], "model", s.detectors.name())
		if s.generated {
			fmt.Fprintf(os.Stderr, "\nNo administrator yet. Open https://%s and give this token, once:\n\n  %s\n\n", s.console.Addr(), s.setup.Reveal())
		}
		return nil
	})
}

// logger writes to standard error.
func logger(asJSON, debug bool) *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	if debug {
		o.Level = slog.LevelDebug
	}
	if asJSON {
		return slog.New(slog.NewJSONHandler(os.Stderr, o))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, o))
}

// checks is what a configuration is held against.
func checks() config.Checks {
	return config.Checks{Function: analyse.Check, Functions: analyse.CheckAll, Model: known, Presets: encode.Presets()}
}

// newService reads the configuration and finds what belongs to the program.
func newService(file, state string, log *slog.Logger) (*service, error) {
	p, err := findPaths()
	if err != nil {
		return nil, err
	}
	settings, err := config.Load(file, checks())
	if err != nil {
		return nil, err
	}
	if state == "" {
		state = settings.State
	}
	if state, err = stateDir(state); err != nil {
		return nil, err
	}
	folder := settings.Models.Dir
	if folder == "" {
		folder = p.models()
	}
	s := &service{
		file: file, checks: checks(), settings: settings, state: state, log: log,
		detectors: &detectors{auto: auto{library: p.library(), folder: folder, state: state, log: log}, fallback: settings.Models.Default},
	}
	// The default model is opened before anything is started, so that a missing
	// one is an error of the command and not of every camera.
	if _, err := s.detectors.get(""); err != nil {
		return nil, err
	}
	return s, nil
}
