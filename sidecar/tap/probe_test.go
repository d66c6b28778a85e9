package tap

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/base"

	"pantau/sidecar"
)

func TestAdvice(t *testing.T) {
	good := Info{
		Codec: sidecar.H264, Width: 640, Height: 360, Transport: "tcp", FPS: 10, GOP: 2,
		TimeSource: sidecar.TimeRTCP, ClockKnown: true, Measured: 10 * time.Second,
	}
	if got := advise(good); got != nil {
		t.Errorf("got %q for a good stream, want none", got)
	}
	for want, change := range map[string]func(*Info){
		"sub-stream":                 func(i *Info) { i.Width, i.Height, i.FPS = 1920, 1080, 25 },
		"GOP of 10 s":                func(i *Info) { i.GOP = 10 },
		"fewer than two key":         func(i *Info) { i.GOP = 0 },
		"25 pictures/s are more":     func(i *Info) { i.FPS = 25 },
		"1.0 pictures/s are too few": func(i *Info) { i.FPS = 1 },
		"B pictures":                 func(i *Info) { i.Reordered = true },
		"JPEG":                       func(i *Info) { i.Codec = sidecar.MJPEG },
		"browsers":                   func(i *Info) { i.Codec = sidecar.H265 },
		"1h0m0s behind":              func(i *Info) { i.ClockOffset = -time.Hour },
		"sends no time":              func(i *Info) { i.ClockKnown = false },
		"7 packets":                  func(i *Info) { i.Transport, i.LostPackets = "udp", 7 },
	} {
		i := good
		change(&i)
		if got := advise(i); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("got %q, want only %q", got, want)
		}
	}
}

func TestProbeOfAFile(t *testing.T) {
	i, err := Probe(t.Context(), sidecar.Source{File: "testdata/bframes.mp4"}, 500*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if !i.Reordered || i.Transport != "file" || i.TimeSource != sidecar.TimeFile || i.FPS < 20 || i.FPS > 30 {
		t.Errorf("got %+v", i)
	}
}

// TestRedirectKeepsPasswordsAtHome: only the very same host gets them.
func TestRedirectKeepsPasswordsAtHome(t *testing.T) {
	from, err := base.ParseURL("rtsps://camera:322/a")
	if err != nil {
		t.Fatal(err)
	}
	user := url.UserPassword("viewer", "secret")
	for location, want := range map[string]bool{
		"rtsps://camera:322/b":        true,
		"rtsps://u:p@camera:322/b":    true,
		"rtsp://camera:322/b":         false, // in clear
		"rtsps://camera:323/b":        false,
		"rtsps://camera.evil:322/b":   false,
		"rtsps://camera:322@evil/b":   false,
		"http://camera:322/b":         false,
		"rtsps://camera:322%20evil/b": false,
	} {
		to, got, err := redirect(location, from, user)
		if (err == nil) != want || want && (got != user || to.User != nil) {
			t.Errorf("%s: got %v with %v (%v), want %v", location, to, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the password is in %q", location, err)
		}
	}
	if to, got, err := redirect("rtsp://other/b", from, nil); err != nil || got != nil || to.Host != "other" {
		t.Errorf("got %v, %v, %v; want to follow without a password", to, got, err)
	}
}
