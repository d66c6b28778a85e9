package draw

import (
	"image/color"

	"pantau/sidecar"
)

// shade is a colour as pictures have it: full-range BT.601.
type shade = color.YCbCr

// The colours of Okabe and Ito (2008), which people with any kind of colour
// vision tell apart; the page shows the same. Rules are white.
var (
	orange    = ycbcr(0xe6, 0x9f, 0x00)
	skyBlue   = ycbcr(0x56, 0xb4, 0xe9)
	green     = ycbcr(0x00, 0x9e, 0x73)
	yellow    = ycbcr(0xf0, 0xe4, 0x42)
	vermilion = ycbcr(0xd5, 0x5e, 0x00)
	purple    = ycbcr(0xcc, 0x79, 0xa7)
	pale      = ycbcr(0xf2, 0xf2, 0xf2)
	rule      = ycbcr(0xff, 0xff, 0xff)
	dark      = ycbcr(0x10, 0x10, 0x10)
)

func ycbcr(r, g, b uint8) shade {
	y, cb, cr := color.RGBToYCbCr(r, g, b)
	return shade{Y: y, Cb: cb, Cr: cr}
}

// colourOf is the colour of a class; classes beyond the usual six share one.
func colourOf(c sidecar.Class) shade {
	switch c {
	case sidecar.Person:
		return orange
	case sidecar.Bicycle:
		return green
	case sidecar.Motorcycle:
		return yellow
	case sidecar.Car:
		return skyBlue
	case sidecar.Bus:
		return purple
	case sidecar.Truck:
		return vermilion
	default:
		return pale
	}
}

// native is a colour in a picture's own samples.
func native(s shade, of sidecar.Colours) shade {
	if of == (sidecar.Colours{}) {
		return s
	}
	red, green, blue := color.YCbCrToRGB(s.Y, s.Cb, s.Cr)
	r, g, b := float64(red), float64(green), float64(blue)
	kr, kb := of.Matrix.Weights()
	y := kr*r + (1-kr-kb)*g + kb*b
	cb, cr := (b-y)/(2*(1-kb)), (r-y)/(2*(1-kr))
	if of.Limited {
		y, cb, cr = 16+y*219/255, cb*224/255, cr*224/255
	}
	level := func(v float64) uint8 { return uint8(max(0, min(255, v+0.5))) }
	return shade{Y: level(y), Cb: level(cb + 128), Cr: level(cr + 128)}
}
