package audit

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"time"

	"pantau/overlays/encode"
)

const (
	widest  = 960 // of a strip's pictures, pixels: larger ones are halved, …
	lead    = 1500 * time.Millisecond
	quality = 85 // of the JPEGs that wait in memory
)

// shot is one analysed picture, small and compressed.
type shot struct {
	At      time.Duration // media time
	Capture time.Time
	JPEG    []byte
}

// newShot makes a shot of a picture.
func newShot(img *image.YCbCr, at time.Duration, capture time.Time) (shot, error) {
	var b bytes.Buffer
	err := jpeg.Encode(&b, shrink(img), &jpeg.Options{Quality: quality})
	return shot{at, capture, b.Bytes()}, err
}

// shrink divides a 4:2:0 picture until it is at most widest, by means over squares.
func shrink(img *image.YCbCr) *image.YCbCr {
	k := (img.Rect.Dx() + widest - 1) / widest
	w, h := img.Rect.Dx()/max(1, k)&^1, img.Rect.Dy()/max(1, k)&^1
	if k <= 1 || w < 2 || h < 2 {
		return img
	}
	small := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	means(small.Y, small.YStride, w, h, img.Y, img.YStride, k)
	means(small.Cb, small.CStride, w/2, h/2, img.Cb, img.CStride, k)
	means(small.Cr, small.CStride, w/2, h/2, img.Cr, img.CStride, k)
	return small
}

func means(dst []byte, dstStride, w, h int, src []byte, stride, k int) {
	for y := range h {
		for x := range w {
			sum := k * k / 2
			for j := range k {
				row := src[(y*k+j)*stride+x*k:]
				for _, v := range row[:k] {
					sum += int(v)
				}
			}
			dst[y*dstStride+x] = byte(sum / (k * k))
		}
	}
}

// writeStrip writes shots as an MP4.
func writeStrip(path string, shots []shot) (err error) {
	if len(shots) < 2 {
		return errors.New("writing a strip: fewer than two pictures")
	}
	first, err := shots[0].decode()
	if err != nil {
		return err
	}
	size := first.Rect.Size()
	begin, end := shots[0].At, shots[len(shots)-1].At
	film, err := encode.NewMP4(path, size.X, size.Y, float64(len(shots)-1)/(end-begin).Seconds())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, film.Close()) }()
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	for _, s := range shots {
		img, err := s.decode()
		if err != nil {
			return err
		}
		if err := film.Write(img, s.At-begin); err != nil {
			return err
		}
	}
	return nil
}

func (s shot) decode() (*image.YCbCr, error) {
	decoded, err := jpeg.Decode(bytes.NewReader(s.JPEG))
	if err != nil {
		return nil, fmt.Errorf("writing a strip: %w", err)
	}
	img, ok := decoded.(*image.YCbCr)
	if !ok {
		return nil, fmt.Errorf("writing a strip: a picture in %T", decoded)
	}
	return img, nil
}
