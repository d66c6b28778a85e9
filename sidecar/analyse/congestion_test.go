package analyse

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pantau/sidecar"
)

// jam is a stretch of road from top to bottom, 80 m long and one lane wide.
var jam = sidecar.Function{ID: "jam", Kind: "congestion", Polygon: sidecar.Polygon{{0.45, 0.1}, {0.55, 0.1}, {0.55, 0.9}, {0.45, 0.9}}}

// road drives cars down the stretch by the intelligent driver model (Treiber, Hennecke
// and Helbing 2000), 100 m of road to the height of the picture.
type road struct {
	cars   []*driver
	inflow float64 // cars a second
	red    func(s float64) bool
	most   float64 // speed limit at the end, m/s; 0: none
	rng    *rand.Rand
	next   float64
	id     sidecar.TrackID
}

type driver struct {
	id   sidecar.TrackID
	x, v float64 // m from the top, m/s
}

const freeSpeed = 12.0 // m/s

// step goes dt seconds on from s, and gives the tracks.
func (r *road) step(s, dt float64) []sidecar.Track {
	if r.inflow > 0 && s >= r.next && (len(r.cars) == 0 || r.cars[len(r.cars)-1].x > 8) {
		r.id++
		r.cars = append(r.cars, &driver{id: r.id, v: freeSpeed})
		r.next = s + r.rng.ExpFloat64()/r.inflow
	}
	for i, c := range r.cars {
		gap, closing := 1e6, 0.0
		if i > 0 {
			gap, closing = r.cars[i-1].x-c.x-5, c.v-r.cars[i-1].v
		}
		if r.red != nil && r.red(s) && c.x < 85 && 85-c.x < gap {
			gap, closing = 85-c.x, c.v
		}
		most := freeSpeed
		if r.most > 0 && c.x > 60 {
			most = r.most
		}
		wish := 2 + max(0, c.v*1.2+c.v*closing/(2*math.Sqrt(1.5*2)))
		a := 1.5 * (1 - math.Pow(c.v/most, 4) - math.Pow(wish/max(gap, 0.1), 2))
		c.v = max(0, c.v+a*dt)
		c.x += c.v * dt
	}
	if len(r.cars) > 0 && r.cars[0].x > 100 {
		r.cars = r.cars[1:]
	}
	var all []sidecar.Track
	for _, c := range r.cars {
		t := walker(c.id, 0.5, c.x/100)
		t.Class, t.Velocity = sidecar.Car, sidecar.Point{0, c.v / 100}
		t.Box.Top = t.Box.Bottom - 0.05
		if c.v < 0.2 {
			t.Motion = sidecar.Stopped
		}
		all = append(all, t)
	}
	return all
}

func newRoad(inflow float64) *road {
	return &road{inflow: inflow, rng: rand.New(rand.NewPCG(1, 2))}
}

// traffic plays a road, with others that stand about.
func (f *film) traffic(r *road, d time.Duration, others ...sidecar.Track) {
	for end := f.at + d; f.at < end; {
		f.show(append(r.step(f.at.Seconds(), 1/f.fps), others...)...)
	}
}

// services tells the levels of a film as "A>D, D>F".
func (f *film) services() string {
	var words []string
	for _, e := range f.events {
		if d, ok := e.Data.(sidecar.CongestionChange); ok {
			words = append(words, d.From+">"+d.To)
		}
	}
	return strings.Join(words, ", ")
}

// signal is red for a part of every 90 seconds.
func signal(red float64) func(float64) bool {
	return func(s float64) bool { return math.Mod(s, 90) < red }
}

func TestCongestionOfAFreeRoad(t *testing.T) {
	for _, inflow := range []float64{0, 0.02, 0.2, 0.35} {
		f := newFilm(t, 10, jam)
		f.traffic(newRoad(inflow), 20*time.Minute)
		if got := f.services(); got != "" {
			t.Errorf("%v cars a second drive freely: got %s", inflow, got)
		}
	}
}

func TestAJamIsToldAndEnds(t *testing.T) {
	f := newFilm(t, 10, jam)
	r := newRoad(0.25)
	f.traffic(r, 10*time.Minute)
	r.most = 0.8 // an accident behind the stretch
	begun := f.at
	f.traffic(r, 8*time.Minute)
	got := f.services()
	if !strings.HasSuffix(got, ">F") {
		t.Fatalf("got %q, want F at the end", got)
	}
	last := f.events[len(f.events)-1]
	d := last.Data.(sidecar.CongestionChange)
	if after := last.Time.Sub(began.Add(begun)); after > 5*time.Minute {
		t.Errorf("the jam was told after %v", after)
	}
	if d.Queue < 5 || d.Travel > 0.3 {
		t.Errorf("got %+v", d)
	}
	r.most = 0
	f.traffic(r, 10*time.Minute)
	if got := f.services(); !strings.HasSuffix(got, ">A") && !strings.HasSuffix(got, ">B") {
		t.Errorf("when it has ended: got %q", got)
	}
}

func TestARedLightIsNoJam(t *testing.T) {
	f := newFilm(t, 10, jam)
	r := newRoad(0.15)
	f.traffic(r, 5*time.Minute)
	r.red = signal(45)
	f.traffic(r, time.Hour)
	got := f.services()
	if strings.Contains(got, "F") {
		t.Errorf("a signal that clears its queue at each green: got %q", got)
	}
	if n := strings.Count(got, ">"); n > 6 {
		t.Errorf("%d changes of level in an hour: %q", n, got)
	}
	r.inflow, r.red = 0.4, signal(80) // the green is too short for those who come
	f.traffic(r, 30*time.Minute)
	if got := f.services(); !strings.HasSuffix(got, ">F") {
		t.Errorf("a signal whose queue never clears: got %q", got)
	}
}

func TestAStandstillIsAJam(t *testing.T) {
	f := newFilm(t, 10, jam)
	r := newRoad(0.25)
	f.traffic(r, 10*time.Minute)
	r.red = func(float64) bool { return true }
	f.traffic(r, 40*time.Minute)
	if got := f.services(); !strings.HasSuffix(got, ">F") {
		t.Errorf("nobody has moved for 40 minutes: got %q", got)
	}
}

func TestParkedVehiclesAreNoJam(t *testing.T) {
	f := newFilm(t, 10, jam)
	parked := walker(1000, 0.46, 0.6)
	parked.Class, parked.Motion = sidecar.Car, sidecar.Stopped
	r := newRoad(0.15)
	f.traffic(r, 10*time.Minute)
	f.traffic(r, time.Hour, parked)
	got := f.services()
	if !strings.HasSuffix(got, ">A") && got != "" || strings.Contains(got, "F") {
		t.Errorf("one that is parked beside the traffic: got %q", got)
	}
}

// A camera that saw nothing for a while says nothing new of it.
func TestAGapIsNoJam(t *testing.T) {
	f := newFilm(t, 10, jam)
	r := newRoad(0.2)
	f.traffic(r, 10*time.Minute)
	for range 20 { // a picture every four minutes, while somebody stands at the light
		f.at += 4 * time.Minute
		stands := walker(r.id+1, 0.5, 0.8)
		stands.Class, stands.Motion = sidecar.Car, sidecar.Stopped
		f.show(stands)
	}
	if got := f.services(); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestCongestionInMetres(t *testing.T) {
	fn := jam
	fn.Plane = &sidecar.Plane{Points: fn.Polygon, Width: 10, Length: 80}
	fn.Polygon, fn.Lanes = nil, 1
	f := newFilm(t, 10, fn)
	r := newRoad(0.25)
	f.traffic(r, 10*time.Minute)
	r.most = 0.8
	f.traffic(r, 8*time.Minute)
	d := f.events[len(f.events)-1].Data.(sidecar.CongestionChange)
	if d.To != "F" || math.Abs(d.FreeKMH-43) > 5 || d.KMH > 14 || d.Density < 60 || d.QueueMetres < 40 {
		t.Errorf("got %+v", d)
	}
	_, counts := f.a.Close(began.Add(f.at))
	row := func(kind sidecar.RowKind, class sidecar.Class) *sidecar.CountRow {
		for i, r := range counts[len(counts)-1].Rows {
			if r.Kind == kind && r.Class == class {
				return &counts[len(counts)-1].Rows[i]
			}
		}
		t.Fatalf("no row %s %s in %+v", kind, class, counts[len(counts)-1].Rows)
		return nil
	}
	if q, l := row(sidecar.Queue, sidecar.Car), row(sidecar.Service, sidecar.AllClasses); *q.Mean < 5 || *l.Max != 5 {
		t.Errorf("queue %+v, service %+v", *q.Mean, *l.Max)
	}
}

// FuzzCongestion looks that each level goes on from the one before, whatever drives.
func FuzzCongestion(f *testing.F) {
	f.Add(uint64(1), []byte{10, 90, 0, 40, 255})
	f.Fuzz(func(t *testing.T, seed uint64, plan []byte) {
		fn := jam
		fn.Window = 20 * time.Second
		film := newFilm(t, 4, fn)
		r := &road{rng: rand.New(rand.NewPCG(seed, 3))}
		for _, p := range plan[:min(len(plan), 40)] {
			r.inflow, r.most = float64(p%16)/20, float64(p>>4)
			film.traffic(r, 20*time.Second)
			if p%7 == 0 {
				film.at += time.Duration(p) * time.Second
			}
		}
		last := "A"
		for _, e := range film.events {
			if d, ok := e.Data.(sidecar.CongestionChange); ok {
				if d.From != last || d.To == last || d.To < "A" || d.To > "F" || !(d.Travel >= 0 && d.Travel <= 1) || d.Queue < 0 {
					t.Fatalf("%+v after %s", d, last)
				}
				last = d.To
			}
		}
	})
}
