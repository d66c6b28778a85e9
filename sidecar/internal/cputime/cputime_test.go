package cputime

import (
	"testing"
	"time"
)

func TestOfCountsWorkAndNotWaiting(t *testing.T) {
	worked := Of(func() {
		x := 1.0
		for i := range 20_000_000 {
			x += 1 / float64(i+1)
		}
		if x == 0 {
			t.Error("cannot be")
		}
	})
	waited := Of(func() { <-time.After(50 * time.Millisecond) })
	if worked <= 0 || waited >= 50*time.Millisecond {
		t.Errorf("got %v of work and %v of waiting, want some and almost none", worked, waited)
	}
}
