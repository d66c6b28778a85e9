// Command occupancy-lamp says once a second how full a zone is: free, busy or
// full, or unknown where no picture came of late. Missing is not zero.
//
//	go run ./examples/occupancy-lamp -redis /path/to/redis.sock -camera demo -zone square -busy 3 -full 6
//
// It looks at the newest scene in pantau:frames:{camera}. Scenes may be lost;
// for what is added up, read pantau:counts.
package main

import (
	"context"
	"encoding/json"
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
	camera := flag.String("camera", "demo", "id of the camera")
	zone := flag.String("zone", "square", "id of the zone")
	busy := flag.Int("busy", 3, "from so many on it is busy")
	full := flag.Int("full", 6, "from so many on it is full")
	flag.Parse()
	o := &redis.Options{Addr: *address}
	if strings.HasPrefix(*address, "/") {
		o.Network = "unix"
	}
	client := redis.NewClient(o)
	defer client.Close()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for ctx.Err() == nil {
		s, err := newest(ctx, client, *camera)
		if err != nil && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, "occupancy-lamp:", err)
		}
		fmt.Println(time.Now().Format("15:04:05"), s.lamp(time.Now(), *zone, *busy, *full))
		select {
		case <-ctx.Done():
		case <-second.C:
		}
	}
}

// scene is what this program reads of a scene.
type scene struct {
	Time  time.Time `json:"ts"`
	Zones []struct {
		ID     string         `json:"id"`
		Counts map[string]int `json:"counts"` // by class
	} `json:"zones"`
}

// newest gives the newest scene of a camera; an empty one where there is none.
func newest(ctx context.Context, client *redis.Client, camera string) (scene, error) {
	entries, err := client.XRevRangeN(ctx, "pantau:frames:{"+camera+"}", "+", "-", 1).Result()
	if err != nil || len(entries) == 0 {
		return scene{}, err
	}
	data, _ := entries[0].Values["data"].(string)
	return parse(data)
}

func parse(data string) (scene, error) {
	var s scene
	if err := json.Unmarshal([]byte(data), &s); err != nil {
		return scene{}, fmt.Errorf("reading a scene: %w", err)
	}
	return s, nil
}

// stale is the age from which a scene says nothing about now.
const stale = 5 * time.Second

// lamp says how full a zone is at a moment.
func (s scene) lamp(now time.Time, zone string, busy, full int) string {
	if now.Sub(s.Time) > stale {
		return "unknown  no picture of late"
	}
	for _, z := range s.Zones {
		if z.ID != zone {
			continue
		}
		n := 0
		for _, of := range z.Counts {
			n += of
		}
		switch {
		case n >= full:
			return fmt.Sprintf("full     %d", n)
		case n >= busy:
			return fmt.Sprintf("busy     %d", n)
		}
		return fmt.Sprintf("free     %d", n)
	}
	return "unknown  the camera has no zone " + zone
}
