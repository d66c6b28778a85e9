package look

import (
	"fmt"
	"math"

	"pantau/sidecar"
)

// step is the grid of an input's sides, pixels.
const step = 32

// planner fits what the functions need to inputs.
type planner struct {
	Options
	mode  sidecar.Look
	set   bool    // the parts are set, and small is not known
	small float64 // root of the area of the smaller objects, sides of the picture
	needs []sidecar.Box
}

// plan chooses the closest look that helps and that may be paid.
func (p planner) plan() Plan {
	width, height := float64(p.Width), float64(p.Height)
	whole0 := min(float64(p.Input.Width)/width, float64(p.Input.Height)/height) // pixels of the input for one of the picture
	most, budget := enlarged, p.Input.Width*p.Input.Height
	if p.mode == sidecar.LookClose {
		most, budget = enlargedClose, mostCost*budget
	}
	useful := max(whole0, most)
	if !p.set {
		useful = max(whole0, min(most, resolved/(p.small*math.Sqrt(width*height))))
	}
	const finer = 0.98
	for s := useful; s > whole0*finer; s *= finer {
		s = max(s, whole0)
		crops, pixels := p.crops(s)
		if pixels > budget {
			if s == whole0 {
				break
			}
			continue
		}
		cost := float64(pixels) / float64(p.Input.Width*p.Input.Height)
		scale := s / whole0
		if !p.set && scale < worthwhile && cost > cheap {
			break
		}
		return p.of(crops, scale, cost, pixels)
	}
	all := whole(p.Options, fmt.Sprintf("the functions need %.0f %% of it", 100*min(1, covered(p.needs))))
	all.needs = p.needs
	return all
}

// of makes the plan of crops.
func (p planner) of(crops []sidecar.Crop, scale, cost float64, pixels int) Plan {
	plan := Plan{Looking: sidecar.Looking{Crops: crops, Scale: scale, Cost: cost, Megapixels: mega(pixels)}, needs: p.needs}
	for _, c := range crops {
		plan.Boxes = append(plan.Boxes, c.Region)
	}
	if p.set {
		plan.Why = "the parts are set"
		return plan
	}
	largest := Seen{}
	n := 0
	for _, s := range p.Seen {
		n += s.N
		largest.Width, largest.Height = max(largest.Width, s.Width), max(largest.Height, s.Height)
	}
	plan.Why = fmt.Sprintf("%d objects were seen at the functions, most up to %.3f wide and %.3f high, the smaller ones %.0f pixels in the whole picture's input and %.0f here",
		n, largest.Width, largest.Height, p.pixels(1), p.pixels(scale))
	if n == 0 {
		plan.Why = "the functions need no more; how large their objects are has not been seen yet"
	}
	return plan
}

// pixels is the size of the smaller objects in an input.
func (p planner) pixels(scale float64) float64 {
	width, height := float64(p.Width), float64(p.Height)
	return scale * p.small * math.Sqrt(width*height) * min(float64(p.Input.Width)/width, float64(p.Input.Height)/height)
}

// crops gives the crops for a scale, in pixels of the input for one of the
// picture, and the pixels of all their inputs.
func (p planner) crops(s float64) (all []sidecar.Crop, pixels int) {
	for _, need := range p.needs {
		for _, part := range p.tiles(need, s) {
			c := p.fit(part, s)
			all = append(all, c)
			pixels += c.Width * c.Height
		}
	}
	return all, pixels
}

// fit rounds a part up to an input, and takes in as much of the picture as that holds.
func (p planner) fit(part sidecar.Box, s float64) sidecar.Crop {
	var c sidecar.Crop
	c.Width, c.Region.Left, c.Region.Right = fill(part.Left, part.Right, s*float64(p.Width))
	c.Height, c.Region.Top, c.Region.Bottom = fill(part.Top, part.Bottom, s*float64(p.Height))
	return c
}

// fill gives the side of an input for a stretch of the picture whose side would
// have so many pixels, and the stretch that it holds.
func fill(from, to, pixels float64) (side int, begin, end float64) {
	const hair = 0.05 // of a step: parts are written with three digits, and 641 pixels are 640
	side = max(step, int(math.Ceil((to-from)*pixels/step-hair))*step)
	length := min(1, max(to-from, float64(side)/pixels))
	begin = from - (length-(to-from))/2
	begin = min(max(begin, 0), 1-length)
	return side, begin, begin + length
}

// tiles cuts a part that is larger than the whole picture's input into several,
// which overlap by an object.
func (p planner) tiles(part sidecar.Box, s float64) []sidecar.Box {
	if part.Area()*s*s*float64(p.Width*p.Height) <= 1.25*float64(p.Input.Width*p.Input.Height) {
		return []sidecar.Box{part}
	}
	size := usual
	if len(p.Seen) > 0 {
		size = p.like("")
	}
	var all []sidecar.Box
	for _, y := range cut(part.Top, part.Bottom, float64(p.Input.Height)/(s*float64(p.Height)), size.Height) {
		for _, x := range cut(part.Left, part.Right, float64(p.Input.Width)/(s*float64(p.Width)), size.Width) {
			all = append(all, sidecar.Box{Left: x[0], Top: y[0], Right: x[1], Bottom: y[1]})
		}
	}
	return all
}

// cut divides a stretch into as few equal ones as fit into most, which overlap.
func cut(from, to, most, overlap float64) [][2]float64 {
	overlap = min(overlap, most/2)
	n := max(1, int(math.Ceil((to-from-overlap)/(most-overlap)-1e-6)))
	length := (to - from + float64(n-1)*overlap) / float64(n)
	var all [][2]float64
	for i := range n {
		begin := from + float64(i)*(length-overlap)
		all = append(all, [2]float64{begin, begin + length})
	}
	return all
}

func covered(parts []sidecar.Box) float64 {
	sum := 0.0
	for _, b := range parts {
		sum += b.Area()
	}
	return sum
}
