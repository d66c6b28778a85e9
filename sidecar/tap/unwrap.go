package tap

// unwrapper makes the 64-bit PTS of the 32-bit RTP times of one session. The
// RTP clock of video wraps every 13 h 15 min; a step of less than half of that,
// in either direction, is followed.
type unwrapper struct {
	last    int64
	started bool
}

// unwrap gives the PTS whose low 32 bits are the RTP time, and which is nearest
// to the last one.
func (u *unwrapper) unwrap(rtpTime uint32) int64 {
	if !u.started {
		u.started, u.last = true, int64(rtpTime)
		return u.last
	}
	u.last += int64(int32(rtpTime - uint32(u.last)))
	return u.last
}
