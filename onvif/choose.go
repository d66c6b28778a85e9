package onvif

import (
	"cmp"
	"fmt"
	"slices"
)

// Need is what is to be seen in a stream.
type Need struct {
	Height int    // pixels that the picture must have at least; 0 is 360
	Source string // token of the video source; empty: any
}

// defaultHeight is that of the usual sub-stream, 640×360: as much as a detector with
// an input of 416 to 640 pixels takes in.
const defaultHeight = 360

// codecs in the order of what they cost to decode and who can show them; others cannot be used.
var codecs = []string{"H264", "H265", "JPEG"}

// Choose picks the profile to analyse: the smallest that resolves the objects, H.264
// before H.265 before JPEG; where none resolves them, the largest. The text says why,
// in one line. Without a usable profile ok is false, and the text says what is missing.
func Choose(profiles []Profile, need Need) (p Profile, why string, ok bool) {
	if need.Height <= 0 {
		need.Height = defaultHeight
	}
	var usable []Profile
	for _, p := range profiles {
		if slices.Contains(codecs, p.Codec) && (need.Source == "" || p.Source == need.Source) {
			usable = append(usable, p)
		}
	}
	if len(usable) == 0 {
		return p, fmt.Sprintf("none of %d profiles has H.264, H.265 or JPEG", len(profiles)), false
	}
	enough := slices.DeleteFunc(slices.Clone(usable), func(p Profile) bool { return p.Height < need.Height })
	if len(enough) == 0 {
		p = slices.MaxFunc(usable, func(a, b Profile) int {
			return cmp.Or(cmp.Compare(a.Height, b.Height), byCodec(b, a))
		})
		return p, fmt.Sprintf("%s: the largest of %d, though less than the %d lines that are needed", p.label(), len(profiles), need.Height), true
	}
	p = slices.MinFunc(enough, func(a, b Profile) int {
		return cmp.Or(byCodec(a, b), cmp.Compare(a.Width*a.Height, b.Width*b.Height), cmp.Compare(a.BitRate, b.BitRate))
	})
	why = fmt.Sprintf("%s: the smallest %s of %d with %d lines or more", p.label(), p.Codec, len(profiles), need.Height)
	if p.Codec != codecs[0] {
		why += "; there is no H264 of that size"
	}
	return p, why, true
}

func byCodec(a, b Profile) int {
	return cmp.Compare(slices.Index(codecs, a.Codec), slices.Index(codecs, b.Codec))
}

// label is a profile in a few words.
func (p Profile) label() string {
	text := fmt.Sprintf("%s %d×%d", p.Codec, p.Width, p.Height)
	if p.Rate > 0 {
		text += fmt.Sprintf(" %g/s", p.Rate)
	}
	return text
}
