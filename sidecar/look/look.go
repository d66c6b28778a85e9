// Package look chooses what of a camera's picture is looked at: not the whole of
// it but the parts that the camera's functions need, with room for a track to
// form before a line, and as closely as its objects are to be resolved.
//
// The plan comes from the functions' geometry and from the sizes and speeds of
// the objects that were seen there (Watch). It is pure: the same functions and
// sightings always give the same crops.
package look

import (
	"fmt"
	"math"
	"strings"

	"pantau/sidecar"
)

const (
	// resolved is the size of an object in the input, the root of its area in
	// pixels, from which on a larger one is found no better: on labelled streets the
	// detector finds 46 % of those below 32, 85 % of those below 96, 91 % of the others.
	resolved = 64
	// enlarged is how many pixels of the input may stand for one of the picture: on
	// the same streets, enlarged pictures gave no more than those as the camera sent
	// them. For crowds they did: of 3600 heads 2020 were found at twice, and 1210 at once.
	enlarged      = 1.0
	enlargedClose = 2.0
	// worthwhile is how many times as large objects must become, and cheap what part
	// of the whole picture's cost may be left if they do not, for a part to be better
	// than the whole picture, on which people see boxes everywhere.
	worthwhile = 1.25
	cheap      = 0.5
	// narrowest is the least side of a part, sides of the picture: a detector wants to
	// see what is around.
	narrowest = 0.2
	// nearEdge is how near to the edge of the picture a part reaches up to it.
	nearEdge = 0.04
	// apart is how much more than its parts a common part may cover for two to be one.
	apart = 1.1
	// mostParts is how many parts a picture may have, before they are cut into tiles.
	mostParts = 6
	// mostCost is what LookClose may cost, in whole pictures.
	mostCost = 6
)

// Input is what a detector takes for a whole picture, pixels.
type Input struct {
	Width, Height int
	Free          bool // parts may have another size: sides of any multiple of 32
}

// Options are what a plan depends on, besides the camera.
type Options struct {
	Width, Height int // of the picture, pixels
	Input         Input
	FPS           float64         // frames per second that are looked at
	Seen          map[string]Seen // by function; those that are not there are like the largest of the others
	Assume        bool            // where nothing was seen, take objects to be of a usual size
}

// Seen is what objects near a function are like. Lengths are in sides of the picture.
type Seen struct {
	N             int     // objects that were seen
	Width, Height float64 // no more than one in twenty is wider, or higher
	Small         float64 // root of the area; no more than one in ten is smaller
	Across, Down  float64 // no more than one in twenty is faster, sides of the picture per second
}

// usual is what an object is taken for where none was seen.
var usual = Seen{Width: 0.12, Height: 0.16, Small: 0.04, Across: 0.15, Down: 0.15}

// Plan is what of a picture is looked at.
type Plan struct {
	sidecar.Looking
	Boxes []sidecar.Box // the crops' regions, as in Scene.Looked
	needs []sidecar.Box // what the functions need, before it was fitted to the input
}

// whole is the plan of the whole picture.
func whole(o Options, why string) Plan {
	return Plan{Looking: sidecar.Looking{Scale: 1, Cost: 1, Megapixels: mega(o.Input.Width * o.Input.Height), Why: why}}
}

// New plans what is looked at.
func New(c sidecar.Camera, o Options) Plan {
	mode := c.Analyse.Look
	if mode == "" {
		mode = sidecar.LookAuto
	}
	switch {
	case mode == sidecar.LookWhole:
		return whole(o, "it is set so")
	case o.Width < 1 || o.Height < 1 || o.Input.Width < 1 || o.Input.Height < 1:
		return whole(o, "the size of the picture is not known yet")
	case !o.Input.Free:
		return whole(o, "the model takes one size of input only")
	case len(c.Analyse.Parts) > 0:
		return fixed(c, o, mode)
	case len(c.Functions) == 0:
		return whole(o, "there are no functions")
	case len(o.Seen) == 0 && !o.Assume:
		return whole(o, fmt.Sprintf("fewer than %d objects have been seen at a function, to know how large they are", enough))
	}
	var needs []sidecar.Box
	small := math.Inf(1)
	for _, f := range c.Functions {
		core, ok := Core(f)
		if !ok {
			return whole(o, fmt.Sprintf("function %s is about all of it", f.ID))
		}
		seen := o.like(f.ID)
		small = min(small, seen.Small)
		needs = append(needs, seen.around(core, o.FPS))
	}
	p := planner{Options: o, mode: mode, small: small, needs: merge(needs)}
	return p.plan()
}

// fixed plans the parts that are set: as closely as may be paid, whatever is seen,
// so that the numbers of different years can be compared.
func fixed(c sidecar.Camera, o Options, mode sidecar.Look) Plan {
	p := planner{Options: o, mode: mode, set: true}
	for _, part := range c.Analyse.Parts {
		p.needs = append(p.needs, part.Box())
	}
	for _, f := range c.Functions {
		if core, ok := Core(f); !ok || !inside(core, p.needs, 0) {
			return whole(o, fmt.Sprintf("function %s is not inside of one of the parts that are set", f.ID))
		}
	}
	return p.plan()
}

// like is what objects at a function are like.
func (o Options) like(id string) Seen {
	if s, ok := o.Seen[id]; ok {
		return s
	}
	if len(o.Seen) == 0 {
		return usual
	}
	all := Seen{Small: math.Inf(1)}
	for _, s := range o.Seen {
		all.Width, all.Height, all.Small = max(all.Width, s.Width), max(all.Height, s.Height), min(all.Small, s.Small)
		all.Across, all.Down = max(all.Across, s.Across), max(all.Down, s.Down)
	}
	return all
}

// around is a function's part of the picture: who stands on its border, or is
// some frames away from it, is wholly in the part.
func (s Seen) around(core sidecar.Box, fps float64) sidecar.Box {
	const frames, least = 4, 0.8 // the way of so many frames, and of so many seconds at least
	t := least
	if fps > 0 {
		t = max(least, frames/fps)
	}
	x, y := s.Width+s.Across*t, s.Height/2+s.Down*t
	b := sidecar.Box{Left: core.Left - x, Top: core.Top - s.Height - y, Right: core.Right + x, Bottom: core.Bottom + s.Height/2 + y}
	b.Left, b.Right = widen(b.Left, b.Right)
	b.Top, b.Bottom = widen(b.Top, b.Bottom)
	return b
}

// widen makes a stretch long enough, and lets it reach up to edges that are near.
func widen(from, to float64) (float64, float64) {
	if more := narrowest - (to - from); more > 0 {
		from, to = from-more/2, to+more/2
	}
	if from < nearEdge {
		from = 0
	}
	if to > 1-nearEdge {
		to = 1
	}
	return from, to
}

// merge joins parts that overlap, that cover little more together, or that are too many.
func merge(parts []sidecar.Box) []sidecar.Box {
	for {
		a, b, least := -1, -1, math.Inf(1)
		for i := range parts {
			for j := range i {
				growth := union(parts[i], parts[j]).Area() / (parts[i].Area() + parts[j].Area())
				if parts[i].Intersect(parts[j]).Area() > 0 {
					growth = 0
				}
				if growth < least {
					a, b, least = j, i, growth
				}
			}
		}
		if a < 0 || least > apart && len(parts) <= mostParts {
			return parts
		}
		parts[a] = union(parts[a], parts[b])
		parts = append(parts[:b], parts[b+1:]...)
	}
}

func union(a, b sidecar.Box) sidecar.Box {
	return sidecar.Box{Left: min(a.Left, b.Left), Top: min(a.Top, b.Top), Right: max(a.Right, b.Right), Bottom: max(a.Bottom, b.Bottom)}
}

// inside says whether a box lies in one of others, but for a tolerance.
func inside(b sidecar.Box, others []sidecar.Box, tolerance float64) bool {
	for _, o := range others {
		if b.Left >= o.Left-tolerance && b.Top >= o.Top-tolerance && b.Right <= o.Right+tolerance && b.Bottom <= o.Bottom+tolerance {
			return true
		}
	}
	return false
}

// Better says whether it is worth it to go over from p to another plan: the
// functions need more than p gives, objects become much larger, or it costs much less.
func (p Plan) Better(next Plan) bool {
	const larger, cheaper, moved = 1.25, 0.8, 0.02
	if len(p.Crops) == 0 {
		return len(next.Crops) > 0
	}
	for _, n := range next.needs {
		if !inside(n, p.Boxes, moved) {
			return true
		}
	}
	return len(next.Crops) > 0 && (next.Scale > larger*p.Scale || next.Cost < cheaper*p.Cost)
}

// Explain says in plain lines what is looked at; perMegapixel is what a million
// pixels of input cost the detector, in milliseconds, or 0 where that is not known.
func (p Plan) Explain(perMegapixel float64) []string { return Explain(p.Looking, perMegapixel) }

// Explain says in plain lines what is looked at.
func Explain(l sidecar.Looking, perMegapixel float64) []string {
	cost := func() string {
		text := fmt.Sprintf("%.2f megapixels a frame", l.Megapixels)
		if perMegapixel > 0 {
			text += fmt.Sprintf(", about %.0f ms", l.Megapixels*perMegapixel)
		}
		return text
	}
	if len(l.Crops) == 0 {
		return []string{fmt.Sprintf("the whole picture, since %s: %s", l.Why, cost())}
	}
	lines := []string{fmt.Sprintf("%s, %.1f times as closely as the whole, for %.0f %% of its cost: %s", parts(len(l.Crops)), l.Scale, 100*l.Cost, cost())}
	for _, c := range l.Crops {
		lines = append(lines, fmt.Sprintf("[%.3f, %.3f, %.3f, %.3f] at %d×%d pixels", c.Region.Left, c.Region.Top, c.Region.Right, c.Region.Bottom, c.Width, c.Height))
	}
	return append(lines, "since "+l.Why)
}

func parts(n int) string {
	if n == 1 {
		return "one part of the picture"
	}
	return fmt.Sprintf("%d parts of the picture", n)
}

// String is the explanation in one line.
func (p Plan) String() string { return strings.Join(p.Explain(0), "; ") }

func mega(pixels int) float64 { return float64(pixels) / 1e6 }
