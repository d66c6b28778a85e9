package mot

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"pantau/sidecar"
)

func at1(frame, id int, x float64) Row {
	return Row{Frame: frame, ID: id, Box: sidecar.Box{Left: x, Right: x + 0.1, Bottom: 0.1}}
}

// TestRating checks the evaluator on a sequence small enough to count by hand.
func TestRating(t *testing.T) {
	want := Frames([]Row{at1(1, 1, 0), at1(1, 2, 0.5), at1(2, 1, 0), at1(2, 2, 0.5), at1(3, 1, 0), at1(3, 2, 0.5), at1(4, 1, 0)})
	got := Frames([]Row{at1(1, 7, 0), at1(2, 7, 0), at1(2, 8, 0.5), at1(3, 9, 0), at1(3, 8, 0.5), at1(4, 9, 0), at1(4, 8, 0.8)})
	r := Rate(want, got)
	// Truth 7 boxes: one missed (2 in the first frame), one false (8 in the last), one
	// switch (7 to 9). Identities: 1 with 7 or 9 (2), 2 with 8 (2).
	if w := (Rating{Frames: 4, Truth: 7, Missed: 1, False: 1, Switches: 1, SameID: 4, Tracked: 7, Overlap: r.Overlap}); r != w || math.Abs(r.MOTP()-1) > 1e-9 {
		t.Errorf("got %+v, want %+v", r, w)
	}
	if w := 1 - 3.0/7; math.Abs(r.MOTA()-w) > 1e-9 {
		t.Errorf("MOTA %v, want %v", r.MOTA(), w)
	}
	if w := 8.0 / 14; math.Abs(r.IDF1()-w) > 1e-9 {
		t.Errorf("IDF1 %v, want %v", r.IDF1(), w)
	}
}

func TestFragmentsAreCounted(t *testing.T) {
	want := Frames([]Row{at1(1, 1, 0), at1(2, 1, 0), at1(3, 1, 0)})
	if r := Rate(want, Frames([]Row{at1(1, 5, 0), at1(3, 5, 0)})); r.Fragments != 1 || r.Switches != 0 || r.Missed != 1 {
		t.Errorf("%+v", r)
	}
	if r := Rate(want, nil); r.MOTA() != 0 || r.IDF1() != 0 {
		t.Errorf("of nothing: %+v", r)
	}
}

func TestFilesComeBackAsTheyWere(t *testing.T) {
	const text = "1,3,10.00,20.00,30.00,40.00,0.5000,-1,-1,-1\n2,3,11.00,20.00,30.00,40.00,0.7500,-1,-1,-1\n"
	size := Size{640, 480}
	rows, err := Read(strings.NewReader(text), "a", size)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := Write(&b, rows, size); err != nil || b.String() != text {
		t.Errorf("%v: %q", err, b.String())
	}
}

func TestWrongLinesAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"1,1,0,0,5,5,1\n1,1,0,0": "f:2: 4 fields", "x,1,0,0,5,5,1": "f:1: field 1", "0,1,0,0,5,5,1": "frame 0",
		"1,1,0,0,0,5,1": "a box of 0", "1,1,NaN,0,5,5,1": "field 3", "99999999,1,0,0,5,5,1": "frame",
	} {
		if _, err := Read(strings.NewReader(text), "f", Size{640, 480}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("1,-1,649.4,231.5,44.4,86.1,0.99,-1,-1,-1\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := Read(strings.NewReader(text), "f", Size{640, 480})
		if err != nil || len(rows) > 50 {
			return
		}
		for _, r := range rows {
			if r.Frame > 1000 {
				return
			}
		}
		frames := Frames(rows)
		if r := Rate(frames, frames); r.MOTA() > 1 || r.IDF1() > 1.0000001 || r.Missed < 0 && r.False < 0 {
			t.Errorf("%+v", r)
		}
	})
}
