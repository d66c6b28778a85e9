package analyse

import (
	"math"
	"testing"
	"time"

	"pantau/sidecar"
)

// pace is a street of 7 by 30 metres, seen from a mast.
var pace = sidecar.Function{ID: "pace", Kind: "speed", Plane: &sidecar.Plane{
	Points: []sidecar.Point{{0.42, 0.40}, {0.58, 0.40}, {0.85, 0.90}, {0.15, 0.90}}, Width: 7, Length: 30}}

// picture is where a place on the ground is seen: what homography.ground undoes,
// by Newton's method.
func (h *homography) picture(x, y float64) sidecar.Point {
	p := sidecar.Point{0.5, 0.6}
	const d = 1e-6
	for range 50 {
		gx, gy := h.ground(p)
		ax, ay := h.ground(sidecar.Point{p[0] + d, p[1]})
		bx, by := h.ground(sidecar.Point{p[0], p[1] + d})
		a, b, c, e := (ax-gx)/d, (bx-gx)/d, (ay-gy)/d, (by-gy)/d
		det := a*e - b*c
		p[0] += (e*(x-gx) - b*(y-gy)) / det / 2
		p[1] += (a*(y-gy) - c*(x-gx)) / det / 2
	}
	return p
}

func TestHomographyKeepsItsPoints(t *testing.T) {
	h := homographyOf(pace.Plane)
	for i, want := range [4][2]float64{{0, 0}, {7, 0}, {7, 30}, {0, 30}} {
		if x, y := h.ground(pace.Plane.Points[i]); math.Hypot(x-want[0], y-want[1]) > 1e-6 {
			t.Errorf("point %d: got %v, %v, want %v", i, x, y, want)
		}
	}
}

// drives lets cars go through the street one after the other, with boxes that
// jitter as much as the tracker thinks they do.
func drives(f *film, kmh []float64, jitter float64) {
	h := homographyOf(pace.Plane)
	wobble := noise(5)
	for i, v := range kmh {
		id := sidecar.TrackID(i + 1)
		for y := 29.5; y > -3; y -= v / 3.6 / f.fps {
			p := h.picture(3, y)
			size := 0.05 + 0.1*(p[1]-0.4)
			p[0] += jitter * size * wobble()
			p[1] += jitter * size * wobble()
			c := car(id, p[0], p[1])
			c.Box = sidecar.Box{Left: p[0] - size/2, Top: p[1] - size, Right: p[0] + size/2, Bottom: p[1]}
			f.show(c)
		}
		f.end(id)
	}
	f.wait(4 * time.Second)
}

func speedRow(t *testing.T, f *film) sidecar.CountRow {
	t.Helper()
	for _, r := range f.a.Totals() {
		if r.Kind == sidecar.Speed && r.Class == sidecar.Car && r.Median != nil {
			return r
		}
	}
	t.Fatal("no speed was told")
	return sidecar.CountRow{}
}

func TestSpeedOfCars(t *testing.T) {
	f := newFilm(t, 10, pace)
	var kmh []float64
	for v := 30.0; v < 50; v++ {
		kmh = append(kmh, v)
	}
	drives(f, kmh, 0)
	r := speedRow(t, f)
	if *r.N != 20 || math.Abs(*r.Median-39) > 0.1 || math.Abs(*r.P85-46) > 0.1 || *r.Error <= 0 {
		t.Errorf("got %d with median %v, p85 %v, error %v, want 20, 39, 46 and one", *r.N, *r.Median, *r.P85, *r.Error)
	}
}

// TestSpeedIsHonest: with jitter the standard error that is told is not less than
// the true one, and not several times as much.
func TestSpeedIsHonest(t *testing.T) {
	f := newFilm(t, 10, pace)
	kmh := make([]float64, 200)
	for i := range kmh {
		kmh[i] = 40
	}
	drives(f, kmh, anchorNoise)
	r := speedRow(t, f)
	values := f.a.total.samples[f.a.row("pace", sidecar.Speed, sidecar.Car, "")]
	sum := 0.0
	for _, v := range values {
		sum += (v - 40) * (v - 40)
	}
	truth := math.Sqrt(sum / float64(len(values)))
	t.Logf("%d cars, median %v, told error %v, true error %.3f km/h", *r.N, *r.Median, *r.Error, truth)
	if *r.N < 190 || math.Abs(*r.Median-40) > 0.5 || truth > *r.Error || *r.Error > 6*truth {
		t.Errorf("got %d with median %v and error %v, want 200, 40 and at least %v", *r.N, *r.Median, *r.Error, truth)
	}
}

func TestSpeedIsShown(t *testing.T) {
	street := sidecar.Function{ID: "line", Kind: "line", Line: []sidecar.Point{{0.2, 0.6}, {0.8, 0.6}}}
	f := newFilm(t, 10, pace, street)
	drives(f, []float64{36}, 0)
	crossed := false
	for _, e := range f.events {
		if d, ok := e.Data.(sidecar.Crossing); ok {
			crossed = true
			if math.Abs(d.KMH-36) > 0.5 {
				t.Errorf("got a crossing at %v km/h, want 36", d.KMH)
			}
		}
	}
	if !crossed {
		t.Error("nobody crossed")
	}
}

// FuzzHomography looks that of any points which are not refused a finite place on
// the ground comes out for what lies between them.
func FuzzHomography(f *testing.F) {
	f.Add(0.42, 0.4, 0.58, 0.4, 0.85, 0.9, 0.15, 0.9, 7.0, 30.0)
	f.Add(0.1, 0.1, 0.5, 0.1, 0.9, 0.1, 0.5, 0.9, 7.0, 20.0)
	f.Fuzz(func(t *testing.T, ax, ay, bx, by, cx, cy, dx, dy, width, length float64) {
		p := &sidecar.Plane{Points: []sidecar.Point{{ax, ay}, {bx, by}, {cx, cy}, {dx, dy}}, Width: width, Length: length}
		if checkPlane(p) != nil {
			return
		}
		h := homographyOf(p)
		x, y := h.ground(between(between(p.Points[0], p.Points[1], 0.5), between(p.Points[3], p.Points[2], 0.5), 0.5))
		if !(x >= -1e-3 && x <= width+1e-3 && y >= -1e-3 && y <= length+1e-3) {
			t.Fatalf("got %v, %v for a point inside of %+v", x, y, p)
		}
	})
}
