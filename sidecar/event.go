package sidecar

import (
	"strconv"
	"time"
)

// EventType names what happened, without the prefix "pantau." and the major
// version, which package publish adds on the wire.
type EventType string

// The types of events.
const (
	CountCrossing   EventType = "count.crossing"   // data: Crossing
	CountTurn       EventType = "count.turn"       // data: Turn
	ZoneEntered     EventType = "zone.entered"     // data: ZoneChange
	ZoneLeft        EventType = "zone.left"        // data: ZoneChange
	ZoneLoitering   EventType = "zone.loitering"   // data: Loitering
	ParkingOccupied EventType = "parking.occupied" // data: ParkingChange
	ParkingFreed    EventType = "parking.freed"    // data: ParkingChange
	CrowdLevel      EventType = "crowd.level"      // data: LevelChange
	CongestionLevel EventType = "congestion.level" // data: CongestionChange
	TrackEnded      EventType = "track.ended"      // data: TrackSummary
	CorrectionMade  EventType = "correction"       // data: Correction
	CameraState     EventType = "camera.state"     // data: StateChange
	CameraEvent     EventType = "camera.event"     // data: DeviceEvent
	CameraGap       EventType = "camera.gap"       // data: DeviceGap
)

// Direction is the way over a line. In is from the left hand to the right hand of
// who walks along it from its first to its last point, as seen in the picture.
type Direction string

// The directions.
const (
	In  Direction = "in"
	Out Direction = "out"
)

// Event is one fact. Its ID is deterministic, so that a replay can be recognised.
type Event struct {
	ID      string // EventID
	Type    EventType
	Camera  string
	Subject string    // camera/rule, or the camera
	Time    time.Time // capture time of the frame, UTC
	Data    any       // a struct of this file, marshalled as JSON
}

// EventID makes the deterministic id of an event: camera/rule/epoch/track/n, n
// counting from 1 the events of that track and rule.
func EventID(camera, rule, epoch string, track TrackID, n int) string {
	b := make([]byte, 0, len(camera)+len(rule)+len(epoch)+24)
	b = append(append(b, camera...), '/')
	b = append(append(b, rule...), '/')
	b = append(append(b, epoch...), '/')
	b = strconv.AppendUint(b, uint64(track), 10)
	b = append(b, '/')
	return string(strconv.AppendInt(b, int64(n), 10))
}

// Origin says which frame and which rule an event is about. Every event carries it.
type Origin struct {
	Camera string `json:"cam"`
	Rule   string `json:"rule"` // id of the function; empty for events of the camera itself
	Epoch  string `json:"epoch"`
	RTP    uint32 `json:"rtp"`
	PTS    int64  `json:"pts_us"` // media time of the frame since the epoch began, microseconds
	Model  string `json:"model"`
	Rules  string `json:"rules"`
}

// OriginOf fills an Origin from the scene in which something happened.
func OriginOf(s *Scene, rule string) Origin {
	return Origin{Camera: s.Camera, Rule: rule, Epoch: s.Epoch, RTP: s.RTPTime,
		PTS: s.Media().Microseconds(), Model: s.Model, Rules: s.Rules}
}

// Crossing is the data of CountCrossing: one object passed a line once.
type Crossing struct {
	Origin
	Track     string    `json:"track"`
	Class     Class     `json:"cls"`
	Share     float64   `json:"cls_conf,omitempty"` // of the class in all that was seen of the object, 0..1
	Direction Direction `json:"dir"`
	At        Point     `json:"at"` // where the path cuts the line
	Score     float64   `json:"conf"`
	KMH       float64   `json:"kmh,omitempty"` // where a function measures speed there
	N         int       `json:"n"`             // the how-manieth crossing of this line by this track
}

// Unknown stands for the line of a Turn over which the object was not seen to cross.
const Unknown = "unknown"

// Turn is the data of CountTurn: one object went through a junction, or was seen to
// come in or go out only. It is about the frame in which it went out, or was seen last.
type Turn struct {
	Origin
	Track   string  `json:"track"`
	Class   Class   `json:"cls"`                // at the last of its crossings
	Share   float64 `json:"cls_conf,omitempty"` // of the class in all that was seen of the object, 0..1
	From    string  `json:"from"`               // id of the line over which it came in, or Unknown
	To      string  `json:"to"`                 // id of the line over which it went out, or Unknown
	Entered string  `json:"entered,omitempty"`  // id of the CountCrossing by which it came in
	Left    string  `json:"left,omitempty"`     // id of the CountCrossing by which it went out
	Travel  float64 `json:"travel_s,omitempty"` // seconds from one to the other
	Score   float64 `json:"conf"`
	N       int     `json:"n"` // the how-manieth turn of this track here
}

// ZoneChange is the data of ZoneEntered and ZoneLeft.
type ZoneChange struct {
	Origin
	Track string  `json:"track"`
	Class Class   `json:"cls"`
	Share float64 `json:"cls_conf,omitempty"` // of the class in all that was seen of the object, 0..1
	At    Point   `json:"at"`
	Score float64 `json:"conf"`
	Stay  float64 `json:"stay_s,omitempty"` // ZoneLeft: seconds inside
	Visit bool    `json:"visit,omitempty"`  // ZoneLeft: the stay was at least the function's dwell
	N     int     `json:"n"`
}

// Loitering is the data of ZoneLoitering: an object has been in a zone for the
// function's time threshold (ONVIF Analytics A.4, tt:LoiteringDetector). Its end is
// the ZoneLeft of the same track.
type Loitering struct {
	Origin
	Track string  `json:"track"`
	Class Class   `json:"cls"`
	Share float64 `json:"cls_conf,omitempty"` // of the class in all that was seen of the object, 0..1
	At    Point   `json:"at"`
	Score float64 `json:"conf"`
	Since string  `json:"since"` // capture time of its entry, in TimeFormat
	Begun string  `json:"begun"` // id of its ZoneEntered
}

// ParkingChange is the data of ParkingOccupied, which is about the frame in which
// the vehicle came to stand, and of ParkingFreed, about the one in which it was
// seen standing last. One session is one of each.
type ParkingChange struct {
	Origin
	Bay       string  `json:"bay,omitempty"` // empty: a kerb has no bays
	Track     string  `json:"track"`         // by which it was seen last
	Class     Class   `json:"cls"`           // as it was voted while it came to stand
	Box       Box     `json:"box"`           // where it stands
	Score     float64 `json:"conf"`
	Arrived   string  `json:"arrived"`            // capture time, in TimeFormat
	Found     bool    `json:"found,omitempty"`    // it stood there when the analysis began: it had come before Arrived
	Departed  string  `json:"departed,omitempty"` // ParkingFreed
	Stay      float64 `json:"stay_s,omitempty"`   // ParkingFreed: seconds from Arrived to Departed
	Begun     string  `json:"begun,omitempty"`    // ParkingFreed: id of the session's ParkingOccupied
	Lost      bool    `json:"lost,omitempty"`     // ParkingFreed: nobody looked for too long, and it may stand there still
	Forbidden bool    `json:"forbidden,omitempty"`
	Occupied  int     `json:"occupied"`           // vehicles that are parked now, all classes together
	Capacity  int     `json:"capacity,omitempty"` // places of the rule
}

// LevelChange is the data of CrowdLevel. Levels count from 0, below the first of the
// function's; −1 says that people stand too close, or too far away, to be counted.
type LevelChange struct {
	Origin
	From    int     `json:"from"`
	To      int     `json:"to"`
	Count   *int    `json:"count,omitempty"`          // people now; none where they cannot be counted
	Density float64 `json:"density_per_m2,omitempty"` // where the function has a plane
}

// CongestionChange is the data of CongestionLevel. Levels of service are A (free) to F
// (jammed), by the travel speed over the function's window.
type CongestionChange struct {
	Origin
	From        string  `json:"from"`
	To          string  `json:"to"`
	Travel      float64 `json:"travel"`                        // mean speed as a part of the free-flow speed, 0..1
	Delay       float64 `json:"delay_s,omitempty"`             // what each vehicle loses there, seconds; none where nobody gets through
	Vehicles    float64 `json:"pcu"`                           // mean over time of who is there, passenger car units
	Flow        float64 `json:"flow_pcu_h"`                    // passenger car units an hour that drive through
	Queue       int     `json:"queue"`                         // vehicles that stand or creep now
	QueueMetres float64 `json:"queue_m,omitempty"`             // from the first of them to the last; where the function has a plane, as the next
	Density     float64 `json:"density_pcu_km_lane,omitempty"` // passenger car units per kilometre and lane
	KMH         float64 `json:"kmh,omitempty"`
	FreeKMH     float64 `json:"free_kmh,omitempty"`
}

// TrackSummary is the data of TrackEnded.
type TrackSummary struct {
	Origin
	Track  string  `json:"track"`
	Class  Class   `json:"cls"`
	Share  float64 `json:"cls_conf,omitempty"` // of the class in all that was seen of the object, 0..1
	Score  float64 `json:"conf"`
	Frames int     `json:"frames"`  // frames since it was born
	From   int64   `json:"from_us"` // media time of its first frame, microseconds
	Start  Box     `json:"start"`
	End    Box     `json:"end"`
}

// Correction is the data of CorrectionMade: an earlier event is withdrawn, since
// its object turned out to be one that was counted already.
type Correction struct {
	Origin
	Withdraws string    `json:"withdraws"` // id of the event that no longer holds
	Track     string    `json:"track"`
	Class     Class     `json:"cls"`
	Direction Direction `json:"dir,omitempty"`
	From      string    `json:"from,omitempty"` // of a Turn
	To        string    `json:"to,omitempty"`   // of a Turn
	Reason    string    `json:"reason"`
}

// StateChange is the data of CameraState and of pantau:health.
type StateChange struct {
	Origin
	From  string `json:"from"`
	To    string `json:"to"` // connecting, running, retrying, stopped, faulty; or a ViewState that suspends the rules
	Cause string `json:"cause,omitempty"`
	Hint  string `json:"hint,omitempty"`
}

// DeviceEvent is the data of CameraEvent: what an ONVIF camera's own analytics say, in
// its own words. Nothing of it is checked.
type DeviceEvent struct {
	Origin
	Topic     string            `json:"topic"`               // without prefixes, such as RuleEngine/CellMotionDetector/Motion
	Operation string            `json:"operation,omitempty"` // of a property: Initialized, Changed, Deleted (ONVIF Core 9.5.1); empty: it is none
	Clock     string            `json:"utc,omitempty"`       // by the camera's own clock, in TimeFormat; empty: it tells no time
	About     map[string]string `json:"source,omitempty"`    // what it is about: VideoSource, Rule, …
	Key       map[string]string `json:"key,omitempty"`
	Values    map[string]string `json:"values,omitempty"`
}

// DeviceGap is the data of CameraGap: between two times events of the camera itself may
// be missing.
type DeviceGap struct {
	Origin
	From  string `json:"from,omitempty"` // of the last event before it, this machine's clock, in TimeFormat; empty: there was none
	To    string `json:"to"`             // when events came again
	Cause string `json:"cause"`
}
