package sidecar

import "time"

// Rates are a camera's frames per second, by what became of them.
type Rates struct {
	Camera    float64 `json:"camera"`    // access units that came
	Processed float64 `json:"processed"` // decoded
	Skipped   float64 `json:"skipped"`   // dropped, for whatever reason
	Detection float64 `json:"detection"` // given to the detector
}

// Status is how one camera fares now. It is made new each time and not changed
// afterwards, so that it can be shared.
type Status struct {
	State       string            `json:"state"`           // connecting, running, retrying, stopped, faulty; or a ViewState that suspends the rules
	Flags       []string          `json:"flags,omitempty"` // why the picture is poor
	Cause       string            `json:"cause,omitempty"`
	Hint        string            `json:"hint,omitempty"`
	Profile     string            `json:"profile,omitempty"` // of an ONVIF camera: which profile was taken, and why
	FPS         Rates             `json:"fps"`               // over the last seconds
	Latency     Latency           `json:"latency_ms"`        // of a typical frame of the last seconds
	Dropped     map[string]uint64 `json:"dropped"`           // frames since the start, by reason
	Model       string            `json:"model"`
	Looking     Looking           `json:"looking,omitzero"`
	Reconnects  uint64            `json:"reconnects"`        // sessions after the first
	ClockOffset float64           `json:"clock_offset_s"`    // the camera's clock less this machine's, seconds
	TimeSource  TimeSource        `json:"ts_source"`         // where the capture times come from
	Stages      [4]Histogram      `json:"-"`                 // latencies since the start, in the order of Stages
	Viewers     int               `json:"viewers,omitempty"` // browsers that watch it now
	Readers     int               `json:"readers,omitempty"` // who read it over RTSP now
	Players     int               `json:"players,omitempty"` // who watch it over WebRTC (WHEP) now
	Overlays    map[Way]Overlay   `json:"-"`                 // how scenes and pictures met for them
	DecodeCPU   time.Duration     `json:"-"`                 // processor time of its decoder since the start
	LostFacts   uint64            `json:"-"`                 // events and counts that could not be kept when the process ended
}

// Unnamed is the status without texts that may name an address.
func (s Status) Unnamed() Status {
	s.Cause, s.Hint, s.Profile = "", "", ""
	return s
}

// Way is a way out on which pictures and scenes go together.
type Way string

// The ways out.
const (
	WayRTSP   Way = "rtsp"    // the camera's own packets, and metadata
	WayWebRTC Way = "webrtc"  // WHEP
	WayBurnt  Way = "overlay" // pictures with their boxes in them

	WayConverted Way = "converted" // pictures as every browser decodes them
	WayBlurred   Way = "blurred"   // the same, with persons and number plates blurred
)

// Overlay is how scenes and pictures have met on their way out, since the start.
type Overlay struct {
	Joined  uint64        // pictures with their scene
	Late    uint64        // scenes whose picture had gone
	Error   time.Duration // the most, by media time, that a scene was behind the picture
	Dropped uint64        // pictures that there was no time to draw on and to code
	CPU     time.Duration // processor time of the encoder
}

// Looking is what of a camera's picture is looked at.
type Looking struct {
	Crops      []Crop  `json:"crops,omitempty"` // none: the whole picture
	Scale      float64 `json:"scale"`           // how much larger objects are in the input than with the whole picture
	Cost       float64 `json:"cost"`            // pixels of input, of those of the whole picture
	Megapixels float64 `json:"megapixels"`      // pixels of input for a frame, in millions
	Why        string  `json:"why"`
}

// CameraStatus is a camera with how it fares.
type CameraStatus struct {
	Camera
	Status Status `json:"status"`
}

// NodeStatus is how this process fares.
type NodeStatus struct {
	Node       string        `json:"node"`
	Version    string        `json:"version"`
	Started    time.Time     `json:"started"`
	Timezone   string        `json:"tz"`
	Model      string        `json:"model"`           // the default model, name@version
	InferCPU   time.Duration `json:"-"`               // processor time of all models since the start
	Lost       uint64        `json:"lost"`            // notes of states and audits, and lines of the file, that could not be written
	Ready      bool          `json:"ready"`           // everything that must run runs
	Cause      string        `json:"cause,omitempty"` // why it is not ready
	Redis      Backend       `json:"redis"`
	Transcodes Transcodes    `json:"transcodes"` // of the live view and WebRTC
	Outbox     Outbox        `json:"outbox"`
	Groups     []Group       `json:"groups,omitempty"`
	Config     string        `json:"config,omitempty"` // what is wrong with the configuration as it is now; an earlier one is in force
}

// Transcodes are the cameras' pictures that are decoded and coded anew for viewers.
type Transcodes struct {
	Running int    `json:"running"` // now
	Most    int    `json:"most"`
	Refused uint64 `json:"refused"` // since the start: there was no room for one
}

// Backend is how the connection to Redis fares.
type Backend struct {
	Address   string `json:"address"` // without credentials
	Own       bool   `json:"own"`     // Pantau's own child process
	Connected bool   `json:"connected"`
	Cause     string `json:"cause,omitempty"`
	Scenes    uint64 `json:"scenes"`  // scenes written since the start
	Dropped   uint64 `json:"dropped"` // scenes given up since the start
	Facts     uint64 `json:"facts"`   // events and counts acknowledged since the start
}

// Outbox is what waits on disk until Redis has acknowledged it.
type Outbox struct {
	Entries uint64  `json:"entries"`
	Bytes   uint64  `json:"bytes"`
	Oldest  float64 `json:"oldest_s"` // age of the oldest entry, seconds
}

// Group is a consumer group that reads facts. What is trimmed before a group has
// read it is lost for that group.
type Group struct {
	Stream  string  `json:"stream"`
	Name    string  `json:"name"`
	Pending int64   `json:"pending"`  // delivered and not acknowledged
	Lag     int64   `json:"lag"`      // not delivered; -1 where Redis cannot tell
	Behind  float64 `json:"behind_s"` // age of the entry that was delivered last, against the newest
}

// Stages names the histograms of Status.Stages.
func Stages() [4]string { return [4]string{"decode", "wait", "infer", "total"} }

// Histogram counts durations. Counts[i] holds those of at most
// HistogramBounds()[i] and of more than the bound before; the last one the rest.
type Histogram struct {
	Counts [12]uint64
	Sum    time.Duration
}

// HistogramBounds gives the upper bounds of a Histogram's counts.
func HistogramBounds() [11]time.Duration {
	const ms = time.Millisecond
	return [11]time.Duration{1 * ms, 2 * ms, 5 * ms, 10 * ms, 20 * ms, 50 * ms,
		100 * ms, 200 * ms, 500 * ms, 1000 * ms, 5000 * ms}
}

// Observe counts one duration.
func (h *Histogram) Observe(d time.Duration) {
	bounds, i := HistogramBounds(), 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	h.Counts[i]++
	h.Sum += d
}

// MarshalJSON writes milliseconds with one decimal.
func (l Latency) MarshalJSON() ([]byte, error) { return l.appendJSON(nil), nil }
