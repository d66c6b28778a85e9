// Package draw paints a scene over its picture: boxes with their labels and the
// ways that they came, the lines with the direction that is "in", the zones, and
// the numbers.
//
// It works on the samples of an [image.YCbCr] as they are, without a detour over
// RGB. Sizes follow the picture's, so that a label can be read on a sub-stream
// and does not cover half of it.
package draw

import (
	"cmp"
	"image"
	"math"
	"slices"

	"pantau/sidecar"
)

// Options is what is drawn besides the scene itself, and how.
type Options struct {
	Totals  []sidecar.CountRow // numbers so far; the flows are shown beside their lines
	Colours sidecar.Colours    // of the picture; those of [sidecar.Picture.YCbCr]
	Only    []sidecar.Layer    // what is drawn; empty: everything
	Sure    *Sure              // of the scenes before, for single pictures; nil: what the Painter has seen
}

func (o *Options) shows(l sidecar.Layer) bool {
	return len(o.Only) == 0 || slices.Contains(o.Only, l)
}

// Scene draws s and the lines and zones among fns onto img. Only confirmed tracks
// are drawn; one that was not observed in this frame is drawn faintly, and of one that
// neither has moved nor is seen surely there is no more than a thin box.
func Scene(img *image.YCbCr, s *sidecar.Scene, fns []sidecar.Function, o Options) {
	new(Painter).Scene(img, s, fns, o)
}

// Painter draws the pictures of one camera, one after the other. It remembers what
// it drew, so that nothing flickers: a label stays where it was while that is about
// as good as another place, and an object is drawn faintly only once it has not
// been seen for a while. The zero value is ready. It belongs to one goroutine.
type Painter struct {
	epoch  string
	things map[sidecar.TrackID]*thing
	sure   Sure
	places map[string]int // where the label of each function was
	rules  layout         // that drawn was recorded for
	drawn  dabs           // lines and zones
}

// layout is what the strokes of lines and zones depend on.
type layout struct {
	functions        *sidecar.Function
	n, w, h          int
	yStride, cStride int
	ratio            image.YCbCrSubsampleRatio
	colours          sidecar.Colours
	lines, zones     bool
}

// Scene draws s and the lines and zones among fns onto img, the next picture.
func (p *Painter) Scene(img *image.YCbCr, s *sidecar.Scene, fns []sidecar.Function, o Options) {
	c := newCanvas(img, o.Colours)
	if c.w < 1 || c.h < 1 {
		return
	}
	p.remember(s)
	var l labels
	p.functions(c, fns, s, &o, &l)
	tracks := make([]*sidecar.Track, 0, len(s.Tracks))
	for i := range s.Tracks {
		if s.Tracks[i].Confirmed {
			tracks = append(tracks, &s.Tracks[i])
		}
	}
	slices.SortStableFunc(tracks, func(a, b *sidecar.Track) int { // the large ones first: they are near
		return cmp.Or(cmp.Compare(rank(b), rank(a)), cmp.Compare(a.ID, b.ID))
	})
	sure := &p.sure
	if o.Sure != nil {
		sure = o.Sure
	}
	for _, t := range tracks {
		if o.shows(sidecar.LayerTracks) && sure.Has(t.ID) {
			c.tail(p.things[t.ID].way, t.Box.Foot(), colourOf(t.Class))
		}
	}
	for _, t := range tracks {
		r := c.pixels(t.Box)
		switch {
		case !sure.Has(t.ID):
			if o.shows(sidecar.LayerBoxes) {
				c.thin(r, colourOf(t.Class))
			}
			continue
		case o.shows(sidecar.LayerBoxes):
			c.box(r, colourOf(t.Class), p.things[t.ID].unseen(s.Media()) <= patience)
		}
		if o.shows(sidecar.LayerNames) {
			l.add(label{text: trackText(t), short: t.ID.String(), colour: colourOf(t.Class), of: r, place: &p.things[t.ID].place, form: &p.things[t.ID].form})
		}
	}
	l.draw(c)
}

// functions draws the lines and zones: found once, since they stay where they are.
func (p *Painter) functions(c *canvas, fns []sidecar.Function, s *sidecar.Scene, o *Options, l *labels) {
	if len(fns) == 0 {
		return
	}
	now := layout{&fns[0], len(fns), c.w, c.h, c.img.YStride, c.img.CStride, c.img.SubsampleRatio, c.of,
		o.shows(sidecar.LayerLines), o.shows(sidecar.LayerZones)}
	if c.idle = now == p.rules; !c.idle {
		p.rules, p.drawn = now, dabs{}
		c.dabs = &p.drawn
	}
	for i := range fns {
		p.function(c, &fns[i], s, o, l)
	}
	c.idle, c.dabs = false, nil
	c.play(&p.drawn)
}

// function draws a line or a zone.
func (p *Painter) function(c *canvas, f *sidecar.Function, s *sidecar.Scene, o *Options, l *labels) {
	name, counts := o.shows(sidecar.LayerNames), o.shows(sidecar.LayerCounts)
	place := p.places[f.ID]
	switch {
	case len(f.Polygon) > 2 && o.shows(sidecar.LayerZones):
		c.zone(f.Polygon)
		l.add(label{text: zoneText(f.ID, s.Zones, name, counts), colour: rule, of: c.bounds(f.Polygon), place: &place})
	case len(f.Line) > 1 && o.shows(sidecar.LayerLines):
		l.add(label{text: lineText(f.ID, o.Totals, name, counts), colour: rule, of: c.line(f.Line), place: &place})
		for k, a := range f.Line[:len(f.Line)-1] {
			l.lines = append(l.lines, newStroke(c.at(a), c.at(f.Line[k+1]), 0))
		}
	}
	p.places[f.ID] = place
}

// rank is larger for larger objects, in steps, so that it seldom changes.
func rank(t *sidecar.Track) int { return math.Ilogb(max(1e-4, t.Box.Height())) }
