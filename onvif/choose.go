package onvif

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Need is what is to be seen in a stream.
type Need struct {
	Height  int     // pixels that the picture must have at least; 0 is 360
	Rate    float64 // frames/s that are wanted; 0: any
	Source  string  // token of the video source; empty: any
	Profile string  // token or name of the profile that is to be taken, whatever is needed; empty: it is chosen
}

// defaultHeight is that of the usual sub-stream, 640×360: as much as a detector with
// an input of 416 to 640 pixels takes in.
const defaultHeight = 360

// codecs in the order of what they cost to decode and who can show them; others cannot be used.
var codecs = []string{"H264", "H265", "JPEG"}

// usualRate is what a profile that tells no rate is taken to send, frames/s.
const usualRate = 25

// Choose picks the profile to analyse: the cheapest that resolves the objects, H.264
// before H.265 before JPEG; where none resolves them, the largest. Cheapest is the one
// with the fewest pixels a second to decode, of those that send as many frames as are
// wanted if there are such. The text says why, in one line. Without a usable profile ok
// is false, and the text says what is missing.
func Choose(profiles []Profile, need Need) (p Profile, why string, ok bool) {
	if need.Profile != "" {
		return named(profiles, need)
	}
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
		return cmp.Or(byCodec(a, b), byRate(a, b, need.Rate), cmp.Compare(a.cost(), b.cost()), cmp.Compare(a.BitRate, b.BitRate))
	})
	why = fmt.Sprintf("%s: the smallest %s of %d with %d lines or more", p.label(), p.Codec, len(profiles), need.Height)
	if p.slow(need.Rate) {
		why += fmt.Sprintf("; none sends %g frames/s", need.Rate)
	}
	if p.Codec != codecs[0] {
		why += "; there is no H264 of that size"
	}
	return p, why, true
}

// named takes the profile that the user has set: by its token first, then by its name.
func named(profiles []Profile, need Need) (p Profile, why string, ok bool) {
	for _, same := range []func(Profile) bool{
		func(p Profile) bool { return p.Token == need.Profile },
		func(p Profile) bool { return strings.EqualFold(p.Name, need.Profile) },
	} {
		if i := slices.IndexFunc(profiles, same); i >= 0 {
			return profiles[i], fmt.Sprintf("%s: profile %s, as it is set", profiles[i].label(), need.Profile), true
		}
	}
	var tokens []string
	for _, p := range profiles[:min(len(profiles), 16)] {
		tokens = append(tokens, p.Token)
	}
	return p, fmt.Sprintf("there is no profile %q; there are %s", need.Profile, strings.Join(tokens, ", ")), false
}

// cost is how many pixels a second are to be decoded.
func (p Profile) cost() float64 {
	if p.Rate > 0 {
		return float64(p.Width*p.Height) * p.Rate
	}
	return float64(p.Width*p.Height) * usualRate
}

// slow says whether a profile sends fewer frames than are wanted.
func (p Profile) slow(rate float64) bool { return p.Rate > 0 && p.Rate < rate }

func byRate(a, b Profile, rate float64) int {
	switch {
	case a.slow(rate) == b.slow(rate):
		return 0
	case a.slow(rate):
		return 1
	}
	return -1
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
