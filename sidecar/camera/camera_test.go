package camera

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"pantau/onvif"
	"pantau/onvif/onviftest"
	"pantau/sidecar"
	"pantau/sidecar/tap"
	"pantau/sidecar/tap/taptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = `p/w?d@#:%`

// serve runs something until the test ends.
func serve(tb testing.TB, run func(context.Context) error) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }() // received below
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
}

// fake runs a fake device until the test ends.
func fake(tb testing.TB, o onviftest.Options) *onviftest.Device {
	tb.Helper()
	o.User, o.Password = "viewer", password
	d, err := onviftest.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	serve(tb, d.Run)
	return d
}

// played runs a clip as an RTSP camera until the test ends.
func played(tb testing.TB, clip string) *taptest.Camera {
	tb.Helper()
	c, err := taptest.New(taptest.Options{Clip: clip, User: "viewer", Password: sidecar.NewSecret(password)})
	if err != nil {
		tb.Fatal(err)
	}
	serve(tb, c.Run)
	return c
}

// of is a camera of the catalogue with that source.
func of(d *onviftest.Device) sidecar.Camera {
	return sidecar.Camera{ID: "gate", Source: sidecar.Source{ONVIF: d.Address(), Profile: Auto, User: "viewer", Password: sidecar.NewSecret(password), Transport: sidecar.UDP}}
}

func anything(sidecar.Camera) onvif.Need { return onvif.Need{} }

// TestTheStreamIsFoundAgainWhereItHasMoved plays the stream that a device names, and
// the other one that it names when the first is lost.
func TestTheStreamIsFoundAgainWhereItHasMoved(t *testing.T) {
	clip := taptest.MakeClip(t, taptest.Spec{})
	first, second := played(t, clip), played(t, clip)
	d := fake(t, onviftest.Options{Quirks: onviftest.Quirks{StreamURI: first.URL(), ClockOffset: time.Hour}})
	c := of(d)
	devices := New(Options{Need: anything, Log: slog.New(slog.DiscardHandler)})
	devices.Camera(c)
	units := make(chan *sidecar.AccessUnit, 1<<12)
	tapped := tap.New(tap.Options{Source: c.Source, Backoff: tap.Backoff{Min: 5 * time.Millisecond},
		Resolve: func(ctx context.Context) (sidecar.Source, error) { return devices.Resolve(ctx, c) }})
	serve(t, func(ctx context.Context) error {
		return tapped.Run(ctx, func(u *sidecar.AccessUnit) { units <- u })
	})
	epoch := (<-units).Epoch
	if why := devices.Profile("gate"); !strings.Contains(why, "640×360") || !strings.Contains(why, "smallest") {
		t.Errorf("got %q", why)
	}
	d.MoveStream(second.URL())
	first.Drop()
	for now := epoch; now == epoch; {
		now = (<-units).Epoch
	}
	if second.Readers() != 1 {
		t.Errorf("got %d readers of the second stream, want 1", second.Readers())
	}
}

func TestTheSourceIsReadyToBePlayed(t *testing.T) {
	d := fake(t, onviftest.Options{})
	f, err := Resolve(t.Context(), of(d).Source, onvif.Need{})
	if err != nil {
		t.Fatal(err)
	}
	s := f.Source
	if s.RTSP != "rtsp://"+d.RTSPAddress()+"/sub" || s.ONVIF != "" || s.Profile != "" || s.User != "viewer" || s.Password.Reveal() != password || s.Transport != sidecar.UDP {
		t.Errorf("got %+v", s)
	}
}

func TestTheProfileCanBeSet(t *testing.T) {
	d := fake(t, onviftest.Options{Profiles: []onviftest.Profile{
		{Token: "0", Name: "Main stream", Source: "a", Codec: "H264", Width: 1920, Height: 1080},
		{Token: "1", Name: "0", Source: "a", Codec: "H264", Width: 640, Height: 360},
		{Token: "2", Name: "Other", Source: "b", Codec: "H264", Width: 640, Height: 360},
	}})
	for set, want := range map[string]string{"0": "/0", "main STREAM": "/0", "1": "/1", "Other": "/2"} {
		s := of(d).Source
		s.Profile = set
		f, err := Resolve(t.Context(), s, onvif.Need{Height: 720})
		if err != nil || !strings.HasSuffix(f.Source.RTSP, want) || !strings.Contains(f.Why, set) {
			t.Errorf("%s: got %s (%s), %v", set, f.Source.RTSP, f.Why, err)
		}
	}
	for set, want := range map[string]string{"x": "there are 0, 1, 2", Auto: "2 video sources", "": "0 (source a)"} {
		s := of(d).Source
		s.Profile = set
		_, err := Resolve(t.Context(), s, onvif.Need{})
		var fault *sidecar.Fault
		if !errors.As(err, &fault) || fault.Hint == "" || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", set, err, want)
		}
	}
}

func TestARefusedPasswordIsAFault(t *testing.T) {
	d := fake(t, onviftest.Options{})
	s := of(d).Source
	s.Password = sidecar.NewSecret("wrong-one")
	_, err := Resolve(t.Context(), s, onvif.Need{})
	var fault *sidecar.Fault
	if !errors.Is(err, sidecar.ErrUnauthorized) || !errors.As(err, &fault) || fault.Hint == "" || strings.Contains(err.Error(), "wrong-one") {
		t.Errorf("got %v", err)
	}
}

// TestACameraThatDoesNotAnswerIsPlayedWhereItWas takes the last stream then.
func TestACameraThatDoesNotAnswerIsPlayedWhereItWas(t *testing.T) {
	d, err := onviftest.New(onviftest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }() // received below
	c := of(d)
	devices := New(Options{Need: anything, Log: slog.New(slog.DiscardHandler)})
	devices.Camera(c)
	before, err := devices.Resolve(t.Context(), c)
	cancel()
	<-done
	if err != nil {
		t.Fatal(err)
	}
	after, err := devices.Resolve(t.Context(), c)
	if err != nil || before.RTSP == "" || after.RTSP != before.RTSP {
		t.Errorf("got %+v, %v, want %s", after, err, before.RTSP)
	}
	devices.Remove("gate")
	if _, err := devices.Resolve(t.Context(), c); err == nil || devices.Profile("gate") != "" {
		t.Errorf("after it was removed: got %v", err)
	}
}

// TestWhatAnotherSourceHasToldIsForgotten changes a camera in ways that make its last
// stream another one, or another way to sign in to it.
func TestWhatAnotherSourceHasToldIsForgotten(t *testing.T) {
	devices := New(Options{Need: anything, Log: slog.New(slog.DiscardHandler)})
	for name, change := range map[string]func(*sidecar.Camera){
		"address":     func(c *sidecar.Camera) { c.Source.ONVIF += "/x" },
		"user":        func(c *sidecar.Camera) { c.Source.User = "other" },
		"password":    func(c *sidecar.Camera) { c.Source.Password = sidecar.NewSecret("other") },
		"fingerprint": func(c *sidecar.Camera) { c.Source.Fingerprint = strings.Repeat("ab", 32) },
		"transport":   func(c *sidecar.Camera) { c.Source.Transport = sidecar.TCP },
		"profile":     func(c *sidecar.Camera) { c.Source.Profile = "1" },
		"port":        func(c *sidecar.Camera) { c.Source.RTSPPort = 8554 },
		"nothing":     func(*sidecar.Camera) {},
		"functions":   func(c *sidecar.Camera) { c.Functions = []sidecar.Function{{}} },
	} {
		c := sidecar.Camera{ID: name, Source: sidecar.Source{ONVIF: "127.0.0.1:1", Profile: Auto, User: "viewer", Transport: sidecar.UDP}}
		devices.Camera(c)
		devices.known[name].found = Found{Source: sidecar.Source{RTSP: "rtsp://127.0.0.1/old", User: "viewer"}, Why: "the old one"}
		devices.known[name].never = true
		change(&c)
		devices.Camera(c)
		keeps := name == "nothing" || name == "functions"
		if known := devices.known[name]; known.never != keeps || (devices.Profile(name) != "") != keeps {
			t.Errorf("%s: kept %v %q, want %v", name, known.never, known.found.Why, keeps)
		}
		if s, err := devices.Resolve(t.Context(), c); (err == nil) != keeps { // it does not answer
			t.Errorf("%s: got %+v, %v, want the old stream: %v", name, s, err, keeps)
		}
	}
}
