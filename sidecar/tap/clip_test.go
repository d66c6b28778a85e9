package tap

import (
	"bytes"
	"errors"
	"image/jpeg"
	"os"
	"os/exec"
	"slices"
	"testing"

	"pantau/sidecar"
)

func TestClips(t *testing.T) {
	for path, want := range map[string]struct {
		codec  sidecar.Codec
		frames int
		keys   []int
	}{
		"testdata/h264.mp4":    {sidecar.H264, 6, []int{0, 3}},
		"testdata/h265.mp4":    {sidecar.H265, 6, []int{0, 3}},
		"testdata/mjpeg.mp4":   {sidecar.MJPEG, 3, []int{0, 1, 2}},
		"testdata/bframes.mp4": {sidecar.H264, 9, []int{0}},
	} {
		c, err := OpenClip(path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if w, h := c.Size(); w != 64 || h != 48 || c.Codec() != want.codec || c.Len() != want.frames || c.Duration() != int64(want.frames)*3600 {
			t.Errorf("%s: got %d×%d, %s, %d pictures in %d ticks", path, w, h, c.Codec(), c.Len(), c.Duration())
		}
		var keys []int
		var shown []int64
		for i := range c.Len() {
			u, err := c.At(i)
			if err != nil {
				t.Fatal(err)
			}
			if u.Key {
				keys = append(keys, i)
			}
			shown = append(shown, u.PTS)
			if got := c.Due(i); got != int64(i)*3600 {
				t.Errorf("%s: picture %d is due at %d", path, i, got)
			}
			if want.codec == sidecar.MJPEG {
				if _, err := jpeg.Decode(bytes.NewReader(u.NALUs[0])); err != nil {
					t.Errorf("%s: picture %d: %v", path, i, err)
				}
			} else if u.Key && kindOf(u.Codec, u.NALUs[0]) < vps {
				t.Errorf("%s: no parameter sets in front of picture %d", path, i)
			}
		}
		if !slices.Equal(keys, want.keys) {
			t.Errorf("%s: got key pictures %v, want %v", path, keys, want.keys)
		}
		if sorted := slices.IsSorted(shown); sorted != (path != "testdata/bframes.mp4") {
			t.Errorf("%s: got pictures shown at %v", path, shown)
		}
		slices.Sort(shown)
		for i, pts := range shown {
			if pts != int64(i)*3600 {
				t.Errorf("%s: got pictures shown at %v, want one every 3600 ticks", path, shown)
				break
			}
		}
	}
}

// TestClipsRefused: what cannot be played is said, where possible with the remedy.
func TestClipsRefused(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("no ffmpeg: install the package ffmpeg to make test clips")
	}
	video := []string{"-f", "lavfi", "-i", "testsrc=size=64x48:rate=25", "-frames:v", "3"}
	for name, c := range map[string]struct {
		args []string
		want error
		hint bool
	}{
		"fragmented.mp4": {append(video, "-c:v", "libx264", "-movflags", "frag_keyframe+empty_moov"), errFragmented.Err, true},
		"codec.mp4":      {append(video, "-c:v", "mpeg4"), sidecar.ErrCodec, true},
		"audio.mp4":      {[]string{"-f", "lavfi", "-i", "sine=duration=0.2", "-c:a", "aac"}, sidecar.ErrNoVideo, false},
		"clip.avi":       {append(video, "-c:v", "mjpeg"), errBroken, false},
	} {
		path := t.TempDir() + "/" + name
		args := append(append([]string{"-v", "error", "-nostdin", "-y"}, c.args...), path)
		if out, err := exec.Command(ffmpeg, args...).CombinedOutput(); err != nil {
			t.Fatalf("ffmpeg: %v: %s", err, out)
		}
		_, err := OpenClip(path)
		if fault := (*sidecar.Fault)(nil); !errors.Is(err, c.want) || errors.As(err, &fault) != c.hint {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

// TestCutClips cuts clips off at every length: an error, or fewer pictures, never a panic.
func TestCutClips(t *testing.T) {
	for _, path := range seeds(t) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for n := range len(data) {
			if tr, err := readTrack(bytes.NewReader(data[:n]), int64(n)); err == nil && len(tr.samples) == 0 {
				t.Fatalf("%s: got a track without pictures out of %d bytes", path, n)
			}
		}
	}
}
