package analyse

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"pantau/sidecar"
)

// memoryVersion is that of what Memory writes. What another version wrote is not read.
const memoryVersion = 1

// errMemory says that a memory is damaged: it names what it does not have.
var errMemory = errors.New("the memory names what is not in it")

// keeper is an analytic of which something must be known after a restart. One that
// is none begins anew.
type keeper interface {
	// keep gives what must be known, to be written as JSON. Objects that it knows
	// are put on the shelf, and stand there for their numbers.
	keep(s *shelf) any
	// recall goes on with what keep gave.
	recall(data []byte, s *shelf) error
}

// kept is an analyser as JSON, with a state of each function that has one: what it is
// made of, or its text.
type kept[S any] struct {
	Version   int                `json:"version"`
	Camera    string             `json:"cam"`
	Timezone  string             `json:"tz,omitempty"`
	Model     string             `json:"model"`
	Rules     string             `json:"rules"`
	Interval  time.Duration      `json:"interval"`
	Functions []sidecar.Function `json:"functions"`
	Suspended bool               `json:"suspended,omitempty"`
	Clock     keptClock          `json:"clock"`
	Ledger    keptLedger         `json:"ledger"`
	Objects   []keptObject       `json:"objects"`
	States    map[string]S       `json:"states"` // by the functions' ids
}

type keptClock struct {
	Last    moment
	Opened  moment
	Started bool
	Strange time.Duration
}

// keptObject is an object; others refer to it by its number in the memory.
type keptObject struct {
	ID       sidecar.TrackID
	Class    sidecar.Class
	Share    float64
	Score    float64
	Age      int
	Born     time.Duration
	Motion   sidecar.Motion
	Velocity sidecar.Point
	Birth    sidecar.Box
	Start    fix
	Fix      fix
	Blind    time.Duration  `json:",omitempty"`
	Told     map[string]int `json:",omitempty"`
	Moved    bool           `json:",omitempty"`
	Looks    int            `json:",omitempty"`
	Scores   float64        `json:",omitempty"`
	Elder    int            // its number; -1: none
	Live     bool           `json:",omitempty"` // followed by the tracker
	Lost     bool           `json:",omitempty"`
	Waits    bool           `json:",omitempty"` // lost, and perhaps not gone
}

// shelf gives objects numbers.
type shelf struct {
	objects []*object
	numbers map[*object]int
}

func newShelf() *shelf { return &shelf{numbers: map[*object]int{}} }

// put gives an object's number; -1: it is none.
func (s *shelf) put(o *object) int {
	if o == nil {
		return -1
	}
	n, ok := s.numbers[o]
	if !ok {
		n = len(s.objects)
		s.objects, s.numbers[o] = append(s.objects, o), n
	}
	return n
}

// at gives the object of a number, nil if there is none.
func (s *shelf) at(n int) *object {
	if n < 0 || n >= len(s.objects) {
		return nil
	}
	return s.objects[n]
}

// Memory writes down what the analyser knows, for another one to go on with.
func (a *Analyser) Memory() ([]byte, error) {
	m := kept[any]{Version: memoryVersion, Camera: a.camera, Timezone: a.timezone, Model: a.model, Rules: a.rules, Interval: a.interval,
		Functions: a.functions, Suspended: a.suspended, Ledger: a.ledger.keep(), States: map[string]any{},
		Clock: keptClock{a.clock.last, a.clock.opened, a.clock.started, a.clock.strange}}
	s := newShelf()
	for _, objects := range [2][]*object{a.live, a.lost} {
		for _, o := range objects {
			s.put(o)
		}
	}
	for i, f := range a.functions {
		if k, ok := a.analytics[i].(keeper); ok {
			m.States[f.ID] = k.keep(s)
		}
	}
	for i := 0; i < len(s.objects); i++ { // elders come to it
		m.Objects = append(m.Objects, s.objects[i].keep(s))
	}
	for i := range a.live {
		m.Objects[i].Live = true
	}
	for i := range a.lost {
		m.Objects[len(a.live)+i].Waits = true
	}
	text, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("keeping what is known of camera %s: %w", a.camera, err)
	}
	return text, nil
}

// Recall makes the analyser that Memory has written down. For it the time since is a
// gap, as when a camera was away: what it followed then is given up, or found again.
// It has the functions of then: Redefine gives it those of now.
func Recall(text []byte) (*Analyser, error) {
	var m kept[json.RawMessage]
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("recalling a camera: %w", err)
	}
	if m.Version != memoryVersion || m.Interval <= 0 {
		return nil, fmt.Errorf("recalling camera %s: its memory has version %d, this program's have %d", m.Camera, m.Version, memoryVersion)
	}
	a := &Analyser{tracks: map[sidecar.TrackID]*object{}, suspended: m.Suspended}
	a.clock = clock{last: m.Clock.Last, opened: m.Clock.Opened, started: m.Clock.Started, strange: m.Clock.Strange}
	if err := a.ledger.recall(m.Ledger); err != nil {
		return nil, fmt.Errorf("recalling camera %s: %w", m.Camera, err)
	}
	c := sidecar.Camera{ID: m.Camera, Timezone: m.Timezone, Functions: m.Functions}
	if _, err := a.Redefine(c, Options{Model: m.Model, Rules: m.Rules, FPS: 1}); err != nil {
		return nil, fmt.Errorf("recalling camera %s: %w", m.Camera, err)
	}
	a.interval = m.Interval
	s := newShelf()
	for _, k := range m.Objects {
		a.shelve(s, k)
	}
	for i, k := range m.Objects {
		if elder := s.at(k.Elder); elder != nil && elder != s.objects[i] {
			s.objects[i].tie(elder)
		}
	}
	for i, f := range a.functions {
		k, ok := a.analytics[i].(keeper)
		if state := m.States[f.ID]; ok && state != nil {
			if err := k.recall(state, s); err != nil {
				return nil, fmt.Errorf("recalling camera %s, function %s: %w", m.Camera, f.ID, err)
			}
		}
	}
	return a, nil
}

// Newest is the capture time of the newest scene; zero: there was none.
func (a *Analyser) Newest() time.Time { return a.clock.last.Capture }

func (o *object) keep(s *shelf) keptObject {
	t := &o.track
	v := t.Velocity
	if !(sidecar.Point{v[0] - v[0], v[1] - v[1]} == sidecar.Point{}) { // not finite
		v = sidecar.Point{}
	}
	return keptObject{ID: t.ID, Class: t.Class, Share: o.share(), Score: o.score(), Age: t.Age, Born: t.Born, Motion: t.Motion, Velocity: v,
		Birth: t.Start, Start: o.start, Fix: o.fix, Blind: o.blind, Told: o.told, Moved: o.moved, Looks: o.looks, Scores: thousandths(o.scores),
		Elder: s.put(o.elder), Lost: o.lost}
}

// shelve makes the object that was kept, where it belongs.
func (a *Analyser) shelve(s *shelf, k keptObject) {
	o := &object{name: k.ID.String(), start: k.Start, fix: k.Fix, lost: k.Lost, blind: k.Blind, told: k.Told, moved: k.Moved, looks: k.Looks, scores: k.Scores}
	o.track = sidecar.Track{ID: k.ID, Confirmed: true, Class: k.Class, Share: k.Share, Score: k.Score, Box: k.Fix.box, Age: k.Age, Born: k.Born,
		Start: k.Birth, Motion: k.Motion, Velocity: k.Velocity}
	s.put(o)
	switch {
	case k.Live && a.tracks[k.ID] == nil:
		a.tracks[k.ID] = o
		a.live = append(a.live, o)
	case k.Live || k.Waits:
		o.lost = true
		a.lost = append(a.lost, o)
	}
}

// keptMoment is a moment as JSON.
type keptMoment struct {
	Steady time.Duration      `json:"s"`
	Minute int64              `json:"m"` // ns since 1970; 0: none, as Time
	Time   int64              `json:"t"`
	PTS    int64              `json:"p"`
	Origin int64              `json:"o"`
	RTP    uint32             `json:"r"`
	Clock  int                `json:"c"`
	Epoch  string             `json:"e"`
	Source sidecar.TimeSource `json:"f"`
}

// MarshalJSON writes a keptMoment. There are many: it is no work for reflection.
func (m moment) MarshalJSON() ([]byte, error) { return m.appendJSON(nil), nil }

func (m moment) appendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	for _, n := range [...]struct {
		name  string
		value int64
	}{{`"s":`, int64(m.steady)}, {`,"m":`, nanoseconds(m.minute)}, {`,"t":`, nanoseconds(m.Capture)}, {`,"p":`, m.PTS}, {`,"o":`, m.Origin},
		{`,"r":`, int64(m.RTPTime)}, {`,"c":`, int64(m.ClockRate)}} {
		dst = strconv.AppendInt(append(dst, n.name...), n.value, 10)
	}
	dst = appendText(append(dst, `,"e":`...), m.Epoch)
	return append(appendText(append(dst, `,"f":`...), string(m.Source)), '}')
}

// appendText appends a JSON string.
func appendText(dst []byte, s string) []byte {
	text, _ := json.Marshal(s) // every string marshals
	return append(dst, text...)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (m *moment) UnmarshalJSON(text []byte) error {
	var k keptMoment
	if err := json.Unmarshal(text, &k); err != nil {
		return err
	}
	m.steady, m.minute = k.Steady, instant(k.Minute)
	m.Stamp = sidecar.Stamp{Epoch: k.Epoch, PTS: k.PTS, Origin: k.Origin, RTPTime: k.RTP, ClockRate: k.Clock, Capture: instant(k.Time), Source: k.Source}
	return nil
}

func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func instant(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

// keptFix is a fix as JSON.
type keptFix struct {
	At  moment      `json:"at"`
	Box sidecar.Box `json:"box"`
}

// MarshalJSON writes a keptFix.
func (f fix) MarshalJSON() ([]byte, error) {
	text := append(f.moment.appendJSON([]byte(`{"at":`)), `,"box":`...)
	return append(f.box.AppendJSON(text), '}'), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *fix) UnmarshalJSON(text []byte) error {
	var k keptFix
	if err := json.Unmarshal(text, &k); err != nil {
		return err
	}
	f.moment, f.box = k.At, k.Box
	if !finite(f.box) {
		return errMemory
	}
	return nil
}

// ofObjects lists what an analytic knows of objects, by their numbers.
func ofObjects[V, K any](s *shelf, known map[*object]V, keep func(int, V) (K, bool)) []K {
	type one struct {
		n int
		K K
	}
	var all []one
	for o, v := range known {
		if k, ok := keep(s.put(o), v); ok {
			all = append(all, one{s.put(o), k})
		}
	}
	slices.SortFunc(all, func(a, b one) int { return cmp.Compare(a.n, b.n) })
	list := make([]K, len(all))
	for i := range all {
		list[i] = all[i].K
	}
	return list
}
