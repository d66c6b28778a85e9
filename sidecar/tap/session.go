package tap

import (
	"time"

	"github.com/pion/rtcp"

	"pantau/sidecar"
)

// session is one connection to a camera, or one run over a clip: an epoch.
type session struct {
	tap    *Tap
	emit   func(*sidecar.AccessUnit)
	params parameters

	doubt doubt

	stamp  sidecar.Stamp // of the last picture; Epoch, Origin and ClockRate stay
	begun  bool          // a picture was handed on
	unwrap unwrapper
	clock  clock
}

func newSession(t *Tap, emit func(*sidecar.AccessUnit)) *session {
	return &session{
		tap:   t,
		emit:  emit,
		stamp: sidecar.Stamp{Epoch: newEpoch(time.Now()), ClockRate: clockRate},
	}
}

// report takes a packet of RTCP.
func (s *session) report(p rtcp.Packet) {
	r, ok := p.(*rtcp.SenderReport)
	if !ok {
		return
	}
	s.clock.report(r, time.Now())
	offset, known := s.clock.clockOffset()
	s.tap.count(func(st *Stats) { st.ClockOffset, st.ClockKnown = offset, known })
}

// picture makes an access unit of what the depacketiser found, and says whether
// it is a sign that the camera works. The first picture of the session sets its
// origin, wanted or not.
func (s *session) picture(p picture) (sound bool) {
	pts := s.unwrap.unwrap(p.rtpTime)
	if s.stamp.Capture.IsZero() {
		s.stamp.Origin = pts
	}
	s.stamp.PTS, s.stamp.RTPTime = pts, p.rtpTime
	s.stamp.Capture, s.stamp.Source = s.clock.at(pts, p.first)

	u := &sidecar.AccessUnit{Stamp: s.stamp, Codec: s.params.codec, NALUs: p.nalus, Key: true, Received: p.received, Packets: p.packets}
	sound = true
	if u.Codec != sidecar.MJPEG {
		var bad int
		u.NALUs, u.Key, bad = s.params.complete(p.nalus)
		if bad > 0 {
			s.tap.count(func(st *Stats) { st.Garbage += uint64(bad) })
		}
		sound = s.doubt.look(p.skipped+parts(u), bad+p.junk)
	}
	if u.NALUs != nil && (u.Key || !s.tap.options.KeyFrames) {
		s.hand(u)
	}
	return sound
}

// parts counts the slices of the picture in a unit.
func parts(u *sidecar.AccessUnit) (n int) {
	for _, nalu := range u.NALUs {
		if k := kindOf(u.Codec, nalu); k == slice || k == keySlice {
			n++
		}
	}
	return n
}

// doubt grows with each picture that is garbage and shrinks with each one that
// is not. Of random bytes (an encrypted payload, say) every tenth NAL unit looks
// like a part of a picture, so that one alone proves nothing.
type doubt int

const (
	doubtful = 8  // pictures of garbage, more than of others, after which a camera is not believed
	mostly   = 16 // doubt does not grow beyond it
)

// look takes the numbers of slices and of what could not be read in a picture,
// and says whether it is a sign that the camera works.
func (d *doubt) look(slices, junk int) bool {
	switch {
	case slices > 0 && junk <= slices:
		*d = max(*d-1, 0)
		return *d <= doubtful
	case junk > 0:
		*d = min(*d+1, mostly)
	}
	return false
}

// hand counts an access unit and hands it on.
func (s *session) hand(u *sidecar.AccessUnit) {
	first := !s.begun
	s.begun = true
	s.tap.count(func(st *Stats) {
		if first {
			st.Connects++
		}
		if u.Key {
			st.KeyFrames++
		}
		st.AccessUnits++
		st.Bytes += uint64(u.Size())
		st.Codec, st.Width, st.Height = u.Codec, s.params.Width, s.params.Height
		st.TimeSource, st.LastFrame = u.Source, u.Received
	})
	if first {
		s.tap.setState(State{Phase: Running})
	}
	s.emit(u)
}
