package analyse

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"pantau/sidecar"
)

// trip is the true way of one object: straight from one point to another, or in a
// curve, and with a rest on the way.
type trip struct {
	from, to sidecar.Point
	via      sidecar.Point // half way; zero: straight
	start    float64       // seconds
	takes    float64
	rest     float64 // seconds that it stands
	restAt   float64 // part of the way
}

// at is where the object truly is, and how fast it goes; false: not in the picture.
func (p trip) at(t float64) (place, speed sidecar.Point, ok bool) {
	t -= p.start
	if t < 0 || t > p.takes+p.rest {
		return place, speed, false
	}
	moving := true
	switch before := p.restAt * p.takes; {
	case t > before+p.rest:
		t -= p.rest
	case t > before:
		t, moving = before, false
	}
	place, ahead := p.place(t / p.takes)
	if moving {
		speed = sidecar.Point{ahead[0] / p.takes, ahead[1] / p.takes}
	}
	return place, speed, true
}

// place is where it is at part f of its way, and how that grows with f.
func (p trip) place(f float64) (at, ahead sidecar.Point) {
	via := p.via
	if via == (sidecar.Point{}) {
		via = between(p.from, p.to, 0.5)
	}
	for i := range at { // Bézier's curve of the second order that goes through via
		c := 2*via[i] - (p.from[i]+p.to[i])/2
		at[i] = (1-f)*(1-f)*p.from[i] + 2*f*(1-f)*c + f*f*p.to[i]
		ahead[i] = 2*(1-f)*(c-p.from[i]) + 2*f*(p.to[i]-c)
	}
	return at, ahead
}

// crosses is +1, −1 or 0: the truth of a line.
func (p trip) crosses(a, b sidecar.Point) int {
	f, t := side(a, b, p.from), side(a, b, p.to)
	if f*t > 0 {
		return 0
	}
	if u := along(a, b, between(p.from, p.to, f/(f-t))); u < 0 || u > 1 {
		return 0
	}
	return sign(t)
}

// street plays trips as a tracker would tell them: boxes jitter, detections are
// missing, and now and then an identity changes.
type street struct {
	film     *film
	trips    []trip
	noise    func() float64
	jitter   float64 // deviation, parts of the box
	miss     float64 // part of the observations that is missing
	switches float64 // chance of a new identity when it is seen again after a miss
	ids      []sidecar.TrackID
	seen     []float64 // seconds, last time
	next     sidecar.TrackID
	hidden   map[sidecar.TrackID]float64 // identities that were left, and when they were seen last
}

func (s *street) play(seconds float64) {
	s.ids, s.seen, s.hidden = make([]sidecar.TrackID, len(s.trips)), make([]float64, len(s.trips)), map[sidecar.TrackID]float64{}
	for f := s.film; f.at.Seconds() < seconds; {
		now := f.at.Seconds()
		scene := &sidecar.Scene{}
		for i, p := range s.trips {
			if place, speed, ok := p.at(now); ok {
				s.observe(scene, i, now, place, speed)
			} else if id := s.ids[i]; id != 0 && now > p.start {
				s.hidden[id], s.ids[i] = s.seen[i], 0
			}
		}
		for id := sidecar.TrackID(1); id <= s.next; id++ {
			if seen, ok := s.hidden[id]; ok && now-seen > 2 {
				scene.Ended = append(scene.Ended, sidecar.Track{ID: id, Confirmed: true})
				delete(s.hidden, id)
			}
		}
		f.play(scene)
	}
}

func (s *street) observe(scene *sidecar.Scene, i int, now float64, place, speed sidecar.Point) {
	chance := math.Abs(s.noise()) // beyond x with a chance of erfc(x/√2)
	p := s.trips[i]
	if ends := min(now-p.start, p.start+p.takes+p.rest-now); ends > 3/s.film.fps && math.Erfc(chance/math.Sqrt2) < s.miss {
		return // where it begins and ends it is always seen: else nobody could know
	}
	if again := s.ids[i] != 0 && now-s.seen[i] > 1.5/s.film.fps; s.ids[i] == 0 || again && math.Erfc(math.Abs(s.noise())/math.Sqrt2) < s.switches {
		if s.ids[i] != 0 {
			s.hidden[s.ids[i]] = s.seen[i]
		}
		s.next++
		s.ids[i] = s.next
	}
	s.seen[i] = now
	w := walker(s.ids[i], place[0]+0.04*s.jitter*s.noise(), place[1]+0.1*s.jitter*s.noise())
	w.Box.Top += 0.1 * s.jitter * s.noise()
	w.Velocity = speed
	if speed == (sidecar.Point{}) {
		w.Motion = sidecar.Stopped
	}
	scene.Tracks = append(scene.Tracks, w)
}

// drawStreet draws a line, and trips that cross it or not, none so near to its
// ends that it cannot be said.
func drawStreet(t *rapid.T, identities bool) (*street, [2]int) {
	inner := rapid.Float64Range(0.15, 0.85)
	point := func(name string) sidecar.Point {
		return sidecar.Point{inner.Draw(t, name+" x"), inner.Draw(t, name+" y")}
	}
	sin, cos := math.Sincos(rapid.Float64Range(0, 2*math.Pi).Draw(t, "angle"))
	half := rapid.Float64Range(0.15, 0.4).Draw(t, "half the length")
	a, b := sidecar.Point{0.5 - half*cos, 0.5 - half*sin}, sidecar.Point{0.5 + half*cos, 0.5 + half*sin}
	rates, fastest := []float64{4, 8, 10, 25}, 2.0
	if identities { // where even a person could say who is who
		rates, fastest = rates[1:], 4
	}
	fps := rapid.SampledFrom(rates).Draw(t, "fps")
	f := newFilm(t, fps, sidecar.Function{ID: "line", Kind: "line", Line: []sidecar.Point{a, b}})
	s := &street{film: f, noise: noise(rapid.Uint64().Draw(t, "noise")), jitter: 0.03, miss: 0.15}
	var truth [2]int
	for i := range rapid.IntRange(1, 6).Draw(t, "objects") {
		p := trip{from: point("from"), to: point("to"), start: rapid.Float64Range(0, 10).Draw(t, "start"),
			takes: rapid.Float64Range(fastest, 8).Draw(t, "takes"), restAt: rapid.Float64Range(0, 1).Draw(t, "rest at")}
		if rapid.Bool().Draw(t, "rests") {
			p.rest = rapid.Float64Range(1, 30).Draw(t, "rest")
		}
		if !plain(p, a, b) {
			continue
		}
		if identities { // one after the other: nobody is taken for another
			p.start = float64(i) * 45
			s.switches = 0.5
		}
		s.trips = append(s.trips, p)
		if c := p.crosses(a, b); c != 0 {
			truth[hand(c)]++
		}
	}
	return s, truth
}

// plain says whether nobody could argue about a trip: it begins and ends clear of
// the line, and does not pass near its ends or along it.
func plain(p trip, a, b sidecar.Point) bool {
	const far = 0.1
	length := math.Hypot(b[0]-a[0], b[1]-a[1])
	way := math.Hypot(p.to[0]-p.from[0], p.to[1]-p.from[1])
	across := math.Abs(side(a, b, p.to)-side(a, b, p.from)) / length
	return way > 0.2 && across > 0.1 &&
		math.Abs(side(a, b, p.from)) > far*length && math.Abs(side(a, b, p.to)) > far*length &&
		distance(p.from, p.to, a, 1, 1) > far && distance(p.from, p.to, b, 1, 1) > far
}

func checkStreet(t *rapid.T, identities bool) {
	s, truth := drawStreet(t, identities)
	end := 0.0
	for _, p := range s.trips {
		end = max(end, p.start+p.takes+p.rest)
	}
	s.play(end + 6)
	s.film.end()
	s.film.a.Close(began.Add(s.film.at))
	got := [2]int{s.film.total("line", sidecar.Flow, sidecar.Person, sidecar.Out), s.film.total("line", sidecar.Flow, sidecar.Person, sidecar.In)}
	if got != truth {
		t.Fatalf("got %v out and in, want %v: %s", got, truth, s.film.story())
	}
}

// TestWalkersAreCounted: totals equal the truth, with jitter, missing detections
// and rests anywhere, on the line too.
func TestWalkersAreCounted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkStreet(t, false) })
}

// TestWalkersWithNewIdentities: the same where objects get new identities.
func TestWalkersWithNewIdentities(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkStreet(t, true) })
}

// TestWanderersAlternate: whatever an object does, its directions alternate, the
// counts add up to the events, and entries less exits are who is inside.
func TestWanderersAlternate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := newFilm(t, rapid.SampledFrom([]float64{0.5, 5, 25}).Draw(t, "fps"), across, square)
		p := sidecar.Point{0.5, 0.5}
		last := map[string]sidecar.Direction{}
		inside := map[string]bool{}
		for _, step := range rapid.SliceOfN(rapid.Float64Range(-0.3, 0.3), 2, 200).Draw(t, "steps") {
			p[len(f.events)%2] += step
			p[f.seq%2] += step / 2
			for i := range p {
				p[i] = min(1, max(0, p[i]))
			}
			for _, e := range f.show(walker(1, p[0], p[1])) {
				switch d := e.Data.(type) {
				case sidecar.Crossing:
					if last[d.Track] == d.Direction {
						t.Fatalf("%s twice in a row", d.Direction)
					}
					last[d.Track] = d.Direction
				case sidecar.ZoneChange:
					if entered := e.Type == sidecar.ZoneEntered; inside[d.Track] == entered {
						t.Fatalf("%s twice in a row", e.Type)
					} else {
						inside[d.Track] = entered
					}
				}
			}
		}
		in, out := f.total("line", sidecar.Flow, sidecar.Person, sidecar.In), f.total("line", sidecar.Flow, sidecar.Person, sidecar.Out)
		if in-out > 1 || out-in > 1 {
			t.Fatalf("got %d in and %d out of one object", in, out)
		}
		present := 0
		for _, c := range f.scene.Zones[0].Counts {
			present += c.N
		}
		if n := f.total("square", sidecar.Entries, sidecar.Person, "") - f.total("square", sidecar.Exits, sidecar.Person, ""); n != present {
			t.Fatalf("got %d entries more than exits, and %d inside", n, present)
		}
		f.a.Close(began.Add(f.at + time.Minute))
	})
}

// noise is a repeatable source of numbers with mean 0 and deviation 1.
func noise(seed uint64) func() float64 {
	uniform := func() float64 {
		seed = seed*6364136223846793005 + 1442695040888963407
		return float64(seed>>11) / (1 << 53)
	}
	return func() float64 {
		return math.Sqrt(-2*math.Log(1-uniform())) * math.Cos(2*math.Pi*uniform())
	}
}
