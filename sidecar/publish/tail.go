package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Entry is one message as a reader gets it.
type Entry struct {
	Key      string `json:"key"`       // of the stream, with its prefix
	StreamID string `json:"stream_id"` // Redis' id: milliseconds of its clock, and a number

	ID          string          `json:"id"` // the same when the entry comes again
	Type        string          `json:"type"`
	Source      string          `json:"source"`
	Subject     string          `json:"subject"`
	Time        string          `json:"time"`
	Schema      string          `json:"schema"`
	ContentType string          `json:"ctype"`
	Data        json.RawMessage `json:"data"`
}

// TailOptions says what to read.
type TailOptions struct {
	Redis   *Redis
	Streams []string // Frames, Events, Counts, Health, Audited
	Cameras []string // whose frames; empty: of all cameras that have some
	From    string   // id of a stream to begin after: "0" from the oldest, "$" or empty from now on
}

// Limits of a reader.
const (
	tailBlock   = time.Second // until ctx and new cameras are looked at
	tailCount   = 256         // entries of one stream in one answer
	clusterPoll = 100 * time.Millisecond
)

// Tail reads entries in the order of their streams and gives them to fn, until
// ctx ends, fn gives an error or Redis does. Entries that are sent again come
// again: by their ID they are known.
func Tail(ctx context.Context, o TailOptions, fn func(Entry) error) error {
	client := o.Redis.NewClient()
	defer client.Close()
	t := tailing{client: client, o: o, after: map[string]string{}}
	if _, ok := client.(*redis.ClusterClient); ok {
		t.cluster = true
	}
	err := t.run(ctx, fn)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

type tailing struct {
	client  redis.UniversalClient
	o       TailOptions
	cluster bool // keys of several slots cannot be read with one command
	after   map[string]string
	scanned bool // the first look at what is there
}

func (t *tailing) run(ctx context.Context, fn func(Entry) error) error {
	for ctx.Err() == nil {
		if err := t.find(ctx); err != nil {
			return fmt.Errorf("finding streams: %w", err)
		}
		streams, err := t.read(ctx)
		if err != nil {
			return fmt.Errorf("reading streams: %w", err)
		}
		for _, s := range streams {
			for _, m := range s.Messages {
				t.after[s.Stream] = m.ID
				if err := fn(entryOf(s.Stream, m)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// find notes the keys to read. A stream of frames that appears later is read
// from its beginning.
func (t *tailing) find(ctx context.Context) error {
	keys := []string{}
	for _, s := range t.o.Streams {
		if s != Frames {
			keys = append(keys, t.o.Redis.prefix()+s)
			continue
		}
		for _, camera := range t.o.Cameras {
			keys = append(keys, t.o.Redis.prefix()+FramesOf(camera))
		}
		if len(t.o.Cameras) == 0 {
			found, err := t.scan(ctx)
			if err != nil {
				return err
			}
			keys = append(keys, found...)
		}
	}
	for _, key := range keys {
		if _, ok := t.after[key]; ok {
			continue
		}
		from, err := t.first(ctx, key)
		if err != nil {
			return err
		}
		t.after[key] = from
	}
	t.scanned = true
	return nil
}

// first is the id after which a stream is read.
func (t *tailing) first(ctx context.Context, key string) (string, error) {
	switch {
	case t.scanned:
		return "0", nil
	case t.o.From != "" && t.o.From != "$":
		return t.o.From, nil
	}
	last, err := t.client.XRevRangeN(ctx, key, "+", "-", 1).Result()
	if err != nil || len(last) == 0 {
		return "0", err
	}
	return last[0].ID, nil
}

// scan lists the streams of frames.
func (t *tailing) scan(ctx context.Context) (keys []string, err error) {
	pattern := escapeGlob(t.o.Redis.prefix()) + Frames + ":*"
	cluster, ok := t.client.(*redis.ClusterClient)
	if !ok {
		return scanOne(ctx, t.client, pattern)
	}
	var mu sync.Mutex // guards keys: the nodes are asked at the same time
	err = cluster.ForEachMaster(ctx, func(ctx context.Context, client *redis.Client) error {
		found, err := scanOne(ctx, client, pattern)
		mu.Lock()
		defer mu.Unlock()
		keys = append(keys, found...)
		return err
	})
	return keys, err
}

func scanOne(ctx context.Context, client redis.Cmdable, pattern string) (keys []string, err error) {
	it := client.Scan(ctx, 0, pattern, 1000).Iterator()
	for it.Next(ctx) {
		keys = append(keys, it.Val())
	}
	return keys, it.Err()
}

// escapeGlob makes a pattern for SCAN that matches s itself.
func escapeGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(s)
}

// read waits a little for new entries of all streams.
func (t *tailing) read(ctx context.Context) ([]redis.XStream, error) {
	if len(t.after) == 0 {
		pause(ctx, clusterPoll)
		return nil, nil
	}
	if t.cluster {
		return t.poll(ctx)
	}
	args := make([]string, 0, 2*len(t.after))
	for key := range t.after {
		args = append(args, key)
	}
	slices.Sort(args)
	for _, key := range args {
		args = append(args, t.after[key])
	}
	streams, err := t.client.XRead(ctx, &redis.XReadArgs{Streams: args, Count: tailCount, Block: tailBlock}).Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	return streams, err
}

// poll asks each stream on its own node.
func (t *tailing) poll(ctx context.Context) (all []redis.XStream, err error) {
	for key, after := range t.after {
		streams, err := t.client.XRead(ctx, &redis.XReadArgs{Streams: []string{key, after}, Count: tailCount, Block: -1}).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return nil, err
		}
		all = append(all, streams...)
	}
	if len(all) == 0 {
		pause(ctx, clusterPoll)
	}
	return all, nil
}

// entryOf reads the fields of a message. Somebody else's message in our stream
// has what it has.
func entryOf(key string, m redis.XMessage) Entry {
	field := func(name string) string {
		s, _ := m.Values[name].(string)
		return s
	}
	e := Entry{Key: key, StreamID: m.ID, ID: field("id"), Type: field("type"), Source: field("source"), Subject: field("subject"),
		Time: field("time"), Schema: field("schema"), ContentType: field("ctype")}
	if data := field("data"); json.Valid([]byte(data)) {
		e.Data = json.RawMessage(data)
	}
	return e
}
