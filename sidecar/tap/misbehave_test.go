package tap_test

import (
	"context"
	"math"
	"runtime"
	"testing"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/tap"
	"pantau/sidecar/tap/taptest"
)

// TestMisbehaviours: whatever the camera does, the tap is back by itself.
func TestMisbehaviours(t *testing.T) {
	small := taptest.MakeClip(t, taptest.Spec{GOP: 5})
	large := taptest.MakeClip(t, taptest.Spec{GOP: 5, Width: 640, Height: 480})
	h265 := taptest.MakeClip(t, taptest.Spec{GOP: 5, Codec: sidecar.H265})
	mjpeg := taptest.MakeClip(t, taptest.Spec{Codec: sidecar.MJPEG})
	for name, misbehave := range map[string]func(*testing.T, *taptest.Camera, *viewer, *sidecar.AccessUnit){
		"drop": func(t *testing.T, c *taptest.Camera, v *viewer, u *sidecar.AccessUnit) {
			c.Drop()
			v.state(tap.Retrying)
			v.unit(after(u))
		},
		"freeze": func(t *testing.T, c *taptest.Camera, v *viewer, u *sidecar.AccessUnit) {
			c.Freeze()
			if s := v.state(tap.Retrying); s.Cause.Error() != "pictures stopped coming" {
				t.Errorf("got %v", s.Cause)
			}
			c.Thaw()
			v.unit(after(u))
		},
		"stop in mid-GOP": func(t *testing.T, c *taptest.Camera, v *viewer, u *sidecar.AccessUnit) {
			c.StopMidGOP()
			v.state(tap.Retrying)
			v.unit(after(u))
		},
		"garbage": func(t *testing.T, c *taptest.Camera, v *viewer, u *sidecar.AccessUnit) {
			c.Garbage(10)
			eventually(t, func() bool { return v.tap.Stats().Garbage > 0 })
			n := v.unit(func(n *sidecar.AccessUnit) bool { return n.Key && n.Media() > u.Media()+time.Second })
			if n.Epoch != u.Epoch {
				t.Error("got another session, want the same")
			}
		},
		"jump forward": func(t *testing.T, c *taptest.Camera, v *viewer, u *sidecar.AccessUnit) {
			c.Jump(time.Hour)
			n := v.unit(func(n *sidecar.AccessUnit) bool { return n.Media() > time.Hour })
			if off := n.Capture.Sub(n.Received); off.Abs() > time.Second || n.Epoch != u.Epoch {
				t.Errorf("got capture %v off", off)
			}
		},
		"jump backward": func(t *testing.T, c *taptest.Camera, v *viewer, u *sidecar.AccessUnit) {
			c.Jump(-10 * time.Minute) // of which RTP time 0 is nearer: it goes on below
			n := v.unit(func(n *sidecar.AccessUnit) bool { return n.Media() < -9*time.Minute })
			if off := n.Capture.Sub(n.Received); off.Abs() > time.Second || n.Epoch != u.Epoch {
				t.Errorf("got capture %v off", off)
			}
			v.unit(func(n *sidecar.AccessUnit) bool { sound(t, n); return n.Key })
		},
		"another size": func(t *testing.T, c *taptest.Camera, v *viewer, u *sidecar.AccessUnit) {
			change(t, c, large)
			eventually(t, func() bool { return v.tap.Stats().Width == 640 })
			if n := v.unit(isKey); n.Epoch != u.Epoch {
				t.Error("got another session, want the same")
			}
		},
		"h265": func(t *testing.T, c *taptest.Camera, v *viewer, u *sidecar.AccessUnit) {
			change(t, c, h265)
			v.unit(func(n *sidecar.AccessUnit) bool { return n.Key && n.Codec == sidecar.H265 })
		},
		"mjpeg": func(t *testing.T, c *taptest.Camera, v *viewer, u *sidecar.AccessUnit) {
			change(t, c, mjpeg)
			v.unit(func(n *sidecar.AccessUnit) bool { return n.Key && n.Codec == sidecar.MJPEG })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := camera(t, taptest.Options{Clip: small})
			v := watch(t, tap.Options{Source: c.Source()})
			misbehave(t, c, v, v.unit(isKey))
			for _, u := range v.take(5) {
				sound(t, u)
			}
		})
	}
}

// TestGarbageForEver: a camera that sends packets and no pictures is lost, and
// said to be. It comes back when it sends pictures again.
func TestGarbageForEver(t *testing.T) {
	for name, o := range map[string]struct {
		codec     sidecar.Codec
		keyFrames bool
	}{
		"h264": {sidecar.H264, false}, "h264, key frames": {sidecar.H264, true},
		"h265": {sidecar.H265, false}, "mjpeg": {sidecar.MJPEG, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := camera(t, taptest.Options{Clip: taptest.MakeClip(t, taptest.Spec{GOP: 5, Codec: o.codec})})
			v := watch(t, tap.Options{Source: c.Source(), KeyFrames: o.keyFrames, FirstFrame: 3 * time.Second})
			u := v.unit(isKey)
			c.Garbage(math.MaxInt)
			if s := v.state(tap.Retrying); s.Cause.Error() != "pictures stopped coming" {
				t.Errorf("got %v", s.Cause)
			}
			v.state(tap.Retrying) // and again: it connects and sends
			c.Garbage(0)
			v.unit(after(u))
		})
	}
}

// TestKeyFramesOnlyOfALongGroup: pictures between the key pictures, though not
// wanted, tell that the camera works.
func TestKeyFramesOnlyOfALongGroup(t *testing.T) {
	c := camera(t, taptest.Options{Clip: taptest.MakeClip(t, taptest.Spec{GOP: 50, Frames: 100})})
	v := watch(t, tap.Options{Source: c.Source(), KeyFrames: true, NextFrame: 500 * time.Millisecond})
	u := v.unit(isKey)
	if n := v.unit(func(n *sidecar.AccessUnit) bool { return n.PTS != u.PTS }); n.Epoch != u.Epoch {
		t.Error("got another session, want the same")
	}
}

func change(t *testing.T, c *taptest.Camera, path string) {
	t.Helper()
	if err := c.Switch(path); err != nil {
		t.Fatal(err)
	}
}

// TestLoss loses packets on UDP: units go on in the same session, and it is
// counted. The library waits for 64 packets before it gives a lost one up.
func TestLoss(t *testing.T) {
	c := camera(t, taptest.Options{Clip: taptest.MakeClip(t, taptest.Spec{GOP: 5, Bitrate: 2000, Pattern: "mandelbrot"})})
	source := c.Source()
	source.Transport = sidecar.UDP
	v := watch(t, tap.Options{Source: source, NextFrame: 10 * time.Second})
	u := v.unit(isKey)
	c.Lose(10)
	eventually(t, func() bool { return v.tap.Stats().LostPackets > 3 })
	c.Lose(0)
	for _, n := range v.take(30) {
		sound(t, n)
		if n.Epoch != u.Epoch {
			t.Fatal("got another session, want the same")
		}
	}
}

// TestReconnects drops the connection after each first key picture, a thousand
// times: memory and goroutines stay where they were.
func TestReconnects(t *testing.T) {
	sessions, settled := 1000, 200
	if testing.Short() {
		sessions, settled = 100, 50
	}
	c := camera(t, taptest.Options{Clip: taptest.MakeClip(t, taptest.Spec{Width: 64, Height: 48, Rate: 250, GOP: 1, Frames: 50})})
	t1 := tap.New(tap.Options{
		Source:    c.Source(),
		NextFrame: time.Second,
		Backoff:   tap.Backoff{Min: time.Microsecond, Max: time.Millisecond, Faulty: time.Millisecond},
	})
	epochs := map[string]bool{}
	first := make(chan string, 16) // epoch of each session's first picture
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { // waited for below
		last := ""
		done <- t1.Run(ctx, func(u *sidecar.AccessUnit) {
			if u.Epoch != last {
				last = u.Epoch
				first <- last
			}
		})
	}()
	var before memory
	for i := range sessions {
		select {
		case epoch := <-first:
			if epochs[epoch] {
				t.Fatalf("epoch %s came twice", epoch)
			}
			epochs[epoch] = true
		case <-time.After(patience):
			t.Fatalf("session %d did not come: %+v", i, t1.Stats())
		}
		if i == settled {
			before = measure()
		}
		c.Drop()
	}
	after := measure()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	t.Logf("%d sessions; after %d: %+v, at the end: %+v", sessions, settled, before, after)
	if after.heap > before.heap+1<<20 || after.goroutines > before.goroutines+20 {
		t.Errorf("got %+v at the end, %+v after %d sessions", after, before, settled)
	}
}

type memory struct {
	heap       int64 // bytes alive
	goroutines int
}

func measure() memory {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return memory{int64(m.HeapAlloc), runtime.NumGoroutine()}
}
