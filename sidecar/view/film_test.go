package view

import (
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/decode"
)

// still is a picture in Go: RGB, 0..255.
type still struct {
	sidecar.Picture
	w, h int
	rgb  [3][]float32
}

func newStill(w, h int) *still {
	s := &still{w: w, h: h}
	for i := range s.rgb {
		s.rgb[i] = make([]float32, w*h)
	}
	return s
}

func (s *still) Size() (int, int) { return s.w, s.h }

// LetterboxBytes is the mean of the area that each pixel covers.
func (s *still) LetterboxBytes(dst []byte, l sidecar.Letterbox) error {
	for c, from := range s.rgb {
		for y := range l.Height {
			y0, y1 := y*s.h/l.Height, max((y+1)*s.h/l.Height, y*s.h/l.Height+1)
			for x := range l.Width {
				x0, x1 := x*s.w/l.Width, max((x+1)*s.w/l.Width, x*s.w/l.Width+1)
				sum := float32(0)
				for v := y0; v < y1; v++ {
					for _, p := range from[v*s.w+x0 : v*s.w+x1] {
						sum += p
					}
				}
				dst[(c*l.Height+y)*l.Width+x] = level(sum / float32((y1-y0)*(x1-x0)))
			}
		}
	}
	return nil
}

func level(v float32) byte { return byte(max(0, min(255, v+0.5))) }

// each makes a picture of each pixel.
func (s *still) each(f func(v float32) float32) *still {
	out := newStill(s.w, s.h)
	for c := range s.rgb {
		for i, v := range s.rgb[c] {
			out.rgb[c][i] = max(0, min(255, f(v)))
		}
	}
	return out
}

// from makes a picture of whose pixels each is taken from a place of another one;
// what lies outside of that is its mirror image.
func (s *still) from(at func(x, y float64) (float64, float64)) *still {
	out := newStill(s.w, s.h)
	for y := range s.h {
		for x := range s.w {
			u, v := at(float64(x), float64(y))
			a, b := mirrored(u, s.w), mirrored(v, s.h)
			x0, y0 := int(a), int(b)
			x1, y1 := min(x0+1, s.w-1), min(y0+1, s.h-1)
			fx, fy := float32(a-float64(x0)), float32(b-float64(y0))
			for c, p := range s.rgb {
				out.rgb[c][y*s.w+x] = (p[y0*s.w+x0]*(1-fx)+p[y0*s.w+x1]*fx)*(1-fy) + (p[y1*s.w+x0]*(1-fx)+p[y1*s.w+x1]*fx)*fy
			}
		}
	}
	return out
}

func mirrored(v float64, n int) float64 {
	last := float64(n - 1)
	v = math.Mod(math.Abs(v), 2*last)
	return min(v, 2*last-v)
}

// turned is what a camera sees that is turned, degrees. Its lens takes in 70° of
// the width.
func (s *still) turned(pan, tilt, roll float64) *still {
	const rad = math.Pi / 180
	f := float64(s.w) / 2 / math.Tan(35*rad)
	cx, cy := float64(s.w)/2, float64(s.h)/2
	sp, cp := math.Sincos(pan * rad)
	st, ct := math.Sincos(tilt * rad)
	sr, cr := math.Sincos(roll * rad)
	return s.from(func(x, y float64) (float64, float64) {
		x, y, z := x-cx, y-cy, f
		x, y = cr*x-sr*y, sr*x+cr*y
		y, z = ct*y-st*z, st*y+ct*z
		x, z = cp*x+sp*z, -sp*x+cp*z
		return cx + f*x/z, cy + f*y/z
	})
}

// blurred is out of focus: a mean over a square of so many pixels, twice.
func (s *still) blurred(size int) *still {
	out := s
	for range 2 {
		next := newStill(s.w, s.h)
		for c, p := range out.rgb {
			rows := make([]float32, len(p))
			mean(rows, p, s.w, s.h, 1, s.w, size)
			mean(next.rgb[c], rows, s.h, s.w, s.w, 1, size)
		}
		out = next
	}
	return out
}

// mean is the running mean along lines of n pixels.
func mean(dst, src []float32, n, lines, step, skip, size int) {
	for l := range lines {
		at, sum := l*skip, float32(0)
		pixel := func(i int) float32 { return src[at+max(0, min(n-1, i))*step] }
		for i := -size / 2; i < size-size/2; i++ {
			sum += pixel(i)
		}
		for i := range n {
			dst[at+i*step] = sum / float32(size)
			sum += pixel(i+size-size/2) - pixel(i-size/2)
		}
	}
}

// bus is a bus of a width and a height, parts of the picture, whose left edge is at
// x and whose wheels are at the bottom.
func (s *still) bus(x, width, height float64) *still {
	out := s.each(func(v float32) float32 { return v })
	x0, x1, y0 := int(x*float64(s.w)), int((x+width)*float64(s.w)), s.h-int(height*float64(s.h))
	for y := max(0, y0); y < s.h; y++ {
		for i := max(0, x0); i < min(s.w, x1); i++ {
			u, v := float64(i-x0)/float64(max(1, x1-x0)), float64(y-y0)/float64(s.h-y0)
			colour := [3]float32{190, 40, 35}
			switch {
			case v > 0.15 && v < 0.5 && math.Mod(u*7, 1) > 0.12: // windows
				colour = [3]float32{40, 50, 60}
			case v > 0.85 && math.Mod(u*2, 1) > 0.3 && math.Mod(u*2, 1) < 0.6: // wheels
				colour = [3]float32{20, 20, 20}
			case v > 0.6 && v < 0.65:
				colour = [3]float32{230, 220, 90}
			}
			for c := range out.rgb {
				out.rgb[c][y*s.w+i] = colour[c]
			}
		}
	}
	return out
}

// noisy adds a sensor's noise of a standard deviation, grey levels.
func (s *still) noisy(r *rand.Rand, deviation float64) *still {
	var some [4096]float32
	for i := range some {
		some[i] = float32(r.NormFloat64() * deviation)
	}
	out := newStill(s.w, s.h)
	for i := range s.rgb[0] {
		n := some[r.Uint32()%uint32(len(some))]
		for c := range s.rgb {
			out.rgb[c][i] = max(0, min(255, s.rgb[c][i]+n))
		}
	}
	return out
}

// grey takes the colours away.
func (s *still) grey() *still {
	out := newStill(s.w, s.h)
	for i := range s.rgb[0] {
		y := 0.3*s.rgb[0][i] + 0.59*s.rgb[1][i] + 0.11*s.rgb[2][i]
		for c := range out.rgb {
			out.rgb[c][i] = y
		}
	}
	return out
}

// dusk is a street when the light goes: only what lamps shine on is left.
func (s *still) dusk(part float32) *still {
	out := newStill(s.w, s.h)
	for i := range s.rgb[0] {
		x, y := float32(i%s.w)/float32(s.w), float32(i/s.w)/float32(s.h)
		lamp := float32(0)
		for _, l := range [...][2]float32{{0.2, 0.4}, {0.5, 0.5}, {0.85, 0.6}} {
			lamp += 1 / (1 + ((x-l[0])*(x-l[0])+(y-l[1])*(y-l[1]))/0.008)
		}
		for c, p := range s.rgb {
			out.rgb[c][i] = max(0, min(255, (1-part)*p[i]+part*p[i]*(0.06+0.6*lamp)))
		}
	}
	return out
}

// rainy draws streaks over the picture.
func (s *still) rainy(r *rand.Rand, drops int) *still {
	out := s.each(func(v float32) float32 { return 0.8*v + 30 })
	for range drops {
		x, y := r.IntN(s.w), r.IntN(s.h)
		for k := range s.h / 12 {
			if i := (y+k)*s.w + x + k/12; y+k < s.h && x+k/12+2 < s.w {
				for c := range out.rgb {
					for d := range 2 {
						out.rgb[c][i+d] = min(255, out.rgb[c][i+d]+45)
					}
				}
			}
		}
	}
	return out
}

// film shows stills to a watcher, one a second, and notes its states.
type film struct {
	w     *Watcher
	t     int // seconds
	views []sidecar.View
}

func newFilm(o Options) *film { return &film{w: New(o)} }

// show shows one still.
func (f *film) show(s *still) sidecar.View {
	f.t++
	frame := &sidecar.Frame{Stamp: sidecar.Stamp{Epoch: "e", PTS: int64(f.t) * 90000, ClockRate: 90000}, Picture: s}
	v := f.w.Look(frame)
	f.views = append(f.views, v)
	return v
}

// until shows what next gives until the state comes, and says how many seconds that
// took; −1: it did not come.
func (f *film) until(state sidecar.ViewState, most int, next func() *still) int {
	for i := 1; i <= most; i++ {
		if f.show(next()).State == state {
			return i
		}
	}
	return -1
}

// clips are the streets that are looked at: those of the shared folder and of
// Debian's opencv-doc.
func clips(tb testing.TB) []string {
	tb.Helper()
	all, ok := clipsIfAny()
	if !ok {
		tb.Skip("the counted clips (../shared) are not here")
	}
	return all
}

func clipsIfAny() ([]string, bool) {
	_, file, _, _ := runtime.Caller(0)
	top := filepath.Join(filepath.Dir(file), "..", "..")
	var all []string
	for _, pattern := range [...]string{filepath.Join(top, "..", "shared", "videos", "*.mp4"),
		filepath.Join(top, "..", "shared", "videos", "*.avi"), filepath.Join(top, "share", "pantau", "vtest.avi")} {
		some, _ := filepath.Glob(pattern)
		all = append(all, some...)
	}
	return all, len(all) > 0
}

var reels sync.Map // path → []*still

// reel gives the stills of a clip, one a second, no more than most and no larger
// than 320 pixels.
func reel(tb testing.TB, path string, most int) []*still {
	tb.Helper()
	if r, ok := reels.Load(path); ok && len(r.([]*still)) >= most {
		return r.([]*still)[:most]
	}
	f, err := decode.OpenFile(path, decode.FileOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var all []*still
	for len(all) < most {
		frame, err := f.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			tb.Fatal(err)
		}
		if frame.Media() >= time.Duration(len(all))*time.Second {
			all = append(all, develop(tb, frame.Picture))
		}
		frame.Release()
	}
	reels.Store(path, all)
	return all
}

// develop makes a still of a decoded picture.
func develop(tb testing.TB, p sidecar.Picture) *still {
	tb.Helper()
	w, h := p.Size()
	if w > 320 {
		w, h = 320, h*320/w
	}
	s := newStill(w, h)
	tensor := make([]float32, 3*w*h)
	if err := p.Letterbox(tensor, sidecar.Letterbox{Width: w, Height: h, Order: sidecar.RGB}); err != nil {
		tb.Fatal(err)
	}
	for c := range s.rgb {
		copy(s.rgb[c], tensor[c*w*h:])
	}
	return s
}

// looped gives the stills of a reel for ever, there and back again.
func looped(all []*still) func() *still {
	i := -1
	return func() *still {
		i++
		n := i % max(1, 2*len(all)-2)
		return all[min(n, 2*len(all)-2-n)]
	}
}

func name(path string) string { return filepath.Base(path) }
