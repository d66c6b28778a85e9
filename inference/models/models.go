// Package models knows the detectors: which there are, where their weights come
// from, and how their outputs become detections.
//
// A model family is one file and one line in the table families. Weights are
// listed in manifest.yaml with their sources and hashes; nothing that does not
// match its hash is ever given to anyone. Those that Pantau is built for are in
// the program itself (embedded.go).
package models

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"pantau/sidecar"
)

// Model is one detector of the manifest.
type Model struct {
	Name     string   `yaml:"name" json:"name"`
	Version  int      `yaml:"version" json:"version"`
	Family   string   `yaml:"family" json:"family"`
	Input    Input    `yaml:"input" json:"input"`
	ClassSet string   `yaml:"classes" json:"classes"`
	Riders   string   `yaml:"riders" json:"riders,omitempty"` // "inside": a two-wheeler's box holds its riders, who are no persons
	MinScore float64  `yaml:"score" json:"score"`             // detections below it are noise for this model
	INT8     string   `yaml:"int8" json:"int8,omitempty"`     // name of the same model in 8-bit numbers
	Licence  string   `yaml:"licence" json:"licence"`
	About    string   `yaml:"about" json:"about"`
	Sources  []Source `yaml:"sources" json:"sources"` // tried in this order
	Size     int64    `yaml:"size" json:"size"`       // bytes
	SHA256   string   `yaml:"sha256" json:"sha256"`   // in hex
}

// ridersInside is the one value of Riders; without it they are found apart.
const ridersInside = "inside"

// Input is what a model's input tensor [1,3,height,width] holds.
type Input struct {
	Size  int        `yaml:"size" json:"size"`   // pixels of the longer side, a multiple of 32
	Shape string     `yaml:"shape" json:"shape"` // "square", or "picture": the shorter side follows the picture
	Order string     `yaml:"order" json:"order"` // "bgr" or "rgb"
	Mean  [3]float32 `yaml:"mean" json:"mean"`   // in that order, of 0..255; 0 for a model that takes bytes
	Std   [3]float32 `yaml:"std" json:"std"`     // 1 for a model that takes bytes
	Pad   float32    `yaml:"pad" json:"pad"`     // 0..255
}

// Plain says whether values go in as they are, 0..255.
func (in Input) Plain() bool {
	return in.Mean == [3]float32{} && in.Std == [3]float32{1, 1, 1}
}

// Source is one place to get a model from: exactly one of Embedded, Folder and Release.
type Source struct {
	Embedded string `yaml:"embedded" json:"embedded,omitempty"` // file name in the program itself; see embedded.go
	Folder   string `yaml:"folder" json:"folder,omitempty"`     // file name in one of the user's folders
	Release  string `yaml:"release" json:"release,omitempty"`   // address of an upstream release
}

// ID is the name under which a model's numbers are published: name@version.
func (m Model) ID() string { return fmt.Sprintf("%s@%d", m.Name, m.Version) }

// Classes lists what the model knows, in the order of its scores.
func (m Model) Classes() []sidecar.Class { return classSets[m.ClassSet] }

// File is where the weights of a model that is not embedded stand in a folder of models.
func (m Model) File(folder string) string { return filepath.Join(folder, m.Name+".onnx") }

// Letterbox says how a picture of the given size becomes the model's input.
func (m Model) Letterbox(width, height int) sidecar.Letterbox {
	in := m.Input
	l := sidecar.Letterbox{Width: in.Size, Height: in.Size, Order: sidecar.BGR, Mean: in.Mean, Pad: in.Pad}
	if in.Order == "rgb" {
		l.Order = sidecar.RGB
	}
	for i, std := range in.Std {
		l.Scale[i] = 1 / std
	}
	if in.Shape == "picture" && width > 0 && height > 0 {
		if width >= height {
			l.Height = follow(in.Size, height, width)
		} else {
			l.Width = follow(in.Size, width, height)
		}
	}
	return l
}

// follow gives the shorter side of an input: the picture's shape, rounded up to
// a multiple of 32, and not narrower than 1:4.
func follow(size, short, long int) int {
	side := (size*short + long - 1) / long
	return min(size, max((side+31)/32*32, (size/4+31)/32*32))
}

// errDamaged says that a file is not what the manifest promises.
var errDamaged = errors.New("does not match the manifest")

// Read gives the weights of a model, after it has checked their size and hash:
// those in the program itself, or the file in a folder of models. Trouble is a
// *sidecar.Fault with a hint.
func Read(folder string, m Model) ([]byte, error) {
	var data []byte
	var err error
	hint := fmt.Sprintf("run \"pantau models pull %s\"", m.Name)
	if name := m.embedded(); name != "" {
		data, err = readEmbedded(name, m)
		hint = "build the program anew"
	} else {
		data, err = read(m.File(folder), m.Size, m.SHA256)
	}
	if err != nil {
		return nil, &sidecar.Fault{Err: fmt.Errorf("reading model %s: %w", m.ID(), err), Hint: hint}
	}
	return data, nil
}

// ReadFile gives the weights of a model from a file of any name, checked alike.
func ReadFile(path string, m Model) ([]byte, error) {
	data, err := read(path, m.Size, m.SHA256)
	if err != nil {
		return nil, &sidecar.Fault{Err: fmt.Errorf("reading model %s: %w", m.ID(), err), Hint: "check the file and its hash in the manifest"}
	}
	return data, nil
}

// read gives the bytes of a file that must have a size and a hash.
func read(path string, size int64, hash string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, size+1))
	if err != nil {
		return nil, err
	}
	if err := match(data, size, hash); err != nil {
		return nil, fmt.Errorf("%s %w", path, err)
	}
	return data, nil
}

// match compares bytes with what the manifest promises.
func match(data []byte, size int64, hash string) error {
	if int64(len(data)) != size {
		return fmt.Errorf("%w: not %d bytes long", errDamaged, size)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != hash {
		return fmt.Errorf("%w: SHA-256 is %x", errDamaged, sum[:6])
	}
	return nil
}

// State says whether a model can be used.
type State string

// The states of a model in a folder.
const (
	Ready   State = "ready"
	Missing State = "missing"
	Damaged State = "damaged" // there, and not what the manifest promises
)

// Verify looks at a model's weights in a folder. The error says what is wrong.
func Verify(folder string, m Model) (State, error) {
	_, err := Read(folder, m)
	switch {
	case err == nil:
		return Ready, nil
	case errors.Is(err, fs.ErrNotExist):
		return Missing, err
	}
	return Damaged, err
}
