package street

import (
	"math"

	"pantau/sidecar"
)

// aspect is width over height of every picture.
const aspect = 16.0 / 9

// camera is a pinhole above the origin of the ground. It looks along y, and down.
type camera struct {
	height   float64 // metres
	sin, cos float64 // of the angle by which it looks down
	focal    float64 // focal length, in widths of the picture
}

func newCamera(height, down, view float64) camera {
	sin, cos := math.Sincos(down)
	return camera{height: height, sin: sin, cos: cos, focal: 0.5 / math.Tan(view/2)}
}

// project gives where a point is in the picture, and its depth in metres. Behind
// the camera, or nearer than a metre, there is no place.
func (c camera) project(x, y, z float64) (p sidecar.Point, depth float64) {
	depth = y*c.cos + (c.height-z)*c.sin
	if depth < 1 {
		return p, 0
	}
	return sidecar.Point{0.5 + c.focal*x/depth,
		0.5 + aspect*c.focal*((c.height-z)*c.cos-y*c.sin)/depth}, depth
}

// box is that of a body on the ground, and the depth of its middle. It may reach
// out of the picture. False: a part of it is behind the camera.
func (c camera) box(b *body, at ground) (box sidecar.Box, depth float64, ok bool) {
	box = sidecar.Box{Left: math.Inf(1), Top: math.Inf(1), Right: math.Inf(-1), Bottom: math.Inf(-1)}
	for corner := range 8 {
		l, w, h := b.length/2, b.width/2, b.height
		if corner&1 == 0 {
			l = -l
		}
		if corner&2 == 0 {
			w = -w
		}
		if corner&4 == 0 {
			h = 0
		}
		p, d := c.project(at.x+l*at.cos-w*at.sin, at.y+l*at.sin+w*at.cos, h)
		if d == 0 {
			return box, 0, false
		}
		box.Left, box.Right = min(box.Left, p[0]), max(box.Right, p[0])
		box.Top, box.Bottom = min(box.Top, p[1]), max(box.Bottom, p[1])
	}
	_, depth = c.project(at.x, at.y, 0)
	return box, depth, depth > 0
}

// ground is a place on the ground, in metres, and a heading.
type ground struct{ x, y, cos, sin float64 }

// towards is part of the way to another place.
func (g ground) towards(to ground, part float64) ground {
	mix := func(a, b float64) float64 { return a + (b-a)*part }
	return ground{mix(g.x, to.x), mix(g.y, to.y), mix(g.cos, to.cos), mix(g.sin, to.sin)}
}
