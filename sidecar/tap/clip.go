package tap

import (
	"fmt"
	"os"

	"pantau/sidecar"
)

// clockRate is the RTP clock of all video (RFC 3551), ticks per second.
const clockRate = 90000

// Clip is the video of an MP4 file, open for reading. Its methods may be called
// from several goroutines.
type Clip struct {
	file  *os.File
	track *track
}

// OpenClip opens the first video track of an MP4 file: H.264, H.265 or JPEG. A
// file that cannot be used is a *sidecar.Fault where there is a remedy.
func OpenClip(path string) (*Clip, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening clip: %w", err)
	}
	c := &Clip{file: file}
	info, err := file.Stat()
	if err == nil {
		c.track, err = readTrack(file, info.Size())
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("opening clip %s: %w", path, err)
	}
	return c, nil
}

// Close closes the file.
func (c *Clip) Close() error { return c.file.Close() }

// Codec is the codec of the clip's pictures.
func (c *Clip) Codec() sidecar.Codec { return c.track.params.codec }

// Size is the size of the pictures in pixels.
func (c *Clip) Size() (width, height int) { return c.track.params.Width, c.track.params.Height }

// Len is the number of pictures.
func (c *Clip) Len() int { return len(c.track.samples) }

// Duration is the length of the clip in 1/90000 s: where its second round begins.
func (c *Clip) Duration() int64 { return c.track.duration }

// Due is when picture i is to be sent, in 1/90000 s from the clip's beginning.
// It differs from the picture's PTS where there are B pictures.
func (c *Clip) Due(i int) int64 { return c.track.samples[i].dts }

// At reads picture i in order of decoding. Its PTS is counted from the first
// picture shown; epoch and times of day are left to whoever plays the clip.
func (c *Clip) At(i int) (*sidecar.AccessUnit, error) {
	s := c.track.samples[i]
	data := make([]byte, s.size)
	if _, err := c.file.ReadAt(data, s.offset); err != nil {
		return nil, fmt.Errorf("reading picture %d: %w", i, err)
	}
	u := &sidecar.AccessUnit{Codec: c.track.params.codec}
	u.PTS, u.ClockRate, u.Source = s.pts, clockRate, sidecar.TimeFile
	if u.Codec == sidecar.MJPEG {
		u.NALUs, u.Key = [][]byte{data}, true
		return u, nil
	}
	params := c.track.params // a copy: what one picture brings must not show in others
	nalus, err := c.split(data)
	if err == nil {
		u.NALUs, u.Key, _ = params.complete(nalus)
	}
	if u.NALUs == nil {
		return nil, fmt.Errorf("reading picture %d: %w", i, errBroken)
	}
	return u, nil
}

// split takes a sample apart into NAL units (14496-15 clause 4.3.3).
func (c *Clip) split(data []byte) ([][]byte, error) {
	var nalus [][]byte
	for prefix := c.track.prefix; len(data) > 0; {
		if len(data) < prefix {
			return nil, errBroken
		}
		n := 0
		for _, b := range data[:prefix] {
			n = n<<8 | int(b)
		}
		data = data[prefix:]
		if n > len(data) {
			return nil, errBroken
		}
		if n > 0 {
			nalus = append(nalus, data[:n:n])
		}
		data = data[n:]
	}
	return nalus, nil
}
