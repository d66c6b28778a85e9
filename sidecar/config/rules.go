package config

import (
	"fmt"
	"os"
	"path/filepath"

	"pantau/sidecar"
)

// Rules are what is counted in a clip, in the words of a camera.
type Rules struct {
	Analyse   sidecar.Analyse    `yaml:"analyse"`
	Functions []sidecar.Function `yaml:"functions"`
}

// LoadRules reads the functions of one camera from a file of their own, as
// strictly as Load does. A whole configuration with exactly one camera serves too.
func LoadRules(path string, c Checks) (*Rules, error) {
	data, err := read(path)
	if err != nil {
		return nil, err
	}
	if c.Getenv == nil {
		c.Getenv = os.LookupEnv
	}
	d := newDocument(path, data)
	if d.has("cameras") {
		cfg, err := Parse(path, data, c)
		if err != nil {
			return nil, err
		}
		if len(cfg.Cameras) != 1 {
			return nil, &sidecar.Fault{Err: fmt.Errorf("%s has %d cameras", path, len(cfg.Cameras)), Hint: "keep one, or write its functions: into a file of their own"}
		}
		return &Rules{Analyse: cfg.Cameras[0].Analyse, Functions: cfg.Cameras[0].Functions}, nil
	}
	r := &Rules{}
	d.decode(r)
	k := checker{Checks: c, document: d, folder: filepath.Dir(path)}
	k.analyse("analyse", &r.Analyse)
	k.functions("", r.Functions)
	if len(d.errs) > 0 {
		return nil, d.sorted()
	}
	if len(r.Functions) == 0 {
		return nil, &sidecar.Fault{Err: fmt.Errorf("%s has no functions", path),
			Hint: "write functions: [{id: line, kind: line, line: [[0.2, 0.5], [0.8, 0.5]]}]"}
	}
	return r, nil
}
