package sidecar

import (
	"image"
	"math"
	"sync/atomic"
	"time"
)

// Frame is one decoded picture, read-only and counted: a new one has one owner,
// Retain adds one, and the last Release gives the pixels back.
type Frame struct {
	Stamp
	Key      bool
	Received time.Time // arrival of the access unit, this machine's clock
	Decoded  time.Time // end of decoding, this machine's clock
	Picture  Picture
	Crops    []Crop // what of the picture is to be looked at, shared and read-only; none: the whole of it

	refs atomic.Int32 // owners besides the first
}

// Retain adds an owner.
func (f *Frame) Retain() *Frame {
	f.refs.Add(1)
	return f
}

// Release gives one owner's share back; the last one closes the picture.
func (f *Frame) Release() {
	if f.refs.Add(-1) < 0 && f.Picture != nil {
		f.Picture.Close()
	}
}

// Picture is the pixels of a frame. They stay where the decoder put them until
// they are asked for. All methods may be called from several goroutines.
type Picture interface {
	// Size is the picture's width and height in pixels, cropping applied.
	Size() (width, height int)
	// Letterbox scales the picture (or Crop of it) into dst, a tensor of
	// 3·Height·Width numbers in the order channel, row, column (CHW). It
	// returns an error if dst has another length.
	Letterbox(dst []float32, l Letterbox) error
	// LetterboxBytes is Letterbox for detectors that normalise by themselves:
	// each channel 0..255, rounded to the nearest. Mean and Scale are not used.
	LetterboxBytes(dst []byte, l Letterbox) error
	// JPEG compresses the picture (ITU-T T.81), quality 1..100.
	JPEG(quality int) ([]byte, error)
	// YCbCr copies the pixels: 4:2:0, full range, BT.601 (ITU-T T.871), as
	// Go's image packages take them.
	YCbCr() (*image.YCbCr, error)
	// Planes copies the samples as they were coded into dst, which is 4:2:0,
	// scaled to dst's size, and says what colours they are. A dst that is one
	// pixel smaller than the picture gets its upper left part unscaled.
	Planes(dst *image.YCbCr) (Colours, error)
	// Close gives the pixels back. Frame.Release calls it, nobody else.
	Close()
}

// Colours say how the samples of a picture are read (ITU-T H.273 clause 8.3).
// The zero value is that of Picture.YCbCr: BT.601, full range.
type Colours struct {
	Matrix  Matrix
	Limited bool // luma 16..235, chroma 16..240; otherwise 0..255
}

// Matrix is how luma and chroma are made of red, green and blue.
type Matrix uint8

// The matrices.
const (
	BT601 Matrix = iota
	BT709
	BT2020
)

// Weights are the shares of red and blue in luma (ITU-T H.273 table 4).
func (m Matrix) Weights() (kr, kb float64) {
	switch m {
	case BT709:
		return 0.2126, 0.0722
	case BT2020:
		return 0.2627, 0.0593
	}
	return 0.299, 0.114
}

// Crop is a part of a picture that is looked at, and how closely.
type Crop struct {
	Region Box `json:"region"` // 0..1 of the picture
	Width  int `json:"width"`  // of the detector's input, pixels
	Height int `json:"height"`
}

// ChannelOrder is the order of the colours in a tensor.
type ChannelOrder uint8

// The channel orders.
const (
	BGR ChannelOrder = iota
	RGB
)

// Letterbox says how a picture becomes the input of a detector: scaled evenly
// until it fits, the rest filled with Pad, each channel normalised by
// (v - Mean) * Scale, with v 0..255.
type Letterbox struct {
	Width, Height int // of the tensor, pixels
	Crop          Box // part of the picture to take; zero takes the whole
	Order         ChannelOrder
	Mean, Scale   [3]float32 // in channel order; Scale 0 means 1
	Pad           float32    // 0..255, before normalisation
	Centred       bool       // picture in the middle; otherwise top left
}

// Fit is where a picture comes to lie in a letterboxed tensor.
type Fit struct {
	CropX, CropY, CropW, CropH int     // source rectangle, pixels of the picture
	X, Y, W, H                 int     // target rectangle, pixels of the tensor
	PictureW, PictureH         float64 // size of the whole picture, pixels
}

// Fit places a picture of the given size into the letterbox.
func (l Letterbox) Fit(width, height int) Fit {
	crop := l.Crop
	if crop.Area() <= 0 {
		crop = Box{0, 0, 1, 1}
	}
	crop = crop.Clamp()
	f := Fit{PictureW: float64(width), PictureH: float64(height)}
	f.CropX = min(width-1, int(math.Round(crop.Left*f.PictureW)))
	f.CropY = min(height-1, int(math.Round(crop.Top*f.PictureH)))
	f.CropW = max(1, int(math.Round(crop.Right*f.PictureW))-f.CropX)
	f.CropH = max(1, int(math.Round(crop.Bottom*f.PictureH))-f.CropY)
	s := min(float64(l.Width)/float64(f.CropW), float64(l.Height)/float64(f.CropH))
	f.W = min(l.Width, max(1, int(math.Round(float64(f.CropW)*s))))
	f.H = min(l.Height, max(1, int(math.Round(float64(f.CropH)*s))))
	if l.Centred {
		f.X, f.Y = (l.Width-f.W)/2, (l.Height-f.H)/2
	}
	return f
}

// Region is the source rectangle, 0..1 of the whole picture.
func (f Fit) Region() Box {
	return Box{
		Left: float64(f.CropX) / f.PictureW, Top: float64(f.CropY) / f.PictureH,
		Right: float64(f.CropX+f.CropW) / f.PictureW, Bottom: float64(f.CropY+f.CropH) / f.PictureH,
	}
}

// Box maps a box in pixels of the tensor to 0..1 of the whole picture, cut off
// at the edges of the source rectangle.
func (f Fit) Box(left, top, right, bottom float64) Box {
	sx, sy := float64(f.CropW)/float64(f.W), float64(f.CropH)/float64(f.H)
	return Box{
		Left:   (float64(f.CropX) + (left-float64(f.X))*sx) / f.PictureW,
		Top:    (float64(f.CropY) + (top-float64(f.Y))*sy) / f.PictureH,
		Right:  (float64(f.CropX) + (right-float64(f.X))*sx) / f.PictureW,
		Bottom: (float64(f.CropY) + (bottom-float64(f.Y))*sy) / f.PictureH,
	}.Intersect(f.Region())
}
