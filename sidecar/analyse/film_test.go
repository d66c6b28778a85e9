package analyse

import (
	"fmt"
	"strings"
	"time"

	"pantau/sidecar"
)

// began is the capture time of the first scene of every film.
var began = time.Date(2026, 11, 23, 5, 41, 0, 0, time.UTC)

// tester is a *testing.T, *testing.B or *rapid.T.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// film shows scenes to an analyser, and keeps what it says.
type film struct {
	t      tester
	a      *Analyser
	fps    float64
	at     time.Duration // media time of the next scene
	epoch  string
	seq    uint64
	events []sidecar.Event
	scene  *sidecar.Scene
	born   map[sidecar.TrackID]sidecar.Track // as they were shown first
}

func newFilm(t tester, fps float64, fns ...sidecar.Function) *film {
	t.Helper()
	a, err := New(sidecar.Camera{ID: "cam", Timezone: "Asia/Jakarta", Functions: fns}, Options{Model: "m@1", Rules: "r1", FPS: fps})
	if err != nil {
		t.Fatal(err)
	}
	return &film{t: t, a: a, fps: fps, epoch: "e1", born: map[sidecar.TrackID]sidecar.Track{}}
}

// walker is a track with its anchor (bottom) at a point.
func walker(id sidecar.TrackID, x, y float64) sidecar.Track {
	return sidecar.Track{ID: id, Confirmed: true, Observed: true, Class: sidecar.Person, Score: 0.8,
		Motion: sidecar.Moving, Box: sidecar.Box{Left: x - 0.02, Top: y - 0.1, Right: x + 0.02, Bottom: y}}
}

func (f *film) stamp() sidecar.Stamp {
	pts := int64(f.at.Seconds()*90000 + 0.5)
	return sidecar.Stamp{Epoch: f.epoch, PTS: pts, RTPTime: uint32(pts), ClockRate: 90000,
		Capture: began.Add(f.at), Source: sidecar.TimeRTCP}
}

// show gives the next scene to the analyser.
func (f *film) show(tracks ...sidecar.Track) []sidecar.Event {
	return f.play(&sidecar.Scene{Tracks: tracks})
}

// play gives a scene that has no stamp yet.
func (f *film) play(s *sidecar.Scene) []sidecar.Event {
	f.seq++
	s.Stamp, s.Seq, s.Camera, s.Model, s.Rules = f.stamp(), f.seq, "cam", "m@1", "r1"
	for i := range s.Tracks {
		t := &s.Tracks[i]
		first, ok := f.born[t.ID]
		if !ok {
			first = *t
			if first.Start.Area() == 0 {
				first.Start = t.Box
			}
			if first.Born == 0 {
				first.Born = s.Media()
			}
			f.born[t.ID] = first
		}
		t.Start, t.Born, t.Age = first.Start, first.Born, int((s.Media()-first.Born).Seconds()*f.fps)+1
	}
	f.scene = s
	events := f.a.Update(s)
	f.events = append(f.events, events...)
	f.at += time.Duration(float64(time.Second) / f.fps)
	return events
}

// end shows a scene in which tracks are given up, and the others stay as they were.
func (f *film) end(ids ...sidecar.TrackID) []sidecar.Event {
	s := &sidecar.Scene{}
	if f.scene != nil {
		s.Tracks = append(s.Tracks, f.scene.Tracks...)
	}
	for _, id := range ids {
		for i := range s.Tracks {
			if s.Tracks[i].ID == id {
				s.Tracks = append(s.Tracks[:i], s.Tracks[i+1:]...)
				break
			}
		}
		s.Ended = append(s.Ended, sidecar.Track{ID: id, Confirmed: true})
	}
	return f.play(s)
}

// wait shows empty scenes.
func (f *film) wait(d time.Duration) {
	for end := f.at + d; f.at < end; {
		f.show()
	}
}

// dirs tells the crossings of a film as "in out", in the order of their frames.
func (f *film) dirs() string {
	var b strings.Builder
	for _, e := range f.events {
		switch d := e.Data.(type) {
		case sidecar.Crossing:
			fmt.Fprintf(&b, "%s ", d.Direction)
		case sidecar.Correction:
			b.WriteString("correction ")
		}
	}
	return strings.TrimSpace(b.String())
}

// story tells all events but the ends of tracks, as "type track".
func (f *film) story() string {
	var words []string
	for _, e := range f.events {
		switch d := e.Data.(type) {
		case sidecar.ZoneChange:
			words = append(words, strings.TrimPrefix(string(e.Type), "zone.")+" "+d.Track)
		case sidecar.Crossing:
			words = append(words, string(d.Direction)+" "+d.Track)
		case sidecar.Correction:
			words = append(words, "correction "+d.Withdraws)
		}
	}
	return strings.Join(words, ", ")
}

// total is a number of the totals.
func (f *film) total(rule string, kind sidecar.RowKind, c sidecar.Class, dir sidecar.Direction) int {
	f.t.Helper()
	return number(f.t, f.a.Totals(), rule, kind, c, dir)
}

func number(t tester, rows []sidecar.CountRow, rule string, kind sidecar.RowKind, c sidecar.Class, dir sidecar.Direction) int {
	t.Helper()
	for _, r := range rows {
		if r.Rule == rule && r.Kind == kind && r.Class == c && r.Direction == dir && r.N != nil {
			return *r.N
		}
	}
	t.Fatalf("no row %s %s %s %s", rule, kind, c, dir)
	return 0
}

// across is a line from the left to the right in the middle of the picture:
// in is downwards.
var across = sidecar.Function{ID: "line", Kind: "line", Line: []sidecar.Point{{0, 0.5}, {1, 0.5}}}
