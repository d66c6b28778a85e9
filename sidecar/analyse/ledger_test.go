package analyse

import (
	"math"
	"testing"
	"time"

	"pantau/sidecar"
)

// minutes shows an object that stands still, or nothing, until a media time, and
// gives the counts as they come.
func (f *film) minutes(until time.Duration, tracks ...sidecar.Track) []sidecar.Count {
	var counts []sidecar.Count
	for f.at < until {
		f.show(append([]sidecar.Track(nil), tracks...)...)
		counts = append(counts, f.a.Counts(f.scene.Capture)...)
	}
	return counts
}

func TestMinutes(t *testing.T) {
	f := newFilm(t, 8, across, square)
	f.at = 15 * time.Second // the first minute is not whole
	counts := f.minutes(2*time.Minute+10*time.Second, walker(1, 0.5, 0.6))
	if len(counts) != 2 {
		t.Fatalf("got %d minutes, want 2", len(counts))
	}
	first, second := counts[0], counts[1]
	if first.Camera != "cam" || first.Timezone != "Asia/Jakarta" || first.Model != "m@1" || first.Rules != "r1" {
		t.Errorf("got %+v, want the names of the camera, its zone, the model and the rules", first)
	}
	if !first.From.Equal(began.Add(15*time.Second)) || !first.To.Equal(began.Add(time.Minute)) || first.Rev != 0 || !first.Final {
		t.Errorf("got %v to %v, revision %d, final %v", first.From, first.To, first.Rev, first.Final)
	}
	if first.Uptime != 1 || first.Frames != 360 || first.Expected != 360 || first.Quality != sidecar.QualityGood || len(first.Flags) != 0 {
		t.Errorf("got uptime %v, %d of %d frames, %s %v", first.Uptime, first.Frames, first.Expected, first.Quality, first.Flags)
	}
	if second.Uptime != 1 || second.Frames != 480 || second.Quality != sidecar.QualityGood || second.Flags == nil || len(second.Flags) != 0 {
		t.Errorf("got uptime %v, %d frames, %s %v", second.Uptime, second.Frames, second.Quality, second.Flags)
	}
	// Missing is not zero, and zero is not missing: all classes and directions.
	if got, want := len(second.Rows), 6*2+6*5; got != want {
		t.Errorf("got %d rows, want %d", got, want)
	}
	for _, r := range second.Rows {
		person := r.Class == sidecar.Person
		switch {
		case r.Kind == sidecar.Presence && (r.N != nil || *r.Max != btoi(person) || math.Abs(*r.Mean-float64(btoi(person))) > 1e-3):
			t.Errorf("got %s %v..%v of %s", r.Kind, *r.Mean, *r.Max, r.Class)
		case r.Kind != sidecar.Presence && (r.Mean != nil || *r.N != 0):
			t.Errorf("got %d %s of %s", *r.N, r.Kind, r.Class)
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestMinutesWithoutScenes(t *testing.T) {
	f := newFilm(t, 10, across)
	if got := f.a.Counts(began.Add(10 * time.Second)); len(got) != 0 {
		t.Errorf("got %+v before a minute is over, want nothing", got)
	}
	counts := f.a.Counts(began.Add(3*time.Minute + settling + behind))
	if len(counts) != 3 {
		t.Fatalf("got %d minutes, want 3", len(counts))
	}
	if first := &counts[0]; !first.From.Equal(began.Add(10*time.Second+odd)) || first.Expected != 500 {
		t.Errorf("got a first minute from %v with %d frames, want the rest of it", first.From, first.Expected)
	} else {
		first.From, first.Expected = began, 600
	}
	for i, c := range counts {
		if i > 0 { // the camera's minutes have the even ones
			c.From = c.From.Add(-odd)
		}
		if c.Uptime != 0 || c.Quality != sidecar.QualityNone || c.Frames != 0 || c.Expected != 600 ||
			c.Rows == nil || len(c.Rows) != 0 || !c.From.Equal(began.Add(time.Duration(i)*time.Minute)) || !c.Final {
			t.Errorf("got %+v, want a minute of which nothing is known", c)
		}
	}
	// A long sleep: a day at most.
	counts = f.a.Counts(began.Add(30 * 24 * time.Hour))
	if got := len(counts); got != longest {
		t.Errorf("got %d minutes after a sleep of 30 days, want %d", got, longest)
	}
	if last := counts[len(counts)-1]; last.To.After(began.Add(30 * 24 * time.Hour)) {
		t.Errorf("got a minute that ends at %v, which is to come", last.To)
	}
}

func TestGapsAreNotCovered(t *testing.T) {
	f := newFilm(t, 10, across)
	f.minutes(20 * time.Second)
	f.at += 30 * time.Second
	counts := f.minutes(70 * time.Second)
	if len(counts) != 1 || math.Abs(counts[0].Uptime-0.5) > 0.01 {
		t.Errorf("got %+v, want half a minute", counts)
	}
}

func TestSlowFramesAreSaid(t *testing.T) {
	f := newFilm(t, 2, across)
	f.a.interval = time.Second / 10
	counts := f.minutes(70 * time.Second)
	if len(counts) != 1 || counts[0].Uptime != 1 || counts[0].Quality != sidecar.QualityLow || counts[0].Flags[0] != "slow" {
		t.Errorf("got %+v, want a covered minute of low quality", counts)
	}
}

// TestUndecidedMinute lets an object stand on the line over the end of a minute.
func TestUndecidedMinute(t *testing.T) {
	for _, c := range []struct {
		goes float64
		n    int
	}{{0.7, 1}, {0.3, 0}} {
		f := newFilm(t, 10, across)
		f.minutes(50*time.Second, walker(1, 0.5, 0.4))
		counts := f.minutes(70*time.Second, walker(1, 0.5, 0.51))
		if len(counts) != 1 || counts[0].Final || counts[0].Rev != 0 {
			t.Fatalf("got %+v, want one that is not final", counts)
		}
		counts = f.minutes(72*time.Second, walker(1, 0.5, c.goes))
		if len(counts) != 1 || !counts[0].Final || counts[0].Rev != 1 || !counts[0].From.Equal(began) ||
			number(t, counts[0].Rows, "line", sidecar.Flow, sidecar.Person, sidecar.In) != c.n {
			t.Errorf("got %+v, want the first minute again, final, with %d", counts, c.n)
		}
	}
}

// A sleep of days right after a scene gives its minute, and no more than a day.
func TestALongSleep(t *testing.T) {
	f := newFilm(t, 10, across)
	f.minutes(10 * time.Second)
	counts := f.a.Counts(f.scene.Capture.Add(30 * 24 * time.Hour))
	if got := len(counts); got != 1+longest || counts[0].Frames != 100 {
		t.Errorf("got %d minutes, want that of the scenes and a day", got)
	}
}

// TestLateScenes sets the camera's clock back by two minutes: what happens then
// belongs to minutes that were given already.
func TestLateScenes(t *testing.T) {
	f := newFilm(t, 10, across)
	if got := len(f.minutes(3*time.Minute + 10*time.Second)); got != 3 {
		t.Fatalf("got %d minutes, want 3", got)
	}
	now := f.scene.Capture
	for i := range 20 {
		s := &sidecar.Scene{Stamp: f.stamp(), Tracks: []sidecar.Track{walker(1, 0.5, 0.3+0.02*float64(i))}}
		s.Capture = s.Capture.Add(-2 * time.Minute)
		f.a.Update(s)
		f.at += 100 * time.Millisecond
	}
	counts := f.a.Counts(now)
	if len(counts) != 1 || counts[0].Rev != 1 || !counts[0].From.Equal(began.Add(time.Minute)) || counts[0].Uptime != 1 ||
		number(t, counts[0].Rows, "line", sidecar.Flow, sidecar.Person, sidecar.In) != 1 {
		t.Errorf("got %+v, want the second minute again with one crossing", counts)
	}
}

func TestEpochsGoOn(t *testing.T) {
	f := newFilm(t, 10, across)
	for i := range 10 {
		f.show(walker(1, 0.5, 0.3+0.04*float64(i)))
	}
	f.epoch, f.born = "e2", map[sidecar.TrackID]sidecar.Track{}
	f.wait(3 * time.Second)
	for i := range 10 {
		f.show(walker(1, 0.5, 0.3+0.04*float64(i)))
	}
	if got := f.total("line", sidecar.Flow, sidecar.Person, sidecar.In); got != 2 {
		t.Errorf("got %d, want 2", got)
	}
	var ids []string
	for _, e := range f.events {
		ids = append(ids, e.ID)
	}
	want := []string{"cam/line/e1/1/1", "cam/track/e1/1/1", "cam/line/e2/1/1"}
	if len(ids) != 3 || ids[0] != want[0] || ids[1] != want[1] || ids[2] != want[2] {
		t.Errorf("got %q, want %q", ids, want)
	}
}

func TestTrackEnded(t *testing.T) {
	f := newFilm(t, 10)
	f.wait(500 * time.Millisecond)
	for i := range 10 {
		f.show(walker(7, 0.3, 0.4+0.01*float64(i)))
	}
	f.wait(time.Second)
	events := f.end(7)
	if len(events) != 1 || events[0].Type != sidecar.TrackEnded || events[0].Subject != "cam/track" {
		t.Fatalf("got %+v, want the end of a track", events)
	}
	got, want := events[0].Data.(sidecar.TrackSummary), sidecar.TrackSummary{
		Origin: sidecar.Origin{Camera: "cam", Rule: "track", Epoch: "e1", RTP: 126000, PTS: 1_400_000, Model: "m@1", Rules: "r1"},
		Track:  "7", Class: sidecar.Person, Score: 0.8, Frames: 10, From: 500_000,
		Start: walker(7, 0.3, 0.4).Box, End: walker(7, 0.3, 0.49).Box}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestRedefine(t *testing.T) {
	f := newFilm(t, 10, across, square)
	walk := func(from, to float64) {
		for i := range 20 {
			f.show(walker(1, 0.5, from+(to-from)*float64(i)/19))
		}
	}
	walk(0.2, 0.6)
	gate := across
	gate.ID = "gate"
	events, err := f.a.Redefine(sidecar.Camera{ID: "cam", Functions: []sidecar.Function{gate, across}}, Options{Model: "m@1", Rules: "r2", FPS: 10})
	if err != nil {
		t.Fatal(err)
	}
	if len(events) != 1 || events[0].Type != sidecar.ZoneLeft {
		t.Errorf("got %+v, want that the object has left the zone that is no more", events)
	}
	walk(0.6, 0.3)
	if got, want := f.story(), "entered 1, in 1, out 1, out 1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := f.total("line", sidecar.Flow, sidecar.Person, sidecar.In); got != 1 {
		t.Errorf("got %d, want what was counted before", got)
	}
	_, counts := f.a.Close(began.Add(f.at))
	c := counts[0]
	if c.Rev != 0 || c.Rules != "r2" || number(t, c.Rows, "square", sidecar.Entries, sidecar.Person, "") != 1 ||
		number(t, c.Rows, "gate", sidecar.Flow, sidecar.Person, sidecar.Out) != 1 {
		t.Errorf("got %+v, want the rows of old and new functions", c)
	}
	for _, r := range f.a.Totals() {
		if r.Rule == "square" {
			t.Errorf("got a total of %s, which is no more", r.Rule)
		}
	}
	if _, err := f.a.Redefine(sidecar.Camera{Functions: []sidecar.Function{{}}}, Options{}); err == nil || len(f.a.functions) != 2 {
		t.Errorf("got %v and %d functions, want an error that changes nothing", err, len(f.a.functions))
	}
}

// An analyser that begins in the middle does not count what was before.
func TestBeginsInTheMiddle(t *testing.T) {
	f := newFilm(t, 10, across)
	f.at = time.Minute
	w := walker(1, 0.5, 0.6)
	w.Born, w.Start = 50*time.Second, walker(1, 0.5, 0.3).Box
	for range 5 {
		f.show(w)
	}
	if got := f.dirs(); got != "" {
		t.Errorf("got %q, want nothing", got)
	}
}

// What is stopped and started again in mid-minute gives two intervals with keys
// of their own, which meet and together hold what was counted.
func TestAMinuteOfTwoRuns(t *testing.T) {
	f := newFilm(t, 10, across)
	f.minutes(20 * time.Second)
	_, first := f.a.Close(f.scene.Capture)
	g := newFilm(t, 10, across)
	g.at = 25 * time.Second
	second := g.minutes(70 * time.Second)
	if len(first) != 1 || len(second) != 1 {
		t.Fatalf("got %d and %d intervals, want one each", len(first), len(second))
	}
	if !first[0].From.Equal(began) || !first[0].To.Equal(f.scene.Capture) || first[0].Uptime < 0.99 {
		t.Errorf("got %v to %v with uptime %v, want the time of the first run", first[0].From, first[0].To, first[0].Uptime)
	}
	if !second[0].From.Equal(began.Add(25*time.Second)) || !second[0].To.Equal(began.Add(time.Minute)) || second[0].Uptime < 0.99 {
		t.Errorf("got %v to %v with uptime %v, want the rest of the minute", second[0].From, second[0].To, second[0].Uptime)
	}
}
