package analyse

import (
	"testing"
	"time"

	"pantau/sidecar"
)

func TestClock(t *testing.T) {
	const s = time.Second
	type tick struct {
		epoch   string
		media   time.Duration
		capture time.Duration // since began
		steady  time.Duration
		minute  time.Duration // since began
	}
	hour := time.Hour
	for name, ticks := range map[string][]tick{
		"steady":                       {{"a", 5 * s, 0, 0, 0}, {"a", 6 * s, s, s, s}, {"a", 7 * s, 2 * s, 2 * s, 2 * s}},
		"a correction of the clock":    {{"a", 0, 0, 0, 0}, {"a", s, 4 * s, s, 4 * s}, {"a", 2 * s, 3 * s, 2 * s, 3 * s}},
		"reconnect":                    {{"a", 900 * s, 0, 0, 0}, {"b", 0, 9 * s, 9 * s, 9 * s}, {"b", s, 10 * s, 10 * s, 10 * s}},
		"media time backwards":         {{"a", 9 * s, 0, 0, 0}, {"a", s, s, 0, s}, {"a", 2 * s, 2 * s, s, 2 * s}},
		"media time leaps":             {{"a", 0, 0, 0, 0}, {"a", 9 * hour, s, s, s}, {"a", 9*hour + s, 2 * s, 2 * s, 2 * s}},
		"an hour back, then right":     {{"a", 0, 0, 0, 0}, {"a", s, -hour, s, s}, {"a", 2 * s, 2 * s, 2 * s, 2 * s}},
		"an hour back, for good":       {{"a", 0, 0, 0, 0}, {"a", s, -hour, s, s}, {"a", 2 * s, s - hour, 2 * s, 2 * s}, {"a", 3 * s, 2*s - hour, 3 * s, 3 * s}},
		"an hour ahead once":           {{"a", 0, 0, 0, 0}, {"a", s, hour, s, s}, {"a", 2 * s, 2 * s, 2 * s, 2 * s}},
		"an hour ahead, for good":      {{"a", 0, 0, 0, 0}, {"a", s, hour, s, s}, {"a", 20 * s, hour + 19*s, 20 * s, 20 * s}, {"a", 31 * s, hour + 30*s, 31 * s, hour + 30*s}},
		"an hour ahead at a new epoch": {{"a", 0, 0, 0, 0}, {"b", 0, hour, hour, hour}},
		"an hour back at a new epoch":  {{"a", 0, 0, 0, 0}, {"b", 0, -hour, 0, 0}},
	} {
		var c clock
		for i, k := range ticks {
			m, _ := c.tick(sidecar.Stamp{Epoch: k.epoch, PTS: int64(k.media.Seconds() * 90000), ClockRate: 90000, Capture: began.Add(k.capture)})
			if m.steady != k.steady || !m.minute.Equal(began.Add(k.minute)) {
				t.Errorf("%s: tick %d: got steady %v and minute %v, want %v and %v", name, i, m.steady, m.minute.Sub(began), k.steady, k.minute)
			}
		}
	}
}

func TestClockFindsThePast(t *testing.T) {
	var c clock
	for i := range 200 {
		c.tick(sidecar.Stamp{PTS: int64(i) * 9000, ClockRate: 90000, Capture: began.Add(time.Duration(i) * 100 * time.Millisecond)})
	}
	for asked, want := range map[time.Duration]int64{
		15 * time.Second:                     150 * 9000,
		15*time.Second + 40*time.Millisecond: 150 * 9000,
		15*time.Second + 60*time.Millisecond: 151 * 9000,
		time.Hour:                            199 * 9000,
		0:                                    136 * 9000, // the oldest that is remembered
	} {
		if got := c.near(asked).PTS; got != want {
			t.Errorf("%v: got %d, want %d", asked, got, want)
		}
	}
}
