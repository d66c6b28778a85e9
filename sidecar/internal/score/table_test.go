package score

import (
	"math"
	"strings"
	"testing"

	"pantau/sidecar"
)

func TestTable(t *testing.T) {
	truth := Truth{Tolerance: 0.5, FPS: 10, Frames: 36000, Crossings: []Crossing{
		{T: 1, Class: sidecar.Car, Direction: sidecar.In},
		{T: 5, Class: sidecar.Car, Direction: sidecar.In},
		{T: 9, Class: sidecar.Person, Direction: sidecar.Out},
		{T: 20, Class: sidecar.Bus, Direction: sidecar.Out, Ignore: true},
	}}
	r := truth.Match([]Crossing{
		{T: 1.2, Class: sidecar.Truck, Direction: sidecar.In},
		{T: 9, Class: sidecar.Person, Direction: sidecar.Out},
		{T: 12, Class: sidecar.Person, Direction: sidecar.Out},
		{T: 20, Class: sidecar.Bus, Direction: sidecar.Out},
	})
	want := map[string]Row{
		"car in":     {True: 2, Counted: 0, Matched: 1, Renamed: 1, Missed: 1, Precision: 1, Recall: 0.5, F1: 2. / 3, Error: -1},
		"truck in":   {Counted: 1},
		"person out": {True: 1, Counted: 2, Matched: 1, False: 1, Precision: 0.5, Recall: 1, F1: 2. / 3, Error: 1},
		" in":        {True: 2, Counted: 1, Matched: 1, Renamed: 1, Missed: 1, Precision: 1, Recall: 0.5, F1: 2. / 3, Error: -0.5},
		" out":       {True: 1, Counted: 2, Matched: 1, False: 1, Precision: 0.5, Recall: 1, F1: 2. / 3, Error: 1},
		" ":          {True: 3, Counted: 3, Matched: 2, Renamed: 1, Missed: 1, False: 1, Precision: 2. / 3, Recall: 2. / 3, F1: 2. / 3},
	}
	rows := r.Table(truth.Seconds())
	if len(rows) != len(want) {
		t.Errorf("%d rows, want %d", len(rows), len(want))
	}
	for _, got := range rows {
		key := string(got.Class) + " " + string(got.Direction)
		w := want[key]
		if got.GEH == nil || math.Abs(*got.GEH-GEH(float64(w.Counted), float64(w.True))) > 1e-9 { // one hour
			t.Errorf("%s: GEH %v", key, got.GEH)
		}
		got.GEH, w.Class, w.Direction = nil, got.Class, got.Direction
		if got != w {
			t.Errorf("%s: got %+v, want %+v", key, got, w)
		}
	}
	if img := r.Picture(truth); img.RGBAAt(0, 0) != paper {
		t.Error("the picture has no margin")
	}
}

func TestGEH(t *testing.T) {
	for _, c := range []struct{ counted, truth, want float64 }{{0, 0, 0}, {100, 100, 0}, {120, 80, 4}, {0, 8, 4}} {
		if got := GEH(c.counted, c.truth); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("GEH(%v, %v) = %v, want %v", c.counted, c.truth, got, c.want)
		}
	}
}

func TestReadEvents(t *testing.T) {
	const text = `{"stream":"events","id":"a","type":"pantau.count.crossing.v1","data":{"rule":"line","pts_us":1500000,"cls":"car","dir":"in","at":[0.5,0.25]}}
{"stream":"events","id":"b","type":"pantau.count.crossing.v1","data":{"rule":"line","pts_us":2000000,"cls":"car","dir":"in","at":[0.5,0.3]}}
{"stream":"events","id":"c","type":"pantau.correction.v1","data":{"rule":"line","withdraws":"b","cls":"car"}}
{"stream":"events","id":"d","type":"pantau.count.crossing.v1","data":{"rule":"other","pts_us":2000000,"cls":"car","dir":"in","at":[0.5,0.3]}}
{"stream":"counts","id":"e","type":"pantau.count.minute.v1","data":{"at":"x"}}
`
	got, err := ReadEvents(strings.NewReader(text), "line")
	if err != nil || len(got) != 1 || got[0].T != 1.5 || got[0].At.Y() != 0.25 {
		t.Errorf("got %v, %v, want the first alone", got, err)
	}
	if got, _ := ReadEvents(strings.NewReader(text), ""); len(got) != 2 {
		t.Errorf("of all lines: got %d, want 2", len(got))
	}
	if _, err := ReadEvents(strings.NewReader("{\n"), ""); err == nil {
		t.Error("broken JSON: no error")
	}
}
