package tap

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"pantau/sidecar"
)

// Options say what is tapped, and how patiently. Zero values are the defaults.
type Options struct {
	Source sidecar.Source
	// Resolve gives what is played, before each session; nil: it is Source. What a
	// person must act upon is a *sidecar.Fault.
	Resolve    func(context.Context) (sidecar.Source, error)
	KeyFrames  bool          // key pictures only (every JPEG is one); the others are not even put together
	Packets    bool          // access units keep the packets that carried them
	FirstFrame time.Duration // from connecting to the first picture: 15 s
	NextFrame  time.Duration // from one picture to the next: 10 s
	Backoff    Backoff
	Log        *slog.Logger // nil: silent
	OnState    func(State)  // called for every change, never twice at once; nil: nobody wants to know
}

// Backoff says how long to wait before connecting again. Every wait is drawn
// from the half to the one and a half of what stands here: ten thousand cameras
// that were lost together must not come back together. After a session of
// FirstFrame + Max it begins again with Min.
type Backoff struct {
	Min    time.Duration // after the first trouble: 500 ms; doubled each time
	Max    time.Duration // 30 s
	Faulty time.Duration // where a person must act: 1 min; five times that for a password refused again, since cameras lock accounts
}

// The phases of a Tap.
const (
	Connecting = "connecting"
	Running    = "running"  // pictures come
	Retrying   = "retrying" // trouble that passes by itself
	Faulty     = "faulty"   // a person must act; tried again all the same, slowly
	Stopped    = "stopped"
)

// State is what a Tap is about.
type State struct {
	Phase   string
	Cause   error         // retrying, faulty: what happened; never with a password in its text
	Hint    string        // what to do about it; may be empty
	RetryIn time.Duration // retrying, faulty: when it connects again
}

// Stats are what a Tap has seen since it was made.
type Stats struct {
	Connects    uint64 // sessions that gave a picture
	AccessUnits uint64
	KeyFrames   uint64
	Bytes       uint64 // of access units
	LostPackets uint64
	Garbage     uint64 // packets and NAL units that could not be read

	Codec         sidecar.Codec // of the newest session, as what follows
	Width, Height int           // pixels; 0 while unknown
	TimeSource    sidecar.TimeSource
	ClockOffset   time.Duration // how far the camera's clock is ahead, by its newest sender report
	ClockKnown    bool          // there was a sender report
	LastFrame     time.Time
}

// Tap reads one camera, or one clip.
type Tap struct {
	options Options
	log     *slog.Logger

	mu    sync.Mutex
	stats Stats
	phase string // the last one
}

// New makes a Tap; Run does the work.
func New(o Options) *Tap {
	setDefault(&o.FirstFrame, 15*time.Second)
	setDefault(&o.NextFrame, 10*time.Second)
	setDefault(&o.Backoff.Min, 500*time.Millisecond)
	setDefault(&o.Backoff.Max, 30*time.Second)
	setDefault(&o.Backoff.Faulty, time.Minute)
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Tap{options: o, log: log}
}

func setDefault(d *time.Duration, v time.Duration) {
	if *d <= 0 {
		*d = v
	}
}

// Run reads until ctx ends, and then returns nil. It hands every access unit to
// emit, which must not block; calls of emit do not overlap.
func (t *Tap) Run(ctx context.Context, emit func(*sidecar.AccessUnit)) error {
	defer t.setState(State{Phase: Stopped})
	pause := t.options.Backoff.Min
	for {
		t.setState(State{Phase: Connecting})
		began := time.Now()
		err := t.session(ctx, emit)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) > t.options.FirstFrame+t.options.Backoff.Max { // it was stable
			pause = t.options.Backoff.Min
		}
		state := t.diagnose(err, pause)
		t.setState(state)
		if !sleep(ctx, state.RetryIn) {
			return nil
		}
		pause = min(2*pause, t.options.Backoff.Max)
	}
}

// session plays the source once.
func (t *Tap) session(ctx context.Context, emit func(*sidecar.AccessUnit)) error {
	source := t.options.Source
	if t.options.Resolve != nil {
		var err error
		if source, err = t.options.Resolve(ctx); err != nil {
			return fmt.Errorf("finding the stream: %w", err)
		}
	}
	s := newSession(t, emit)
	if source.File != "" {
		return s.playFile(ctx, source.File)
	}
	return s.playRTSP(ctx, source)
}

// Stats gives the counters as they are now.
func (t *Tap) Stats() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stats
}

// count changes the counters.
func (t *Tap) count(change func(*Stats)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.stats)
}

// setState tells everybody. The log takes what an operator would mention: not
// every attempt, but every change between running, retrying and faulty.
func (t *Tap) setState(s State) {
	t.mu.Lock()
	changed := s.Phase != t.phase && s.Phase != Connecting
	if changed {
		t.phase = s.Phase
	}
	stats := t.stats
	t.mu.Unlock()
	switch {
	case !changed:
	case s.Phase == Running:
		t.log.Info("camera is running", "codec", stats.Codec)
	case s.Phase == Retrying:
		t.log.Warn("camera is lost", "cause", s.Cause, "hint", s.Hint, "retry_in", s.RetryIn.Round(time.Millisecond))
	case s.Phase == Faulty:
		t.log.Error("camera cannot be used", "cause", s.Cause, "hint", s.Hint, "retry_in", s.RetryIn.Round(time.Second))
	}
	if t.options.OnState != nil {
		t.options.OnState(s)
	}
}

// lastPhase is the phase before this attempt to connect.
func (t *Tap) lastPhase() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.phase
}

// jitter draws from the half to the one and a half of d.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d+1)
}

// sleep waits; it says whether ctx is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// newEpoch names a session: milliseconds since 1970 and two digits of chance, in
// base 36. Names are unique for a camera, also across restarts.
func newEpoch(now time.Time) string {
	const digits = 36 * 36
	return strconv.FormatInt(now.UnixMilli()*digits+rand.Int64N(digits), 36)
}
