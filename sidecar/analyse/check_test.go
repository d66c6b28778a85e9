package analyse

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pantau/sidecar"
)

func contain(s string, parts ...string) bool {
	for _, p := range parts {
		if !strings.Contains(s, p) {
			return false
		}
	}
	return true
}

func TestCheck(t *testing.T) {
	ab := []sidecar.Point{{0.1, 0.5}, {0.9, 0.5}}
	box := sidecar.Polygon{{0.1, 0.1}, {0.9, 0.1}, {0.9, 0.9}, {0.1, 0.9}}
	for _, c := range []struct {
		f     sidecar.Function
		field string // empty: nothing is wrong
		words string // in the message, with | between
	}{
		{sidecar.Function{ID: "a", Kind: "line", Line: ab}, "", ""},
		{sidecar.Function{ID: "a", Kind: "line", Line: []sidecar.Point{{0.5, 0}, {0.5, 1}}, Anchor: "centre"}, "", ""},
		{sidecar.Function{ID: "a", Kind: "line", Line: []sidecar.Point{{0, 0.5}, {1, 0.5}}, Anchor: "bottom"}, "", ""},
		{sidecar.Function{ID: "a", Kind: "line", Line: []sidecar.Point{{0, 0}, {1, 1}}}, "", ""},
		{sidecar.Function{ID: "A.b-c_9", Kind: "zone", Polygon: box, Dwell: 30 * time.Second, Classes: []sidecar.Class{"person", "dog"}}, "", ""},
		{sidecar.Function{ID: "a", Kind: "zone", Polygon: sidecar.Polygon{{0, 0}, {1, 0}, {1, 1}, {0, 1}}}, "", ""},
		{sidecar.Function{ID: "a", Kind: "zone", Polygon: sidecar.Polygon{{0.1, 0.1}, {0.9, 0.1}, {0.5, 0.3}, {0.9, 0.9}}}, "", ""}, // not convex

		{sidecar.Function{Kind: "line", Line: ab}, "id", "no id"},
		{sidecar.Function{ID: "a b", Kind: "line", Line: ab}, "id", "' '|letters, digits"},
		{sidecar.Function{ID: "a/b", Kind: "line", Line: ab}, "id", "'/'"},
		{sidecar.Function{ID: "jalan-é", Kind: "line", Line: ab}, "id", "'é'"},
		{sidecar.Function{ID: strings.Repeat("a", 65), Kind: "line", Line: ab}, "id", "65 characters"},
		{sidecar.Function{ID: "track", Kind: "line", Line: ab}, "id", "another id"},
		{sidecar.Function{ID: "a", Kind: "lines", Line: ab}, "kind", `unknown kind "lines"|did you mean line?|congestion, crowd, line, parking, speed, turns or zone`},
		{sidecar.Function{ID: "a", Line: ab}, "kind", "missing|congestion, crowd, line, parking, speed, turns or zone"},
		{sidecar.Function{ID: "a", Kind: "litter", Line: ab}, "kind", "unknown kind"},
		{sidecar.Function{ID: "a", Kind: "line", Line: ab, Classes: []sidecar.Class{"car", "persn"}}, "classes[1]", `unknown class "persn"|did you mean person?`},
		{sidecar.Function{ID: "a", Kind: "line", Line: ab, Classes: []sidecar.Class{"Motorbike"}}, "classes[0]", "did you mean motorcycle?"},
		{sidecar.Function{ID: "a", Kind: "line", Line: ab, Classes: []sidecar.Class{"spaceship"}}, "classes[0]", "person, bicycle, motorcycle, car, bus, truck"},
		{sidecar.Function{ID: "a", Kind: "line", Line: ab, Classes: []sidecar.Class{""}}, "classes[0]", "unknown class"},
		{sidecar.Function{ID: "a", Kind: "line", Line: ab, Classes: []sidecar.Class{"car", "car"}}, "classes[1]", "twice"},
		{sidecar.Function{ID: "a", Kind: "line", Line: ab, Anchor: "center"}, "anchor", "did you mean centre?|bottom or centre"},
		{sidecar.Function{ID: "a", Kind: "line", Line: ab, Dwell: time.Second}, "dwell", "a line has no dwell|kind parking or zone"},
		{sidecar.Function{ID: "a", Kind: "line", Line: ab, Polygon: box}, "polygon", "a line has no polygon|kind congestion, crowd, parking or zone"},
		{sidecar.Function{ID: "a", Kind: "zone", Polygon: box, Line: ab}, "line", "a zone has no line|kind line"},

		{sidecar.Function{ID: "a", Kind: "line"}, "line", "0 points|[A, B]"},
		{sidecar.Function{ID: "a", Kind: "line", Line: append(ab, sidecar.Point{0.5, 0.6})}, "", ""},
		{sidecar.Function{ID: "a", Kind: "line", Line: ab[:1]}, "line", "1 points|2 to 16"},
		{sidecar.Function{ID: "a", Kind: "line", Line: zigzag(16)}, "", ""},
		{sidecar.Function{ID: "a", Kind: "line", Line: zigzag(17)}, "line", "17 points|2 to 16"},
		{sidecar.Function{ID: "a", Kind: "line", Line: []sidecar.Point{{0.1, 0.5}, {0.1, 0.5}, {0.9, 0.5}}}, "line[1]", "0.0000 of the picture from the one before|leave it out"},
		{sidecar.Function{ID: "a", Kind: "line", Line: []sidecar.Point{{0.1, 0.5}, {0.9, 0.5}, {0.9, 0.504}}}, "line[2]", "0.0040 of the picture"},
		{sidecar.Function{ID: "a", Kind: "line", Line: []sidecar.Point{{0.2, 0.2}, {0.8, 0.2}, {0.8, 0.8}, {0.2, 0.2}}}, "line[3]", "ends where it begins|kind zone"},
		{sidecar.Function{ID: "a", Kind: "line", Line: []sidecar.Point{{0.2, 0.2}, {0.8, 0.8}, {0.8, 0.2}, {0.2, 0.8}}}, "line[3]", "crosses itself: piece 1 and piece 3|two functions"},
		{sidecar.Function{ID: "a", Kind: "line", Line: []sidecar.Point{{0.2, 0.2}, {0.8, 0.2}, {0.8, 0.8}, {0.5, 0.2}}}, "line[3]", "piece 1 and piece 3 touch"},
		{sidecar.Function{ID: "a", Kind: "line", Line: []sidecar.Point{{0.2, 0.5}, {0.8, 0.5}, {0.4, 0.5}}}, "line[2]", "piece 1 and piece 2 touch"}, // straight back
		{sidecar.Function{ID: "a", Kind: "line", Line: []sidecar.Point{{0.2, 0.5}, {0.5, 0.5}, {0.8, 0.5}}}, "", ""},
		{sidecar.Function{ID: "a", Kind: "line", Line: []sidecar.Point{{0.1, 0.5}, {0.5, 0.98}, {0.8, 0.97}, {0.9, 0.5}}}, "line", "piece 2 of the line runs along the bottom edge|0.05"},
		{sidecar.Function{ID: "a", Kind: "line", Line: []sidecar.Point{{0.3, 0}, {0.5, 0.4}, {0.7, 0}}}, "", ""}, // its ends touch an edge
		{sidecar.Function{ID: "a", Kind: "line", Line: []sidecar.Point{{0.1, 0.5}, {1.2, 0.5}}}, "line[1]", "1.2, 0.5 lies outside|0 to 1"},
		{sidecar.Function{ID: "a", Kind: "line", Line: []sidecar.Point{{math.NaN(), 0.5}, {1, 0.5}}}, "line[0]", "outside"},
		{sidecar.Function{ID: "a", Kind: "line", Line: []sidecar.Point{{0.5, 0.5}, {0.51, 0.5}}}, "line", "0.010 of the picture long|longer than 0.02"},
		{sidecar.Function{ID: "a", Kind: "line", Line: []sidecar.Point{{0.1, 0.97}, {0.9, 0.99}}}, "line", "bottom edge|first seen past it|0.05"}, // case 5
		{sidecar.Function{ID: "a", Kind: "line", Line: []sidecar.Point{{0.02, 0}, {0.02, 1}}}, "line", "left edge"},
		{sidecar.Function{ID: "a", Kind: "line", Line: []sidecar.Point{{0, 0.04}, {0.04, 0}}}, "line", "edge"},
		{sidecar.Function{ID: "a", Kind: "line", Line: []sidecar.Point{{1, 0.3}, {0.96, 0.7}}}, "line", "right edge"},
		{sidecar.Function{ID: "a", Kind: "line", Line: []sidecar.Point{{0.2, 0.01}, {0.7, 0}}}, "line", "top edge"},

		{sidecar.Function{ID: "a", Kind: "zone"}, "polygon", "0 corners|three"},
		{sidecar.Function{ID: "a", Kind: "zone", Polygon: box[:2]}, "polygon", "2 corners"},
		{sidecar.Function{ID: "a", Kind: "zone", Polygon: sidecar.Polygon{{0.1, 0.1}, {0.9, -0.1}, {0.9, 0.9}}}, "polygon[1]", "outside"},
		{sidecar.Function{ID: "a", Kind: "zone", Polygon: sidecar.Polygon{{0.1, 0.1}, {0.9, 0.9}, {0.9, 0.1}, {0.1, 0.9}}}, "polygon[2]", "crosses itself|side 1 and side 3"},
		{sidecar.Function{ID: "a", Kind: "zone", Polygon: sidecar.Polygon{{0.1, 0.1}, {0.5, 0.5}, {0.9, 0.9}}}, "polygon", "0 of the picture"},
		{sidecar.Function{ID: "a", Kind: "zone", Polygon: append(box[:4:4], box[0])}, "polygon[0]", "twice in a row|by itself"},
		{sidecar.Function{ID: "a", Kind: "zone", Polygon: box, Dwell: -time.Second}, "dwell", "-1s"},
		{sidecar.Function{ID: "a", Kind: "zone", Polygon: box, Dwell: 25 * time.Hour}, "dwell", "25h"},

		{sidecar.Function{ID: "a", Kind: "parking", Bays: map[string]sidecar.Polygon{"A01": box}}, "", ""},
		{sidecar.Function{ID: "a", Kind: "parking", Polygon: box, Capacity: 16, Dwell: time.Minute}, "", ""},
		{sidecar.Function{ID: "a", Kind: "parking", Polygon: box, Forbidden: true}, "", ""},
		{sidecar.Function{ID: "a", Kind: "zone", Polygon: box, TimeThreshold: 5 * time.Minute}, "", ""},
		{sidecar.Function{ID: "a", Kind: "zone", Polygon: box, TimeThreshold: -1}, "time_threshold", "loitering"},
		{pace, "", ""},
		{rally, "", ""},
		{sidecar.Function{ID: "a", Kind: "congestion"}, "polygon", "0 corners"},
		{sidecar.Function{ID: "a", Kind: "congestion", Polygon: box, Lanes: 99}, "lanes", "no 99 lanes|1 to 12"},
		{sidecar.Function{ID: "a", Kind: "congestion", Polygon: box, Window: time.Second}, "window", "1s|signal"},
		{sidecar.Function{ID: "a", Kind: "congestion", Polygon: box, Plane: &sidecar.Plane{}}, "polygon", "both|keep one"},
		{sidecar.Function{ID: "a", Kind: "crowd", Polygon: box}, "levels", "0 levels|rise"},
		{sidecar.Function{ID: "a", Kind: "crowd", Polygon: box, Levels: []int{50, 50}}, "levels[1]", "50 does not rise above 50"},
		{sidecar.Function{ID: "a", Kind: "crowd", Levels: []int{50}}, "polygon", "0 corners"},
		{sidecar.Function{ID: "a", Kind: "speed"}, "plane", "no plane|four corners"},
		{sidecar.Function{ID: "a", Kind: "speed", Plane: &sidecar.Plane{Points: box[:3], Width: 7, Length: 20}}, "plane.points", "3 points"},
		{sidecar.Function{ID: "a", Kind: "speed", Plane: &sidecar.Plane{Points: box, Length: 20}}, "plane.width", "first point to the second"},
		{sidecar.Function{ID: "a", Kind: "speed", Plane: &sidecar.Plane{Points: box, Width: 7, Length: math.NaN()}}, "plane.length", "NaN m"},
		{sidecar.Function{ID: "a", Kind: "speed", Plane: &sidecar.Plane{Points: []sidecar.Point{{0.1, 0.1}, {0.5, 0.1}, {0.9, 0.1}, {0.5, 0.9}}, Width: 7, Length: 20}}, "plane.points", "points 1, 2 and 3 lie on a line"},
		{sidecar.Function{ID: "a", Kind: "speed", Plane: &sidecar.Plane{Points: []sidecar.Point{{0.1, 0.1}, {0.9, 0.9}, {0.9, 0.1}, {0.1, 0.9}}, Width: 7, Length: 20}}, "plane.points", "not in their order"},
		{sidecar.Function{ID: "a", Kind: "speed", Plane: &sidecar.Plane{Points: []sidecar.Point{{0.1, 0.1}, {0.9, 0.1}, {0.9, 1.2}, {0.1, 0.9}}, Width: 7, Length: 20}}, "plane.points[2]", "outside"},
		{sidecar.Function{ID: "a", Kind: "parking"}, "bays", "neither bays nor a kerb|polygon and capacity"},
		{sidecar.Function{ID: "a", Kind: "parking", Polygon: box, Bays: map[string]sidecar.Polygon{"A01": box}}, "polygon", "two functions"},
		{sidecar.Function{ID: "a", Kind: "parking", Polygon: box}, "capacity", "no capacity|forbidden: true"},
		{sidecar.Function{ID: "a", Kind: "parking", Polygon: box, Capacity: -1}, "capacity", "no room for -1"},
		{sidecar.Function{ID: "a", Kind: "parking", Capacity: 3, Bays: map[string]sidecar.Polygon{"A01": box}}, "capacity", "their number"},
		{sidecar.Function{ID: "a", Kind: "parking", Bays: map[string]sidecar.Polygon{"A 1": box}}, "bays", `"A 1" is no name`},
		{sidecar.Function{ID: "a", Kind: "parking", Bays: map[string]sidecar.Polygon{"A01": box[:2]}}, "bays.A01", "2 corners"},
		{sidecar.Function{ID: "a", Kind: "parking", Bays: map[string]sidecar.Polygon{"A01": {{0, 0}, {1, 0}, {1, 2}}}}, "bays.A01[2]", "outside"},
		{sidecar.Function{ID: "a", Kind: "zone", Polygon: box, Capacity: 3}, "capacity", "a zone has no capacity|kind parking"},
		{sidecar.Function{ID: "a", Kind: "zone", Polygon: box, Forbidden: true}, "forbidden", "kind parking"},
	} {
		err := Check(c.f)
		var bad *sidecar.FieldError
		switch {
		case c.field == "" && err != nil:
			t.Errorf("%+v: got %v, want nothing wrong", c.f, err)
		case c.field == "":
		case !errors.As(err, &bad):
			t.Errorf("%+v: got %v, want a field error", c.f, err)
		case bad.Field != c.field || !contain(err.Error(), strings.Split(c.words, "|")...) || bad.Remedy == "":
			t.Errorf("%+v: got %v, want field %s and %s", c.f, err, c.field, c.words)
		}
	}
}

// zigzag is a line of n points from the left to the right.
func zigzag(n int) []sidecar.Point {
	l := make([]sidecar.Point, n)
	for i := range l {
		l[i] = sidecar.Point{0.1 + 0.8*float64(i)/float64(n-1), 0.45 + 0.1*float64(i%2)}
	}
	return l
}

func TestNewNamesThePlace(t *testing.T) {
	second := across
	for want, change := range map[string]func(){
		"functions[1].id: ":         func() {},
		"functions[1].classes[0]: ": func() { second.ID, second.Classes = "b", []sidecar.Class{"x"} },
	} {
		second = across
		change()
		a, err := New(sidecar.Camera{Functions: []sidecar.Function{across, second}}, Options{})
		var bad *sidecar.FieldError
		if a != nil || !errors.As(err, &bad) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	many := make([]sidecar.Function, most+1)
	if _, err := New(sidecar.Camera{Functions: many}, Options{}); err == nil || !contain(err.Error(), "65 functions") {
		t.Errorf("got %v, want too many", err)
	}
}

func ExampleCheck() {
	fmt.Println(Check(sidecar.Function{ID: "gate", Kind: "line", Line: []sidecar.Point{{0.1, 0.5}, {1.2, 0.5}}}))
	// Output: line[1]: point 1.2, 0.5 lies outside of the picture; use coordinates from 0 to 1
}
