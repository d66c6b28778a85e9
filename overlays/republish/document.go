package republish

import (
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
