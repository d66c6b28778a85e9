package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pantau/inference"
	"pantau/inference/models"
)

// atHome is auto with a new state folder, and what it logs.
func atHome(t *testing.T) (auto, *bytes.Buffer) {
	t.Helper()
	library := filepath.Join(checkout(), "lib", "pantau", "libonnxruntime.so.1")
	if _, err := os.Stat(library); err != nil {
		t.Skipf("%v; make build leaves it", err)
	}
	var log bytes.Buffer
	return auto{library: library, state: filepath.Join(t.TempDir(), "state"), log: slog.New(slog.NewTextHandler(&log, nil))}, &log
}

// It measures once and remembers; another processor, another library or other
// weights are another place, and a file that is damaged is no place.
func TestAutoIsMeasuredOnce(t *testing.T) {
	a, log := atHome(t)
	first, err := a.choose()
	if err != nil {
		t.Fatal(err)
	}
	known := a.known()
	if len(known) != 1 || known[0].Use != first.Name || known[0].Frame["street"] <= 0 || known[0].Frame["street-int8"] <= 0 {
		t.Fatalf("%+v is remembered, %s was chosen", known, first.Name)
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "model="+first.Name) {
		t.Errorf("it logs %q, want one line with the choice", log)
	}
	// What is remembered counts, and not what would be measured now.
	other := map[string]string{"street": "street-int8", "street-int8": "street"}[first.Name]
	known[0].Use = other
	if err := a.remember(known); err != nil {
		t.Fatal(err)
	}
	if m, err := a.choose(); err != nil || m.Name != other {
		t.Errorf("%s is chosen, error %v, want %s as it was remembered", m.Name, err, other)
	}
	for name, change := range map[string]func(*choice){
		"processor": func(c *choice) { c.Processor = "another" },
		"runtime":   func(c *choice) { c.Runtime = "0.1" },
		"weights":   func(c *choice) { c.Weights["street"] = "00" },
		"model":     func(c *choice) { c.Use = "gone" },
	} {
		here, was := a.known()[0], a.known()[0]
		change(&was)
		if _, ok := here.among([]choice{was}); ok {
			t.Errorf("%s: what holds elsewhere is taken", name)
		}
	}
	if err := os.WriteFile(a.file(), []byte("[{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.choose(); err != nil || len(a.known()) != 1 {
		t.Errorf("with a damaged file: error %v, %+v is remembered", err, a.known())
	}
}

func TestAutoGoesOnWhereNothingCanBeRemembered(t *testing.T) {
	a, log := atHome(t)
	a.state = filepath.Join(write(t, "file", ""), "state")
	if m, err := a.choose(); err != nil || m.Name == "" || !strings.Contains(log.String(), "not remembered") {
		t.Errorf("%s, error %v, want a model and a warning: %s", m.Name, err, log)
	}
	a.library = "/nowhere.so"
	if _, err := a.choose(); err == nil || !strings.Contains(err.Error(), "make build") {
		t.Errorf("without a library: error is %v", err)
	}
}

func TestTheEightBitModelMustBeWorthIt(t *testing.T) {
	for _, c := range []struct {
		float, int8 time.Duration
		want        string
	}{
		{40 * time.Millisecond, 16 * time.Millisecond, "street-int8"},
		{40 * time.Millisecond, 36 * time.Millisecond, "street-int8"},
		{40 * time.Millisecond, 37 * time.Millisecond, "street"},
		{40 * time.Millisecond, 80 * time.Millisecond, "street"},
		{0, time.Millisecond, "street"},
	} {
		got := choice{}.decide([]inference.Pace{{Model: models.Model{Name: "street"}, Frame: c.float}, {Model: models.Model{Name: "street-int8"}, Frame: c.int8}})
		if got.Use != c.want {
			t.Errorf("%v against %v: %s is taken, want %s", c.int8, c.float, got.Use, c.want)
		}
	}
}

func TestProcessorHasAName(t *testing.T) {
	for text, want := range map[string]string{
		"processor\t: 0\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n\nprocessor\t: 1\nmodel name\t: other\n": "AMD EPYC, family 25 model 17",
		"processor\t: 0\nmodel name\t: ARMv8 Processor\n":                                                                  "ARMv8 Processor",
		"processor\t: 0\nCPU implementer\t: 0x41\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\n\nprocessor\t: 1\n":               "Arm 0x41 0xd0c 0x3",
	} {
		if got := processorOf([]byte(text)); got != want {
			t.Errorf("processor is %q, want %q", got, want)
		}
	}
	if processorOf(nil) == "" || processor() == "" {
		t.Error("a processor has no name")
	}
}

// auto, the empty name and the model's own name lead to one session each.
func TestDetectorsKnowAuto(t *testing.T) {
	a, _ := atHome(t)
	d := &detectors{auto: a, fallback: "street"}
	t.Cleanup(func() {
		if err := d.close(); err != nil {
			t.Error(err)
		}
	})
	named, err := d.get("")
	if err != nil || named.Name() != "street@4" || len(a.known()) != 0 {
		t.Fatalf("the default is %v, error %v, measured %v, want the model of the name, unmeasured", named, err, a.known())
	}
	measured, err := d.get(models.Auto)
	if err != nil || len(a.known()) != 1 || measured.Name() != a.known()[0].Use+"@4" {
		t.Fatalf("auto is %v, error %v, want what was measured: %+v", measured, err, a.known())
	}
	again, err := d.get(a.known()[0].Use)
	if err != nil || again != measured {
		t.Errorf("by its name it is opened a second time (%v)", err)
	}
}
