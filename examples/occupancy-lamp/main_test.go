package main

import (
	"testing"
	"time"
)

const example = `{"cam":"demo","seq":5910,"ts":"2026-11-23T05:41:07.240000Z","objects":[],` +
	`"zones":[{"id":"kerb"},{"id":"square","counts":{"person":2,"bicycle":1}}]}`

func TestLamp(t *testing.T) {
	s, err := parse(example)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 23, 5, 41, 8, 0, time.UTC)
	for _, c := range []struct {
		name       string
		now        time.Time
		zone       string
		busy, full int
		want       string
	}{
		{"classes are added", now, "square", 2, 3, "full     3"},
		{"busy", now, "square", 3, 4, "busy     3"},
		{"free", now, "square", 4, 5, "free     3"},
		{"an empty zone is free", now, "kerb", 1, 2, "free     0"},
		{"a zone that is not there is no empty one", now, "roof", 1, 2, "unknown  the camera has no zone roof"},
		{"an old scene says nothing", now.Add(stale), "square", 2, 3, "unknown  no picture of late"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := s.lamp(c.now, c.zone, c.busy, c.full); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	if got := (scene{}).lamp(now, "square", 1, 2); got != "unknown  no picture of late" {
		t.Errorf("got %q of no scene", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(example)
	f.Add(`{"zones":[{}]}`)
	f.Add("{")
	f.Fuzz(func(_ *testing.T, data string) {
		if s, err := parse(data); err == nil {
			s.lamp(s.Time, "square", 1, 2)
		}
	})
}
