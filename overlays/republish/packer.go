package republish

import (
	"slices"

	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph265"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpmjpeg"
	"github.com/pion/rtp"

	"pantau/sidecar"
)

// What an RTP packet may have at a door, bytes: what goes through Ethernet over UDP,
// and what SRTP leaves of it (the library reserves it for RTSPS over TCP too).
const (
	largestPlain  = 1472
	largestSecure = largestPlain - 10
)

// packer gives the packets of one epoch's pictures for one door: the camera's own, or
// ones of ours from the first picture on of which it sent none (a file) or such as do
// not go through a network (RFC 7826 lets them be larger in TCP).
type packer struct {
	largest int
	kind    uint8                                            // payload type
	encode  func(*sidecar.AccessUnit) ([]*rtp.Packet, error) // nil: the camera's own packets
}

// packets are a picture's; none where it cannot be packed.
func (p *packer) packets(u *sidecar.AccessUnit) []*rtp.Packet {
	if p.encode == nil {
		if own := parse(u.Packets, p.largest); own != nil {
			return own
		}
		p.encode = encoder(u.Codec, p.kind)
	}
	packets, err := p.encode(u)
	if err != nil {
		return nil
	}
	for _, q := range packets {
		q.Timestamp = u.RTPTime
	}
	return packets
}

// sendable says whether there are packets, and all of them can be sent on.
func sendable(raw [][]byte, largest int) bool {
	return len(raw) > 0 && !slices.ContainsFunc(raw, func(b []byte) bool { return len(b) < 12 || len(b) > largest })
}

// parse reads packets; nil where they cannot be sent on.
func parse(raw [][]byte, largest int) []*rtp.Packet {
	if !sendable(raw, largest) {
		return nil
	}
	packets := make([]*rtp.Packet, len(raw))
	for i, b := range raw {
		packets[i] = new(rtp.Packet)
		if packets[i].Unmarshal(b) != nil {
			return nil
		}
	}
	return packets
}

// encoder makes packets of a codec's pictures (RFC 6184, 7798, 2435).
func encoder(codec sidecar.Codec, kind uint8) func(*sidecar.AccessUnit) ([]*rtp.Packet, error) {
	var encode func([][]byte) ([]*rtp.Packet, error)
	var err error
	switch codec {
	case sidecar.H264:
		e := &rtph264.Encoder{PayloadType: kind, PacketizationMode: 1, PayloadMaxSize: payloadSize}
		err, encode = e.Init(), e.Encode
	case sidecar.H265:
		e := &rtph265.Encoder{PayloadType: kind, PayloadMaxSize: payloadSize}
		err, encode = e.Init(), e.Encode
	default:
		e := &rtpmjpeg.Encoder{PayloadMaxSize: payloadSize}
		err, encode = e.Init(), func(pictures [][]byte) ([]*rtp.Packet, error) { return e.Encode(pictures[0]) }
	}
	return func(u *sidecar.AccessUnit) ([]*rtp.Packet, error) {
		if err != nil {
			return nil, err
		}
		return encode(u.NALUs)
	}
}
