package console

import (
	"fmt"
	"testing"
	"time"
)

func TestGuardForgetsWithTime(t *testing.T) {
	g, now := newGuard(), time.Unix(0, 0)
	for range accountBurst {
		if wait, _ := g.attempt(now, "10.0.0.1:1", "root"); wait != 0 {
			t.Fatalf("got wait %v too early", wait)
		}
	}
	wait, _ := g.attempt(now, "10.0.0.2:1", "Root")
	if wait <= 0 || wait > accountEvery {
		t.Errorf("got wait %v for another address, want up to %v", wait, accountEvery)
	}
	if wait, _ := g.attempt(now.Add(wait), "10.0.0.2:1", "root"); wait != 0 {
		t.Errorf("got wait %v after the wait", wait)
	}
}

// TestGuardKeepsAddressesApart has one address use up its attempts.
func TestGuardKeepsAddressesApart(t *testing.T) {
	g, now := newGuard(), time.Unix(0, 0)
	for i := range addressBurst {
		g.attempt(now, fmt.Sprintf("[2001:db8::%x]:1", i), "") // one customer
	}
	if wait, _ := g.attempt(now, "[2001:db8::ffff:1]:2", ""); wait <= 0 {
		t.Error("another address of the same /64 goes on")
	}
	if wait, _ := g.attempt(now, "[2001:db8:0:1::1]:2", ""); wait != 0 {
		t.Error("another network must wait")
	}
}

func TestGuardIsBounded(t *testing.T) {
	g, now := newGuard(), time.Unix(0, 0)
	for i := range maxLimiters + 100 {
		g.attempt(now, fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255), "")
	}
	if got := len(g.limiters); got > maxLimiters {
		t.Errorf("got %d limiters, want at most %d", got, maxLimiters)
	}
}

func TestNetwork(t *testing.T) {
	for in, want := range map[string]string{"10.0.0.1:99": "10.0.0.1", "[::ffff:10.0.0.1]:9": "::ffff:10.0.0.1",
		"[fe80::1%eth0]:1": "fe80::/64", "odd": "odd", "odd:1": "odd"} {
		if got := network(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}
