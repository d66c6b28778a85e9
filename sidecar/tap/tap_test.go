package tap_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/tap"
	"pantau/sidecar/tap/taptest"
)

// TestReads compares what comes with the clip, byte by byte.
func TestReads(t *testing.T) {
	for name, c := range map[string]struct {
		codec     sidecar.Codec
		transport sidecar.Transport
		tls       bool
	}{
		"h264 tcp":  {codec: sidecar.H264},
		"h264 udp":  {codec: sidecar.H264, transport: sidecar.UDP},
		"h264 tls":  {codec: sidecar.H264, tls: true},
		"h265 tcp":  {codec: sidecar.H265},
		"h265 udp":  {codec: sidecar.H265, transport: sidecar.UDP},
		"mjpeg tcp": {codec: sidecar.MJPEG},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const start = 1000
			path := taptest.MakeClip(t, taptest.Spec{Codec: c.codec, GOP: 5, Frames: 20})
			clip, err := tap.OpenClip(path)
			if err != nil {
				t.Fatal(err)
			}
			defer clip.Close()
			cam := camera(t, taptest.Options{Clip: path, TLS: c.tls, StartRTP: start})
			source := cam.Source()
			source.Transport = c.transport
			v := watch(t, tap.Options{Source: source})
			v.unit(isKey)
			units := v.take(25) // more than one round of the clip
			for _, u := range units {
				sound(t, u)
				if c.codec != sidecar.MJPEG { // the packets of RFC 2435 leave out headers
					like(t, u, clip, start)
				}
			}
			if got, want := units[len(units)-1].Source, sidecar.TimeRTCP; got != want {
				t.Errorf("got time source %q, want %q", got, want)
			}
			s := v.tap.Stats()
			if s.Codec != c.codec || s.Connects != 1 || s.Garbage != 0 || s.LostPackets != 0 {
				t.Errorf("got %+v, want one clean session", s)
			}
			if c.codec != sidecar.MJPEG && (s.Width != 320 || s.Height != 240) {
				t.Errorf("got %d×%d, want 320×240", s.Width, s.Height)
			}
		})
	}
}

func TestStopsWithATeardown(t *testing.T) {
	cam := camera(t, taptest.Options{Clip: taptest.MakeClip(t, taptest.Spec{GOP: 5})})
	v := watch(t, tap.Options{Source: cam.Source()})
	v.unit(isKey)
	if got := cam.Readers(); got != 1 {
		t.Errorf("got %d readers, want 1", got)
	}
	began := time.Now()
	v.stop()
	if d := time.Since(began); d > time.Second {
		t.Errorf("stopping took %v", d)
	}
	eventually(t, func() bool { return cam.Readers() == 0 })
	v.state(tap.Stopped)
}

// eventually polls what another process, or another library, is about to do.
func eventually(t *testing.T, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come true")
		}
	}
}

// TestWrap crosses the wrap of the 32-bit RTP time.
func TestWrap(t *testing.T) {
	start := uint32(math.MaxUint32 - 2*90000) // two seconds before
	cam := camera(t, taptest.Options{Clip: taptest.MakeClip(t, taptest.Spec{GOP: 5}), StartRTP: start})
	v := watch(t, tap.Options{Source: cam.Source()})
	last := v.unit(isKey)
	if last.RTPTime < start {
		t.Skip("connecting took longer than two seconds")
	}
	for last.PTS < math.MaxUint32+45000 {
		u := v.unit(every)
		sound(t, u)
		if got := u.PTS - last.PTS; got != 3600 {
			t.Fatalf("got a step of %d from %d, want 3600", got, last.PTS)
		}
		if got := u.Capture.Sub(last.Capture).Round(time.Millisecond); got != 40*time.Millisecond {
			t.Errorf("got a capture step of %v at %d, want 40ms", got, u.PTS)
		}
		last = u
	}
	if last.Epoch == "" || last.Media() > patience {
		t.Errorf("got media time %v", last.Media())
	}
}

func TestKeyFrames(t *testing.T) {
	for _, codec := range []sidecar.Codec{sidecar.H264, sidecar.H265} {
		t.Run(string(codec), func(t *testing.T) {
			t.Parallel()
			cam := camera(t, taptest.Options{Clip: taptest.MakeClip(t, taptest.Spec{Codec: codec, GOP: 20, Frames: 20})})
			v := watch(t, tap.Options{Source: cam.Source(), KeyFrames: true, NextFrame: 600 * time.Millisecond})
			first := v.unit(every) // the watchdog is fed by pictures that are left out, too: keys are 800 ms apart
			for _, u := range v.take(3) {
				sound(t, u)
				if !u.Key || u.Epoch != first.Epoch {
					t.Errorf("got key %v, epoch %s", u.Key, u.Epoch)
				}
			}
		})
	}
}

func TestPasswordRefused(t *testing.T) {
	cam := camera(t, taptest.Options{Clip: taptest.MakeClip(t, taptest.Spec{GOP: 5})})
	cam.SetPassword("another")
	v := watch(t, tap.Options{Source: cam.Source()})
	s := v.state(tap.Faulty)
	if s.Cause.Error() != sidecar.ErrUnauthorized.Error() || s.Hint == "" || s.RetryIn <= 0 {
		t.Errorf("got %+v, want unauthorized, with a hint", s)
	}
	cam.SetPassword(password)
	u := v.unit(isKey)
	cam.SetPassword("another") // while it runs: it goes on …
	v.take(5)
	cam.Drop() // … until the camera drops it
	v.state(tap.Faulty)
	cam.SetPassword(password)
	v.unit(after(u))
	v.stop()
	if log := v.log.String(); strings.Contains(log, password) {
		t.Errorf("the password is in the log:\n%s", log)
	}
}

func TestCertificate(t *testing.T) {
	cam := camera(t, taptest.Options{Clip: taptest.MakeClip(t, taptest.Spec{GOP: 5}), TLS: true})
	source := cam.Source()
	source.Fingerprint = ""
	s := watch(t, tap.Options{Source: source}).state(tap.Faulty)
	if !strings.Contains(s.Hint, cam.Fingerprint()) {
		t.Errorf("got hint %q (%v), want the fingerprint %s in it", s.Hint, s.Cause, cam.Fingerprint())
	}
	source.Fingerprint = strings.Repeat("00:", 31) + "00"
	s = watch(t, tap.Options{Source: source}).state(tap.Faulty)
	if !strings.Contains(s.Cause.Error(), "another fingerprint") {
		t.Errorf("got %v, want another fingerprint", s.Cause)
	}
}

func TestCaptureTime(t *testing.T) {
	path := taptest.MakeClip(t, taptest.Spec{GOP: 5})
	for name, c := range map[string]struct {
		options taptest.Options
		source  sidecar.TimeSource
		offset  time.Duration // of the capture time
	}{
		"same clock": {taptest.Options{}, sidecar.TimeRTCP, 0},
		"ahead":      {taptest.Options{ClockOffset: 3 * time.Second}, sidecar.TimeRTCP, 3 * time.Second},
		"behind":     {taptest.Options{ClockOffset: -time.Second}, sidecar.TimeRTCP, -time.Second},
		"time zone":  {taptest.Options{ClockOffset: 7 * time.Hour}, sidecar.TimeArrival, 0},
		"1970":       {taptest.Options{ClockOffset: -time.Since(time.Unix(0, 0))}, sidecar.TimeArrival, 0},
		"no reports": {taptest.Options{NoReports: true}, sidecar.TimeArrival, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.options.Clip = path
			v := watch(t, tap.Options{Source: camera(t, c.options).Source()})
			v.unit(func(u *sidecar.AccessUnit) bool {
				off := u.Capture.Sub(u.Received) - c.offset
				return u.Key && u.Source == c.source && off.Abs() < 200*time.Millisecond
			})
			s := v.tap.Stats()
			if s.ClockKnown == c.options.NoReports || (s.ClockOffset-c.options.ClockOffset).Abs() > 500*time.Millisecond {
				t.Errorf("got clock offset %v (%v), want %v", s.ClockOffset, s.ClockKnown, c.options.ClockOffset)
			}
		})
	}
}

// TestReportArrivesLate: the capture time does not go back when the first
// report says that it is earlier than it seemed.
func TestReportArrivesLate(t *testing.T) {
	cam := camera(t, taptest.Options{Clip: taptest.MakeClip(t, taptest.Spec{GOP: 5}), NoReports: true, ClockOffset: -200 * time.Millisecond})
	v := watch(t, tap.Options{Source: cam.Source()})
	last := v.unit(isKey)
	cam.SetReports(true)
	for last.Source != sidecar.TimeRTCP || last.Capture.Sub(last.Received) > -150*time.Millisecond {
		u := v.unit(every)
		if u.Capture.Before(last.Capture) {
			t.Fatalf("got capture %v after %v", u.Capture, last.Capture)
		}
		last = u
	}
}

func TestFile(t *testing.T) {
	path := taptest.MakeClip(t, taptest.Spec{Width: 64, Height: 48, Rate: 100, GOP: 10, Frames: 30})
	v := watch(t, tap.Options{Source: sidecar.Source{File: path}})
	clip, err := tap.OpenClip(path)
	if err != nil {
		t.Fatal(err)
	}
	defer clip.Close()
	units := v.take(100) // more than three rounds
	for i, u := range units {
		sound(t, u)
		like(t, u, clip, 0)
		if want := int64(i) * 900; u.PTS != want || u.Epoch != units[0].Epoch || u.Source != sidecar.TimeFile {
			t.Fatalf("got %+v, want PTS %d", u.Stamp, want)
		}
	}
	v.state(tap.Running)
	if d := units[99].Received.Sub(units[0].Received); d < 900*time.Millisecond {
		t.Errorf("got 0.99 s of video in %v", d)
	}

	v = watch(t, tap.Options{Source: sidecar.Source{File: path}, KeyFrames: true})
	for i, u := range v.take(4) {
		if !u.Key || u.PTS != int64(i)*9000 {
			t.Errorf("got key %v at %d", u.Key, u.PTS)
		}
	}
	s := watch(t, tap.Options{Source: sidecar.Source{File: path + ".none"}}).state(tap.Faulty)
	if s.Hint == "" {
		t.Errorf("got %+v, want a hint", s)
	}
}

func TestProbe(t *testing.T) {
	path := taptest.MakeClip(t, taptest.Spec{GOP: 10, Frames: 50})
	cam := camera(t, taptest.Options{Clip: path, ClockOffset: 5 * time.Second})
	i, err := tap.Probe(t.Context(), cam.Source(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if i.Codec != sidecar.H264 || i.Width != 320 || i.Height != 240 || i.Transport != "tcp" || i.TimeSource != sidecar.TimeRTCP {
		t.Errorf("got %+v", i)
	}
	if math.Abs(i.FPS-25) > 1 || math.Abs(i.GOP-0.4) > 0.01 || i.BitRate < 10e3 || (i.ClockOffset-5*time.Second).Abs() > time.Second {
		t.Errorf("got %+v", i)
	}
	if all := strings.Join(i.Advice, "\n"); !strings.Contains(all, "ahead") || !strings.Contains(all, "25 pictures/s") {
		t.Errorf("got advice %q", all)
	}
	cam.SetPassword("another")
	if _, err = tap.Probe(t.Context(), cam.Source(), time.Second); err == nil || !strings.Contains(err.Error(), "password") {
		t.Errorf("got %v, want a refused password", err)
	}
}
