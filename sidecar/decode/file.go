package decode

// #include <stdlib.h>
// #include "decode.h"
import "C"

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"
	"unsafe"

	"pantau/sidecar"
)

// clockRate is the unit of a clip's stamps, as of all video over RTP (RFC 3551).
const clockRate = 90000

// FileOptions says how a clip is read.
type FileOptions struct {
	Start time.Time         // capture time of its first picture
	Mask  []sidecar.Polygon // areas that are blanked before anybody sees the frame
}

// Info describes a clip.
type Info struct {
	Codec         string // libav's name, such as "h264"
	Width, Height int    // pixels
	FPS           float64
	Duration      time.Duration // 0 if the container does not say
	Frames        int           // as the container says, or worked out from the duration
}

// File is a clip that is read from its beginning to its end. It belongs to one goroutine.
type File struct {
	c     *C.pantau_file // in C, since libav's pointers into it must stay
	mask  mask
	info  Info
	start time.Time
	epoch string
	first int64 // time stamp of the first picture, in the stream's time base
	last  int64 // PTS of the newest picture, in 1/clockRate s; -1 before the first
}

// OpenFile opens a clip in any container and codec that libav knows. Its stamps
// begin with PTS 0, and the same content always has the same epoch. What is wrong with
// the clip is a [sidecar.Fault].
func OpenFile(path string, o FileOptions) (*File, error) {
	epoch, err := contentEpoch(path)
	if err != nil {
		return nil, &sidecar.Fault{Err: fmt.Errorf("opening clip: %w", err), Hint: "check the path and that the file can be read"}
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("opening clip: %w", err)
	}
	C.av_log_set_level(C.AV_LOG_QUIET)
	url := C.CString("file:" + abs) // a path with a colon is no other protocol
	defer C.free(unsafe.Pointer(url))
	f := &File{c: (*C.pantau_file)(C.calloc(1, C.sizeof_pantau_file)), mask: mask{polygons: o.Mask}, start: o.Start, epoch: epoch, last: -1}
	if code := C.pantau_open_file(f.c, url); code < 0 {
		C.free(unsafe.Pointer(f.c))
		return nil, openFault(path, code)
	}
	f.info = f.describe()
	return f, nil
}

func openFault(path string, code C.int) error {
	cause, hint := errors.New(text(code)), "the file may be cut off or be no video; try to play it"
	switch code {
	case C.AVERROR_STREAM_NOT_FOUND:
		cause, hint = sidecar.ErrNoVideo, "give a clip with a picture"
	case C.AVERROR_DECODER_NOT_FOUND:
		cause, hint = sidecar.ErrCodec, "convert the clip to H.264"
	}
	return &sidecar.Fault{Err: fmt.Errorf("opening clip %s: %w", path, cause), Hint: hint}
}

// contentEpoch names a clip by its content: the same bytes, the same epoch.
func contentEpoch(path string) (string, error) {
	r, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", err
	}
	return "f" + hex.EncodeToString(h.Sum(nil)[:4]), nil
}

func (f *File) describe() Info {
	par := f.c.stream.codecpar
	info := Info{
		Codec: C.GoString(C.avcodec_get_name(par.codec_id)),
		Width: int(par.width), Height: int(par.height),
		FPS:    ratio(f.c.stream.avg_frame_rate),
		Frames: int(f.c.stream.nb_frames),
	}
	if info.FPS == 0 {
		info.FPS = ratio(f.c.stream.r_frame_rate)
	}
	if d := f.c.format.duration; d > 0 {
		info.Duration = time.Duration(d) * time.Second / C.AV_TIME_BASE
	}
	if info.Frames == 0 {
		info.Frames = int(math.Round(info.Duration.Seconds() * info.FPS))
	}
	return info
}

func ratio(r C.AVRational) float64 {
	if r.den == 0 {
		return 0
	}
	return float64(r.num) / float64(r.den)
}

// Info describes the clip.
func (f *File) Info() Info { return f.info }

// Broken is the number of packets and pictures that could not be decoded so far.
func (f *File) Broken() int { return int(f.c.broken) }

// Close frees the clip. Its frames live on.
func (f *File) Close() {
	C.pantau_close_file(f.c)
	C.free(unsafe.Pointer(f.c))
	f.c = nil
}

// Next gives the next picture in the order of presentation. After the last one
// the error is [io.EOF]. Broken parts are left out and counted.
func (f *File) Next() (*sidecar.Frame, error) {
	r := C.pantau_next(f.c)
	if r.err == C.AVERROR_EOF {
		return nil, io.EOF
	}
	if r.frame == nil {
		return nil, fmt.Errorf("reading clip: %s", text(r.err))
	}
	return f.mask.frame(r.frame, &pending{stamp: f.stamp(r.frame), key: r.frame.key_frame != 0, received: time.Now()})
}

// stamp works out a picture's place in time. Stamps always rise: where the clip
// does not say, or goes back, a picture comes one frame after the one before.
func (f *File) stamp(av *C.AVFrame) sidecar.Stamp {
	if f.last < 0 && av.pts != C.AV_NOPTS_VALUE {
		f.first = int64(av.pts)
	}
	pts := int64(-1)
	if av.pts != C.AV_NOPTS_VALUE {
		pts = int64(C.av_rescale_q(av.pts-C.int64_t(f.first), f.c.stream.time_base, C.AVRational{1, clockRate}))
	}
	if pts <= f.last {
		pts = f.last + f.tick()
	}
	f.last = pts
	s := sidecar.Stamp{Epoch: f.epoch, PTS: pts, RTPTime: uint32(pts), ClockRate: clockRate, Source: sidecar.TimeFile}
	s.Capture = f.start.Add(s.Media()).UTC()
	return s
}

// tick is the usual time between two pictures, in 1/clockRate s; 1 before the first.
func (f *File) tick() int64 {
	if f.last < 0 || f.info.FPS <= 0 {
		return 1
	}
	return max(1, int64(clockRate/f.info.FPS))
}
