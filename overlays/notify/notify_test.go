package notify_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pantau/onvif/metadata"
	"pantau/overlays/notify"
	"pantau/sidecar"
)

var at = time.Date(2026, 11, 23, 13, 5, 46, 0, time.UTC)

// short writes a notification on one line: topic's end, rule, key, operation, data.
func short(n metadata.Notification) string {
	text := n.Topic[strings.LastIndex(n.Topic, "/")+1:] + " " + n.Source[1].Value
	for _, k := range n.Key {
		text += "[" + k.Value + "]"
	}
	text += " " + string(n.Operation)
	for _, d := range n.Data {
		text += " " + d.Name + "=" + d.Value
	}
	return text
}

func TestEventsInONVIFsWords(t *testing.T) {
	teller, two := notify.New("cam"), 2
	of := func(rule string) sidecar.Origin { return sidecar.Origin{Camera: "cam", Rule: rule} }
	cross := func(dir sidecar.Direction) any {
		return sidecar.Crossing{Origin: of("line"), Track: "7", Class: sidecar.Motorcycle, Direction: dir}
	}
	in := func(track string) any { return sidecar.ZoneChange{Origin: of("zone"), Track: track} }
	for _, c := range []struct {
		name  string
		typ   sidecar.EventType
		id    string
		data  any
		wants []string
	}{
		{"one crosses", sidecar.CountCrossing, "c1", cross(sidecar.In), []string{"Crossed line  ObjectId=7 ClassTypes=Bike Vehicle Direction=in", "Counter line Changed Count=1"}},
		{"another", sidecar.CountCrossing, "c2", cross(sidecar.Out), []string{"Crossed line  ObjectId=7 ClassTypes=Bike Vehicle Direction=out", "Counter line Changed Count=2"}},
		{"who was counted before", sidecar.CorrectionMade, "c3", sidecar.Correction{Origin: of("line"), Withdraws: "c2", Direction: sidecar.Out}, []string{"Counter line Changed Count=1"}},
		{"a turn is taken back", sidecar.CorrectionMade, "c4", sidecar.Correction{Origin: of("turns"), From: "a"}, nil},
		{"the first comes", sidecar.ZoneEntered, "e1", in("1"), []string{"ObjectsInside zone Changed IsInside=true ObjectId=1"}},
		{"the second", sidecar.ZoneEntered, "e2", in("2"), []string{"ObjectsInside zone Changed IsInside=true ObjectId=2"}},
		{"the first stays", sidecar.ZoneLoitering, "l1", sidecar.Loitering{Origin: of("zone"), Track: "1", Since: "s", Begun: "e1"}, []string{"ObjectIsLoitering zone[1] Changed Since=s ObjectId=1"}},
		{"a stay of nobody", sidecar.ZoneLoitering, "l2", sidecar.Loitering{Origin: of("zone"), Track: "9", Since: "s", Begun: "e9"}, nil},
		{"the first goes, the second is there", sidecar.ZoneLeft, "x1", in("1"), []string{"ObjectIsLoitering zone[1] Deleted Since=s ObjectId=1", "ObjectsInside zone Changed IsInside=true ObjectId=1"}},
		{"the third comes", sidecar.ZoneEntered, "e3", in("3"), []string{"ObjectsInside zone Changed IsInside=true ObjectId=3"}},
		{"the third was the second", sidecar.CorrectionMade, "k1", sidecar.Correction{Origin: of("zone"), Withdraws: "e3", Track: "2"}, []string{"ObjectsInside zone Changed IsInside=true ObjectId=2"}},
		{"it goes by another id", sidecar.ZoneLeft, "x2", in("3"), []string{"ObjectsInside zone Changed IsInside=false ObjectId=3"}},
		{"nobody goes", sidecar.ZoneLeft, "x3", in("8"), []string{"ObjectsInside zone Changed IsInside=false ObjectId=8"}},
		{"a bay is taken", sidecar.ParkingOccupied, "p1", sidecar.ParkingChange{Origin: of("lot"), Bay: "A01", Track: "5", Occupied: 4}, []string{"ObjectsInside lot/A01 Changed IsInside=true ObjectId=5", "OccupancyCounter lot Changed Count=4"}},
		{"and free", sidecar.ParkingFreed, "p2", sidecar.ParkingChange{Origin: of("lot"), Bay: "A01", Track: "5", Occupied: 3}, []string{"ObjectsInside lot/A01 Changed IsInside=false ObjectId=5", "OccupancyCounter lot Changed Count=3"}},
		{"a crowd", sidecar.CrowdLevel, "w1", sidecar.LevelChange{Origin: of("crowd"), From: 0, To: 1, Count: &two}, []string{"OccupancyCounter crowd Changed Count=2 Level=1"}},
		{"too dense to be counted", sidecar.CrowdLevel, "w2", sidecar.LevelChange{Origin: of("crowd"), From: 1, To: -1}, nil},
		{"a jam", sidecar.CongestionLevel, "j1", sidecar.CongestionChange{Origin: of("jam"), From: "A", To: "F", Queue: 12}, []string{"pantau:Congestion jam Changed Level=F Queue=12"}},
		{"what ONVIF has not", sidecar.CameraState, "s1", sidecar.StateChange{}, nil},
	} {
		all := teller.Tell([]sidecar.Event{{ID: c.id, Type: c.typ, Camera: "cam", Time: at, Data: c.data}})
		var got []string
		for _, n := range all {
			got = append(got, short(n))
			if n.Time != at || !slices.Equal(n.Source, metadata.RuleSource("cam", n.Source[1].Value)) {
				t.Errorf("%s: %+v", c.name, n)
			}
		}
		if !slices.Equal(got, c.wants) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.wants)
		}
	}
	holding := func() (got []string) {
		for _, n := range teller.Holding(at) {
			got = append(got, short(n))
		}
		return got
	}
	want := []string{"Counter line Initialized Count=1", "OccupancyCounter crowd Initialized Count=2 Level=1", "OccupancyCounter lot Initialized Count=3",
		"ObjectsInside lot/A01 Initialized IsInside=false ObjectId=5", "ObjectsInside zone Initialized IsInside=false ObjectId=8", "pantau:Congestion jam Initialized Level=F Queue=12"}
	if got := holding(); !slices.Equal(got, want) {
		t.Errorf("holding %q, want %q", got, want)
	}
	teller.Keep([]sidecar.Function{{ID: "lot"}})
	if got := holding(); !slices.Equal(got, want[2:4]) {
		t.Errorf("holding %q of lot, want %q", got, want[2:4])
	}
}
