package devices

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"pantau/onvif"
	"pantau/onvif/device"
	"pantau/onvif/metadata"
	"pantau/onvif/soap"
	"pantau/sidecar"
	"pantau/sidecar/config"
	"pantau/sidecar/console/accounts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Sequence parameter sets of 1280x720 H.264 (High) and 1920x1080 H.265 (Main).
const (
	sps264 = "6764001facd9405005bb016a040402800000030080000019078c18cb"
	sps265 = "420101016000000300900000030000030078a003c08010e596566924caf0168080000003008000000f04"
)

func bytesOf(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// film gives 10 seconds of pictures to a function: a key picture every 2 s, 1,250 bytes each.
func film(t *testing.T, codec sidecar.Codec, rate int, take func(*sidecar.AccessUnit)) {
	sps := bytesOf(t, map[sidecar.Codec]string{sidecar.H264: sps264, sidecar.H265: sps265}[codec])
	for i := range 10*rate + 1 {
		u := &sidecar.AccessUnit{Codec: codec, Key: i%(2*rate) == 0, NALUs: [][]byte{make([]byte, 1250)}}
		u.Epoch, u.ClockRate, u.PTS = "e1", 90000, int64(i)*90000/int64(rate)
		if u.Key {
			u.NALUs = [][]byte{sps, make([]byte, 1250-len(sps))}
		}
		take(u)
	}
}

func TestTheVideoIsMeasured(t *testing.T) {
	for codec, want := range map[sidecar.Codec]string{
		sidecar.H264: "{H264 1280 720 20 200 High 40}",
		sidecar.H265: "{H265 1920 1080 20 200 Main 40}",
	} {
		var m meter
		told := 0
		film(t, codec, 20, func(u *sidecar.AccessUnit) {
			if m.take(u) {
				told++
			}
		})
		if got := fmt.Sprint(m.video); got != want || told > 4 {
			t.Errorf("got %s, told %d times, want %s", got, told, want)
		}
	}
}

func TestFunctionsAsRules(t *testing.T) {
	square := sidecar.Polygon{{0, 0}, {1, 0}, {1, 1}}
	all := rulesOf([]sidecar.Function{
		{ID: "l", Kind: "line", Line: []sidecar.Point{{0.25, 0.5}, {0.75, 1}}, Classes: []sidecar.Class{sidecar.Car, sidecar.Person, "boat"}},
		{ID: "z", Kind: "zone", Polygon: square},
		{ID: "s", Kind: "zone", Polygon: square, TimeThreshold: time.Minute},
		{ID: "p", Kind: "parking", Bays: map[string]sidecar.Polygon{"B": {{0.5, 0.5}, {0.75, 0.5}, {0.75, 0.75}}, "A": {{0.25, 0.25}, {0.5, 0.25}, {0.5, 0.5}}}},
		{ID: "c", Kind: "crowd", Polygon: square},
		{ID: "j", Kind: "congestion", Plane: &sidecar.Plane{Points: square}},
		{ID: "t", Kind: "turns"}, {ID: "v", Kind: "speed"},
	})
	var got []string
	for _, r := range all {
		got = append(got, fmt.Sprintf("%s %s %v%v %v%v", r.Name, r.Type, r.Line, r.Field, r.Classes, r.Threshold))
	}
	want := []string{
		"l LineCounting [{-0.5 0} {0.5 -1}][] [Car Human boat]0s",
		"z FieldDetector [][{-1 1} {1 1} {1 -1}] []0s",
		"s LoiteringDetector [][{-1 1} {1 1} {1 -1}] []1m0s",
		"p OccupancyCounting [][{-0.5 0.5} {0.5 0.5} {0.5 -0.5} {-0.5 -0.5}] []0s",
		"p/A FieldDetector [][{-0.5 0.5} {0 0.5} {0 0}] []0s",
		"p/B FieldDetector [][{0 0} {0.5 0} {0.5 -0.5}] []0s",
		"c OccupancyCounting [][{-1 1} {1 1} {1 -1}] []0s",
		"j pantau:Congestion [][{-1 1} {1 1} {1 -1}] []0s",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestMotionBeginsAtOnceAndEndsAfterAWhile(t *testing.T) {
	var m motion
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	moving := sidecar.Track{Confirmed: true, Observed: true, Motion: sidecar.Moving}
	parked, guess := moving, moving
	parked.Motion, guess.Observed = sidecar.Stopped, false
	for i, tt := range []struct {
		after  time.Duration
		track  sidecar.Track
		change bool
		moves  bool
	}{{0, parked, false, false}, {0, guess, false, false}, {0, moving, true, true}, {3 * time.Second, parked, false, true}, {3 * time.Second, moving, false, true},
		{quiet, parked, false, true}, {time.Second, parked, true, false}, {0, moving, true, true}} {
		at = at.Add(tt.after)
		sc := &sidecar.Scene{Tracks: []sidecar.Track{tt.track}}
		sc.Capture = at
		if change, moves := m.take(sc); change != tt.change || moves != tt.moves {
			t.Errorf("%d: got %v, %v, want %v, %v", i, change, moves, tt.change, tt.moves)
		}
	}
}

// TestMotionEndsWithItsCamera: where no scene comes any more, and where another run begins.
func TestMotionEndsWithItsCamera(t *testing.T) {
	moving := []sidecar.Track{{Confirmed: true, Observed: true, Motion: sidecar.Moving}}
	scene := func(epoch string, tracks []sidecar.Track) *sidecar.Scene {
		sc := &sidecar.Scene{Tracks: tracks}
		sc.Epoch, sc.Capture = epoch, time.Now()
		return sc
	}
	var m motion
	if changed, _ := m.take(scene("a", moving)); !changed || m.end(time.Now().Add(-away)) {
		t.Error("it ended at once")
	}
	if !m.end(time.Now()) || m.moves || m.end(time.Now()) {
		t.Error("it did not end once")
	}
	m.take(scene("a", moving))
	if changed, moves := m.take(scene("b", nil)); !changed || moves {
		t.Error("it went on in another epoch")
	}
}

// TestAVMSAddsACamera with our own client: it signs in with a device password, sees what
// the camera sends and how it changes, hears events, and may not change the file.
func TestAVMSAddsACamera(t *testing.T) {
	store, err := accounts.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	admin, err := store.SetUp(t.Context(), "Siti", sidecar.NewSecret("a long enough password"))
	if err != nil {
		t.Fatal(err)
	}
	_, secret, err := store.AddDevicePassword(t.Context(), admin.ID, "vms")
	if err != nil {
		t.Fatal(err)
	}
	d, err := New(Options{Settings: config.ONVIF{Listen: "127.0.0.1:0", Mode: config.OneDevice}, Overlay: config.Overlay{Height: 360, FPS: 15, Bitrate: 1000, Blur: true}, RTSP: 8554,
		Snapshot: func(_ context.Context, camera string, boxes, blur bool) ([]byte, error) {
			return fmt.Appendf([]byte("\xff\xd8\xff"), "%s %t %t", camera, boxes, blur), nil
		},
		State: filepath.Join(t.TempDir(), "onvif.json"), Node: "node-1", Version: "1", File: "pantau.yaml", Accounts: store, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }() // received below
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	d.Camera(sidecar.Camera{ID: "open", Functions: []sidecar.Function{{ID: "l", Kind: "line", Line: []sidecar.Point{{0, 0}, {1, 1}}}}})
	d.Camera(sidecar.Camera{ID: "masked", Analyse: sidecar.Analyse{Mask: []sidecar.Polygon{{{0, 0}, {1, 0}, {1, 1}}}}})
	for _, id := range []string{"open", "masked", "nobody"} {
		film(t, sidecar.H264, 20, func(u *sidecar.AccessUnit) { d.AccessUnit(id, u) })
	}
	dial := func(password sidecar.Secret) *onvif.Client {
		c, err := onvif.Dial(t.Context(), d.Addr(""), onvif.Options{Credentials: soap.Credentials{User: "Siti", Password: soap.NewSecret(password.Reveal())}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	if a, err := d.Account(t.Context(), "sITI"); err != nil || a.Name != "Siti" {
		t.Errorf("a name in other letters: got %q, %v", a.Name, err)
	}
	if _, err := dial(sidecar.NewSecret("a long enough password")).Profiles(t.Context()); !errors.Is(err, soap.ErrUnauthorized) {
		t.Errorf("the console's password: got %v", err)
	}
	c := dial(secret)
	want := "masked H264 640x360 rtsp://127.0.0.1:8554/masked/overlay, open H264 1280x720 rtsp://127.0.0.1:8554/open, open_overlay H264 640x360 rtsp://127.0.0.1:8554/open/overlay"
	got := ""
	for range 200 { // Run tells the server
		if got = profiles(t, c); got == want {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for profile, want := range map[string]string{"open": "open false false", "open_overlay": "open true true", "masked": "masked true true"} {
		picture, err := c.Picture(t.Context(), "http://"+d.Addr("")+"/snapshot/"+profile+".jpg")
		if err != nil || string(picture) != "\xff\xd8\xff"+want {
			t.Errorf("%s: got %q, %v", profile, picture, err)
		}
	}
	if err := d.ChangeRules(t.Context(), "open", "Siti", device.RuleChange{Delete: []string{"l"}}); err == nil || !strings.Contains(err.Error(), "pantau.yaml") {
		t.Errorf("got %v", err)
	}
	hears(t, d, c)
}

// profiles writes a device's profiles in one line.
func profiles(t *testing.T, c *onvif.Client) string {
	all, err := c.Profiles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range all {
		s, err := c.Stream(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s %s %dx%d %s", p.Token, p.Codec, p.Width, p.Height, s.URL))
	}
	return strings.Join(out, ", ")
}

// hears listens while something crosses a line, and a camera goes.
func hears(t *testing.T, d *Devices, c *onvif.Client) {
	crossing := sidecar.Event{ID: "1", Type: sidecar.CountCrossing, Camera: "open", Time: time.Now(),
		Data: sidecar.Crossing{Origin: sidecar.Origin{Camera: "open", Rule: "l"}, Track: "7", Class: sidecar.Car, Direction: sidecar.In}}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	seen := map[string]bool{}
	const alarm = "VideoSource/MotionAlarm"
	rests := 0
	sc := &sidecar.Scene{Camera: "open", Tracks: []sidecar.Track{{Confirmed: true, Observed: true, Motion: sidecar.Moving}}}
	sc.Capture = time.Now()
	err := c.Listen(ctx, func(p onvif.Pulled) error {
		for _, n := range p.Notifications {
			value := ""
			if len(n.Data) > 0 {
				value = n.Data[0].Value
			}
			seen[n.Topic+" "+string(n.Operation)+" "+value] = true
			switch {
			case n.Topic == metadata.Counter && n.Operation == metadata.Initialized: // the first states
				d.Events("open", []sidecar.Event{crossing})
				d.Scene(sc)
				d.Remove("masked")
			case n.Topic == alarm && value == "true" && rests == 0: // the camera is lost
				rests++
				d.Events("open", []sidecar.Event{{Type: sidecar.CameraState, Camera: "open", Time: time.Now(), Data: sidecar.StateChange{To: "retrying"}}})
			case n.Topic == alarm && value == "false" && n.Operation == metadata.Changed && rests == 1:
				rests++
				d.Scene(sc)
				d.rest(time.Now().Add(away))
			case n.Topic == alarm && value == "false" && n.Operation == metadata.Changed:
				rests++
				cancel()
			}
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || rests != 3 {
		t.Errorf("got %v, the alarm ended %d times", err, rests-1)
	}
	for _, want := range []string{metadata.Counter + " Initialized 0", metadata.LineCrossed + "  7", metadata.Counter + " Changed 1", alarm + " Changed true", alarm + " Changed false", alarm + " Deleted false"} {
		if !seen[want] {
			t.Errorf("%q was not heard; heard %v", want, seen)
		}
	}
}
