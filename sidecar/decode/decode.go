// Package decode turns access units into frames.
//
// It is a thin layer over libavcodec, and the only place where libav's decoders
// are called. A decoder runs on the caller's thread and starts none. Pictures
// stay in C, shared with the decoder by reference count, and are read there:
// straight from the decoder's planes into a detector's tensor. They cross into
// Go only as a JPEG or as a copy.
//
// Errors of libav are texts for people; what a caller tells apart is [ErrBroken]
// and, for clips, [sidecar.Fault].
package decode

/*
#cgo pkg-config: libavcodec libavformat libavutil libswscale libturbojpeg
#cgo CFLAGS: -O3 -Wall -Wextra
#cgo LDFLAGS: -lm
#cgo noescape pantau_open_decoder
#cgo noescape pantau_letterbox
#cgo nocallback pantau_letterbox
#cgo noescape pantau_ycbcr
#cgo nocallback pantau_ycbcr
#cgo noescape pantau_copy_planes
#cgo nocallback pantau_copy_planes
#cgo noescape pantau_mask
#cgo nocallback pantau_mask
#cgo noescape pantau_decode
#cgo nocallback pantau_decode
#cgo noescape pantau_packet
#cgo nocallback pantau_packet
#include "decode.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	"pantau/sidecar"
)

// ErrBroken says that an access unit could not be decoded, or only with parts
// that were guessed. It is to be counted; the decoder goes on with the next one.
var ErrBroken = errors.New("broken picture")

// maxUnit is the largest access unit in bytes that is given to the decoder.
const maxUnit = 1 << 26

// Options says what a Decoder decodes, and how much of it.
type Options struct {
	Codec     sidecar.Codec
	KeyFrames bool              // key frames only, each of them without delay
	Mask      []sidecar.Polygon // areas that are blanked before anybody sees the frame
}

// Decoder makes frames of one camera's access units. It belongs to one
// goroutine; its frames may be used and released by others, and live on after Close.
type Decoder struct {
	c      C.pantau_decoder
	mjpeg  bool
	keys   bool
	mask   mask
	began  bool        // a key frame has been seen
	seq    int64       // of the newest unit; the decoder hands it through
	inside [32]pending // units whose pictures may still come, at seq modulo the length: more than the 16 that both standards let wait
}

// pending is what is kept of an access unit until its picture comes.
type pending struct {
	stamp    sidecar.Stamp
	seq      int64
	key      bool
	received time.Time
}

// New makes a decoder. It fails with [sidecar.ErrCodec] for a codec that is none of sidecar's.
func New(o Options) (*Decoder, error) {
	ids := map[sidecar.Codec]C.enum_AVCodecID{
		sidecar.H264:  C.AV_CODEC_ID_H264,
		sidecar.H265:  C.AV_CODEC_ID_HEVC,
		sidecar.MJPEG: C.AV_CODEC_ID_MJPEG,
	}
	id, ok := ids[o.Codec]
	if !ok {
		return nil, fmt.Errorf("opening decoder of %q: %w", o.Codec, sidecar.ErrCodec)
	}
	C.av_log_set_level(C.AV_LOG_QUIET)
	d := &Decoder{mjpeg: o.Codec == sidecar.MJPEG, keys: o.KeyFrames, mask: mask{polygons: o.Mask}}
	if err := C.pantau_open_decoder(&d.c, id, nil); err < 0 {
		return nil, fmt.Errorf("opening decoder of %s: %s", o.Codec, text(err))
	}
	return d, nil
}

// CPU is the processor time that decoding has taken so far.
func (d *Decoder) CPU() time.Duration { return time.Duration(d.c.cpu) }

// Close frees the decoder.
func (d *Decoder) Close() { C.pantau_close_decoder(&d.c) }

// Decode takes the next access unit and gives the picture that comes out of
// the decoder, which with reordered streams is an earlier one. No frame and no
// error means none yet: units before the first key frame are left out, and in
// key-frame mode all that are no key frames. The error is always an [ErrBroken].
func (d *Decoder) Decode(u *sidecar.AccessUnit) (*sidecar.Frame, error) {
	d.began = d.began || u.Key
	if !d.began || d.keys && !u.Key {
		return nil, nil
	}
	if err := d.fill(u); err != nil {
		return nil, err
	}
	d.seq++
	d.inside[d.seq%int64(len(d.inside))] = pending{u.Stamp, d.seq, u.Key, u.Received}
	drain := C.int(0)
	if d.keys {
		drain = 1
	}
	r := C.pantau_decode(&d.c, C.int64_t(d.seq), drain)
	if r.frame == nil {
		if r.err == 0 || r.err == C.AVERROR_EOF {
			return nil, nil
		}
		return nil, fmt.Errorf("%w: %s", ErrBroken, text(r.err))
	}
	p := &d.inside[uint64(r.frame.pts)%uint64(len(d.inside))]
	if p.seq != int64(r.frame.pts) {
		C.pantau_free_frame(r.frame)
		return nil, fmt.Errorf("%w: picture without an access unit", ErrBroken)
	}
	return d.mask.frame(r.frame, p)
}

// fill copies the unit into the decoder's packet: NAL units behind start codes
// (H.264 and H.265, annex B), or the JPEG as it is.
func (d *Decoder) fill(u *sidecar.AccessUnit) error {
	size := u.Size()
	if !d.mjpeg {
		size += len(startCode) * len(u.NALUs)
	}
	if size == 0 || size > maxUnit {
		return fmt.Errorf("%w: access unit of %d bytes", ErrBroken, size)
	}
	data := C.pantau_packet(&d.c, C.int(size))
	if data == nil {
		return fmt.Errorf("%w: no memory", ErrBroken)
	}
	dst := unsafe.Slice((*byte)(data), size)
	for _, nalu := range u.NALUs {
		if !d.mjpeg {
			dst = dst[copy(dst, startCode):]
		}
		dst = dst[copy(dst, nalu):]
	}
	return nil
}

const startCode = "\x00\x00\x00\x01"

// text is libav's description of an error.
func text(err C.int) string {
	var buf [C.AV_ERROR_MAX_STRING_SIZE]C.char
	C.av_strerror(err, &buf[0], C.AV_ERROR_MAX_STRING_SIZE)
	return C.GoString(&buf[0])
}
