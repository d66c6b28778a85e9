package analyse

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pantau/sidecar"
)

// restart goes on with another analyser after a gap, as the program does when it was
// killed: with another epoch, in which tracks are numbered anew.
func (f *film) restart(gap time.Duration) {
	f.t.Helper()
	text, err := f.a.Memory()
	if err != nil {
		f.t.Fatal(err)
	}
	if f.a, err = Recall(text); err != nil {
		f.t.Fatal(err)
	}
	again, err := f.a.Memory()
	if err != nil {
		f.t.Fatal(err)
	}
	if string(again) != string(text) {
		f.t.Errorf("what was recalled is kept as\n%s\nand was\n%s", again, text)
	}
	f.at += gap
	f.epoch += "'"
	f.born = map[sidecar.TrackID]sidecar.Track{}
}

// parkedStill is a track that stands.
func parkedStill(t sidecar.Track) sidecar.Track {
	t.Motion = sidecar.Stopped
	return t
}

func TestParkedCarStaysThroughARestart(t *testing.T) {
	for _, c := range []struct {
		gap  time.Duration
		want string
	}{
		{2 * time.Minute, "+A1 4s, -A1 3m39s"},
		{9 * time.Minute, "+A1 4s, -A1 10m39s"},
		{11 * time.Minute, "+A1 4s, -A1 44s, +A1 11m44s, -A1 12m39s"},
	} {
		f := newFilm(t, 10, lot)
		f.wait(time.Second)
		v := f.park(1)
		f.hold(40*time.Second, v)
		f.restart(c.gap)
		v.ID = 7
		f.hold(30*time.Second, v)
		f.restart(5 * time.Second)
		v.ID = 3
		f.hold(20*time.Second, v)
		f.wait(90 * time.Second)
		if got := f.sessions(); got != c.want {
			t.Errorf("after %v: got %q, want %q", c.gap, got, c.want)
		}
		lost := c.gap > unsure
		for _, e := range f.events {
			d, ok := e.Data.(sidecar.ParkingChange)
			if ok && (d.Lost && (!lost || e.Type != sidecar.ParkingFreed) || d.Found && !lost) {
				t.Errorf("after %v: got %+v", c.gap, d)
			}
		}
		if a, d := f.total("lot", sidecar.Arrivals, sidecar.Car, ""), f.total("lot", sidecar.Departures, sidecar.Car, ""); a != 1 || d != 1 {
			t.Errorf("after %v: got %d arrivals and %d departures, want 1 and 1", c.gap, a, d)
		}
	}
}

// A car that has come and is not parked yet is parked when it has stood for long enough.
func TestComingCarParksAfterARestart(t *testing.T) {
	f := newFilm(t, 10, lot)
	f.wait(time.Second)
	v := f.park(1)
	f.hold(2*time.Second, v)
	f.restart(5 * time.Second)
	f.hold(20*time.Second, v)
	if got := f.sessions(); got != "+A1 4s" {
		t.Errorf("got %q", got)
	}
}

// Who follows the events of a camera is told what holds after a restart.
func TestWhatHoldsAfterARestart(t *testing.T) {
	gathering := sidecar.Function{ID: "few", Kind: "crowd", Polygon: sidecar.Polygon{{0, 0}, {1, 0}, {1, 1}, {0, 1}}, Levels: []int{1}}
	f := newFilm(t, 10, lot, square, gathering)
	if got := f.a.Holding(); len(got) != 0 {
		t.Errorf("got %+v before anything was told", got)
	}
	f.wait(time.Second)
	v := f.park(1)
	f.hold(60*time.Second, v, parkedStill(walker(2, 0.5, 0.5)), parkedStill(walker(3, 0.6, 0.5)))
	f.restart(2 * time.Minute)
	got := map[sidecar.EventType][]sidecar.Event{}
	for _, e := range f.a.Holding() {
		got[e.Type] = append(got[e.Type], e)
	}
	for _, told := range f.events {
		switch d := told.Data.(type) {
		case sidecar.ParkingChange:
			if e := got[told.Type]; len(e) != 1 || e[0].ID != told.ID || e[0].Data.(sidecar.ParkingChange).Arrived != d.Arrived || e[0].Subject != told.Subject {
				t.Errorf("got %+v, want %+v", e, told)
			}
		case sidecar.LevelChange:
			if e := got[told.Type]; len(e) != 1 || e[0].Data.(sidecar.LevelChange).To != d.To || *e[0].Data.(sidecar.LevelChange).Count != 2 {
				t.Errorf("got %+v, want %+v", e, told)
			}
		}
	}
	if e := got[sidecar.ZoneEntered]; len(e) == 0 || e[len(e)-1].Data.(sidecar.ZoneChange).Rule != "square" {
		t.Errorf("got %+v in the square", e)
	}
	if len(got[sidecar.ParkingOccupied]) != 1 || len(got[sidecar.CrowdLevel]) != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestWhoStandsStillStaysInAZone(t *testing.T) {
	for gap, want := range map[time.Duration]string{
		10 * time.Second: "entered 1, left 4",
		40 * time.Second: "entered 1, entered 4, left 1, left 4",
	} {
		f := newFilm(t, 10, square)
		v := parkedStill(walker(1, 0.5, 0.5))
		f.hold(5*time.Second, v)
		f.restart(gap)
		v.ID = 4
		f.hold(5*time.Second, v)
		f.end(4)
		f.wait(5 * time.Second)
		if got := f.story(); got != want {
			t.Errorf("%v: got %q, want %q", gap, got, want)
		}
		if in, out := f.total("square", sidecar.Entries, sidecar.Person, ""), f.total("square", sidecar.Exits, sidecar.Person, ""); in != out {
			t.Errorf("%v: got %d entries and %d exits", gap, in, out)
		}
	}
}

// A minute with a restart in it is one, and says how much of it was observed; what a
// pause has given of it is replaced.
func TestMinuteOfARestart(t *testing.T) {
	for _, pause := range []bool{false, true} {
		f := newFilm(t, 10, across)
		cross := func(id sidecar.TrackID) {
			for y := 0.3; y < 0.7; y += 0.02 {
				f.show(walker(id, 0.5, y))
			}
			f.end(id)
		}
		cross(1)
		f.wait(18 * time.Second)
		if pause {
			counts := f.a.Pause(began.Add(f.at))
			if len(counts) != 1 || counts[0].Final || counts[0].Rev != 0 || counts[0].Uptime < 0.99 || counts[0].To.Sub(began) > 21*time.Second ||
				number(t, counts[0].Rows, "line", sidecar.Flow, sidecar.Person, sidecar.In) != 1 {
				t.Errorf("paused: got %+v", counts)
			}
		}
		f.restart(6 * time.Second)
		cross(1)
		f.wait(65 * time.Second)
		counts := f.a.Counts(began.Add(f.at))
		if len(counts) != 1 {
			t.Fatalf("got %+v, want one minute", counts)
		}
		c := counts[0]
		if want := map[bool]int{true: 1}[pause]; c.Rev != want || !c.Final || !c.From.Equal(began) || !c.To.Equal(began.Add(time.Minute)) ||
			c.Uptime < 0.88 || c.Uptime > 0.91 || number(t, c.Rows, "line", sidecar.Flow, sidecar.Person, sidecar.In) != 2 {
			t.Errorf("pause %v: got %+v", pause, c)
		}
	}
}

// Minutes in which nothing ran are given without numbers.
func TestMinutesOfAGapAreGiven(t *testing.T) {
	f := newFilm(t, 10, across)
	f.wait(70 * time.Second)
	f.a.Counts(began.Add(f.at))
	f.restart(5 * time.Minute)
	counts := f.a.Counts(began.Add(f.at))
	if len(counts) != 5 || counts[0].Uptime == 0 || counts[1].Quality != sidecar.QualityNone || !counts[1].Final || counts[4].Uptime != 0 {
		t.Errorf("got %+v", counts)
	}
}

// summed adds up the newest revisions of minutes.
func summed(t *testing.T, counts []sidecar.Count) map[string]int {
	t.Helper()
	newest := map[time.Time]sidecar.Count{}
	for _, c := range counts {
		sane(t, "restarts", c)
		if before, ok := newest[c.From]; ok && before.Rev >= c.Rev {
			t.Errorf("%v came with revision %d after %d", c.From, c.Rev, before.Rev)
		}
		newest[c.From] = c
	}
	all := map[string]int{}
	for _, c := range newest {
		for _, r := range c.Rows {
			if r.N != nil {
				all[r.Rule+" "+string(r.Kind)+" "+string(r.Class)+" "+string(r.Direction)+r.From+" "+r.To] += *r.N
			}
		}
	}
	return all
}

// toldBy adds up the events as a reader does who knows ids.
func toldBy(events []sidecar.Event) map[string]int {
	keys, all := map[string]string{}, map[string]int{}
	for _, e := range events {
		if keys[e.ID] != "" {
			continue
		}
		switch d := e.Data.(type) {
		case sidecar.Crossing:
			keys[e.ID] = d.Rule + " flow " + string(d.Class) + " " + string(d.Direction) + " "
		case sidecar.Turn:
			keys[e.ID] = d.Rule + " turn " + string(d.Class) + " " + d.From + " " + d.To
		case sidecar.ZoneChange:
			kind := map[sidecar.EventType]string{sidecar.ZoneEntered: "entries", sidecar.ZoneLeft: "exits"}[e.Type]
			keys[e.ID] = d.Rule + " " + kind + " " + string(d.Class) + "  "
		case sidecar.ParkingChange:
			switch {
			case e.Type == sidecar.ParkingOccupied && !d.Found:
				keys[e.ID] = d.Rule + " arrivals " + string(d.Class) + "  "
			case e.Type == sidecar.ParkingFreed && !d.Lost:
				keys[e.ID] = d.Rule + " departures " + string(d.Class) + "  "
			}
		case sidecar.Correction:
			all[keys[d.Withdraws]]--
		}
		if keys[e.ID] != "" {
			all[keys[e.ID]]++
		}
	}
	return all
}

// However often the program dies, what the minutes sum up to is what the events say.
func TestRestartsLoseAndDoubleNothing(t *testing.T) {
	functions := append(with(simpang), square, lot, rally, jam, pace)
	for seed := range uint64(3) {
		random := rand.New(rand.NewPCG(seed, 1))
		f := newFilm(t, 5, functions...)
		var counts []sidecar.Count
		crowd := map[sidecar.TrackID]sidecar.Track{}
		next, died := sidecar.TrackID(1), 0
		for range 1500 {
			if random.IntN(4) == 0 && len(crowd) < 12 {
				v := vehicle(next, sidecar.Classes()[random.IntN(6)], 0.1+0.8*random.Float64(), 0.3+0.6*random.Float64())
				v.Velocity = sidecar.Point{0.3 * (random.Float64() - 0.5), 0.3 * (random.Float64() - 0.5)}
				if random.IntN(3) == 0 {
					v = parkedStill(car(next, 0.35+0.1*float64(random.IntN(2)), 0.58))
				}
				crowd[next] = v
				next++
			}
			s := &sidecar.Scene{}
			for id := sidecar.TrackID(1); id < next; id++ {
				v, there := crowd[id]
				if !there {
					continue
				}
				v.Box = v.Box.Intersect(sidecar.Box{Left: -1, Top: -1, Right: 2, Bottom: 2})
				dx, dy := v.Velocity[0]/5, v.Velocity[1]/5
				v.Box = sidecar.Box{Left: v.Box.Left + dx, Top: v.Box.Top + dy, Right: v.Box.Right + dx, Bottom: v.Box.Bottom + dy}
				crowd[id] = v
				if c := v.Box.Centre(); random.IntN(60) == 0 || c[0] < 0 || c[0] > 1 || c[1] < 0 || c[1] > 1 {
					delete(crowd, id)
					s.Ended = append(s.Ended, v)
					continue
				}
				s.Tracks = append(s.Tracks, v)
			}
			f.play(s)
			counts = append(counts, f.a.Counts(began.Add(f.at))...)
			if random.IntN(100) > 0 {
				continue
			}
			if died++; random.IntN(2) == 0 {
				counts = append(counts, f.a.Pause(began.Add(f.at))...)
			}
			f.restart(time.Duration(random.IntN(20000)) * time.Millisecond)
			renamed := map[sidecar.TrackID]sidecar.Track{}
			next = 1
			for id := range sidecar.TrackID(2000) {
				if v, there := crowd[id]; there {
					v.ID = next
					renamed[next] = v
					next++
				}
			}
			crowd = renamed
		}
		events, last := f.a.Close(began.Add(f.at))
		counts = append(counts, last...)
		got, want := summed(t, counts), toldBy(append(f.events, events...))
		for key := range want {
			if got[key] != want[key] {
				t.Errorf("seed %d: minutes say %d, events say %d of %q", seed, got[key], want[key], key)
			}
		}
		for key, n := range got {
			kind := strings.Fields(key)[1]
			if told := slices.Contains([]string{"flow", "turn", "entries", "exits", "arrivals", "departures"}, kind); told && n != want[key] {
				t.Errorf("seed %d: minutes say %d, events say %d of %q", seed, n, want[key], key)
			}
		}
		if died < 5 || want["square entries person  "] != want["square exits person  "] || len(want) < 10 {
			t.Errorf("seed %d: %d restarts, %v", seed, died, want)
		}
	}
}

// After days nothing is made up: a day of minutes without numbers, and the place is lost.
func TestMemoryOfDaysAgo(t *testing.T) {
	f := newFilm(t, 10, lot)
	f.hold(30*time.Second, f.park(1))
	f.a.Counts(began.Add(f.at))
	f.restart(80 * time.Hour)
	counts := f.a.Counts(began.Add(f.at))
	f.wait(time.Second)
	if n := len(counts); n < longest || n > longest+2 {
		t.Errorf("got %d minutes, want a day", n)
	}
	d, _ := f.events[len(f.events)-1].Data.(sidecar.ParkingChange)
	if got := f.sessions(); !strings.Contains(got, "-A1") || !d.Lost {
		t.Errorf("got %q, %+v, want the session lost", got, d)
	}
}

// What is kept does not grow with the time for which a camera was looked at.
func TestMemoryIsBounded(t *testing.T) {
	f := newFilm(t, 2, across, square, lot, pace)
	grow := func(minutes int) int {
		for end := f.at + time.Duration(minutes)*time.Minute; f.at < end; {
			id := sidecar.TrackID(f.seq + 1)
			for y := 0.3; y < 0.7; y += 0.1 {
				f.show(walker(id, 0.5, y), car(id+1, 0.35, y))
			}
			f.end(id, id+1)
			f.a.Counts(began.Add(f.at))
		}
		text, err := f.a.Memory()
		if err != nil {
			t.Fatal(err)
		}
		return len(text)
	}
	first := grow(20)
	if second := grow(60); second > first*5/4 || first > 100<<10 {
		t.Errorf("after 20 minutes it takes %d bytes, and after 80 %d", first, second)
	}
}

// BenchmarkMemory writes down what is known of a busy camera.
func BenchmarkMemory(b *testing.B) {
	f := newFilm(b, 10, append(with(simpang), square, lot, rally, jam, pace)...)
	for range 100 {
		f.play(busy(f, 50))
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		text, err := f.a.Memory()
		if err != nil {
			b.Fatal(err)
		}
		n = len(text)
	}
	b.ReportMetric(float64(n), "bytes")
}

// Whatever lies in the state folder, an analyser is made of it that works, or none.
func FuzzRecall(f *testing.F) {
	street := newFilm(f, 10, append(with(simpang), square, lot, kerb, rally, jam)...)
	for i := range 60 {
		street.show(walker(1, 0.5, 0.3+0.01*float64(i)), parkedStill(car(2, 0.35, 0.58)))
	}
	text, err := street.a.Memory()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"version":1,"interval":1,"functions":[]}`))
	f.Add([]byte(`{"version":2}`))
	f.Add([]byte(fmt.Sprintf(`{"version":1,"interval":1,"objects":[{"Elder":1},{"Elder":0}],"functions":%s,"states":{"lot":{"Places":[{"Bay":"A1","State":2,"Holder":9}]}}}`, must(json.Marshal([]sidecar.Function{lot})))))
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := Recall(text)
		if err != nil {
			return
		}
		again := film{t: t, a: a, fps: 10, epoch: "e2", born: map[sidecar.TrackID]sidecar.Track{}}
		again.show(walker(1, 0.5, 0.5))
		a.Pause(began)
		a.Close(began.Add(time.Minute))
	})
}

func must(text []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return text
}
