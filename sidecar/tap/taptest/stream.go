package taptest

import (
	"fmt"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph265"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpmjpeg"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"pantau/sidecar"
)

// payloadType is the dynamic payload type of H.264 and H.265; that of JPEG is fixed.
const payloadType = 96

// stream is what readers are given: one video track.
type stream struct {
	codec  sidecar.Codec
	server *gortsplib.ServerStream
	media  *description.Media
	ssrc   uint32
	encode func([][]byte) ([]*rtp.Packet, error) // NAL units, or one JPEG, to packets

	packets, octets uint32 // sent since the beginning, for the reports
}

// newStream describes a codec; parameter sets travel in the stream itself.
func newStream(server *gortsplib.Server, codec sidecar.Codec) (*stream, error) {
	s := &stream{codec: codec}
	var f format.Format
	switch codec {
	case sidecar.H265:
		f = &format.H265{PayloadTyp: payloadType}
		e := &rtph265.Encoder{PayloadType: payloadType}
		if err := e.Init(); err != nil {
			return nil, err
		}
		s.encode = e.Encode
	case sidecar.MJPEG:
		f = &format.MJPEG{}
		e := &rtpmjpeg.Encoder{}
		if err := e.Init(); err != nil {
			return nil, err
		}
		s.encode = func(pictures [][]byte) ([]*rtp.Packet, error) { return e.Encode(pictures[0]) }
	default:
		f = &format.H264{PayloadTyp: payloadType, PacketizationMode: 1}
		e := &rtph264.Encoder{PayloadType: payloadType, PacketizationMode: 1}
		if err := e.Init(); err != nil {
			return nil, err
		}
		s.encode = e.Encode
	}
	s.media = &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{f}}
	s.server = &gortsplib.ServerStream{Server: server, Desc: &description.Session{Medias: []*description.Media{s.media}}}
	if err := s.server.Initialize(); err != nil {
		return nil, fmt.Errorf("making stream: %w", err)
	}
	s.ssrc = s.server.Stats().Medias[s.media].Formats[f].LocalSSRC
	return s, nil
}

// send writes one packet to every reader.
func (s *stream) send(p *rtp.Packet, rtpTime uint32) error {
	p.Timestamp = rtpTime
	s.packets++
	s.octets += uint32(len(p.Payload))
	return s.server.WritePacketRTP(s.media, p)
}

// report writes a sender report (RFC 3550 clause 6.4.1): the camera's clock says
// now while the RTP clock says rtpTime.
func (s *stream) report(now time.Time, rtpTime uint32) error {
	return s.server.WritePacketRTCP(s.media, &rtcp.SenderReport{
		SSRC:        s.ssrc,
		NTPTime:     ntpTime(now),
		RTPTime:     rtpTime,
		PacketCount: s.packets,
		OctetCount:  s.octets,
	})
}

// ntpTime is a time in 2^-32 s since 1900 (RFC 5905 clause 6).
func ntpTime(t time.Time) uint64 {
	const from1900to1970 = 2208988800
	fraction := uint64(t.Nanosecond()) << 32 / uint64(time.Second)
	return uint64(t.Unix()+from1900to1970)<<32 | fraction
}
