package tap

import (
	"errors"
	"math"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"

	"pantau/sidecar"
)

func TestUnwrap(t *testing.T) {
	for name, c := range map[string]struct {
		times []uint32
		want  []int64
	}{
		"plain":         {[]uint32{100, 3700, 7300}, []int64{100, 3700, 7300}},
		"wrap":          {[]uint32{math.MaxUint32 - 99, 3500, 7100}, []int64{1<<32 - 100, 1<<32 + 3500, 1<<32 + 7100}},
		"B pictures":    {[]uint32{7200, 3600, 10800}, []int64{7200, 3600, 10800}},
		"back over it":  {[]uint32{100, math.MaxUint32 - 99}, []int64{100, -100}},
		"far backward":  {[]uint32{90000, math.MaxUint32}, []int64{90000, -1}},
		"two rounds":    {[]uint32{0, 1 << 30, 1 << 31, 3 << 30, 0, 1 << 30}, []int64{0, 1 << 30, 1 << 31, 3 << 30, 1 << 32, 5 << 30}},
		"exactly half":  {[]uint32{0, 1 << 31}, []int64{0, -1 << 31}},
		"the same time": {[]uint32{5, 5}, []int64{5, 5}},
	} {
		var u unwrapper
		for i, rtpTime := range c.times {
			if got := u.unwrap(rtpTime); got != c.want[i] {
				t.Errorf("%s: got %d, want %d", name, got, c.want[i])
			}
		}
	}
}

// FuzzUnwrap: the low 32 bits are the RTP time, and each step is the shortest.
func FuzzUnwrap(f *testing.F) {
	f.Add(uint32(0), uint32(3600), uint32(7200))
	f.Add(uint32(math.MaxUint32), uint32(0), uint32(1<<31))
	f.Fuzz(func(t *testing.T, a, b, c uint32) {
		var u unwrapper
		last := u.unwrap(a)
		if last != int64(a) {
			t.Fatalf("got %d, want %d", last, a)
		}
		for _, rtpTime := range []uint32{b, c, a} {
			pts := u.unwrap(rtpTime)
			if step := pts - last; uint32(pts) != rtpTime || step < math.MinInt32 || step > math.MaxInt32 {
				t.Fatalf("got %d after %d for %d", pts, last, rtpTime)
			}
			last = pts
		}
	})
}

// TestClock plays 25 pictures a second against reports of all kinds.
func TestClock(t *testing.T) {
	start := time.Date(2026, 11, 23, 5, 41, 7, 0, time.UTC)
	at := func(pts int64) time.Time { return start.Add(ticks(pts)) } // when a picture arrives
	report := func(c *clock, pts int64, offset time.Duration) {
		ntp := at(pts).Add(offset)
		c.report(&rtcp.SenderReport{NTPTime: ntpOf(ntp), RTPTime: uint32(pts)}, at(pts))
	}
	for name, c := range map[string]struct {
		play   func(*clock) (time.Time, sidecar.TimeSource, time.Time) // the last picture's, and its arrival
		source sidecar.TimeSource
		off    time.Duration // from the arrival
	}{
		"no report": {func(c *clock) (time.Time, sidecar.TimeSource, time.Time) { return play(c, at, 0, 100) }, sidecar.TimeArrival, 0},
		"ahead": {func(c *clock) (time.Time, sidecar.TimeSource, time.Time) {
			report(c, 0, 3*time.Second)
			return play(c, at, 0, 100)
		}, sidecar.TimeRTCP, 3 * time.Second},
		"old": {func(c *clock) (time.Time, sidecar.TimeSource, time.Time) {
			report(c, 0, time.Second)
			return play(c, at, 0, 25*240)
		}, sidecar.TimeArrival, 0},
		"1970": {func(c *clock) (time.Time, sidecar.TimeSource, time.Time) {
			report(c, 0, -start.Sub(time.Unix(0, 0)))
			return play(c, at, 0, 100)
		}, sidecar.TimeArrival, 0},
		"no clock": {func(c *clock) (time.Time, sidecar.TimeSource, time.Time) {
			c.report(&rtcp.SenderReport{RTPTime: 1}, start)
			return play(c, at, 0, 100)
		}, sidecar.TimeArrival, 0},
		"late and behind": {func(c *clock) (time.Time, sidecar.TimeSource, time.Time) {
			play(c, at, 0, 25)
			report(c, 25*3600, -10*time.Second)
			return play(c, at, 25, 25*30)
		}, sidecar.TimeRTCP, -10 * time.Second},
		"jump": {func(c *clock) (time.Time, sidecar.TimeSource, time.Time) {
			report(c, 0, 3*time.Second)
			play(c, at, 0, 100)
			moved := func(pts int64) time.Time { return at(pts - 30*clockRate) }
			return play(c, moved, 100+25*30, 25*60)
		}, sidecar.TimeArrival, 0},
		"held up": {func(c *clock) (time.Time, sidecar.TimeSource, time.Time) {
			report(c, 0, 0)
			play(c, at, 0, 100)
			late := func(pts int64) time.Time { return at(max(pts, 200*3600)) } // four seconds come at once
			return play(c, late, 100, 201)
		}, sidecar.TimeRTCP, 0},
	} {
		capture, source, arrival := c.play(&clock{})
		if off := capture.Sub(arrival); source != c.source || (off-c.off).Abs() > time.Millisecond {
			t.Errorf("%s: got %v off by %q, want %v by %q", name, off, source, c.off, c.source)
		}
	}
}

// play stamps pictures from..to and fails with a zero time if capture times go back.
func play(c *clock, arrival func(int64) time.Time, from, to int64) (capture time.Time, source sidecar.TimeSource, arrived time.Time) {
	for i := from; i < to; i++ {
		last := c.capture
		capture, source = c.at(i*3600, arrival(i*3600))
		if capture.Before(last) {
			return time.Time{}, source, arrival(i * 3600)
		}
	}
	return capture, source, arrival((to - 1) * 3600)
}

// ntpOf is the inverse of timeOfNTP.
func ntpOf(t time.Time) uint64 {
	return uint64(t.Unix()+2208988800)<<32 | uint64(t.Nanosecond())<<32/1e9
}

func TestTimeOfNTP(t *testing.T) {
	for v, want := range map[uint64]string{
		0x83AA7E80_00000000: "1970-01-01T00:00:00Z",
		0xEEAE0080_80000000: "2026-11-23T00:00:00.5Z",
		0x00000000_00000000: "2036-02-07T06:28:16Z", // the next era begins
	} {
		if got := timeOfNTP(v).UTC().Format(time.RFC3339Nano); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestWatchdog(t *testing.T) {
	const first, next = 15 * time.Second, 10 * time.Second
	for _, c := range []struct {
		meals int
		every time.Duration
		want  error
		after time.Duration
	}{
		{0, 0, errFirstFrame, first},
		{1, time.Second, errNextFrame, 11 * time.Second}, // sooner than the first deadline
		{1, 14 * time.Second, errNextFrame, 24 * time.Second},
		{5, 9 * time.Second, errNextFrame, 55 * time.Second},
		{1000, 40 * time.Millisecond, errNextFrame, 50 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			bitten := make(chan error, 1)
			began := time.Now()
			w := newWatchdog(first, next, func(err error) { bitten <- err })
			defer w.stop()
			for range c.meals {
				time.Sleep(c.every)
				w.feed()
			}
			err := <-bitten
			if got := time.Since(began); !errors.Is(err, c.want) || got != c.after {
				t.Errorf("%d meals: got %v after %v, want %v after %v", c.meals, err, got, c.want, c.after)
			}
		})
	}
}

// TestBackoff: the waits grow to the longest and never leave their bounds; a
// password refused again waits longest.
func TestBackoff(t *testing.T) {
	o := Options{Source: sidecar.Source{File: t.TempDir() + "/none"}, Backoff: Backoff{Min: 100 * time.Millisecond, Max: 800 * time.Millisecond}}
	tap := New(o)
	for range 1000 {
		s := tap.diagnose(errNextFrame, time.Second)
		if s.Phase != Retrying || s.RetryIn < time.Second/2 || s.RetryIn > 3*time.Second/2 {
			t.Fatalf("got %+v, want 0.5 to 1.5 s", s)
		}
	}
	refused := &sidecar.Fault{Err: sidecar.ErrUnauthorized, Hint: "…"}
	if s := tap.diagnose(refused, time.Second); s.Phase != Faulty || s.RetryIn > 90*time.Second {
		t.Errorf("got %+v, want up to 1.5 min", s)
	}
	tap.setState(State{Phase: Faulty, Cause: refused})
	if s := tap.diagnose(refused, time.Second); s.RetryIn < 150*time.Second {
		t.Errorf("got %+v, want 2.5 min and more", s)
	}
}

func TestEpochsDiffer(t *testing.T) {
	seen := map[string]bool{}
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for range 2000 {
		now = now.Add(time.Millisecond)
		if e := newEpoch(now); seen[e] || len(e) > 10 {
			t.Fatalf("got %q", e)
		} else {
			seen[e] = true
		}
	}
}

// FuzzClip: no file, whatever it says, is more than an error.
func FuzzClip(f *testing.F) {
	for _, path := range seeds(f) {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("\x00\x00\x00\x08moov"))
	path := f.TempDir() + "/clip.mp4"
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := OpenClip(path)
		if err != nil {
			return
		}
		defer c.Close()
		if c.Len() == 0 || c.Duration() <= 0 {
			t.Fatalf("got %d pictures in %d ticks", c.Len(), c.Duration())
		}
		for i := range min(c.Len(), 100) {
			u, err := c.At(i)
			if err == nil && len(u.NALUs) == 0 {
				t.Fatal("got a picture of nothing")
			}
		}
	})
}

// TestACameraThatStarts: who opens RTSP before there is a stream has no wrong address,
// if that address was right before.
func TestACameraThatStarts(t *testing.T) {
	tap := New(Options{Source: sidecar.Source{RTSP: "rtsp://10.0.0.9/street"}})
	missing := liberrors.ErrClientBadStatusCode{Code: base.StatusNotFound, Message: "Not Found"}
	if s := tap.diagnose(missing, time.Second); s.Phase != Faulty {
		t.Errorf("got %+v of a camera that never gave a picture, want faulty", s)
	}
	tap.count(func(s *Stats) { s.LastFrame = time.Now().Add(-time.Minute) })
	if s := tap.diagnose(missing, time.Second); s.Phase != Retrying || s.RetryIn > 3*time.Second/2 || s.Hint == "" {
		t.Errorf("got %+v of a camera that was there, want retrying soon, and a hint", s)
	}
	tap.count(func(s *Stats) { s.LastFrame = time.Now().Add(-time.Hour) })
	if s := tap.diagnose(missing, time.Second); s.Phase != Faulty {
		t.Errorf("got %+v of a camera that was there an hour ago, want faulty", s)
	}
}
