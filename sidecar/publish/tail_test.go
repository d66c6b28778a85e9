package publish_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"pantau/sidecar/publish"
	"pantau/sidecar/publish/redistest"
)

func TestTailReadsFromNowOnAndFindsNewCameras(t *testing.T) {
	o := &publish.Redis{Addrs: []string{redistest.Start(t)}}
	p, _ := running(t, publish.Options{Redis: o})
	putEvents(t, p, 1, 3)
	eventually(t, "they are sent", sentAll(p, 3))
	ctx, cancel := context.WithCancel(t.Context())
	got, done := make(chan publish.Entry), make(chan error, 1)
	go func() {
		done <- publish.Tail(ctx, publish.TailOptions{Redis: o, Streams: []string{publish.Events, publish.Frames}}, func(e publish.Entry) error {
			select {
			case got <- e:
			case <-ctx.Done():
			}
			return nil
		})
	}()
	seen := map[string]bool{}
	for n := 4; !seen["events"] || !seen["frames"]; n++ { // until the reader has begun, too
		putEvents(t, p, n, n)
		p.Scene(scene("new", uint64(n)))
		select {
		case e := <-got:
			if e.ID == crossing("a", 1).ID {
				t.Fatal("it began with what had been")
			}
			seen[strings.Split(strings.TrimPrefix(e.Key, "pantau:"), ":")[0]] = true
		case <-time.After(20 * time.Millisecond):
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestTailEndsWithTheError(t *testing.T) {
	o := &publish.Redis{Addrs: []string{redistest.Start(t)}}
	p, _ := running(t, publish.Options{Redis: o})
	putEvents(t, p, 1, 3)
	n := 0
	err := publish.Tail(t.Context(), publish.TailOptions{Redis: o, Streams: []string{publish.Events}, From: "0"}, func(publish.Entry) error {
		if n++; n == 2 {
			return io.ErrShortWrite
		}
		return nil
	})
	if !errors.Is(err, io.ErrShortWrite) || n != 2 {
		t.Errorf("got %v after %d entries, want the error after 2", err, n)
	}
	none := &publish.Redis{Addrs: []string{t.TempDir() + "/none"}}
	if err := publish.Tail(t.Context(), publish.TailOptions{Redis: none, Streams: []string{publish.Events}}, nil); err == nil {
		t.Error("got nil without a Redis, want an error")
	}
}

// freePorts gives ports of which nobody listens now.
func freePorts(tb testing.TB, n int) (ports []string) {
	tb.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			tb.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
	return ports
}

// say runs redis-cli.
func say(tb testing.TB, server *redistest.Server, args ...string) {
	tb.Helper()
	out, err := exec.Command("redis-cli", append([]string{"-s", server.Addr}, args...)...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "OK") {
		tb.Fatalf("%v: %s %v", args, out, err)
	}
}

// node starts a Redis that listens on TCP too.
func node(tb testing.TB, port string, args ...string) *redistest.Server {
	tb.Helper()
	s := redistest.New(tb)
	s.Args = append([]string{"--port", port, "--bind", "127.0.0.1"}, args...)
	s.Start()
	return s
}

func TestCluster(t *testing.T) {
	ports := freePorts(t, 4)
	a := node(t, ports[0], "--cluster-enabled", "yes", "--cluster-port", ports[1])
	b := node(t, ports[2], "--cluster-enabled", "yes", "--cluster-port", ports[3])
	say(t, a, "CLUSTER", "ADDSLOTSRANGE", "0", "8191")
	say(t, b, "CLUSTER", "ADDSLOTSRANGE", "8192", "16383")
	say(t, a, "CLUSTER", "MEET", "127.0.0.1", ports[2], ports[3])
	o := &publish.Redis{Addrs: []string{"127.0.0.1:" + ports[0]}, Cluster: true}
	client := o.NewClient()
	defer client.Close()
	eventually(t, "the cluster stands", func() bool {
		for _, s := range []*redistest.Server{a, b} {
			out, err := exec.Command("redis-cli", "-s", s.Addr, "CLUSTER", "INFO").Output()
			if err != nil || !strings.Contains(string(out), "cluster_state:ok") {
				return false
			}
		}
		return true
	})
	p, _ := running(t, publish.Options{Redis: o})
	for n := range 8 {
		publishEverything(t, p, fmt.Sprintf("cam-%d", n))
	}
	readAll(t, o, 8*6, publish.Events)
	readAll(t, o, 8*3, publish.Counts)
	readAll(t, o, 8*2, publish.Frames)
	eventually(t, "all is acknowledged", func() bool { s := p.Stats(); return s.Waiting == 0 && s.RedisState.Kind == "ok" })
	if got := p.Stats(); len(got.FramesDropped) > 0 {
		t.Errorf("got %v dropped, want none", got.FramesDropped)
	}
}

func TestSentinelChangesThePrimary(t *testing.T) {
	ports := freePorts(t, 3)
	first := node(t, ports[0])
	node(t, ports[1], "--replicaof", "127.0.0.1 "+ports[0])
	watch := redistest.New(t)
	watch.StartSentinel(ports[2], "city", "127.0.0.1", ports[0])
	o := &publish.Redis{Addrs: []string{"127.0.0.1:" + ports[2]}, Master: "city"}
	client := o.NewClient()
	defer client.Close()
	p, _ := running(t, publish.Options{Redis: o})
	putEvents(t, p, 1, 3)
	eventually(t, "they are sent", sentAll(p, 3))
	eventually(t, "the replica is known", func() bool {
		out, err := exec.Command("redis-cli", "-s", watch.Addr, "SENTINEL", "REPLICAS", "city").Output()
		return err == nil && strings.Contains(string(out), ports[1]) && !strings.Contains(string(out), "disconnected")
	})
	first.Kill()
	putEvents(t, p, 4, 6)
	eventually(t, "they are with the new primary", func() bool { s := p.Stats(); return s.Waiting == 0 && s.RedisState.Kind == "ok" && s.FactsSent >= 6 })
	if got, want := fmt.Sprint(tracks(t, client)), "[1 2 3 4 5 6]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
