package onvif_test

import (
	"strings"
	"testing"

	"pantau/onvif"
	"pantau/onvif/onviftest"
)

// TestEncodersAreChangedAndChangedBack goes through both media services.
func TestEncodersAreChangedAndChangedBack(t *testing.T) {
	for name, q := range map[string]onviftest.Quirks{"Media2": {}, "Media1": {NoMedia2: true}, "undeclared prefixes": {Undeclared: true}} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, camera(t, q))
			profiles, err := c.Profiles(t.Context())
			if err != nil || len(profiles) != 2 {
				t.Fatalf("got %v, %v", profiles, err)
			}
			p := profiles[1]
			before, err := c.Encoder(t.Context(), p)
			if err != nil || before.String() != "H264 640×360, 10 frames/s, key frame every 20, 512 kbit/s" {
				t.Fatalf("got %v, %v", before, err)
			}
			change := onvif.Settings{Rate: 5, GOP: 5, BitRate: 300, Width: 1920, Height: 1080}
			if p.Media2 {
				change.Codec = "H265"
			}
			after, err := c.SetEncoder(t.Context(), p, before, change)
			want := "H264 1920×1080, 5 frames/s, key frame every 5, 300 kbit/s"
			if p.Media2 {
				want = strings.Replace(want, "H264", "H265", 1)
			}
			if err != nil || after.String() != want {
				t.Fatalf("got %v, %v, want %s", after, err, want)
			}
			back, err := c.SetEncoder(t.Context(), p, before, onvif.Settings{})
			if err != nil || back.String() != before.String() {
				t.Errorf("got %v, %v, want %v", back, err, before)
			}
			if again, err := c.Profiles(t.Context()); err != nil || again[1] != p || again[0] != profiles[0] {
				t.Errorf("got %v, %v, want %v", again, err, profiles)
			}
		})
	}
}

func TestWhatAnEncoderCannotDoIsRefused(t *testing.T) {
	for name, q := range map[string]onviftest.Quirks{"Media2": {}, "Media1": {NoMedia2: true}} {
		c := dial(t, camera(t, q))
		profiles, err := c.Profiles(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		e, err := c.Encoder(t.Context(), profiles[1])
		if err != nil {
			t.Fatal(err)
		}
		abilities, err := c.Abilities(t.Context(), profiles[1])
		if err != nil || len(abilities) == 0 || !strings.Contains(abilities[0].String(), "640×360, 1920×1080") {
			t.Fatalf("%s: got %v, %v", name, abilities, err)
		}
		for change, want := range map[onvif.Settings]string{
			{Codec: "MPEG4"}:             "it has H264",
			{Width: 800, Height: 600}:    "640×360, 1920×1080",
			{Rate: 60}:                   "it can send",
			{GOP: 500}:                   "from 1 to 400",
			{BitRate: 10}:                "from 64 to 8192",
			{Rate: 5, GOP: 5}:            "",
			{Width: 1920, Height: 1080}:  "",
			{Codec: "H264", BitRate: 64}: "",
		} {
			got := e.Check(change, abilities)
			if (got == nil) != (want == "") || got != nil && !strings.Contains(got.Error(), want) {
				t.Errorf("%s: %+v: got %v, want %q", name, change, got, want)
			}
		}
		if got := e.Check(onvif.Settings{Rate: 60}, nil); got != nil {
			t.Errorf("nothing is known, and got %v", got)
		}
	}
}

func TestASettingThatIsNotToldIsNotMade(t *testing.T) {
	c := dial(t, camera(t, onviftest.Quirks{}))
	profiles, err := c.Profiles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e := onvif.Encoder{Media2: true, XML: `<Configurations token="e-sub"><Encoding>H264</Encoding></Configurations>`}
	if _, err := c.SetEncoder(t.Context(), profiles[1], e, onvif.Settings{Rate: 5}); err == nil || !strings.Contains(err.Error(), "RateControl/FrameRateLimit") {
		t.Errorf("got %v", err)
	}
}
