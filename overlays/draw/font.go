package draw

import (
	"fmt"
	"image"
	"image/draw"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// glyphs is a font at one size: all of Latin-1, drawn once.
type glyphs struct {
	ascent, height int // pixels
	letters        [256]letter
}

// letter is a drawn character.
type letter struct {
	mask    *image.Alpha // around the point on the base line where it begins; nil for a blank
	advance int          // pixels to the next one
}

// unknown stands where the font has no letter.
const unknown = '?'

// sizes are the fonts by their size in pixels. Each is made when it is first
// needed, and stays as it is.
var sizes = [...]struct {
	pixels float64
	load   func() *glyphs
}{
	{11, sync.OnceValue(func() *glyphs { return load(11) })},
	{13, sync.OnceValue(func() *glyphs { return load(13) })},
	{16, sync.OnceValue(func() *glyphs { return load(16) })},
	{20, sync.OnceValue(func() *glyphs { return load(20) })},
	{25, sync.OnceValue(func() *glyphs { return load(25) })},
	{32, sync.OnceValue(func() *glyphs { return load(32) })},
	{44, sync.OnceValue(func() *glyphs { return load(44) })},
	{60, sync.OnceValue(func() *glyphs { return load(60) })},
}

// fontFor is the largest font that is not larger than the given size.
func fontFor(pixels float64) *glyphs {
	i := len(sizes) - 1
	for i > 0 && sizes[i].pixels > pixels {
		i--
	}
	return sizes[i].load()
}

// load draws the letters. The font is part of the program, so that it panics
// only if the program is broken.
func load(pixels float64) *glyphs {
	parsed, err := opentype.Parse(goregular.TTF)
	if err != nil {
		panic(fmt.Sprintf("parsing Go's own font: %v", err))
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: pixels, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		panic(fmt.Sprintf("sizing Go's own font: %v", err))
	}
	m := face.Metrics()
	g := &glyphs{ascent: m.Ascent.Ceil(), height: m.Ascent.Ceil() + m.Descent.Ceil()}
	for r := rune(' '); r < rune(len(g.letters)); r++ {
		bounds, mask, at, advance, ok := face.Glyph(fixed.Point26_6{}, r)
		if !ok {
			continue
		}
		g.letters[r].advance = advance.Round()
		if !bounds.Empty() {
			own := image.NewAlpha(bounds)
			draw.Draw(own, bounds, mask, at, draw.Src)
			g.letters[r].mask = own
		}
	}
	return g
}

func (g *glyphs) letter(r rune) *letter {
	if int(r) >= len(g.letters) || r < 0 || g.letters[r].advance == 0 {
		r = unknown
	}
	return &g.letters[r]
}

// width is the length of a text in pixels.
func (g *glyphs) width(text string) int {
	n := 0
	for _, r := range text {
		n += g.letter(r).advance
	}
	return n
}

// fit cuts a text off that is longer than width pixels.
func (g *glyphs) fit(text string, width int) string {
	if g.width(text) <= width {
		return text
	}
	const rest = "..."
	runes := []rune(text)
	for len(runes) > 0 && g.width(string(runes)+rest) > width {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + rest
}

// write sets a text in white, its upper left corner at x, y. Only luma is
// written: what is below is a plate without colour.
func (c *canvas) write(g *glyphs, text string, x, y int) {
	origin, white := c.img.Rect.Min, native(rule, c.of).Y
	for _, r := range text {
		l := g.letter(r)
		if l.mask != nil {
			place := l.mask.Rect.Add(image.Pt(x, y+g.ascent))
			seen := place.Intersect(image.Rect(0, 0, c.w, c.h))
			for j := seen.Min.Y; j < seen.Max.Y; j++ {
				from := c.img.YOffset(origin.X+seen.Min.X, origin.Y+j)
				alpha := l.mask.Pix[(j-place.Min.Y)*l.mask.Stride+seen.Min.X-place.Min.X:]
				for i := range seen.Dx() {
					mix(&c.img.Y[from+i], white, int(alpha[i])*256/255)
				}
			}
		}
		x += l.advance
	}
}
