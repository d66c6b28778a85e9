package measure

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"os"
	"path/filepath"
	"slices"

	"pantau/sidecar"
	"pantau/sidecar/internal/ap"
)

// Colours of the boxes.
var (
	hit     = color.RGBA{60, 200, 90, 255}  // thin: found, and right
	miss    = color.RGBA{230, 40, 40, 255}  // thick: a label that nobody found
	falsely = color.RGBA{60, 110, 255, 255} // dashed: found, and no label
	region  = color.RGBA{150, 150, 150, 255}
)

// Worst writes the n pictures with the most misses and false boxes of each
// model as JPEG files into a folder, and all of a model's on one contact picture.
// Boxes count from the score on at which the model's F1 is best over all pictures.
func Worst(s Set, r Report, dir string, n int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("writing the worst pictures: %w", err)
	}
	for i := range r.Models {
		if err := worstOf(s, r, &r.Models[i], dir, n); err != nil {
			return fmt.Errorf("writing the worst pictures of %s: %w", r.Models[i].Label, err)
		}
	}
	return nil
}

func worstOf(s Set, r Report, m *Measured, dir string, n int) error {
	type fault struct{ picture, n int }
	var all []fault
	for i, p := range m.Pictures {
		_, missed, wrong := ap.Faults(p, m.Score)
		if k := len(missed) + len(wrong); k > 0 {
			all = append(all, fault{i, k})
		}
	}
	slices.SortStableFunc(all, func(a, b fault) int { return cmp.Compare(b.n, a.n) })
	all = all[:min(n, len(all))]
	const columns, width, height = 4, 480, 360
	contact := image.NewRGBA(image.Rect(0, 0, columns*width, (len(all)+columns-1)/columns*height))
	for k, f := range all {
		img, err := s.paint(r.Names[f.picture], m.Pictures[f.picture], m.Score)
		if err != nil {
			return err
		}
		path := filepath.Join(dir, fmt.Sprintf("%s-%02d-%s.jpg", m.Label, k+1, r.Names[f.picture]))
		if err := writeJPEG(path, img); err != nil {
			return err
		}
		shrink(contact, image.Rect(0, 0, width-4, height-4).Add(image.Pt(k%columns*width, k/columns*height)), img)
	}
	if len(all) == 0 {
		return nil
	}
	return writeJPEG(filepath.Join(dir, m.Label+"-contact.jpg"), contact)
}

// paint draws a picture's labels and detections, scaled to a longer side of 1280.
func (s Set) paint(name string, p ap.Picture, score float64) (*image.RGBA, error) {
	frame, err := s.open(name)
	if err != nil {
		return nil, err
	}
	defer frame.Release()
	pixels, err := frame.Picture.YCbCr()
	if err != nil {
		return nil, err
	}
	w, h := pixels.Rect.Dx(), pixels.Rect.Dy()
	const long = 2 * ap.LongSide
	img := image.NewRGBA(image.Rect(0, 0, long*w/max(w, h), long*h/max(w, h)))
	shrink(img, img.Rect, pixels)
	right, missed, wrong := ap.Faults(p, score)
	for _, t := range p.Truth {
		if t.Ignore {
			frameOf(img, t.Box, region, 1, 8)
		}
	}
	for _, o := range right {
		frameOf(img, o.Box, hit, 1, 0)
	}
	for _, o := range wrong {
		frameOf(img, o.Box, falsely, 3, 6)
	}
	for _, o := range missed {
		frameOf(img, o.Box, miss, 3, 0)
	}
	return img, nil
}

// frameOf draws a box, dashed if dash is not 0.
func frameOf(img *image.RGBA, b sidecar.Box, c color.RGBA, thick, dash int) {
	r := image.Rect(int(2*b.Left), int(2*b.Top), int(2*b.Right), int(2*b.Bottom))
	for x := r.Min.X; x <= r.Max.X; x++ {
		if dash == 0 || x/dash%2 == 0 {
			dot(img, x, r.Min.Y, c, thick)
			dot(img, x, r.Max.Y, c, thick)
		}
	}
	for y := r.Min.Y; y <= r.Max.Y; y++ {
		if dash == 0 || y/dash%2 == 0 {
			dot(img, r.Min.X, y, c, thick)
			dot(img, r.Max.X, y, c, thick)
		}
	}
}

func dot(img *image.RGBA, x, y int, c color.RGBA, thick int) {
	r := image.Rect(x-thick/2, y-thick/2, x+(thick+1)/2, y+(thick+1)/2)
	draw.Draw(img, r, image.NewUniform(c), image.Point{}, draw.Src)
}

// shrink draws src into a rectangle of dst, evenly scaled, by the nearest pixel.
func shrink(dst *image.RGBA, r image.Rectangle, src image.Image) {
	b := src.Bounds()
	scale := min(float64(r.Dx())/float64(b.Dx()), float64(r.Dy())/float64(b.Dy()))
	for y := range int(float64(b.Dy()) * scale) {
		for x := range int(float64(b.Dx()) * scale) {
			dst.Set(r.Min.X+x, r.Min.Y+y, src.At(b.Min.X+int(float64(x)/scale), b.Min.Y+int(float64(y)/scale)))
		}
	}
}

func writeJPEG(path string, img image.Image) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(jpeg.Encode(f, img, &jpeg.Options{Quality: 85}), f.Close())
}
