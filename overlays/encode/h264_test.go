package encode

import (
	"bytes"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pantau/sidecar"
)

var live = H264Options{Width: 320, Height: 240, Rate: 15, Preset: "veryfast", Bitrate: 2000,
	Colours: sidecar.Colours{Matrix: sidecar.BT709, Limited: true}}

// film codes n pictures of which each is lighter than the one before, key pictures
// being asked for where `key` says so, and gives the byte stream.
func film(t *testing.T, o H264Options, n int, key func(i int) bool) (stream []byte, keys []int) {
	t.Helper()
	e, err := NewH264(o)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for i := range n {
		img, err := e.Picture()
		if err != nil {
			t.Fatal(err)
		}
		fill(img, uint8(40+2*i))
		nalus, isKey, err := e.Encode(int64(i)*6000, key(i))
		if err != nil || len(nalus) == 0 {
			t.Fatalf("picture %d: %d NAL units, %v", i, len(nalus), err)
		}
		if isKey {
			keys = append(keys, i)
			if kinds := [2]byte{nalus[0][0] & 0x1F, nalus[1][0] & 0x1F}; kinds != [2]byte{7, 8} {
				t.Errorf("key picture %d begins with NAL units of types %v, want 7 and 8", i, kinds)
			}
		}
		for _, nalu := range nalus {
			stream = append(append(stream, 0, 0, 0, 1), nalu...)
		}
	}
	return stream, keys
}

// fill makes a grey picture.
func fill(img *image.YCbCr, luma uint8) {
	for i := range img.Y {
		img.Y[i] = luma
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = 128, 128
	}
}

// TestKeyPicturesComeByTime: a camera that gives fewer pictures than were expected has as
// many key pictures.
func TestKeyPicturesComeByTime(t *testing.T) {
	slow := live
	slow.Rate = 60
	if _, keys := film(t, slow, 70, func(int) bool { return false }); !slices.Equal(keys, []int{0, 30, 60}) {
		t.Errorf("key pictures %v, want one in two seconds of 15 pictures each", keys)
	}
}

func TestEachPictureComesOutAtOnce(t *testing.T) {
	stream, keys := film(t, live, 90, func(i int) bool { return i == 7 })
	if want := []int{0, 7, 37, 67}; len(keys) != len(want) || keys[1] != 7 {
		t.Errorf("key pictures %v, want about %v: the first, the one asked for, and one in two seconds", keys, want)
	}
	path := filepath.Join(t.TempDir(), "live.h264")
	if err := os.WriteFile(path, stream, 0o600); err != nil {
		t.Fatal(err)
	}
	got := tool(t, "ffprobe", "-count_frames", "-show_entries", "stream=codec_name,has_b_frames,color_range,color_space,nb_read_frames", "-of", "default=noprint_wrappers=1", path)
	for _, want := range []string{"codec_name=h264", "has_b_frames=0", "color_range=tv", "color_space=bt709", "nb_read_frames=90"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q has no %s", got, want)
		}
	}
	grey := tool(t, "ffmpeg", "-i", path, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")
	size := 320 * 240 * 3 / 2
	if len(grey) != 90*size {
		t.Fatalf("%d bytes, want 90 pictures of %d", len(grey), size)
	}
	for i := range 90 {
		if got, want := int(grey[i*size+1000]), 40+2*i; got < want-2 || got > want+2 {
			t.Errorf("picture %d has luma %d, want %d", i, got, want)
		}
	}
}

func TestParameterSetsAreThoseOfTheStream(t *testing.T) {
	for _, o := range []H264Options{live, {Width: 642, Height: 358, Rate: 25, Preset: "ultrafast", Bitrate: 500}} {
		sps, pps, err := ParameterSets(o)
		if err != nil {
			t.Fatal(err)
		}
		stream, _ := film(t, o, 1, func(int) bool { return false })
		for name, set := range map[string][]byte{"sequence": sps, "picture": pps} {
			if !bytes.Contains(stream, append([]byte{0, 0, 0, 1}, set...)) {
				t.Errorf("%d×%d: the %s parameter set is not in the stream", o.Width, o.Height, name)
			}
		}
	}
}

func TestTheRateIsKept(t *testing.T) {
	o := live
	o.Width, o.Height, o.Bitrate = 640, 480, 300
	e, err := NewH264(o)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	bytes, seed := 0, uint32(1)
	for i := range 75 { // noise, which no encoder makes small: 5 s
		img, err := e.Picture()
		if err != nil {
			t.Fatal(err)
		}
		for j := range img.Y {
			seed = seed*1664525 + 1013904223
			img.Y[j] = uint8(seed >> 24)
		}
		nalus, _, err := e.Encode(int64(i)*6000, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range nalus {
			bytes += len(n)
		}
	}
	if rate := float64(bytes) * 8 / 5 / 1000; rate > 2*300 {
		t.Errorf("%.0f kbit/s of noise, want about 300", rate)
	}
}

func TestWrongStreamsAreRefused(t *testing.T) {
	change := func(f func(*H264Options)) H264Options { o := live; f(&o); return o }
	for want, o := range map[string]H264Options{
		"321×240":   change(func(o *H264Options) { o.Width = 321 }),
		"320×0":     change(func(o *H264Options) { o.Height = 0 }),
		"pictures":  change(func(o *H264Options) { o.Rate = 0 }),
		"preset":    change(func(o *H264Options) { o.Preset = "placebo" }),
		"10 kbit/s": change(func(o *H264Options) { o.Bitrate = 10 }),
	} {
		if _, err := NewH264(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	e, err := NewH264(live)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := e.Encode(5, false); err != nil {
		t.Fatal(err)
	}
	if _, _, err := e.Encode(5, false); err == nil {
		t.Error("two pictures at one time were taken")
	}
	e.Close()
	e.Close()
	if _, _, err := e.Encode(6, false); err == nil {
		t.Error("a picture was taken after the end")
	}
	if _, err := e.Picture(); err == nil {
		t.Error("there is room after the end")
	}
}

func TestUnitsAreCutAtStartCodes(t *testing.T) {
	for in, want := range map[string]string{
		"":                                "",
		"\x00\x00\x01a":                   "a",
		"\x00\x00\x00\x01ab\x00\x00\x01c": "ab|c",
		"junk\x00\x00\x01a\x00\x00\x00\x01\x00\x00\x01b\x00": "a|b",
	} {
		var got []string
		for _, n := range units([]byte(in)) {
			got = append(got, string(n))
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
}

func BenchmarkH264(b *testing.B) {
	o := live
	o.Width, o.Height, o.Preset = 1280, 720, "veryfast"
	e, err := NewH264(o)
	if err != nil {
		b.Skip(err)
	}
	defer e.Close()
	i := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		i++
		img, err := e.Picture()
		if err != nil {
			b.Fatal(err)
		}
		img.Y[int(i)%len(img.Y)] ^= 0x40
		if _, _, err := e.Encode(i*6000, false); err != nil {
			b.Fatal(err)
		}
	}
}
