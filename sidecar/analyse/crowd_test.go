package analyse

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pantau/sidecar"
)

// rally is the lower half of the picture, 20 by 10 metres.
var rally = sidecar.Function{ID: "rally", Kind: "crowd", Levels: []int{10, 20}, Polygon: sidecar.Polygon{{0, 0.5}, {1, 0.5}, {1, 1}, {0, 1}},
	Plane: &sidecar.Plane{Points: []sidecar.Point{{0, 0.5}, {1, 0.5}, {1, 1}, {0, 1}}, Width: 20, Length: 10}}

// people are n persons in a grid, far apart.
func people(n int) []sidecar.Track {
	var all []sidecar.Track
	for i := range n {
		p := walker(sidecar.TrackID(i+1), 0.05+0.09*float64(i%10), 0.6+0.06*float64(i/10))
		p.Box.Top = p.Box.Bottom - 0.05
		all = append(all, p)
	}
	return all
}

// levels tells the levels of a film as "0>1 12".
func (f *film) levels() string {
	var words []string
	for _, e := range f.events {
		if d, ok := e.Data.(sidecar.LevelChange); ok {
			n := "-"
			if d.Count != nil {
				n = fmt.Sprint(*d.Count)
			}
			words = append(words, fmt.Sprintf("%d>%d %s", d.From, d.To, n))
		}
	}
	return strings.Join(words, ", ")
}

func TestCrowdLevels(t *testing.T) {
	packedUp := func() []sidecar.Track {
		all := people(40)
		for i := range all {
			all[i].Box.Top = all[i].Box.Bottom - 0.3
			all[i].Box.Left, all[i].Box.Right = all[i].Box.Left-0.04, all[i].Box.Right+0.04
		}
		return all
	}
	far := people(30)
	for i := range far {
		far[i].Box.Top = far[i].Box.Bottom - 0.006
	}
	for _, c := range []struct {
		name string
		play func(f *film)
		want string
	}{
		{"few", func(f *film) { f.hold(time.Minute, people(9)...) }, ""},
		{"rises and falls", func(f *film) {
			for _, n := range []int{5, 15, 25, 15, 5} {
				f.hold(20*time.Second, people(n)...)
			}
		}, "0>1 15, 1>2 25, 2>1 15, 1>0 5"},
		{"wavers about a level", func(f *film) {
			f.hold(20*time.Second, people(11)...)
			for i := range 60 {
				f.hold(time.Second, people(9+i%3)...)
			}
		}, "0>1 11"},
		{"is there for a moment", func(f *film) {
			f.hold(20*time.Second, people(5)...)
			f.hold(2*time.Second, people(25)...)
			f.hold(20*time.Second, people(5)...)
		}, ""},
		{"stands too close to be counted", func(f *film) {
			f.hold(20*time.Second, packedUp()...)
			f.hold(20*time.Second, people(15)...)
		}, "0>-1 -, -1>1 15"},
		{"is too small to be counted", func(f *film) { f.hold(20*time.Second, far...) }, "0>-1 -"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFilm(t, 10, rally)
			c.play(f)
			if got := f.levels(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestCrowdTellsDensityOrNothing(t *testing.T) {
	f := newFilm(t, 10, rally)
	f.hold(20*time.Second, people(20)...)
	if d, ok := f.events[len(f.events)-1].Data.(sidecar.LevelChange); !ok || math.Abs(d.Density-0.1) > 0.001 {
		t.Errorf("got %+v, want 0.1 heads per m²", f.events)
	}
	far := people(30)
	for i := range far {
		far[i].Box.Top = far[i].Box.Bottom - 0.006
	}
	f.hold(time.Minute, far...)
	_, counts := f.a.Close(began.Add(f.at))
	if len(counts[0].Rows) != 0 || counts[0].Quality != sidecar.QualityLow || len(counts[0].Flags) != 1 || counts[0].Flags[0] != "dense" {
		t.Errorf("got %+v, want no number and the flag dense", counts[0])
	}
}

// FuzzCrowdLevels looks that each level goes on from the one before.
func FuzzCrowdLevels(f *testing.F) {
	f.Add([]byte{1, 30, 30, 10, 5, 0})
	f.Fuzz(func(t *testing.T, numbers []byte) {
		film := newFilm(t, 2, rally)
		for _, n := range numbers[:min(len(numbers), 100)] {
			film.hold(3*time.Second, people(int(n%60))...)
		}
		last := 0
		for _, e := range film.events {
			if d, ok := e.Data.(sidecar.LevelChange); ok {
				if d.From != last || d.To == last || d.To >= 0 && d.Count == nil {
					t.Fatalf("got %q", film.levels())
				}
				last = d.To
			}
		}
	})
}
