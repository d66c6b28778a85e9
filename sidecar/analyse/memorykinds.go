package analyse

import (
	"encoding/json"
	"slices"
	"time"

	"pantau/sidecar"
)

// What each kind of function knows, as JSON. Those that are not here begin anew: of
// who is in a rectangle of speeds, the part of the way before the restart is lost.

type keptGuest struct {
	Object    int
	Hits      int    `json:",omitempty"`
	Turned    moment `json:",omitzero"`
	Inside    bool
	Class     int
	Came      fix
	Seen      fix
	Announced string    `json:",omitempty"`
	Visit     time.Time `json:",omitzero"`
	Loiters   bool      `json:",omitempty"`
	N         int
}

func (z *zone) keep(s *shelf) any {
	return ofObjects(s, z.guests, func(n int, g *guest) (keptGuest, bool) {
		return keptGuest{n, g.hits, g.turned, g.inside, g.class, g.came, g.seen, g.announced, g.visit, g.loiters, g.n}, g.inside || g.hits > 0
	})
}

func (z *zone) recall(data []byte, s *shelf) error {
	var kept []keptGuest
	if err := json.Unmarshal(data, &kept); err != nil {
		return err
	}
	for _, k := range kept {
		o := s.at(k.Object)
		if o == nil || k.Class < -1 || k.Class >= len(z.classes) {
			return errMemory
		}
		z.guests[o] = &guest{inside: k.Inside, hits: k.Hits, turned: k.Turned, class: k.Class, came: k.Came, seen: k.Seen,
			announced: k.Announced, visit: k.Visit, loiters: k.Loiters, n: k.N}
	}
	return nil
}

type keptParking struct {
	Opened, Last time.Duration
	Started      bool
	Places       []keptPlace
}

// keptPlace is a place that is not free.
type keptPlace struct {
	Bay    string `json:",omitempty"`
	State  state
	Box    sidecar.Box
	Since  fix
	Seen   fix
	Holder int
	Looks  int
	Hits   int
	Scores float64
	Votes  []int
	Class  int
	Found  bool   `json:",omitempty"`
	Begun  string `json:",omitempty"`
	Absent time.Duration
	Misses int
	Gone   bool `json:",omitempty"`
}

func (k *parking) keep(s *shelf) any {
	kept := keptParking{Opened: k.opened, Last: k.last, Started: k.started}
	for _, p := range k.places {
		if p.state != free {
			kept.Places = append(kept.Places, keptPlace{p.bay, p.state, p.box, p.since, p.seen, s.put(p.holder), p.looks, p.hits, thousandths(p.scores),
				p.votes, p.class, p.found, p.begun, p.absent, p.misses, p.gone})
		}
	}
	return kept
}

func (k *parking) recall(data []byte, s *shelf) error {
	var kept keptParking
	if err := json.Unmarshal(data, &kept); err != nil {
		return err
	}
	k.opened, k.last, k.started = kept.Opened, kept.Last, kept.Started
	for _, v := range kept.Places {
		holder := s.at(v.Holder)
		if holder == nil || v.State != coming && v.State != occupied || len(v.Votes) != len(k.classes) || v.Class < 0 || v.Class >= len(k.classes) {
			return errMemory
		}
		p := &place{}
		if k.polygon == nil {
			i := slices.IndexFunc(k.places, func(p *place) bool { return p.bay == v.Bay })
			if i < 0 {
				return errMemory
			}
			p = k.places[i]
		} else if len(k.places) >= mostPlaces {
			return errMemory
		} else {
			k.places = append(k.places, p)
		}
		*p = place{bay: p.bay, polygon: p.polygon, state: v.State, box: v.Box, since: v.Since, seen: v.Seen, holder: holder, looks: v.Looks,
			hits: v.Hits, scores: v.Scores, votes: v.Votes, class: v.Class, found: v.Found, begun: v.Begun, absent: v.Absent, misses: v.Misses, gone: v.Gone}
	}
	return nil
}

type keptPath struct {
	Object  int
	At      fix
	Anchor  sidecar.Point
	Birth   sidecar.Point
	Settled int
	Stood   sidecar.Box
	Net     int       `json:",omitempty"`
	Cuts    []keptCut `json:",omitempty"` // both, or none where none matters
	Toward  int       `json:",omitempty"`
	Hits    int       `json:",omitempty"`
	Since   time.Duration
	Passes  []keptPass `json:",omitempty"`
	Counted int        `json:",omitempty"`
}

type keptCut struct {
	At    moment
	When  time.Duration
	Piece int
	Place sidecar.Point
}

// keptPass is a crossing that was counted.
type keptPass struct {
	Cut   keptCut
	To    int
	ID    string
	Class sidecar.Class
	Row   int
	Track string
}

func (c cut) keep() keptCut   { return keptCut{c.moment, c.when, c.piece, c.at} }
func (k keptCut) recall() cut { return cut{k.At, k.When, k.Piece, k.Place} }
func (p pass) keep() keptPass { return keptPass{p.cut.keep(), p.to, p.id, p.class, p.row, p.track} }

// recall gives the crossing, if it is one of a ledger with so many rows.
func (k keptPass) recall(rows int) (pass, error) {
	if k.Row < 0 || k.Row >= rows || k.To != 1 && k.To != -1 {
		return pass{}, errMemory
	}
	return pass{k.Cut.recall(), k.To, k.ID, k.Class, k.Row, k.Track}, nil
}

func (l *line) keep(s *shelf) any {
	return ofObjects(s, l.paths, func(n int, p *path) (keptPath, bool) {
		k := keptPath{Object: n, At: p.at, Anchor: p.anchor, Birth: p.birth, Settled: p.settled, Stood: p.stood, Net: p.net, Toward: p.toward, Hits: p.hits,
			Since: p.since, Counted: p.counted}
		if p.net != 0 {
			k.Cuts = []keptCut{p.cuts[0].keep(), p.cuts[1].keep()}
		}
		for _, c := range p.passes {
			k.Passes = append(k.Passes, c.keep())
		}
		return k, true
	})
}

func (l *line) recall(data []byte, s *shelf) error {
	var kept []keptPath
	if err := json.Unmarshal(data, &kept); err != nil {
		return err
	}
	for _, k := range kept {
		o := s.at(k.Object)
		if o == nil || k.Settled*k.Settled > 1 || k.Toward*k.Toward > 1 || len(k.Cuts) != 0 && len(k.Cuts) != 2 {
			return errMemory
		}
		p := &path{at: k.At, anchor: k.Anchor, birth: k.Birth, settled: k.Settled, stood: k.Stood, net: k.Net, toward: k.Toward, hits: k.Hits, since: k.Since, counted: k.Counted}
		for i, c := range k.Cuts {
			if p.cuts[i] = c.recall(); c.Piece < 0 || c.Piece >= len(l.shape)-1 {
				return errMemory
			}
		}
		for _, c := range k.Passes {
			v, err := c.recall(len(l.ledger.rows))
			if err != nil {
				return err
			}
			p.passes = append(p.passes, v)
		}
		l.paths[o] = p
	}
	return nil
}

type keptTransit struct {
	Object  int
	Legs    []keptLeg  `json:",omitempty"`
	Told    []keptTold `json:",omitempty"`
	N       int        `json:",omitempty"`
	Changed bool       `json:",omitempty"`
}

type keptLeg struct {
	Pass keptPass
	Line int
}

type keptTold struct {
	At       moment
	ID       string
	From, To string
	Class    sidecar.Class
	Row      int
	Track    string
}

func (t *turns) keep(s *shelf) any {
	changed := map[int]bool{}
	for _, o := range t.changed {
		changed[s.put(o)] = true
	}
	return ofObjects(s, t.transits, func(n int, tr *transit) (keptTransit, bool) {
		k := keptTransit{Object: n, N: tr.n, Changed: changed[n]}
		for _, l := range tr.legs {
			k.Legs = append(k.Legs, keptLeg{l.pass.keep(), l.line})
		}
		for _, v := range tr.told {
			k.Told = append(k.Told, keptTold{v.moment, v.id, v.from, v.to, v.class, v.row, v.track})
		}
		return k, true
	})
}

func (t *turns) recall(data []byte, s *shelf) error {
	var kept []keptTransit
	if err := json.Unmarshal(data, &kept); err != nil {
		return err
	}
	for _, k := range kept {
		o, tr := s.at(k.Object), &transit{n: k.N}
		if o == nil {
			return errMemory
		}
		for _, l := range k.Legs {
			p, err := l.Pass.recall(len(t.ledger.rows))
			if err != nil || l.Line < 0 || l.Line >= len(t.lines) {
				return errMemory
			}
			tr.legs = append(tr.legs, leg{p, l.Line})
		}
		for _, v := range k.Told {
			if v.Row < 0 || v.Row >= len(t.ledger.rows) {
				return errMemory
			}
			tr.told = append(tr.told, told{v.At, v.ID, v.From, v.To, v.Class, v.Row, v.Track})
		}
		t.transits[o] = tr
		if k.Changed {
			t.change(o)
		}
	}
	return nil
}

type keptCrowd struct {
	Started bool
	Last    time.Duration
	Heads   float64
	Dense   float64
	Told    int
	Turned  time.Duration
	Turning bool
	N       int
}

func (c *crowd) keep(*shelf) any {
	return keptCrowd{c.started, c.last, c.heads, c.dense, c.told, c.turned, c.turning, c.n}
}

func (c *crowd) recall(data []byte, _ *shelf) error {
	var k keptCrowd
	if err := json.Unmarshal(data, &k); err != nil {
		return err
	}
	if k.Told < -1 || k.Told > len(c.levels) {
		return errMemory
	}
	c.started, c.last, c.heads, c.dense, c.told, c.turned, c.turning, c.n = k.Started, k.Last, k.Heads, k.Dense, k.Told, k.Turned, k.Turning, k.N
	return nil
}

type keptCongestion struct {
	Started                   bool
	Last                      time.Duration
	Way, Time, Lost           float64
	Came, Pace, Covered, Flow float64
	Passed                    int
	Free                      map[int]float64 // by class of speeds; the others are empty
	FreeSum                   float64
	FreeLast                  time.Duration
	FreeN                     int
	Told                      int
	Turned                    time.Duration
	Turning                   int
	N                         int
}

func (c *congestion) keep(*shelf) any {
	k := keptCongestion{c.started, c.last, c.way, c.time, c.lost, c.came, c.pace, c.covered, c.flow, c.passed,
		map[int]float64{}, c.free.sum, c.free.last, c.free.n, c.told, c.turned, c.turning, c.n}
	for i, n := range c.free.bins {
		if n > 0 {
			k.Free[i] = n
		}
	}
	return k
}

func (c *congestion) recall(data []byte, _ *shelf) error {
	var k keptCongestion
	if err := json.Unmarshal(data, &k); err != nil {
		return err
	}
	if k.Told < 0 || k.Told > len(travelSpeeds) || k.Turning < -1 || k.Turning > len(travelSpeeds) {
		return errMemory
	}
	c.started, c.last, c.way, c.time, c.lost, c.came, c.pace, c.covered, c.flow = k.Started, k.Last, k.Way, k.Time, k.Lost, k.Came, k.Pace, k.Covered, k.Flow
	c.passed, c.told, c.turned, c.turning, c.n = k.Passed, k.Told, k.Turned, k.Turning, k.N
	c.free.sum, c.free.last, c.free.n = k.FreeSum, k.FreeLast, k.FreeN
	for i, n := range k.Free {
		if i < 0 || i >= len(c.free.bins) {
			return errMemory
		}
		c.free.bins[i] = n
	}
	return nil
}
