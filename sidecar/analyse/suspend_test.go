package analyse

import (
	"slices"
	"testing"
	"time"

	"pantau/sidecar"
)

// gone shows tracks for some seconds while the camera looks elsewhere.
func (f *film) gone(d time.Duration, tracks ...sidecar.Track) {
	for end := f.at + d; f.at < end; {
		f.play(&sidecar.Scene{View: sidecar.View{State: sidecar.ViewMoved}, Tracks: slices.Clone(tracks)})
	}
}

func TestNothingIsCountedWhileSuspended(t *testing.T) {
	f := newFilm(t, 10, across, square)
	f.wait(2 * time.Second)
	f.hold(2*time.Second, walker(1, 0.5, 0.3))
	f.gone(5*time.Second, walker(1, 0.5, 0.7), walker(2, 0.3, 0.3))
	f.hold(2*time.Second, walker(1, 0.5, 0.7)) // it has crossed, and nobody saw it
	if got := f.dirs(); got != "" {
		t.Errorf("got %q over the gap, want nothing", got)
	}
	for y := 0.7; y > 0.3; y -= 0.02 {
		f.show(walker(1, 0.5, y))
	}
	f.hold(2*time.Second, walker(1, 0.5, 0.3))
	if got := f.dirs(); got != "out" {
		t.Errorf("got %q afterwards, want one crossing", got)
	}
	ids := map[string]bool{}
	for _, e := range f.events {
		if ids[e.ID] {
			t.Errorf("the id %s is told twice", e.ID)
		}
		ids[e.ID] = true
	}
}

// Who was in the zone has not left it, as far as anybody knows.
func TestSuspensionIsNoExit(t *testing.T) {
	f := newFilm(t, 10, square)
	f.wait(time.Second)
	inside := square.Polygon[0]
	for _, p := range square.Polygon[1:] {
		inside[0], inside[1] = inside[0]+p[0], inside[1]+p[1]
	}
	x, y := inside[0]/float64(len(square.Polygon)), inside[1]/float64(len(square.Polygon))
	f.hold(4*time.Second, walker(1, x, y))
	f.gone(20 * time.Second)
	f.wait(20 * time.Second)
	var types []sidecar.EventType
	for _, e := range f.events {
		types = append(types, e.Type)
	}
	if want := []sidecar.EventType{sidecar.ZoneEntered, sidecar.TrackEnded}; !slices.Equal(types, want) {
		t.Errorf("got %v, want %v", types, want)
	}
}

// A parked car stays parked; one that came meanwhile was found.
func TestPlacesOutliveASuspension(t *testing.T) {
	f := newFilm(t, 5, lot)
	f.wait(3 * time.Second)
	parked := f.park(1)
	f.hold(20*time.Second, parked)
	f.gone(10 * time.Minute)
	f.hold(20*time.Second, car(7, 0.35, 0.59), car(8, 0.45, 0.59))
	if got, want := f.sessions(), "+A1 6s, +A2 10m26s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := f.total("lot", sidecar.Arrivals, sidecar.Car, ""); n != 1 {
		t.Errorf("got %d arrivals, want the one that was seen", n)
	}
}

func TestMinutesSayThatTheyWereSuspended(t *testing.T) {
	f := newFilm(t, 10, across)
	counts := f.minutes(90 * time.Second)
	for range 1200 {
		f.play(&sidecar.Scene{View: sidecar.View{State: sidecar.ViewDark}})
		counts = append(counts, f.a.Counts(f.scene.Capture)...)
	}
	for range 900 {
		f.play(&sidecar.Scene{View: sidecar.View{State: sidecar.ViewOK, Flags: []string{"night"}}})
		counts = append(counts, f.a.Counts(f.scene.Capture)...)
	}
	type want struct {
		quality sidecar.Quality
		flags   []string
		uptime  float64
		rows    int
	}
	rows := 2 * len(sidecar.Classes())
	for i, w := range []want{
		{sidecar.QualityGood, []string{}, 1, rows},
		{sidecar.QualityLow, []string{"dark", "gaps"}, 0.4983, rows},
		{sidecar.QualityNone, []string{"dark"}, 0, 0},
		{sidecar.QualityLow, []string{"dark", "night", "gaps"}, 0.5017, rows},
	} {
		if i >= len(counts) {
			t.Fatalf("got %d minutes, want 4", len(counts))
		}
		c := counts[i]
		if c.Quality != w.quality || !slices.Equal(c.Flags, w.flags) || c.Uptime < w.uptime-0.002 || c.Uptime > w.uptime+0.002 || len(c.Rows) != w.rows {
			t.Errorf("minute %d: got %s %v, uptime %v, %d rows, want %+v", i, c.Quality, c.Flags, c.Uptime, len(c.Rows), w)
		}
		if i == 2 && (c.Frames != 0 || c.Expected != 600) {
			t.Errorf("minute 2: got %d frames of %d, want 0 of 600", c.Frames, c.Expected)
		}
	}
}
