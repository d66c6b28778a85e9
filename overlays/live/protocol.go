package live

import (
	"encoding/binary"
	"encoding/json"
	"time"

	"pantau/overlays"
	"pantau/sidecar"
)

// headerSize is the length of what stands in front of a picture: kind, flags,
// two zero bytes, PTS (int64, big endian), capture time (Unix microseconds,
// int64, big endian).
const headerSize = 20

// The values of the header's first two bytes.
const (
	kindAccessUnit = 1
	flagKey        = 1
)

// hello says what the pictures that follow are. It comes first and whenever
// one of its values changes. Codec is empty until the first key frame has come.
type hello struct {
	Type   string      `json:"type"` // "hello"
	Camera helloCamera `json:"camera"`
	Codec  string      `json:"codec"` // RFC 6381: avc1.PPCCLL or hvc1.…; or mjpeg
	Clock  int         `json:"clock"` // ticks of the PTS per second
	Epoch  string      `json:"epoch"`
	Width  int         `json:"width"` // pixels, cropping applied
	Height int         `json:"height"`
	Hold   int64       `json:"hold_ms"` // how long a page should wait for a picture's scene
	Masked bool        `json:"masked"`  // the camera's own pictures are not sent
	// Rendition says that the pictures are not the camera's own: converted or blurred.
	Rendition overlays.Rendition `json:"rendition,omitempty"`
	// Busy: there are no pictures until others need theirs no more.
	Busy bool `json:"busy,omitempty"`
	// Resumed: what follows goes on directly after the picture that the page
	// named in "after". Only in the first hello.
	Resumed bool `json:"resumed,omitempty"`
}

// helloCamera is what a page needs to know of a camera.
type helloCamera struct {
	ID        string             `json:"id"`
	Name      string             `json:"name"`
	Functions []sidecar.Function `json:"functions"`
}

// totals is the counts since a moment.
type totals struct {
	Type  string             `json:"type"` // "totals"
	Since time.Time          `json:"since"`
	Rows  []sidecar.CountRow `json:"rows"`
}

// stats is how the camera fares, once a second.
type stats struct {
	Type string `json:"type"` // "stats"
	sidecar.Status
	Hold int64 `json:"hold_ms"` // as in hello, learnt from the scenes of the last seconds
}

// message is one WebSocket message in a viewer's queue.
type message struct {
	data []byte
	kind messageKind
}

// messageKind says how a message is treated when a queue is full.
type messageKind uint8

const (
	kindHello messageKind = iota // replaces all that waits
	kindKey                      // a picture at which decoding can begin
	kindDelta                    // a picture that needs those before it
	kindScene                    // lossy
	kindState                    // totals and stats: lossy, the next one says it again
)

// picture says whether a message is an access unit.
func (k messageKind) picture() bool { return k == kindKey || k == kindDelta }

// unitMessage writes an access unit as one binary message: the header, then the
// NAL units with start codes (H.264 and H.265 Annex B), or the JPEG as it is.
func unitMessage(u *sidecar.AccessUnit) message {
	data := make([]byte, headerSize, headerSize+u.Size()+4*len(u.NALUs))
	data[0] = kindAccessUnit
	m := message{kind: kindDelta}
	if u.Key {
		data[1], m.kind = flagKey, kindKey
	}
	binary.BigEndian.PutUint64(data[4:], uint64(u.PTS))
	binary.BigEndian.PutUint64(data[12:], uint64(u.Capture.UnixMicro()))
	for _, nalu := range u.NALUs {
		if u.Codec != sidecar.MJPEG {
			data = append(data, 0, 0, 0, 1)
		}
		data = append(data, nalu...)
	}
	m.data = data
	return m
}

// sceneMessage writes a scene as in pantau:frames.
func sceneMessage(s *sidecar.Scene) message {
	data := make([]byte, 0, 512+160*len(s.Tracks))
	data = append(data, `{"type":"scene","scene":`...)
	data = s.AppendJSON(data)
	return message{data: append(data, '}'), kind: kindScene}
}

// jsonMessage writes one of hello, totals and stats. They hold nothing that
// JSON cannot say; a NaN among the functions' numbers would be left out.
func jsonMessage(v any, kind messageKind) (message, bool) {
	data, err := json.Marshal(v)
	return message{data: data, kind: kind}, err == nil
}
