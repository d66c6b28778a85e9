package publish_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/publish"
	"pantau/sidecar/publish/ownredis"
	"pantau/sidecar/publish/redistest"
)

// Environment of the test binary when it plays the sidecar.
const (
	childDir   = "PUBLISH_TEST_DIR"   // state folder: outbox, ledger, own Redis
	childRedis = "PUBLISH_TEST_REDIS" // socket of a Redis; empty: its own
	childRun   = "PUBLISH_TEST_RUN"   // number of this life, part of the events' ids
)

// runAsChild is false in the process of the tests.
func runAsChild() bool {
	dir := os.Getenv(childDir)
	if dir == "" {
		return false
	}
	if err := publishForEver(dir, os.Getenv(childRedis), os.Getenv(childRun)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

// publishForEver publishes numbered events and notes in the ledger those for
// which Facts has returned, until the process is killed.
func publishForEver(dir, addr, run string) error {
	ctx := context.Background()
	log := slog.New(slog.DiscardHandler)
	if addr == "" {
		own, err := ownredis.New(ctx, ownredis.Options{Dir: filepath.Join(dir, "redis"), Backoff: 10 * time.Millisecond, Log: log})
		if err != nil {
			return err
		}
		go own.Run(ctx) // ends with the process
		addr = own.Addr()
	}
	p, err := publish.New(ctx, publish.Options{Redis: redisOf(dir, addr), Log: log})
	if err != nil {
		return err
	}
	go p.Run(ctx) // ends with the process
	ledger, err := os.OpenFile(filepath.Join(dir, "ledger"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	errs := make(chan error)
	for camera := range 3 {
		go func() { errs <- publishCamera(ctx, p, ledger, fmt.Sprintf("cam-%d-%s", camera, run)) }()
	}
	return <-errs
}

func publishCamera(ctx context.Context, p *publish.Publisher, ledger *os.File, camera string) error {
	tick := time.NewTicker(3 * time.Millisecond)
	for n := 1; ; n++ {
		<-tick.C
		events := []sidecar.Event{crossing(camera, 2*n), crossing(camera, 2*n+1)}
		if err := p.Facts(ctx, events, nil); err != nil {
			return err
		}
		if _, err := ledger.WriteString(events[0].ID + "\n" + events[1].ID + "\n"); err != nil {
			return err
		}
	}
}

func redisOf(dir, addr string) *publish.Redis {
	return &publish.Redis{Addrs: []string{addr}, Outbox: publish.Outbox{Path: filepath.Join(dir, "outbox.db")}}
}

// theatre is where the killing takes place.
type theatre struct {
	*testing.T
	dir   string
	redis *redistest.Server // nil: the sidecar's own
	child *exec.Cmd
	run   int

	longest time.Duration // between two kills
}

func (t *theatre) startChild() {
	t.run++
	t.child = exec.Command(os.Args[0])
	t.child.Env = append(os.Environ(), childDir+"="+t.dir, childRun+"="+strconv.Itoa(t.run))
	if t.redis != nil {
		t.child.Env = append(t.child.Env, childRedis+"="+t.redis.Addr)
	}
	t.child.Stderr = os.Stderr
	if err := t.child.Start(); err != nil {
		t.Fatal(err)
	}
}

func (t *theatre) killChild() {
	_ = t.child.Process.Kill()
	if err := t.child.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Fatalf("the sidecar ended by itself: %v", err)
	}
}

// killRedis kills Redis, if it runs right now.
func (t *theatre) killRedis() (killed bool) {
	if t.redis != nil {
		t.redis.Kill()
		return true
	}
	text, err := os.ReadFile(filepath.Join(t.dir, "redis", "redis.lock"))
	pid, _ := strconv.Atoi(string(text)) // nothing: none runs
	return err == nil && pid > 0 && syscall.Kill(pid, syscall.SIGKILL) == nil
}

// strike kills one or both after a random moment and starts them again.
func (t *theatre) strike() (kills int) {
	moment := func() { time.Sleep(rand.N(t.longest)) } // the very thing under test
	moment()
	victim := rand.N(5)
	redisDies := victim <= 2 && t.killRedis()
	if redisDies {
		kills++
	}
	if victim >= 2 {
		t.killChild()
		t.startChild()
		kills++
	}
	if redisDies && t.redis != nil {
		moment() // Redis is away for a while
		t.redis.Start()
	}
	return kills
}

func TestNothingIsLostByTwoHundredKills(t *testing.T) {
	kills := 100
	if testing.Short() {
		kills = 10
	}
	t.Run("Redis beside the sidecar", func(t *testing.T) {
		server := redistest.New(t)
		server.Start()
		killAndCompare(&theatre{T: t, dir: t.TempDir(), redis: server, longest: 160 * time.Millisecond}, kills)
	})
	t.Run("Redis owned by the sidecar", func(t *testing.T) {
		killAndCompare(&theatre{T: t, dir: t.TempDir(), longest: 400 * time.Millisecond}, kills)
	})
}

func killAndCompare(t *theatre, kills int) {
	t.startChild()
	for done := 0; done < kills; {
		done += t.strike()
	}
	t.killChild()

	addr := ""
	if t.redis != nil {
		addr = t.redis.Addr
	} else {
		own, err := ownredis.New(t.Context(), ownredis.Options{Dir: filepath.Join(t.dir, "redis"), Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		var wait sync.WaitGroup
		wait.Go(func() { _ = own.Run(ctx) })
		defer wait.Wait()
		defer cancel()
		<-own.Ready()
		addr = own.Addr()
	}
	o := redisOf(t.dir, addr)
	p, stop := running(t, publish.Options{Redis: o})
	eventually(t, "all is sent", func() bool { s := p.Stats(); return s.Waiting == 0 && s.RedisState.Kind == "ok" && s.FactsSent > 0 })
	stop()
	compare(t, o)
}

// compare reads everything as a reader would who dedupes by id.
func compare(t *theatre, o *publish.Redis) {
	client := o.NewClient()
	defer client.Close()
	entries, err := client.XRange(t.Context(), "pantau:events", "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	data, last := map[string]string{}, map[string]int{}
	for _, e := range entries {
		id, text := e.Values["id"].(string), e.Values["data"].(string)
		known, again := data[id]
		if again && known != text {
			t.Errorf("%s came with two contents", id)
		}
		if again {
			continue
		}
		data[id] = text
		parts := strings.Split(id, "/")
		n, err := strconv.Atoi(parts[3])
		if err != nil || n != last[parts[0]]+1 && last[parts[0]] != 0 {
			t.Errorf("%s came after number %d", id, last[parts[0]])
		}
		last[parts[0]] = n
	}
	file, err := os.Open(filepath.Join(t.dir, "ledger"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	promised, lost := 0, 0
	for lines := bufio.NewScanner(file); lines.Scan(); promised++ {
		if _, ok := data[lines.Text()]; !ok {
			if lost++; lost < 10 {
				t.Errorf("%s is lost", lines.Text())
			}
		}
	}
	if lives := len(slices.Collect(maps.Keys(last))) / 3; promised < 100 || lost > 0 {
		t.Errorf("%d of %d events are lost", lost, promised)
	} else {
		t.Logf("%d lives, %d promised events, %d different ones, %d entries", lives, promised, len(data), len(entries))
	}
}

// closed is a context that has ended.
func closed(tb testing.TB) context.Context {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
