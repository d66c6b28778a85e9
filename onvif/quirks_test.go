package onvif_test

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"pantau/onvif"
	"pantau/onvif/onviftest"
	"pantau/onvif/soap"
)

// TestEveryQuirkEndsWithAStream asks devices with one quirk each for everything: all
// of them have the stream of their sub-profile in the end.
func TestEveryQuirkEndsWithAStream(t *testing.T) {
	for name, c := range map[string]struct {
		quirks onviftest.Quirks
		scheme soap.Scheme // empty: either
		offset time.Duration
	}{
		"none":                              {},
		"1 clock two hours ahead":           {quirks: onviftest.Quirks{ClockOffset: 2 * time.Hour}, scheme: soap.Token, offset: 2 * time.Hour},
		"1 clock a year behind":             {quirks: onviftest.Quirks{ClockOffset: -365 * 24 * time.Hour}, scheme: soap.Token, offset: -365 * 24 * time.Hour},
		"2 only local time":                 {quirks: onviftest.Quirks{LocalTimeOnly: "WIB-7", ClockOffset: time.Hour}, scheme: soap.Token, offset: time.Hour},
		"2 impossible date":                 {quirks: onviftest.Quirks{ImpossibleDate: true}},
		"3 digest only, MD5":                {quirks: onviftest.Quirks{DigestOnly: "MD5"}, scheme: soap.Digest},
		"3 digest only, SHA-256":            {quirks: onviftest.Quirks{DigestOnly: "SHA-256"}, scheme: soap.Digest},
		"3 digest even for the time":        {quirks: onviftest.Quirks{DigestOnly: "MD5", Page: true}, scheme: soap.Digest},
		"4 token only, fault under 400":     {quirks: onviftest.Quirks{TokenOnly: true}, scheme: soap.Token},
		"5 both together refused":           {quirks: onviftest.Quirks{OneScheme: true}},
		"6 faults under 200":                {quirks: onviftest.Quirks{TokenOnly: true, FaultStatus: 200, NoServices: true}},
		"6 faults under 500":                {quirks: onviftest.Quirks{TokenOnly: true, FaultStatus: 500, NoServices: true}},
		"7 action and compact XML":          {quirks: onviftest.Quirks{Strict: true}},
		"8 undeclared prefixes":             {quirks: onviftest.Quirks{Undeclared: true}},
		"9 broken information":              {quirks: onviftest.Quirks{BadText: true}},
		"10 internal address":               {quirks: onviftest.Quirks{Advertised: "192.168.1.108:80"}},
		"11 wrong port":                     {quirks: onviftest.Quirks{Advertised: "10.255.255.1:9"}},
		"19 without Media1":                 {quirks: onviftest.Quirks{NoMedia1: true}},
		"19 without Media2":                 {quirks: onviftest.Quirks{NoMedia2: true}},
		"20 Media2 in the words of Media1":  {quirks: onviftest.Quirks{Media1Words: true}},
		"21 without GetServices":            {quirks: onviftest.Quirks{NoServices: true}},
		"22 profile without encoder":        {quirks: onviftest.Quirks{NoEncoder: true}},
		"26 snapshot at an rtsp:// address": {quirks: onviftest.Quirks{SnapshotURI: "rtsp://localhost/x"}},
		"37 times in milliseconds":          {quirks: onviftest.Quirks{NoMilliseconds: true}, scheme: soap.Token},
		"1, 3, 10, 19, 21 all together":     {quirks: onviftest.Quirks{ClockOffset: -time.Hour, DigestOnly: "SHA-256", Advertised: "127.0.0.2:80", NoMedia2: true, NoServices: true}, scheme: soap.Digest, offset: -time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := camera(t, c.quirks)
			client := dial(t, d)
			r := client.Inspect(t.Context(), onvif.Need{})
			if len(r.Trouble) > 0 {
				t.Errorf("got trouble %q", r.Trouble)
			}
			if !strings.HasPrefix(r.Model, "FC-1") || r.Serial != "0815" {
				t.Errorf("got information %+v", r.Information)
			}
			if n := d.Calls("GetServiceCapabilities"); n > 0 { // 36: not every device has it
				t.Errorf("service capabilities were asked for %d times", n)
			}
			if len(r.Sources) != 1 || !r.Sources[0].Works || r.Sources[0].Profile.Token != "sub" {
				t.Fatalf("got sources %+v, want the working sub-stream", r.Sources)
			}
			if got, want := r.Sources[0].Stream.URL, "rtsp://"+d.RTSPAddress()+"/sub"; got != want {
				t.Errorf("got stream %s, want %s", got, want)
			}
			if got := r.ClockOffset - c.offset; r.ClockKnown && got.Abs() > 3*time.Second {
				t.Errorf("got clock offset %v, want %v", r.ClockOffset, c.offset)
			}
			if r.ClockKnown == c.quirks.ImpossibleDate {
				t.Errorf("got clock known %v", r.ClockKnown)
			}
			if c.scheme != "" && r.SignIn != c.scheme {
				t.Errorf("got scheme %q, want %q", r.SignIn, c.scheme)
			}
			if c.quirks.SnapshotURI != "" && r.Sources[0].Snapshot != "" {
				t.Errorf("got snapshot %s, want none", r.Sources[0].Snapshot)
			}
		})
	}
}

func TestProfilesAreReadFromBothServices(t *testing.T) {
	want := onviftest.Profile{Token: "a.b 0/ü&", Name: "Haupt <1>", Source: "vs 0", Codec: "H265", Width: 2560, Height: 1440, Rate: 20, GOP: 40, BitRate: 3000}
	for name, q := range map[string]onviftest.Quirks{"Media1": {NoMedia2: true}, "Media2": {NoMedia1: true}} {
		d := start(t, onviftest.Options{User: "admin", Password: password, Profiles: []onviftest.Profile{want}, Quirks: q})
		c := dial(t, d)
		got, err := c.Profiles(t.Context())
		if err != nil || len(got) != 1 {
			t.Fatalf("%s: got %v, %v", name, got, err)
		}
		p := onvif.Profile{Token: want.Token, Name: want.Name, Source: want.Source, Codec: want.Codec, Width: want.Width, Height: want.Height,
			Rate: float64(want.Rate), GOP: want.GOP, BitRate: want.BitRate, Encoder: "e-" + want.Token, Media2: name == "Media2"}
		if got[0] != p {
			t.Errorf("%s: got %+v, want %+v", name, got[0], p)
		}
		if err := c.SetSynchronizationPoint(t.Context(), got[0]); err != nil || d.Calls("SetSynchronizationPoint") != 1 {
			t.Errorf("%s: asking for a key frame: %v", name, err)
		}
	}
}

// TestStreamAddressesAsDevicesWriteThem covers quirks 10, 23 and 24.
func TestStreamAddressesAsDevicesWriteThem(t *testing.T) {
	for uri, want := range map[string]string{
		" rtsp://HOST:554/live \n":                    "rtsp://HOST:554/live",
		"rtsp://HOST:80:554/live":                     "rtsp://HOST/live",
		"rtsp://admin:secret@HOST:554/live":           "rtsp://HOST:554/live",
		"rtsp://192.168.1.108/live":                   "rtsp://HOST/live",
		"rtsp://HOST:554/user=a&password=b&channel=1": "rtsp://HOST:554/user=a&password=b&channel=1",
		"rtsp://[fe80::1]:8554/live\r\n?channel=1":    "rtsp://HOST:8554/live?channel=1",
		"rtsp://0.0.0.0:554/live":                     "rtsp://HOST/live",
	} {
		d := camera(t, onviftest.Quirks{StreamURI: strings.ReplaceAll(uri, "HOST", "127.0.0.1")})
		s, err := dial(t, d).Stream(t.Context(), onvif.Profile{Token: "sub"})
		if got := strings.ReplaceAll(s.URL, "127.0.0.1", "HOST"); err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", uri, got, err, want)
		}
		if strings.Contains(s.Advertised, "secret") {
			t.Errorf("%q: got advertised %q", uri, s.Advertised)
		}
	}
	d := camera(t, onviftest.Quirks{StreamURI: "http://127.0.0.1/password=secret"})
	if _, err := dial(t, d).Stream(t.Context(), onvif.Profile{Token: "sub"}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v, want an error without the password", err)
	}
}

func TestAPortForwardsRTSPPortIsTaken(t *testing.T) {
	d := camera(t, onviftest.Quirks{})
	c, err := onvif.Dial(t.Context(), d.Address(), onvif.Options{Credentials: credentials, RTSPPort: 5541})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, err := c.Stream(t.Context(), onvif.Profile{Token: "sub"})
	if err != nil || s.URL != "rtsp://127.0.0.1:5541/sub" || s.Advertised != "rtsp://"+d.RTSPAddress()+"/sub" {
		t.Errorf("got %+v, %v", s, err)
	}
}

// TestAWrongPasswordIsAskedOnce keeps cameras from locking the account.
func TestAWrongPasswordIsAskedOnce(t *testing.T) {
	d := camera(t, onviftest.Quirks{})
	c, err := onvif.Dial(t.Context(), d.Address(), onvif.Options{Credentials: soap.Credentials{User: "admin", Password: soap.NewSecret("wrong-one")}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 3 {
		_, err := c.Information(t.Context())
		var told *onvif.Error
		if !errors.Is(err, soap.ErrUnauthorized) || !errors.As(err, &told) || told.Remedy == "" || strings.Contains(err.Error(), "wrong-one") {
			t.Fatalf("got %v, want a refusal with a remedy", err)
		}
	}
	if got := d.Credentials(); len(got) > 2 {
		t.Errorf("got %v, want one try of each scheme", got)
	}
}

func TestCredentialsStayWithTheHostThatWasNamed(t *testing.T) {
	thief := start(t, onviftest.Options{HTTP: "127.0.0.2:0", User: "admin", Password: password})
	d := camera(t, onviftest.Quirks{Redirect: "http://" + thief.Address() + "/onvif/device_service"})
	if _, err := onvif.Dial(t.Context(), d.Address(), onvif.Options{Credentials: credentials}); !errors.Is(err, soap.ErrRedirected) {
		t.Errorf("got %v, want the redirect refused", err)
	}
	if thief.Calls("GetSystemDateAndTime") > 0 {
		t.Error("the other host was called")
	}
	neighbour := camera(t, onviftest.Quirks{})
	same := camera(t, onviftest.Quirks{Redirect: "http://" + neighbour.Address() + "/onvif/device_service"})
	if _, err := dial(t, same).Information(t.Context()); err != nil {
		t.Errorf("within the host: got %v", err)
	}
	loop := camera(t, onviftest.Quirks{Redirect: "/onvif/device_service"})
	if _, err := onvif.Dial(t.Context(), loop.Address(), onvif.Options{}); !errors.Is(err, soap.ErrRedirected) {
		t.Errorf("round in circles: got %v", err)
	}
	unconfirmed := camera(t, onviftest.Quirks{})
	c, err := onvif.Dial(t.Context(), unconfirmed.Address(), onvif.Options{Credentials: credentials, Confirm: func(string) bool { return false }})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Information(t.Context()); !errors.Is(err, soap.ErrUnauthorized) || len(unconfirmed.Credentials()) > 0 {
		t.Errorf("got %v, and the device was sent %v", err, unconfirmed.Credentials())
	}
}

func TestEntityBombsAreRefused(t *testing.T) {
	d := camera(t, onviftest.Quirks{Bomb: true})
	if _, err := onvif.Dial(t.Context(), d.Address(), onvif.Options{}); err == nil {
		t.Error("got a device, want an error")
	}
}

func TestWhatIsNoDeviceIsToldSo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	for _, c := range []string{address, "ftp://x", "http://", "a b"} {
		var told *onvif.Error
		if _, err := onvif.Dial(t.Context(), c, onvif.Options{Timeout: time.Second}); !errors.As(err, &told) || told.Remedy == "" {
			t.Errorf("%s: got %v", c, err)
		}
	}
}

// TestPictures gets a device's snapshot, and nothing from elsewhere.
func TestPictures(t *testing.T) {
	for name, q := range map[string]onviftest.Quirks{"MD5": {}, "SHA-256": {DigestOnly: "SHA-256", Advertised: "192.168.1.108:80"}} {
		c := dial(t, camera(t, q))
		r := c.Inspect(t.Context(), onvif.Need{})
		picture, err := c.Picture(t.Context(), r.Sources[0].Snapshot)
		if err != nil || string(picture) != onviftest.Picture {
			t.Errorf("%s: got %q, %v", name, picture, err)
		}
	}
	page := dial(t, camera(t, onviftest.Quirks{NoPicture: true}))
	r := page.Inspect(t.Context(), onvif.Need{})
	if _, err := page.Picture(t.Context(), r.Sources[0].Snapshot); !errors.Is(err, onvif.ErrNoPicture) {
		t.Errorf("a page: got %v", err)
	}
	thief := start(t, onviftest.Options{HTTP: "127.0.0.2:0"})
	if _, err := page.Picture(t.Context(), "http://"+thief.Address()+"/snapshot.jpg"); !errors.Is(err, onvif.ErrNoPicture) {
		t.Errorf("another host: got %v", err)
	}
}
