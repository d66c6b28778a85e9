package audit

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"pantau/sidecar"
)

var quad = sidecar.Polygon{{0.1, 0.1}, {0.9, 0.1}, {0.9, 0.9}, {0.1, 0.9}}

// places has one function of each kind of which moments are drawn.
var places = sidecar.Camera{ID: "cam", Functions: []sidecar.Function{
	{ID: "square", Kind: "zone", Polygon: quad},
	{ID: "lot", Kind: "parking", Bays: map[string]sidecar.Polygon{"A1": quad, "A2": quad}},
	{ID: "rally", Kind: "crowd", Polygon: quad, Levels: []int{10}},
	{ID: "jam", Kind: "congestion", Polygon: quad},
}}

func moved(kind sidecar.EventType, id string, at time.Duration, class sidecar.Class) sidecar.Event {
	return sidecar.Event{ID: id, Type: kind, Camera: "cam", Data: sidecar.ZoneChange{
		Origin: sidecar.Origin{Camera: "cam", Rule: "square", Epoch: "a", PTS: at.Microseconds()}, Class: class}}
}

// watch gives a recorder pictures at 5 a second, with what is said of their zones.
func watch(t *testing.T, r *recorder, from, to time.Duration, zones ...sidecar.Zone) {
	t.Helper()
	img := image.NewYCbCr(image.Rect(0, 0, 64, 48), image.YCbCrSubsampleRatio420)
	for at := from; at < to; at += 200 * time.Millisecond {
		if err := errors.Join(r.frame(img, stampAt("a", at), "m@1", "r1"), r.look(zones)); err != nil {
			t.Fatal(err)
		}
	}
}

func people(n int) []sidecar.ClassCount { return []sidecar.ClassCount{{Class: sidecar.Person, N: n}} }

func TestMomentsAreDrawn(t *testing.T) {
	f := In(t.TempDir())
	r, err := newRecorder(f, order(Order{Crossings: 20, Quiet: 6}), places)
	if err != nil {
		t.Fatal(err)
	}
	const s = time.Second
	full := []sidecar.Zone{{ID: "square", Counts: []sidecar.ClassCount{{Class: sidecar.Person, N: 2}, {Class: sidecar.Car, N: 1}}},
		{ID: "lot", Bays: []string{"A2"}}, {ID: "rally", Counts: people(7)}, {ID: "jam", Counts: people(9)}}
	watch(t, r, 0, 8*s, full...)
	r.facts([]sidecar.Event{moved(sidecar.ZoneEntered, "1", 5*s, sidecar.Person), moved(sidecar.ZoneEntered, "2", 6*s, sidecar.Car),
		moved(sidecar.ZoneLeft, "3", 7*s, sidecar.Person), withdrawn("square", "a", "2")})
	watch(t, r, 8*s, 40*s, full...)
	watch(t, r, 40*s, 100*s, sidecar.Zone{ID: "square"}, sidecar.Zone{ID: "lot", Bays: []string{}}, sidecar.Zone{ID: "rally"})
	if p := r.progress(time.Now()); len(p.Lines) != 4 || !p.Lines[1].Moments || p.Lines[1].Busy != 40 || p.Lines[0].Moments {
		t.Errorf("got the progress %+v", p)
	}
	if err := errors.Join(r.finish(100*s), f.develop(t.Context(), "cam")); err != nil {
		t.Fatal(err)
	}
	record, ok, err := f.Record("cam")
	if err != nil || !ok || len(record.Lines) != 4 || record.Width != 64 {
		t.Fatalf("got %+v, %v, %v", record, ok, err)
	}
	for i, want := range []struct {
		rule    string
		moments bool
		counted string
		windows [strata]int
		strips  int
	}{
		{"square", false, tallyText(Tally{{sidecar.In, People}: 1, {sidecar.Out, People}: 1}), [strata]int{9, 1}, 7},
		{"square", true, tallyText(Tally{{now, People}: 80, {now, Vehicles}: 40}), [strata]int{60, 40}, 6 + 8},
		{"lot", true, tallyText(Tally{{bay, "A2"}: 40}), [strata]int{60, 40}, 6 + 20},
		{"rally", true, tallyText(Tally{{now, People}: 280}), [strata]int{60, 40}, 6 + 8},
	} {
		l := record.Lines[i]
		if got := tallyText(l.Counted); l.Rule.ID != want.rule || l.Moments != want.moments || got != want.counted || l.Windows != want.windows || len(l.Strips) != want.strips {
			t.Errorf("got %s, %v, %s, %v windows, %d strips, want %+v", l.Rule.ID, l.Moments, got, l.Windows, len(l.Strips), want)
		}
	}
	stills := 0
	for _, s := range record.Shown() {
		file, media, err := f.Film("cam", s.ID)
		if err != nil {
			t.Fatal(err)
		}
		data, _ := io.ReadAll(file)
		_ = file.Close()
		if (media == "image/jpeg") != s.Still || len(data) == 0 {
			t.Errorf("%s: %s of %d bytes", s.ID, media, len(data))
		}
		if !s.Still {
			continue
		}
		stills++
		if c, err := jpeg.DecodeConfig(bytes.NewReader(data)); err != nil || c.Width != 64 {
			t.Errorf("%s: %v, %v", s.ID, c, err)
		}
		if (s.Name == "lot") != (len(s.Bays) == 2) || (s.Name == "rally") != (len(s.Groups) == 1) || (len(s.Polygon) == 4) == (s.Name == "lot") {
			t.Errorf("%s is shown as %+v", s.ID, s)
		}
	}
	page, err := os.ReadFile(f.Page("cam"))
	if err != nil || stills != 54 || bytes.Count(page, []byte(`"still":true`)) != stills || bytes.Contains(page, []byte(`"counted"`)) {
		t.Errorf("%d pictures; the page lacks some, or tells what was counted: %v", stills, err)
	}
	left, err := os.ReadDir(f.strips("cam"))
	if err != nil || len(left) != len(record.Shown()) {
		t.Errorf("%d files for %d strips and pictures, %v", len(left), len(record.Shown()), err)
	}
	judged(t, record)
}

// judged tallies a recording: one of three in the square is never counted, A1 is taken
// too, and the crowd is right.
func judged(t *testing.T, record *Record) {
	t.Helper()
	a := Answer{Audit: record.ID, Strips: map[string]Tally{}}
	for _, l := range record.Lines {
		for _, s := range l.Strips {
			tally := Tally{}
			for k, n := range s.Counted {
				tally[k] = n
			}
			switch {
			case !s.Still || s.Stratum == quiet:
			case l.Rule.ID == "square":
				tally[Key{now, People}]++
			case l.Rule.ID == "lot":
				tally[Key{bay, "A1"}] = 1
			}
			a.Strips[s.ID] = tally
		}
	}
	result, err := Judge(record, a)
	if err != nil {
		t.Fatal(err)
	}
	published := newest([]Result{result}, func(*Result) bool { return true })
	got := map[string]sidecar.Audit{}
	for _, v := range published {
		got[v.Rule+" "+string(v.Kind)+string(v.Direction)] = v
	}
	for key, bias := range map[string]float64{"square presence": -0.25, "lot occupancy": -0.5, "rally heads": 0} {
		v, ok := got[key]
		if !ok || math.Abs(v.Bias-bias) > 1e-4 || v.Low > v.Bias || v.High < v.Bias || v.Low == v.High {
			t.Errorf("%s: got %+v, want a bias of %v", key, v, bias)
		}
	}
	if len(got) != 3 { // one entry and one exit mean nothing
		t.Errorf("got %v", got)
	}
	l := result.Lines[1]
	counted, truth := l.Numbers(l.Estimates[0])
	if l.Of(l.Estimates[0]) != "presence" || l.Of(l.Estimates[1]) != "presence of people" || math.Abs(counted-1.2) > 1e-9 || math.Abs(truth-1.6) > 1e-9 {
		t.Errorf("got %s: %v of %v, and %s", l.Of(l.Estimates[0]), counted, truth, l.Of(l.Estimates[1]))
	}
	if first := result.Lines[0]; first.Of(first.Estimates[0]) != "entries" || first.Of(first.Estimates[1]) != "exits" {
		t.Errorf("got %+v", first.Estimates)
	}
}

// A tally is of what stands on its picture.
func TestAnswersOfMoments(t *testing.T) {
	r := &Record{Order: Order{ID: "R"}, Lines: []*Line{
		{Rule: places.Functions[0], Strips: []*Strip{{ID: "square-1"}}},
		{Rule: places.Functions[0], Moments: true, Strips: []*Strip{{ID: "square@1", Still: true}}},
		{Rule: places.Functions[1], Moments: true, Strips: []*Strip{{ID: "lot@1", Still: true}}},
	}}
	for text, want := range map[string]string{
		`{"square-1":{"in/people":1,"out/vehicles":2},"square@1":{"now/people":3},"lot@1":{"bay/A1":1,"bay/A2":0}}`: "",
		`{"square-1":{"now/people":1},"square@1":{},"lot@1":{}}`:                                                    "strips.square-1.now/people",
		`{"square-1":{},"square@1":{"in/people":1},"lot@1":{}}`:                                                     "strips.square@1.in/people",
		`{"square-1":{},"square@1":{},"lot@1":{"now/vehicles":1}}`:                                                  "strips.lot@1.now/vehicles",
		`{"square-1":{},"square@1":{},"lot@1":{"bay/B7":1}}`:                                                        "strips.lot@1.bay/B7",
		`{"square-1":{},"square@1":{},"lot@1":{"bay/A1":2}}`:                                                        "strips.lot@1.bay/A1",
		`{"square-1":{},"square@1":{"now/people":1000000},"lot@1":{}}`:                                              "0 to 100000",
		`{"square-1":{},"square@1":{"bay/":1},"lot@1":{}}`:                                                          "bay/",
	} {
		path := t.TempDir() + "/tally.json"
		if err := os.WriteFile(path, []byte(`{"audit":"R","strips":`+text+`}`), 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := ReadAnswer(path)
		if err == nil {
			_, err = a.Of(r)
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

// The intervals of moments hold the true error: of squares that fill and empty, of
// which a part is missed and something is seen that is not there.
func TestIntervalsOfMoments(t *testing.T) {
	const audits = 100
	for _, c := range []struct {
		name                string
		mean, missed, false float64
	}{{"few", 0.8, 0.15, 0.02}, {"many", 12, 0.1, 0.3}, {"right", 4, 0, 0}, {"half blind", 6, 0.5, 0}} {
		held := 0
		for seed := range uint64(audits) {
			random := rand.New(rand.NewPCG(seed, 7))
			o := Order{Crossings: UsualCrossings, Quiet: UsualQuiet, Seed: seed + 1}
			m := newMomentRecorder(o, places.Functions[0])
			tallies := map[*Strip]Tally{}
			var counted, truth, level float64
			for range 1800 { // half an hour
				level += (c.mean-level)/60 + random.NormFloat64()*math.Sqrt(c.mean)/5
				there, said := int(max(0, math.Round(level))), 0
				for range there {
					if random.Float64() >= c.missed {
						said++
					}
				}
				if random.Float64() < c.false {
					said++
				}
				counted, truth = counted+float64(said), truth+float64(there)
				s := &Strip{Counted: Tally{}}
				if said > 0 {
					s.Stratum, s.Counted = busy, Tally{{now, People}: said}
				}
				m.line.Windows[s.Stratum]++
				m.line.Counted[Key{now, People}] += said
				if kept, instead := m.drawn[s.Stratum].offer(s); kept {
					tallies[s] = Tally{{now, People}: there}
					delete(tallies, instead)
				}
			}
			var seen []Seen
			for h, d := range m.drawn {
				chosen, _ := d.some(o.sizes(m.line)[h])
				for _, s := range chosen {
					seen = append(seen, Seen{s.Stratum, s.Counted, tallies[s]})
				}
			}
			e := Estimates(seen, Drawn{m.line.Windows, m.line.Counted})[0]
			if bias := counted/truth - 1; e.Bias.Low <= bias && bias <= e.Bias.High {
				held++
			}
		}
		if part := float64(held) / audits; part < 0.93 {
			t.Errorf("%s: the interval held the true bias in %.1f %% of the audits", c.name, 100*part)
		} else {
			t.Logf("%s: %.1f %%", c.name, 100*part)
		}
	}
}
