package analyse

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"pantau/sidecar"
)

const (
	// mostArms is how many lines a junction may have.
	mostArms = 8
	// mostLegs is how many crossings of an object can still be made other turns of.
	mostLegs = 16
)

// checkTurns refuses junctions without ways.
func checkTurns(f sidecar.Function) error {
	if n := len(f.Lines); n < 2 || n > mostArms {
		return &sidecar.FieldError{Field: "lines", Problem: fmt.Sprintf("the junction has %d lines", n),
			Remedy: fmt.Sprintf("name 2 to %d functions of kind line, of which \"in\" is into the junction", mostArms)}
	}
	for i, id := range f.Lines {
		field := fmt.Sprintf("lines[%d]", i)
		if id == sidecar.Unknown {
			return &sidecar.FieldError{Field: field, Problem: fmt.Sprintf("%q stands for a line over which nothing was seen to cross", id),
				Remedy: "give that line another id"}
		}
		if slices.Contains(f.Lines[:i], id) {
			return &sidecar.FieldError{Field: field, Problem: fmt.Sprintf("line %q is named twice", id), Remedy: "name it once"}
		}
	}
	own := func(field string) error {
		return &sidecar.FieldError{Field: field, Problem: "turns are made of what crosses their lines, and have no " + field + " of their own",
			Remedy: "give it to the lines"}
	}
	switch {
	case len(f.Classes) > 0:
		return own("classes")
	case f.Anchor != "":
		return own("anchor")
	}
	return nil
}

// besideTurns looks for a junction's lines among all functions of its camera.
func besideTurns(f sidecar.Function, all []sidecar.Function) error {
	var first sidecar.Function
	for i, id := range f.Lines {
		field := fmt.Sprintf("lines[%d]", i)
		at := slices.IndexFunc(all, func(g sidecar.Function) bool { return g.ID == id && g.Kind == "line" })
		if at < 0 {
			var ids []string
			for _, g := range all {
				if g.Kind == "line" {
					ids = append(ids, g.ID)
				}
			}
			if len(ids) == 0 {
				return &sidecar.FieldError{Field: field, Problem: "the camera has no lines", Remedy: "draw a function of kind line for each way into the junction"}
			}
			return unknown(field, "line", id, ids)
		}
		if i == 0 {
			first = all[at]
		}
		if a, b := slices.Sorted(slices.Values(classesOf(first))), slices.Sorted(slices.Values(classesOf(all[at]))); !slices.Equal(a, b) {
			return &sidecar.FieldError{Field: field, Problem: fmt.Sprintf("line %s counts other classes than line %s", id, first.ID),
				Remedy: "give both the same classes: what only one of them counts would come from nowhere"}
		}
	}
	return nil
}

// turns counts over which line of a junction an object came in, and over which it
// went out. The lines tell it of their crossings.
type turns struct {
	*book
	id       string
	lines    []string
	since    time.Time // in minutes' time: its rows are counted from here on
	transits map[*object]*transit
	changed  []*object // whose transit has to be looked at, in the order of their crossings
}

// transit is what an object has done at the junction.
type transit struct {
	legs []leg // its crossings, in order
	told []told
	n    int
}

// leg is a crossing of one of the lines: in if to is +1, out if it is −1.
type leg struct {
	pass
	line int
}

// turn is a way in and the way out that followed it; one of them may not be known.
type turn struct {
	moment  // when it was over
	in, out *leg
}

// told is a turn that was told.
type told struct {
	moment
	id       string
	from, to string
	class    sidecar.Class
	row      int
	track    string
}

func newTurns(f sidecar.Function, b *book) Analytic {
	return &turns{book: b, id: f.ID, lines: f.Lines, since: b.clock.last.minute, transits: map[*object]*transit{}}
}

// passed takes a crossing of a line.
func (t *turns) passed(line string, o *object, p pass) {
	i := slices.Index(t.lines, line)
	if i < 0 {
		return
	}
	tr := t.transits[o]
	if tr == nil {
		tr = &transit{}
		t.transits[o] = tr
	}
	tr.take([]leg{{p, i}})
	t.change(o)
}

// withdrawn takes a crossing back.
func (t *turns) withdrawn(p pass) {
	for o, tr := range t.transits {
		if i := slices.IndexFunc(tr.legs, func(l leg) bool { return l.id == p.id }); i >= 0 {
			tr.legs = slices.Delete(tr.legs, i, i+1)
			t.change(o)
			return
		}
	}
}

func (t *turns) change(o *object) {
	if !slices.Contains(t.changed, o) {
		t.changed = append(t.changed, o)
	}
}

// Update tells the turns of who has crossed a line. All lines have looked at the
// scene by now: what was a way in for one and out for another is in order.
func (t *turns) Update(moment, []*object) {
	t.changed = slices.DeleteFunc(t.changed, func(o *object) bool { return t.settle(o, nil) })
}

// settle tells an object's turns, and withdraws those that were told and do not
// hold any more. Where an object came from that may be the return of another is
// told when that is decided: until then it says false. gone is where the object
// was seen last, if it will not be seen again.
func (t *turns) settle(o *object, gone *fix) bool {
	tr := t.transits[o]
	settled := true
	before := tr.told
	tr.told = nil
	var fresh []turn
	for _, u := range tr.turns(gone) {
		from, to := t.way(u)
		if i := slices.IndexFunc(before, func(b told) bool { return b.from == from && b.to == to }); i >= 0 {
			tr.told = append(tr.told, before[i])
			before = slices.Delete(before, i, i+1)
		} else if u.in == nil && o.elder != nil && gone == nil {
			settled = false
		} else {
			fresh = append(fresh, u)
		}
	}
	for _, b := range before {
		t.withdraw(o, b)
	}
	for _, u := range fresh {
		tr.told = append(tr.told, t.announce(o, u, tr))
	}
	if settled && len(tr.legs) >= mostLegs {
		tr.forget()
	}
	return settled
}

// way names the lines of a turn.
func (t *turns) way(u turn) (from, to string) {
	from, to = sidecar.Unknown, sidecar.Unknown
	if u.in != nil {
		from = t.lines[u.in.line]
	}
	if u.out != nil {
		to = t.lines[u.out.line]
	}
	return from, to
}

// announce tells a turn.
func (t *turns) announce(o *object, u turn, tr *transit) told {
	tr.n++
	v := told{moment: u.moment, track: o.name}
	v.from, v.to = t.way(u)
	data := sidecar.Turn{Origin: t.origin(t.id, u.moment), Track: o.name, From: v.from, To: v.to, Share: o.share(), Score: o.score(), N: tr.n}
	if u.in != nil {
		data.Class, data.Entered = u.in.class, u.in.id
	}
	if u.out != nil {
		data.Class, data.Left = u.out.class, u.out.id
	}
	if u.in != nil && u.out != nil {
		data.Travel = seconds(u.out.when - u.in.when)
	}
	v.class = data.Class
	v.row = t.define(t.since, sidecar.CountRow{Rule: t.id, Kind: sidecar.Turned, Class: v.class, From: v.from, To: v.to})
	v.id = t.tell(sidecar.CountTurn, t.id, o, u.moment, data)
	t.add(v.minute, v.row, 1)
	return v
}

// withdraw takes a turn back that was told.
func (t *turns) withdraw(o *object, b told) {
	now := t.clock.last
	t.tell(sidecar.CorrectionMade, t.id, o, now, sidecar.Correction{
		Origin: t.origin(t.id, now), Withdraws: b.id, Track: b.track, Class: b.class, From: b.from, To: b.to,
		Reason: "track " + b.track + " is an object of which more is known now",
	})
	t.add(b.minute, b.row, -1)
}

// Join makes one transit of two.
func (t *turns) Join(from, into *object, _ moment) {
	f, g := t.transits[from], t.transits[into]
	t.lose(from)
	switch {
	case f == nil:
		return
	case g == nil:
		t.transits[into] = f
	default:
		g.told = append(f.told, g.told...)
		g.take(f.legs)
	}
	t.change(into)
}

// Leave tells of who vanished in the junction.
func (t *turns) Leave(o *object) {
	if t.transits[o] != nil {
		t.settle(o, &o.fix)
	}
	t.lose(o)
}

func (t *turns) lose(o *object) {
	delete(t.transits, o)
	t.changed = slices.DeleteFunc(t.changed, func(c *object) bool { return c == o })
}

// Undecided is the oldest crossing whose turn is not told, or place in the junction
// where an object was seen last.
func (t *turns) Undecided() (oldest time.Time, some bool) {
	for o, tr := range t.transits {
		n := len(tr.legs)
		switch {
		case n == 0:
		case slices.Contains(t.changed, o):
			oldest, some = earlier(oldest, some, tr.legs[n-1].minute, true)
		case tr.legs[n-1].to > 0 && !o.observed:
			oldest, some = earlier(oldest, some, o.fix.minute, true)
		}
	}
	return oldest, some
}

// take adds crossings, in the order in which they happened: a line tells them when
// it is sure.
func (tr *transit) take(legs []leg) {
	tr.legs = append(tr.legs, legs...)
	slices.SortStableFunc(tr.legs, func(a, b leg) int { return cmp.Or(cmp.Compare(a.when, b.when), cmp.Compare(b.to, a.to)) })
}

// turns pairs each way in with the way out that follows it. gone is where the
// object was seen last, if it will not be seen again; else it may still go out.
func (tr *transit) turns(gone *fix) []turn {
	var all []turn
	var in *leg
	for i := range tr.legs {
		l := &tr.legs[i]
		if l.to > 0 {
			if in != nil {
				all = append(all, turn{l.moment, in, nil})
			}
			in = l
			continue
		}
		all = append(all, turn{l.moment, in, l})
		in = nil
	}
	if in != nil && gone != nil {
		all = append(all, turn{gone.moment, in, nil})
	}
	return all
}

// forget lets go of what was told: no other turns will be made of it.
func (tr *transit) forget() {
	n := len(tr.legs)
	if tr.legs[n-1].to > 0 {
		tr.legs[0], n = tr.legs[n-1], 1
	} else {
		n = 0
	}
	tr.legs, tr.told = tr.legs[:n], nil
}
