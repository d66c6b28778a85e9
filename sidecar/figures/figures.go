package figures

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"pantau/sidecar"
)

// Figures are what is known of a camera now. They are made new each time.
type Figures struct {
	Since  time.Time          `json:"since" doc:"Since when the rows are summed"`
	Rows   []sidecar.CountRow `json:"rows" doc:"Sums, levels and distributions since then, as in pantau:counts"`
	Minute *sidecar.Count     `json:"minute,omitempty" doc:"The newest minute that has ended"`
	Hour   Hour               `json:"hour" doc:"How well the last hour was observed"`
	States []State            `json:"states" doc:"What holds now of functions that have a state, by rule"`
}

// Hour says how well the last hour was observed, up to the newest minute.
type Hour struct {
	Minutes int      `json:"minutes"` // that are known
	Uptime  float64  `json:"uptime"`  // part of them that was really analysed, 0..1
	Flags   []string `json:"flags"`   // of all of them, each once
}

// State is what holds now of one function. What is not of its kind is absent.
type State struct {
	Rule       string                    `json:"rule"`
	Crowd      *sidecar.LevelChange      `json:"crowd,omitempty" doc:"The event of its present level"`
	Congestion *sidecar.CongestionChange `json:"congestion,omitempty" doc:"The event of its present level of service"`
	Parked     []Parked                  `json:"parked,omitempty" doc:"Vehicles that are parked now, by arrival"`
	Stays      *Stays                    `json:"stays,omitempty" doc:"Of those that have gone"`
}

// Parked is a vehicle that is parked now.
type Parked struct {
	Bay       string        `json:"bay,omitempty"` // empty: a kerb has none
	Class     sidecar.Class `json:"cls"`
	Arrived   string        `json:"arrived"`         // capture time, in TimeFormat
	Found     bool          `json:"found,omitempty"` // it had come before Arrived
	Forbidden bool          `json:"forbidden,omitempty"`
	Begun     string        `json:"-"` // id of its event
}

// Stays are the stays of vehicles that have gone, the newest of them.
type Stays struct {
	N       int     `json:"n"`
	Median  float64 `json:"median"`  // seconds
	Longest float64 `json:"longest"` // seconds
}

// newestStays is how many stays are kept of a function.
const newestStays = 256

// Board keeps the figures of all cameras. Its methods may be called by several
// goroutines.
type Board struct {
	mu      sync.Mutex
	cameras map[string]*known
}

// known is what is known of one camera.
type known struct {
	camera  sidecar.Camera
	minutes []sidecar.Count // by From, an hour of them
	states  map[string]*state
}

// state is a State as it is kept.
type state struct {
	State
	stays []float64 // seconds, the newest last
}

// NewBoard makes a board that knows nothing.
func NewBoard() *Board { return &Board{cameras: map[string]*known{}} }

// Camera says that a camera has come or changed. The states of functions that are
// others than before are forgotten, and all of them where the video or the way it is
// looked at has changed: then the analysis begins anew.
func (b *Board) Camera(c sidecar.Camera) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.cameras[c.ID]
	if k == nil {
		b.cameras[c.ID] = &known{camera: c, states: map[string]*state{}}
		return
	}
	before := k.camera
	k.camera = c
	if !reflect.DeepEqual(before.Source, c.Source) || !reflect.DeepEqual(before.Analyse, c.Analyse) {
		clear(k.states)
		return
	}
	for rule := range k.states {
		if !reflect.DeepEqual(function(before, rule), function(c, rule)) {
			delete(k.states, rule)
		}
	}
}

func function(c sidecar.Camera, id string) *sidecar.Function {
	i := slices.IndexFunc(c.Functions, func(f sidecar.Function) bool { return f.ID == id })
	if i < 0 {
		return nil
	}
	return &c.Functions[i]
}

// Remove forgets a camera.
func (b *Board) Remove(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.cameras, id)
}

// Facts takes what has been published. Cameras that are not there are left out.
func (b *Board) Facts(events []sidecar.Event, counts []sidecar.Count) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range events {
		if k := b.cameras[e.Camera]; k != nil {
			k.event(e)
		}
	}
	for _, c := range counts {
		if k := b.cameras[c.Camera]; k != nil {
			k.minute(c)
		}
	}
}

// event follows a change of a function's state.
func (k *known) event(e sidecar.Event) {
	switch change := e.Data.(type) {
	case sidecar.LevelChange:
		k.state(change.Rule).Crowd = &change
	case sidecar.CongestionChange:
		k.state(change.Rule).Congestion = &change
	case sidecar.ParkingChange:
		k.state(change.Rule).park(e, change)
	}
}

func (k *known) state(rule string) *state {
	s := k.states[rule]
	if s == nil {
		s = &state{State: State{Rule: rule}}
		k.states[rule] = s
	}
	return s
}

// park follows who comes and who goes. A bay has one vehicle.
func (s *state) park(e sidecar.Event, c sidecar.ParkingChange) {
	if e.Type == sidecar.ParkingOccupied {
		p := Parked{Bay: c.Bay, Class: c.Class, Arrived: c.Arrived, Found: c.Found, Forbidden: c.Forbidden, Begun: e.ID}
		s.Parked = slices.DeleteFunc(s.Parked, func(q Parked) bool { return c.Bay != "" && q.Bay == c.Bay })
		s.Parked = append(s.Parked, p)
		slices.SortStableFunc(s.Parked, func(a, b Parked) int { return strings.Compare(a.Arrived, b.Arrived) })
		return
	}
	s.Parked = slices.DeleteFunc(s.Parked, func(q Parked) bool { return q.Begun == c.Begun })
	if c.Lost { // nobody knows how long it stood
		return
	}
	s.stays = append(s.stays, c.Stay)
	s.stays = s.stays[max(0, len(s.stays)-newestStays):]
}

// minute takes a minute, or a revision of one.
func (k *known) minute(c sidecar.Count) {
	i, there := slices.BinarySearchFunc(k.minutes, c.From, func(m sidecar.Count, at time.Time) int { return m.From.Compare(at) })
	switch {
	case !there:
		k.minutes = slices.Insert(k.minutes, i, c)
	case c.Rev >= k.minutes[i].Rev:
		k.minutes[i] = c
	}
	newest := k.minutes[len(k.minutes)-1].To
	k.minutes = slices.DeleteFunc(k.minutes, func(m sidecar.Count) bool { return newest.Sub(m.From) > time.Hour })
}

// Of gives a camera's figures with its sums since a moment; false: there is no such
// camera.
func (b *Board) Of(camera string, since time.Time, rows []sidecar.CountRow) (Figures, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.cameras[camera]
	if k == nil {
		return Figures{}, false
	}
	f := Figures{Since: since.UTC(), Rows: append([]sidecar.CountRow{}, rows...), Hour: k.hour(), States: []State{}}
	for _, m := range slices.Backward(k.minutes) {
		if m.To.Equal(m.To.Truncate(time.Minute)) { // another one is the beginning of a minute: until the camera answered, or was lost
			f.Minute = &m
			break
		}
	}
	for _, function := range k.camera.Functions {
		if s := k.states[function.ID]; s != nil {
			f.States = append(f.States, s.shown())
		}
	}
	return f, true
}

// hour sums up the minutes.
func (k *known) hour() Hour {
	h := Hour{Minutes: len(k.minutes), Flags: []string{}}
	var observed, all time.Duration
	for _, m := range k.minutes {
		length := m.To.Sub(m.From)
		all += length
		observed += time.Duration(m.Uptime * float64(length))
		for _, flag := range m.Flags {
			if !slices.Contains(h.Flags, flag) {
				h.Flags = append(h.Flags, flag)
			}
		}
	}
	if all > 0 {
		h.Uptime = observed.Seconds() / all.Seconds()
	}
	return h
}

// shown is the state as it is told: what is still changed is copied.
func (s *state) shown() State {
	t := s.State
	t.Parked = slices.Clone(s.Parked)
	if len(s.stays) > 0 {
		sorted := slices.Sorted(slices.Values(s.stays))
		t.Stays = &Stays{N: len(sorted), Median: sorted[(len(sorted)-1)/2], Longest: sorted[len(sorted)-1]}
	}
	return t
}
