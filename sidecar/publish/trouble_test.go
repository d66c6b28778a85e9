package publish_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"pantau/sidecar"
	"pantau/sidecar/publish"
	"pantau/sidecar/publish/redistest"
)

func putEvents(tb testing.TB, p *publish.Publisher, from, to int) {
	tb.Helper()
	for n := from; n <= to; n++ {
		if err := p.Facts(tb.Context(), []sidecar.Event{crossing("a", n)}, nil); err != nil {
			tb.Fatal(err)
		}
	}
}

// tracks gives the track numbers of the events in the order in which a reader
// who dedupes sees them first.
func tracks(tb testing.TB, client redis.UniversalClient) (numbers []string) {
	tb.Helper()
	entries, err := client.XRange(tb.Context(), "pantau:events", "-", "+").Result()
	if err != nil {
		tb.Fatal(err)
	}
	seen := map[string]bool{}
	for _, e := range entries {
		id := e.Values["id"].(string)
		if !seen[id] {
			seen[id] = true
			numbers = append(numbers, strings.Split(id, "/")[3])
		}
	}
	return numbers
}

func sentAll(p *publish.Publisher, n uint64) func() bool {
	return func() bool { s := p.Stats(); return s.FactsSent >= n && s.Waiting == 0 }
}

func TestFactsWaitWhileRedisIsAway(t *testing.T) {
	server := redistest.New(t)
	o := &publish.Redis{Addrs: []string{server.Addr}}
	var log journal
	p, _ := running(t, publish.Options{Redis: o, Log: log.logger()})
	putEvents(t, p, 1, 5)
	eventually(t, "the absence is known", func() bool { return p.Stats().RedisState.Kind == "away" })
	if got := p.Stats(); got.Waiting != 5 && got.Waiting != 6 || got.Oldest <= 0 { // the health record may be there
		t.Errorf("got %d waiting for %v, want 5 events", got.Waiting, got.Oldest)
	}
	server.Start()
	eventually(t, "all is sent", func() bool { return p.Stats().RedisState.Kind == "ok" && p.Stats().Waiting == 0 })
	client := o.NewClient()
	defer client.Close()
	if got, want := fmt.Sprint(tracks(t, client)), "[1 2 3 4 5]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	health := readAll(t, o, 2, publish.Health)
	if got := string(health[0].Data); !strings.Contains(got, `"from":"running","to":"retrying","cause":`) || health[0].Subject != "node-1/redis" {
		t.Errorf("got %s of %s first, want that Redis is away", got, health[0].Subject)
	}
	if got := strings.Count(log.String(), "facts wait"); got != 1 {
		t.Errorf("it was said %d times, want once: %s", got, log.String())
	}
}

func TestRestartThatForgetsGetsTheLastFactsAgain(t *testing.T) {
	server := redistest.New(t)
	server.Args = []string{"--appendonly", "no"} // loses what it has acknowledged
	server.Start()
	o := &publish.Redis{Addrs: []string{server.Addr}}
	p, stop := running(t, publish.Options{Redis: o})
	putEvents(t, p, 1, 3)
	eventually(t, "they are sent", sentAll(p, 3))
	server.Kill()
	server.Start()
	putEvents(t, p, 4, 4)
	eventually(t, "all are sent again", sentAll(p, 7))
	client := o.NewClient()
	defer client.Close()
	if got, want := fmt.Sprint(tracks(t, client)), "[1 2 3 4]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := p.Stats().FactsResent; got != 3 {
		t.Errorf("got %d facts sent again, want 3", got)
	}

	stop()
	server.Kill()
	server.Start()
	p, _ = running(t, publish.Options{Redis: o})
	eventually(t, "they are sent again after the restart of both", func() bool { return p.Stats().FactsSent >= 4 })
	if got, want := fmt.Sprint(tracks(t, client)), "[1 2 3 4]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestCleanRestartDoublesNothing(t *testing.T) {
	o := &publish.Redis{Addrs: []string{redistest.Start(t)}}
	client := o.NewClient()
	defer client.Close()
	for life := range 3 {
		p, stop := running(t, publish.Options{Redis: o, Log: (&journal{}).logger()})
		putEvents(t, p, life*5+1, life*5+5)
		stop() // sends what waits
	}
	if got, err := client.XLen(t.Context(), "pantau:events").Result(); got != 15 || err != nil {
		t.Errorf("got %d entries, %v, want 15", got, err)
	}
}

// refusals are the ways in which a Redis that answers does not take facts.
var refusals = []struct {
	kind   string
	hint   string // part of it
	refuse func(ctx context.Context, c redis.UniversalClient) error
	relent func(ctx context.Context, c redis.UniversalClient) error
}{
	{"oom", "maxmemory",
		func(ctx context.Context, c redis.UniversalClient) error {
			return c.ConfigSet(ctx, "maxmemory", "1").Err()
		},
		func(ctx context.Context, c redis.UniversalClient) error {
			return c.ConfigSet(ctx, "maxmemory", "0").Err()
		}},
	{"readonly", "primary",
		func(ctx context.Context, c redis.UniversalClient) error {
			return c.Do(ctx, "REPLICAOF", "127.0.0.1", "1").Err()
		},
		func(ctx context.Context, c redis.UniversalClient) error {
			return c.Do(ctx, "REPLICAOF", "NO", "ONE").Err()
		}},
	{"noreplicas", "min-replicas-to-write",
		func(ctx context.Context, c redis.UniversalClient) error {
			return c.ConfigSet(ctx, "min-replicas-to-write", "1").Err()
		},
		func(ctx context.Context, c redis.UniversalClient) error {
			return c.ConfigSet(ctx, "min-replicas-to-write", "0").Err()
		}},
	{"wrongtype", "prefix",
		func(ctx context.Context, c redis.UniversalClient) error {
			return c.Set(ctx, "pantau:events", "x", 0).Err()
		},
		func(ctx context.Context, c redis.UniversalClient) error { return c.Del(ctx, "pantau:events").Err() }},
	{"permission", "allow",
		func(ctx context.Context, c redis.UniversalClient) error {
			return c.Do(ctx, "ACL", "SETUSER", "default", "-xadd").Err()
		},
		func(ctx context.Context, c redis.UniversalClient) error {
			return c.Do(ctx, "ACL", "SETUSER", "default", "+@all").Err()
		}},
}

func TestRefusalsOfRedisAreToldApartAndPass(t *testing.T) {
	for _, r := range refusals {
		t.Run(r.kind, func(t *testing.T) {
			o := &publish.Redis{Addrs: []string{redistest.Start(t)}}
			var log journal
			p, _ := running(t, publish.Options{Redis: o, Log: log.logger()})
			client := o.NewClient()
			defer client.Close()
			eventually(t, "Redis is met", func() bool {
				n, err := client.Exists(t.Context(), "pantau:schema:counts/1").Result()
				return n == 1 && err == nil
			})
			if err := r.refuse(t.Context(), client); err != nil {
				t.Fatal(err)
			}
			putEvents(t, p, 1, 3)
			p.Scene(scene("a", 1))
			eventually(t, "the refusal is known", func() bool {
				s := p.Stats()
				return s.RedisState.Kind == r.kind && (s.FramesDropped[r.kind] == 1 || r.kind == "wrongtype")
			})
			if got := p.Stats().RedisState; !strings.Contains(got.Hint, r.hint) || got.Cause == "" {
				t.Errorf("got %+v, want a hint with %q", got, r.hint)
			}
			if err := r.relent(t.Context(), client); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the facts are there", sentAll(p, 3))
			if got, want := fmt.Sprint(tracks(t, client)), "[1 2 3]"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), "well again") {
				t.Errorf("the log does not tell: %s", log.String())
			}
		})
	}
}

func TestPasswordIsNeededAndNotTold(t *testing.T) {
	server := redistest.New(t)
	server.Args = []string{"--requirepass", "right-one"}
	server.Start()
	for _, c := range []struct{ password, kind string }{{"", "auth"}, {"wrong-one", "auth"}, {"right-one", "ok"}} {
		o := &publish.Redis{Addrs: []string{server.Addr}, Password: sidecar.NewSecret(c.password)}
		var log journal
		p, stop := running(t, publish.Options{Redis: o, Log: log.logger()})
		putEvents(t, p, 1, 1)
		eventually(t, "the answer is "+c.kind, func() bool {
			s := p.Stats()
			return s.RedisState.Kind == c.kind && (c.kind != "ok" || s.FactsSent > 0)
		})
		_, err := publish.Check(t.Context(), o)
		if (err == nil) != (c.kind == "ok") {
			t.Errorf("%q: check says %v", c.password, err)
		}
		stop()
		if text := fmt.Sprint(log.String(), err, p.Stats(), *o); strings.Contains(text, "-one") {
			t.Errorf("the password is told: %s", text)
		}
	}
}

func TestFullOutboxIsSaidAndTakesAgain(t *testing.T) {
	server := redistest.New(t)
	o := &publish.Redis{Addrs: []string{server.Addr}, Outbox: publish.Outbox{Path: filepath.Join(t.TempDir(), "o.db"), MaxBytes: 2000}}
	var log journal
	p, _ := running(t, publish.Options{Redis: o, Log: log.logger()})
	stored := 0
	for full := false; !full; {
		ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
		err := p.Facts(ctx, []sidecar.Event{crossing("a", stored+1)}, nil)
		cancel()
		var fault *sidecar.Fault
		switch full = errors.As(err, &fault); {
		case err == nil:
			stored++
		case full && !strings.Contains(fault.Hint, "bring Redis back"):
			t.Fatalf("got %v, want a fault that says what to do", err)
		}
	}
	if s := p.Stats(); s.OutboxState.Kind != "full" || stored == 0 || s.Outbox.Bytes > 2000 {
		t.Errorf("got %+v with %d events", s, stored)
	}
	if !strings.Contains(log.String(), "outbox is full") {
		t.Errorf("the log does not tell: %s", log.String())
	}
	done := make(chan error)
	go func() { done <- p.Facts(context.Background(), []sidecar.Event{crossing("a", stored+1)}, nil) }()
	server.Start()
	if err := <-done; err != nil { // waits for the grace, too: acknowledged facts stay for some seconds
		t.Fatal(err)
	}
	eventually(t, "all is well", func() bool { return p.Stats().OutboxState.Kind == "ok" && p.Stats().Waiting == 0 })
	client := o.NewClient()
	defer client.Close()
	if got := len(tracks(t, client)); got != stored+1 {
		t.Errorf("got %d events, want %d", got, stored+1)
	}
}

func TestScenesNeverBlockAndAreCounted(t *testing.T) {
	silent, err := net.Listen("unix", filepath.Join(t.TempDir(), "s")) // takes connections and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	p, stop := running(t, publish.Options{Redis: &publish.Redis{Addrs: []string{silent.Addr().String()}}})
	const scenes = 5000
	for n := range scenes {
		p.Scene(scene("a", uint64(n+1)))
	}
	stop()
	got := p.Stats()
	if got.FramesDropped["queue"] == 0 || got.FramesSent != 0 {
		t.Errorf("got %d sent, %v dropped, want some dropped for want of room", got.FramesSent, got.FramesDropped)
	}
}

func TestCameraIsWrittenAgainWhenRedisHasForgotten(t *testing.T) {
	server := redistest.New(t)
	server.Args = []string{"--appendonly", "no"}
	server.Start()
	o := &publish.Redis{Addrs: []string{server.Addr}}
	p, _ := running(t, publish.Options{Redis: o})
	client := o.NewClient()
	defer client.Close()
	there := func() bool {
		n, err := client.Exists(t.Context(), "pantau:camera:{a}", "pantau:schema:counts/1").Result()
		return n == 2 && err == nil
	}
	if err := p.Camera(camera("a"), "r1"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the camera and the schemas are there", there)
	server.Kill()
	server.Start()
	eventually(t, "they are there again", there)
}

func TestSecondPublisherOnTheSameOutboxIsAFault(t *testing.T) {
	o := &publish.Redis{Addrs: []string{redistest.Start(t)}}
	running(t, publish.Options{Redis: o})
	_, err := publish.New(t.Context(), publish.Options{Redis: o})
	var fault *sidecar.Fault
	if !errors.As(err, &fault) || !strings.Contains(fault.Hint, "stop the other pantau") {
		t.Errorf("got %v, want a fault with a hint", err)
	}
}

func TestGroupsThatLagAreKnown(t *testing.T) {
	o := &publish.Redis{Addrs: []string{redistest.Start(t)}}
	client := o.NewClient()
	defer client.Close()
	if err := client.XGroupCreateMkStream(t.Context(), "pantau:events", "board", "$").Err(); err != nil {
		t.Fatal(err)
	}
	first, stop := running(t, publish.Options{Redis: o})
	putEvents(t, first, 1, 3)
	stop()
	p, _ := running(t, publish.Options{Redis: o})
	eventually(t, "the lag is known", func() bool { return len(p.Stats().Groups) == 1 })
	if got := p.Stats().Groups[0]; got.Stream != publish.Events || got.Name != "board" || got.Lag != 3 || got.Pending != 0 {
		t.Errorf("got %+v, want a lag of 3", got)
	}
}
