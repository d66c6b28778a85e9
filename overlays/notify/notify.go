// Package notify tells what happened before a camera in ONVIF's words: the events of
// its rules as notifications (ONVIF Analytics Service Specification, annex A), and
// which properties hold now (Core 9.5).
//
//	count.crossing     LineDetector/Crossed; CountAggregation/Counter counts both directions
//	zone.entered, left FieldDetector/ObjectsInside: whether anybody is inside
//	zone.loitering     LoiteringDetector/ObjectIsLoitering, deleted when the object leaves
//	parking.*          CountAggregation/OccupancyCounter; FieldDetector/ObjectsInside of each bay, rule/bay
//	crowd.level        CountAggregation/OccupancyCounter, with the level; not where nobody can be counted
//	congestion.level   pantau:Congestion, a topic of ours: ONVIF has none
//	correction         what follows from it for those above
package notify

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"pantau/onvif/metadata"
	"pantau/sidecar"
)

// Teller tells of one camera. It is for one goroutine at a time.
type Teller struct {
	camera string
	counts map[string]int                   // crossings by line, since the beginning
	inside map[string][]visit               // who is in a zone, in the order of coming
	holds  map[string]metadata.Notification // the newest value of each property, by key
	all    []metadata.Notification          // of this Tell
}

// visit is one stay in a zone.
type visit struct {
	entry, track string // ids of the event and of the track
	loiters      bool
}

// mostInside is how many objects a zone remembers.
const mostInside = 10_000

// New makes a Teller that has seen nothing.
func New(camera string) *Teller {
	return &Teller{camera: camera, counts: map[string]int{}, inside: map[string][]visit{}, holds: map[string]metadata.Notification{}}
}

// Tell makes the notifications of events, which come in their order and none left out.
func (t *Teller) Tell(events []sidecar.Event) []metadata.Notification {
	t.all = nil
	for i := range events {
		e := &events[i]
		switch d := e.Data.(type) {
		case sidecar.Crossing:
			t.event(metadata.LineCrossed, e, d.Rule, item("ObjectId", d.Track), item("ClassTypes", types(d.Class)), item("Direction", string(d.Direction)))
			t.count(e, d.Rule, 1)
		case sidecar.ZoneChange:
			t.zone(e, d)
		case sidecar.Loitering:
			t.loiter(e, d)
		case sidecar.ParkingChange:
			t.parking(e, d)
		case sidecar.LevelChange:
			if d.Count != nil {
				t.property(metadata.OccupancyCounter, e, d.Rule, "", number("Count", *d.Count), number("Level", d.To))
			}
		case sidecar.CongestionChange:
			t.property(metadata.Congestion, e, d.Rule, "", item("Level", d.To), number("Queue", d.Queue))
		case sidecar.Correction:
			t.correct(e, d)
		}
	}
	return t.all
}

// Holding gives the properties that hold, as one who begins to listen is told of
// them (Core 9.5.3), in a fixed order.
func (t *Teller) Holding(at time.Time) []metadata.Notification {
	var all []metadata.Notification
	for _, n := range t.holds {
		n.Operation, n.Time = metadata.Initialized, at
		all = append(all, n)
	}
	slices.SortFunc(all, func(a, b metadata.Notification) int { return strings.Compare(key(a), key(b)) })
	return all
}

// Keep forgets the rules that are not among a camera's functions any more.
func (t *Teller) Keep(functions []sidecar.Function) {
	gone := func(rule string) bool {
		rule, _, _ = strings.Cut(rule, "/") // of a bay
		return !slices.ContainsFunc(functions, func(f sidecar.Function) bool { return f.ID == rule })
	}
	for rule := range t.counts {
		if gone(rule) {
			delete(t.counts, rule)
		}
	}
	for rule := range t.inside {
		if gone(rule) {
			delete(t.inside, rule)
		}
	}
	for k, n := range t.holds {
		if gone(n.Source[1].Value) {
			delete(t.holds, k)
		}
	}
}

// count adds to what has crossed a line.
func (t *Teller) count(e *sidecar.Event, rule string, n int) {
	t.counts[rule] = max(0, t.counts[rule]+n)
	t.property(metadata.Counter, e, rule, "", number("Count", t.counts[rule]))
}

// zone tells whether anybody is inside, and who came or went.
func (t *Teller) zone(e *sidecar.Event, d sidecar.ZoneChange) {
	if e.Type == sidecar.ZoneEntered {
		if len(t.inside[d.Rule]) < mostInside {
			t.inside[d.Rule] = append(t.inside[d.Rule], visit{entry: e.ID, track: d.Track})
		}
	} else {
		t.leave(e, d.Rule, func(v visit) bool { return v.track == d.Track })
	}
	t.isInside(e, d.Rule, len(t.inside[d.Rule]) > 0, d.Track)
}

func (t *Teller) isInside(e *sidecar.Event, rule string, is bool, track string) {
	t.property(metadata.ObjectsInside, e, rule, "", item("IsInside", strconv.FormatBool(is)), item("ObjectId", track))
}

// leave ends a visit: the one that is meant, or the oldest where a track goes by
// another id than it came.
func (t *Teller) leave(e *sidecar.Event, rule string, is func(visit) bool) {
	all := t.inside[rule]
	if len(all) == 0 {
		return
	}
	i := max(0, slices.IndexFunc(all, is))
	if v := all[i]; v.loiters {
		t.delete(metadata.ObjectLoitering, e, rule, v.track)
	}
	t.inside[rule] = slices.Delete(all, i, i+1)
}

func (t *Teller) loiter(e *sidecar.Event, d sidecar.Loitering) {
	all := t.inside[d.Rule]
	i := slices.IndexFunc(all, func(v visit) bool { return v.entry == d.Begun })
	if i < 0 {
		return
	}
	all[i].loiters, all[i].track = true, d.Track
	t.property(metadata.ObjectLoitering, e, d.Rule, d.Track, item("Since", d.Since), item("ObjectId", d.Track))
}

func (t *Teller) parking(e *sidecar.Event, d sidecar.ParkingChange) {
	if d.Bay != "" {
		t.isInside(e, d.Rule+"/"+d.Bay, e.Type == sidecar.ParkingOccupied, d.Track)
	}
	t.property(metadata.OccupancyCounter, e, d.Rule, "", number("Count", d.Occupied))
}

// correct takes back a crossing or an entry. Turns are not told, so they need nothing.
func (t *Teller) correct(e *sidecar.Event, d sidecar.Correction) {
	if d.Direction != "" {
		t.count(e, d.Rule, -1)
		return
	}
	of := func(v visit) bool { return v.entry == d.Withdraws }
	if slices.ContainsFunc(t.inside[d.Rule], of) {
		t.leave(e, d.Rule, of)
		t.isInside(e, d.Rule, len(t.inside[d.Rule]) > 0, d.Track)
	}
}

// event tells what is no property.
func (t *Teller) event(topic string, e *sidecar.Event, rule string, data ...metadata.Item) {
	t.all = append(t.all, metadata.Notification{Topic: topic, Time: e.Time, Data: data,
		Source: metadata.RuleSource(t.camera, rule)})
}

// property tells a property's new value. Those of one rule are told apart by the object.
func (t *Teller) property(topic string, e *sidecar.Event, rule, object string, data ...metadata.Item) {
	t.event(topic, e, rule, data...)
	n := &t.all[len(t.all)-1]
	n.Operation = metadata.Changed
	if object != "" {
		n.Key = []metadata.Item{item("ObjectId", object)}
	}
	t.holds[key(*n)] = *n
}

// delete ends a property.
func (t *Teller) delete(topic string, e *sidecar.Event, rule, object string) {
	n := metadata.Notification{Topic: topic, Source: metadata.RuleSource(t.camera, rule), Key: []metadata.Item{item("ObjectId", object)}}
	n, held := t.holds[key(n)]
	if !held {
		return
	}
	delete(t.holds, key(n))
	n.Operation, n.Time = metadata.Deleted, e.Time
	t.all = append(t.all, n)
}

// key names a property of this camera.
func key(n metadata.Notification) string {
	k := n.Topic + " " + n.Source[1].Value
	for _, i := range n.Key {
		k += " " + i.Value
	}
	return k
}

func item(name, value string) metadata.Item { return metadata.Item{Name: name, Value: value} }

func number(name string, n int) metadata.Item { return item(name, strconv.Itoa(n)) }

// types are ONVIF's names of a class, as a tt:StringList.
func types(c sidecar.Class) string {
	classes, _ := metadata.Classify(string(c), 1)
	names := make([]string, len(classes))
	for i, l := range classes {
		names[i] = l.Name
	}
	return strings.Join(names, " ")
}
