package inference

import (
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"
	"testing"

	_ "image/jpeg"
	_ "image/png"

	"pantau/sidecar"
)

// goPicture is a sidecar.Picture over Go's own images: slow and plain.
type goPicture struct {
	*image.RGBA
	failing error // what Letterbox returns
}

func (p goPicture) Size() (int, int) { return p.Rect.Dx(), p.Rect.Dy() }

func (goPicture) JPEG(int) ([]byte, error)     { return nil, fmt.Errorf("not needed here") }
func (goPicture) YCbCr() (*image.YCbCr, error) { return nil, fmt.Errorf("not needed here") }
func (goPicture) Planes(*image.YCbCr) (sidecar.Colours, error) {
	return sidecar.Colours{}, fmt.Errorf("not needed here")
}
func (goPicture) Close() {}

// Letterbox takes the mean of the pixels under each pixel of the tensor where it
// shrinks, and interpolates where it enlarges.
func (p goPicture) Letterbox(dst []float32, l sidecar.Letterbox) error {
	return letterbox(p, dst, l, func(v float64, c int) float32 { return (float32(v) - l.Mean[c]) * l.Scale[c] })
}

// LetterboxBytes is the same, rounded to the nearest.
func (p goPicture) LetterboxBytes(dst []byte, l sidecar.Letterbox) error {
	return letterbox(p, dst, l, func(v float64, _ int) byte { return byte(math.Round(v)) })
}

// letterbox writes each value, 0..255, of each channel as it is to be.
func letterbox[T float32 | byte](p goPicture, dst []T, l sidecar.Letterbox, as func(v float64, channel int) T) error {
	if p.failing != nil {
		return p.failing
	}
	if len(dst) != 3*l.Width*l.Height {
		return fmt.Errorf("%d numbers, want %d", len(dst), 3*l.Width*l.Height)
	}
	fit := l.Fit(p.Size())
	plane := l.Width * l.Height
	sx, sy := float64(fit.CropW)/float64(fit.W), float64(fit.CropH)/float64(fit.H)
	for y := range l.Height {
		for x := range l.Width {
			rgb := [3]float64{float64(l.Pad), float64(l.Pad), float64(l.Pad)}
			if in := image.Pt(x, y).In(image.Rect(fit.X, fit.Y, fit.X+fit.W, fit.Y+fit.H)); in {
				rgb = p.mean(float64(fit.CropX)+(float64(x-fit.X)+0.5)*sx, float64(fit.CropY)+(float64(y-fit.Y)+0.5)*sy, max(1, sx), max(1, sy))
			}
			if l.Order == sidecar.BGR {
				rgb[0], rgb[2] = rgb[2], rgb[0]
			}
			for c := range 3 {
				dst[c*plane+y*l.Width+x] = as(rgb[c], c)
			}
		}
	}
	return nil
}

// mean is the mean colour of a rectangle of pixels around a point.
func (p goPicture) mean(cx, cy, w, h float64) (rgb [3]float64) {
	var total float64
	for y := int(math.Floor(cy - h/2)); float64(y) < cy+h/2; y++ {
		wy := min(cy+h/2, float64(y+1)) - max(cy-h/2, float64(y))
		for x := int(math.Floor(cx - w/2)); float64(x) < cx+w/2; x++ {
			weight := wy * (min(cx+w/2, float64(x+1)) - max(cx-w/2, float64(x)))
			at := p.PixOffset(min(max(x, 0), p.Rect.Dx()-1), min(max(y, 0), p.Rect.Dy()-1))
			for c := range 3 {
				rgb[c] += weight * float64(p.Pix[at+c])
			}
			total += weight
		}
	}
	for c := range rgb {
		rgb[c] /= total
	}
	return rgb
}

// openPicture reads a JPEG or PNG file.
func openPicture(t testing.TB, path string) goPicture {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	rgba := image.NewRGBA(image.Rect(0, 0, img.Bounds().Dx(), img.Bounds().Dy()))
	for y := range rgba.Rect.Dy() {
		for x := range rgba.Rect.Dx() {
			rgba.Set(x, y, img.At(img.Bounds().Min.X+x, img.Bounds().Min.Y+y))
		}
	}
	return goPicture{RGBA: rgba}
}

// root is the folder of go.mod.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir != "/" {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	t.Fatal("no go.mod above the working folder")
	return ""
}
