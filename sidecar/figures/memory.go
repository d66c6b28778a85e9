package figures

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"pantau/sidecar"
)

// memory is what is known of a camera, as JSON.
type memory struct {
	Of      string          `json:"of"`      // its video and how it is looked at
	Minutes []sidecar.Count `json:"minutes"` // all but the newest without rows
	States  []keptState     `json:"states"`
}

// keptState is a state with what is not told of it.
type keptState struct {
	State
	Of    string    `json:"of"` // its function
	Begun []string  `json:"begun,omitempty"`
	Went  []float64 `json:"went,omitempty"` // the stays
}

// hash names something by what it says; passwords are not in it.
func hash(what any) string {
	text, _ := json.Marshal(what) // strings and numbers always marshal
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// Memory writes down what is known of a camera after it will have been told of some
// facts; nil: there is no such camera.
func (b *Board) Memory(camera string, events []sidecar.Event, counts []sidecar.Count) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cameras[camera] == nil {
		return nil, nil
	}
	k := b.cameras[camera].clone()
	for _, e := range events {
		k.event(e)
	}
	for _, c := range counts {
		k.minute(c)
	}
	m := memory{Of: hash([]any{k.camera.Source, k.camera.Analyse}), Minutes: k.minutes}
	for i := range len(m.Minutes) - 1 {
		m.Minutes[i].Rows = nil
	}
	for _, f := range k.camera.Functions {
		s := k.states[f.ID]
		if s == nil {
			continue
		}
		kept := keptState{State: s.State, Of: hash(f), Went: s.stays}
		for _, p := range s.Parked {
			kept.Begun = append(kept.Begun, p.Begun)
		}
		m.States = append(m.States, kept)
	}
	text, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("keeping the figures of camera %s: %w", camera, err)
	}
	return text, nil
}

// clone copies what Facts change.
func (k *known) clone() *known {
	c := &known{camera: k.camera, minutes: slices.Clone(k.minutes), states: make(map[string]*state, len(k.states))}
	for rule, s := range k.states {
		c.states[rule] = &state{State: s.State, stays: slices.Clone(s.stays)}
		c.states[rule].Parked = slices.Clone(s.Parked)
	}
	return c
}

// Recall goes on with what Memory wrote down of a camera that is there: with the states
// of the functions that are the same, if its video is.
func (b *Board) Recall(camera string, text []byte) error {
	var m memory
	if err := json.Unmarshal(text, &m); err != nil {
		return fmt.Errorf("recalling the figures of camera %s: %w", camera, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.cameras[camera]
	if k == nil {
		return nil
	}
	for _, c := range m.Minutes {
		k.minute(c)
	}
	if m.Of != hash([]any{k.camera.Source, k.camera.Analyse}) {
		return nil
	}
	for _, kept := range m.States {
		f := function(k.camera, kept.Rule)
		if f == nil || hash(f) != kept.Of || len(kept.Begun) != len(kept.Parked) || k.states[kept.Rule] != nil {
			continue
		}
		s := &state{State: kept.State, stays: kept.Went}
		for i, id := range kept.Begun {
			s.Parked[i].Begun = id
		}
		k.states[kept.Rule] = s
	}
	return nil
}
