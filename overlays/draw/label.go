package draw

import "image"

// label names something on the picture.
type label struct {
	text   string
	short  string // where there is no room for text; empty: text is not shortened
	colour shade
	of     image.Rectangle // what it names, pixels
	place  *int            // where it was in the picture before, from 1; 0: nowhere
}

// labels are placed together, so that they keep out of each other's way.
type labels struct {
	all   []label
	lines []stroke // that should be seen
}

func (l *labels) add(b label) {
	if b.text != "" {
		l.all = append(l.all, b)
	}
}

// draw sets the labels: a dark plate with an edge in the label's colour.
func (l *labels) draw(c *canvas) {
	g := fontFor(c.text)
	margin := g.height / 5
	edge := c.stroke
	placed := make([]image.Rectangle, 0, len(l.all))
	for i := range l.all {
		b := &l.all[i]
		text := g.fit(b.text, c.w-edge-2*margin)
		size := image.Pt(edge+g.width(text)+2*margin, g.height+margin/2)
		plate := l.place(c, i, size, placed)
		placed = append(placed, plate)
		c.fill(plate, dark, 0.75)
		c.fill(image.Rect(plate.Min.X, plate.Min.Y, plate.Min.X+edge, plate.Max.Y), b.colour, 1)
		c.write(g, text, plate.Min.X+edge+margin, plate.Min.Y+margin/4)
	}
}

// places is the number of places that a label may have.
const places = 7

// place finds room for label i of the given size, inside of the picture: above
// what it names, or below, or beside it, wherever it hides least. It stays where it
// was while no other place is much better. Only where what it names fills the
// picture does it lie on it.
func (l *labels) place(c *canvas, i int, size image.Point, placed []image.Rectangle) image.Rectangle {
	var best image.Rectangle
	least, was, at := -1, *l.all[i].place, 0
	for k := range places {
		plate := l.at(c, i, k, size)
		hidden := l.hidden(plate, i, placed)*8 + k
		if k+1 == was {
			hidden -= 8 * size.X * size.Y / 2
		}
		if k == 0 || hidden < least {
			best, least, at = plate, hidden, k+1
		}
	}
	*l.all[i].place = at
	return best
}

// at is the k-th place of label i.
func (l *labels) at(c *canvas, i, k int, size image.Point) image.Rectangle {
	of, gap := l.all[i].of, c.hair+1
	above, below := of.Min.Y-gap-size.Y, of.Max.Y+gap
	left, right := of.Min.X-gap-size.X, of.Max.X+gap
	at := [places]image.Point{
		{of.Min.X, above}, {of.Max.X - size.X, above},
		{of.Min.X, below}, {of.Max.X - size.X, below},
		{right, of.Min.Y}, {left, of.Min.Y},
		{of.Min.X + c.stroke, of.Min.Y + c.stroke},
	}[k]
	at.X = max(0, min(c.w-size.X, at.X)) &^ 1
	at.Y = max(0, min(c.h-size.Y, at.Y)) &^ 1
	return image.Rectangle{at, at.Add(size)}
}

// hidden is how much a plate would hide, in pixels: what it names itself counts
// most, other labels more than other things.
func (l *labels) hidden(plate image.Rectangle, i int, placed []image.Rectangle) int {
	n := 20 * overlap(plate, l.all[i].of)
	for _, p := range placed {
		n += 6 * overlap(plate, p)
	}
	for j := range l.all {
		if l.all[j].colour != rule { // a zone is no thing: labels may lie on it
			n += overlap(plate, l.all[j].of)
		}
	}
	for j := range l.lines {
		n += 20 * l.lines[j].inside(plate)
	}
	return n
}

// inside is about how many pixels of the stroke's length lie in a rectangle.
func (s *stroke) inside(r image.Rectangle) int {
	const parts = 64
	n := 0
	for i := range parts {
		t := (float64(i) + 0.5) / parts
		if (image.Point{int(s.a.x + t*s.d.x), int(s.a.y + t*s.d.y)}).In(r) {
			n++
		}
	}
	return n * int(s.length) / parts
}

func overlap(a, b image.Rectangle) int {
	r := a.Intersect(b)
	return r.Dx() * r.Dy()
}
