package decode

// #include "decode.h"
import "C"

import (
	"errors"
	"fmt"
	"image"
	"unsafe"

	"pantau/sidecar"
)

// frame is a frame and its picture in one allocation.
type frame struct {
	sidecar.Frame
	picture picture
}

// picture is a [sidecar.Picture] over an AVFrame that it owns: planar YUV of 8
// bits, or grey. Nothing writes to its pixels, so all methods but Close may run
// at the same time.
type picture struct {
	av *C.AVFrame
}

// Close gives the pixels back to libav.
func (p *picture) Close() {
	C.pantau_free_frame(p.av)
	p.av = nil
}

// Size is the width and the height in pixels.
func (p *picture) Size() (width, height int) { return int(p.av.width), int(p.av.height) }

// Letterbox scales the picture into dst. Where it shrinks, a pixel is the mean
// of the area that it covers; where it grows, it is interpolated. It allocates nothing.
func (p *picture) Letterbox(dst []float32, l sidecar.Letterbox) error {
	if err := fits(len(dst), l); err != nil {
		return err
	}
	C.pantau_letterbox(p.av, C.pantau_tensor{numbers: (*C.float)(&dst[0])}, p.fit(l))
	return nil
}

// LetterboxBytes is Letterbox into bytes: 0..255, rounded to the nearest.
func (p *picture) LetterboxBytes(dst []byte, l sidecar.Letterbox) error {
	if err := fits(len(dst), l); err != nil {
		return err
	}
	C.pantau_letterbox(p.av, C.pantau_tensor{bytes: (*C.uint8_t)(&dst[0])}, p.fit(l))
	return nil
}

// fits refuses a letterbox that cannot be, and a tensor of another size.
func fits(n int, l sidecar.Letterbox) error {
	if l.Width <= 0 || l.Height <= 0 || l.Width > C.PANTAU_MAX_TENSOR || l.Height > C.PANTAU_MAX_TENSOR {
		return fmt.Errorf("letterbox of %d×%d pixels, want 1 to %d", l.Width, l.Height, C.PANTAU_MAX_TENSOR)
	}
	if n != 3*l.Width*l.Height {
		return fmt.Errorf("letterbox into %d numbers, want 3·%d·%d", n, l.Height, l.Width)
	}
	return nil
}

// fit is a letterbox for this picture, in C's words.
func (p *picture) fit(l sidecar.Letterbox) C.pantau_fit {
	fit := l.Fit(p.Size())
	c := C.pantau_fit{
		width: C.int(l.Width), height: C.int(l.Height),
		crop_x: C.int(fit.CropX), crop_y: C.int(fit.CropY), crop_w: C.int(fit.CropW), crop_h: C.int(fit.CropH),
		x: C.int(fit.X), y: C.int(fit.Y), w: C.int(fit.W), h: C.int(fit.H),
		pad: C.float(l.Pad),
	}
	if l.Order == sidecar.RGB {
		c.rgb = 1
	}
	for i := range l.Mean {
		c.mean[i], c.scale[i] = C.float(l.Mean[i]), C.float(l.Scale[i])
		if l.Scale[i] == 0 {
			c.scale[i] = 1
		}
	}
	return c
}

// JPEG compresses the picture, 4:2:0; quality is 1..100.
func (p *picture) JPEG(quality int) ([]byte, error) {
	if quality < 1 || quality > 100 {
		return nil, fmt.Errorf("JPEG quality %d, want 1 to 100", quality)
	}
	j := C.pantau_compress(p.av, C.int(quality))
	if j.data == nil {
		return nil, errors.New("compressing picture: no memory")
	}
	defer C.pantau_free_jpeg(j)
	return C.GoBytes(unsafe.Pointer(j.data), C.int(j.size)), nil
}

// YCbCr copies the pixels: 4:2:0, full range, BT.601.
func (p *picture) YCbCr() (*image.YCbCr, error) {
	width, height := p.Size()
	img := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	C.pantau_ycbcr(p.av, (*C.uint8_t)(&img.Y[0]), C.int(img.YStride), (*C.uint8_t)(&img.Cb[0]), (*C.uint8_t)(&img.Cr[0]), C.int(img.CStride))
	return img, nil
}

// Planes copies the samples as they were coded, scaled to the size of dst.
func (p *picture) Planes(dst *image.YCbCr) (sidecar.Colours, error) {
	width, height := dst.Rect.Dx(), dst.Rect.Dy()
	if dst.SubsampleRatio != image.YCbCrSubsampleRatio420 || width < 2 || height < 2 || width > C.PANTAU_MAX_SIDE || height > C.PANTAU_MAX_SIDE {
		return sidecar.Colours{}, fmt.Errorf("planes of %d×%d pixels in %v, want 2 to %d in 4:2:0", width, height, dst.SubsampleRatio, C.PANTAU_MAX_SIDE)
	}
	luma, chroma := dst.YOffset(dst.Rect.Min.X, dst.Rect.Min.Y), dst.COffset(dst.Rect.Min.X, dst.Rect.Min.Y)
	err := C.pantau_copy_planes(p.av, C.int(width), C.int(height), (*C.uint8_t)(&dst.Y[luma]), C.int(dst.YStride),
		(*C.uint8_t)(&dst.Cb[chroma]), (*C.uint8_t)(&dst.Cr[chroma]), C.int(dst.CStride))
	if err < 0 {
		return sidecar.Colours{}, fmt.Errorf("copying planes: %s", text(err))
	}
	return colours(C.pantau_colour_of(p.av)), nil
}

// colours are those of a picture in the vocabulary's words.
func colours(c C.pantau_colour) sidecar.Colours {
	of := sidecar.Colours{Limited: c.full == 0}
	for _, m := range []sidecar.Matrix{sidecar.BT709, sidecar.BT2020} {
		if kr, _ := m.Weights(); c.kr == C.float(kr) {
			of.Matrix = m
		}
	}
	return of
}
