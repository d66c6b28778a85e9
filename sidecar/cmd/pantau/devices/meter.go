package devices

import (
	"bytes"
	"image/jpeg"
	"math"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"pantau/onvif/device"
	"pantau/sidecar"
)

// span is over how much of the video rate and bit rate are measured.
const span = 5 * time.Second

// meter knows what a camera's video is.
type meter struct {
	video device.Video // no codec: not known yet

	epoch  string
	from   time.Duration // media time at which it began to measure
	units  int           // pictures since
	bytes  int
	sinced int // pictures since the last key picture, itself included
}

// take looks at the next picture. It says whether the video is other than was told.
func (m *meter) take(u *sidecar.AccessUnit) bool {
	if u.Epoch != m.epoch {
		*m = meter{video: m.video, epoch: u.Epoch, from: u.Media()}
	}
	was, v := m.video, m.video
	if u.Key {
		if u.Codec != sidecar.MJPEG || v.Codec != "JPEG" { // a JPEG is a key picture each
			read(u, &v)
		}
		if m.sinced > 0 {
			v.GOP = m.sinced
		}
		m.sinced = 0
	}
	m.sinced++
	m.units++
	m.bytes += u.Size()
	if passed := u.Media() - m.from; passed >= span {
		v.Rate = math.Round(float64(m.units-1)/passed.Seconds()*10) / 10
		v.BitRate = int(float64(m.bytes-u.Size()) * 8 / 1000 / passed.Seconds())
		m.from, m.units, m.bytes = u.Media(), 1, u.Size()
	}
	if v.Codec == "" || v.Codec == was.Codec && v.Width == was.Width && v.Height == was.Height && v.Profile == was.Profile &&
		near(v.Rate, was.Rate) && near(float64(v.BitRate), float64(was.BitRate)) && (was.GOP > 0 || v.GOP == 0) {
		return false
	}
	m.video = v
	return true
}

// near says whether a number is not worth telling anew: clients keep what they have read.
func near(a, b float64) bool { return math.Abs(a-b) <= 0.25*math.Max(math.Abs(b), 1) }

// read reads a key picture's parameter sets.
func read(u *sidecar.AccessUnit, v *device.Video) {
	for _, n := range u.NALUs {
		switch {
		case u.Codec == sidecar.MJPEG:
			if c, err := jpeg.DecodeConfig(bytes.NewReader(n)); err == nil {
				v.Codec, v.Width, v.Height, v.Profile = "JPEG", c.Width, c.Height, ""
			}
		case u.Codec == sidecar.H264 && len(n) > 1 && n[0]&0x1F == 7:
			var s h264.SPS
			if s.Unmarshal(n) == nil {
				v.Codec, v.Width, v.Height, v.Profile = "H264", s.Width(), s.Height(), profile264(s.ProfileIdc)
				guess(v, s.FPS())
			}
		case u.Codec == sidecar.H265 && len(n) > 1 && n[0]>>1&0x3F == 33:
			var s h265.SPS
			if s.Unmarshal(n) == nil {
				v.Codec, v.Width, v.Height, v.Profile = "H265", s.Width(), s.Height(), profile265(s.ProfileTierLevel.GeneralProfileIdc)
				guess(v, s.FPS())
			}
		}
	}
}

// guess takes the rate that the camera declares until it is measured.
func guess(v *device.Video, declared float64) {
	if v.Rate == 0 && declared >= 1 && declared <= 240 {
		v.Rate = declared
	}
}

// profile264 names a profile_idc (H.264, A.2).
func profile264(idc uint8) string {
	switch idc {
	case 66:
		return "Baseline"
	case 88:
		return "Extended"
	case 100, 110, 122, 244:
		return "High"
	}
	return "Main"
}

// profile265 names a general_profile_idc (H.265, A.3).
func profile265(idc uint8) string {
	if idc == 2 {
		return "Main10"
	}
	return "Main"
}
