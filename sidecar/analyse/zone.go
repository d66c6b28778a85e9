package analyse

import (
	"fmt"
	"time"

	"pantau/sidecar"
)

const (
	// usualDwell is the stay after which a presence is a visit, where the
	// function does not say.
	usualDwell   = 10 * time.Second
	longestDwell = 24 * time.Hour
	// lingering is how long an object may stand within the band on the other
	// side of the border until it is believed to stay there.
	lingering = 2 * time.Second
	// inset keeps anchors on the very edge of the picture within zones that
	// reach to it.
	inset = 1e-6
)

// checkZone refuses polygons that enclose nothing, or not one thing.
func checkZone(f sidecar.Function) error {
	if err := checkPolygon("polygon", f.Polygon); err != nil {
		return err
	}
	if err := checkStay("time_threshold", f.TimeThreshold, "loitering"); err != nil {
		return err
	}
	return checkStay("dwell", f.Dwell, "visit")
}

// checkStay refuses stays that nobody could mean.
func checkStay(field string, d time.Duration, what string) error {
	if d >= 0 && d <= longestDwell {
		return nil
	}
	return &sidecar.FieldError{Field: field, Problem: fmt.Sprintf("a stay of %v is no %s", d, what),
		Remedy: "use a time from 1s to 24h, such as 30s"}
}

// zone counts what is in an area (presence), comes into it (entries), goes out
// of it (exits) and stays in it (visits). What appears inside has entered, and
// what vanishes inside has left: each zone.entered is followed by its zone.left. What
// only ever stood, and was never seen surely, is a thing, and not inside; if it turns
// out to be more, it comes in then.
type zone struct {
	*book
	area
	polygon sidecar.Polygon
	anchor  sidecar.Anchor
	dwell   time.Duration
	loiter  time.Duration // stay from which on it is loitering; 0: never
	rows    []zoneRows    // by class
	guests  map[*object]*guest
}

// zoneRows are the rows of one class.
type zoneRows struct{ presence, entries, exits, visits, dwell int }

// guest is what a zone knows of an object.
type guest struct {
	inside    bool
	hits      int    // observations in a row on the other side of the border
	turned    moment // the first of them
	class     int    // index of its class when it came in; −1: one that is not counted
	came      fix
	seen      fix       // the last one inside
	announced string    // id of its zone.entered; empty: it may still be the return of another
	visit     time.Time // minute in which its stay became a visit; zero: not yet
	loiters   bool      // that has been told
	n         int       // entries
}

func newZone(f sidecar.Function, b *book) Analytic {
	z := &zone{book: b, area: newArea(f, classesOf(f)), polygon: f.Polygon, anchor: f.Anchor, dwell: f.Dwell, loiter: f.TimeThreshold,
		guests: map[*object]*guest{}}
	if z.dwell == 0 {
		z.dwell = usualDwell
	}
	for _, c := range z.classes {
		z.rows = append(z.rows, zoneRows{
			presence: b.row(f.ID, sidecar.Presence, c, ""),
			entries:  b.row(f.ID, sidecar.Entries, c, ""),
			exits:    b.row(f.ID, sidecar.Exits, c, ""),
			visits:   b.row(f.ID, sidecar.Visits, c, ""),
			dwell:    b.row(f.ID, sidecar.Dwell, c, ""),
		})
	}
	return z
}

// Update sees who is inside.
func (z *zone) Update(now moment, objects []*object) {
	clear(z.present)
	for _, o := range objects {
		g := z.guests[o]
		if g == nil {
			g = &guest{class: -1}
			z.guests[o] = g
			if z.contains(o.start) {
				z.come(o, g, o.start)
			}
		}
		if o.observed {
			z.step(o, g)
		}
		o.zones &^= z.bit
		if !g.inside || g.class < 0 {
			continue
		}
		if g.announced == "" && !o.real() {
			g.came = g.seen
			continue
		}
		z.decide(o, g)
		if o.real() && (o.observed || !o.left()) { // hidden, and not gone
			o.zones |= z.bit
			z.present[g.class]++
		}
	}
	for i, n := range z.present {
		if z.set(now.minute, z.rows[i].presence, n) {
			z.areas.stale = true
		}
	}
}

// step goes on to the object's newest fix. A change of side is believed after
// two observations clearly beyond the border, or when it lasts.
func (z *zone) step(o *object, g *guest) {
	if z.contains(o.fix) == g.inside {
		g.hits = 0
		if g.inside {
			g.seen = o.fix
		}
		return
	}
	if g.hits++; g.hits == 1 {
		g.turned = o.fix.moment
	}
	held := o.fix.steady - g.turned.steady
	if held < lingering && (g.hits < settleHits || held < settleTime || !z.beyond(o.fix.box)) {
		return
	}
	g.hits = 0
	if g.inside {
		z.leave(o, g)
		return
	}
	z.come(o, g, fix{g.turned, o.fix.box})
	g.seen = o.fix
}

// come lets an object in. It is announced by decide.
func (z *zone) come(o *object, g *guest, at fix) {
	g.inside, g.came, g.seen, g.announced, g.visit, g.loiters = true, at, at, "", time.Time{}, false
	g.class = -1
	for i, c := range z.classes {
		if c == o.track.Class {
			g.class = i
		}
	}
}

// decide announces an entry, once it is sure that it is not the return of an
// object that is hidden inside, and a visit, once the stay is long enough.
func (z *zone) decide(o *object, g *guest) {
	if g.announced == "" {
		if o.elder != nil && g.came.steady <= o.start.steady && z.guests[o.elder] != nil && z.guests[o.elder].inside {
			return
		}
		z.announce(o, g)
	}
	if g.visit.IsZero() && g.seen.steady-g.came.steady >= z.dwell {
		g.visit = g.seen.minute
		z.add(g.visit, z.rows[g.class].visits, 1)
	}
	if z.loiter > 0 && !g.loiters && g.seen.steady-g.came.steady >= z.loiter {
		g.loiters = true
		z.tell(sidecar.ZoneLoitering, z.id, o, g.seen.moment, sidecar.Loitering{
			Origin: z.origin(z.id, g.seen.moment), Track: o.name, Class: z.classes[g.class],
			At: rounded(z.anchor.Of(g.seen.box)), Share: o.share(), Score: o.score(),
			Since: g.came.Capture.UTC().Format(sidecar.TimeFormat), Begun: g.announced,
		})
	}
}

func (z *zone) announce(o *object, g *guest) {
	g.n++
	g.announced = z.tell(sidecar.ZoneEntered, z.id, o, g.came.moment, sidecar.ZoneChange{
		Origin: z.origin(z.id, g.came.moment), Track: o.name, Class: z.classes[g.class],
		At: rounded(z.anchor.Of(g.came.box)), Share: o.share(), Score: o.score(), N: g.n,
	})
	z.add(g.came.minute, z.rows[g.class].entries, 1)
}

// leave lets an object out, at the time when it was last seen inside.
func (z *zone) leave(o *object, g *guest) {
	g.inside = false
	if g.class < 0 || g.announced == "" && !o.real() {
		return
	}
	if g.announced == "" {
		z.announce(o, g)
	}
	stay := g.seen.steady - g.came.steady
	z.tell(sidecar.ZoneLeft, z.id, o, g.seen.moment, sidecar.ZoneChange{
		Origin: z.origin(z.id, g.seen.moment), Track: o.name, Class: z.classes[g.class],
		At: rounded(z.anchor.Of(g.seen.box)), Share: o.share(), Score: o.score(),
		Stay: seconds(stay), Visit: !g.visit.IsZero(), N: g.n,
	})
	z.add(g.seen.minute, z.rows[g.class].exits, 1)
	z.sample(g.seen.minute, z.rows[g.class].dwell, stay.Seconds())
}

// Join makes one stay of two. An entry that was announced twice is withdrawn once, and one
// that was announced once stays.
func (z *zone) Join(from, into *object, now moment) {
	f, g := z.guests[from], z.guests[into]
	delete(z.guests, from)
	switch {
	case f == nil || !f.inside || f.class < 0:
		return
	case g == nil:
		z.guests[into] = f
		return
	case !g.inside || g.class < 0:
		z.leave(from, f)
		return
	}
	first, second := f, g
	if told := g.announced != ""; told && f.announced == "" || told == (f.announced != "") && g.came.steady <= f.came.steady {
		first, second = g, f
	}
	if first.announced != "" && second.announced != "" {
		z.withdraw(into, second, now)
	}
	if !first.visit.IsZero() && !second.visit.IsZero() {
		z.add(second.visit, z.rows[second.class].visits, -1)
	}
	g.loiters = f.loiters || g.loiters
	g.came, g.announced, g.class, g.n = first.came, first.announced, first.class, max(f.n, g.n)
	if g.visit = first.visit; g.visit.IsZero() {
		g.visit = second.visit
	}
}

// withdraw takes back the entry of second, which o has been found to be.
func (z *zone) withdraw(o *object, second *guest, now moment) {
	z.tell(sidecar.CorrectionMade, z.id, o, now, sidecar.Correction{
		Origin: z.origin(z.id, now), Withdraws: second.announced, Track: o.name, Class: z.classes[second.class],
		Reason: "track " + o.name + " is an object that was inside already",
	})
	z.add(second.came.minute, z.rows[second.class].entries, -1)
}

// Leave lets out what vanished inside.
func (z *zone) Leave(o *object) {
	g := z.guests[o]
	delete(z.guests, o)
	if g != nil && g.inside {
		z.leave(o, g)
	}
}

// Undecided is the oldest entry or exit that may still turn out not to be one.
func (z *zone) Undecided() (oldest time.Time, some bool) {
	for o, g := range z.guests {
		switch {
		case g.hits > 0:
			oldest, some = earlier(oldest, some, g.turned.minute, true)
		case g.inside && g.class >= 0 && (g.announced == "" || !o.observed):
			oldest, some = earlier(oldest, some, g.seen.minute, true)
		}
	}
	return oldest, some
}

// contains says whether a fix is inside.
func (z *zone) contains(f fix) bool {
	p := z.anchor.Of(f.box)
	for i := range p {
		p[i] = min(1-inset, max(inset, p[i]))
	}
	return contains(z.polygon, p)
}

// beyond says whether a box's anchor is further from the border than the band,
// in sizes of the box. Sides of the polygon along the edge of the picture are no
// border: nothing is beyond them.
func (z *zone) beyond(b sidecar.Box) bool {
	p := z.anchor.Of(b)
	w, h := b.Width()+blur, b.Height()+blur
	for i, c := range z.polygon {
		d := z.polygon[(i+1)%len(z.polygon)]
		if !alongEdge(c, d) && distance(c, d, p, w, h) <= band {
			return false
		}
	}
	return true
}
