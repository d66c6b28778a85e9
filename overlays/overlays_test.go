package overlays_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"pantau/overlays"
	"pantau/sidecar"
)

// stamp is of picture i of an epoch at 25 pictures a second, from shortly before the
// RTP clock wraps.
func stamp(epoch string, i int, begun time.Time) sidecar.Stamp {
	const origin = 1<<32 - 90000
	pts := origin + int64(i)*3600
	return sidecar.Stamp{Epoch: epoch, PTS: pts, Origin: origin, RTPTime: uint32(pts), ClockRate: 90000,
		Capture: begun.Add(time.Duration(i) * 40 * time.Millisecond)}
}

type joined struct {
	unit  *sidecar.AccessUnit
	scene *sidecar.Scene
	at    time.Time
}

// play sends n pictures, and for those that `analysed` names a scene after a while.
func play(t *testing.T, o overlays.Options, n int, analysed func(i int) (time.Duration, bool)) ([]joined, overlays.Stats) {
	t.Helper()
	var all []joined
	j := overlays.NewJoiner(o, func(u *sidecar.AccessUnit, s *sidecar.Scene) { all = append(all, joined{u, s, time.Now()}) })
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); j.Run(ctx) }()
	begun := time.Now()
	for i := range n {
		epoch := "a"
		if i >= n/2 { // the camera was connected anew
			epoch = "b"
		}
		st := stamp(epoch, i, begun)
		j.AccessUnit(&sidecar.AccessUnit{Stamp: st, NALUs: [][]byte{make([]byte, 1000)}, Received: time.Now()})
		if d, ok := analysed(i); ok {
			time.AfterFunc(d, func() { j.Scene(&sidecar.Scene{Stamp: st}) })
		}
		time.Sleep(40 * time.Millisecond)
	}
	time.Sleep(5 * time.Second)
	synctest.Wait()
	stop()
	<-done
	return all, j.Stats()
}

func TestEveryPictureGetsItsOwnScene(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		delay := 450 * time.Millisecond
		all, stats := play(t, overlays.Options{Delay: delay}, 1000, func(i int) (time.Duration, bool) {
			return 20*time.Millisecond + time.Duration(rng.IntN(380))*time.Millisecond, i%2 == 0
		})
		if len(all) != 1000 || stats.Joined != 500 || stats.Late+stats.Lost+stats.Hurried != 0 {
			t.Fatalf("%d pictures, %+v", len(all), stats)
		}
		for i, p := range all {
			if (p.scene != nil) != (i%2 == 0) || p.scene != nil && (p.scene.PTS != p.unit.PTS || p.scene.Epoch != p.unit.Epoch) {
				t.Fatalf("picture %d with scene %+v", i, p.scene)
			}
			if held := p.at.Sub(p.unit.Received); held != delay {
				t.Fatalf("picture %d was held for %v, want %v", i, held, delay)
			}
		}
	})
}

func TestLateScenesComeAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, stats := play(t, overlays.Options{Delay: 100 * time.Millisecond}, 50, func(i int) (time.Duration, bool) { return 150 * time.Millisecond, i == 7 })
		if stats.Late != 1 || stats.Joined != 0 || stats.Behind <= 0 || stats.Behind > 100*time.Millisecond {
			t.Fatalf("%+v", stats)
		}
		alone := 0
		for _, p := range all {
			if p.unit == nil {
				alone++
			}
		}
		if alone != 1 || len(all) != 51 {
			t.Errorf("%d of %d came alone, want 1 of 51", alone, len(all))
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, stats := play(t, overlays.Options{Delay: time.Minute, Bytes: 10_000}, 100, func(int) (time.Duration, bool) { return 0, false })
		if stats.Hurried != 90 || len(all) != 90 {
			t.Errorf("%d were let go, %+v; want 90 hurried", len(all), stats)
		}
	})
}

func TestScenesWithoutPicturesAreGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := overlays.NewJoiner(overlays.Options{}, func(*sidecar.AccessUnit, *sidecar.Scene) {})
		for i := range 1000 {
			j.Scene(&sidecar.Scene{Stamp: stamp("a", i, time.Now())})
		}
		if lost := j.Stats().Lost; lost != 1000-256 {
			t.Errorf("%d scenes were given up, want %d", lost, 1000-256)
		}
	})
}

// Pictures that refer to later ones come after them.
func TestPicturesInAnotherOrderGetTheirScenes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all []joined
		j := overlays.NewJoiner(overlays.Options{Delay: 300 * time.Millisecond}, func(u *sidecar.AccessUnit, s *sidecar.Scene) { all = append(all, joined{unit: u, scene: s}) })
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); j.Run(ctx) }()
		begun := time.Now()
		for group := range 20 {
			for _, i := range [4]int{4, 2, 1, 3} {
				st := stamp("a", 4*group+i, begun)
				j.AccessUnit(&sidecar.AccessUnit{Stamp: st, Received: time.Now()})
				time.AfterFunc(250*time.Millisecond, func() { j.Scene(&sidecar.Scene{Stamp: st}) })
				time.Sleep(40 * time.Millisecond)
			}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		stop()
		<-done
		if stats := j.Stats(); len(all) != 80 || stats.Joined != 80 || stats.Late+stats.Lost != 0 {
			t.Errorf("%d pictures, %+v", len(all), stats)
		}
		if next := j.Next(stamp("a", 3, begun)); next != nil {
			t.Errorf("a scene waits for %d", next.PTS)
		}
	})
}

func TestNextIsTheEarliestAfter(t *testing.T) {
	j := overlays.NewJoiner(overlays.Options{}, func(*sidecar.AccessUnit, *sidecar.Scene) {})
	begun := time.Now()
	for _, i := range []int{5, 3, 9} {
		j.Scene(&sidecar.Scene{Stamp: stamp("a", i, begun)})
	}
	j.Scene(&sidecar.Scene{Stamp: stamp("b", 4, begun)})
	for after, want := range map[int]int{0: 3, 3: 5, 6: 9} {
		if got := j.Next(stamp("a", after, begun)); got == nil || got.PTS != stamp("a", want, begun).PTS {
			t.Errorf("after %d comes %+v, want %d", after, got, want)
		}
	}
	if got := j.Next(stamp("a", 9, begun)); got != nil {
		t.Errorf("after 9 comes %+v", got)
	}
}
