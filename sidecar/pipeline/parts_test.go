package pipeline

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"pantau/sidecar"
)

func unit(n int, key bool) *sidecar.AccessUnit {
	return &sidecar.AccessUnit{Stamp: sidecar.Stamp{PTS: int64(n)}, Key: key}
}

// What the decoder gets is what came, less gaps that begin anywhere and end
// before a key frame; everything is either given or counted.
func TestQueueDropsUpToTheNextKeyFrame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := newUnitQueue()
		gop := rapid.IntRange(1, 40).Draw(t, "gop")
		var given []*sidecar.AccessUnit
		const sent = 400
		for i := range sent {
			q.put(unit(i, i%gop == 0))
			for range rapid.IntRange(0, 2).Draw(t, "taken") {
				select {
				case u := <-q.c:
					given = append(given, u)
				default:
				}
			}
		}
		q.close()
		for u := range q.c {
			given = append(given, u)
		}
		for i, u := range given[1:] {
			if last := given[i].PTS; u.PTS <= last || u.PTS != last+1 && !u.Key {
				t.Fatalf("unit %d follows %d, and is no key frame", u.PTS, last)
			}
		}
		if got := len(given) + int(q.dropped.Load()); got != sent {
			t.Fatalf("%d units were given or counted, %d were sent", got, sent)
		}
	})
}

// take counts how many of a stream's frames are analysed.
func take(s *sampler, epoch string, from time.Duration, rate float64, n int) (taken int, widest time.Duration) {
	last := time.Duration(-1)
	for i := range n {
		media := from + time.Duration(float64(i)/rate*float64(time.Second))
		at := sidecar.Stamp{Epoch: epoch, PTS: int64(media * 9 / 100000), ClockRate: 90000}
		if !s.take(at) {
			continue
		}
		taken++
		if last >= 0 {
			widest = max(widest, media-last)
		}
		last = media
	}
	return taken, widest
}

func TestSamplerKeepsTheRate(t *testing.T) {
	for _, c := range []struct{ camera, wanted float64 }{
		{25, 8}, {25, 10}, {25, 5}, {30, 8}, {15, 10}, {12.5, 10}, {10, 10}, {5, 10}, {25, 25}, {25, 1}, {60, 2},
	} {
		const seconds = 100
		taken, widest := take(newSampler(c.wanted), "e", 0, c.camera, int(seconds*c.camera))
		want := seconds * min(c.camera, c.wanted)
		if float64(taken) < 0.97*want || float64(taken) > 1.03*want+1 {
			t.Errorf("%v of %v frames/s: took %d in %d s, want %v", c.wanted, c.camera, taken, seconds, want)
		}
		period := max(1/c.wanted, 1/c.camera)
		if widest.Seconds() > period+1/c.camera+0.001 {
			t.Errorf("%v of %v frames/s: a gap of %v", c.wanted, c.camera, widest)
		}
	}
}

// After a jump in time and in a new epoch the first frame is taken at once.
func TestSamplerSurvivesJumps(t *testing.T) {
	s := newSampler(10)
	take(s, "a", 0, 25, 50)
	for _, c := range []struct {
		epoch string
		from  time.Duration
	}{{"b", 0}, {"b", time.Hour}, {"b", time.Minute}, {"c", 100 * time.Hour}} {
		if n, _ := take(s, c.epoch, c.from, 25, 1); n != 1 {
			t.Errorf("the first frame of epoch %s at %v was not taken", c.epoch, c.from)
		}
	}
}

func TestRulesVersionsNameWhatTheyMean(t *testing.T) {
	a := []sidecar.Function{{ID: "l", Kind: "line", Line: []sidecar.Point{{0.5, 0.1}, {0.5, 0.9}}}}
	b := []sidecar.Function{{ID: "l", Kind: "line", Line: []sidecar.Point{{0.5, 0.1}, {0.5, 0.9}}}}
	if RulesVersion(a) != RulesVersion(b) {
		t.Error("the same rules have two names")
	}
	b[0].Line[0][0] = 0.51
	if RulesVersion(a) == RulesVersion(b) {
		t.Error("two rules have one name")
	}
}

func TestRedefinable(t *testing.T) {
	base := sidecar.Camera{ID: "a", Source: sidecar.Source{RTSP: "rtsp://h/p", Password: sidecar.NewSecret("x")}}
	for _, c := range []struct {
		name   string
		change func(*sidecar.Camera)
		want   bool
	}{
		{"nothing", func(*sidecar.Camera) {}, true},
		{"name", func(c *sidecar.Camera) { c.Name = "n" }, true},
		{"functions", func(c *sidecar.Camera) { c.Functions = []sidecar.Function{{ID: "l"}} }, true},
		{"fps that is the default", func(c *sidecar.Camera) { c.Analyse.FPS = DefaultFPS }, true},
		{"fps", func(c *sidecar.Camera) { c.Analyse.FPS = 5 }, false},
		{"password", func(c *sidecar.Camera) { c.Source.Password = sidecar.NewSecret("y") }, false},
		{"address", func(c *sidecar.Camera) { c.Source.RTSP = "rtsp://h/q" }, false},
		{"model", func(c *sidecar.Camera) { c.Analyse.Model = "m" }, false},
		{"mask", func(c *sidecar.Camera) { c.Analyse.Mask = []sidecar.Polygon{{{0, 0}, {1, 0}, {1, 1}}} }, false},
		{"view", func(c *sidecar.Camera) { c.Analyse.View = sidecar.ViewAny }, false},
		{"key frames", func(c *sidecar.Camera) { c.Analyse.KeyFrames = true }, false},
	} {
		changed := base
		c.change(&changed)
		if got := Redefinable(base, changed); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestAKeyFrameIsWantedWhereTheDecoderWaitsForOne(t *testing.T) {
	asked := 0
	p := New(Options{KeyFrame: func(string) { asked++ }})
	put := func(epoch string, key bool, want int, when string) {
		t.Helper()
		p.receive(&sidecar.AccessUnit{Stamp: sidecar.Stamp{Epoch: epoch}, Key: key})
		if asked != want {
			t.Errorf("%s: asked %d times, want %d", when, asked, want)
		}
	}
	put("a", false, 1, "a session that begins in the middle")
	put("a", false, 1, "the next unit")
	put("b", true, 1, "a session that begins with one")
	for range queueLength {
		put("b", false, 1, "the queue fills")
	}
	put("b", false, 1, "units are dropped, and there is no room")
	for len(p.units.c) > 0 {
		<-p.units.c
	}
	put("b", false, 2, "there is room again")
	put("b", true, 2, "it has come")
	put("b", false, 2, "it goes on")
}
