package pipeline

import (
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"time"

	"pantau/sidecar"
)

// stalledAfter is how long no frame may come until the minutes are closed by
// this machine's clock instead of the camera's.
const stalledAfter = 5 * time.Second

// keepTimeout bounds one attempt to keep facts: at shutdown it is the last one.
const keepTimeout = 1500 * time.Millisecond

// detection is the state of the goroutine that detects, tracks and analyses.
type detection struct {
	p        *Pipeline
	observer *observer
	since    time.Time           // of the totals
	seen     time.Time           // when the newest scene was finished, this machine's clock
	taken    time.Time           // when the detector took the frame
	found    []sidecar.Detection // of the newest frame; the storage is used again
	kept     time.Time           // when the memory was, this machine's clock
	ended    bool                // nothing more is to be known
	deflater *flate.Writer
	deflated bytes.Buffer
}

// detect works on the newest frame until decoding has ended.
func (p *Pipeline) detect(ctx context.Context, decoded <-chan struct{}) error {
	o, err := newObserver(p.o.Camera, p.o.Detector)
	if err != nil {
		return err
	}
	if o.view, err = newViewing(p.o.Camera, p.o.Views); err != nil {
		p.log.Warn("watching the view", "stage", "view", "error", err)
	}
	d := &detection{p: p, observer: o, since: time.Now()}
	d.recall(ctx)
	d.totals()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case <-decoded:
			return d.finish(ctx)
		case c := <-p.changes:
			d.redefine(ctx, c)
		case l := <-p.looks:
			l.answer <- d.lookAt(l.confirm)
		case <-p.states.ready:
			d.facts(ctx, p.states.take(d.observer.origin()), nil)
		case <-second.C:
			p.meter.tick(time.Now(), p.newest.Dropped())
			d.minutes(ctx, d.now())
			d.keep(ctx)
			d.keepView(false)
		case <-p.newest.Ready():
			d.frame(ctx)
		}
	}
}

// frame analyses the newest frame.
func (d *detection) frame(ctx context.Context) {
	frame, found, err := d.p.o.Detector.Detect(ctx, d.next, d.found[:0])
	if frame == nil {
		return
	}
	defer frame.Release()
	d.found = found
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			d.p.meter.failed.Add(1)
			d.p.log.Warn("looking at a frame", "stage", "inference", "error", err)
		}
		return
	}
	done := time.Now()
	select { // it holds from now on, not from the next frame on
	case c := <-d.p.changes:
		d.redefine(ctx, c)
	default:
	}
	scene, events := d.observer.observe(frame, found, timing{taken: d.taken, inferred: done})
	d.seen = done
	d.p.meter.detected(scene, d.observer.looker.plan.Looking)
	d.tell(events)
	d.p.o.Sink.Scene(scene)
	if len(events) > 0 {
		d.p.o.Viewer.Events(d.p.o.Camera.ID, events)
	}
	d.p.o.Viewer.Scene(scene)
	d.p.o.Shown(frame, scene)
	d.facts(ctx, events, d.observer.analyser.Counts(scene.Capture))
	if len(events) > 0 {
		d.totals()
	}
}

// next gives the detector the newest frame once its turn has come.
func (d *detection) next() *sidecar.Frame {
	f, ok := d.p.newest.Take()
	if !ok {
		return nil
	}
	d.taken = time.Now()
	if d.observer.looker.take(f) {
		d.p.log.Info("looking at", "picture", d.observer.looker.plan.String())
	}
	return f
}

// now is the camera's time: the capture time of the newest scene, and this
// machine's clock from there on.
func (d *detection) now() time.Time {
	if d.observer.last.IsZero() {
		return time.Now().UTC()
	}
	if gap := time.Since(d.seen); gap > stalledAfter {
		return d.observer.last.Add(gap)
	}
	return d.observer.last
}

func (d *detection) minutes(ctx context.Context, now time.Time) {
	d.facts(ctx, nil, d.observer.analyser.Counts(now))
}

// facts hands over what must not be lost. While it cannot be kept (a full disk),
// this camera's frames are dropped and its facts are not: it tries again until
// they are safe, or the program has been told to end and a last try failed.
func (d *detection) facts(ctx context.Context, events []sidecar.Event, counts []sidecar.Count) {
	if len(events) == 0 && len(counts) == 0 {
		return
	}
	for {
		try, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTimeout)
		err := d.put(try, events, counts)
		cancel()
		if err == nil {
			return
		}
		d.p.log.Error("keeping events and counts", "stage", "publish", "events", len(events), "counts", len(counts), "error", err)
		select {
		case <-d.p.o.Abandon:
			d.p.meter.lostFacts.Add(uint64(len(events) + len(counts)))
			return
		case <-time.After(time.Second):
		}
	}
}

// redefine goes on with other functions.
func (d *detection) redefine(ctx context.Context, c sidecar.Camera) {
	events, err := d.observer.redefine(c)
	if err != nil {
		d.p.log.Error("changing the functions", "error", err)
		return
	}
	d.facts(ctx, events, nil)
	d.totals()
}

// tell passes on what has become of the view.
func (d *detection) tell(events []sidecar.Event) {
	for _, e := range events {
		if change, ok := e.Data.(sidecar.StateChange); ok {
			d.p.o.Sink.Health(change)
			d.p.log.Info("view changed", "stage", "view", "from", change.From, "to", change.To, "cause", change.Cause)
		}
	}
}

// keepView keeps what the view is held against.
func (d *detection) keepView(atOnce bool) {
	if v := d.observer.view; v != nil {
		if err := v.keep(time.Now(), atOnce); err != nil {
			d.p.log.Warn("watching the view", "stage", "view", "error", err)
		}
	}
}

// finish keeps the open minute, as far as it went. If the program ends, what is known
// is kept for the next one; if the camera is not looked at any more, it is told to its end.
func (d *detection) finish(ctx context.Context) error {
	d.keepView(true)
	states := d.p.states.take(d.observer.origin())
	select {
	case <-d.p.o.Abandon:
		if d.p.o.Memory != nil {
			d.facts(ctx, states, d.observer.analyser.Pause(d.now()))
			return nil
		}
	default:
	}
	events, counts := d.observer.analyser.Close(d.now())
	d.ended = true
	d.facts(ctx, append(events, states...), counts)
	return nil
}

// totals tells those who watch what has been counted.
func (d *detection) totals() {
	rows := d.observer.analyser.Totals()
	m := &d.p.meter
	m.mu.Lock()
	m.since, m.totals = d.since, rows
	m.mu.Unlock()
	d.p.o.Viewer.Totals(d.p.o.Camera.ID, d.since, rows)
}
