package publish_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"pantau/sidecar"
	"pantau/sidecar/publish"
	"pantau/sidecar/publish/redistest"
)

// readTotals is the example of docs/streams.md.
func readTotals(ctx context.Context, r redis.UniversalClient, group, me string, handle func(sidecar.Count)) error {
	const stream = "pantau:counts"
	for start := "0"; ctx.Err() == nil; {
		answer, err := r.XReadGroup(ctx, &redis.XReadGroupArgs{Group: group, Consumer: me,
			Streams: []string{stream, start}, Count: 100, Block: time.Second}).Result()
		switch {
		case errors.Is(err, redis.Nil): // nothing new
			continue
		case err != nil && strings.HasPrefix(err.Error(), "NOGROUP"):
			if err := r.XGroupCreateMkStream(ctx, stream, group, "0").Err(); err != nil && !strings.HasPrefix(err.Error(), "BUSYGROUP") {
				return err
			}
			continue
		case err != nil:
			return err
		}
		for _, m := range answer[0].Messages {
			if data, ok := m.Values["data"].(string); ok { // no: trimmed before it was acknowledged
				var c sidecar.Count
				if err := json.Unmarshal([]byte(data), &c); err != nil {
					return fmt.Errorf("entry %s: %w", m.ID, err)
				}
				handle(c) // store it, then
			}
			if err := r.XAck(ctx, stream, group, m.ID).Err(); err != nil {
				return err
			}
		}
		if start == "0" && len(answer[0].Messages) == 0 {
			start = ">" // what this name had not acknowledged is done; now what is new
		}
	}
	return nil
}

func TestExampleOfTheDocumentReadsEveryCountOnce(t *testing.T) {
	o := &publish.Redis{Addrs: []string{redistest.Start(t)}}
	p, _ := running(t, publish.Options{Redis: o})
	for rev := range 3 {
		if err := p.Facts(t.Context(), nil, []sidecar.Count{minute("a", rev)}); err != nil {
			t.Fatal(err)
		}
	}
	client := o.NewClient()
	defer client.Close()
	got := ""
	for want := range 2 { // the second life finds nothing old
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		err := readTotals(ctx, client, "totals", "desk-1", func(c sidecar.Count) {
			if got += fmt.Sprint(c.Rev); len(got) == 3+want {
				time.AfterFunc(10*time.Millisecond, cancel) // after the acknowledgement
			}
		})
		if ctx.Err() == nil || err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		cancel()
		if err := p.Facts(t.Context(), nil, []sidecar.Count{minute("a", 3)}); err != nil {
			t.Fatal(err)
		}
	}
	if got != "0123" {
		t.Errorf("got revisions %s, want 0123", got)
	}
}
