package sidecar

import (
	"encoding/json"
	"image"
	"math"
	"strings"
	"testing"
	"time"
)

func scene() *Scene {
	return &Scene{
		Stamp: Stamp{Epoch: "k3f9", PTS: 1<<33 + 90000, Origin: 1 << 33, RTPTime: 90000, ClockRate: 90000,
			Capture: time.Date(2026, 11, 23, 5, 41, 7, 240e6, time.FixedZone("WIB", 7*3600)), Source: TimeRTCP},
		Camera: "smg-0421", Seq: 5910, Width: 1280, Height: 720, Model: "yolox-tiny@1", Rules: "r17",
		Latency: Latency{Decode: 9 * time.Millisecond, Total: 58200 * time.Microsecond},
		Tracks: []Track{
			{ID: 8842, Confirmed: true, Class: Motorcycle, Score: 0.8712, Box: Box{0.412, 0.53, 0.447, 0.611}, Motion: Moving, Age: 41, Zones: []string{"alun"}},
			{Class: Person, Score: 0.3},
		},
		Zones: []Zone{{ID: "alun", Counts: []ClassCount{{Car, 3}, {Motorcycle, 11}}}},
	}
}

func TestSceneJSON(t *testing.T) {
	got := string(scene().AppendJSON(nil))
	want := `{"cam":"smg-0421","seq":5910,"epoch":"k3f9","ts":"2026-11-22T22:41:07.240000Z","ts_source":"rtcp_sr",` +
		`"rtp":90000,"pts":8590024592,"pts_us":1000000,"clock":90000,"w":1280,"h":720,` +
		`"lat_ms":{"recv":0,"decode":9,"wait":0,"infer":0,"total":58.2},"model":"yolox-tiny@1","rules":"r17",` +
		`"objects":[{"id":"8842","cls":"motorcycle","conf":0.871,"box":[0.412,0.53,0.447,0.611],"state":"moving","age":41,"zones":["alun"]}],` +
		`"zones":[{"id":"alun","counts":{"car":3,"motorcycle":11}}]}`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if !json.Valid([]byte(got)) {
		t.Error("this is no JSON")
	}
}

func TestSceneJSONSaysWhatWasLookedAt(t *testing.T) {
	s := scene()
	s.Looked = []Box{{0, 0.25, 1, 0.5}, {0.1, 0.6, 0.4, 1}}
	got := string(s.AppendJSON(nil))
	want := strings.TrimSuffix(string(scene().AppendJSON(nil)), "}") + `,"looked":[[0,0.25,1,0.5],[0.1,0.6,0.4,1]]}`
	if got != want || !json.Valid([]byte(got)) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSceneJSONAllocatesNothing(t *testing.T) {
	s, buf := scene(), make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { buf = s.AppendJSON(buf[:0]) }); n != 0 {
		t.Errorf("got %v allocations, want none", n)
	}
}

// FuzzSceneJSON looks that whatever stands in a scene, JSON comes out.
func FuzzSceneJSON(f *testing.F) {
	f.Add("cam", "e", 0.5, int64(3))
	f.Add("\x00\"\\<é\xff", "\u2028", math.NaN(), int64(math.MinInt64))
	f.Add("a", "b", math.Inf(-1), int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, name, epoch string, v float64, n int64) {
		s := scene()
		s.Camera, s.Epoch, s.PTS, s.Tracks[0].Score, s.Tracks[0].Box.Left = name, epoch, n, v, v
		s.Tracks[0].Zones, s.Zones[0].ID, s.Latency.Wait = []string{name, epoch}, name, time.Duration(n)
		var back map[string]any
		if err := json.Unmarshal(s.AppendJSON(nil), &back); err != nil {
			t.Fatalf("%v: %s", err, s.AppendJSON(nil))
		}
	})
}

func TestMediaTimeDoesNotOverflow(t *testing.T) {
	// Ten years at 90 kHz.
	const years = 10 * 365 * 24 * time.Hour
	s := Stamp{PTS: 90000 * int64(years/time.Second), ClockRate: 90000}
	if got := s.Media(); got != years {
		t.Errorf("got %v, want %v", got, years)
	}
	if got := (Stamp{PTS: 5}).Media(); got != 0 {
		t.Errorf("got %v without a clock rate, want 0", got)
	}
}

func TestEventID(t *testing.T) {
	if got, want := EventID("smg-0421", "line-3", "k3f9", 8842, 1), "smg-0421/line-3/k3f9/8842/1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// closing counts how often a picture is closed.
type closing struct{ n int }

func (c *closing) Size() (int, int)                       { return 1, 1 }
func (c *closing) Letterbox([]float32, Letterbox) error   { return nil }
func (c *closing) LetterboxBytes([]byte, Letterbox) error { return nil }
func (c *closing) JPEG(int) ([]byte, error)               { return nil, nil }
func (c *closing) YCbCr() (*image.YCbCr, error)           { return nil, nil }
func (c *closing) Planes(*image.YCbCr) (Colours, error)   { return Colours{}, nil }
func (c *closing) Close()                                 { c.n++ }

func TestTheLastReleaseClosesThePicture(t *testing.T) {
	p := &closing{}
	f := &Frame{Picture: p}
	f.Retain().Retain()
	f.Release()
	f.Release()
	if p.n != 0 {
		t.Fatal("the picture was closed while somebody held it")
	}
	f.Release()
	if p.n != 1 {
		t.Errorf("the picture was closed %d times, want once", p.n)
	}
}

func TestHistogram(t *testing.T) {
	var h Histogram
	for _, d := range []time.Duration{0, time.Millisecond, 3 * time.Millisecond, time.Minute} {
		h.Observe(d)
	}
	if h.Counts[0] != 2 || h.Counts[2] != 1 || h.Counts[11] != 1 || h.Sum != time.Minute+4*time.Millisecond {
		t.Errorf("got %+v", h)
	}
}
