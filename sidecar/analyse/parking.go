package analyse

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"pantau/sidecar"
)

const (
	// usualParking is how long a vehicle must stand to be parked, where the
	// function does not say.
	usualParking = 30 * time.Second
	// unsure is the gap between two scenes, as at a restart, after which nobody can say
	// whether what stands in a place is what stood there.
	unsure = 10 * time.Minute
	// mostPlaces is how many bays a function may have, and how many vehicles it
	// can follow.
	mostPlaces = 2000
)

// checkParking refuses what has no places, or two kinds of them.
func checkParking(f sidecar.Function) error {
	switch {
	case len(f.Bays) == 0 && len(f.Polygon) == 0:
		return &sidecar.FieldError{Field: "bays", Problem: "the function has neither bays nor a kerb",
			Remedy: "give bays: {A01: [[x, y], …]}, or polygon and capacity"}
	case len(f.Bays) > 0 && len(f.Polygon) > 0:
		return &sidecar.FieldError{Field: "polygon", Problem: "the function has bays and a kerb", Remedy: "make two functions of it"}
	case len(f.Bays) > mostPlaces:
		return &sidecar.FieldError{Field: "bays", Problem: fmt.Sprintf("there are %d bays", len(f.Bays)), Remedy: fmt.Sprintf("%d are possible", mostPlaces)}
	case len(f.Bays) > 0 && f.Capacity != 0:
		return &sidecar.FieldError{Field: "capacity", Problem: "the capacity of bays is their number", Remedy: "remove it"}
	case f.Capacity < 0 || f.Capacity > mostPlaces:
		return &sidecar.FieldError{Field: "capacity", Problem: fmt.Sprintf("there is no room for %d vehicles", f.Capacity),
			Remedy: fmt.Sprintf("use 1 to %d", mostPlaces)}
	case len(f.Polygon) > 0 && f.Capacity == 0 && !f.Forbidden:
		return &sidecar.FieldError{Field: "capacity", Problem: "the kerb has no capacity",
			Remedy: "say how many vehicles there is room for, or forbidden: true"}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Bays)) {
		if err := checkID(name); err != nil {
			return &sidecar.FieldError{Field: "bays", Problem: fmt.Sprintf("%q is no name of a bay", name),
				Remedy: "use 1 to 64 letters, digits, dots, hyphens and underscores"}
		}
		if err := checkPolygon("bays."+name, f.Bays[name]); err != nil {
			return err
		}
	}
	if len(f.Polygon) > 0 {
		if err := checkPolygon("polygon", f.Polygon); err != nil {
			return err
		}
	}
	return checkStay("dwell", f.Dwell, "parking")
}

// parking watches places where vehicles stand: named bays for one vehicle each,
// or a kerb, whose places are where vehicles happen to stand. What it knows, it
// knows of the place: tracks come and go.
type parking struct {
	*book
	area
	polygon   sidecar.Polygon // of a kerb
	forbidden bool
	capacity  int
	dwell     time.Duration
	rows      []parkingRows // by class
	places    []*place
	stands    map[*object]*stand
	opened    time.Duration // steady time of the first scene
	last      time.Duration // of the last one
	started   bool
}

type parkingRows struct{ occupancy, arrivals, departures int }

// stand is what is known of an object's standing, wherever that is.
type stand struct {
	box   sidecar.Box   // where it stands, smoothed
	since fix           // from then on all its boxes were alike
	at    time.Duration // steady time of the last one
	class int           // index of its class; −1: one that does not park
	place *place        // that it has in this scene
}

func newParking(f sidecar.Function, b *book) Analytic {
	classes := f.Classes
	if len(classes) == 0 {
		classes = sidecar.Classes()[1:] // nobody parks a person
	}
	k := &parking{book: b, area: newArea(f, slices.Clone(classes)), polygon: f.Polygon, forbidden: f.Forbidden,
		capacity: f.Capacity, dwell: f.Dwell, stands: map[*object]*stand{}}
	if k.dwell == 0 {
		k.dwell = usualParking
	}
	for _, name := range slices.Sorted(maps.Keys(f.Bays)) {
		k.places = append(k.places, &place{bay: name, polygon: f.Bays[name], votes: make([]int, len(classes))})
	}
	if len(f.Bays) > 0 {
		k.capacity, k.taken = len(f.Bays), k.bays
	}
	for _, c := range k.classes {
		r := parkingRows{
			occupancy:  b.row(f.ID, sidecar.Occupancy, c, ""),
			arrivals:   b.row(f.ID, sidecar.Arrivals, c, ""),
			departures: b.row(f.ID, sidecar.Departures, c, ""),
		}
		b.ledger.rows[r.occupancy].capacity = k.capacity
		k.rows = append(k.rows, r)
	}
	return k
}

// Update looks at each place.
func (k *parking) Update(now moment, objects []*object) {
	if !k.started {
		k.started, k.opened, k.last = true, now.steady, now.steady
	}
	if now.steady-k.last > unsure {
		k.lose(now)
	}
	look := min(now.steady-k.last, max(patience, k.interval))
	k.last = now.steady
	k.seat(now, objects)
	for _, p := range k.places {
		k.look(p, now, look, objects)
	}
	if k.polygon != nil {
		k.places = slices.DeleteFunc(k.places, func(p *place) bool { return p.state == free })
	}
	clear(k.present)
	for _, p := range k.places {
		if p.state != occupied {
			continue
		}
		k.present[p.class]++
		if p.holder != nil {
			p.holder.zones |= k.bit
		}
	}
	for i, n := range k.present {
		if k.set(now.minute, k.rows[i].occupancy, n) {
			k.areas.stale = true
		}
	}
}

// bays names those that are occupied.
func (k *parking) bays() []string {
	names := []string{}
	for _, p := range k.places {
		if p.state == occupied {
			names = append(names, p.bay)
		}
	}
	return names
}

// seat gives each vehicle of the scene the place in which it stands: first those
// that have had one, then the others.
func (k *parking) seat(now moment, objects []*object) {
	for _, p := range k.places {
		p.guest, p.stand, p.same = nil, nil, false
	}
	for _, o := range objects {
		o.zones &^= k.bit
		if o.observed {
			k.follow(o)
		}
	}
	for _, p := range k.places {
		if o := p.holder; o != nil && o.observed && p.box.IoU(o.fix.box) >= alike {
			p.take(o, k.stands[o])
		}
	}
	for _, o := range objects {
		s := k.stands[o]
		if !o.observed || s == nil || s.place != nil || s.class < 0 {
			continue
		}
		if p := k.find(o, s, now); p != nil {
			p.take(o, s)
		}
	}
}

// follow sees since when an object has stood where it is.
func (k *parking) follow(o *object) {
	s := k.stands[o]
	if s == nil {
		s = &stand{box: o.start.box, since: o.start, at: o.start.steady}
		k.stands[o] = s
	}
	s.place = nil
	if s.box.IoU(o.fix.box) < alike {
		s.box, s.since = o.fix.box, o.fix
	}
	passed := o.fix.steady - s.at
	s.box = mix(s.box, o.fix.box, min(1, passed.Seconds()/lagging.Seconds()))
	s.at = o.fix.steady
	s.class = slices.Index(k.classes, o.track.Class)
}

// find gives the place of a vehicle that has not had one: the taken place which it
// fills as who was there did, the bay that it stands in, or a new one at the kerb.
func (k *parking) find(o *object, s *stand, now moment) *place {
	var best *place
	most, covered := alike, false
	for _, p := range k.places {
		if p.state == free {
			continue
		}
		if like := p.box.IoU(o.fix.box); like >= most {
			covered = true
			if p.guest == nil {
				best, most = p, like
			}
		}
	}
	if best != nil || covered || !s.settled(o, now) {
		return best
	}
	ground := groundOf(o.fix.box)
	if k.polygon == nil {
		for _, p := range k.places {
			if p.guest == nil && contains(p.polygon, ground) {
				return p
			}
		}
		return nil
	}
	if !contains(k.polygon, ground) || len(k.places) >= mostPlaces {
		return nil
	}
	p := &place{votes: make([]int, len(k.classes))}
	k.places = append(k.places, p)
	return p
}

// Join goes on with the other track where one stood.
func (k *parking) Join(from, into *object, _ moment) {
	delete(k.stands, from)
	for _, p := range k.places {
		if p.holder == from {
			p.holder = into
		}
	}
}

// Resume looks at the places as they are after a gap: who came meanwhile was found.
func (k *parking) Resume(now moment) {
	if k.started {
		k.opened, k.last = now.steady, now.steady
	}
}

// Leave forgets an object, and not its place.
func (k *parking) Leave(o *object) { delete(k.stands, o) }

// Undecided is the oldest time at which somebody may turn out to have come, or to
// have gone.
func (k *parking) Undecided() (oldest time.Time, some bool) {
	if !k.end.IsZero() {
		return oldest, false // nothing more will be seen
	}
	for _, p := range k.places {
		switch {
		case p.state == coming:
			oldest, some = earlier(oldest, some, p.since.minute, true)
		case p.state == occupied && k.last-p.seen.steady > patience:
			oldest, some = earlier(oldest, some, p.seen.minute, true)
		}
	}
	return oldest, some
}

// occupy tells of a vehicle that has come to stand.
func (k *parking) occupy(p *place) {
	p.state, p.class, k.areas.stale = occupied, 0, true
	for i, n := range p.votes {
		if n > p.votes[p.class] {
			p.class = i
		}
	}
	p.found = (p.since.steady - k.opened).Abs() <= patience
	if !p.found {
		k.add(p.since.minute, k.rows[p.class].arrivals, 1)
	}
	p.begun = k.tell(sidecar.ParkingOccupied, k.id, p.holder, p.since.moment, k.change(p, p.since.moment))
}

// lose ends the sessions of which nothing is known any more. Nobody is said to have
// departed; who still stands there is found anew.
func (k *parking) lose(now moment) {
	for _, p := range k.places {
		if p.state == occupied {
			k.free(p, true)
		}
		p.state = free
	}
	k.opened = now.steady
}

// release tells that a vehicle has gone, when it was seen last.
func (k *parking) release(p *place) {
	k.add(p.seen.minute, k.rows[p.class].departures, 1)
	k.free(p, false)
}

// free ends a session. It is lost if nobody knows when, or whether, the vehicle went.
func (k *parking) free(p *place, lost bool) {
	p.state, k.areas.stale = free, true
	data := k.change(p, p.seen.moment)
	data.Lost = lost
	data.Departed = p.seen.Capture.UTC().Format(sidecar.TimeFormat)
	data.Stay = seconds(p.seen.steady - p.since.steady)
	data.Begun = p.begun
	k.tell(sidecar.ParkingFreed, k.id, p.holder, p.seen.moment, data)
}

// change is what both events say.
func (k *parking) change(p *place, at moment) sidecar.ParkingChange {
	n := 0
	for _, other := range k.places {
		if other.state == occupied {
			n++
		}
	}
	return sidecar.ParkingChange{Origin: k.origin(k.id, at), Bay: p.bay, Track: p.holder.name, Class: k.classes[p.class],
		Box: p.box, Score: p.holder.score(), Arrived: p.since.Capture.UTC().Format(sidecar.TimeFormat), Found: p.found,
		Forbidden: k.forbidden, Occupied: n, Capacity: k.capacity}
}
