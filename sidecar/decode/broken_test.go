package decode

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pantau/sidecar"
)

// outcome is what came of a row of units.
type outcome struct {
	frames, broken int
	last           sidecar.Stamp
	width, height  int
}

// feed decodes the units, which may be broken.
func feed(t testing.TB, d *Decoder, units []*sidecar.AccessUnit) outcome {
	t.Helper()
	var o outcome
	for i, u := range units {
		f, err := d.Decode(u)
		switch {
		case err != nil && f != nil:
			t.Fatalf("unit %d: a frame and %v", i, err)
		case errors.Is(err, ErrBroken):
			o.broken++
		case err != nil:
			t.Fatalf("unit %d: %v, want nothing but ErrBroken", i, err)
		case f != nil:
			o.frames++
			o.last = f.Stamp
			o.width, o.height = f.Picture.Size()
			f.Release()
		}
	}
	return o
}

func open(t testing.TB, o Options) *Decoder {
	t.Helper()
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// damage gives a copy of the unit with noise in place of the end of its last NAL unit.
func damage(u *sidecar.AccessUnit, rnd *rand.Rand) *sidecar.AccessUnit {
	c := *u
	c.NALUs = slices.Clone(u.NALUs)
	nalu := slices.Clone(c.NALUs[len(c.NALUs)-1])
	for i := len(nalu) / 3; i < len(nalu); i++ {
		nalu[i] = byte(rnd.Uint32())
	}
	c.NALUs[len(c.NALUs)-1] = nalu
	return &c
}

func TestGarbageIsCountedAndSurvived(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	units := h264Units(t, "testsrc2=size=320x240:rate=25", 75, 25)
	d := open(t, Options{Codec: sidecar.H264})
	if got := feed(t, d, units[:25]); got.frames != 25 || got.broken != 0 {
		t.Fatalf("%+v before the garbage", got)
	}
	var noise []*sidecar.AccessUnit
	for i, u := range units[25:50] {
		switch i % 3 {
		case 0:
			u = damage(u, rnd)
		case 1:
			u = &sidecar.AccessUnit{Codec: sidecar.H264, Stamp: u.Stamp, NALUs: [][]byte{{0x65}, {}, []byte("no picture at all")}}
		}
		noise = append(noise, u)
	}
	noise = append(noise, &sidecar.AccessUnit{Stamp: units[0].Stamp}) // empty
	if got := feed(t, d, noise); got.broken < 10 {
		t.Errorf("%d of %d units counted as broken, want at least 10", got.broken, len(noise))
	}
	got := feed(t, d, units[50:])
	if got.frames != 25 || got.broken != 0 || got.last != units[74].Stamp {
		t.Errorf("%+v from the next key frame on, want all 25 frames", got)
	}
}

func TestDecodingBeginsWithAKeyFrame(t *testing.T) {
	units := h264Units(t, "testsrc2=size=160x120:rate=25", 30, 10)
	d := open(t, Options{Codec: sidecar.H264})
	if got := feed(t, d, units[5:]); got.frames != 20 || got.broken != 0 {
		t.Errorf("%+v, want 20 frames from the key frame on", got)
	}
}

func TestSizeChangesInMidStream(t *testing.T) {
	small := h264Units(t, "testsrc2=size=320x240:rate=25", 10, 10)
	large := h264Units(t, "testsrc2=size=642x362:rate=25", 10, 10)
	d := open(t, Options{Codec: sidecar.H264, Mask: []sidecar.Polygon{{{0, 0}, {1, 0}, {1, 0.5}, {0, 0.5}}}})
	for range 3 {
		if got := feed(t, d, small); got.frames != 10 || got.width != 320 || got.height != 240 {
			t.Errorf("%+v, want 10 frames of 320×240", got)
		}
		if got := feed(t, d, large); got.frames != 10 || got.width != 642 || got.height != 362 {
			t.Errorf("%+v, want 10 frames of 642×362", got)
		}
	}
}

func TestHugePicturesAreRefused(t *testing.T) {
	units := split(t, sidecar.MJPEG, ffmpeg(t, "huge.mjpeg", append(lavfi("color=size=8000x4000", 1), "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-f", "mjpeg")...))
	d := open(t, Options{Codec: sidecar.MJPEG})
	if got := feed(t, d, units); got.frames != 0 || got.broken != 1 {
		t.Errorf("%+v of a picture of 32 megapixels, want it to be broken", got)
	}
}

func TestKeyFramesOnlyComeAtOnce(t *testing.T) {
	reordered := ffmpeg(t, "clip.h264", append(lavfi("testsrc2=size=320x240:rate=25", 50), "-c:v", "libx264", "-preset", "ultrafast", "-bf", "3", "-g", "10", "-pix_fmt", "yuv420p", "-f", "h264")...)
	units := split(t, sidecar.H264, reordered)
	d := open(t, Options{Codec: sidecar.H264, KeyFrames: true})
	keys := 0
	for i, u := range units {
		f, err := d.Decode(u)
		if err != nil || (f != nil) != u.Key {
			t.Fatalf("unit %d, key %v: %v, %v", i, u.Key, f, err)
		}
		if f == nil {
			continue
		}
		keys++
		if f.Stamp != u.Stamp || !f.Key {
			t.Errorf("unit %d: %+v, want %+v", i, f.Stamp, u.Stamp)
		}
		f.Release()
	}
	if keys != 5 {
		t.Errorf("%d key frames, want 5", keys)
	}
}

// A reordered stream gives each picture under the stamp of its own unit: the
// picture that belongs to the n-th unit shows the n-th shade of grey.
func TestReorderedPicturesKeepTheirStamps(t *testing.T) {
	source := "nullsrc=size=64x64:rate=25,geq=lum='20+4*N':cb=128:cr=128"
	clip := ffmpeg(t, "clip.h264", append(lavfi(source, 50), "-c:v", "libx264", "-bf", "3", "-b_strategy", "0", "-g", "50", "-qp", "4", "-pix_fmt", "yuv420p", "-f", "h264")...)
	units := split(t, sidecar.H264, clip)
	d := open(t, Options{Codec: sidecar.H264})
	seen := map[int64]bool{}
	last, moved := 0, 0
	for i, u := range units {
		f, err := d.Decode(u)
		if err != nil {
			t.Fatal(err)
		}
		if f == nil {
			continue
		}
		img, err := f.Picture.YCbCr()
		if err != nil {
			t.Fatal(err)
		}
		shade := (int(img.Y[0])*219/255 + 16 - 20 + 2) / 4
		if shade != last+1 && shade != 0 {
			t.Errorf("after picture %d comes %d", last, shade)
		}
		if f.PTS != units[i].PTS {
			moved++
		}
		if seen[f.PTS] {
			t.Errorf("PTS %d twice", f.PTS)
		}
		seen[f.PTS] = true
		last = shade
		f.Release()
	}
	if len(seen) < 44 || moved < 20 {
		t.Errorf("%d pictures, %d of them later than their unit", len(seen), moved)
	}
}

func TestMemoryDoesNotGrow(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of frames")
	}
	rnd := rand.New(rand.NewPCG(2, 2))
	small := h264Units(t, "testsrc2=size=320x240:rate=25", 25, 25)
	large := h264Units(t, "testsrc2=size=640x360:rate=25", 25, 25)
	mask := []sidecar.Polygon{{{0.1, 0.1}, {0.5, 0.1}, {0.3, 0.6}}}
	dst := make([]float32, 3*160*160)
	round := func() {
		d, err := New(Options{Codec: sidecar.H264, Mask: mask})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		for _, u := range slices.Concat(small, large, small) {
			if rnd.IntN(10) == 0 {
				u = damage(u, rnd)
			}
			f, _ := d.Decode(u)
			if f == nil {
				continue
			}
			if err := f.Picture.Letterbox(dst, sidecar.Letterbox{Width: 160, Height: 160}); err != nil {
				t.Fatal(err)
			}
			f.Release()
		}
	}
	for range 25 { // until the allocator keeps what it will keep
		round()
	}
	before := resident(t)
	for range 40 { // 3000 frames
		round()
	}
	if grown := resident(t) - before; grown > 8<<20 {
		t.Errorf("memory grew by %d kB over 3000 frames", grown>>10)
	}
}

func TestAllocationsOfTheHotPath(t *testing.T) {
	units := h264Units(t, "testsrc2=size=320x240:rate=25", 50, 50)
	for name, mask := range map[string][]sidecar.Polygon{"open": nil, "masked": {{{0, 0}, {0.5, 0}, {0.5, 0.5}}}} {
		d := open(t, Options{Codec: sidecar.H264, Mask: mask})
		i := 0
		got := testing.AllocsPerRun(100, func() {
			f, err := d.Decode(units[i%len(units)])
			if err != nil {
				t.Fatal(err)
			}
			f.Release()
			i++
		})
		if got != 1 {
			t.Errorf("%s: decoding allocates %g times, want once: the frame", name, got)
		}
	}
	f := decodeAll(t, Options{Codec: sidecar.H264}, units[:1])[0]
	dst := make([]float32, 3*64*64)
	l := sidecar.Letterbox{Width: 64, Height: 64}
	if got := testing.AllocsPerRun(100, func() {
		if err := f.Picture.Letterbox(dst, l); err != nil {
			t.Fatal(err)
		}
	}); got != 0 {
		t.Errorf("letterboxing allocates %g times, want 0", got)
	}
}

// A frame outlives its decoder, and its owners may look at it at the same time.
func TestFramesOutliveTheirDecoder(t *testing.T) {
	units := h264Units(t, "testsrc2=size=320x240:rate=25", 30, 30)
	frames := decodeAll(t, Options{Codec: sidecar.H264}, units) // the decoder is closed
	first, err := frames[0].Picture.JPEG(90)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan []byte)
	for range 4 {
		frames[0].Retain()
		go func() {
			defer frames[0].Release()
			data, _ := frames[0].Picture.JPEG(90)
			done <- data
		}()
	}
	for range 4 {
		select {
		case data := <-done:
			if !slices.Equal(data, first) {
				t.Error("the picture changed")
			}
		case <-time.After(time.Minute):
			t.Fatal("no picture")
		}
	}
}

// FuzzDecoder gives the decoder hostile NAL units: a real stream with a piece
// of it replaced.
func FuzzDecoder(f *testing.F) {
	clips := map[sidecar.Codec][]*sidecar.AccessUnit{}
	source := lavfi("testsrc2=size=64x48:rate=25", 6)
	clips[sidecar.H264] = split(f, sidecar.H264, ffmpeg(f, "clip.h264", append(source, lowDelay(3)...)...))
	clips[sidecar.H265] = split(f, sidecar.H265, ffmpeg(f, "clip.hevc", append(source, "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:pools=1:bframes=0", "-f", "hevc")...))
	clips[sidecar.MJPEG] = split(f, sidecar.MJPEG, ffmpeg(f, "clip.mjpeg", append(source, "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-f", "mjpeg")...))
	codecs := []sidecar.Codec{sidecar.H264, sidecar.H265, sidecar.MJPEG}
	for i, codec := range codecs {
		for at, u := range clips[codec][:3] {
			for _, nalu := range u.NALUs {
				f.Add(byte(i), byte(at), nalu, false)
				f.Add(byte(i), byte(at), nalu[:len(nalu)/2], true)
			}
		}
	}
	f.Fuzz(func(t *testing.T, which, at byte, nalu []byte, keys bool) {
		codec := codecs[int(which)%len(codecs)]
		d := open(t, Options{Codec: codec, KeyFrames: keys, Mask: []sidecar.Polygon{{{0, 0}, {1, 0}, {0.5, 1}}}})
		dst := make([]float32, 3*32*32)
		for i, u := range clips[codec] {
			if i == int(at)%len(clips[codec]) {
				u = &sidecar.AccessUnit{Codec: codec, Key: true, NALUs: [][]byte{nalu}, Stamp: u.Stamp}
			}
			frame, err := d.Decode(u)
			if err != nil && !errors.Is(err, ErrBroken) {
				t.Fatalf("%v, want nothing but ErrBroken", err)
			}
			if frame == nil {
				continue
			}
			if err := frame.Picture.Letterbox(dst, sidecar.Letterbox{Width: 32, Height: 32}); err != nil {
				t.Error(err)
			}
			frame.Release()
		}
	})
}
