package republish

import (
	"time"

	"pantau/sidecar"
)

const (
	// astray is how far a capture time may be from the line before it is laid anew: a
	// clock was set. Less is caught up slowly, since network jitter is in capture times
	// that are those of arrival, and a reader's clock that goes back spoils recordings.
	astray = time.Second
	// better is the same where the capture times come from another source than before.
	better = 100 * time.Millisecond
	// reportEvery is the time between two sender reports, and between two
	// corrections of the line.
	reportEvery = 5 * time.Second
	// slew is the largest correction: ten times what crystals need, and less than a picture.
	slew = 5 * time.Millisecond
	// calm is over how many pictures the line's error is averaged.
	calm = 64
)

// timeline gives pictures their UTC such that it is exactly linear in RTP time between
// two reports, as readers compute it from them. It follows the capture times slowly.
type timeline struct {
	from     sidecar.Stamp
	drift    time.Duration // of the capture times from the line, averaged
	reported time.Duration // media time of the last report
}

// at is the UTC of a picture or a scene.
func (l *timeline) at(s sidecar.Stamp) time.Time {
	if l.from.Epoch != s.Epoch {
		return s.Capture
	}
	return l.from.Capture.Add(s.Media() - l.from.Media())
}

// follow takes the next picture, and says whether its time is to be reported.
func (l *timeline) follow(s sidecar.Stamp) (due bool) {
	err, most := s.Capture.Sub(l.at(s)), astray
	if l.from.Source != s.Source {
		most = better
	}
	if l.from.Epoch != s.Epoch || err.Abs() > most {
		*l = timeline{from: s, reported: s.Media()}
		return true
	}
	l.from.Source = s.Source
	l.drift += (err - l.drift) / calm
	if (s.Media() - l.reported).Abs() < reportEvery {
		return false
	}
	step := min(max(l.drift, -slew), slew)
	l.from.Capture = l.from.Capture.Add(step)
	l.drift -= step
	l.reported = s.Media()
	return true
}
