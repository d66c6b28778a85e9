package pipeline

import (
	"testing"

	"pantau/inference"
	"pantau/inference/models"
)

// model finds a model of the program's own manifest; "" is the default one.
func model(tb testing.TB, name string) models.Model {
	tb.Helper()
	manifest, err := models.Builtin()
	if err != nil {
		tb.Fatal(err)
	}
	m, err := manifest.Find(name)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// detector opens a model; "" is the default one. Models that are not in the
// program come from ../shared.
func detector(tb testing.TB, name string) *inference.Detector {
	tb.Helper()
	m := model(tb, name)
	folder := root(tb) + "/share/pantau/models"
	if state, _ := models.Verify(folder, m); state != models.Ready {
		folder = tb.TempDir()
		p := models.Puller{Dir: folder, Folders: []string{shared(tb, "models")}, Say: func(s string) { tb.Log(s) }}
		if _, err := p.Pull(tb.Context(), m); err != nil {
			tb.Fatal(err)
		}
	}
	return open(tb, inference.Options{Model: m, Folder: folder})
}

// open opens a detector until the test ends.
func open(tb testing.TB, o inference.Options) *inference.Detector {
	tb.Helper()
	o.Library = built(tb, "lib", "pantau", "libonnxruntime.so.1")
	d, err := inference.Open(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := d.Close(); err != nil {
			tb.Error(err)
		}
	})
	return d
}
