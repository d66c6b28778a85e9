package onnx

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"pantau/sidecar"
)

// libraryPath is the library of this checkout; without it the test is skipped.
func libraryPath(t testing.TB) string {
	t.Helper()
	path, err := filepath.Abs("../../lib/pantau/libonnxruntime.so.1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skip("needs ONNX Runtime: run make build")
	}
	return path
}

func openLibrary(t testing.TB) *Library {
	t.Helper()
	l, err := Open(libraryPath(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func openSession(t testing.TB) *Session {
	t.Helper()
	s, err := openLibrary(t).Session(doubling())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func bind(t testing.TB, s *Session, height, width int64) *Binding {
	t.Helper()
	b, err := s.Bind([]int64{1, 3, height, width}, [][]int64{{1, 3, height, width}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestSessionTellsItsInputAndOutputs(t *testing.T) {
	s := openSession(t)
	if want := []int64{1, 3, -1, -1}; s.Input.Name != "x" || !slices.Equal(s.Input.Shape, want) {
		t.Errorf("input is %v, want x %v", s.Input, want)
	}
	if len(s.Outputs) != 1 || s.Outputs[0].Name != "y" {
		t.Errorf("outputs are %v, want y", s.Outputs)
	}
	if v := openLibrary(t).Version(); !strings.HasPrefix(v, "1.") {
		t.Errorf("version is %q, want 1.x", v)
	}
}

func TestRunFillsTheBoundOutputs(t *testing.T) {
	s := openSession(t)
	for _, size := range [][2]int64{{1, 1}, {2, 3}, {5, 4}} { // one session, several shapes
		b := bind(t, s, size[0], size[1])
		for i := range b.Input {
			b.Input[i] = float32(i) - 3
		}
		if err := b.Run(); err != nil {
			t.Fatal(err)
		}
		for i, got := range b.Outputs[0] {
			if want := 2 * (float32(i) - 3); got != want {
				t.Fatalf("%v: output %d is %v, want %v", size, i, got, want)
			}
		}
	}
}

// The model's own type decides what its input is made of.
func TestAModelOfBytesTakesBytes(t *testing.T) {
	l := openLibrary(t)
	s, err := l.Session(casting(uint8Type))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	b := bind(t, s, 4, 5)
	if !s.Input.Bytes || b.Input != nil || len(b.Bytes) != 60 {
		t.Fatalf("bytes %v, %d numbers, %d bytes, want 60 bytes", s.Input.Bytes, len(b.Input), len(b.Bytes))
	}
	for round := range 2 { // it reads them anew
		for i := range b.Bytes {
			b.Bytes[i] = byte(255 - 4*i - round)
		}
		if got := testing.AllocsPerRun(1, func() { err = b.Run() }); err != nil || got != 0 {
			t.Fatalf("%v allocations, error %v", got, err)
		}
		for i, got := range b.Outputs[0] {
			if want := float32(255 - 4*i - round); got != want {
				t.Fatalf("output %d is %v, want %v", i, got, want)
			}
		}
	}
	if s := openSession(t); s.Input.Bytes || bind(t, s, 2, 2).Bytes != nil {
		t.Error("a model of numbers takes bytes")
	}
	if _, err := l.Session(casting(int64Type)); err == nil || !strings.Contains(err.Error(), "neither float32 nor uint8") {
		t.Errorf("a model of int64: %v", err)
	}
}

func TestBindingsRunAtTheSameTime(t *testing.T) {
	s := openSession(t)
	var wait sync.WaitGroup
	for n := range 4 {
		b := bind(t, s, 16, 16)
		wait.Go(func() {
			for round := range 50 {
				v := float32(n*1000 + round)
				for i := range b.Input {
					b.Input[i] = v
				}
				if err := b.Run(); err != nil {
					t.Error(err)
					return
				}
				if got := b.Outputs[0][17]; got != 2*v {
					t.Errorf("output is %v, want %v", got, 2*v)
					return
				}
			}
		})
	}
	wait.Wait()
}

func TestRunAllocatesNothing(t *testing.T) {
	b := bind(t, openSession(t), 8, 8)
	var err error
	if got := testing.AllocsPerRun(100, func() { err = errors.Join(err, b.Run()) }); got != 0 || err != nil {
		t.Errorf("%v allocations a run (%v), want 0", got, err)
	}
}

func TestBadModelsAndShapesAreErrors(t *testing.T) {
	l := openLibrary(t)
	model := doubling()
	for name, data := range map[string][]byte{"empty": nil, "text": []byte("no model"), "cut off": model[:len(model)/2]} {
		if s, err := l.Session(data); err == nil {
			t.Errorf("%s: no error", name)
			_ = s.Close()
		}
	}
	s := openSession(t)
	if _, err := s.Bind([]int64{1, 3, 2, 2}, nil); err == nil {
		t.Error("no output bound: no error")
	}
	if _, err := s.Bind([]int64{1, 3, 0, 2}, [][]int64{{1, 3, 2, 2}}); err == nil {
		t.Error("empty input bound: no error")
	}
	b, err := s.Bind([]int64{1, 3, 2, 2}, [][]int64{{1, 3, 2, 3}})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Run(); err == nil {
		t.Error("output of another shape: no error")
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func TestLibraryIsSharedAndOpensAgain(t *testing.T) {
	path := libraryPath(t)
	for range 3 {
		a, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open("other.so"); err == nil {
			t.Error("another library beside it: no error")
		}
		if err := errors.Join(a.Close(), a.Close()); err != nil { // the second does nothing
			t.Fatal(err)
		}
		s, err := b.Session(doubling())
		if err != nil {
			t.Fatalf("after one of two shares was closed: %v", err)
		}
		if err := errors.Join(s.Close(), b.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// foreign is the head of a shared library for another machine.
func foreign(t *testing.T) []byte {
	h := elf.Header64{Type: uint16(elf.ET_DYN), Machine: uint16(elf.EM_RISCV), Version: 1, Ehsize: 64}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1
	var b bytes.Buffer
	if err := binary.Write(&b, binary.LittleEndian, h); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestUnfitLibrariesAreFaultsWithAHint(t *testing.T) {
	dir := t.TempDir()
	files := map[string][]byte{"text.so": []byte("not a library"), "riscv.so": foreign(t), "empty.so": {}}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cases := map[string]string{
		"missing.so": "does not exist",
		"text.so":    "is not a shared library",
		"empty.so":   "is not a shared library",
		"riscv.so":   "this machine is",
	}
	for name, say := range cases {
		_, err := Open(filepath.Join(dir, name))
		var fault *sidecar.Fault
		if !errors.As(err, &fault) || fault.Hint == "" || !strings.Contains(err.Error(), say) {
			t.Errorf("%s: error is %v, want a fault that says %q", name, err, say)
		}
	}
}

func TestOldAndWrongLibrariesAreFaults(t *testing.T) {
	cases := map[string][2]string{
		"old.so":   {`typedef struct { const void *(*api)(unsigned); const char *(*version)(void); } base; static const void *api(unsigned v) { return 0; } static const char *version(void) { return "1.10.0"; } static base b = {api, version}; base *OrtGetApiBase(void) { return &b; }`, "too old"},
		"wrong.so": {`int nothing;`, "OrtGetApiBase"},
	}
	for name, c := range cases {
		path := filepath.Join(t.TempDir(), name)
		cc := exec.Command("cc", "-shared", "-fPIC", "-x", "c", "-o", path, "-")
		cc.Stdin = strings.NewReader(c[0])
		if out, err := cc.CombinedOutput(); err != nil {
			t.Skipf("needs a C compiler: %v %s", err, out)
		}
		_, err := Open(path)
		var fault *sidecar.Fault
		if !errors.As(err, &fault) || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: error is %v, want a fault that says %q", name, err, c[1])
		}
	}
}

// BenchmarkStreet runs the embedded models at their usual sizes, on bytes like a picture's.
func BenchmarkStreet(b *testing.B) {
	for _, name := range []string{"street", "street-int8"} {
		model, err := os.ReadFile("../models/street/" + name + ".onnx")
		if err != nil {
			b.Fatal(err)
		}
		s, err := openLibrary(b).Session(model)
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range []struct {
			name          string
			height, width int64
		}{{"416x416", 416, 416}, {"640x384", 384, 640}, {"640x480", 480, 640}, {"640x640", 640, 640}} {
			b.Run(name+"/"+c.name, func(b *testing.B) { benchmark(b, s, c.height, c.width) })
		}
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	}
}

func benchmark(b *testing.B, s *Session, height, width int64) {
	var outputs [][]int64
	for i, o := range s.Outputs {
		stride := int64(8) << (i % 3)
		outputs = append(outputs, []int64{1, height / stride * (width / stride), o.Shape[2]})
	}
	in, err := s.Bind([]int64{1, 3, height, width}, outputs)
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	for i := range in.Bytes {
		in.Bytes[i] = byte(128 + 100*math.Sin(float64(i)/50))
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := in.Run(); err != nil {
			b.Fatal(err)
		}
	}
}
