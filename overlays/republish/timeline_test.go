package republish

import (
	"testing"
	"time"

	"pantau/sidecar"
)

// TestTimelineNeverGoesBack drives it with a camera whose crystal is 100 ppm off and
// whose capture times tremble: readers' clocks must go on, and stay near.
func TestTimelineNeverGoesBack(t *testing.T) {
	for _, ppm := range []int64{-100, 0, 100} {
		begin := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
		var l timeline
		var last time.Time
		reports := 0
		const pictures = 25 * 3600
		for i := range int64(pictures) {
			media := i * 3600
			tremble := time.Duration(i*7919%21-10) * time.Millisecond
			really := begin.Add(time.Duration(media) * time.Second / 90000 * time.Duration(1e6+ppm) / 1e6)
			s := sidecar.Stamp{PTS: 1<<32 - 90000 + media, RTPTime: uint32(1<<32 - 90000 + media), Origin: 1<<32 - 90000, ClockRate: 90000, Epoch: "e", Capture: really.Add(tremble)}
			if l.follow(s) {
				reports++
			}
			utc := l.at(s)
			if step := utc.Sub(last); i > 0 && (step < 35*time.Millisecond || step > 45*time.Millisecond) {
				t.Fatalf("%d ppm: picture %d comes %v after the one before", ppm, i, step)
			}
			if off := utc.Sub(really).Abs(); off > 15*time.Millisecond {
				t.Fatalf("%d ppm: picture %d is %v off", ppm, i, off)
			}
			last = utc
		}
		if reports < 719 || reports > 721 {
			t.Errorf("%d ppm: %d reports in an hour", ppm, reports)
		}
	}
}

func TestTimelineIsLaidAnewWhereAClockIsSet(t *testing.T) {
	var l timeline
	at := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	s := sidecar.Stamp{ClockRate: 90000, Epoch: "e", Capture: at}
	l.follow(s)
	s.PTS, s.Capture = 3600, at.Add(time.Hour)
	if !l.follow(s) || l.at(s) != s.Capture {
		t.Errorf("the clock was set to %v, the line says %v", s.Capture, l.at(s))
	}
}

// TestTimelineBearsAStall is a network that holds pictures up: their capture times,
// which are those of arrival, come late, and go back at half pace.
func TestTimelineBearsAStall(t *testing.T) {
	var l timeline
	at := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	var last time.Time
	late := time.Duration(0)
	for i := range int64(2000) {
		s := sidecar.Stamp{PTS: i * 3600, ClockRate: 90000, Epoch: "e", Source: sidecar.TimeArrival}
		switch {
		case i > 100 && i < 115:
			late = 600 * time.Millisecond
		case late > 0:
			late -= 20 * time.Millisecond
		}
		s.Capture = at.Add(s.Media() + late)
		l.follow(s)
		utc := l.at(s)
		if step := utc.Sub(last); i > 0 && (step < 35*time.Millisecond || step > 45*time.Millisecond) {
			t.Fatalf("picture %d comes %v after the one before", i, step)
		}
		last = utc
	}
}

func TestTimelineTakesABetterClockAtOnce(t *testing.T) {
	var l timeline
	at := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	l.follow(sidecar.Stamp{ClockRate: 90000, Epoch: "e", Capture: at, Source: sidecar.TimeArrival})
	s := sidecar.Stamp{PTS: 3600, ClockRate: 90000, Epoch: "e", Capture: at.Add(-200 * time.Millisecond), Source: sidecar.TimeRTCP}
	if !l.follow(s) || !l.at(s).Equal(s.Capture) {
		t.Errorf("the camera's reports say %v, the line %v", s.Capture, l.at(s))
	}
}
