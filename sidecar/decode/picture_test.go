package decode

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"strings"
	"testing"

	"pantau/sidecar"
)

// away is the greatest difference of two pictures' samples, and the mean one.
func away(a, b *image.YCbCr) (worst, mean float64) {
	var sum, n float64
	for y := range a.Rect.Dy() {
		for x := range a.Rect.Dx() {
			p, q := a.YCbCrAt(x, y), b.YCbCrAt(x, y)
			for _, d := range [3]float64{float64(p.Y) - float64(q.Y), float64(p.Cb) - float64(q.Cb), float64(p.Cr) - float64(q.Cr)} {
				worst = max(worst, math.Abs(d))
				sum += math.Abs(d)
				n++
			}
		}
	}
	return worst, sum / n
}

// soft is a picture without edges, so that the resolution of chroma does not
// matter, and with colours that RGB has.
func soft(format string, width, height int) raw {
	r := newRaw(format, width, height)
	for i := range r.planes {
		if r.planes[i] == nil {
			continue
		}
		w, h := r.plane(i)
		swing := map[bool]float64{true: 50, false: 30}[i == 0]
		for j := range r.planes[i] {
			x, y := (float64(j%w)+0.5)/float64(w), (float64(j/w)+0.5)/float64(h)
			r.planes[i][j] = byte(128 + swing*math.Sin(3*x+float64(i))*math.Cos(2*y))
		}
	}
	return r
}

// ycbcr is the plain reference: over R'G'B' to full range and BT.601.
func (r raw) ycbcr() *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, r.width, r.height), image.YCbCrSubsampleRatio420)
	whole := sidecar.Letterbox{Width: r.width, Height: r.height}.Fit(r.width, r.height)
	for y := range r.height {
		for x := range r.width {
			v := r.rgb(r.sample(0, whole, x, y), r.sample(1, whole, x, y), r.sample(2, whole, x, y))
			i, j := img.YOffset(x, y), img.COffset(x, y)
			img.Y[i], img.Cb[j], img.Cr[j] = color.RGBToYCbCr(byte(v[0]+0.5), byte(v[1]+0.5), byte(v[2]+0.5))
		}
	}
	return img
}

func TestYCbCrAndJPEGShowTheColours(t *testing.T) {
	matrices := map[string][2]float64{"smpte170m": {0.299, 0.114}, "bt709": {0.2126, 0.0722}}
	for format := range layouts {
		for matrix, k := range matrices {
			for _, full := range []bool{false, true} {
				name := format + " " + matrix + map[bool]string{true: " full"}[full]
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					r := soft(format, 99, 67)
					r.full, r.kr, r.kb = full, k[0], k[1]
					f := r.open(t, format, matrix)
					got, err := f.Picture.YCbCr()
					if err != nil {
						t.Fatal(err)
					}
					want := r.ycbcr()
					if worst, mean := away(got, want); worst > 4 || mean > 1 {
						t.Errorf("YCbCr is %.0f levels away, %.2f on average", worst, mean)
					}
					data, err := f.Picture.JPEG(95)
					if err != nil {
						t.Fatal(err)
					}
					decoded, err := jpeg.Decode(bytes.NewReader(data))
					if err != nil {
						t.Fatal(err)
					}
					if worst, mean := away(decoded.(*image.YCbCr), want); worst > 12 || mean > 2 {
						t.Errorf("JPEG is %.0f levels away, %.2f on average", worst, mean)
					}
				})
			}
		}
	}
}

// The picture of a JPEG stream comes out as Go's own decoder reads it.
func TestMotionJPEGIsFullRange(t *testing.T) {
	units := split(t, sidecar.MJPEG, ffmpeg(t, "clip.mjpeg", append(lavfi("testsrc2=size=160x96", 1), "-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj420p", "-f", "mjpeg")...))
	got, err := decodeAll(t, Options{Codec: sidecar.MJPEG}, units)[0].Picture.YCbCr()
	if err != nil {
		t.Fatal(err)
	}
	want, err := jpeg.Decode(bytes.NewReader(units[0].NALUs[0]))
	if err != nil {
		t.Fatal(err)
	}
	if worst, _ := away(got, want.(*image.YCbCr)); worst > 2 {
		t.Errorf("%.0f levels from Go's decoder", worst)
	}
}

// What a stream does not say is BT.709 from 720 lines on, and else BT.601.
func TestUnsaidMatrixGoesByTheHeight(t *testing.T) {
	for _, tt := range []struct {
		size   string
		kr, kb float64
	}{{"320x576", 0.299, 0.114}, {"320x720", 0.2126, 0.0722}} {
		// Y 81, Cb 90, Cr 240: BT.601's red.
		f := firstFrame(t, ffmpeg(t, "red.mkv", append(lavfi("nullsrc=size="+tt.size+",format=yuv420p,geq=81:90:240", 1), "-c:v", "ffv1")...))
		dst := make([]float32, 3)
		l := sidecar.Letterbox{Width: 1, Height: 1, Order: sidecar.RGB}
		if err := f.Picture.Letterbox(dst, l); err != nil {
			t.Fatal(err)
		}
		want := raw{kr: tt.kr, kb: tt.kb}.rgb(81, 90, 240)
		compare(t, tt.size, dst, want[:], l, 0.01)
	}
}

// Formats that are not read as they are come out with the right colours.
func TestOtherFormatsAreConverted(t *testing.T) {
	want := [3]float64{200, 60, 30}
	for _, format := range []string{"yuv420p10le", "yuv422p10le", "yuv444p12le", "nv12", "rgb24", "bgra", "gbrp", "pal8", "yuva420p", "rgb565le"} {
		clip := ffmpeg(t, "clip.nut", append(lavfi("color=c=0xc83c1e:size=64x48", 1), "-vf", "scale=out_color_matrix=bt601,format="+format, "-c:v", "rawvideo", "-pix_fmt", format)...)
		f := firstFrame(t, clip)
		dst := make([]float32, 3)
		l := sidecar.Letterbox{Width: 1, Height: 1, Order: sidecar.RGB}
		if err := f.Picture.Letterbox(dst, l); err != nil {
			t.Fatal(err)
		}
		limit := 3.0
		if strings.HasPrefix(format, "rgb565") || format == "pal8" {
			limit = 10 // the format itself is coarse
		}
		compare(t, format, dst, want[:], l, limit)
	}
}

func TestMaskBlanksOnlyTheCopy(t *testing.T) {
	units := h264Units(t, "testsrc2=size=322x242:rate=25", 40, 40)
	mask := []sidecar.Polygon{{{0.25, 0.25}, {0.75, 0.25}, {0.5, 0.9}}, {{-1, 0.9}, {0.1, 0.9}, {0.1, 2}, {-1, 2}}}
	open := decodeAll(t, Options{Codec: sidecar.H264}, units)
	masked := decodeAll(t, Options{Codec: sidecar.H264, Mask: mask}, units)
	for i := range open {
		a, err := open[i].Picture.YCbCr()
		if err != nil {
			t.Fatal(err)
		}
		b, err := masked[i].Picture.YCbCr()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []image.Point{{161, 70}, {161, 180}, {100, 65}, {2, 240}, {30, 225}} {
			if got := b.YCbCrAt(p.X, p.Y); got != (color.YCbCr{Cb: 128, Cr: 128}) {
				t.Fatalf("frame %d: %v at %v, want black", i, got, p)
			}
		}
		// Outside, the 40th predicted picture is still the same.
		for _, p := range []image.Point{{20, 20}, {300, 120}, {161, 235}, {70, 100}, {161, 55}} {
			if got, want := b.YCbCrAt(p.X, p.Y), a.YCbCrAt(p.X, p.Y); got != want {
				t.Fatalf("frame %d: %v at %v, want %v", i, got, p, want)
			}
		}
	}
}

func TestBadLetterboxesAndQualitiesAreRefused(t *testing.T) {
	p := decodeAll(t, Options{Codec: sidecar.H264}, h264Units(t, "testsrc2=size=64x48", 1, 1))[0].Picture
	for _, l := range []sidecar.Letterbox{{}, {Width: 8, Height: -1}, {Width: 8, Height: 9}, {Width: 1 << 13, Height: 8}} {
		if err := p.Letterbox(make([]float32, 3*8*8), l); err == nil {
			t.Errorf("%+v was taken", l)
		}
		if err := p.LetterboxBytes(make([]byte, 3*8*8), l); err == nil {
			t.Errorf("%+v was taken for bytes", l)
		}
	}
	for _, quality := range []int{0, 101} {
		if _, err := p.JPEG(quality); err == nil {
			t.Errorf("quality %d was taken", quality)
		}
	}
}
