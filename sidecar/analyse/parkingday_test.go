package analyse

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pantau/sidecar"
)

// stay is the true session of one vehicle in a bay; times in seconds.
type stay struct {
	bay          int
	arrive       float64 // it stands
	depart       float64 // it begins to move
	x, y         float64 // where it stands
	wobble       float64
	id           sidecar.TrackID
	seen         float64
	blind        float64 // until then no detector sees it
	done, parked bool
}

// carPark plays a car park of 60 bays: four rows of fifteen, an aisle below each.
type carPark struct {
	film     *film
	rng      *rand.Rand
	stays    []*stay
	buses    []*stay // pass along an aisle and hide the row behind
	people   []*stay
	next     sidecar.TrackID
	hidden   map[sidecar.TrackID]float64
	scene    sidecar.Scene
	switches int
}

const (
	parkRow = 15
	driving = 0.08 // pictures a second along the aisle
	turning = 4.0  // seconds from the aisle into a bay, or out of it
)

// recallOf is the part of its looks in which the detector finds who stands in a
// bay: from 0.7 to 0.9.
func recallOf(bay int) float64 { return 0.7 + 0.05*float64(bay%5) }

func bayAt(i int) (x, y float64) {
	return 0.05 + 0.06*float64(i%parkRow), 0.25 + 0.22*float64(i/parkRow)
}

func parkFunction() sidecar.Function {
	f := sidecar.Function{ID: "park", Kind: "parking", Bays: map[string]sidecar.Polygon{}}
	for i := range 4 * parkRow {
		x, y := bayAt(i)
		f.Bays[fmt.Sprint(i)] = sidecar.Polygon{{x, y - 0.1}, {x + 0.055, y - 0.1}, {x + 0.055, y}, {x, y}}
	}
	return f
}

// plan draws the sessions of a day: in each bay one after the other, with pauses
// from a quarter of a minute on.
func (p *carPark) plan(seconds float64) {
	for bay := range 4 * parkRow {
		at := 60 + p.rng.ExpFloat64()*1800
		for at < seconds-1200 {
			x, y := bayAt(bay)
			s := &stay{bay: bay, arrive: at, depart: at + 120 + p.rng.ExpFloat64()*5400,
				x: x + 0.0275 + 0.003*p.rng.NormFloat64(), y: y - 0.008 + 0.003*p.rng.NormFloat64()}
			if s.depart > seconds-300 {
				s.depart = seconds - 300
			}
			p.stays = append(p.stays, s)
			pause := 30 + p.rng.ExpFloat64()*1800
			if p.rng.IntN(3) == 0 {
				pause = 2*turning + 12 + 10*p.rng.Float64() // somebody has waited for it
			}
			at = s.depart + pause
		}
	}
	for at := 100.0; at < seconds; at += 60 + p.rng.ExpFloat64()*300 { // buses, some of which stop
		row := p.rng.IntN(4)
		_, y := bayAt(row * parkRow)
		b := &stay{bay: row, arrive: at, y: y + 0.1, wobble: p.rng.Float64() * 120 * float64(p.rng.IntN(2)), x: p.rng.Float64()}
		if !p.blocks(b) {
			p.buses = append(p.buses, b)
		}
	}
	for at := 50.0; at < seconds; at += p.rng.ExpFloat64() * 30 {
		_, y := bayAt(p.rng.IntN(4) * parkRow)
		p.people = append(p.people, &stay{arrive: at, y: y + 0.06*p.rng.Float64()})
	}
}

// blocks says whether a bus stands in the way of somebody who comes or goes.
func (p *carPark) blocks(b *stay) bool {
	from, to := b.arrive-5, b.arrive+b.wobble+1/driving+5
	for _, s := range p.stays {
		if s.bay/parkRow == b.bay && (s.arrive > from && s.arrive-2*turning-12 < to || s.depart+turning+12 > from && s.depart-5 < to) {
			return true
		}
	}
	return false
}

// place is where a vehicle truly is; false: not in the picture.
func (s *stay) place(t float64) (x, y float64, ok bool) {
	aisle := s.y + 0.085
	switch {
	case t < s.arrive-turning:
		x = s.x - (s.arrive-turning-t)*driving
		return x, aisle, x > 0.03
	case t < s.arrive:
		return s.x, s.y + (s.arrive-t)/turning*0.085, true
	case t <= s.depart:
		return s.x, s.y, true
	case t < s.depart+turning:
		return s.x, s.y + (t-s.depart)/turning*0.085, true
	}
	x = s.x + (t-s.depart-turning)*driving
	return x, aisle, x < 0.97
}

// bus is where a bus is: it drives through, and stops on the way.
func (s *stay) bus(t float64) (x float64, ok bool) {
	x = (t - s.arrive) * driving
	if x > s.x {
		x = max(s.x, x-s.wobble*driving)
	}
	return x, t >= s.arrive && x < 1
}

func rectangle(x, y, w, h float64) sidecar.Box {
	return sidecar.Box{Left: x - w/2, Top: y - h, Right: x + w/2, Bottom: y}
}

// observe puts what the detector sees of an object into the scene. Who is hidden
// by more than half, or blind, is not seen; others with the recall; and after a
// gap, or by chance, the tracker gives a new identity.
func (p *carPark) observe(s *stay, now float64, class sidecar.Class, box sidecar.Box, buses []sidecar.Box) {
	for _, b := range buses {
		if b != box && b.Bottom > box.Bottom && b.Intersect(box).Area() > box.Area()/2 {
			return
		}
	}
	if p.rng.IntN(20000) == 0 && (now < s.arrive-turning || now > s.arrive+10) && (now < s.depart-25 || now > s.depart+turning) {
		s.blind = now + 20*p.rng.Float64()
	}
	if now < s.blind || p.rng.Float64() > recallOf(s.bay) {
		return
	}
	if s.id == 0 || now-s.seen > 3 || p.rng.IntN(500) == 0 {
		if s.id != 0 {
			p.hidden[s.id] = s.seen
			p.switches++
		}
		p.next++
		s.id = p.next
	}
	s.seen = now
	j := func() float64 { return 0.03 * p.rng.NormFloat64() }
	w, h := box.Width(), box.Height()
	box = sidecar.Box{Left: box.Left + w*j(), Top: box.Top + h*j(), Right: box.Right + w*j(), Bottom: box.Bottom + h*j()}
	p.scene.Tracks = append(p.scene.Tracks, sidecar.Track{ID: s.id, Confirmed: true, Observed: true, Class: class, Score: 0.7, Box: box})
}

// lose gives up the identity of what is not in the picture any more.
func (p *carPark) lose(s *stay) {
	if s.id != 0 {
		p.hidden[s.id], s.id, s.done = s.seen, 0, true
	}
}

func (p *carPark) play(seconds float64) {
	stays, buses, people := slices.Clone(p.stays), p.buses, p.people
	slices.SortFunc(stays, func(a, b *stay) int { return cmp.Compare(a.arrive, b.arrive) })
	var boxes []sidecar.Box
	for f := p.film; f.at.Seconds() < seconds; {
		now := f.at.Seconds()
		p.scene = sidecar.Scene{Tracks: p.scene.Tracks[:0]}
		boxes = boxes[:0]
		for _, b := range buses {
			if x, ok := b.bus(now); ok {
				boxes = append(boxes, rectangle(x, b.y, 0.16, 0.2))
				p.observe(b, now, sidecar.Bus, boxes[len(boxes)-1], boxes)
			} else if now > b.arrive {
				p.lose(b)
			}
		}
		for _, s := range stays {
			if now < s.arrive-30 {
				break
			}
			if x, y, ok := s.place(now); ok {
				p.observe(s, now, sidecar.Car, rectangle(x, y, 0.05, 0.11), boxes)
			} else {
				p.lose(s)
			}
		}
		for _, w := range people {
			if x := (now - w.arrive) * 0.03; x >= 0 && x < 1 {
				p.observe(w, now, sidecar.Person, rectangle(x, w.y, 0.015, 0.06), boxes)
			} else if x >= 1 {
				p.lose(w)
			}
		}
		for id, seen := range p.hidden {
			if now-seen > 3 {
				p.scene.Ended = append(p.scene.Ended, sidecar.Track{ID: id, Confirmed: true})
				delete(p.hidden, id)
			}
		}
		s := p.scene
		f.play(&s)
		stays, buses, people = undone(stays), undone(buses), undone(people)
	}
}

func undone(all []*stay) []*stay {
	if slices.ContainsFunc(all, func(s *stay) bool { return s.done }) {
		return slices.DeleteFunc(slices.Clone(all), func(s *stay) bool { return s.done })
	}
	return all
}

// TestCarParkDay: every session of a day in a car park of 60 bays is found, none
// besides, and its arrival and departure are right within ten seconds.
func TestCarParkDay(t *testing.T) {
	hours := 24.0
	if testing.Short() {
		hours = 2
	}
	f := newFilm(t, 2, parkFunction())
	p := &carPark{film: f, rng: rand.New(rand.NewPCG(7, 70)), hidden: map[sidecar.TrackID]float64{}}
	p.plan(3600 * hours)
	p.play(3600 * hours)
	compare(t, p.stays, f.events)
	t.Logf("%d sessions, %d changes of identity", len(p.stays), p.switches)
}

// compare holds events against the truth.
func compare(t *testing.T, truth []*stay, events []sidecar.Event) {
	const within = 10.0
	open, wrong := map[string]*stay{}, 0
	fail := func(format string, args ...any) {
		if wrong++; wrong <= 20 {
			t.Errorf(format, args...)
		}
	}
	worst := 0.0
	for _, e := range events {
		d, ok := e.Data.(sidecar.ParkingChange)
		if !ok {
			continue
		}
		at := e.Time.Sub(began).Seconds()
		if e.Type == sidecar.ParkingFreed {
			if s := open[d.Begun]; s == nil || s.depart-at > within || at-s.depart > within {
				fail("bay %s freed at %.1f s: got a session that is %+v", d.Bay, at, s)
			} else {
				worst = max(worst, s.depart-at, at-s.depart)
				delete(open, d.Begun)
			}
			continue
		}
		var found *stay
		for _, s := range truth {
			if fmt.Sprint(s.bay) == d.Bay && !s.parked && s.arrive-at < within && at-s.arrive < within {
				found = s
			}
		}
		if found == nil {
			fail("bay %s occupied at %.1f s, when nobody came", d.Bay, at)
			continue
		}
		worst = max(worst, found.arrive-at, at-found.arrive)
		found.parked, open[e.ID] = true, found
	}
	for _, s := range truth {
		if !s.parked {
			fail("bay %d: the session from %.1f to %.1f s is missing", s.bay, s.arrive, s.depart)
		}
	}
	for _, s := range open {
		fail("bay %d: the session from %.1f to %.1f s has no end", s.bay, s.arrive, s.depart)
	}
	t.Logf("%d wrong; the worst of the right ones is off by %v", wrong, time.Duration(worst*float64(time.Second)).Round(time.Millisecond))
}
