package tap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"

	"pantau/sidecar"
)

// What a clip may be at most. A file that says more is refused, whatever its size.
const (
	maxMovie   = 64 << 20         // bytes of a "moov" box
	maxSamples = 1 << 21          // 19 h at 30 pictures a second
	maxSample  = 8 << 20          // bytes of one picture
	maxSeconds = 7 * 24 * 60 * 60 // length of a clip
	maxRate    = 1000             // pictures per second
)

var errBroken = errors.New("not an MP4 file that can be read")

// errFragmented is a file whose samples are not listed in front.
var errFragmented = &sidecar.Fault{
	Err:  errors.New("fragmented MP4"),
	Hint: "rewrite it with: ffmpeg -i in.mp4 -c copy out.mp4",
}

// sample is where one picture lies in a file, and its times in 1/90000 s.
type sample struct {
	offset   int64
	dts, pts int64
	size     uint32
}

// track is the video track of an MP4 file.
type track struct {
	params    parameters
	prefix    int // bytes of the length in front of each NAL unit
	samples   []sample
	duration  int64 // 1/90000 s
	timescale int64
}

// readTrack reads the first video track of a file of the given size
// (ISO/IEC 14496-12; sample entries of 14496-15).
func readTrack(r io.ReaderAt, size int64) (*track, error) {
	moov, err := readMovie(r, size)
	if err != nil {
		return nil, err
	}
	if find(moov, "mvex") != nil {
		return nil, errFragmented
	}
	for trak := range boxes(moov, "trak") {
		handler := find(trak, "mdia", "hdlr")
		if len(handler) < 12 || string(handler[8:12]) != "vide" {
			continue
		}
		t := &track{}
		if err := t.readEntry(find(trak, "mdia", "minf", "stbl", "stsd")); err != nil {
			return nil, err
		}
		if err := t.readTables(find(trak, "mdia"), size); err != nil {
			return nil, err
		}
		return t, nil
	}
	return nil, sidecar.ErrNoVideo
}

// readMovie finds the "moov" box among the boxes of the file itself.
func readMovie(r io.ReaderAt, size int64) ([]byte, error) {
	for at := int64(0); at+8 <= size; {
		var head [16]byte
		n, _ := r.ReadAt(head[:], at)
		if n < 8 {
			return nil, errBroken
		}
		length, start := int64(binary.BigEndian.Uint32(head[:])), int64(8)
		switch {
		case length == 0: // up to the end of the file
			length = size - at
		case length == 1 && n == 16:
			length, start = int64(binary.BigEndian.Uint64(head[8:])), 16
		}
		if length < start || length > size-at {
			return nil, errBroken
		}
		if string(head[4:8]) == "moov" {
			if length > maxMovie {
				return nil, fmt.Errorf("%w: index of %d MiB", errBroken, length>>20)
			}
			moov := make([]byte, length-start)
			_, err := r.ReadAt(moov, at+start)
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return moov, err
		}
		at += length
	}
	return nil, errBroken
}

// boxes goes over the bodies of all boxes of a kind, up to what cannot be read.
func boxes(b []byte, name string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for rest := b; len(rest) >= 8; {
			n := binary.BigEndian.Uint32(rest)
			if n < 8 || uint64(n) > uint64(len(rest)) {
				return
			}
			if string(rest[4:8]) == name && !yield(rest[8:n]) {
				return
			}
			rest = rest[n:]
		}
	}
}

// find gives the body of the first box at a path, nil if there is none.
func find(b []byte, path ...string) []byte {
	for _, name := range path {
		var body []byte
		for body = range boxes(b, name) {
			break
		}
		if body == nil {
			return nil
		}
		b = body
	}
	return b
}

// readEntry reads the first entry of a sample description.
func (t *track) readEntry(stsd []byte) error {
	const visual = 78 // bytes of a VisualSampleEntry before its boxes
	if len(stsd) < 8+8+visual {
		return errBroken
	}
	name, entry := string(stsd[12:16]), stsd[16:]
	t.params.Width, t.params.Height = u16(entry, 24), u16(entry, 26)
	switch name {
	case "avc1", "avc3":
		t.params.codec = sidecar.H264
		return t.readAVC(find(entry[visual:], "avcC"))
	case "hvc1", "hev1":
		t.params.codec = sidecar.H265
		return t.readHEVC(find(entry[visual:], "hvcC"))
	case "jpeg", "mjpg":
		t.params.codec = sidecar.MJPEG
		return nil
	case "mp4v":
		if objectType(find(entry[visual:], "esds")) == 0x6C { // ISO/IEC 10918-1
			t.params.codec = sidecar.MJPEG
			return nil
		}
	}
	return &sidecar.Fault{
		Err:  fmt.Errorf("%w: %q", sidecar.ErrCodec, name),
		Hint: "transcode it with: ffmpeg -i clip -an -c:v libx264 -bf 0 -pix_fmt yuv420p out.mp4",
	}
}

// readAVC reads an AVCDecoderConfigurationRecord (14496-15 clause 5.3.3.1).
func (t *track) readAVC(b []byte) error {
	if len(b) < 7 {
		return errBroken
	}
	t.prefix = int(b[4]&3) + 1
	rest, ok := t.readSets(b[6:], int(b[5]&0x1F))
	if !ok || len(rest) < 1 {
		return errBroken
	}
	if _, ok = t.readSets(rest[1:], int(rest[0])); !ok {
		return errBroken
	}
	return nil
}

// readHEVC reads an HEVCDecoderConfigurationRecord (14496-15 clause 8.3.3.1).
func (t *track) readHEVC(b []byte) error {
	if len(b) < 23 {
		return errBroken
	}
	t.prefix = int(b[21]&3) + 1
	rest := b[23:]
	for range b[22] {
		if len(rest) < 3 {
			return errBroken
		}
		var ok bool
		if rest, ok = t.readSets(rest[3:], u16(rest, 1)); !ok {
			return errBroken
		}
	}
	return nil
}

// readSets reads n parameter sets, each with its length in front.
func (t *track) readSets(b []byte, n int) (rest []byte, ok bool) {
	for range n {
		if len(b) < 2 || len(b)-2 < u16(b, 0) {
			return nil, false
		}
		set := b[2 : 2+u16(b, 0)]
		t.params.learn(kindOf(t.params.codec, set), set)
		b = b[2+len(set):]
	}
	return b, true
}

// objectType reads the objectTypeIndication of an "esds" box (14496-1 clause 7.2.6).
func objectType(b []byte) byte {
	const elementary, decoder = 3, 4 // descriptor tags
	if len(b) < 4 {
		return 0
	}
	b = descriptor(b[4:], elementary)
	if len(b) < 3 || b[2]&0xE0 != 0 { // with optional fields: nobody writes them for JPEG
		return 0
	}
	if b = descriptor(b[3:], decoder); len(b) < 1 {
		return 0
	}
	return b[0]
}

// descriptor gives what follows the head of a descriptor, nil if it is not of that tag.
func descriptor(b []byte, tag byte) []byte {
	if len(b) < 2 || b[0] != tag {
		return nil
	}
	b = b[1:]
	for len(b) > 0 && b[0]&0x80 != 0 { // length, seven bits a byte
		b = b[1:]
	}
	if len(b) == 0 {
		return nil
	}
	return b[1:]
}

func u16(b []byte, at int) int { return int(binary.BigEndian.Uint16(b[at:])) }
