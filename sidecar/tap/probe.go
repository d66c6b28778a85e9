package tap

import (
	"context"
	"fmt"
	"time"

	"pantau/sidecar"
)

// Info is what Probe has learnt of a source.
type Info struct {
	Codec       sidecar.Codec      `json:"codec"`
	Width       int                `json:"width"` // pixels, 0 if it could not be read
	Height      int                `json:"height"`
	Transport   string             `json:"transport"` // tcp, udp, tls, file
	FPS         float64            `json:"fps"`       // pictures per second, by the camera's clock
	GOP         float64            `json:"gop_s"`     // seconds from key picture to key picture, the longest; 0 if fewer than two came
	BitRate     float64            `json:"bit_rate"`  // bit/s
	Reordered   bool               `json:"reordered"` // pictures come in another order than they are shown: B pictures
	TimeSource  sidecar.TimeSource `json:"time_source"`
	ClockOffset time.Duration      `json:"clock_offset_ns"` // how far the camera's clock is ahead; only with a sender report
	ClockKnown  bool               `json:"clock_known"`     // there was a sender report
	LostPackets uint64             `json:"lost_packets"`
	Garbage     uint64             `json:"garbage"`
	FirstFrame  time.Duration      `json:"first_frame_ns"` // from connecting to the first picture
	Measured    time.Duration      `json:"measured_ns"`    // by the camera's clock
	Advice      []string           `json:"advice,omitempty"`
}

// Probe plays a source for a while and says what comes, and what to change. It
// tries once; what a person must act upon is a *sidecar.Fault.
func Probe(ctx context.Context, source sidecar.Source, d time.Duration) (Info, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t := New(Options{Source: source})
	p := &probe{began: time.Now()}
	var timer *time.Timer
	err := t.session(ctx, func(u *sidecar.AccessUnit) {
		if p.units == 0 {
			timer = time.AfterFunc(d, cancel)
		}
		p.add(u)
	})
	if timer != nil {
		timer.Stop()
	}
	if p.units == 0 {
		return Info{}, hinted(explain(err, source), source)
	}
	return p.info(t.Stats(), source), nil
}

// probe adds up access units.
type probe struct {
	began       time.Time
	firstFrame  time.Duration
	units       int
	bytes       int
	first, last sidecar.Stamp // in order of showing
	key         time.Duration // media time of the last key picture
	keys        int
	gop         time.Duration
	reordered   bool
}

func (p *probe) add(u *sidecar.AccessUnit) {
	if p.units == 0 {
		p.firstFrame, p.first, p.last = time.Since(p.began), u.Stamp, u.Stamp
	}
	p.units++
	p.bytes += u.Size()
	if u.PTS < p.last.PTS {
		p.reordered = true
	} else {
		p.last = u.Stamp
	}
	if !u.Key {
		return
	}
	if p.keys++; p.keys > 1 {
		p.gop = max(p.gop, u.Media()-p.key)
	}
	p.key = u.Media()
}

func (p *probe) info(s Stats, source sidecar.Source) Info {
	i := Info{
		Codec: s.Codec, Width: s.Width, Height: s.Height,
		Transport:  transportOf(source),
		GOP:        p.gop.Seconds(),
		Reordered:  p.reordered,
		TimeSource: s.TimeSource, ClockOffset: s.ClockOffset, ClockKnown: s.ClockKnown,
		LostPackets: s.LostPackets, Garbage: s.Garbage,
		FirstFrame: p.firstFrame,
		Measured:   p.last.Media() - p.first.Media(),
	}
	if seconds := i.Measured.Seconds(); seconds > 0 {
		i.FPS = float64(p.units-1) / seconds
		i.BitRate = 8 * float64(p.bytes) / (seconds + 1/i.FPS)
	}
	i.Advice = advise(i)
	return i
}

func transportOf(source sidecar.Source) string {
	address, _, err := parseAddress(source)
	switch {
	case source.File != "":
		return "file"
	case err == nil && address.Scheme == "rtsps":
		return "tls"
	case source.Transport == sidecar.UDP:
		return string(sidecar.UDP)
	}
	return string(sidecar.TCP)
}

// advise says what costs too much or makes numbers worse, most important first.
func advise(i Info) []string {
	var advice []string
	say := func(when bool, format string, args ...any) {
		if when {
			advice = append(advice, fmt.Sprintf(format, args...))
		}
	}
	say(i.GOP == 0, "fewer than two key pictures came in %.0f s: set the key frame interval of the camera to 1 or 2 s", i.Measured.Seconds())
	say(i.GOP > 4, "GOP of %.0f s: after each interruption nothing is seen for as long; set the key frame interval to 1 or 2 s", i.GOP)
	say(i.Width*i.Height > 1280*720 && i.FPS > 0, "%d×%d at %.0f pictures/s is more than counting needs, and decoding it is most of the cost: use the sub-stream, about 640×360 at 8 to 12 pictures/s, if objects are still 20 pixels high there", i.Width, i.Height, i.FPS)
	say(i.FPS > 16 && i.Width*i.Height <= 1280*720, "%.0f pictures/s are more than counting needs: 8 to 12 suffice", i.FPS)
	say(i.FPS > 0 && i.FPS < 5, "%.1f pictures/s are too few to follow what moves fast: 8 to 12 are good", i.FPS)
	say(i.Reordered, "B pictures delay the video: switch them off in the camera, or take the Baseline profile")
	say(i.Codec == sidecar.MJPEG, "JPEG takes about ten times the bit rate of H.264: use an H.264 profile")
	say(i.Codec == sidecar.H265, "many browsers do not show H.265: for the live page use an H.264 profile")
	say(i.ClockKnown && i.ClockOffset.Abs() > time.Second, "the camera's clock is %v %s: give it a time server (NTP)", i.ClockOffset.Abs().Round(time.Millisecond), ahead(i.ClockOffset))
	say(!i.ClockKnown && i.Transport != "file", "the camera sends no time (RTCP sender reports): capture times are times of arrival")
	say(i.LostPackets > 0 && i.Transport == string(sidecar.UDP), "%d packets were lost: use transport tcp", i.LostPackets)
	return advice
}

func ahead(d time.Duration) string {
	if d > 0 {
		return "ahead"
	}
	return "behind"
}
