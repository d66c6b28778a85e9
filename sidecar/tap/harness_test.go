package tap_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"pantau/sidecar"
	"pantau/sidecar/tap"
	"pantau/sidecar/tap/taptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "s3cr3t/p@ss"

// patience is how long a test waits for what must come.
const patience = 15 * time.Second

// camera runs a camera for the length of a test.
func camera(tb testing.TB, o taptest.Options) *taptest.Camera {
	tb.Helper()
	if o.User == "" {
		o.User, o.Password = "viewer", sidecar.NewSecret(password)
	}
	c, err := taptest.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }() // waited for in Cleanup
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
	return c
}

// viewer is a running tap with what it has given.
type viewer struct {
	tb     testing.TB
	tap    *tap.Tap
	units  chan *sidecar.AccessUnit
	states chan tap.State
	log    *notes
	stop   func()
}

// notes is a log that can be read while it is written.
type notes struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.buf.Write(p)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.buf.String()
}

// watch runs a tap for the length of a test, with little patience.
func watch(tb testing.TB, o tap.Options) *viewer {
	tb.Helper()
	v := &viewer{tb: tb, units: make(chan *sidecar.AccessUnit, 1<<16), states: make(chan tap.State, 1<<12), log: &notes{}}
	o.Log = slog.New(slog.NewTextHandler(v.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.OnState = func(s tap.State) { v.states <- s }
	if o.FirstFrame == 0 {
		o.FirstFrame = 5 * time.Second
	}
	if o.NextFrame == 0 {
		o.NextFrame = 1500 * time.Millisecond
	}
	if o.Backoff == (tap.Backoff{}) {
		o.Backoff = tap.Backoff{Min: 5 * time.Millisecond, Max: 50 * time.Millisecond, Faulty: 20 * time.Millisecond}
	}
	v.tap = tap.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- v.tap.Run(ctx, func(u *sidecar.AccessUnit) { v.units <- u }) }() // waited for in stop
	v.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
	tb.Cleanup(v.stop)
	return v
}

// unit waits for a unit of which something is true.
func (v *viewer) unit(is func(*sidecar.AccessUnit) bool) *sidecar.AccessUnit {
	v.tb.Helper()
	deadline := time.After(patience)
	for {
		select {
		case u := <-v.units:
			if is(u) {
				return u
			}
		case <-deadline:
			v.tb.Fatalf("no such access unit came; stats %+v; log:\n%s", v.tap.Stats(), v.log)
		}
	}
}

// take waits for the next n units.
func (v *viewer) take(n int) []*sidecar.AccessUnit {
	v.tb.Helper()
	units := make([]*sidecar.AccessUnit, 0, n)
	for range n {
		units = append(units, v.unit(every))
	}
	return units
}

// state waits for a phase.
func (v *viewer) state(phase string) tap.State {
	v.tb.Helper()
	deadline := time.After(patience)
	for {
		select {
		case s := <-v.states:
			if s.Phase == phase {
				return s
			}
		case <-deadline:
			v.tb.Fatalf("phase %q did not come; log:\n%s", phase, v.log)
		}
	}
}

func every(*sidecar.AccessUnit) bool { return true }

func isKey(u *sidecar.AccessUnit) bool { return u.Key }

// after is true for key units of another session than u's.
func after(u *sidecar.AccessUnit) func(*sidecar.AccessUnit) bool {
	return func(n *sidecar.AccessUnit) bool { return n.Key && n.Epoch != u.Epoch }
}

// sound looks at what must be true of every unit.
func sound(tb testing.TB, u *sidecar.AccessUnit) {
	tb.Helper()
	switch {
	case uint32(u.PTS) != u.RTPTime:
		tb.Errorf("got PTS %d, want its low 32 bits to be %d", u.PTS, u.RTPTime)
	case u.ClockRate != 90000, u.Epoch == "", len(u.NALUs) == 0, u.Received.IsZero():
		tb.Errorf("got a unit that is not complete: %+v", u.Stamp)
	case u.Capture.Location() != time.UTC:
		tb.Errorf("got capture in %v, want UTC", u.Capture.Location())
	}
}

// like compares a unit with the clip's picture at its place.
func like(tb testing.TB, u *sidecar.AccessUnit, clip *tap.Clip, start uint32) {
	tb.Helper()
	want, err := clip.At(int(int64(u.RTPTime-start) % clip.Duration() * int64(clip.Len()) / clip.Duration()))
	if err != nil {
		tb.Fatal(err)
	}
	if u.Key != want.Key || fmt.Sprint(u.NALUs) != fmt.Sprint(want.NALUs) {
		tb.Errorf("got another picture at %d than the clip's: key %v, %d bytes; want key %v, %d bytes",
			u.RTPTime-start, u.Key, u.Size(), want.Key, want.Size())
	}
}
