package models

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pantau/sidecar"
)

func builtin(t testing.TB) *Manifest {
	t.Helper()
	m, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestBuiltinManifest(t *testing.T) {
	m := builtin(t)
	for _, name := range []string{"street-int8", "nanodet-g", "yolox-nano", "yolox-tiny", "yolox-s", "picodet-s"} {
		if _, err := m.Find(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", Auto, "street"} {
		model, err := m.Find(name)
		if err != nil || model.ID() != "street@4" || model.INT8 != "street-int8" {
			t.Errorf("%q is %s, error %v, want street@4", name, model.ID(), err)
		}
	}
	_, err := m.Find("yolo99")
	var field *sidecar.FieldError
	if !errors.As(err, &field) || !strings.Contains(field.Remedy, "yolox-tiny") {
		t.Errorf("error is %v, want the names that there are", err)
	}
}

func TestParseRefusesWhatCannotBe(t *testing.T) {
	cases := []struct{ change, to, say string }{
		{"default: street", "default: nobody", "nobody"},
		{"default: street", "deflaut: street", "deflaut"},
		{"name: yolox-tiny", "name: yolox-nano", "twice"},
		{"name: yolox-tiny", "name: ../tiny", "name"},
		{"version: 1", "version: 0", "version"},
		{"family: gfl", "family: detr", "gfl, yolox"},
		{"classes: coco", "classes: cats", "cats"},
		{"riders: inside", "riders: outside", "outside"},
		{"int8: street-int8", "int8: street-int4", "street-int4"},
		{"score: 0.15", "score: 1.5", "score"},
		{"score: 0.15", "score: .nan", "score"},
		{"licence: Apache-2.0", "licence: \"\"", "licence"},
		{"size: 640", "size: 641", "multiple of 32"},
		{"shape: picture", "shape: round", "round"},
		{"order: bgr", "order: rbg", "rbg"},
		{"std: [57.375, 57.12, 58.395]", "std: [0, 1, 1]", "std"},
		{"size: 15158454", "size: 0", "size"},
		{"sha256: af41f8603ba330b1d12ee444ab322f287c5187b439270dcb2e959bc5ba65c7b5", "sha256: af41", "sha256"},
		{"folder: nanodet-g.onnx", "folder: ../nanodet-g.onnx", "file name"},
		{"folder: nanodet-g.onnx", "folder: nanodet-g.onnx\n        release: https://example.org/a", "exactly one"},
		{"folder: nanodet-g.onnx", "npm: a@1.0.0", "npm"},
		{"embedded: street.onnx", "embedded: lane.onnx", "lane.onnx"},
		{"embedded: street.onnx", "embedded: ../manifest.yaml", "manifest.yaml"},
		{"release: https", "release: http", "https address"},
		{"models:\n", "models: 7\n", ""},
	}
	for _, c := range cases {
		text := strings.Replace(string(manifestYAML), c.change, c.to, 1)
		if text == string(manifestYAML) {
			t.Fatalf("%q is not in the manifest", c.change)
		}
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: error is %v, want one that says %q", c.to, err, c.say)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(manifestYAML)
	f.Add([]byte("default: a\nmodels: [{name: a}]"))
	f.Add([]byte("models: &a [*a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(data)
		if err != nil {
			return
		}
		for _, model := range m.Models {
			if filepath.Dir(model.File("models")) != "models" {
				t.Errorf("%q leaves the folder", model.Name)
			}
			l := model.Letterbox(1920, 1080)
			if l.Width%32 != 0 || l.Height%32 != 0 || l.Width < 32 || l.Height < 32 {
				t.Errorf("input of %dx%d", l.Width, l.Height)
			}
		}
	})
}

func TestLetterboxFollowsThePicture(t *testing.T) {
	m := builtin(t)
	cases := []struct {
		model         string
		width, height int
		want          [2]int
	}{
		{"street", 768, 576, [2]int{640, 480}},
		{"street", 1920, 1080, [2]int{640, 384}},
		{"street", 1080, 1920, [2]int{384, 640}},
		{"street", 500, 500, [2]int{640, 640}},
		{"street", 5000, 100, [2]int{640, 160}},
		{"street", 641, 640, [2]int{640, 640}},
		{"yolox-tiny", 1920, 1080, [2]int{416, 416}},
	}
	for _, c := range cases {
		model, err := m.Find(c.model)
		if err != nil {
			t.Fatal(err)
		}
		l := model.Letterbox(c.width, c.height)
		if got := [2]int{l.Width, l.Height}; got != c.want {
			t.Errorf("%s, %dx%d: input is %v, want %v", c.model, c.width, c.height, got, c.want)
		}
	}
	pico, err := m.Find("picodet-s")
	if err != nil {
		t.Fatal(err)
	}
	if l := pico.Letterbox(4, 3); l.Order != sidecar.RGB || l.Scale[0] != 1/pico.Input.Std[0] || l.Mean != pico.Input.Mean {
		t.Errorf("letterbox is %+v, want the model's order and normalisation", l)
	}
}

func TestVerify(t *testing.T) {
	dir := t.TempDir()
	m := tiny([]byte("weights"))
	if state, err := Verify(dir, m); state != Missing || err == nil {
		t.Errorf("state is %s, error %v, want missing", state, err)
	}
	for text, want := range map[string]State{"weights": Ready, "weighty": Damaged, "weights!": Damaged, "": Damaged} {
		if err := os.WriteFile(m.File(dir), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if state, err := Verify(dir, m); state != want || (err == nil) != (want == Ready) {
			t.Errorf("%q: state is %s, error %v, want %s", text, state, err, want)
		}
		data, err := Read(dir, m)
		var fault *sidecar.Fault
		if want == Damaged && (data != nil || !errors.As(err, &fault) || !strings.Contains(fault.Hint, "models pull tiny")) {
			t.Errorf("%q: %d bytes were given, error %v", text, len(data), err)
		}
	}
}
