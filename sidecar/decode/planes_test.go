package decode

import (
	"image"
	"image/color"
	"testing"

	"pantau/sidecar"
)

// read converts samples by what is said of their colours.
func read(img *image.YCbCr, c sidecar.Colours) *image.YCbCr {
	kr, kb := c.Matrix.Weights()
	out := image.NewYCbCr(img.Rect, img.SubsampleRatio)
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			p := img.YCbCrAt(x, y)
			luma, cb, cr := float64(p.Y), float64(p.Cb)-128, float64(p.Cr)-128
			if c.Limited {
				luma, cb, cr = (luma-16)*255/219, cb*255/224, cr*255/224
			}
			r, b := luma+2*(1-kr)*cr, luma+2*(1-kb)*cb
			g := (luma - kr*r - kb*b) / (1 - kr - kb)
			level := func(v float64) uint8 { return uint8(max(0, min(255, v+0.5))) }
			i, j := out.YOffset(x, y), out.COffset(x, y)
			out.Y[i], out.Cb[j], out.Cr[j] = color.RGBToYCbCr(level(r), level(g), level(b))
		}
	}
	return out
}

func TestPlanesAreWhatTheySay(t *testing.T) {
	for format := range layouts {
		for matrix, k := range map[string][2]float64{"smpte170m": {0.299, 0.114}, "bt709": {0.2126, 0.0722}} {
			for _, full := range []bool{false, true} {
				t.Run(format+" "+matrix+map[bool]string{true: " full"}[full], func(t *testing.T) {
					t.Parallel()
					r := soft(format, 99, 67)
					r.full, r.kr, r.kb = full, k[0], k[1]
					f, want := r.open(t, format, matrix), r.ycbcr()
					for _, size := range []image.Point{{99, 67}, {98, 66}, {50, 34}, {160, 120}} {
						got := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
						colours, err := f.Picture.Planes(got)
						if err != nil {
							t.Fatal(err)
						}
						grey := colours.Matrix != sidecar.BT601 && k[0] == 0.299
						if grey || colours.Limited == full {
							t.Errorf("the colours are %+v", colours)
						}
						scaled := image.NewYCbCr(got.Rect, image.YCbCrSubsampleRatio420)
						for y := range size.Y {
							for x := range size.X {
								p := want.YCbCrAt(x, y)
								if size.X < 98 || size.X > 99 {
									p = want.YCbCrAt((2*x+1)*99/(2*size.X), (2*y+1)*67/(2*size.Y))
								}
								i, j := scaled.YOffset(x, y), scaled.COffset(x, y)
								scaled.Y[i], scaled.Cb[j], scaled.Cr[j] = p.Y, p.Cb, p.Cr
							}
						}
						if worst, mean := away(read(got, colours), scaled); worst > 9 || mean > 2 {
							t.Errorf("%v: %.0f levels away, %.2f on average", size, worst, mean)
						}
					}
				})
			}
		}
	}
}

func TestPlanesOfOtherLayoutsAreRefused(t *testing.T) {
	f := soft("yuv420p", 64, 48).open(t, "yuv420p", "bt709")
	for _, img := range []*image.YCbCr{
		image.NewYCbCr(image.Rect(0, 0, 64, 48), image.YCbCrSubsampleRatio444),
		image.NewYCbCr(image.Rect(0, 0, 1, 48), image.YCbCrSubsampleRatio420),
	} {
		if _, err := f.Picture.Planes(img); err == nil {
			t.Errorf("%v in %v was taken", img.Rect, img.SubsampleRatio)
		}
	}
}
