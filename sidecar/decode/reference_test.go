package decode

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"pantau/sidecar"
)

// raw is a picture in memory, from which the plain reference works: no code of
// the package takes part.
type raw struct {
	width, height int
	sx, sy        int // log2 of the chroma planes' subsampling
	planes        [3][]byte
	full          bool
	kr, kb        float64
}

// layouts are the pixel formats that are read without conversion.
var layouts = map[string]struct{ planes, sx, sy int }{
	"yuv420p": {3, 1, 1}, "yuv422p": {3, 1, 0}, "yuv444p": {3, 0, 0}, "yuv440p": {3, 0, 1},
	"yuv411p": {3, 2, 0}, "yuv410p": {3, 2, 2}, "gray": {1, 0, 0},
}

// newRaw makes a picture of soft blobs and hard noise.
func newRaw(format string, width, height int) raw {
	l := layouts[format]
	r := raw{width: width, height: height, sx: l.sx, sy: l.sy, kr: 0.299, kb: 0.114}
	rnd := rand.New(rand.NewPCG(uint64(width), uint64(height)))
	for i := range l.planes {
		w, h := r.plane(i)
		r.planes[i] = make([]byte, w*h)
		for j := range r.planes[i] {
			x, y := float64(j%w)/float64(w), float64(j/w)/float64(h)
			v := 128 + 90*math.Sin(7*x+float64(i))*math.Cos(5*y) + 60*(rnd.Float64()-0.5)
			if rnd.IntN(8) == 0 {
				v = float64(rnd.IntN(256))
			}
			r.planes[i][j] = byte(max(0, min(255, v)))
		}
	}
	return r
}

// plane is the size of a plane.
func (r raw) plane(i int) (w, h int) {
	if i == 0 {
		return r.width, r.height
	}
	return (r.width + 1<<r.sx - 1) >> r.sx, (r.height + 1<<r.sy - 1) >> r.sy
}

// open writes the picture as a lossless clip and decodes it.
func (r raw) open(t *testing.T, format, matrix string) *sidecar.Frame {
	t.Helper()
	path := filepath.Join(t.TempDir(), "raw.yuv")
	var data []byte
	for _, p := range r.planes {
		data = append(data, p...)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	size := strconv.Itoa(r.width) + "x" + strconv.Itoa(r.height)
	colours := map[bool]string{false: "tv", true: "pc"}[r.full]
	return firstFrame(t, ffmpeg(t, "clip.mkv", "-f", "rawvideo", "-pix_fmt", format, "-s", size, "-i", path,
		"-c:v", "ffv1", "-pix_fmt", format, "-color_range", colours, "-colorspace", matrix))
}

func firstFrame(t *testing.T, path string) *sidecar.Frame {
	t.Helper()
	f, err := OpenFile(path, FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	frame, err := f.Next()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(frame.Release)
	return frame
}

// weight says how much sample i of an axis counts for the target pixel that
// begins at from and covers step samples; at are the samples lo ≤ i < hi.
func weight(i, lo, hi int, from, step float64) float64 {
	if step > 1 {
		return max(0, min(from+step, float64(i+1))-max(from, float64(i))) / (min(from+step, float64(hi)) - max(from, float64(lo)))
	}
	at := max(float64(lo), min(float64(hi-1), from+step/2-0.5))
	return max(0, 1-math.Abs(at-float64(i)))
}

// sample is the value of a plane at target pixel x, y, by its definition.
func (r raw) sample(plane int, f sidecar.Fit, x, y int) float64 {
	sx, sy := 1, 1
	if plane > 0 {
		if r.planes[plane] == nil {
			return 128
		}
		sx, sy = 1<<r.sx, 1<<r.sy
	}
	stepX, stepY := float64(f.CropW)/float64(f.W*sx), float64(f.CropH)/float64(f.H*sy)
	fromX, fromY := float64(f.CropX)/float64(sx)+float64(x)*stepX, float64(f.CropY)/float64(sy)+float64(y)*stepY
	loX, hiX := f.CropX/sx, (f.CropX+f.CropW+sx-1)/sx
	loY, hiY := f.CropY/sy, (f.CropY+f.CropH+sy-1)/sy
	w, _ := r.plane(plane)
	var sum float64
	for j := max(loY, int(fromY-2)); j < min(hiY, int(fromY+stepY+3)); j++ {
		wy := weight(j, loY, hiY, fromY, stepY)
		for i := max(loX, int(fromX-2)); i < min(hiX, int(fromX+stepX+3)); i++ {
			sum += wy * weight(i, loX, hiX, fromX, stepX) * float64(r.planes[plane][j*w+i])
		}
	}
	return sum
}

// rgb converts by the formulas of ITU-T H.273, clause 8.3, to 0..255.
func (r raw) rgb(y, cb, cr float64) [3]float64 {
	y, cb, cr = (y-16)/219, (cb-128)/224, (cr-128)/224
	if r.full {
		y, cb, cr = (y*219+16)/255, cb*224/255, cr*224/255
	}
	red := y + 2*(1-r.kr)*cr
	blue := y + 2*(1-r.kb)*cb
	green := (y - r.kr*red - r.kb*blue) / (1 - r.kr - r.kb)
	out := [3]float64{red, green, blue}
	for i := range out {
		out[i] = max(0, min(255, 255*out[i]))
	}
	return out
}

// letterbox gives the tensor, CHW.
func (r raw) letterbox(l sidecar.Letterbox) []float64 {
	f := l.Fit(r.width, r.height)
	n := l.Width * l.Height
	dst := make([]float64, 3*n)
	for i := range n {
		x, y := i%l.Width-f.X, i/l.Width-f.Y
		v := [3]float64{float64(l.Pad), float64(l.Pad), float64(l.Pad)}
		if x >= 0 && x < f.W && y >= 0 && y < f.H {
			v = r.rgb(r.sample(0, f, x, y), r.sample(1, f, x, y), r.sample(2, f, x, y))
		}
		if l.Order == sidecar.BGR {
			v[0], v[2] = v[2], v[0]
		}
		for c := range v {
			scale := float64(l.Scale[c])
			if scale == 0 {
				scale = 1
			}
			dst[c*n+i] = (v[c] - float64(l.Mean[c])) * scale
		}
	}
	return dst
}
