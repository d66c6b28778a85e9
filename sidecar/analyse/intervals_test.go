package analyse

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"pantau/sidecar"
)

// run plays one run of the program: its clock's time is where the film is plus
// begins, and the camera is ahead of that. The ticker asks once a second until the
// first scene, which is after dark; then there are scenes for a while.
func run(t tester, begins, dark, scenes, ahead time.Duration) []sidecar.Count {
	f := newFilm(t, 10, across)
	var counts []sidecar.Count
	for at := time.Duration(0); at < dark; at += time.Second {
		counts = append(counts, f.a.Counts(began.Add(begins+at))...)
	}
	f.at = begins + dark + ahead
	if scenes == 0 {
		_, last := f.a.Close(began.Add(begins + dark))
		return append(counts, last...)
	}
	counts = append(counts, f.minutes(f.at+scenes)...)
	_, last := f.a.Close(f.scene.Capture)
	return append(counts, last...)
}

// spans tells intervals as seconds since began.
func spans(counts []sidecar.Count) string {
	s := ""
	for _, c := range counts {
		s += fmt.Sprintf("%g-%g r%d %d; ", c.From.Sub(began).Seconds(), c.To.Sub(began).Seconds(), c.Rev, c.Frames)
	}
	return s
}

func TestRunsBegin(t *testing.T) {
	const s = time.Second
	for name, c := range map[string]struct {
		begins, dark, scenes, ahead time.Duration
		want                        string
	}{
		"by the first scene":     {10 * s, 0, 60 * s, 0, "10-60 r0 500; 60-69.9 r0 100; "},
		"by the ticker":          {10 * s, 2 * s, 60 * s, 0, "10.001-12 r0 0; 12-60 r0 480; 60-71.9 r0 120; "},
		"the camera is behind":   {70 * s, 2 * s, 60 * s, -30 * s, "42-60 r0 180; 60-101.9 r0 420; "},
		"the camera is ahead":    {51 * s, 2 * s, 60 * s, 50 * s, "51.001-60 r0 0; 103-120 r0 170; 120-162.9 r0 430; "},
		"late, and behind":       {10 * s, 120 * s, 20 * s, -60 * s, "10.001-60 r0 0; 60.001-70 r0 0; 70-89.9 r0 200; "},
		"later, and behind":      {50 * s, 100 * s, 20 * s, -60 * s, "50.001-60 r0 0; 60.001-90 r0 0; 90-109.9 r0 200; "},
		"never":                  {10 * s, 130 * s, 0, 0, "10.001-60 r0 0; 60.001-120 r0 0; 120.001-140 r0 0; "},
		"on a full minute":       {60 * s, 2 * s, 20 * s, 0, "60.001-62 r0 0; 62-81.9 r0 200; "},
		"for a moment":           {10 * s, 0, 100 * time.Millisecond, 0, "10-10.001 r0 1; "},
		"and end on a minute":    {10 * s, 0, 50*s + 100*time.Millisecond, 0, "10-60 r0 501; "},
		"on a minute, one frame": {60 * s, 0, 100 * time.Millisecond, 0, "60-60.001 r0 1; "},
	} {
		if got := spans(run(t, c.begins, c.dark, c.scenes, c.ahead)); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

// TestRunsNeverShareAKey: whatever a camera's clock is off, and whenever a run
// begins, no two intervals have the same key, and those of a run follow each other.
func TestRunsNeverShareAKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seconds := func(name string, low, high int) time.Duration {
			return time.Duration(rapid.IntRange(low*10, high*10).Draw(t, name)) * 100 * time.Millisecond
		}
		ahead := seconds("ahead", -60, 60)
		keys := map[time.Time]bool{}
		at := time.Hour
		for range rapid.IntRange(2, 4).Draw(t, "runs") {
			at += seconds("between", 0, 20) + time.Duration(rapid.IntRange(1, 99).Draw(t, "ms"))*time.Millisecond
			dark, scenes := seconds("dark", 0, 150), seconds("scenes", 0, 100)
			var last time.Time
			for _, c := range run(t, at, dark, scenes, ahead) {
				if keys[c.From] || c.Rev != 0 {
					t.Fatalf("got %v twice, or revision %d", c.From, c.Rev)
				}
				if c.From.Before(last) || !c.From.Before(c.To) || c.Frames > c.Expected {
					t.Fatalf("got %v to %v after %v with %d of %d frames", c.From, c.To, last, c.Frames, c.Expected)
				}
				keys[c.From], last = true, c.To
			}
			at += dark + scenes
		}
	})
}

// The first frames of a session come before the camera has told its time: when it
// has, the first interval is that of the camera's time.
func TestTheFirstIntervalFollowsTheClock(t *testing.T) {
	f := newFilm(t, 10, across)
	f.at = 25 * time.Second
	counts := f.minutes(28 * time.Second)
	ahead := 50 * time.Second
	for f.at < 60*time.Second {
		s := &sidecar.Scene{Stamp: f.stamp()}
		s.Capture = s.Capture.Add(ahead)
		f.a.Update(s)
		counts = append(counts, f.a.Counts(s.Capture)...)
		f.at += 100 * time.Millisecond
	}
	_, last := f.a.Close(began.Add(f.at + ahead))
	counts = append(counts, last...)
	if got, want := spans(counts), "75-110 r0 350; "; got != want || counts[0].Uptime < 0.99 {
		t.Errorf("got %s with uptime %v, want %s", got, counts[0].Uptime, want)
	}
}

// A clock that leaps ahead for some seconds makes no minutes of the future.
func TestALeapAheadIsNotCounted(t *testing.T) {
	f := newFilm(t, 10, across)
	var counts []sidecar.Count
	for f.at < 5*time.Minute {
		s := &sidecar.Scene{Stamp: f.stamp()}
		if f.at > 100*time.Second && f.at < 105*time.Second {
			s.Capture = s.Capture.Add(time.Hour)
		}
		f.a.Update(s)
		counts = append(counts, f.a.Counts(s.Capture)...)
		f.at += 100 * time.Millisecond
	}
	if got, want := spans(counts), "0-60 r0 600; 60-120 r0 600; 120-180 r0 600; 180-240 r0 600; "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Frames of a past minute do not each give it again.
func TestRevisionsAreFew(t *testing.T) {
	f := newFilm(t, 10, across)
	counts := f.minutes(3*time.Minute + 5*time.Second)
	var revised []sidecar.Count
	end := f.at + 25*time.Second
	for f.at < end {
		s := &sidecar.Scene{Stamp: f.stamp()}
		s.Capture = s.Capture.Add(-2 * time.Minute)
		f.a.Update(s)
		revised = append(revised, f.a.Counts(s.Capture)...)
		f.at += 100 * time.Millisecond
	}
	_, last := f.a.Close(began.Add(f.at - 2*time.Minute))
	revised = append(revised, last...)
	if len(counts) != 3 {
		t.Fatalf("got %s, want three minutes", spans(counts))
	}
	minutes := slices.DeleteFunc(revised, func(c sidecar.Count) bool { return !c.From.Equal(began.Add(time.Minute)) })
	if n := len(minutes); n != 4 || minutes[3].Rev != 4 || minutes[3].Frames != 850 {
		t.Errorf("got %s, want a revision at once, one every ten seconds, and one at the end", spans(minutes))
	}
}

// TestRegularFramesAreExpected: a stream without a fault never has more frames
// than are expected, whenever it begins and ends.
func TestRegularFramesAreExpected(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fps := rapid.SampledFrom([]float64{1, 4, 7, 8, 10, 12.5, 15, 25, 30}).Draw(t, "fps")
		f := newFilm(t, fps, across)
		f.at = time.Duration(rapid.IntRange(0, 59999).Draw(t, "begins")) * time.Millisecond
		counts := f.minutes(f.at + time.Duration(rapid.IntRange(100, 200_000).Draw(t, "lasts"))*time.Millisecond)
		_, last := f.a.Close(f.scene.Capture)
		for _, c := range append(counts, last...) {
			if c.Frames > c.Expected || c.Frames < c.Expected-1 {
				t.Fatalf("got %d frames from %v to %v, expected %d", c.Frames, c.From, c.To, c.Expected)
			}
		}
	})
}
