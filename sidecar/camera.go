package sidecar

import "time"

// Camera is a video source and what is enabled on it.
type Camera struct {
	ID        string     `json:"id" yaml:"id"`
	Name      string     `json:"name,omitempty" yaml:"name"`
	Source    Source     `json:"source" yaml:"source"`
	Location  *Location  `json:"location,omitempty" yaml:"location"`
	Timezone  string     `json:"tz,omitempty" yaml:"tz"` // IANA name of the site's zone; empty is the process's own
	Analyse   Analyse    `json:"analyse" yaml:"analyse"`
	Functions []Function `json:"functions,omitempty" yaml:"functions"`
}

// Source says where a camera's video comes from: exactly one of ONVIF, RTSP and
// File. The user name and the password stand apart from the address, so that an
// address can be shown.
type Source struct {
	ONVIF       string    `json:"onvif,omitempty" yaml:"onvif"`         // HOST, HOST:PORT or http:// address of an ONVIF camera, which is asked for its stream
	Profile     string    `json:"profile,omitempty" yaml:"profile"`     // of an ONVIF camera: token or name; empty or "auto": the smallest that suffices
	RTSPPort    int       `json:"rtsp_port,omitempty" yaml:"rtsp_port"` // of an ONVIF camera's streams, where a port forward changes it; 0: as the camera says
	Events      []string  `json:"events,omitempty" yaml:"events"`       // of an ONVIF camera: beginnings of the topics of its own events that are passed on, or "all"
	Endpoint    string    `json:"endpoint,omitempty" yaml:"endpoint"`   // of an ONVIF camera: urn:uuid:…, by which it is looked for where it does not answer. Its password then goes out as a digest alone
	Follow      []string  `json:"follow,omitempty" yaml:"follow"`       // networks in which whoever names that endpoint may be sent the digest; none: nobody may
	RTSP        string    `json:"rtsp,omitempty" yaml:"rtsp"`           // rtsp:// or rtsps:// address without user information
	File        string    `json:"file,omitempty" yaml:"file"`           // MP4 clip, played in real time and without end
	User        string    `json:"user,omitempty" yaml:"user"`
	Password    Secret    `json:"-" yaml:"password"`
	PasswordEnv string    `json:"password_env,omitempty" yaml:"password_env"` // environment variable that holds the password
	Transport   Transport `json:"transport,omitempty" yaml:"transport"`
	Fingerprint string    `json:"fingerprint,omitempty" yaml:"fingerprint"` // SHA-256 of an RTSPS or HTTPS certificate that no authority signed, in hex
}

// Transport is how RTP travels below RTSP. Empty is TCP.
type Transport string

// The transports. RTSPS is TCP with an rtsps:// address.
const (
	TCP Transport = "tcp"
	UDP Transport = "udp"
)

// Location is where a camera stands, with the reference codes of its districts.
type Location struct {
	Lat       float64 `json:"lat" yaml:"lat"` // degrees, WGS 84
	Lon       float64 `json:"lon" yaml:"lon"`
	Kecamatan string  `json:"kecamatan,omitempty" yaml:"kecamatan"`
	Kelurahan string  `json:"kelurahan,omitempty" yaml:"kelurahan"`
}

// Analyse says how much of a camera's video is looked at, and with which model.
type Analyse struct {
	FPS       float64   `json:"fps,omitempty" yaml:"fps"`               // frames per second given to the detector; 0 is the default (10)
	Model     string    `json:"model,omitempty" yaml:"model"`           // name in the manifest; "auto" is what this machine is faster with; empty is the process's default
	KeyFrames bool      `json:"key_frames,omitempty" yaml:"key_frames"` // decode key frames only
	Mask      []Polygon `json:"mask,omitempty" yaml:"mask"`             // areas that are blanked before anything else sees the frame
	Look      Look      `json:"look,omitempty" yaml:"look"`             // what of the picture is looked at; empty is LookAuto
	Parts     []Part    `json:"parts,omitempty" yaml:"parts"`           // the parts of the picture, fixed; none: they are chosen
	View      ViewWatch `json:"view,omitempty" yaml:"view"`             // what the picture must show; empty is ViewFixed
}

// Look says what of the picture is looked at.
type Look string

// The ways to look. Where a camera has neither functions nor Parts, all of them
// mean the whole.
const (
	LookWhole Look = "whole" // the whole picture
	LookAuto  Look = "auto"  // the parts that the functions need, for at most the cost of the whole picture
	LookClose Look = "close" // the same as closely as helps, in tiles, whatever it costs
)

// Part is a part of the picture: left, top, right, bottom, each 0..1.
type Part [4]float64

// Box is the part as a box.
func (p Part) Box() Box { return Box{p[0], p[1], p[2], p[3]} }

// Function is one thing to be counted or seen on a camera: a line, a zone, …
// Which of the fields a kind reads is said by package analyse.
type Function struct {
	ID      string        `json:"id" yaml:"id"`
	Kind    string        `json:"kind" yaml:"kind"`
	Line    []Point       `json:"line,omitempty" yaml:"line"`   // two points or more: "in" is from the left hand to the right hand of who walks along it
	Lines   []string      `json:"lines,omitempty" yaml:"lines"` // ids of functions of kind line: the ways into a junction, "in" being into it
	Polygon Polygon       `json:"polygon,omitempty" yaml:"polygon"`
	Classes []Class       `json:"classes,omitempty" yaml:"classes"` // empty: all default classes
	Anchor  Anchor        `json:"anchor,omitempty" yaml:"anchor"`
	Dwell   time.Duration `json:"dwell,omitempty" yaml:"dwell"` // stay after which a presence is a visit, and a stop is parking

	TimeThreshold time.Duration `json:"time_threshold,omitempty" yaml:"time_threshold"` // stay from which on it is loitering (ONVIF's TimeThreshold); 0: that is not watched

	Plane *Plane `json:"plane,omitempty" yaml:"plane"` // what the ground measures

	Levels []int `json:"levels,omitempty" yaml:"levels"` // numbers of people from which on a crowd is of the next level

	Lanes  int           `json:"lanes,omitempty" yaml:"lanes"`   // of a stretch of road; 0: 1
	Window time.Duration `json:"window,omitempty" yaml:"window"` // over which a road is judged; 0: 2 minutes

	Bays      map[string]Polygon `json:"bays,omitempty" yaml:"bays"`           // places for one vehicle each, by their names
	Capacity  int                `json:"capacity,omitempty" yaml:"capacity"`   // vehicles for which there is room in Polygon
	Forbidden bool               `json:"forbidden,omitempty" yaml:"forbidden"` // nobody may park here
}

// Plane is a rectangle on the ground, by which points of the picture become metres.
type Plane struct {
	Points []Point `json:"points" yaml:"points"` // its four corners in the picture, in their order around it
	Width  float64 `json:"width" yaml:"width"`   // metres from the first corner to the second
	Length float64 `json:"length" yaml:"length"` // metres from the second corner to the third
}

// Anchor is the point of a box that stands for the object. Empty is AnchorBottom.
type Anchor string

// The anchors.
const (
	AnchorBottom Anchor = "bottom" // middle of the bottom edge: feet, wheels
	AnchorCentre Anchor = "centre"
)

// Of gives the anchor's point of a box.
func (a Anchor) Of(b Box) Point {
	if a == AnchorCentre {
		return b.Centre()
	}
	return b.Foot()
}
