// Command crossings-per-minute prints how many objects crossed each line in each
// minute, once each, whatever restarts: its own, Pantau's or Redis'.
//
//	go run ./examples/crossings-per-minute -redis /path/to/redis.sock
//
// It reads pantau:events as a consumer group. What another process of the group
// left behind is taken over first, then what this one had not acknowledged, then
// what is new. An entry is acknowledged when its minute has been printed, so a
// restart loses nothing and prints nothing twice; an event that comes again is
// known by its id. What was trimmed from the stream before it was read is gone,
// and that is said.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

func main() {
	address := flag.String("redis", "127.0.0.1:6379", "address of Redis: host:port, or the path of a socket")
	group := flag.String("group", "crossings", "name of the consumer group: one for each use of the events")
	me := flag.String("name", "desk-1", "name of this process in the group: always the same")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r := &reader{client: redis.NewClient(options(*address)), group: *group, me: *me, tally: newTally()}
	defer r.client.Close()
	if err := r.run(ctx); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "crossings-per-minute:", err)
		os.Exit(1)
	}
}

func options(address string) *redis.Options {
	if strings.HasPrefix(address, "/") {
		return &redis.Options{Network: "unix", Addr: address}
	}
	return &redis.Options{Addr: address}
}

const (
	stream = "pantau:events"
	// abandoned is how long an entry waits with another process of the group
	// before this one takes it over. It is more than the minute and the seconds
	// for which a living one keeps it.
	abandoned = 3 * time.Minute
	// settled is how long after its end a minute is printed: crossings may be
	// told some seconds late.
	settled = 10 * time.Second
	batch   = 100
)

// reader takes events from Redis and puts them into the tally.
type reader struct {
	client    *redis.Client
	group, me string
	tally     *tally
}

// run reads until ctx ends.
func (r *reader) run(ctx context.Context) error {
	if err := r.join(ctx); err != nil {
		return err
	}
	if err := r.takeOver(ctx); err != nil {
		return err
	}
	taken := time.Now()
	for start := "0"; ctx.Err() == nil; {
		n, last, err := r.read(ctx, start)
		if err != nil {
			return err
		}
		switch {
		case start != ">" && n == 0:
			start = ">" // what this name had not acknowledged is known; now what is new
		case start != ">":
			start = last
		}
		if n < batch && start == ">" { // else the rest of a minute may still be to read
			if err := r.print(ctx); err != nil {
				return err
			}
		}
		if time.Since(taken) > abandoned {
			if err := r.takeOver(ctx); err != nil {
				return err
			}
			taken = time.Now()
		}
	}
	return ctx.Err()
}

// join makes the group, unless it is there, and says what it has missed.
func (r *reader) join(ctx context.Context) error {
	err := r.client.XGroupCreateMkStream(ctx, stream, r.group, "0").Err()
	if err != nil && !strings.HasPrefix(err.Error(), "BUSYGROUP") {
		return fmt.Errorf("joining the group: %w", err)
	}
	info, err := r.client.XInfoStream(ctx, stream).Result()
	if err != nil {
		return fmt.Errorf("looking at the stream: %w", err)
	}
	groups, err := r.client.XInfoGroups(ctx, stream).Result()
	if err != nil {
		return fmt.Errorf("looking at the groups: %w", err)
	}
	for _, g := range groups {
		if g.Name == r.group && missed(g.LastDeliveredID, info.MaxDeletedEntryID) {
			fmt.Printf("gap: events between %s and %s were trimmed before they were read\n",
				timeOf(g.LastDeliveredID), timeOf(info.MaxDeletedEntryID))
		}
	}
	return nil
}

// takeOver claims what other processes of the group left behind.
func (r *reader) takeOver(ctx context.Context) error {
	for start := "0-0"; ; {
		messages, next, err := r.client.XAutoClaim(ctx, &redis.XAutoClaimArgs{Stream: stream, Group: r.group,
			Consumer: r.me, MinIdle: abandoned, Start: start, Count: batch}).Result()
		if err != nil {
			return fmt.Errorf("taking over what was left behind: %w", err)
		}
		for _, m := range messages {
			r.take(m)
		}
		if next == "0-0" {
			return nil
		}
		start = next
	}
}

// read takes the next entries after start, and gives their number and the last id.
func (r *reader) read(ctx context.Context, start string) (n int, last string, err error) {
	answer, err := r.client.XReadGroup(ctx, &redis.XReadGroupArgs{Group: r.group, Consumer: r.me,
		Streams: []string{stream, start}, Count: batch, Block: time.Second}).Result()
	switch {
	case errors.Is(err, redis.Nil): // nothing new
		return 0, start, nil
	case err != nil && strings.HasPrefix(err.Error(), "NOGROUP"): // Redis was emptied
		return 0, "0", r.join(ctx)
	case err != nil:
		return 0, start, fmt.Errorf("reading events: %w", err)
	}
	for _, m := range answer[0].Messages {
		r.take(m)
		last = m.ID
	}
	return len(answer[0].Messages), last, nil
}

// take puts an entry into the tally. What it cannot read is acknowledged with
// the next minute, and said once.
func (r *reader) take(m redis.XMessage) {
	e, err := parse(m.Values)
	if err != nil {
		fmt.Fprintf(os.Stderr, "entry %s: %v\n", m.ID, err)
	}
	if note := r.tally.add(m.ID, e); note != "" {
		fmt.Println(note)
	}
}

// print prints the minutes that are over, and acknowledges what is in them.
func (r *reader) print(ctx context.Context) error {
	lines, done := r.tally.finish(time.Now().Add(-settled))
	for _, line := range lines {
		fmt.Println(line)
	}
	if len(done) == 0 {
		return nil
	}
	if err := r.client.XAck(ctx, stream, r.group, done...).Err(); err != nil {
		return fmt.Errorf("acknowledging: %w", err)
	}
	return nil
}
