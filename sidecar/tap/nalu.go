package tap

import (
	"bytes"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"pantau/sidecar"
)

// kind is what a NAL unit is to the tap.
type kind uint8

const (
	garbage  kind = iota // not a NAL unit that may stand in a stream
	other                // SEI, delimiter, filler, …
	slice                // part of a picture that needs others
	keySlice             // part of a picture at which decoding can begin
	vps
	sps
	pps
)

// kindOf reads the first byte of a NAL unit (H.264 table 7-1, H.265 table 7-1).
func kindOf(codec sidecar.Codec, nalu []byte) kind {
	switch {
	case len(nalu) == 0 || nalu[0]&0x80 != 0: // forbidden_zero_bit
		return garbage
	case codec == sidecar.H265:
		return kindH265(nalu[0] >> 1 & 0x3F)
	default:
		return kindH264(nalu[0] & 0x1F)
	}
}

func kindH264(t byte) kind {
	switch {
	case t == 5:
		return keySlice
	case t == 7:
		return sps
	case t == 8:
		return pps
	case t >= 1 && t <= 4:
		return slice
	case t == 0 || t >= 24: // packet types of RFC 6184, and those of nobody
		return garbage
	}
	return other
}

func kindH265(t byte) kind {
	switch {
	case t >= 16 && t <= 23: // IRAP pictures
		return keySlice
	case t < 16:
		return slice
	case t == 32:
		return vps
	case t == 33:
		return sps
	case t == 34:
		return pps
	case t >= 48: // packet types of RFC 7798, and those of nobody
		return garbage
	}
	return other
}

// parameters are the newest parameter sets of a stream: VPS (H.265 only), SPS, PPS.
type parameters struct {
	codec         sidecar.Codec
	sets          [3][]byte // by kind, from vps
	Width, Height int       // of the newest SPS, cropping applied; 0 while unknown
}

// learn remembers a parameter set; it copies what it keeps.
func (p *parameters) learn(k kind, nalu []byte) {
	if k < vps || bytes.Equal(p.sets[k-vps], nalu) {
		return
	}
	p.sets[k-vps] = bytes.Clone(nalu)
	if k != sps {
		return
	}
	if w, h := sizeOf(p.codec, nalu); w > 0 && h > 0 {
		p.Width, p.Height = w, h
	}
}

// complete makes an access unit of a picture's NAL units: what is no NAL unit
// goes, missing parameter sets come in front of a key picture. It gives nil if
// there is no picture in it, and says how many NAL units were garbage.
func (p *parameters) complete(nalus [][]byte) (unit [][]byte, key bool, bad int) {
	unit = make([][]byte, 0, len(nalus)+len(p.sets))
	picture, present := false, [3]bool{}
	for _, nalu := range nalus {
		k := kindOf(p.codec, nalu)
		switch k {
		case garbage:
			bad++
			continue
		case vps, sps, pps:
			p.learn(k, nalu)
			present[k-vps] = true
		case keySlice:
			picture, key = true, true
		case slice:
			picture = true
		}
		unit = append(unit, nalu)
	}
	if !picture {
		return nil, false, bad
	}
	if key {
		unit = p.prepend(unit, present)
	}
	return unit, key, bad
}

// prepend puts the sets that are known and not present in front of a unit.
func (p *parameters) prepend(unit [][]byte, present [3]bool) [][]byte {
	n := 0
	for i, set := range p.sets {
		if set != nil && !present[i] {
			unit = append(unit, nil)
			copy(unit[n+1:], unit[n:])
			unit[n] = set
			n++
		}
	}
	return unit
}

// sizeOf reads the size of a picture from its SPS, 0×0 if it cannot be read.
func sizeOf(codec sidecar.Codec, nalu []byte) (width, height int) {
	if codec == sidecar.H265 {
		var s h265.SPS
		if s.Unmarshal(nalu) == nil {
			return s.Width(), s.Height()
		}
		return 0, 0
	}
	var s h264.SPS
	if s.Unmarshal(nalu) == nil {
		return s.Width(), s.Height()
	}
	return 0, 0
}
