package camera

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"pantau/onvif/metadata"
	"pantau/onvif/onviftest"
	"pantau/sidecar"
	"pantau/sidecar/publish"
	"pantau/sidecar/publish/schematest"
)

// facts is where events go.
type facts chan sidecar.Event

func (f facts) take(ctx context.Context, events []sidecar.Event, _ []sidecar.Count) error {
	for _, e := range events {
		select {
		case f <- e:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// next is the next event.
func (f facts) next(t *testing.T) sidecar.Event {
	t.Helper()
	select {
	case e := <-f:
		return e
	case <-time.After(20 * time.Second):
		t.Fatal("no event came")
		return sidecar.Event{}
	}
}

// listening runs the devices until the test ends.
func listening(t *testing.T, f facts) *Devices {
	t.Helper()
	d := New(Options{Need: anything, Facts: f.take, Log: slog.New(slog.DiscardHandler)})
	serve(t, d.Run)
	return d
}

// until waits until something is so.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for limit := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("never: %s", what)
		}
	}
}

func subscribed(t *testing.T, d *onviftest.Device, n int) {
	t.Helper()
	until(t, fmt.Sprintf("%d subscriptions", n), func() bool { return d.Points() == n })
}

// onTheWire checks an event against its schema, as a reader gets it.
func onTheWire(t *testing.T, schemas *schematest.Checker, e sidecar.Event) {
	t.Helper()
	data, err := json.Marshal(e.Data)
	if err != nil {
		t.Fatal(err)
	}
	schemas.Entry(publish.Entry{ID: e.ID, Type: "pantau." + string(e.Type) + ".v1", Source: "node/" + e.Camera, Subject: e.Subject,
		Time: e.Time.Format(sidecar.TimeFormat), Schema: "1.0", ContentType: "application/json", Data: data})
}

// TestTheCamerasOwnEventsArePassedOn follows them through a loss of the subscription.
func TestTheCamerasOwnEventsArePassedOn(t *testing.T) {
	schemas := schematest.New(t)
	d := fake(t, onviftest.Options{Quirks: onviftest.Quirks{ClockOffset: -2 * time.Hour, Parameters: true}})
	f := make(facts)
	devices := listening(t, f)
	c := of(d)
	c.Source.Events = []string{"RuleEngine"}
	devices.Camera(c)
	subscribed(t, d, 1)
	d.Notify("Device/Trigger/Relay", "", "LogicalState", "true") // not wanted
	d.Notify("RuleEngineering/X", "", "A", "b")                  // nor this
	d.Notify("RuleEngine/LineDetector/Crossed", "", "ObjectId", "7")
	d.Notify("RuleEngine/CellMotionDetector/Motion", "Changed", "IsMotion", "true")
	gap := f.next(t)
	onTheWire(t, schemas, gap)
	if g, ok := gap.Data.(sidecar.DeviceGap); !ok || gap.Type != sidecar.CameraGap || g.From != "" || g.Cause != "listening began" {
		t.Errorf("got %+v, want that listening began", gap)
	}
	line, motion := f.next(t), f.next(t)
	for e, topic := range map[*sidecar.Event]string{&line: "RuleEngine/LineDetector/Crossed", &motion: "RuleEngine/CellMotionDetector/Motion"} {
		onTheWire(t, schemas, *e)
		data, ok := e.Data.(sidecar.DeviceEvent)
		if !ok || data.Topic != topic || data.About["VideoSource"] != "vs0" || data.Camera != "gate" || !strings.HasPrefix(e.ID, "gate/onvif/") {
			t.Errorf("got %+v, want %s", e, topic)
		}
		if off := time.Since(e.Time); off.Abs() > 10*time.Second {
			t.Errorf("got a time %v ago: the camera's clock is two hours behind", off)
		}
		if own, err := time.Parse(time.RFC3339Nano, data.Clock); err != nil || time.Since(own) < time.Hour {
			t.Errorf("got %q, %v, want the camera's own time", data.Clock, err)
		}
	}
	if data := motion.Data.(sidecar.DeviceEvent); data.Operation != "Changed" || data.Values["IsMotion"] != "true" || line.Data.(sidecar.DeviceEvent).Operation != "" {
		t.Errorf("got %+v", motion)
	}
	d.Forget()
	subscribed(t, d, 1)
	d.Notify("RuleEngine/CellMotionDetector/Motion", "Initialized", "IsMotion", "true")
	gap, state := f.next(t), f.next(t)
	onTheWire(t, schemas, gap)
	if g, ok := gap.Data.(sidecar.DeviceGap); !ok || g.From == "" || !strings.Contains(g.Cause, "subscription has ended") || state.Type != sidecar.CameraEvent {
		t.Errorf("got %+v, then %+v, want a gap and the state", gap, state)
	}
	devices.Camera(sidecar.Camera{ID: "gate", Source: sidecar.Source{ONVIF: d.Address()}})
	subscribed(t, d, 0)
}

// TestTheCamerasClockIsFollowed sets it while nothing is being pulled, so that the next
// pull is refused, and during a pull.
func TestTheCamerasClockIsFollowed(t *testing.T) {
	d := fake(t, onviftest.Options{Quirks: onviftest.Quirks{TokenOnly: true, ClockOffset: -2 * time.Hour}})
	f := make(facts)
	devices := listening(t, f)
	c := of(d)
	c.Source.Events = []string{AllEvents}
	devices.Camera(c)
	subscribed(t, d, 1)
	d.Notify("A/B", "", "N", "0")
	f.next(t) // listening began; the event itself waits to be taken
	pulls := d.Calls("PullMessages")
	d.SetClock(3 * time.Hour)
	f.next(t)
	for i, ahead := range []time.Duration{3 * time.Hour, -5 * time.Hour} {
		until(t, "the next pull", func() bool { return d.Calls("PullMessages") > pulls })
		d.SetClock(ahead)
		d.Notify("A/B", "", "N", fmt.Sprint(i+1))
		until(t, "the event is pulled", func() bool { return d.Waiting() == 0 })
		pulls = d.Calls("PullMessages")
		if e := f.next(t); e.Type != sidecar.CameraEvent || time.Since(e.Time).Abs() > 10*time.Second {
			t.Errorf("clock ahead by %v: got %+v", ahead, e)
		}
	}
}

// TestAClockThatIsNotKnownTellsNoTime keeps what the camera says beside the time of arrival.
func TestAClockThatIsNotKnownTellsNoTime(t *testing.T) {
	now, said := time.Now(), time.Date(1970, 1, 1, 0, 5, 0, 0, time.UTC)
	e := (&ear{}).event(metadata.Notification{Topic: "A/B", Time: said}, now)
	if data := e.Data.(sidecar.DeviceEvent); !e.Time.Equal(now) || data.Clock != said.Format(sidecar.TimeFormat) {
		t.Errorf("got %+v", e)
	}
}

// TestWhatComesAgainHasTheSameID makes an event twice, and others that differ.
func TestWhatComesAgainHasTheSameID(t *testing.T) {
	f := make(facts, 16)
	d := fake(t, onviftest.Options{})
	devices := listening(t, f)
	c := of(d)
	c.Source.Events = []string{AllEvents}
	devices.Camera(c)
	subscribed(t, d, 1)
	ids := map[string]bool{}
	for i := range 3 {
		d.Notify("A/B", "", "N", fmt.Sprint(i))
	}
	f.next(t)
	for range 3 {
		ids[f.next(t).ID] = true
	}
	if len(ids) != 3 {
		t.Errorf("got ids %v", ids)
	}
	e := &ear{Devices: devices, camera: c, seen: map[string]bool{}}
	now := time.Now()
	for name, n := range notifications() {
		a, b := e.event(n, now), e.event(n, now.Add(time.Hour))
		if (a.ID == b.ID) != !n.Time.IsZero() {
			t.Errorf("%s: got %s and %s", name, a.ID, b.ID)
		}
		if ids[a.ID] {
			t.Errorf("%s: got an id again", name)
		}
		ids[a.ID] = true
	}
	for i := range 3 * remembered {
		e.again(fmt.Sprint(i))
	}
	if len(e.seen) != remembered || len(e.order) != remembered {
		t.Errorf("%d are remembered, want %d", len(e.seen), remembered)
	}
}

// notifications differ in one thing each.
func notifications() map[string]metadata.Notification {
	at := time.Date(2026, 11, 23, 13, 5, 46, 0, time.UTC)
	item := []metadata.Item{{Name: "a", Value: "1"}}
	return map[string]metadata.Notification{
		"plain":     {Topic: "A/B", Time: at},
		"later":     {Topic: "A/B", Time: at.Add(time.Millisecond)},
		"topic":     {Topic: "A/C", Time: at},
		"operation": {Topic: "A/B", Time: at, Operation: metadata.Changed},
		"source":    {Topic: "A/B", Time: at, Source: item},
		"key":       {Topic: "A/B", Time: at, Key: item},
		"data":      {Topic: "A/B", Time: at, Data: item},
		"no time":   {Topic: "A/B"},
	}
}
