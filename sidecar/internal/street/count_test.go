package street

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/analyse"
	"pantau/sidecar/track"
)

// counted is a crossing that was counted and not withdrawn.
type counted struct {
	sidecar.Crossing
	id    string
	t     float64
	agent int // whom its track followed about then; 0: nobody
}

// play gives the detections of a film to the real tracker and the real analyser.
type play struct {
	film      *Film
	found     [][]sidecar.Detection
	functions []sidecar.Function
	tracker   *track.Tracker
	analyser  *analyse.Analyser
	events    []sidecar.Event
	scenes    []*sidecar.Scene
	whom      map[string][]sight // by track
	entered   int
	left      int
}

// sight says whom a track was on at a time.
type sight struct {
	t     float64
	agent int
}

var began = time.Date(2026, 11, 23, 5, 41, 0, 0, time.UTC)

func run(t testing.TB, f *Film, found [][]sidecar.Detection, fps float64) *play {
	p := &play{film: f, found: found, tracker: track.New(track.Options{}), whom: map[string][]sight{}}
	p.functions = []sidecar.Function{{ID: "line", Kind: "line", Line: f.Line[:]}, {ID: "zone", Kind: "zone", Polygon: f.Zone}}
	var err error
	if p.analyser, err = analyse.New(sidecar.Camera{ID: "cam", Functions: p.functions}, analyse.Options{Model: "m@1", Rules: "r1", FPS: fps}); err != nil {
		t.Fatalf("seed %d: %v", f.Seed, err)
	}
	for i := range f.Frames {
		p.frame(&f.Frames[i], found[i], uint64(i+1))
	}
	last, _ := p.analyser.Close(began.Add(f.Frames[len(f.Frames)-1].At))
	p.events = append(p.events, last...)
	for _, r := range p.analyser.Totals() {
		switch r.Kind {
		case sidecar.Entries:
			p.entered += *r.N
		case sidecar.Exits:
			p.left += *r.N
		}
	}
	return p
}

func (p *play) frame(f *Frame, found []sidecar.Detection, seq uint64) {
	r := p.tracker.Update(f.At, found)
	pts := int64(f.At.Seconds()*90000 + 0.5)
	s := &sidecar.Scene{Stamp: sidecar.Stamp{Epoch: "e1", PTS: pts, RTPTime: uint32(pts), ClockRate: 90000, Capture: began.Add(f.At), Source: sidecar.TimeRTCP},
		Seq: seq, Camera: "cam", Model: "m@1", Rules: "r1", Tracks: slices.Clone(r.Tracks), Ended: slices.Clone(r.Ended), Merged: slices.Clone(r.Merged)}
	for _, k := range s.Tracks {
		if k.Confirmed && k.Observed {
			id := k.ID.String()
			p.whom[id] = append(p.whom[id], sight{f.At.Seconds(), nearest(f, k.Box)})
		}
	}
	p.events = append(p.events, p.analyser.Update(s)...)
	p.scenes = append(p.scenes, s)
}

// nearest is the agent whose box is most like b.
func nearest(f *Frame, b sidecar.Box) int {
	best, most := 0, 0.25
	for i := range f.Objects {
		if iou := f.Objects[i].Box.IoU(b); iou > most {
			best, most = f.Objects[i].Agent, iou
		}
	}
	return best
}

// withdrawn are the ids of events that do not hold any more.
func (p *play) withdrawn() map[string]bool {
	ids := map[string]bool{}
	for _, e := range p.events {
		if c, ok := e.Data.(sidecar.Correction); ok {
			ids[c.Withdraws] = true
		}
	}
	return ids
}

// crossings lists what was counted on the line in the end.
func (p *play) crossings() []counted {
	withdrawn := p.withdrawn()
	var all []counted
	for _, e := range p.events {
		if c, ok := e.Data.(sidecar.Crossing); ok && !withdrawn[e.ID] {
			at := float64(c.PTS) / 1e6
			all = append(all, counted{c, e.ID, at, p.agent(c.Track, at)})
		}
	}
	return all
}

// agent is whom a track followed most within a second about a time.
func (p *play) agent(id string, at float64) int {
	votes, best := map[int]float64{}, 0
	for _, s := range p.whom[id] {
		if s.agent != 0 {
			if d := math.Abs(s.t - at); d < 3 {
				votes[s.agent] += 1 / (0.2 + d)
			}
		}
	}
	for a, v := range votes {
		if v > votes[best] || v == votes[best] && a < best {
			best = a
		}
	}
	return best
}

// tally is how counts compare with the truth.
type tally struct {
	truth, matched, missed int
	extra                  int // counted, and not true
	double                 int // of them: agents that were counted that way already, and have not gone back
	hidden, hiddenMatched  int
	counted                int // without those of hidden and doubtful truth
	rightClass             int
	found, looked          int // objects near the line
	extras                 []string
	misses                 []string
}

func (y *tally) add(o tally) {
	y.truth += o.truth
	y.matched += o.matched
	y.missed += o.missed
	y.extra += o.extra
	y.double += o.double
	y.hidden += o.hidden
	y.hiddenMatched += o.hiddenMatched
	y.counted += o.counted
	y.rightClass += o.rightClass
	y.found += o.found
	y.looked += o.looked
	y.extras = append(y.extras, o.extras...)
	y.misses = append(y.misses, o.misses...)
}

// pair is a possible match of a counted and a true crossing.
type pair struct {
	i, j int
	cost float64
}

// score matches counted crossings with true ones: the same direction, near in time
// and in place. Each is matched at most once, the nearest first.
func (p *play) score() tally {
	got, want := p.crossings(), p.film.Crossings
	var pairs []pair
	for i, g := range got {
		for j, w := range want {
			dt := max(0, w.From-g.t, g.t-w.To) / 1.5
			away := math.Hypot(g.At[0]-w.At[0], (g.At[1]-w.At[1])/aspect) / max(w.Size, 0.02) / 1.5
			if g.Direction == w.Direction && dt <= 1 && away <= 1 {
				c := dt + away
				if g.agent == w.Agent {
					c -= 2
				}
				pairs = append(pairs, pair{i, j, c})
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int {
		switch {
		case a.cost < b.cost:
			return -1
		case a.cost > b.cost:
			return 1
		}
		return 0
	})
	gotPartner, wantPartner := make([]int, len(got)), make([]int, len(want))
	for _, x := range pairs {
		if gotPartner[x.i] == 0 && wantPartner[x.j] == 0 {
			gotPartner[x.i], wantPartner[x.j] = x.j+1, x.i+1
		}
	}
	var y tally
	for j, w := range want {
		m := wantPartner[j] != 0
		switch {
		case w.Doubtful:
		case w.Hidden:
			y.hidden++
			if m {
				y.hiddenMatched++
			}
		default:
			y.truth++
			if m {
				y.matched++
				y.counted++
				if got[wantPartner[j]-1].Class == w.Class {
					y.rightClass++
				}
			} else {
				y.missed++
				kind, story := p.why(w, p.found)
				y.misses = append(y.misses, fmt.Sprintf("%s: seed %d %.2f s %s %s agent %d size %.3f: %s", kind, p.film.Seed, w.T, w.Class, w.Direction, w.Agent, w.Size, story))
			}
		}
	}
	for i, g := range got {
		if gotPartner[i] == 0 {
			y.extra++
			y.counted++
			what := "false"
			if p.again(got, i) {
				y.double++
				what = "double"
			}
			y.extras = append(y.extras, fmt.Sprintf("seed %d %.2f s %s %s agent %d track %s %s: %s", p.film.Seed, g.t, g.Class, g.Direction, g.agent, g.Track, what, p.rival(g)))
		}
	}
	return y
}

// again says whether an agent was counted in the same direction before or after,
// and not in the other in between.
func (p *play) again(got []counted, i int) bool {
	g := got[i]
	if g.agent == 0 {
		return false
	}
	before, after := -1, -1
	for j, o := range got {
		if j == i || o.agent != g.agent {
			continue
		}
		if o.t <= g.t && (before < 0 || o.t > got[before].t) {
			before = j
		}
		if o.t > g.t && (after < 0 || o.t < got[after].t) {
			after = j
		}
	}
	return before >= 0 && got[before].Direction == g.Direction || after >= 0 && got[after].Direction == g.Direction
}

// recall is the part of the objects near the line that were found.
func recall(f *Film, found [][]sidecar.Detection) (hit, all int) {
	for i := range f.Frames {
		for _, o := range f.Frames[i].Objects {
			if !o.Near || o.Visible < halfSeen {
				continue
			}
			all++
			if slices.ContainsFunc(found[i], func(d sidecar.Detection) bool { return d.Box.IoU(o.Box) >= 0.4 }) {
				hit++
			}
		}
	}
	return hit, all
}
