package tap

import (
	"context"
	"time"

	"pantau/sidecar"
)

// playFile plays a clip as a camera would: in real time, without end, with a
// clock that goes on over the loop. The capture time is the time of playing.
func (s *session) playFile(ctx context.Context, path string) error {
	clip, err := OpenClip(path)
	if err != nil {
		return err
	}
	defer clip.Close()
	s.params = clip.track.params
	start := time.Now()
	for base := int64(0); ; base += clip.Duration() {
		for i := range clip.Len() {
			due := start.Add(ticks(base + clip.Due(i)))
			if late := time.Since(due); late > s.tap.options.NextFrame { // the machine slept
				start, due = start.Add(late), due.Add(late)
			}
			if !sleep(ctx, time.Until(due)) {
				return ctx.Err()
			}
			u, err := clip.At(i)
			if err != nil {
				return err
			}
			if u.Key || !s.tap.options.KeyFrames {
				s.stampFile(u, base, start)
				s.hand(u)
			}
		}
	}
}

// stampFile puts a picture of the round that began at base ticks after start in
// its place in time.
func (s *session) stampFile(u *sidecar.AccessUnit, base int64, start time.Time) {
	s.stamp.PTS = base + u.PTS
	s.stamp.RTPTime = uint32(s.stamp.PTS)
	s.stamp.Capture = start.Add(ticks(s.stamp.PTS)).UTC()
	s.stamp.Source = sidecar.TimeFile
	u.Stamp, u.Received = s.stamp, time.Now()
}
