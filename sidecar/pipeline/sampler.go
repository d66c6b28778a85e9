package pipeline

import (
	"time"

	"pantau/sidecar"
)

// sampler chooses which decoded frames are analysed: those nearest to a grid of
// 1/fps in media time, so that 8 of 25 frames lie as evenly as they can and the
// same clip always gives the same frames.
type sampler struct {
	period time.Duration
	epoch  string
	due    time.Duration
}

func newSampler(fps float64) *sampler {
	return &sampler{period: time.Duration(float64(time.Second) / fps)}
}

// take says whether the frame with this stamp is analysed. A frame a quarter of
// a period early is taken, so that jitter does not halve the rate of a camera
// which sends just as many frames as are wanted.
func (s *sampler) take(at sidecar.Stamp) bool {
	media := at.Media()
	jumped := media < s.due-2*s.period || media > s.due+2*s.period
	if at.Epoch != s.epoch || jumped {
		s.epoch, s.due = at.Epoch, media
	}
	if media < s.due-s.period/4 {
		return false
	}
	s.due += s.period
	return true
}
