package live

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"strings"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"pantau/sidecar"
)

// stream is what a decoder must know before the first picture. It is comparable:
// a change of any value is told to the viewers.
type stream struct {
	codec         string // RFC 6381
	clock         int
	epoch         string
	width, height int
}

// describer follows a camera's parameter sets. They are parsed only when their
// bytes change.
type describer struct {
	params  []byte // the sequence parameter set that current was made of
	current stream
}

// see takes a key unit and says whether the stream is another one since.
// Parameter sets that cannot be read leave the stream as it was.
func (d *describer) see(u *sidecar.AccessUnit) bool {
	next := d.current
	next.clock, next.epoch = u.ClockRate, u.Epoch
	switch u.Codec {
	case sidecar.H264:
		if sps := find(u.NALUs, isSPS264); sps != nil && !bytes.Equal(sps, d.params) {
			d.params = append(d.params[:0], sps...)
			next.readH264(sps)
		}
	case sidecar.H265:
		if sps := find(u.NALUs, isSPS265); sps != nil && !bytes.Equal(sps, d.params) {
			d.params = append(d.params[:0], sps...)
			next.readH265(sps)
		}
	case sidecar.MJPEG:
		d.params = d.params[:0] // the same ones again are news after this
		if len(u.NALUs) > 0 {
			next.readJPEG(u.NALUs[0])
		}
	}
	changed := next != d.current
	d.current = next
	return changed
}

func isSPS264(nalu []byte) bool { return nalu[0]&0x1f == 7 }
func isSPS265(nalu []byte) bool { return nalu[0]>>1&0x3f == 33 }

func find(nalus [][]byte, is func([]byte) bool) []byte {
	for _, nalu := range nalus {
		if len(nalu) > 0 && is(nalu) {
			return nalu
		}
	}
	return nil
}

// readH264 fills codec and size from a sequence parameter set. The codec is
// avc1. and profile_idc, constraint flags and level_idc in hex (RFC 6381
// section 3.3).
func (s *stream) readH264(sps []byte) {
	var p h264.SPS
	if len(sps) < 4 || p.Unmarshal(sps) != nil {
		return
	}
	s.codec = fmt.Sprintf("avc1.%02X%02X%02X", sps[1], sps[2], sps[3])
	s.width, s.height = p.Width(), p.Height()
}

// readH265 fills codec and size from a sequence parameter set. The codec
// follows ISO/IEC 14496-15 annex E.3, from the twelve bytes of
// profile_tier_level (H.265 clause 7.3.3).
func (s *stream) readH265(sps []byte) {
	var p h265.SPS
	if p.Unmarshal(sps) != nil {
		return
	}
	raw := h264.EmulationPreventionRemove(sps)
	if len(raw) < 15 {
		return
	}
	ptl := raw[3:15]
	tier := byte('L')
	if ptl[0]&0x20 != 0 {
		tier = 'H'
	}
	var b strings.Builder
	fmt.Fprintf(&b, "hvc1.%s%d.%X.%c%d", [4]string{"", "A", "B", "C"}[ptl[0]>>6], ptl[0]&0x1f,
		bits.Reverse32(binary.BigEndian.Uint32(ptl[1:])), tier, ptl[11])
	for _, c := range bytes.TrimRight(ptl[5:11], "\x00") {
		fmt.Fprintf(&b, ".%X", c)
	}
	s.codec = b.String()
	s.width, s.height = p.Width(), p.Height()
}

// readJPEG fills codec and size from the frame header (SOFn, ITU-T T.81
// section B.2.2) of a JPEG.
func (s *stream) readJPEG(jpeg []byte) {
	for at := 2; at+4 <= len(jpeg) && jpeg[at] == 0xff; {
		marker, size := jpeg[at+1], int(binary.BigEndian.Uint16(jpeg[at+2:]))
		isSOF := marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc
		if isSOF && at+9 <= len(jpeg) {
			s.codec = "mjpeg"
			s.height = int(binary.BigEndian.Uint16(jpeg[at+5:]))
			s.width = int(binary.BigEndian.Uint16(jpeg[at+7:]))
			return
		}
		at += 2 + size
	}
}
