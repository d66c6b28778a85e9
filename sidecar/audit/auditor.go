package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"pantau/sidecar"
)

// Auditor is a running sidecar's part in audits: it carries out orders, tells the
// audits of its cameras, and deletes pictures whose time is over.
type Auditor struct {
	folder Folder
	log    *slog.Logger

	mu      sync.Mutex
	live    map[string]*live     // recordings, by camera
	results map[string][]Result  // by camera
	changed map[string]time.Time // when the results' files were written
	warned  map[string]string    // cameras whose audits are outdated, and since which model and rules
}

// live is a recording of a camera that runs.
type live struct {
	order  Order
	masks  []sidecar.Polygon
	frames chan picture // from the camera's goroutine; what finds no room is not in the strips
	cancel context.CancelCauseFunc
	done   chan struct{}
	deaf   bool // it has all it needs; of the auditor's lock

	mu   sync.Mutex
	told []sidecar.Event
}

// picture is an analysed frame on its way to a recorder, which releases it.
type picture struct {
	frame        *sidecar.Frame
	stamp        sidecar.Stamp
	model, rules string
	zones        []sidecar.Zone // of the scene
	suspended    bool           // nobody is counted: the rules do not hold
}

// errGivenUp ends a recording that nobody wants any more.
var errGivenUp = errors.New("the order is gone")

// held is how many pictures may wait for a recorder.
const held = 16

// NewAuditor reads the results that are there. Run does the work.
func NewAuditor(f Folder, log *slog.Logger) *Auditor {
	a := &Auditor{folder: f, log: log, live: map[string]*live{}, results: map[string][]Result{}, changed: map[string]time.Time{}, warned: map[string]string{}}
	a.load()
	return a
}

// Frame takes an analysed frame of a camera. It never waits.
func (a *Auditor) Frame(f *sidecar.Frame, s *sidecar.Scene) {
	a.mu.Lock()
	defer a.mu.Unlock() // a recording that has ended gets no more pictures
	l := a.live[s.Camera]
	if l == nil || l.deaf {
		return
	}
	select {
	case l.frames <- picture{f.Retain(), s.Stamp, s.Model, s.Rules, s.Zones, s.View.Suspends()}:
	default:
		f.Release()
	}
}

// Facts takes events that have been published.
func (a *Auditor) Facts(events []sidecar.Event) {
	for _, e := range events {
		a.mu.Lock()
		l := a.live[e.Camera]
		hears := l != nil && !l.deaf
		a.mu.Unlock()
		if hears {
			l.mu.Lock()
			l.told = append(l.told, e)
			l.mu.Unlock()
		}
	}
}

// Annotate gives the counts with what is known of their error: the newest audit
// of each line and direction by the same model and the same rules.
func (a *Auditor) Annotate(counts []sidecar.Count) []sidecar.Count {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range counts {
		c := &counts[i]
		c.Audit = newest(a.results[c.Camera], func(r *Result) bool { return r.Model == c.Model && r.Rules == c.Rules })
		for j := range c.Audit {
			c.Audit[j].Model, c.Audit[j].Rules = "", ""
		}
		if now := c.Model + " " + c.Rules; len(c.Audit) == 0 && a.warned[c.Camera] != now && len(newest(a.results[c.Camera], func(*Result) bool { return true })) > 0 {
			a.warned[c.Camera] = now
			a.log.Info("the audit is outdated: audit the camera again", "camera", c.Camera, "model", c.Model, "rules", c.Rules)
		}
	}
	return counts
}

// Latest gives the newest audit of each line and direction of a camera, whatever
// it was measured with.
func (a *Auditor) Latest(camera string) []sidecar.Audit {
	a.mu.Lock()
	defer a.mu.Unlock()
	return newest(a.results[camera], func(*Result) bool { return true })
}

// newest gives the newest error of each line and direction, and of each zone's numbers,
// among some results.
// Those of which a person saw too little are left out.
func newest(all []Result, of func(*Result) bool) []sidecar.Audit {
	var some []sidecar.Audit
	for _, r := range slices.Backward(all) {
		if !of(&r) {
			continue
		}
		for _, l := range r.Lines {
			for _, e := range l.Estimates {
				kind, dir := rowOf(l.Kind, e.Direction), e.Direction
				if kind != sidecar.Flow {
					dir = ""
				}
				known := slices.ContainsFunc(some, func(v sidecar.Audit) bool { return v.Rule == l.Rule && v.Kind == kind && v.Direction == dir })
				if e.Direction != "" && !e.TooFew && !known {
					some = append(some, sidecar.Audit{Rule: l.Rule, Kind: kind, Direction: dir, At: r.At.UTC().Truncate(time.Second),
						Bias: round(e.Bias.Value), Low: round(e.Bias.Low), High: round(e.Bias.High), N: e.Seen, Model: r.Model, Rules: r.Rules})
				}
			}
		}
	}
	return some
}

// Run looks once a second for orders and results until ctx ends; then it ends the
// recordings with what they have, and films are made when it runs again. cameras gives the cameras that run, and changed
// is called for each whose results have changed.
func (a *Auditor) Run(ctx context.Context, cameras func() []sidecar.Camera, changed func(sidecar.Camera)) error {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case <-ctx.Done():
			a.end()
			return nil
		case <-second.C:
		}
		fresh := a.load()
		for _, c := range cameras() {
			if slices.Contains(fresh, c.ID) {
				changed(c)
			}
			if err := a.obey(c); err != nil {
				a.log.Error("auditing", "camera", c.ID, "error", err)
			}
		}
	}
}

// end ends all recordings, and waits for them.
func (a *Auditor) end() {
	a.mu.Lock()
	all := make([]*live, 0, len(a.live))
	for _, l := range a.live {
		all = append(all, l)
	}
	a.mu.Unlock()
	for _, l := range all {
		l.cancel(nil)
	}
	for _, l := range all {
		<-l.done
	}
}

// load reads results that are new, and deletes pictures whose time is over. It
// gives the cameras whose results are new.
func (a *Auditor) load() (fresh []string) {
	folders, err := os.ReadDir(string(a.folder))
	if err != nil {
		return nil // nothing was audited yet
	}
	for _, d := range folders {
		camera := d.Name()
		if err := a.expire(camera, time.Now()); err != nil {
			a.log.Error("deleting an audit's pictures", "camera", camera, "error", err)
		}
		info, err := os.Stat(a.folder.results(camera))
		if err != nil {
			continue
		}
		a.mu.Lock()
		known := a.changed[camera].Equal(info.ModTime())
		a.changed[camera] = info.ModTime()
		a.mu.Unlock()
		if known {
			continue
		}
		all, err := a.folder.Results(camera)
		if err != nil {
			a.log.Error("reading audits", "camera", camera, "error", err)
			continue
		}
		a.mu.Lock()
		a.results[camera] = all
		a.mu.Unlock()
		fresh = append(fresh, camera)
	}
	return fresh
}

// expire deletes pictures whose time is over, unless the camera is recorded now.
func (a *Auditor) expire(camera string, now time.Time) error {
	a.mu.Lock()
	recording := a.live[camera] != nil
	a.mu.Unlock()
	if recording {
		return nil
	}
	return a.folder.expire(camera, now)
}

// expire deletes pictures whose time is over: that of the record or, where a recording
// was never finished, that of the order.
func (f Folder) expire(camera string, now time.Time) error {
	r, finished, err := f.Record(camera)
	ends := r.Ends
	if err == nil && !finished {
		var o Order
		var ordered bool
		if o, ordered, err = f.Order(camera); !ordered {
			return err
		}
		ends = o.ends()
	}
	if err != nil || now.Before(ends) {
		return err
	}
	return f.Discard(camera)
}

// obey begins the recording that is ordered, and ends one whose order is gone. What
// was recorded with other masks than the camera has is of no use, finished or not.
func (a *Auditor) obey(c sidecar.Camera) error {
	o, ordered, err := a.folder.Order(c.ID)
	if err != nil {
		return err
	}
	a.mu.Lock()
	l := a.live[c.ID]
	full := len(a.live) >= mostAtOnce
	a.mu.Unlock()
	if l != nil {
		switch {
		case !ordered || l.order.ID != o.ID:
			l.cancel(errGivenUp)
			<-l.done
		case !sameMasks(l.masks, c.Analyse.Mask):
			l.cancel(errMasked)
			<-l.done
		}
		return nil
	}
	p, begun, err := a.folder.Progress(c.ID)
	if begun && p.State == Recorded {
		return errors.Join(err, a.review(c, p))
	}
	if !ordered || err != nil || full || begun && p.State != Recording {
		return err
	}
	drawn, there, err := a.folder.draft(c.ID)
	if err != nil {
		return err
	}
	if there {
		a.start(o, drawn.Masks, nil)
		return nil
	}
	if err := os.RemoveAll(a.folder.strips(c.ID)); err != nil {
		return err // of a recording that was killed: it begins anew
	}
	o.Begun = time.Now().UTC()
	r, err := newRecorder(a.folder, o, c)
	if err != nil {
		return errors.Join(err, a.folder.fail(c.ID, Progress{}, err))
	}
	a.log.Info("audit begun", "camera", c.ID, "audit", o.ID)
	a.start(o, c.Analyse.Mask, r)
	return nil
}

// start begins a recording; where r is nil, that of which only films are missing.
func (a *Auditor) start(o Order, masks []sidecar.Polygon, r *recorder) {
	ctx, cancel := context.WithCancelCause(context.Background()) // Run ends it
	l := &live{order: o, masks: masks, frames: make(chan picture, held), cancel: cancel, done: make(chan struct{}), deaf: r == nil}
	a.mu.Lock()
	a.live[o.Camera] = l
	a.mu.Unlock()
	go func() { // obey and end wait for it
		defer close(l.done)
		a.record(ctx, l, r)
	}()
}

// review takes a finished recording back whose masks are not those of its camera.
func (a *Auditor) review(c sidecar.Camera, p Progress) error {
	r, there, err := a.folder.Record(c.ID)
	if err != nil || !there || sameMasks(r.Masks, c.Analyse.Mask) {
		return err
	}
	a.log.Warn("audit failed", "camera", c.ID, "error", errMasked)
	return a.folder.fail(c.ID, p, errMasked)
}

// record carries out one recording. It runs until all that tells of it is written:
// else the order would be carried out again.
func (a *Auditor) record(ctx context.Context, l *live, r *recorder) {
	camera := l.order.Camera
	defer func() {
		a.mu.Lock()
		delete(a.live, camera)
		a.mu.Unlock()
	}()
	p, _, err := a.folder.Progress(camera)
	if r != nil {
		err = l.run(ctx, r, a.folder)
		a.deafen(l)
		if err == nil {
			err = r.finish(r.last - settling)
		}
		p = r.progress(time.Now())
	}
	if err == nil {
		err = a.folder.develop(ctx, camera)
	}
	if o, ordered, _ := a.folder.Order(camera); errors.Is(err, errGivenUp) || !ordered || o.ID != l.order.ID {
		return
	}
	p.State, p.Until = Recorded, time.Time{}
	switch {
	case errors.Is(err, context.Canceled):
		p.State = Recording // the next start goes on
		err = write(a.folder.progress(camera), p)
	case err != nil:
		a.log.Error("audit failed", "camera", camera, "error", err)
		err = a.folder.fail(camera, p, err)
	default:
		a.log.Info("audit recorded", "camera", camera, "page", a.folder.Page(camera))
		err = write(a.folder.progress(camera), p)
	}
	if err != nil {
		a.log.Error("auditing", "camera", camera, "error", err)
	}
}

// deafen has a recording get no more pictures, and releases those that wait.
func (a *Auditor) deafen(l *live) {
	a.mu.Lock()
	l.deaf = true
	a.mu.Unlock()
	for len(l.frames) > 0 {
		(<-l.frames).frame.Release()
	}
}

// run records until the recording is over or ctx ends.
func (l *live) run(ctx context.Context, r *recorder, f Folder) error {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case p := <-l.frames:
			r.facts(l.take())
			if err := l.frame(r, p); err != nil {
				return err
			}
		case now := <-second.C:
			if err := write(f.progress(l.order.Camera), r.progress(now)); err != nil {
				return err
			}
			if r.over(now) {
				return nil
			}
		case <-ctx.Done():
			if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
				return cause
			}
			return nil
		}
	}
}

func (l *live) take() []sidecar.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	told := l.told
	l.told = nil
	return told
}

func (l *live) frame(r *recorder, p picture) error {
	defer p.frame.Release()
	img, err := p.frame.Picture.YCbCr()
	if err != nil {
		return fmt.Errorf("copying a picture: %w", err)
	}
	if err := r.frame(img, p.stamp, p.model, p.rules); err != nil || p.suspended {
		return err
	}
	return r.look(p.zones)
}
