package draw

import "image"

// label names something on the picture.
type label struct {
	text   string
	short  string // where there is no room for text; empty: text is not shortened
	colour shade
	of     image.Rectangle // what it names, pixels
	place  *int            // where it was in the picture before, from 1; 0: nowhere
	form   *int            // how it was there; only with short
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

const (
	// narrow is a picture with little room, pixels: objects have their number alone,
	// since the colour says the class.
	narrow = 560
	// covers is the most of any object that a label may cover, and crowds the most of
	// a label that others may cover; where that cannot be, the text is shorter, or none.
	covers, crowds = 0.35, 0.15
	// stays is how much more of both a label may that was so in the picture before.
	stays = 1.6
)

// The forms of a label.
const (
	fullForm = iota + 1
	shortForm
	noForm
)

// draw sets the labels: a dark plate with an edge in the label's colour.
func (l *labels) draw(c *canvas) {
	g := fontFor(c.text)
	margin := g.height / 5
	edge := c.stroke
	placed := make([]image.Rectangle, 0, len(l.all))
	for i := range l.all {
		b := &l.all[i]
		text, plate := l.choose(c, i, placed, func(text string) image.Point {
			return image.Pt(edge+g.width(g.fit(text, c.w-edge-2*margin))+2*margin, g.height+margin/2)
		})
		if text == "" {
			continue
		}
		text = g.fit(text, c.w-edge-2*margin)
		placed = append(placed, plate)
		c.fill(plate, dark, 0.75)
		c.fill(image.Rect(plate.Min.X, plate.Min.Y, plate.Min.X+edge, plate.Max.Y), b.colour, 1)
		c.write(g, text, plate.Min.X+edge+margin, plate.Min.Y+margin/4)
	}
}

// choose gives the longest text of label i that hides little, and its place; no text
// where even the number would hide too much.
func (l *labels) choose(c *canvas, i int, placed []image.Rectangle, size func(text string) image.Point) (string, image.Rectangle) {
	b := &l.all[i]
	if b.short == "" {
		return b.text, l.place(c, i, size(b.text), placed)
	}
	was := *b.form
	for form, text := range []string{fullForm: b.text, shortForm: b.short} {
		if text == "" || form == fullForm && c.w < narrow {
			continue
		}
		plate := l.place(c, i, size(text), placed)
		allowed := 1.0
		if form == was {
			allowed = stays
		}
		if covered, crowded := l.harm(plate, placed); covered <= covers*allowed && crowded <= crowds*allowed {
			*b.form = form
			return text, plate
		}
	}
	*b.form = noForm
	return "", image.Rectangle{}
}

// harm is how much of any object a plate would cover, and how much of the plate others
// cover, 0..1.
func (l *labels) harm(plate image.Rectangle, placed []image.Rectangle) (covered, crowded float64) {
	for j := range l.all {
		if of := l.all[j].of; l.all[j].colour != rule && !of.Empty() {
			covered = max(covered, float64(overlap(plate, of))/float64(of.Dx()*of.Dy()))
		}
	}
	sum := 0
	for _, p := range placed {
		sum += overlap(plate, p)
	}
	return covered, float64(sum) / float64(plate.Dx()*plate.Dy())
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
			hidden -= 8 * size.X * size.Y * 3 / 2
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
		if of := l.all[j].of; l.all[j].colour != rule && !of.Empty() { // a zone is no thing: labels may lie on it
			hides := overlap(plate, of)
			n += hides + 4*hides*hides/(of.Dx()*of.Dy()) // a small thing would be gone altogether
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
