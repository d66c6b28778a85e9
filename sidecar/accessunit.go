package sidecar

import "time"

// Codec is a video coding standard.
type Codec string

// The codecs that are understood.
const (
	H264  Codec = "h264"  // ITU-T H.264
	H265  Codec = "h265"  // ITU-T H.265
	MJPEG Codec = "mjpeg" // RFC 2435: every picture a JPEG
)

// TimeSource says where a capture time comes from.
type TimeSource string

// The sources of capture times, from the best to the worst.
const (
	TimeRTCP    TimeSource = "rtcp_sr" // a sender report of the camera, younger than a few minutes
	TimeArrival TimeSource = "arrival" // this machine's clock when the first packet came
	TimeFile    TimeSource = "file"    // a clip: its start, given by the user, and the media time
)

// Stamp is the place of a picture in time. Scenes and pictures are joined by
// (camera, Epoch, RTPTime).
type Stamp struct {
	Epoch     string     // one RTSP session (or one run over a file); a new one for each
	PTS       int64      // RTP time unwrapped to 64 bits, in 1/ClockRate s; its low 32 bits are RTPTime
	Origin    int64      // the PTS of the epoch's first picture
	RTPTime   uint32     // as the camera sent it
	ClockRate int        // ticks per second: 90000 for all video of RFC 3551
	Capture   time.Time  // UTC
	Source    TimeSource // where Capture comes from
}

// Media is the time since the epoch's first picture, by the camera's own clock.
func (s Stamp) Media() time.Duration {
	if s.ClockRate <= 0 {
		return 0
	}
	d, rate := s.PTS-s.Origin, int64(s.ClockRate)
	return time.Duration(d/rate)*time.Second + time.Duration(d%rate)*time.Second/time.Duration(rate)
}

// AccessUnit is one compressed picture, complete (H.264 clause 3.1, H.265 clause 3.1).
// It is read-only once sent.
type AccessUnit struct {
	Stamp
	Codec    Codec
	NALUs    [][]byte  // NAL units without start codes; for MJPEG one JPEG file
	Key      bool      // decoding can begin here; parameter sets stand in front
	Received time.Time // this machine's clock when the last packet came
	Packets  [][]byte  // the RTP packets that carried it, as the camera sent them; nil where nobody asked for them, and of files
}

// Size is the number of bytes of all NAL units.
func (u *AccessUnit) Size() int {
	n := 0
	for _, nalu := range u.NALUs {
		n += len(nalu)
	}
	return n
}
