package republish

import (
	"strconv"
	"time"

	"pantau/onvif/metadata"
	"pantau/sidecar"
)

// source is the analytics module's name in the documents.
const source = "pantau"

// frame makes ONVIF's scene description of a scene at its time.
func frame(s *sidecar.Scene, at time.Time) metadata.Frame {
	f := metadata.Frame{Time: at, Source: source}
	for i := range s.Tracks {
		t := &s.Tracks[i]
		if !t.Confirmed {
			continue
		}
		o := metadata.Object{ID: uint64(t.ID), Box: metadata.FromPicture(t.Box.Left, t.Box.Top, t.Box.Right, t.Box.Bottom), Speed: t.KMH / 3.6}
		o.Classes, o.Vehicle = metadata.Classify(string(t.Class), t.Score)
		f.Objects = append(f.Objects, o)
	}
	for i := range s.Ended {
		if id := s.Ended[i].ID; id != 0 {
			f.Deleted = append(f.Deleted, uint64(id))
		}
	}
	for _, m := range s.Merged {
		f.Merges = append(f.Merges, metadata.Merge{From: []uint64{uint64(m.From), uint64(m.Into)}, To: uint64(m.Into)})
	}
	return f
}

// notifications makes ONVIF's events of ours, as far as there are such. counts is how
// many have crossed each line, and is kept up.
func notifications(camera string, events []sidecar.Event, counts map[string]int) []metadata.Notification {
	var all []metadata.Notification
	tell := func(topic string, e *sidecar.Event, rule string, op metadata.Operation, data ...metadata.Item) {
		all = append(all, metadata.Notification{Topic: topic, Time: e.Time, Operation: op, Data: data,
			Source: []metadata.Item{{Name: "VideoSource", Value: camera}, {Name: "Rule", Value: rule}}})
	}
	for i := range events {
		e := &events[i]
		switch d := e.Data.(type) {
		case sidecar.Crossing:
			tell(metadata.LineCrossed, e, d.Rule, "", metadata.Item{Name: "ObjectId", Value: d.Track},
				metadata.Item{Name: "ClassTypes", Value: types(d.Class)}, metadata.Item{Name: "Direction", Value: string(d.Direction)})
			counts[d.Rule]++
			tell(metadata.Counter, e, d.Rule, metadata.Changed, metadata.Item{Name: "Count", Value: strconv.Itoa(counts[d.Rule])})
		case sidecar.Correction:
			if d.Direction != "" && counts[d.Rule] > 0 {
				counts[d.Rule]--
				tell(metadata.Counter, e, d.Rule, metadata.Changed, metadata.Item{Name: "Count", Value: strconv.Itoa(counts[d.Rule])})
			}
		case sidecar.ZoneChange:
			tell(metadata.ObjectsInside, e, d.Rule, metadata.Changed, metadata.Item{Name: "IsInside", Value: strconv.FormatBool(e.Type == sidecar.ZoneEntered)},
				metadata.Item{Name: "ObjectId", Value: d.Track})
		case sidecar.Loitering:
			tell(metadata.ObjectLoitering, e, d.Rule, metadata.Changed, metadata.Item{Name: "Since", Value: d.Since}, metadata.Item{Name: "ObjectId", Value: d.Track})
		}
	}
	return all
}

// types are ONVIF's names of a class, as a tt:StringList.
func types(c sidecar.Class) (text string) {
	classes, _ := metadata.Classify(string(c), 1)
	for i, l := range classes {
		if i > 0 {
			text += " "
		}
		text += l.Name
	}
	return text
}
