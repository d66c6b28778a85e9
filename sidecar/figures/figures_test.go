package figures

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pantau/sidecar"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func camera(functions ...sidecar.Function) sidecar.Camera {
	return sidecar.Camera{ID: "a", Functions: functions}
}

func lot() sidecar.Function {
	return sidecar.Function{ID: "lot", Kind: "parking", Bays: map[string]sidecar.Polygon{"A1": nil, "A2": nil}}
}

func parked(bay, id, arrived string) sidecar.Event {
	return sidecar.Event{ID: id, Camera: "a", Type: sidecar.ParkingOccupied,
		Data: sidecar.ParkingChange{Origin: sidecar.Origin{Rule: "lot"}, Bay: bay, Class: sidecar.Car, Arrived: arrived}}
}

func freed(bay, begun string, stay float64) sidecar.Event {
	return sidecar.Event{ID: begun + "f", Camera: "a", Type: sidecar.ParkingFreed,
		Data: sidecar.ParkingChange{Origin: sidecar.Origin{Rule: "lot"}, Bay: bay, Class: sidecar.Car, Begun: begun, Stay: stay}}
}

func of(t *testing.T, b *Board) Figures {
	t.Helper()
	f, ok := b.Of("a", noon, nil)
	if !ok {
		t.Fatal("the camera is not there")
	}
	return f
}

func bays(f Figures) string {
	text := ""
	for _, s := range f.States {
		for _, p := range s.Parked {
			text += p.Bay + " "
		}
	}
	return text
}

func TestParkingFollowsWhoComesAndGoes(t *testing.T) {
	b := NewBoard()
	b.Camera(camera(lot()))
	b.Facts([]sidecar.Event{parked("A2", "2", "12:05"), parked("A1", "1", "12:01")}, nil)
	if got := bays(of(t, b)); got != "A1 A2 " {
		t.Errorf("got %q, want both by arrival", got)
	}
	b.Facts([]sidecar.Event{freed("A1", "1", 40), parked("A2", "3", "12:09"), freed("A2", "2", 90), freed("A9", "none", 50)}, nil)
	f := of(t, b)
	if got := bays(f); got != "A2 " {
		t.Errorf("got %q, want the second vehicle of A2 alone", got)
	}
	if got, want := *f.States[0].Stays, (Stays{N: 3, Median: 50, Longest: 90}); got != want {
		t.Errorf("got stays %+v, want %+v", got, want)
	}
}

// Vehicles at a kerb have no bay, and do not take each other's place.
func TestKerbHoldsMany(t *testing.T) {
	b := NewBoard()
	b.Camera(camera(lot()))
	b.Facts([]sidecar.Event{parked("", "1", "12:01"), parked("", "2", "12:02"), freed("", "1", 5)}, nil)
	if got := len(of(t, b).States[0].Parked); got != 1 {
		t.Errorf("got %d vehicles, want 1", got)
	}
}

func TestLevelsAreTheNewest(t *testing.T) {
	b := NewBoard()
	b.Camera(camera(sidecar.Function{ID: "jam"}, sidecar.Function{ID: "square"}))
	level := func(to string) sidecar.Event {
		return sidecar.Event{Camera: "a", Data: sidecar.CongestionChange{Origin: sidecar.Origin{Rule: "jam"}, To: to}}
	}
	crowd := sidecar.Event{Camera: "a", Data: sidecar.LevelChange{Origin: sidecar.Origin{Rule: "square"}, To: -1}}
	other := sidecar.Event{Camera: "b", Data: sidecar.CongestionChange{Origin: sidecar.Origin{Rule: "jam"}, To: "F"}}
	b.Facts([]sidecar.Event{level("B"), crowd, level("C"), other}, nil)
	f := of(t, b)
	if len(f.States) != 2 || f.States[0].Congestion.To != "C" || f.States[1].Crowd.To != -1 {
		t.Errorf("got %+v", f.States)
	}
}

func TestOtherRulesForgetTheirStatesOnly(t *testing.T) {
	b := NewBoard()
	square := sidecar.Function{ID: "square", Kind: "crowd", Levels: []int{10}}
	b.Camera(camera(lot(), square))
	b.Facts([]sidecar.Event{parked("A1", "1", "12:01"),
		{Camera: "a", Data: sidecar.LevelChange{Origin: sidecar.Origin{Rule: "square"}, To: 1}}}, nil)
	square.Levels = []int{20}
	b.Camera(camera(lot(), square))
	if got := of(t, b).States; len(got) != 1 || got[0].Rule != "lot" {
		t.Fatalf("got %+v, want the lot alone", got)
	}
	moved := camera(lot(), square)
	moved.Source.RTSP = "rtsp://elsewhere"
	b.Camera(moved)
	if got := of(t, b).States; len(got) != 0 {
		t.Errorf("got %+v of another video", got)
	}
	b.Remove("a")
	if _, ok := b.Of("a", noon, nil); ok {
		t.Error("the camera is still there")
	}
}

func minute(i, rev int, uptime float64, flags ...string) sidecar.Count {
	from := noon.Add(time.Duration(i) * time.Minute)
	return sidecar.Count{Camera: "a", From: from, To: from.Add(time.Minute), Rev: rev, Uptime: uptime, Flags: flags}
}

func TestMinutesAreRevisedAndAnHourIsKept(t *testing.T) {
	b := NewBoard()
	b.Camera(camera())
	if f := of(t, b); f.Minute != nil || f.Hour.Minutes != 0 || f.Hour.Uptime != 0 {
		t.Errorf("got %+v before anything was counted", f)
	}
	b.Facts(nil, []sidecar.Count{minute(1, 1, 0.5, "gaps"), minute(0, 0, 1), minute(1, 0, 0.1, "rain")})
	f := of(t, b)
	if !f.Minute.From.Equal(noon.Add(time.Minute)) || f.Minute.Uptime != 0.5 || f.Hour.Uptime != 0.75 || fmt.Sprint(f.Hour.Flags) != "[gaps]" {
		t.Errorf("got %+v and %+v", f.Minute, f.Hour)
	}
	for i := range 100 {
		b.Facts(nil, []sidecar.Count{minute(i, 2, 1)})
	}
	if got := of(t, b).Hour; got.Minutes != 60 || got.Uptime != 1 {
		t.Errorf("got %+v, want an hour", got)
	}
}

func TestTheMinuteHasEnded(t *testing.T) {
	b := NewBoard()
	b.Camera(camera())
	connecting := minute(0, 0, 0)
	connecting.To = connecting.From.Add(900 * time.Millisecond)
	rest := minute(0, 0, 1)
	rest.From = connecting.To
	b.Facts(nil, []sidecar.Count{connecting})
	if f := of(t, b); f.Minute != nil || f.Hour.Minutes != 1 {
		t.Errorf("got %+v while the first minute lasts", f.Minute)
	}
	lost := minute(1, 0, 1)
	lost.To = lost.From.Add(20 * time.Second)
	b.Facts(nil, []sidecar.Count{rest, lost})
	if f := of(t, b); f.Minute == nil || !f.Minute.From.Equal(rest.From) {
		t.Errorf("got %+v, want what was observed of the first minute", f.Minute)
	}
}

func TestStaysAreBounded(t *testing.T) {
	b := NewBoard()
	b.Camera(camera(lot()))
	for i := range 2 * newestStays {
		b.Facts([]sidecar.Event{freed("A1", "x", float64(i))}, nil)
	}
	if got := of(t, b).States[0].Stays; got.N != newestStays || got.Longest != 2*newestStays-1 {
		t.Errorf("got %+v", got)
	}
}

// A restart is nothing to what is shown; functions that are others by then begin anew.
func TestFiguresSurviveARestart(t *testing.T) {
	square := sidecar.Function{ID: "square", Kind: "crowd", Levels: []int{10}}
	b := NewBoard()
	b.Camera(camera(lot(), square))
	b.Facts([]sidecar.Event{parked("A1", "1", "12:01"), parked("A2", "2", "12:05"), freed("A1", "1", 40),
		{Camera: "a", Data: sidecar.LevelChange{Origin: sidecar.Origin{Rule: "square"}, To: 1}}},
		[]sidecar.Count{minute(0, 0, 1), minute(1, 0, 0.5, "gaps")})
	kept, err := b.Memory("a", []sidecar.Event{parked("A1", "3", "12:06")}, []sidecar.Count{minute(2, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if got := bays(of(t, b)); got != "A2 " {
		t.Errorf("got %q: facts that are not published yet are shown", got)
	}
	b.Facts([]sidecar.Event{parked("A1", "3", "12:06")}, []sidecar.Count{minute(2, 0, 1)})
	next := NewBoard()
	next.Camera(camera(lot(), square))
	if err := next.Recall("a", kept); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprintf("%+v", text(t, next)), fmt.Sprintf("%+v", text(t, b)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	next.Facts([]sidecar.Event{freed("A2", "2", 90)}, nil)
	if got := bays(of(t, next)); got != "A1 " {
		t.Errorf("got %q after who was there before has gone", got)
	}
	square.Levels = []int{20}
	other := NewBoard()
	other.Camera(camera(lot(), square))
	if err := other.Recall("a", kept); err != nil {
		t.Fatal(err)
	}
	if f := of(t, other); len(f.States) != 1 || f.States[0].Rule != "lot" || f.Hour.Minutes != 3 {
		t.Errorf("got %+v", f)
	}
	if other.Recall("a", []byte("{")) == nil {
		t.Error("what is damaged is taken")
	}
}

func text(t *testing.T, b *Board) string {
	t.Helper()
	text, err := json.Marshal(of(t, b))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
