package main

import (
	"fmt"
	"os"
	"path/filepath"

	"pantau/sidecar"
)

// paths is where the program finds what belongs to it: beside its own file, as
// in bin/pantau, lib/pantau and share/pantau, so that a checkout and an
// installed package look alike and no environment variable is needed.
type paths struct{ prefix string }

func findPaths() (paths, error) {
	exe, err := os.Executable()
	if err != nil {
		return paths{}, fmt.Errorf("finding the program's own file: %w", err)
	}
	if exe, err = filepath.EvalSymlinks(exe); err != nil {
		return paths{}, fmt.Errorf("finding the program's own file: %w", err)
	}
	return paths{prefix: filepath.Dir(filepath.Dir(exe))}, nil
}

func (p paths) library() string {
	return filepath.Join(p.prefix, "lib", "pantau", "libonnxruntime.so.1")
}
func (p paths) models() string { return filepath.Join(p.prefix, "share", "pantau", "models") }
func (p paths) demo() string   { return filepath.Join(p.prefix, "share", "pantau", "demo.mp4") }

// clips is where the demo's own clip and OpenCV's are.
func (p paths) clips() string { return filepath.Join(p.prefix, "share", "pantau") }

// stateDir gives the folder for what the process must remember, and makes it.
// An empty dir means the default.
func stateDir(dir string) (string, error) {
	dir, err := statePath(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", &sidecar.Fault{Err: fmt.Errorf("making the state folder: %w", err), Hint: "name a folder that can be written with --state"}
	}
	return dir, nil
}

// statePath is stateDir for who only reads.
func statePath(dir string) (string, error) {
	if dir == "" {
		base := os.Getenv("XDG_STATE_HOME")
		if base == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				return "", &sidecar.Fault{Err: fmt.Errorf("finding the state folder: %w", err), Hint: "name one with --state"}
			}
			base = filepath.Join(home, ".local", "state")
		}
		dir = filepath.Join(base, "pantau")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("finding the state folder: %w", err)
	}
	return dir, nil
}
