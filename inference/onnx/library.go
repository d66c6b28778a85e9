// Package onnx runs ONNX models on the CPU with ONNX Runtime. It is cgo to that
// library and nothing else: bytes of a model in, float32 or uint8 tensors in,
// float32 tensors out.
//
// A Session is shared by all callers; each caller has a Binding, which is its own
// set of tensors. A Run computes on the caller's thread alone and allocates
// nothing on the Go side.
package onnx

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	ort "github.com/yalue/onnxruntime_go"

	"pantau/sidecar"
)

// installHint is what to do about a library that is missing or is not the right one.
const installHint = `run "make build", which installs the one that belongs to this build`

// environment is the one environment of ONNX Runtime that a process can have.
// The binding keeps its handles in package variables, so its user count has to be
// one too; it is hidden behind Open and Close, and this is the only such variable.
var environment struct {
	mu    sync.Mutex
	path  string // the library that is loaded while users > 0
	users int
}

// Library is a share in ONNX Runtime, loaded from one file. All shares of a
// process are in the same file.
type Library struct {
	once sync.Once
	err  error
}

// Open loads the library, or takes a further share in it. Trouble with the file
// is a *sidecar.Fault with a hint.
func Open(path string) (*Library, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("finding ONNX Runtime: %w", err)
	}
	environment.mu.Lock()
	defer environment.mu.Unlock()
	if environment.users > 0 && environment.path != path {
		return nil, fmt.Errorf("loading ONNX Runtime from %s: %s is loaded already", path, environment.path)
	}
	if environment.users == 0 {
		if err := load(path); err != nil {
			return nil, err
		}
		environment.path = path
	}
	environment.users++
	return &Library{}, nil
}

// load checks the file before the loader sees it, since its own words help nobody.
func load(path string) error {
	if err := check(path); err != nil {
		return &sidecar.Fault{Err: fmt.Errorf("loading ONNX Runtime: %w", err), Hint: installHint}
	}
	ort.SetSharedLibraryPath(path)
	err := ort.InitializeEnvironment(ort.WithLogLevelError())
	if err == nil {
		return nil
	}
	if strings.Contains(err.Error(), "setting ORT API base") {
		err = errors.New("the library is too old, want version 1.24 or later")
	}
	return &sidecar.Fault{Err: fmt.Errorf("loading ONNX Runtime from %s: %w", path, err), Hint: installHint}
}

// check says whether the file is a shared library for this machine.
func check(path string) error {
	f, err := elf.Open(path)
	var format *elf.FormatError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s does not exist", path)
	case errors.As(err, &format), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s is not a shared library", path)
	case err != nil:
		return err
	}
	defer f.Close()
	want := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[runtime.GOARCH]
	if f.Machine != want {
		return fmt.Errorf("%s is for %s, this machine is %s", path, f.Machine, want)
	}
	return nil
}

// Version is ONNX Runtime's own version, such as 1.30.0.
func (l *Library) Version() string { return ort.GetVersion() }

// Close gives the share back; the last one unloads the library. Every Session
// must be closed before.
func (l *Library) Close() error {
	l.once.Do(func() {
		environment.mu.Lock()
		defer environment.mu.Unlock()
		if environment.users--; environment.users > 0 {
			return
		}
		if err := ort.DestroyEnvironment(); err != nil {
			l.err = fmt.Errorf("closing ONNX Runtime: %w", err)
		}
	})
	return l.err
}
