package publish_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"pantau/sidecar"
	"pantau/sidecar/publish"
	"pantau/sidecar/publish/redistest"
	"pantau/sidecar/publish/schematest"
)

func TestMain(m *testing.M) {
	if runAsChild() {
		return
	}
	goleak.VerifyTestMain(m)
}

// journal is a log that a test can read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

// running runs a publisher until stop is called or the test ends.
func running(tb testing.TB, o publish.Options) (p *publish.Publisher, stop func()) {
	tb.Helper()
	if o.Redis != nil && o.Redis.Outbox.Path == "" {
		o.Redis.Outbox.Path = filepath.Join(tb.TempDir(), "outbox.db")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	p, err := publish.New(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
	tb.Cleanup(stop)
	return p, stop
}

// eventually polls, since another process has to do something.
func eventually(tb testing.TB, what string, is func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("waited in vain until %s", what)
		}
	}
}

// readAll reads entries of streams from their beginning until it has n.
func readAll(tb testing.TB, o *publish.Redis, n int, streams ...string) (all []publish.Entry) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 20*time.Second)
	defer cancel()
	enough := errors.New("enough")
	err := publish.Tail(ctx, publish.TailOptions{Redis: o, Streams: streams, From: "0"}, func(e publish.Entry) error {
		if all = append(all, e); len(all) == n {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		tb.Fatalf("got %d entries of %v, %v, want %d", len(all), streams, err, n)
	}
	return all
}

var capture = time.Date(2026, 11, 23, 5, 41, 7, 240_000_000, time.UTC)

func scene(camera string, seq uint64) *sidecar.Scene {
	return &sidecar.Scene{
		Stamp: sidecar.Stamp{Epoch: "k3f9", PTS: 1 << 33, Origin: 1<<33 - 90000, RTPTime: 0, ClockRate: 90000,
			Capture: capture, Source: sidecar.TimeRTCP},
		Camera: camera, Seq: seq, Width: 1280, Height: 720, Model: "street@1", Rules: "r17",
		Latency: sidecar.Latency{Decode: 9 * time.Millisecond, Total: 58 * time.Millisecond},
		Tracks: []sidecar.Track{
			{ID: 8842, Confirmed: true, Class: sidecar.Motorcycle, Score: 0.87, Box: sidecar.Box{Left: 0.412, Top: 0.53, Right: 0.447, Bottom: 0.611}, Age: 41, Motion: sidecar.Moving, Zones: []string{"alun"}},
			{ID: 8843, Confirmed: true, Class: sidecar.Person, Score: 0.5, Box: sidecar.Box{Left: 0.1, Top: 0.1, Right: 0.2, Bottom: 0.3}, Age: 3, Motion: sidecar.Stopped},
			{Class: sidecar.Car, Score: 0.3},
		},
		Zones: []sidecar.Zone{{ID: "alun", Counts: []sidecar.ClassCount{{Class: sidecar.Motorcycle, N: 1}}}},
	}
}

func crossing(camera string, n int) sidecar.Event {
	s := scene(camera, 1)
	return sidecar.Event{ID: sidecar.EventID(camera, "line-3", s.Epoch, sidecar.TrackID(n), 1), Type: sidecar.CountCrossing,
		Camera: camera, Subject: camera + "/line-3", Time: s.Capture,
		Data: sidecar.Crossing{Origin: sidecar.OriginOf(s, "line-3"), Track: fmt.Sprint(n), Class: sidecar.Motorcycle,
			Direction: sidecar.In, At: sidecar.Point{0.512, 0.85}, Score: 0.87, N: 1}}
}

// everyEvent has one event of each type.
func everyEvent(camera string) []sidecar.Event {
	from := sidecar.OriginOf(scene(camera, 1), "alun")
	box := sidecar.Box{Left: 0.1, Top: 0.2, Right: 0.3, Bottom: 0.4}
	event := func(typ sidecar.EventType, n int, data any) sidecar.Event {
		return sidecar.Event{ID: sidecar.EventID(camera, "alun", "k3f9", 7, n), Type: typ, Camera: camera,
			Subject: camera + "/alun", Time: capture, Data: data}
	}
	return []sidecar.Event{
		crossing(camera, 1),
		event(sidecar.ZoneEntered, 1, sidecar.ZoneChange{Origin: from, Track: "7", Class: sidecar.Person, Score: 0.5, N: 1}),
		event(sidecar.ZoneLeft, 2, sidecar.ZoneChange{Origin: from, Track: "7", Class: sidecar.Person, Score: 0.5, Stay: 31.5, Visit: true, N: 2}),
		event(sidecar.CrowdLevel, 9, sidecar.LevelChange{Origin: from, From: 0, To: 1, Count: new(60), Density: 1.2}),
		event(sidecar.CongestionLevel, 9, sidecar.CongestionChange{Origin: from, From: "A", To: "C", Travel: 0.55, Delay: 21.5, Vehicles: 6.2, Flow: 900, Queue: 4, QueueMetres: 31, Density: 40, KMH: 19, FreeKMH: 44}),
		event(sidecar.ZoneLoitering, 8, sidecar.Loitering{Origin: from, Track: "7", Class: sidecar.Person, Score: 0.5,
			Since: capture.UTC().Format(sidecar.TimeFormat), Begun: "x"}),
		event(sidecar.ParkingOccupied, 6, sidecar.ParkingChange{Origin: from, Bay: "A01", Track: "7", Class: sidecar.Car, Box: box, Score: 0.5,
			Arrived: capture.UTC().Format(sidecar.TimeFormat), Found: true, Forbidden: true, Occupied: 1, Capacity: 2}),
		event(sidecar.ParkingFreed, 7, sidecar.ParkingChange{Origin: from, Track: "7", Class: sidecar.Car, Box: box, Score: 0.5,
			Arrived: capture.UTC().Format(sidecar.TimeFormat), Departed: capture.UTC().Format(sidecar.TimeFormat), Stay: 61.2, Begun: "x"}),
		event(sidecar.CountTurn, 10, sidecar.Turn{Origin: from, Track: "7", Class: sidecar.Car, From: "north", To: "east",
			Entered: "x", Left: "y", Travel: 6.4, Score: 0.5, N: 1}),
		event(sidecar.CountTurn, 11, sidecar.Turn{Origin: from, Track: "7", Class: sidecar.Car, From: "north", To: sidecar.Unknown, Entered: "x", Score: 0.5, N: 2}),
		event(sidecar.CorrectionMade, 12, sidecar.Correction{Origin: from, Withdraws: "x", Track: "7", Class: sidecar.Car, From: "north", To: "east", Reason: "merged"}),
		event(sidecar.TrackEnded, 3, sidecar.TrackSummary{Origin: from, Track: "7", Class: sidecar.Person, Score: 0.5, Frames: 12, From: 100, Start: box, End: box}),
		event(sidecar.CorrectionMade, 4, sidecar.Correction{Origin: from, Withdraws: "x", Track: "7", Class: sidecar.Person, Direction: sidecar.Out, Reason: "merged"}),
		event(sidecar.CameraState, 5, sidecar.StateChange{Origin: from, From: "running", To: "retrying", Cause: "no packet for 5 s", Hint: "look at the camera"}),
		event(sidecar.CameraEvent, 13, sidecar.DeviceEvent{Origin: sidecar.Origin{Camera: camera}, Topic: "RuleEngine/CellMotionDetector/Motion", Operation: "Changed",
			Clock: capture.UTC().Format(sidecar.TimeFormat), About: map[string]string{"VideoSource": "vs0"}, Key: map[string]string{"ObjectId": "7"}, Values: map[string]string{"IsMotion": "true"}}),
		event(sidecar.CameraGap, 14, sidecar.DeviceGap{Origin: sidecar.Origin{Camera: camera}, From: capture.UTC().Format(sidecar.TimeFormat),
			To: capture.UTC().Format(sidecar.TimeFormat), Cause: "the subscription has ended"}),
	}
}

func minute(camera string, rev int) sidecar.Count {
	n, mean, most := 42, 11.25, 13
	from := capture.Truncate(time.Minute)
	return sidecar.Count{Camera: camera, From: from.In(time.FixedZone("WIB", 7*3600)), To: from.Add(time.Minute), Timezone: "Asia/Jakarta", Rev: rev,
		Final: rev > 0, Uptime: 0.983, Frames: 590, Expected: 600, Quality: sidecar.QualityGood, Model: "street@1", Rules: "r17",
		Rows: []sidecar.CountRow{
			{Rule: "line-3", Kind: sidecar.Flow, Class: sidecar.Motorcycle, Direction: sidecar.In, N: &n},
			{Rule: "simpang", Kind: sidecar.Turned, Class: sidecar.Car, From: "north", To: sidecar.Unknown, N: &n},
			{Rule: "alun", Kind: sidecar.Presence, Class: sidecar.Person, Mean: &mean, Max: &most},
			{Rule: "lot", Kind: sidecar.Occupancy, Class: sidecar.Car, Mean: &mean, Max: &most, Capacity: &n},
			{Rule: "pace", Kind: sidecar.Speed, Class: sidecar.Car, N: &n, Median: &mean, P85: &mean, Error: &mean},
			{Rule: "alun", Kind: sidecar.Dwell, Class: sidecar.Person, N: &n, Median: &mean, P85: &mean, P95: &mean, Longest: &mean},
		},
		Audit: []sidecar.Audit{{Rule: "line-3", Kind: sidecar.Flow, Direction: sidecar.In, At: capture, Bias: -0.04, Low: -0.11, High: 0.02, N: 41}}}
}

func camera(id string) sidecar.Camera {
	return sidecar.Camera{ID: id, Name: "Simpang Lima north", Timezone: "Asia/Jakarta",
		Source:   sidecar.Source{RTSP: "rtsp://10.2.4.21:554/main", User: "viewer", Password: sidecar.NewSecret("s3cret")},
		Location: &sidecar.Location{Lat: -6.9903, Lon: 110.4229, Kecamatan: "337401"},
		Functions: []sidecar.Function{{ID: "line-3", Kind: "line", Line: []sidecar.Point{{0.27, 0.85}, {0.92, 0.85}},
			Classes: []sidecar.Class{sidecar.Motorcycle}, Anchor: sidecar.AnchorBottom}}}
}

// publishEverything publishes one of all that there is.
func publishEverything(tb testing.TB, p *publish.Publisher, id string) {
	tb.Helper()
	if err := p.Facts(tb.Context(), everyEvent(id), []sidecar.Count{minute(id, 0), minute(id, 1)}); err != nil {
		tb.Fatal(err)
	}
	if err := p.Facts(tb.Context(), nil, []sidecar.Count{{Camera: id, From: capture.Truncate(time.Minute), To: capture, Quality: sidecar.QualityNone}}); err != nil {
		tb.Fatal(err)
	}
	if err := p.Audit(tb.Context(), publish.Audit{Who: "admin", Action: "camera.add", What: id, To: "9f2c"}); err != nil {
		tb.Fatal(err)
	}
	p.Health(sidecar.StateChange{Origin: sidecar.Origin{Camera: id}, From: "connecting", To: "running"})
	p.Scene(scene(id, 1))
	p.Scene(&sidecar.Scene{Camera: id, Seq: 2, Width: 1, Height: 1, Stamp: sidecar.Stamp{Epoch: "k3f9", ClockRate: 90000, Source: sidecar.TimeFile}})
	audit := sidecar.Audit{Rule: "line-3", Kind: sidecar.Flow, Direction: sidecar.In, At: capture, Bias: -0.04, Low: -0.11, High: 0.02, N: 41, Model: "street@1", Rules: "r17"}
	if err := p.Camera(camera(id), "r17", audit); err != nil {
		tb.Fatal(err)
	}
	p.Latest(publish.Latest{Camera: id, Time: capture, State: "running", FPS: 7.9, Since: capture, Rows: minute(id, 0).Rows})
}

func TestEveryEntryPassesTheSchemaThatIsPublishedWithIt(t *testing.T) {
	o := &publish.Redis{Addrs: []string{redistest.Start(t)}}
	p, _ := running(t, publish.Options{Node: "node-2", Redis: o})
	publishEverything(t, p, "smg-0421")

	client := o.NewClient()
	defer client.Close()
	eventually(t, "the schemas and hashes are there", func() bool {
		n, err := client.Exists(t.Context(), "pantau:schema:frames/1", "pantau:latest:{smg-0421}", "pantau:camera:{smg-0421}").Result()
		return n == 3 && err == nil
	})
	schemas := map[string][]byte{}
	for name := range publish.Schemas() {
		text, err := client.Get(t.Context(), "pantau:schema:"+name).Bytes()
		if err != nil {
			t.Fatalf("schema %s: %v", name, err)
		}
		schemas[name] = text
	}
	check := schematest.From(t, schemas)
	seen := map[string]bool{}
	for stream, n := range map[string]int{publish.Events: len(everyEvent("a")), publish.Counts: 3, publish.Health: 1, publish.Audited: 1, publish.Frames: 2} {
		for _, e := range readAll(t, o, n, stream) {
			check.Entry(e)
			seen[strings.TrimSuffix(strings.TrimPrefix(e.Type, "pantau."), ".v1")+"/1"] = true
		}
	}
	for _, kind := range []string{"camera", "latest"} {
		fields, err := client.HGetAll(t.Context(), "pantau:"+kind+":{smg-0421}").Result()
		if err != nil || len(fields) == 0 {
			t.Fatalf("hash %s: %v, %v", kind, fields, err)
		}
		check.Hash(kind, fields)
		seen[kind+"/1"] = true
		if text := fmt.Sprint(fields); strings.Contains(text, "s3cret") || strings.Contains(text, "10.2.4.21") || strings.Contains(text, "viewer") {
			t.Errorf("the hash tells the camera's address or password: %s", text)
		}
	}
	for name := range schemas {
		if !seen[name] {
			t.Errorf("nothing of %s was published", name)
		}
	}
}

func TestEnvelopeIsAsDesigned(t *testing.T) {
	o := &publish.Redis{Addrs: []string{redistest.Start(t)}, Prefix: "city[1]:"}
	p, _ := running(t, publish.Options{Node: "node-2", Redis: o})
	if err := p.Facts(t.Context(), []sidecar.Event{crossing("smg-0421", 8842)}, []sidecar.Count{minute("smg-0421", 2)}); err != nil {
		t.Fatal(err)
	}
	p.Scene(scene("smg-0421", 5910))
	got := readAll(t, o, 3, publish.Events, publish.Counts, publish.Frames)
	slices.SortFunc(got, func(a, b publish.Entry) int { return strings.Compare(a.Key, b.Key) })
	want := []publish.Entry{
		{Key: "city[1]:counts", ID: "smg-0421/2026-11-23T05:41:00Z/2", Type: "pantau.counts.v1", Subject: "smg-0421", Time: "2026-11-23T05:42:00.000000Z"},
		{Key: "city[1]:events", ID: "smg-0421/line-3/k3f9/8842/1", Type: "pantau.count.crossing.v1", Subject: "smg-0421/line-3", Time: "2026-11-23T05:41:07.240000Z"},
		{Key: "city[1]:frames:{smg-0421}", ID: "smg-0421/k3f9/5910", Type: "pantau.frames.v1", Subject: "smg-0421", Time: "2026-11-23T05:41:07.240000Z"},
	}
	for i := range want {
		want[i].Source, want[i].Schema, want[i].ContentType = "node-2/smg-0421", "1.0", "application/json"
		got[i].StreamID, got[i].Data = "", nil
		if fmt.Sprint(got[i]) != fmt.Sprint(want[i]) {
			t.Errorf("got  %+v\nwant %+v", got[i], want[i])
		}
	}
}

func TestStreamsAreTrimmedByRedisClock(t *testing.T) {
	o := &publish.Redis{Addrs: []string{redistest.Start(t)}, Keep: publish.Retention{Frames: 20 * time.Millisecond}}
	p, _ := running(t, publish.Options{Redis: o})
	client := o.NewClient()
	defer client.Close()
	key := "pantau:frames:{a}"
	seq := uint64(0)
	eventually(t, "old entries are trimmed", func() bool {
		for range 10 {
			seq++
			p.Scene(scene("a", seq))
		}
		first, err := client.XRangeN(t.Context(), key, "-", "+", 1).Result()
		return err == nil && len(first) == 1 && first[0].Values["id"] != "a/k3f9/1"
	})
	eventually(t, "a silent camera's frames are gone", func() bool {
		n, err := client.XLen(t.Context(), key).Result()
		return err == nil && n == 0
	})
}

func TestRemovedCameraLeavesNoKeys(t *testing.T) {
	o := &publish.Redis{Addrs: []string{redistest.Start(t)}}
	p, _ := running(t, publish.Options{Redis: o})
	client := o.NewClient()
	defer client.Close()
	keys := func() int {
		all, err := client.Keys(t.Context(), "pantau:*{a}").Result()
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	p.Scene(scene("a", 1))
	announce := func(id string) {
		if err := p.Camera(camera(id), "r1"); err != nil {
			t.Fatal(err)
		}
	}
	announce("a")
	p.Latest(publish.Latest{Camera: "a"})
	eventually(t, "three keys are there", func() bool { return keys() == 3 })
	p.RemoveCamera("a")
	eventually(t, "they are gone", func() bool { return keys() == 0 })

	p.Latest(publish.Latest{Camera: "a"}) // of somebody who does not know yet
	announce("b")
	eventually(t, "a later key is there", func() bool {
		n, err := client.Exists(t.Context(), "pantau:camera:{b}").Result()
		return n == 1 && err == nil
	})
	if got := keys(); got != 0 {
		t.Errorf("got %d keys of a camera that was removed, want none", got)
	}
	announce("a")
	p.Latest(publish.Latest{Camera: "a"})
	eventually(t, "it is back", func() bool { return keys() == 2 })
}

func TestLatestHasNoFieldsOfYesterday(t *testing.T) {
	o := &publish.Redis{Addrs: []string{redistest.Start(t)}}
	p, _ := running(t, publish.Options{Redis: o})
	client := o.NewClient()
	defer client.Close()
	field := func(name string) bool {
		ok, err := client.HExists(t.Context(), "pantau:latest:{a}", name).Result()
		return ok && err == nil
	}
	if err := p.Camera(camera("a"), "r1"); err != nil {
		t.Fatal(err)
	}
	p.Latest(publish.Latest{Camera: "a", Rows: minute("a", 0).Rows})
	eventually(t, "a number is there", func() bool { return field("line-3.flow.motorcycle.in") })
	p.Latest(publish.Latest{Camera: "a", Rows: minute("a", 0).Rows[1:]})
	eventually(t, "it is gone", func() bool { return !field("line-3.flow.motorcycle.in") && field("alun.presence.person") })
	ttl, err := client.PTTL(t.Context(), "pantau:latest:{a}").Result()
	if err != nil || ttl <= 0 || ttl > 30*time.Second {
		t.Errorf("got a life of %v, %v, want up to 30 s", ttl, err)
	}
}

func TestUnknownTypeIsRefused(t *testing.T) {
	p, _ := running(t, publish.Options{JSONL: &publish.JSONL{Path: filepath.Join(t.TempDir(), "out.jsonl")}})
	if err := p.Facts(t.Context(), []sidecar.Event{{ID: "x", Type: "no.such"}}, nil); err == nil {
		t.Error("got nil, want an error")
	}
	if err := p.Facts(t.Context(), []sidecar.Event{{ID: "x", Type: sidecar.CountCrossing, Data: make(chan int)}}, nil); err == nil {
		t.Error("got nil for data that cannot be marshalled, want an error")
	}
}

func TestLineIsOneJSONObject(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.jsonl")
	p, stop := running(t, publish.Options{JSONL: &publish.JSONL{Path: path, Frames: true}})
	publishEverything(t, p, `odd "camera" ü`)
	stop()
	check := schematest.New(t)
	lines := readLines(t, path)
	if got, want := len(lines), len(everyEvent(""))+7; got != want {
		t.Errorf("got %d lines, want %d", got, want)
	}
	for _, line := range lines {
		var e publish.Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		check.Entry(e)
	}
}
