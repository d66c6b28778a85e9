package analyse

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"
	"time"

	"pantau/sidecar"
)

var update = flag.Bool("update", false, "write the golden file anew")

// TestGolden plays half a minute of a street and holds all of its events and
// counts against testdata/street.json. A change of that file is a change of what
// readers of the streams get.
func TestGolden(t *testing.T) {
	f := newFilm(t, 4, across, square)
	for i := range 60 {
		y := 0.2 + 0.012*float64(i)
		rider := walker(2, 0.8, 1-y)
		rider.Class = sidecar.Motorcycle
		s := &sidecar.Scene{Tracks: []sidecar.Track{walker(1, 0.5, y), rider}}
		if i < 50 {
			s.Tracks = append(s.Tracks, walker(3, 0.503, y+0.004))
		} else if i == 50 {
			s.Merged = []sidecar.Merge{{From: 3, Into: 1}}
		}
		f.play(s)
	}
	f.end(2)
	f.wait(5 * time.Second)
	last, counts := f.a.Close(began.Add(f.at))
	got, err := json.MarshalIndent(map[string]any{"events": append(f.events, last...), "counts": counts}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	const path = "testdata/street.json"
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got other facts than %s; see the difference after go test -run Golden -update\n%s", path, got)
	}
}
