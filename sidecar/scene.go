package sidecar

import (
	"encoding/json"
	"strconv"
	"time"
)

// Detection is one object that a detector found in one frame.
type Detection struct {
	Class  Class
	Score  float64 // of Class, 0..1
	Box    Box
	Scores Scores // of all classes
}

// TrackID numbers the tracks of one camera in one epoch, from 1. Zero is no track.
type TrackID uint64

// String is the number in decimal: ids are strings on the wire.
func (id TrackID) String() string { return strconv.FormatUint(uint64(id), 10) }

// Motion says whether a tracked object moves.
type Motion string

// The states of motion.
const (
	Moving  Motion = "moving"
	Stopped Motion = "stopped"
)

// Track is one object followed over frames. Its ID is zero until it is
// Confirmed, so that nothing can count what the tracker is not sure of.
type Track struct {
	ID        TrackID
	Confirmed bool
	Class     Class
	Share     float64       // of Class in the evidence of all classes over the track's life, 0..1; 0: not known
	Score     float64       // of the newest detection, 0..1
	Box       Box           // the filter's estimate at this frame
	Observed  bool          // a detection of this frame belongs to it; otherwise Box is a prediction
	Age       int           // frames since it was born
	Born      time.Duration // media time of its first detection
	Start     Box           // its first detection, at Born: where its way begins, before it was Confirmed
	Motion    Motion
	Velocity  Point    // of the box's centre, 1/s of the picture's width and height
	KMH       float64  // speed on the ground where a function measures it; filled by the analytics
	Zones     []string // ids of the zones it is in; filled by the analytics, shared and read-only
}

// Merge says that two tracks turned out to be one object: From is given up, and
// what is known of it belongs to Into from now on. Both had been confirmed.
type Merge struct {
	From, Into TrackID
}

// Zone is the number of objects in a zone in one frame.
type Zone struct {
	ID     string
	Counts []ClassCount
	Bays   []string // names of those that are taken, of a function with bays
}

// ClassCount is a number of objects of one class.
type ClassCount struct {
	Class Class
	N     int
}

// Latency is what one frame waited for, on this machine's clock.
type Latency struct {
	Receive time.Duration // capture to arrival; only with TimeRTCP
	Decode  time.Duration
	Wait    time.Duration // decoded, until the detector took it
	Infer   time.Duration
	Total   time.Duration // capture (or arrival, where that is not known) to the finished scene
}

// Scene is what one analysed frame showed: everything but the pixels.
type Scene struct {
	Stamp
	Camera  string
	Seq     uint64 // counts the analysed frames of the epoch from 1
	Width   int    // of the frame, pixels
	Height  int
	Looked  []Box  // what of the picture was looked at, shared and read-only; none: the whole of it
	Model   string // name@version
	Rules   string // version of the camera's functions, such as "r17"
	Latency Latency
	View    View    // what the picture shows of the scene that the rules were drawn on
	Tracks  []Track // all that are followed now
	Ended   []Track // those that were given up with this frame
	Merged  []Merge // tracks that turned out to be one object
	Zones   []Zone  // filled by the analytics; shared and read-only
}

// TimeFormat is RFC 3339 in UTC with microseconds: the times on the wire.
const TimeFormat = "2006-01-02T15:04:05.000000Z"

// AppendJSON appends the scene as in pantau:frames (docs/streams.md). Only
// confirmed tracks are in it.
func (s *Scene) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"cam":`...)
	dst = appendString(dst, s.Camera)
	dst = append(dst, `,"seq":`...)
	dst = strconv.AppendUint(dst, s.Seq, 10)
	dst = append(dst, `,"epoch":`...)
	dst = appendString(dst, s.Epoch)
	dst = append(dst, `,"ts":"`...)
	dst = s.Capture.UTC().AppendFormat(dst, TimeFormat)
	dst = append(dst, `","ts_source":`...)
	dst = appendString(dst, string(s.Source))
	dst = append(dst, `,"rtp":`...)
	dst = strconv.AppendUint(dst, uint64(s.RTPTime), 10)
	dst = append(dst, `,"pts":`...)
	dst = strconv.AppendInt(dst, s.PTS, 10)
	dst = append(dst, `,"pts_us":`...)
	dst = strconv.AppendInt(dst, s.Media().Microseconds(), 10)
	dst = append(dst, `,"clock":`...)
	dst = strconv.AppendInt(dst, int64(s.ClockRate), 10)
	dst = append(dst, `,"w":`...)
	dst = strconv.AppendInt(dst, int64(s.Width), 10)
	dst = append(dst, `,"h":`...)
	dst = strconv.AppendInt(dst, int64(s.Height), 10)
	dst = append(dst, `,"lat_ms":`...)
	dst = s.Latency.appendJSON(dst)
	dst = append(dst, `,"model":`...)
	dst = appendString(dst, s.Model)
	dst = append(dst, `,"rules":`...)
	dst = appendString(dst, s.Rules)
	dst = append(dst, `,"objects":[`...)
	n := 0
	for i := range s.Tracks {
		if !s.Tracks[i].Confirmed {
			continue
		}
		if n++; n > 1 {
			dst = append(dst, ',')
		}
		dst = s.Tracks[i].appendJSON(dst)
	}
	dst = append(dst, `],"zones":[`...)
	for i := range s.Zones {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = s.Zones[i].appendJSON(dst)
	}
	dst = append(dst, ']')
	for i, b := range s.Looked {
		if i == 0 {
			dst = append(dst, `,"looked":[`...)
		} else {
			dst = append(dst, ',')
		}
		dst = b.AppendJSON(dst)
	}
	if len(s.Looked) > 0 {
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

func (l Latency) appendJSON(dst []byte) []byte {
	for i, d := range [5]time.Duration{l.Receive, l.Decode, l.Wait, l.Infer, l.Total} {
		dst = append(dst, [5]string{`{"recv":`, `,"decode":`, `,"wait":`, `,"infer":`, `,"total":`}[i]...)
		dst = appendDecimal(dst, float64(d)/float64(time.Millisecond), 1)
	}
	return append(dst, '}')
}

func (t *Track) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"id":"`...)
	dst = strconv.AppendUint(dst, uint64(t.ID), 10)
	dst = append(dst, `","cls":`...)
	dst = appendString(dst, string(t.Class))
	dst = append(dst, `,"conf":`...)
	dst = appendDecimal(dst, t.Score, 3)
	if t.Share > 0 {
		dst = append(dst, `,"cls_conf":`...)
		dst = appendDecimal(dst, t.Share, 3)
	}
	dst = append(dst, `,"box":`...)
	dst = t.Box.AppendJSON(dst)
	dst = append(dst, `,"state":`...)
	dst = appendString(dst, string(t.Motion))
	dst = append(dst, `,"age":`...)
	dst = strconv.AppendInt(dst, int64(t.Age), 10)
	if t.KMH > 0 {
		dst = append(dst, `,"kmh":`...)
		dst = appendDecimal(dst, t.KMH, 1)
	}
	if len(t.Zones) > 0 {
		dst = append(dst, `,"zones":[`...)
		for i, z := range t.Zones {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendString(dst, z)
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

func (z *Zone) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendString(dst, z.ID)
	dst = append(dst, `,"counts":{`...)
	for i, c := range z.Counts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, string(c.Class))
		dst = append(dst, ':')
		dst = strconv.AppendInt(dst, int64(c.N), 10)
	}
	return append(dst, "}}"...)
}

// appendString appends s as a JSON string. Identifiers need no escapes and take
// the short way.
func appendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c > 0x7e || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, err := json.Marshal(s)
			if err != nil { // cannot happen: every string marshals
				return append(dst, `""`...)
			}
			return append(dst, quoted...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}
