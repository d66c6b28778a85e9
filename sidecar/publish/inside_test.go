package publish

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"pantau/sidecar"
)

// infos are answers to INFO, as different servers give them.
var infos = []struct{ info, want string }{
	{"redis_version:7.0.15\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\nrole:master\r\n", ""},
	{"redis_version:6.2.0\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n", ""},
	{"redis_version:6.0.16\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n", "version 6.0.16 does not know"},
	{"redis_version:5\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n", "cannot be read"},
	{"redis_version:x.y\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n", "cannot be read"},
	{"redis_version:7.2.4\r\nmaxmemory_policy:volatile-ttl\r\naof_enabled:1\r\n", "maxmemory-policy is volatile-ttl"},
	{"redis_version:7.2.4\r\naof_enabled:1\r\n", "does not tell its maxmemory-policy"},
	{"redis_version:7.2.4\r\nmaxmemory_policy:noeviction\r\naof_enabled:0\r\n", "no append-only file"},
	{"redis_version:7.2.4\r\nmaxmemory_policy:noeviction\r\n", "does not tell whether"},
	{"redis_version:7.2.4\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\naof_last_write_status:err\r\n", "could not be written"},
	{"redis_version:7.2.4\r\nmaxmemory_policy:noeviction\r\naof_enabled:0\r\nrdb_last_bgsave_status:err\r\n", "snapshot could not be written"},
	{"redis_version:7.2.4\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\nrole:slave\r\n", "replica"},
}

func TestInfoIsRead(t *testing.T) {
	for _, c := range infos {
		found := checkInfo(c.info)
		if c.want == "" {
			if len(found) > 0 {
				t.Errorf("%q: got %+v, want nothing", c.info, found)
			}
			continue
		}
		if len(found) != 1 || !strings.Contains(found[0].Problem, c.want) || found[0].Remedy == "" {
			t.Errorf("%q: got %+v, want %q", c.info, found, c.want)
		}
	}
}

func FuzzInfo(f *testing.F) {
	for _, c := range infos {
		f.Add(c.info)
	}
	f.Fuzz(func(t *testing.T, info string) {
		for _, finding := range checkInfo(info) {
			if finding.Problem == "" || finding.Remedy == "" {
				t.Errorf("%q: got %+v, want a problem with a remedy", info, finding)
			}
		}
	})
}

// reply is an error reply of Redis.
type reply string

func (r reply) Error() string { return string(r) }
func (reply) RedisError()     {}

// replies are error replies of Redis, with the kind of trouble.
var replies = []struct{ text, kind string }{
	{"OOM command not allowed when used memory > 'maxmemory'.", "oom"},
	{"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", "misconf"},
	{"READONLY You can't write against a read only replica.", "readonly"},
	{"NOAUTH Authentication required.", "auth"},
	{"WRONGPASS invalid username-password pair or user is disabled.", "auth"},
	{"ERR invalid password", "auth"},
	{"NOPERM this user has no permissions to run the 'xadd' command", "permission"},
	{"LOADING Redis is loading the dataset in memory", "loading"},
	{"WRONGTYPE Operation against a key holding the wrong kind of value", "wrongtype"},
	{"CLUSTERDOWN The cluster is down", "away"},
	{"ERR unknown command `XADD`", "refused"},
	{"", "refused"},
}

func TestRepliesAreToldApart(t *testing.T) {
	for _, r := range replies {
		if got := troubleOf(fmt.Errorf("sending: %w", reply(r.text))); got.kind != r.kind {
			t.Errorf("%q: got %q, want %q", r.text, got.kind, r.kind)
		}
	}
	if got := troubleOf(errors.New("dial unix: connection refused")); got.kind != "away" || got.hint != "" {
		t.Errorf("got %+v, want away", got)
	}
	if got := troubleOf(nil); got != (trouble{}) {
		t.Errorf("got %+v, want none", got)
	}
}

func FuzzReply(f *testing.F) {
	for _, r := range replies {
		f.Add(r.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if troubleOf(reply(text)).kind == "" {
			t.Errorf("%q: got no kind", text)
		}
	})
}

func sample() entry {
	return entry{stream: Events, typ: "pantau.count.crossing.v1", source: "node-1/a", subject: "a/line",
		id: []byte("a/line/e/1/1"), time: []byte("2026-11-23T05:41:07.240000Z"), data: []byte(`{"cam":"a"}`)}
}

// lines are lines of the outbox and of files, good and bad.
func lines() [][]byte {
	e := sample()
	odd := sample()
	odd.id, odd.source = []byte("ü \"\\\x00\xff"), "\n"
	return [][]byte{e.appendLine(nil), odd.appendLine(nil), nil, []byte("{}"), []byte(`{"stream":"events"`), []byte(`[1]`),
		[]byte(`{"stream":"events","id":"a","type":"b","data":null}`)}
}

func FuzzLine(f *testing.F) {
	for _, line := range lines() {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := parseLine(line)
		if err != nil {
			return
		}
		again, err := parseLine(e.appendLine(nil))
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if !bytes.Equal(again.id, e.id) || again.stream != e.stream || again.subject != e.subject || !bytes.Equal(again.time, e.time) {
			t.Errorf("got %+v, want %+v", again, e)
		}
	})
}

// messages are messages that somebody may have put into a stream.
var messages = []map[string]any{
	{"id": "a", "type": "pantau.counts.v1", "data": "{}"},
	{"id": 7, "data": "no JSON"},
	{},
}

func FuzzMessage(f *testing.F) {
	for _, m := range messages {
		id, _ := m["id"].(string)
		data, _ := m["data"].(string)
		f.Add(id, data)
	}
	f.Fuzz(func(t *testing.T, id, data string) {
		e := entryOf("k", redis.XMessage{ID: id, Values: map[string]any{"id": id, "data": data}})
		if e.Data != nil && string(e.Data) != data {
			t.Errorf("got %q, want %q", e.Data, data)
		}
		millisOf(id)
	})
}

func queueOf(tb testing.TB) (*redisSink, *Publisher) {
	tb.Helper()
	o := &Redis{Addrs: []string{"/nowhere"}}
	s := &redisSink{o: o, queue: newFrameQueue(), conn: newConn(o, slog.New(slog.DiscardHandler))}
	tb.Cleanup(func() { _ = s.conn.Close() })
	return s, &Publisher{o: Options{Node: "node-1"}, sinks: []sink{s}, cameras: map[string]*channel{}}
}

func crowded() *sidecar.Scene {
	s := &sidecar.Scene{Camera: "smg-0421", Seq: 1, Width: 1280, Height: 720, Model: "street@1", Rules: "r17",
		Stamp: sidecar.Stamp{Epoch: "k3f9", ClockRate: 90000, Capture: time.Unix(1763876467, 0), Source: sidecar.TimeRTCP}}
	for n := range 12 {
		s.Tracks = append(s.Tracks, sidecar.Track{ID: sidecar.TrackID(n + 1), Confirmed: true, Class: sidecar.Car, Score: 0.5,
			Box: sidecar.Box{Left: 0.1, Top: 0.2, Right: 0.3, Bottom: 0.4}, Motion: sidecar.Moving, Zones: []string{"alun"}})
	}
	return s
}

// recycle does what flush does with the buffers.
func recycle(q *frameQueue) {
	for len(q.full) > 0 {
		q.free <- <-q.full
	}
}

func TestSceneAllocatesNothing(t *testing.T) {
	sink, p := queueOf(t)
	s := crowded()
	for range framesHeld { // every buffer grows once
		p.Scene(s)
	}
	recycle(sink.queue)
	if got := testing.AllocsPerRun(200, func() { p.Scene(s) }); got != 0 {
		t.Errorf("got %v allocations a scene, want 0", got)
	}
}

func BenchmarkScene(b *testing.B) {
	sink, p := queueOf(b)
	s := crowded()
	b.ReportAllocs()
	for b.Loop() {
		p.Scene(s)
		if len(sink.queue.free) == 0 {
			recycle(sink.queue)
		}
	}
}
