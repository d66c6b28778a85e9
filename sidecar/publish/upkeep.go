package publish

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Intervals of the upkeep.
const (
	careEvery  = 2 * time.Second
	careRetry  = 250 * time.Millisecond
	groupEvery = 15 * time.Second
	trimEvery  = time.Hour
)

// Group is a consumer group that reads facts. Its lag is a number to watch: what
// is trimmed before a group has read it is lost for that group.
type Group struct {
	Stream, Name string
	Pending      int64         // delivered and not acknowledged
	Lag          int64         // not delivered; -1 where Redis cannot tell
	Behind       time.Duration // age of the entry that was delivered last, against the newest
}

// upkeep does what is due now and then: schemas, checks, trims of streams to
// which nobody writes, lags of groups.
type upkeep struct {
	conn  *conn
	queue *frameQueue
	log   *slog.Logger

	mu   sync.Mutex // guards lags
	lags []Group
}

func (u *upkeep) groups() []Group {
	u.mu.Lock()
	defer u.mu.Unlock()
	return append([]Group(nil), u.lags...)
}

func (u *upkeep) run(ctx context.Context) {
	var welcomed bool
	var generation uint64
	var grouped, trimmed time.Time
	for ctx.Err() == nil {
		now, wait := time.Now(), careEvery
		if met, _ := u.conn.met(); !welcomed || met != generation {
			generation = met
			welcomed = u.welcome(ctx)
		}
		if !welcomed { // the forwarder says why
			wait = careRetry
		}
		if welcomed && now.Sub(grouped) >= groupEvery {
			grouped = now
			u.readGroups(ctx)
		}
		if welcomed && now.Sub(trimmed) >= trimEvery {
			trimmed = now
			u.trim(ctx)
		}
		u.trimFrames(ctx, now)
		pause(ctx, wait)
	}
}

// welcome gives a Redis that was not met before what it must have, and says what
// is wrong with it. It is false when that must be tried again.
func (u *upkeep) welcome(ctx context.Context) bool {
	findings, err := check(ctx, u.conn)
	if err != nil {
		return false
	}
	for _, f := range findings {
		u.log.Log(ctx, f.level(), "redis: "+f.Problem, "hint", f.Remedy)
	}
	pipe := u.conn.Pipeline()
	for name, text := range Schemas() {
		pipe.Set(ctx, u.conn.key("schema:"+name), text, 0)
	}
	if _, err := pipe.Exec(ctx); forbidden(err) {
		u.log.WarnContext(ctx, "redis: the schemas could not be written", "error", err, "hint", troubleOf(err).hint)
	} else if err != nil {
		return false
	}
	u.queue.rewrite()
	return true
}

// trim removes what is too old from streams that get few entries.
func (u *upkeep) trim(ctx context.Context) {
	pipe := u.conn.Pipeline()
	for _, stream := range []string{Events, Counts, Health, Audited} {
		pipe.XTrimMinIDApprox(ctx, u.conn.key(stream), u.oldest(stream), 0)
	}
	_, _ = pipe.Exec(ctx) // an hour later it is tried again
}

// trimFrames empties the frames of cameras that have become silent: without new
// entries nothing would trim them.
func (u *upkeep) trimFrames(ctx context.Context, now time.Time) {
	var silent []string
	u.queue.mu.Lock()
	for stream, last := range u.queue.active {
		if now.Sub(last) > u.conn.o.Keep.of(Frames) {
			silent = append(silent, stream)
			delete(u.queue.active, stream)
		}
	}
	u.queue.mu.Unlock()
	if len(silent) == 0 {
		return
	}
	pipe := u.conn.Pipeline()
	for _, stream := range silent {
		pipe.XTrimMinID(ctx, u.conn.key(stream), u.oldest(Frames))
	}
	_, _ = pipe.Exec(ctx) // Redis is away: its next start is no worse than a silent camera
}

// oldest is the smallest id that stays in a stream.
func (u *upkeep) oldest(stream string) string {
	return formatMillis(u.conn.now().Add(-u.conn.o.Keep.of(stream)))
}

func (u *upkeep) readGroups(ctx context.Context) {
	var all []Group
	for _, stream := range []string{Events, Counts} {
		newest, err := u.conn.XRevRangeN(ctx, u.conn.key(stream), "+", "-", 1).Result()
		if err != nil || len(newest) == 0 {
			continue
		}
		groups, err := u.conn.XInfoGroups(ctx, u.conn.key(stream)).Result()
		if err != nil {
			continue
		}
		for _, g := range groups {
			all = append(all, groupOf(stream, g, newest[0].ID))
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.lags = all
}

func groupOf(stream string, g redis.XInfoGroup, newest string) Group {
	behind := millisOf(newest) - millisOf(g.LastDeliveredID)
	return Group{Stream: stream, Name: g.Name, Pending: g.Pending, Lag: g.Lag,
		Behind: time.Duration(behind) * time.Millisecond}
}

// millisOf is the time in an id of a stream: milliseconds of Redis' clock.
func millisOf(id string) int64 {
	ms, _, _ := strings.Cut(id, "-")
	return parseMillis(ms)
}

// parseMillis reads the first part of an id; what is no number is 0.
func parseMillis(s string) int64 {
	ms, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return ms
}

func formatMillis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
