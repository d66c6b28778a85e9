package whep

import (
	"bytes"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"pantau/sidecar"
)

// stream follows what a camera sends, as far as it decides who can be given it.
type stream struct {
	codec    sidecar.Codec // empty before the first key picture
	epoch    string
	sps      []byte // the sequence parameter set that the rest is made of
	id       profileLevelID
	inOrder  bool // the parameter set says that no picture is shown before one that came earlier
	reorders bool // one was
}

// see takes the next picture and says whether anything has changed.
func (s *stream) see(u *sidecar.AccessUnit) (changed bool) {
	if u.Key && (u.Epoch != s.epoch || u.Codec != s.codec) {
		*s, changed = stream{codec: u.Codec, epoch: u.Epoch}, true
	}
	if s.codec != sidecar.H264 || u.Codec != s.codec {
		return changed
	}
	for _, nalu := range u.NALUs {
		if len(nalu) == 0 {
			continue
		}
		switch h264.NALUType(nalu[0] & 0x1f) {
		case h264.NALUTypeSPS:
			if !bytes.Equal(nalu, s.sps) {
				s.learn(nalu)
				changed = true
			}
		case h264.NALUTypeNonIDR, h264.NALUTypeDataPartitionA:
			if !s.inOrder && !s.reorders && isB(nalu) {
				s.reorders, changed = true, true
			}
		}
	}
	return changed
}

// learn reads a sequence parameter set (H.264 clauses 7.3.2.1.1 and E.1.1).
func (s *stream) learn(sps []byte) {
	s.sps, s.id, s.inOrder, s.reorders = bytes.Clone(sps), profileLevelID{}, false, false
	copy(s.id[:], sps[1:])
	var p h264.SPS
	if p.Unmarshal(sps) != nil {
		return
	}
	s.inOrder = p.PicOrderCntType == 2 ||
		p.VUI != nil && p.VUI.BitstreamRestriction != nil && p.VUI.BitstreamRestriction.MaxNumReorderFrames == 0
}

// isB says whether a slice is of B pictures: slice_type of its header (H.264 clause
// 7.3.3) is 1 or 6, the second Exp-Golomb number in it.
func isB(slice []byte) bool {
	at := 8 // bits; the first byte is the NAL unit's header
	if _, ok := golomb(slice, &at); !ok {
		return false
	}
	kind, ok := golomb(slice, &at)
	return ok && (kind == 1 || kind == 6)
}

// golomb reads an Exp-Golomb number of up to 32 bits (H.264 clause 9.1).
func golomb(data []byte, at *int) (v uint64, ok bool) {
	bit := func() uint64 {
		if *at/8 >= len(data) {
			*at = 8*len(data) + 1
			return 0
		}
		b := data[*at/8] >> (7 - *at%8) & 1
		*at++
		return uint64(b)
	}
	zeros := 0
	for bit() == 0 {
		if zeros++; zeros > 32 || *at > 8*len(data) {
			return 0, false
		}
	}
	v = 1
	for range zeros {
		v = v<<1 | bit()
	}
	return v - 1, *at <= 8*len(data)
}

// refusal says why nobody can be given the pictures; nil where they can.
func (s *stream) refusal() error {
	switch {
	case s.codec == "":
		return errNoPicture
	case s.codec != sidecar.H264:
		return refuse(406, "the camera sends "+names[s.codec]+", and here only H.264 is given on",
			"let the camera's source be its H.264 profile or stream")
	case s.reorders:
		return refuse(406, "the camera sends B pictures, which WebRTC cannot bring into their order",
			"switch B frames off in the camera, or set its H.264 profile to Baseline")
	}
	return nil
}

var names = map[sidecar.Codec]string{sidecar.H265: "H.265", sidecar.MJPEG: "JPEG"}
