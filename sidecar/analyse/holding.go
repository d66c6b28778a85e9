package analyse

import (
	"cmp"
	"math"
	"slices"

	"pantau/sidecar"
)

// holder is an analytic with states that hold until an event says otherwise.
type holder interface {
	// holding gives the events of the states that hold now.
	holding() []sidecar.Event
}

// Holding gives the events of what holds now, with the ids under which they were told:
// who is in a zone, what is parked; levels have no id, since the numbers are those of now. Who follows events learns from it after Recall
// what it would know by now.
func (a *Analyser) Holding() []sidecar.Event {
	var all []sidecar.Event
	for _, k := range a.analytics {
		if h, ok := k.(holder); ok {
			all = append(all, h.holding()...)
		}
	}
	return all
}

// held is an event that was told.
func (b *book) held(id string, kind sidecar.EventType, rule string, m moment, data any) sidecar.Event {
	return sidecar.Event{ID: id, Type: kind, Camera: b.camera, Subject: b.camera + "/" + rule, Time: m.Capture.UTC(), Data: data}
}

func (z *zone) holding() []sidecar.Event {
	var all []sidecar.Event
	for o, g := range z.guests {
		if g.inside && g.announced != "" {
			all = append(all, z.held(g.announced, sidecar.ZoneEntered, z.id, g.came.moment, sidecar.ZoneChange{
				Origin: z.origin(z.id, g.came.moment), Track: o.name, Class: z.classes[g.class],
				At: rounded(z.anchor.Of(g.came.box)), Share: o.share(), Score: o.score(), N: g.n}))
		}
	}
	slices.SortFunc(all, func(a, b sidecar.Event) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID)) })
	return all
}

func (k *parking) holding() []sidecar.Event {
	var all []sidecar.Event
	for _, p := range k.places {
		if p.state == occupied {
			all = append(all, k.held(p.begun, sidecar.ParkingOccupied, k.id, p.since.moment, k.change(p, p.since.moment)))
		}
	}
	return all
}

func (c *crowd) holding() []sidecar.Event {
	if c.n == 0 {
		return nil
	}
	now := c.clock.last
	data := sidecar.LevelChange{Origin: c.origin(c.id, now), From: c.told, To: c.told}
	if c.told >= 0 {
		data.Count = new(int(math.Round(c.heads)))
	}
	return []sidecar.Event{c.held("", sidecar.CrowdLevel, c.id, now, data)}
}

func (c *congestion) holding() []sidecar.Event {
	if c.n == 0 {
		return nil
	}
	now := c.clock.last
	return []sidecar.Event{c.held("", sidecar.CongestionLevel, c.id, now, sidecar.CongestionChange{
		Origin: c.origin(c.id, now), From: service(c.told), To: service(c.told)})}
}
