package models

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"pantau/sidecar"
)

// trained is what a model of our own training is if nothing says otherwise.
var trained = Model{
	Version: 1, Family: "gfl", ClassSet: "street", Riders: ridersInside, MinScore: 0.15,
	Input: Input{Size: 640, Shape: "picture", Order: "bgr", Std: [3]float32{1, 1, 1}, Pad: 114},
}

// Local describes an ONNX file that is in no manifest, such as one in training:
// by the YAML beside it (model.yaml for model.onnx, with the keys of a model in
// the manifest, those that are left out as in like), else as like. A like
// without family is a model as our own training writes it: gfl, street classes,
// BGR, bytes as they are. Its size and hash are those which the file has now.
func Local(path string, like Model) (Model, error) {
	m := like
	if m.Family == "" {
		m = trained
	}
	beside := strings.TrimSuffix(path, filepath.Ext(path)) + ".yaml"
	text, err := os.ReadFile(beside)
	switch {
	case err == nil:
		if err := decodeOne(text, &m); err != nil {
			return m, &sidecar.Fault{Err: fmt.Errorf("reading %s: %w", beside, err), Hint: "use the keys of a model in the manifest"}
		}
	case !errors.Is(err, fs.ErrNotExist):
		return m, err
	}
	weights, err := os.ReadFile(path)
	if err != nil {
		return m, &sidecar.Fault{Err: fmt.Errorf("reading weights: %w", err), Hint: "check the path"}
	}
	sum := sha256.Sum256(weights)
	m.Name, m.Size, m.SHA256 = localName(path), int64(len(weights)), hex.EncodeToString(sum[:])
	m.Licence, m.Sources = "none stated", []Source{{Folder: filepath.Base(path)}}
	if err := m.check(); err != nil {
		return m, &sidecar.Fault{Err: fmt.Errorf("describing %s: %w", path, err), Hint: "mend " + beside}
	}
	return m, nil
}

// localName makes a model's name of its file's.
func localName(path string) string {
	base := strings.ToLower(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)))
	name := strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, base), "-")
	return name[:min(len(name), 40)]
}

// decodeOne reads strict YAML over a model.
func decodeOne(data []byte, m *Model) (err error) {
	defer func() {
		if r := recover(); r != nil { // as in decode
			err = fmt.Errorf("not understood: %v", r)
		}
	}()
	return yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(m)
}

// MergeRiders makes riders part of what they ride in labels that keep them
// apart, by the geometry that is used for a model's findings. Boxes are in
// pixels; what stays comes in no order.
func MergeRiders(labels []sidecar.Detection) []sidecar.Detection {
	all := sidecar.Classes()
	var found []Candidate
	var out []sidecar.Detection
	for _, l := range labels {
		n := indexOf(all, l.Class)
		if n < 0 || len(found) == maxObjects {
			out = append(out, l)
			continue
		}
		found = append(found, Candidate{Left: float32(l.Box.Left), Top: float32(l.Box.Top), Right: float32(l.Box.Right), Bottom: float32(l.Box.Bottom), Score: 1, Class: n})
	}
	for _, c := range mergeRiders(found, func(n int) kind { return kindOf(all[n]) }) {
		out = append(out, sidecar.Detection{Class: all[c.Class], Score: 1,
			Box: sidecar.Box{Left: float64(c.Left), Top: float64(c.Top), Right: float64(c.Right), Bottom: float64(c.Bottom)}})
	}
	return out
}

func indexOf(all []sidecar.Class, c sidecar.Class) int {
	for i := range all {
		if all[i] == c {
			return i
		}
	}
	return -1
}
