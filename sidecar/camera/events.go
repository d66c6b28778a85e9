package camera

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"pantau/onvif"
	"pantau/onvif/metadata"
	"pantau/sidecar"
)

// How long to wait before a camera is asked for its events again: twice as long each
// time, and longest where a person must act, as cameras lock accounts.
const (
	soonest = time.Second
	latest  = time.Minute
	faulty  = 5 * time.Minute
)

// perSecond is how many events of a camera are passed on in the long run, and atOnce how
// many together. What comes faster waits in the camera.
const (
	perSecond = 20
	atOnce    = 4096
)

// remembered is how many events a camera may repeat after others, and be understood.
const remembered = 1024

// AllEvents among a source's topics stands for all of them.
const AllEvents = "all"

// Run passes on the events of the cameras that have some enabled, and asks for key
// frames, until ctx ends.
func (d *Devices) Run(ctx context.Context) error {
	var working sync.WaitGroup
	defer working.Wait()
	running := map[string]*ear{}
	for {
		wanted := d.wanted()
		var ended []*ear // all are told before the first is waited for
		for id, e := range running {
			if !e.same(wanted[id]) {
				e.stop()
				ended = append(ended, e)
				delete(running, id)
			}
		}
		for _, e := range ended {
			<-e.stopped
		}
		for id, c := range wanted {
			if running[id] == nil {
				running[id] = d.hear(ctx, c, &working)
			}
		}
		for again := false; !again; {
			select {
			case id := <-d.keys:
				working.Go(func() { d.refresh(ctx, id) })
			case <-d.changed:
				again = true
			case <-ctx.Done():
				return nil // which ends all of them
			}
		}
	}
}

// hear begins to hear the events of a camera; the group waits for its end.
func (d *Devices) hear(ctx context.Context, c sidecar.Camera, working *sync.WaitGroup) *ear {
	e := &ear{Devices: d, camera: c, stopped: make(chan struct{}), limit: rate.NewLimiter(perSecond, atOnce), lost: "listening began", seen: map[string]bool{}}
	ctx, e.stop = context.WithCancel(ctx)
	working.Go(func() {
		defer close(e.stopped)
		defer e.stop()
		e.run(ctx)
	})
	return e
}

// wanted are the cameras whose events are passed on.
func (d *Devices) wanted() map[string]sidecar.Camera {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := map[string]sidecar.Camera{}
	for id, known := range d.known {
		if len(known.camera.Source.Events) > 0 {
			all[id] = known.camera
		}
	}
	return all
}

// ear hears the events of one camera.
type ear struct {
	*Devices
	camera  sidecar.Camera
	stop    context.CancelFunc
	stopped chan struct{}

	limit *rate.Limiter
	clock onvif.Clock // of the camera
	last  time.Time   // of the newest event, this machine's clock; zero before the first
	lost  string      // why events may be missing before the next one
	seen  map[string]bool
	order []string // of seen, the oldest first
}

// same says whether a camera's events are heard as they should be.
func (e *ear) same(c sidecar.Camera) bool {
	a, b := e.camera.Source, c.Source
	return a.ONVIF == b.ONVIF && a.User == b.User && a.Password == b.Password && a.Fingerprint == b.Fingerprint &&
		strings.Join(a.Events, " ") == strings.Join(b.Events, " ")
}

func (e *ear) run(ctx context.Context) {
	log := e.o.Log.With("camera", e.camera.ID, "stage", "events")
	pause, told := soonest, ""
	for ctx.Err() == nil {
		began := time.Now()
		err := e.session(ctx)
		if ctx.Err() != nil {
			return
		}
		if text := err.Error(); text != told { // not at every attempt
			log.Warn("the camera's own events are not heard", "cause", err)
			told = text
		}
		if !e.last.IsZero() {
			e.lost = "the connection was lost: " + err.Error()
		}
		if time.Since(began) > latest {
			pause, told = soonest, ""
		}
		wait := pause
		if isFault(err) {
			wait = faulty
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait/2 + rand.N(wait)):
		}
		pause = min(2*pause, latest)
	}
}

// session listens until the connection is lost.
func (e *ear) session(ctx context.Context) error {
	c, err := Dial(ctx, e.source(e.camera))
	if err != nil {
		return err
	}
	defer c.Close()
	err = c.Listen(ctx, func(p onvif.Pulled) error {
		e.clock = c.Clock()
		return e.take(ctx, p)
	})
	if err == nil {
		err = errors.New("listening has ended")
	}
	return fault(err)
}

// take passes on what was pulled. It returns when that is safe on disk, and only then
// is more pulled.
func (e *ear) take(ctx context.Context, p onvif.Pulled) error {
	now := time.Now().UTC()
	var events []sidecar.Event
	if lost := cmp.Or(e.lost, p.Lost); lost != "" {
		events = append(events, e.gap(lost, now))
	}
	for _, n := range p.Notifications {
		event := e.event(n, now)
		if e.passes(n.Topic) && !e.again(event.ID) {
			events = append(events, event)
		}
	}
	if len(events) > 0 {
		if err := e.limit.WaitN(ctx, len(events)); err != nil {
			return err
		}
		if err := e.o.Facts(ctx, events, nil); err != nil {
			return err
		}
	}
	e.last, e.lost = now, ""
	return nil
}

// passes says whether events of a topic are wanted.
func (e *ear) passes(topic string) bool {
	for _, begin := range e.camera.Source.Events {
		if begin == AllEvents || topic == begin || strings.HasPrefix(topic, strings.TrimSuffix(begin, "/")+"/") {
			return true
		}
	}
	return false
}

// again says whether an event came lately, and remembers it.
func (e *ear) again(id string) bool {
	if e.seen[id] {
		return true
	}
	e.seen[id] = true
	e.order = append(e.order, id)
	if len(e.order) > remembered {
		delete(e.seen, e.order[0])
		e.order = e.order[1:]
	}
	return false
}

// event makes an event of a notification. Its id is made of what the camera says, so
// that what comes again has the same one.
func (e *ear) event(n metadata.Notification, now time.Time) sidecar.Event {
	data := sidecar.DeviceEvent{Origin: sidecar.Origin{Camera: e.camera.ID}, Topic: n.Topic, Operation: string(n.Operation),
		About: valuesOf(n.Source), Key: valuesOf(n.Key), Values: valuesOf(n.Data)}
	at, salt := now, strconv.FormatInt(now.UnixNano(), 36) // without a time two events cannot be told to be one
	if !n.Time.IsZero() {
		salt, data.Clock = "", n.Time.Format(sidecar.TimeFormat)
	}
	if !n.Time.IsZero() && e.clock.Known {
		at = n.Time.Add(-e.clock.Offset)
	}
	text, _ := json.Marshal(data) // texts always marshal
	sum := sha256.Sum256(append(text, salt...))
	return sidecar.Event{ID: e.camera.ID + "/onvif/" + hex.EncodeToString(sum[:10]), Type: sidecar.CameraEvent,
		Camera: e.camera.ID, Subject: e.camera.ID, Time: at, Data: data}
}

// gap says that events may be missing.
func (e *ear) gap(cause string, now time.Time) sidecar.Event {
	data := sidecar.DeviceGap{Origin: sidecar.Origin{Camera: e.camera.ID}, To: now.Format(sidecar.TimeFormat), Cause: cause}
	if !e.last.IsZero() {
		data.From = e.last.Format(sidecar.TimeFormat)
	}
	return sidecar.Event{ID: e.camera.ID + "/onvif/gap-" + strconv.FormatInt(now.UnixMicro(), 36), Type: sidecar.CameraGap,
		Camera: e.camera.ID, Subject: e.camera.ID, Time: now, Data: data}
}

func valuesOf(items []metadata.Item) map[string]string {
	if len(items) == 0 {
		return nil
	}
	all := make(map[string]string, len(items))
	for _, i := range items {
		all[i.Name] = i.Value
	}
	return all
}
