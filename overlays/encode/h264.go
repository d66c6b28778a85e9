package encode

/*
#include <stdlib.h>
#include "h264.h"
*/
import "C"

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"slices"
	"time"
	"unsafe"

	"pantau/sidecar"
)

// Presets are those of x264 that a live stream may be made with, from the one
// that takes least of the processor to the one that gives most for a bit.
func Presets() []string {
	return []string{"ultrafast", "superfast", "veryfast", "faster", "fast", "medium"}
}

// H264Options say what a live stream is like.
type H264Options struct {
	Width, Height int // pixels, even
	Colours       sidecar.Colours
	Rate          float64 // expected pictures a second
	Preset        string  // one of Presets
	Bitrate       int     // the most, kbit/s
	Baseline      bool    // Constrained Baseline, which everybody decodes; otherwise as the preset has it
}

// H264 makes a live stream: one picture in, one access unit out at once, without
// B pictures, on the caller's thread. It belongs to one goroutine.
type H264 struct {
	c     *C.pantau_h264 // in C; nil once closed
	pts   int64          // of the newest picture
	keyed int64          // of the newest key picture
}

// quality is x264's constant rate factor of a live stream: text stays sharp.
const quality = 23

// NewH264 opens the encoder.
func NewH264(o H264Options) (*H264, error) { return newH264(o, 0) }

// newH264 opens an encoder whose parameter sets stand in the stream, or apart.
func newH264(o H264Options, apart C.int) (*H264, error) {
	const least, most = 16, 1 << 13
	switch {
	case o.Width < least || o.Height < least || o.Width > most || o.Height > most || o.Width%2 != 0 || o.Height%2 != 0:
		return nil, fmt.Errorf("video of %d×%d pixels, want even numbers from %d to %d", o.Width, o.Height, least, most)
	case !(o.Rate > 0 && o.Rate <= 120):
		return nil, fmt.Errorf("video with %g pictures a second, want more than 0 and at most 120", o.Rate)
	case !slices.Contains(Presets(), o.Preset):
		return nil, fmt.Errorf("unknown preset %q, want one of %v", o.Preset, Presets())
	case o.Bitrate < 50 || o.Bitrate > 100_000:
		return nil, fmt.Errorf("video of %d kbit/s, want 50 to 100000", o.Bitrate)
	}
	C.av_log_set_level(C.AV_LOG_QUIET)
	preset := C.CString(o.Preset)
	defer C.free(unsafe.Pointer(preset))
	x := C.pantau_x264{width: C.int(o.Width), height: C.int(o.Height), rate: C.double(o.Rate), preset: preset,
		crf: quality, live: 1, global: apart, most: C.int(o.Bitrate * 1000), space: spaceOf(o.Colours.Matrix), _range: C.AVCOL_RANGE_JPEG}
	if o.Colours.Limited {
		x._range = C.AVCOL_RANGE_MPEG
	}
	if o.Baseline {
		x.baseline = 1
	}
	e := &H264{c: (*C.pantau_h264)(C.calloc(1, C.sizeof_pantau_h264)), pts: -1 << 62}
	if code := C.pantau_h264_open(e.c, &x); code < 0 {
		C.free(unsafe.Pointer(e.c))
		err := fmt.Errorf("opening the encoder: %s", text(code))
		if code == C.AVERROR_ENCODER_NOT_FOUND {
			return nil, &sidecar.Fault{Err: err, Hint: noX264}
		}
		return nil, err
	}
	return e, nil
}

func spaceOf(m sidecar.Matrix) C.enum_AVColorSpace {
	switch m {
	case sidecar.BT709:
		return C.AVCOL_SPC_BT709
	case sidecar.BT2020:
		return C.AVCOL_SPC_BT2020_NCL
	}
	return C.AVCOL_SPC_SMPTE170M
}

// Picture is where the next picture is put: 4:2:0 in the stream's colours, with
// anything in it. It is in C's memory, and may be touched until Encode or Close.
func (e *H264) Picture() (*image.YCbCr, error) {
	if e.c == nil {
		return nil, errClosed
	}
	if code := C.pantau_h264_begin(e.c); code < 0 {
		return nil, fmt.Errorf("making room for a picture: %s", text(code))
	}
	f := e.c.frame
	plane := func(i, height int) []uint8 {
		return unsafe.Slice((*uint8)(f.data[i]), int(f.linesize[i])*height)
	}
	width, height := int(f.width), int(f.height)
	return &image.YCbCr{
		Y: plane(0, height), Cb: plane(1, height/2), Cr: plane(2, height/2),
		YStride: int(f.linesize[0]), CStride: int(f.linesize[1]),
		SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: image.Rect(0, 0, width, height),
	}, nil
}

// keyEvery is the time from one key picture to the next, in 1/90000 s, however many
// pictures a second really come.
const keyEvery = 2 * clockRate

// Encode codes what is in Picture, shown at pts, in 1/90000 s, which grows from
// one to the next. key asks for a picture that decoding can begin with; whether it
// is one is given back. The NAL units have no start codes; parameter sets stand in
// front of each key picture.
func (e *H264) Encode(pts int64, key bool) (nalus [][]byte, isKey bool, err error) {
	if e.c == nil {
		return nil, false, errClosed
	}
	if pts <= e.pts {
		return nil, false, errors.New("a picture that does not come after the one before")
	}
	wanted := C.int(0)
	if key || pts-e.keyed >= keyEvery {
		wanted = 1
	}
	if code := C.pantau_h264_encode(e.c, C.int64_t(pts), wanted); code < 0 {
		return nil, false, fmt.Errorf("encoding: %s", text(code))
	}
	e.pts = pts
	p := e.c.packet
	if isKey = p.flags&C.AV_PKT_FLAG_KEY != 0; isKey {
		e.keyed = pts
	}
	return units(C.GoBytes(unsafe.Pointer(p.data), p.size)), isKey, nil
}

// CPU is the processor time that encoding has taken so far.
func (e *H264) CPU() time.Duration {
	if e.c == nil {
		return 0
	}
	return time.Duration(e.c.cpu)
}

// Close frees the encoder. It may be called twice.
func (e *H264) Close() {
	if e.c != nil {
		C.pantau_h264_close(e.c)
		C.free(unsafe.Pointer(e.c))
		e.c = nil
	}
}

// ParameterSets gives the sequence and the picture parameter set that a stream of
// these options has.
func ParameterSets(o H264Options) (sps, pps []byte, err error) {
	e, err := newH264(o, 1)
	if err != nil {
		return nil, nil, err
	}
	defer e.Close()
	nalus := units(C.GoBytes(unsafe.Pointer(e.c.codec.extradata), e.c.codec.extradata_size))
	for _, n := range nalus {
		switch n[0] & 0x1F {
		case 7:
			sps = n
		case 8:
			pps = n
		}
	}
	if sps == nil || pps == nil {
		return nil, nil, errors.New("the encoder gives no parameter sets")
	}
	return sps, pps, nil
}

// units cuts a byte stream (H.264 annex B) at its start codes.
func units(stream []byte) (nalus [][]byte) {
	code := []byte{0, 0, 1}
	for i := bytes.Index(stream, code); i >= 0; {
		stream = stream[i+len(code):]
		i = bytes.Index(stream, code)
		nalu := stream
		if i >= 0 {
			nalu = stream[:i]
		}
		if nalu = bytes.TrimRight(nalu, "\x00"); len(nalu) > 0 { // trailing zeros are of the next start code
			nalus = append(nalus, nalu)
		}
	}
	return nalus
}
