package onvif

import (
	"strings"
	"testing"
)

func TestTheSmallestProfileThatResolvesIsChosen(t *testing.T) {
	big264, small264, tiny264 := Profile{Token: "a", Codec: "H264", Width: 1920, Height: 1080}, Profile{Token: "b", Codec: "H264", Width: 640, Height: 360}, Profile{Token: "c", Codec: "H264", Width: 320, Height: 180}
	small265, jpeg, other := Profile{Token: "d", Codec: "H265", Width: 640, Height: 480}, Profile{Token: "e", Codec: "JPEG", Width: 640, Height: 480}, Profile{Token: "f", Codec: "AV1", Width: 640, Height: 480}
	for name, c := range map[string]struct {
		profiles []Profile
		height   int
		want     string // token; empty: none
		why      string
	}{
		"smallest":             {[]Profile{big264, small264, tiny264}, 0, "b", "smallest H264 of 3"},
		"more lines":           {[]Profile{big264, small264, tiny264}, 400, "a", "400 lines"},
		"H.264 before H.265":   {[]Profile{small265, big264}, 0, "a", "smallest H264"},
		"H.265 where it alone": {[]Profile{small265, tiny264, jpeg}, 0, "d", "no H264 of that size"},
		"none is enough":       {[]Profile{tiny264, small264}, 720, "b", "less than the 720 lines"},
		"JPEG last":            {[]Profile{jpeg}, 0, "e", "JPEG"},
		"not usable":           {[]Profile{other}, 0, "", "none of 1"},
		"nothing":              {nil, 0, "", "none of 0"},
	} {
		got, why, ok := Choose(c.profiles, Need{Height: c.height})
		if got.Token != c.want || ok != (c.want != "") || !strings.Contains(why, c.why) || strings.Contains(why, "\n") {
			t.Errorf("%s: got %q, %q, %v, want %q, %q", name, got.Token, why, ok, c.want, c.why)
		}
	}
}

func TestRedactTakesPasswordsOut(t *testing.T) {
	for _, a := range []string{
		"rtsp://admin:secret@10.0.0.5/live", "rtsp://admin:sec/secret@10.0.0.5/live", "rtsp://10.0.0.5/live?user=admin&password=secret&x=1",
		"rtsp://10.0.0.5/user=admin_password=secret_channel=1", "rtsp://10.0.0.5/?pwd=secret", "http://10.0.0.5/cgi?usr=secret&PASSWD=secret",
	} {
		if got := Redact(a); strings.Contains(got, "secret") || !strings.Contains(got, "10.0.0.5") {
			t.Errorf("%s: got %s", a, got)
		}
	}
	if got := Redact("rtsp://10.0.0.5:554/live?channel=1"); got != "rtsp://10.0.0.5:554/live?channel=1" {
		t.Errorf("got %s", got)
	}
}

func TestPosixTimeZones(t *testing.T) {
	for zone, want := range map[string]float64{"WIB-7": 7, "CST-8": 8, "UTC0": 0, "EST5EDT,M3.2.0,M11.1.0": -5, "IST-5:30": 5.5, "<+07>-7": 7, "NST+3:30": -3.5, "GMT+00:00": 0} {
		if got, ok := posixOffset(zone, false); !ok || got.Hours() != want {
			t.Errorf("%s: got %v, %v, want %v h", zone, got, ok, want)
		}
	}
	if got, ok := posixOffset("CET-1CEST,M3.5.0,M10.5.0/3", true); !ok || got.Hours() != 2 {
		t.Errorf("summer: got %v, %v", got, ok)
	}
	for _, zone := range []string{"", "Asia/Jakarta", "7", "WIB-99"} {
		if got, ok := posixOffset(zone, false); ok {
			t.Errorf("%q: got %v, want none", zone, got)
		}
	}
}
