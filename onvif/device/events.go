package device

import (
	"context"
	"crypto/rand"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"pantau/onvif/metadata"
)

const (
	maxPullPoints = 64
	// maxQueue is how many events wait for one subscriber; about 1 KB each.
	maxQueue = 5000
	// maxProperties bounds what is kept for those who subscribe later.
	maxProperties = 20_000
)

// events tells subscribers what happens, and knows the state of all properties.
type events struct {
	log *slog.Logger

	mu         sync.Mutex
	properties map[string]*property
	born       int  // properties, so that they are told in their order
	full       bool // it was said that there is no room for more
	subs       map[string]*subscription
}

// property is a state that was told last (Core 9.5.1).
type property struct {
	camera string
	born   int
	last   metadata.Notification
}

func newEvents(log *slog.Logger) *events {
	return &events{log: log, properties: map[string]*property{}, subs: map[string]*subscription{}}
}

// key tells properties apart: topic, source and key (Core 9.4.2).
func key(n metadata.Notification) string {
	var b strings.Builder
	b.WriteString(n.Topic)
	for _, i := range slices.Concat(n.Source, n.Key) {
		b.WriteString("\x00" + i.Name + "\x00" + i.Value)
	}
	return b.String()
}

// tell passes events on to all who wait for them.
func (e *events) tell(camera string, all []metadata.Notification) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, n := range all {
		e.one(camera, n)
	}
}

// one passes one on. The caller holds mu.
func (e *events) one(camera string, n metadata.Notification) {
	if n.Operation != "" {
		k := key(n)
		known := e.properties[k]
		switch {
		case n.Operation == metadata.Deleted && known == nil:
			return
		case known == nil && len(e.properties) >= maxProperties:
			if !e.full {
				e.full = true
				e.log.Warn("more properties than are kept: what they say is not told by ONVIF", "camera", camera, "topic", n.Topic, "most", maxProperties,
					"hint", "share the cameras among several nodes, or leave out functions")
			}
			return
		case n.Operation == metadata.Deleted:
			delete(e.properties, k)
		case known == nil:
			n.Operation = metadata.Initialized
			e.born++
			e.properties[k] = &property{camera: camera, born: e.born, last: n}
		case slices.Equal(known.last.Data, n.Data):
			return // nothing has changed
		default:
			n.Operation = metadata.Changed
			known.last = n
		}
	}
	for _, s := range e.subs {
		if s.sees(camera) && s.filter.takes(n.Topic) {
			s.put(n)
		}
	}
}

// rules brings the properties in line with a camera's rules: new ones begin, and those of
// rules that are gone end.
func (e *events) rules(c Camera) {
	now := time.Now()
	begin := Motion(c.ID, now, false)
	for _, r := range c.Rules {
		begin = append(begin, r.properties(c.ID, now)...)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.end(now, func(p *property) bool { return p.camera == c.ID && ruleOf(p.last) != "" && !c.has(ruleOf(p.last)) })
	for _, n := range begin {
		if e.properties[key(n)] == nil {
			e.one(c.ID, n)
		}
	}
}

// ruleOf is the rule that a property is of; empty where it is of none.
func ruleOf(n metadata.Notification) string {
	for _, i := range n.Source {
		if i.Name == "Rule" && n.Topic != cellMotion {
			return i.Value
		}
	}
	return ""
}

// forget ends all of a camera's properties.
func (e *events) forget(camera string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.end(time.Now(), func(p *property) bool { return p.camera == camera })
}

// end tells that properties are there no more. The caller holds mu.
func (e *events) end(at time.Time, which func(*property) bool) {
	for _, p := range e.ordered() {
		if which(p) {
			n := p.last
			n.Operation, n.Time = metadata.Deleted, at
			e.one(p.camera, n)
		}
	}
}

// ordered are the properties, the oldest first. The caller holds mu.
func (e *events) ordered() []*property {
	all := make([]*property, 0, len(e.properties))
	for _, p := range e.properties {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *property) int { return a.born - b.born })
	return all
}

// synchronise tells a subscriber the state of all properties (Core 9.6).
func (e *events) synchronise(s *subscription) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.states(s)
}

// states is synchronise for who holds mu.
func (e *events) states(s *subscription) {
	var all []waiting
	for _, p := range e.ordered() {
		if s.sees(p.camera) && s.filter.takes(p.last.Topic) {
			n := p.last
			n.Operation = metadata.Initialized
			all = append(all, waiting{n, true})
		}
	}
	s.sync(all)
}

// subscribe adds a subscriber, who is told all states first.
func (e *events) subscribe(s *subscription) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.subs) >= maxPullPoints {
		return false
	}
	s.id = rand.Text()
	e.subs[s.id] = s
	e.states(s)
	return true
}

func (e *events) find(id string) *subscription {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.subs[id]
}

func (e *events) unsubscribe(s *subscription) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.subs, s.id)
	s.end()
}

// leave ends the subscriptions to a device that goes.
func (e *events) leave(u *unit) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, s := range e.subs {
		if s.unit == u {
			delete(e.subs, id)
			s.end()
		}
	}
}

// run ends subscriptions whose time is over, until ctx ends.
func (e *events) run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			e.mu.Lock()
			for id, s := range e.subs {
				if s.over(now) {
					delete(e.subs, id)
					s.end()
				}
			}
			e.mu.Unlock()
		}
	}
}

// gap says how many events were dropped.
func gap(n int, since, at time.Time) metadata.Notification {
	return metadata.Notification{Topic: lost, Time: at, Data: []metadata.Item{
		{Name: "Count", Value: strconv.Itoa(n)}, {Name: "Since", Value: since.UTC().Format("2006-01-02T15:04:05.000Z")}}}
}
