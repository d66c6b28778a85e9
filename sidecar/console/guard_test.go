package console

import (
	"fmt"
	"testing"
	"time"
)

func TestGuardForgetsWithTime(t *testing.T) {
	g, now := newGuard(), time.Unix(0, 0)
	for range byPair().burst {
		if wait, _ := g.attempt(now, "10.0.0.1:1", "root"); wait != 0 {
			t.Fatalf("got wait %v too early", wait)
		}
	}
	wait, _ := g.attempt(now, "10.0.0.1:1", "Root")
	if wait <= 0 || wait > byPair().every {
		t.Errorf("got wait %v, want up to %v", wait, byPair().every)
	}
	if wait, _ := g.attempt(now.Add(wait), "10.0.0.1:1", "root"); wait != 0 {
		t.Errorf("got wait %v after the wait", wait)
	}
}

// TestGuardLetsTheOwnerIn has one address try an account without end.
func TestGuardLetsTheOwnerIn(t *testing.T) {
	g, now := newGuard(), time.Unix(0, 0)
	for range 3600 {
		now = now.Add(time.Second)
		g.attempt(now, "10.0.0.1:1", "root")
	}
	if wait, _ := g.attempt(now, "10.0.0.2:1", "root"); wait != 0 {
		t.Errorf("got wait %v for another address", wait)
	}
}

// TestGuardHoldsUpManyAddresses tries one account from ever new ones.
func TestGuardHoldsUpManyAddresses(t *testing.T) {
	g, now := newGuard(), time.Unix(0, 0)
	for i := range byAccount().burst {
		if wait, _ := g.attempt(now, fmt.Sprintf("10.0.1.%d:1", i), "root"); wait != 0 {
			t.Fatalf("got wait %v too early", wait)
		}
	}
	if wait, _ := g.attempt(now, "10.0.2.1:1", "root"); wait <= 0 || wait > byAccount().every {
		t.Errorf("got wait %v, want up to %v", wait, byAccount().every)
	}
	if wait, _ := g.attempt(now, "10.0.2.1:1", "other"); wait != 0 {
		t.Errorf("got wait %v for another account", wait)
	}
}

// TestGuardKeepsNothingOfTheRefused tries ever new names from one address.
func TestGuardKeepsNothingOfTheRefused(t *testing.T) {
	g, now := newGuard(), time.Unix(0, 0)
	for i := range 1000 {
		g.attempt(now, "10.0.0.1:1", fmt.Sprint("name", i))
	}
	if got, want := len(g.limiters), 1+2*byAddress().burst; got != want {
		t.Errorf("got %d limiters, want %d", got, want)
	}
}

// TestGuardForgetsTheIdleFirst has one address wait while ever new ones come.
func TestGuardForgetsTheIdleFirst(t *testing.T) {
	g, now := newGuard(), time.Unix(0, 0)
	for range byAddress().burst {
		g.attempt(now, "10.0.0.1:1", "")
	}
	for i := range 3 * maxLimiters {
		g.attempt(now, fmt.Sprintf("11.%d.%d.%d:1", i>>16, i>>8&255, i&255), "")
		if i%1000 != 0 {
			continue
		}
		if wait, _ := g.attempt(now, "10.0.0.1:1", ""); wait <= 0 {
			t.Fatalf("an address that tries on is forgotten after %d others", i)
		}
	}
}

// TestGuardKeepsAddressesApart has one address use up its attempts.
func TestGuardKeepsAddressesApart(t *testing.T) {
	g, now := newGuard(), time.Unix(0, 0)
	for i := range byAddress().burst {
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
	if got := len(g.limiters); got > maxLimiters || got != g.lately.Len() {
		t.Errorf("got %d limiters, %d in order, want at most %d", got, g.lately.Len(), maxLimiters)
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
