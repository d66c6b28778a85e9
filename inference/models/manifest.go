package models

import (
	"bytes"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"

	"pantau/sidecar"
)

//go:embed manifest.yaml
var manifestYAML []byte

// Auto is the name that stands for the manifest's default model, or for the same
// one in 8-bit numbers where this machine runs it faster.
const Auto = "auto"

// Manifest is the list of models.
type Manifest struct {
	Default string  `yaml:"default"`
	Models  []Model `yaml:"models"`
}

// Builtin is the manifest of this build.
func Builtin() (*Manifest, error) { return Parse(manifestYAML) }

// Parse reads a manifest. It is strict: unknown keys and values that cannot be
// are errors.
func Parse(data []byte) (*Manifest, error) {
	var m Manifest
	if err := decode(data, &m); err != nil {
		return nil, fmt.Errorf("reading manifest of models: %w", err)
	}
	names := map[string]bool{}
	for i, model := range m.Models {
		if names[model.Name] {
			return nil, fmt.Errorf("reading manifest of models: %q stands there twice", model.Name)
		}
		names[model.Name] = true
		if err := model.check(); err != nil {
			return nil, fmt.Errorf("reading manifest of models: models[%d] %q: %w", i, model.Name, err)
		}
	}
	for _, model := range m.Models {
		if model.INT8 != "" && !names[model.INT8] {
			return nil, fmt.Errorf("reading manifest of models: int8 of %q is %q, which is not one of them", model.Name, model.INT8)
		}
	}
	if !names[m.Default] {
		return nil, fmt.Errorf("reading manifest of models: default %q is not one of them", m.Default)
	}
	return &m, nil
}

// decode reads strict YAML. The library panics on a few texts that are no YAML
// (an anchor before a lonely tag, for one): that is an error too.
func decode(data []byte, m *Manifest) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("not understood: %v", r)
		}
	}()
	return yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(m)
}

// Find gives the model of a name; "" and Auto are the default. A name that does
// not exist is a *sidecar.FieldError.
func (m *Manifest) Find(name string) (Model, error) {
	if name == "" || name == Auto {
		name = m.Default
	}
	var names []string
	for _, model := range m.Models {
		if model.Name == name {
			return model, nil
		}
		names = append(names, model.Name)
	}
	return Model{}, &sidecar.FieldError{Field: "model", Problem: fmt.Sprintf("there is no model %q", name),
		Remedy: "use auto or one of " + strings.Join(names, ", ")}
}

// namePattern is what a model's name may be: it becomes a file name.
var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,40}$`)

// maxSize bounds a model's file in bytes.
const maxSize = 512 << 20

func (m Model) check() error {
	switch {
	case !namePattern.MatchString(m.Name):
		return errors.New("name is not of lower-case letters, digits and hyphens")
	case m.Version < 1:
		return fmt.Errorf("version is %d, want 1 or more", m.Version)
	case families[m.Family] == nil:
		return fmt.Errorf("family is %q, want one of %s", m.Family, familyNames())
	case classSets[m.ClassSet] == nil:
		return fmt.Errorf("classes are %q, want coco or street", m.ClassSet)
	case m.Riders != "" && m.Riders != ridersInside:
		return fmt.Errorf("riders are %q, want %s or nothing", m.Riders, ridersInside)
	case !(m.MinScore > 0 && m.MinScore < 1):
		return fmt.Errorf("score is %v, want between 0 and 1", m.MinScore)
	case m.Licence == "":
		return errors.New("licence is missing")
	case len(m.Sources) == 0:
		return errors.New("sources are missing")
	}
	if err := m.Input.check(); err != nil {
		return fmt.Errorf("input: %w", err)
	}
	if err := checkFile(m.Size, m.SHA256); err != nil {
		return err
	}
	for i, s := range m.Sources {
		if err := s.check(); err != nil {
			return fmt.Errorf("sources[%d]: %w", i, err)
		}
	}
	return nil
}

func (in Input) check() error {
	switch {
	case in.Size < 32 || in.Size > 4096 || in.Size%32 != 0:
		return fmt.Errorf("size is %d, want a multiple of 32", in.Size)
	case in.Shape != "square" && in.Shape != "picture":
		return fmt.Errorf("shape is %q, want square or picture", in.Shape)
	case in.Order != "bgr" && in.Order != "rgb":
		return fmt.Errorf("order is %q, want bgr or rgb", in.Order)
	}
	for _, std := range in.Std {
		if !(std > 0) {
			return fmt.Errorf("std is %v, want more than 0", in.Std)
		}
	}
	return nil
}

func checkFile(size int64, hash string) error {
	if size < 1 || size > maxSize {
		return fmt.Errorf("size is %d bytes, want 1 to %d", size, maxSize)
	}
	if sum, err := hex.DecodeString(hash); err != nil || len(sum) != 32 || strings.ToLower(hash) != hash {
		return fmt.Errorf("sha256 is %q, want 64 hex digits", hash)
	}
	return nil
}

func (s Source) check() error {
	named := 0
	for _, v := range []string{s.Embedded, s.Folder, s.Release} {
		if v != "" {
			named++
		}
	}
	switch {
	case named != 1:
		return errors.New("want exactly one of embedded, folder and release")
	case s.Embedded != "":
		if _, err := fs.Stat(programFiles, path.Join(embeddedFolder, s.Embedded)); err != nil || path.Base(s.Embedded) != s.Embedded {
			return fmt.Errorf("embedded is %q, want a file of %s", s.Embedded, embeddedFolder)
		}
	case s.Folder != "":
		if filepath.Base(s.Folder) != s.Folder || strings.HasPrefix(s.Folder, ".") {
			return fmt.Errorf("folder is %q, want a file name", s.Folder)
		}
	default:
		if u, err := url.Parse(s.Release); err != nil || u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("release is %q, want an https address", s.Release)
		}
	}
	return nil
}
