package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"pantau/sidecar"
	"pantau/sidecar/publish/ownredis"
	"pantau/sidecar/tap/taptest"
)

// The street of the demo has a car that stands there all the time, and people who walk
// over a line and through a square.
const restartRules = `
node: killed
console: {listen: %q}
metrics: {listen: %q}
cameras:
  - id: street
    source: {rtsp: %q}
    analyse: {fps: 5, look: whole}
    functions:
      - {id: spot, kind: parking, polygon: [[0.82, 0.06], [0.95, 0.06], [0.95, 0.2], [0.82, 0.2]], capacity: 1, classes: [car], dwell: 2s}
      - {id: path, kind: line, line: [[0.45, 0.2], [0.45, 0.9]], classes: [person]}
      - {id: square, kind: zone, polygon: [[0.2, 0.2], [0.8, 0.2], [0.8, 0.9], [0.2, 0.9]], classes: [person]}
`

// The program is killed in the middle of its work and started again: the car that
// stands there is one session, and what the minutes sum up to is what was told.
func TestKilledProgramGoesOn(t *testing.T) {
	program(t)
	street, err := taptest.New(taptest.Options{Clip: filepath.Join(checkout(), "share", "pantau", "demo.mp4")})
	if err != nil {
		t.Fatal(err)
	}
	serve(t, street.Run)
	state := t.TempDir()
	file := write(t, "pantau.yaml", fmt.Sprintf(restartRules, freeAddr(t), freeAddr(t), street.URL()))
	path, err := ownredis.Socket(filepath.Join(state, "redis"))
	if err != nil {
		t.Fatal(err)
	}
	events := func(kind string) (n int) {
		if _, err := os.Stat(path); err != nil {
			return 0 // it is not there yet
		}
		client := redis.NewClient(&redis.Options{Network: "unix", Addr: path, DialerRetries: 1})
		defer client.Close()
		for _, e := range client.XRange(t.Context(), "pantau:events", "-", "+").Val() {
			if e.Values["type"] == "pantau."+kind+".v1" {
				n++
			}
		}
		return n
	}
	const lives = 3
	entered := 0
	for life := range lives {
		p := launch(t, nil, "run", file, "--state", state)
		p.until(t, "the parked car, and people in the square", 60*time.Second, func() bool {
			some := events("parking.occupied") > 0 && events("zone.entered") >= entered+2
			return some && (life < lives-1 || events("zone.left") >= 2 && events("count.crossing") >= 1)
		})
		entered = events("zone.entered")
		if life < lives-1 {
			_ = p.cmd.Process.Kill()
			<-p.done
			continue
		}
		p.interrupt(t)
	}
	facts, counts := published(t, state)
	session, told := 0, map[string]int{}
	for _, f := range facts {
		switch f.kind {
		case "parking.occupied":
			session++
		case "parking.freed":
			t.Errorf("the car is said to have gone: %s", f.data)
		case "zone.entered", "zone.left":
			told[f.kind]++
		case "count.crossing":
			told["flow"]++
		case "correction":
			t.Logf("a correction: %s", f.data)
			told[map[string]string{"path": "flow", "square": "zone.entered"}[f.rule]]--
		}
	}
	if session != 1 {
		t.Errorf("got %d sessions of the car that stands there, want 1", session)
	}
	sum, minutes := map[string]int{}, map[string]sidecar.Count{}
	for _, c := range counts {
		if key := c.From.String(); c.Rev >= minutes[key].Rev {
			minutes[key] = c
		}
	}
	for _, c := range minutes {
		if c.To.Sub(c.From) > 20*time.Second && c.Uptime > 0.999 {
			t.Errorf("nothing is missing from the minute %v to %v in which the program was dead", c.From, c.To)
		}
		for _, r := range c.Rows {
			if r.N != nil {
				sum[string(r.Kind)] += *r.N
			}
		}
	}
	for kind, row := range map[string]string{"flow": "flow", "zone.entered": "entries", "zone.left": "exits"} {
		if sum[row] != told[kind] {
			t.Errorf("the minutes hold %d %s, and %d were told", sum[row], row, told[kind])
		}
	}
	if told["zone.entered"] < 2*lives || told["zone.left"] == 0 || told["flow"] == 0 {
		t.Errorf("got %v, want more to be told", told)
	}
	t.Logf("%v in %d intervals, %d entries of counts", told, len(minutes), len(counts))
}

// fact is what is read of an event.
type fact struct{ kind, rule, data string }

// published reads what stands in the Redis of a program that has ended, each fact once.
func published(t *testing.T, state string) (facts []fact, counts []sidecar.Count) {
	t.Helper()
	own, err := ownredis.New(t.Context(), ownredis.Options{Dir: filepath.Join(state, "redis"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() { _ = own.Run(ctx) })
	defer wait.Wait()
	defer cancel()
	<-own.Ready()
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: own.Addr()})
	defer client.Close()
	seen := map[any]bool{}
	for _, e := range client.XRange(t.Context(), "pantau:events", "-", "+").Val() {
		if seen[e.Values["id"]] {
			continue
		}
		seen[e.Values["id"]] = true
		kind := strings.TrimSuffix(strings.TrimPrefix(e.Values["type"].(string), "pantau."), ".v1")
		_, rule, _ := strings.Cut(e.Values["subject"].(string), "/")
		facts = append(facts, fact{kind, rule, e.Values["data"].(string)})
	}
	for _, e := range client.XRange(t.Context(), "pantau:counts", "-", "+").Val() {
		var c sidecar.Count
		if err := json.Unmarshal([]byte(e.Values["data"].(string)), &c); err != nil {
			t.Fatal(err)
		}
		counts = append(counts, c)
	}
	return facts, counts
}
