// Package encode makes video of pictures with their overlays: a file, or a live
// stream. It calls libavcodec's encoder (libx264) and libavformat's MP4 writer.
package encode

/*
#cgo pkg-config: libavcodec libavformat libavutil
#cgo CFLAGS: -O3 -Wall -Wextra
#include <stdlib.h>
#include "mp4.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"image"
	"math"
	"path/filepath"
	"time"
	"unsafe"

	"pantau/sidecar"
)

// clockRate is the number of ticks in a second in the file.
const clockRate = 90000

// errClosed says that the video was used after Close.
var errClosed = errors.New("video is closed")

// MP4 is a video file being written: H.264, 4:2:0, limited range, BT.601. It
// belongs to one goroutine.
type MP4 struct {
	c             *C.pantau_mp4 // in C; nil once closed
	width, height int
	last          int64 // time stamp of the newest picture
}

// NewMP4 makes the file, or empties it. Width and height are those of the
// pictures in pixels; the encoder wants them even, so an odd one grows by a
// copy of the last column or row. Rate is the expected number of pictures a second.
func NewMP4(path string, width, height int, rate float64) (*MP4, error) {
	if width < 2 || height < 2 || width > 1<<14 || height > 1<<14 {
		return nil, fmt.Errorf("video of %d×%d pixels, want 2 to %d", width, height, 1<<14)
	}
	if !(rate > 0 && rate <= 1000) {
		return nil, fmt.Errorf("video with %g pictures a second, want more than 0 and at most 1000", rate)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("making video: %w", err)
	}
	C.av_log_set_level(C.AV_LOG_QUIET)
	url := C.CString("file:" + abs) // a path with a colon is no other protocol
	defer C.free(unsafe.Pointer(url))
	m := &MP4{c: (*C.pantau_mp4)(C.calloc(1, C.sizeof_pantau_mp4)), width: width, height: height, last: math.MinInt64}
	if code := C.pantau_mp4_open(m.c, url, C.int(width), C.int(height), C.double(rate)); code < 0 {
		C.free(unsafe.Pointer(m.c))
		return nil, openFault(path, code)
	}
	return m, nil
}

// noX264 is what to do where libavcodec has no libx264.
const noX264 = "install an FFmpeg with libx264"

func openFault(path string, code C.int) error {
	hint := "check that the folder exists and can be written to"
	if code == C.AVERROR_ENCODER_NOT_FOUND {
		hint = noX264
	}
	return &sidecar.Fault{Err: fmt.Errorf("making video %s: %s", path, text(code)), Hint: hint}
}

// Write adds a picture: 4:2:0, full range, BT.601, as Go's image packages have
// it, shown from pts on. Each one comes later than the one before.
func (m *MP4) Write(img *image.YCbCr, pts time.Duration) error {
	if m.c == nil {
		return errClosed
	}
	if img.SubsampleRatio != image.YCbCrSubsampleRatio420 {
		return fmt.Errorf("picture in %v, want 4:2:0", img.SubsampleRatio)
	}
	if img.Rect.Dx() != m.width || img.Rect.Dy() != m.height {
		return fmt.Errorf("picture of %d×%d pixels in a video of %d×%d", img.Rect.Dx(), img.Rect.Dy(), m.width, m.height)
	}
	tick := int64(math.Round(pts.Seconds() * clockRate))
	if tick <= m.last {
		return fmt.Errorf("picture at %v does not come after the one before", pts)
	}
	code := m.copy(img)
	if code >= 0 {
		code = C.pantau_mp4_send(m.c, C.int64_t(tick))
	}
	if code < 0 {
		return fmt.Errorf("writing video: %s", text(code))
	}
	m.last = tick
	return nil
}

// copy hands the planes over, and gives libav's error.
func (m *MP4) copy(img *image.YCbCr) C.int {
	luma, chroma := img.YOffset(img.Rect.Min.X, img.Rect.Min.Y), img.COffset(img.Rect.Min.X, img.Rect.Min.Y)
	planes := [3][]uint8{img.Y[luma:], img.Cb[chroma:], img.Cr[chroma:]}
	width, height, stride := m.width, m.height, img.YStride
	for i, p := range planes {
		code := C.pantau_mp4_plane(m.c, C.int(i), (*C.uint8_t)(&p[0]), C.int(stride), C.int(width), C.int(height))
		if code < 0 {
			return code
		}
		width, height, stride = (m.width+1)/2, (m.height+1)/2, img.CStride
	}
	return 0
}

// Close finishes the file. It may be called twice.
func (m *MP4) Close() error {
	if m.c == nil {
		return nil
	}
	code := C.pantau_mp4_finish(m.c)
	C.pantau_mp4_close(m.c)
	C.free(unsafe.Pointer(m.c))
	m.c = nil
	if code < 0 {
		return fmt.Errorf("finishing video: %s", text(code))
	}
	return nil
}

// text is libav's description of an error.
func text(code C.int) string {
	var buf [C.AV_ERROR_MAX_STRING_SIZE]C.char
	C.av_strerror(code, &buf[0], C.AV_ERROR_MAX_STRING_SIZE)
	return C.GoString(&buf[0])
}
