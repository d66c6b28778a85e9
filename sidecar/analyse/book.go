package analyse

import (
	"time"

	"pantau/sidecar"
)

// book is what all analytics of a camera write into.
type book struct {
	ledger
	camera   string
	model    string
	rules    string
	clock    clock
	areas    areas
	live     []*object       // followed in this epoch, in the order in which they came
	lost     []*object       // given up by the tracker, and perhaps not gone
	events   []sidecar.Event // of this scene
	watchers []watcher
	mute     bool // what is told and counted is not
}

// row gives the index of a row of the ledger.
func (b *book) row(rule string, kind sidecar.RowKind, class sidecar.Class, dir sidecar.Direction) int {
	return b.define(b.clock.last.minute, sidecar.CountRow{Rule: rule, Kind: kind, Class: class, Direction: dir})
}

// origin says that something happened at a moment.
func (b *book) origin(rule string, m moment) sidecar.Origin {
	return sidecar.Origin{Camera: b.camera, Rule: rule, Epoch: m.Epoch, RTP: m.RTPTime,
		PTS: m.Media().Microseconds(), Model: b.model, Rules: b.rules}
}

// tell adds an event of an object and a rule, and gives its id.
func (b *book) tell(kind sidecar.EventType, rule string, o *object, m moment, data any) string {
	if o.told == nil {
		o.told = map[string]int{}
	}
	if b.mute {
		return ""
	}
	o.told[rule]++
	id := sidecar.EventID(b.camera, rule, o.start.Epoch, o.track.ID, o.told[rule])
	b.events = append(b.events, sidecar.Event{ID: id, Type: kind, Camera: b.camera,
		Subject: b.camera + "/" + rule, Time: m.Capture.UTC(), Data: data})
	return id
}

// add counts n more in a row, at a time that may be past.
func (b *book) add(at time.Time, row, n int) {
	if !b.mute {
		b.ledger.add(at, row, n)
	}
}

// sample adds a value to a row's distribution, at a time that may be past.
func (b *book) sample(at time.Time, row int, v float64) {
	if !b.mute {
		b.ledger.sample(at, row, v)
	}
}

// measure is sample of a value that has a standard error.
func (b *book) measure(at time.Time, row int, v, doubt float64) {
	if !b.mute {
		b.ledger.measure(at, row, v, doubt)
	}
}

// state adds an event of a rule as a whole, its n-th.
func (b *book) state(kind sidecar.EventType, rule string, n int, m moment, data any) {
	if b.mute {
		return
	}
	b.events = append(b.events, sidecar.Event{ID: sidecar.EventID(b.camera, rule, m.Epoch, 0, n), Type: kind, Camera: b.camera,
		Subject: b.camera + "/" + rule, Time: m.Capture.UTC(), Data: data})
}

// ended tells of a track that the tracker has given up.
func (b *book) ended(o *object) {
	b.tell(sidecar.TrackEnded, trackRule, o, o.fix.moment, sidecar.TrackSummary{
		Origin: b.origin(trackRule, o.fix.moment), Track: o.name, Class: o.track.Class, Share: o.share(), Score: o.score(),
		Frames: o.track.Age, From: o.track.Born.Microseconds(), Start: o.track.Start, End: o.fix.box,
	})
}

// earlier is the earlier of two times, of which either may not be.
func earlier(a time.Time, hasA bool, b time.Time, hasB bool) (time.Time, bool) {
	if !hasB || hasA && a.Before(b) {
		return a, hasA
	}
	return b, true
}
