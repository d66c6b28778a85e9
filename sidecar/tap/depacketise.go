package tap

import (
	"bytes"
	"errors"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpmjpeg"
	"github.com/pion/rtp"

	"pantau/sidecar"
)

// What a picture may be at most; more is garbage.
const (
	maxPicture = 8 << 20 // bytes
	maxNALUs   = 1 << 10
	maxPackets = 1 << 15 // of one JPEG
)

// picture is what the packets of one RTP time carried.
type picture struct {
	rtpTime  uint32
	nalus    [][]byte  // NAL units, or one JPEG; nil if it was not wanted
	first    time.Time // arrival of the first packet
	received time.Time // arrival of the last one
	skipped  int       // slices that were not wanted
	junk     int       // parts that could not be read
	packets  [][]byte  // where they are kept
}

// depacketiser makes pictures of RTP packets. Both functions are called from
// push only.
type depacketiser struct {
	codec   sidecar.Codec
	keyOnly bool // leave out what is not needed for key pictures, before it is joined
	keep    bool // packets too
	done    func(picture)
	garbage func()

	open    bool // packets of the picture at rtpTime have come
	rtpTime uint32
	first   time.Time
	kept    [][]byte // packets of this picture
	size    int      // of them, bytes

	// H.264, H.265: NAL units stand in buf one after the other. What follows the
	// last end is a NAL unit in fragments, not complete yet.
	buf      []byte
	ends     []int
	fragment fragment
	skipped  int
	unread   int
	sequence uint16
	started  bool

	// JPEG
	jpeg    *rtpmjpeg.Decoder
	packets int
}

// fragment is the state of a NAL unit in fragments.
type fragment uint8

const (
	none    fragment = iota
	joining          // its beginning is in the buffer
	ignored          // not wanted, or its beginning was lost
)

// push takes the next packet. It keeps nothing of it but a copy.
func (d *depacketiser) push(p *rtp.Packet) {
	if d.codec == sidecar.MJPEG {
		d.pushJPEG(p)
		return
	}
	if !d.started || p.SequenceNumber != d.sequence+1 { // a packet is missing
		d.abandon()
		d.fragment = ignored
	}
	d.started, d.sequence = true, p.SequenceNumber
	if d.open && p.Timestamp != d.rtpTime { // a camera without marker, or the marker was lost
		d.finish()
	}
	d.begin(p)
	if d.codec == sidecar.H265 {
		d.payloadH265(p.Payload)
	} else {
		d.payloadH264(p.Payload)
	}
	if p.Marker {
		d.finish()
	}
}

func (d *depacketiser) begin(p *rtp.Packet) {
	if !d.open {
		d.open, d.rtpTime, d.first = true, p.Timestamp, time.Now()
		d.kept, d.size = nil, 0
	}
	if d.keep && d.size <= maxPicture {
		if b, err := p.Marshal(); err == nil { // it was read a moment ago
			d.kept, d.size = append(d.kept, b), d.size+len(b)
		}
	}
}

// payloadH264 takes a payload apart (RFC 6184 clause 5.2).
func (d *depacketiser) payloadH264(b []byte) {
	const stapA, fuA = 24, 28
	if len(b) < 2 {
		d.junk()
		return
	}
	switch b[0] & 0x1F {
	case stapA:
		d.aggregate(b[1:])
	case fuA:
		d.fragmented(b[1], b[2:], b[0]&0xE0|b[1]&0x1F)
	default:
		d.whole(b)
	}
}

// payloadH265 takes a payload apart (RFC 7798 clause 4.4, without DONL).
func (d *depacketiser) payloadH265(b []byte) {
	const ap, fu = 48, 49
	if len(b) < 3 {
		d.junk()
		return
	}
	switch b[0] >> 1 & 0x3F {
	case ap:
		d.aggregate(b[2:])
	case fu:
		d.fragmented(b[2], b[3:], b[0]&0x81|b[2]&0x3F<<1, b[1])
	default:
		d.whole(b)
	}
}

// aggregate takes several NAL units, each with its length in front.
func (d *depacketiser) aggregate(b []byte) {
	for len(b) > 2 {
		n := u16(b, 0)
		if n == 0 { // padding
			return
		}
		if n > len(b)-2 {
			d.junk()
			return
		}
		d.whole(b[2 : 2+n])
		b = b[2+n:]
	}
}

// whole takes one NAL unit.
func (d *depacketiser) whole(nalu []byte) {
	d.abandon()
	d.fragment = none
	if d.wanted(nalu) && d.append(nalu...) {
		d.ends = append(d.ends, len(d.buf))
	}
}

// fragmented takes a piece of a NAL unit. The FU header says where in it; the
// NAL unit's own header has been rebuilt.
func (d *depacketiser) fragmented(fuHeader byte, piece []byte, header ...byte) {
	const start, end = 0x80, 0x40
	if fuHeader&start != 0 {
		d.abandon()
		if d.fragment = ignored; d.wanted(header) && d.append(header...) {
			d.fragment = joining
		}
	}
	switch d.fragment {
	case none:
		d.junk()
	case joining:
		if !d.append(piece...) {
			d.fragment = ignored
		}
	}
	if fuHeader&end == 0 {
		return
	}
	if d.fragment == joining {
		d.ends = append(d.ends, len(d.buf))
	}
	d.fragment = none
}

// wanted says whether a NAL unit is to be joined; its header suffices.
func (d *depacketiser) wanted(nalu []byte) bool {
	if !d.keyOnly || kindOf(d.codec, nalu) != slice {
		return true
	}
	d.skipped++
	return false
}

// junk counts what cannot be read.
func (d *depacketiser) junk() {
	d.unread++
	d.garbage()
}

// append adds bytes to the buffer, within bounds.
func (d *depacketiser) append(b ...byte) bool {
	if len(d.buf)+len(b) > maxPicture || len(d.ends) >= maxNALUs {
		d.junk()
		d.abandon()
		return false
	}
	d.buf = append(d.buf, b...)
	return true
}

// abandon forgets a NAL unit whose fragments will not all come.
func (d *depacketiser) abandon() {
	if d.fragment == joining {
		d.fragment = ignored
	}
	d.buf = d.buf[:d.complete()]
}

// complete is where the last complete NAL unit ends.
func (d *depacketiser) complete() int {
	if len(d.ends) == 0 {
		return 0
	}
	return d.ends[len(d.ends)-1]
}

// finish hands the picture on: one copy of exactly its size.
func (d *depacketiser) finish() {
	d.abandon()
	p := picture{rtpTime: d.rtpTime, first: d.first, received: time.Now(), skipped: d.skipped, junk: d.unread, packets: d.kept}
	if len(d.ends) > 0 {
		data, from := bytes.Clone(d.buf), 0
		p.nalus = make([][]byte, 0, len(d.ends))
		for _, to := range d.ends {
			p.nalus = appendNALUs(p.nalus, data[from:to:to])
			from = to
		}
	}
	d.reset()
	d.done(p)
}

func (d *depacketiser) reset() {
	d.open, d.buf, d.ends = false, d.buf[:0], d.ends[:0]
	d.skipped, d.unread = 0, 0
	if cap(d.buf) > 1<<20 { // an unusual picture is not remembered for ever
		d.buf = nil
	}
}

// appendNALUs appends a NAL unit, or those that a camera has joined with start
// codes (H.264 annex B), against RFC 6184. Such cameras do it with parameter
// sets, so only the first bytes are searched.
func appendNALUs(nalus [][]byte, b []byte) [][]byte {
	const window = 256
	startCode := []byte{0, 0, 1}
	if !bytes.Contains(b[:min(window, len(b))], startCode) {
		return append(nalus, b)
	}
	for part := range bytes.SplitSeq(b, startCode) {
		if part = bytes.TrimRight(part, "\x00"); len(part) > 0 {
			nalus = append(nalus, part)
		}
	}
	return nalus
}

// pushJPEG takes a packet of RFC 2435.
func (d *depacketiser) pushJPEG(p *rtp.Packet) {
	if d.jpeg == nil || d.packets > maxPackets {
		d.jpeg, d.packets = &rtpmjpeg.Decoder{}, 0
	}
	if d.open && p.Timestamp != d.rtpTime {
		d.open, d.packets = false, 0
	}
	d.begin(p)
	d.packets++
	jpeg, err := d.jpeg.Decode(p)
	switch {
	case errors.Is(err, rtpmjpeg.ErrMorePacketsNeeded), errors.Is(err, rtpmjpeg.ErrNonStartingPacketAndNoPrevious):
		return
	case err != nil:
		d.garbage()
		return
	}
	d.open, d.packets = false, 0
	d.done(picture{rtpTime: p.Timestamp, nalus: [][]byte{jpeg}, first: d.first, received: time.Now(), packets: d.kept})
}
