package onvif_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pantau/onvif"
	"pantau/onvif/onviftest"
	"pantau/onvif/soap"
)

const motion = "RuleEngine/CellMotionDetector/Motion"

// heard is what a listener has been given.
type heard struct {
	mu   sync.Mutex
	all  []string // the value of each message; "lost" for a gap
	slow time.Duration
	more chan struct{}
}

func (h *heard) take(p onvif.Pulled) error {
	time.Sleep(h.slow) // the subscriber itself is slow: nothing is waited for
	h.mu.Lock()
	defer h.mu.Unlock()
	if p.Lost != "" {
		h.all = append(h.all, "lost")
	}
	for _, n := range p.Notifications {
		value := ""
		if len(n.Data) > 0 {
			value = n.Data[0].Value
		}
		h.all = append(h.all, value)
	}
	select {
	case h.more <- struct{}{}:
	default:
	}
	return nil
}

func (h *heard) list() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.all...)
}

// until waits until something is true of what was heard.
func (h *heard) until(tb testing.TB, what string, is func([]string) bool) {
	tb.Helper()
	limit := time.After(20 * time.Second)
	for !is(h.list()) {
		select {
		case <-h.more:
		case <-limit:
			tb.Fatalf("never %s; heard %.500q", what, fmt.Sprint(h.list()))
		}
	}
}

// listen runs a listener until the test ends, and waits until it has subscribed.
func listen(tb testing.TB, d *onviftest.Device, h *heard) {
	tb.Helper()
	h.more = make(chan struct{}, 1)
	c := dial(tb, d)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Listen(ctx, h.take) }() // received below
	tb.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			tb.Errorf("listening ended with %v", err)
		}
	})
	subscribed(tb, d)
}

func subscribed(tb testing.TB, d *onviftest.Device) {
	tb.Helper()
	wait(tb, "subscribed", func() bool { return d.Points() > 0 })
}

func wait(tb testing.TB, what string, is func() bool) {
	tb.Helper()
	for limit := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			tb.Fatalf("nobody has %s", what)
		}
	}
}

// TestEventsComeWhateverTheQuirk covers quirks 13 to 18, and those of clocks and
// addresses for events.
func TestEventsComeWhateverTheQuirk(t *testing.T) {
	for name, q := range map[string]onviftest.Quirks{
		"none":                             {},
		"1 clock an hour behind":           {ClockOffset: -time.Hour},
		"3 digest only":                    {DigestOnly: "SHA-256"},
		"8 undeclared prefixes":            {Undeclared: true},
		"10 internal address":              {Advertised: "192.168.1.108:80"},
		"13 relative address":              {Subscription: "/onvif/subscription"},
		"13 another host":                  {Subscription: "http://192.0.2.1:8080/onvif/subscription"},
		"13 localhost":                     {Subscription: "http://127.0.0.1:1/onvif/subscription"},
		"14 reference parameters":          {Parameters: true, Advertised: "192.168.1.108:80"},
		"15 pulls are not held":            {AtOnce: true},
		"16 says that it has none":         {NoEvents: true, NoServices: true},
		"18 hangs up on calls at one time": {Alone: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := camera(t, q)
			h := &heard{}
			listen(t, d, h)
			d.Notify(motion, "Initialized", "IsMotion", "false")
			h.until(t, "one message", func(all []string) bool { return len(all) == 1 })
			d.Notify(motion, "Changed", "IsMotion", "true")
			h.until(t, "two messages", func(all []string) bool { return len(all) == 2 })
			if got := fmt.Sprint(h.list()); got != "[false true]" {
				t.Errorf("got %s", got)
			}
			if n := d.Calls("PullMessages"); n > 8 {
				t.Errorf("got %d pulls in a moment", n)
			}
			if d.Dropped() > 0 {
				t.Errorf("%d calls came together", d.Dropped())
			}
		})
	}
}

// TestASubscriptionIsKept covers quirk 17: it is renewed, or replaced without a gap.
func TestASubscriptionIsKept(t *testing.T) {
	for name, q := range map[string]onviftest.Quirks{
		"renewed":                   {Lifetime: 4 * time.Second},
		"renewed, with parameters":  {Lifetime: 4 * time.Second, Parameters: true},
		"replaced":                  {Lifetime: 4 * time.Second, NoRenew: true},
		"replaced, with parameters": {Lifetime: 4 * time.Second, NoRenew: true, Parameters: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := camera(t, q)
			h := &heard{}
			listen(t, d, h)
			const count = 60
			for i := range count {
				d.Notify(motion, "", "N", fmt.Sprint(i))
				time.Sleep(100 * time.Millisecond) // longer than a subscription lives
			}
			h.until(t, "all messages", func(all []string) bool { return len(all) > 0 && all[len(all)-1] == fmt.Sprint(count-1) })
			inOrder(t, h.list(), count, false)
			if q.NoRenew == (d.Calls("CreatePullPointSubscription") == 1) {
				t.Errorf("got %d subscriptions", d.Calls("CreatePullPointSubscription"))
			}
			if n := d.Points(); n > 2 {
				t.Errorf("%d subscriptions are left behind", n)
			}
		})
	}
}

// inOrder looks that all messages from 0 on are there in their order, some of them
// twice; or that it is said that some are not, if they may be lost.
func inOrder(t *testing.T, all []string, count int, mayLose bool) {
	t.Helper()
	next, lost := 0, false
	for _, v := range all {
		var n int
		switch _, err := fmt.Sscan(v, &n); {
		case v == "lost":
			lost = true
		case err != nil:
			t.Fatalf("got %q", v)
		case n < next: // again
		case n > next && !lost:
			t.Fatalf("got %d after %d, and no word of what is missing", n, next-1)
		default:
			next, lost = n+1, false
		}
	}
	if next != count {
		t.Errorf("got messages up to %d, want %d", next-1, count-1)
	}
	if lost = strings.Contains(fmt.Sprint(all), "lost"); lost && !mayLose {
		t.Error("a gap was told where there is none")
	}
}

// TestAThousandEventsComeOrTheGapIsTold has a slow subscriber that is cut off, loses
// answers, and whose subscription is forgotten.
func TestAThousandEventsComeOrTheGapIsTold(t *testing.T) {
	d := camera(t, onviftest.Quirks{})
	h := &heard{slow: 20 * time.Millisecond}
	listen(t, d, h)
	const count = 1000
	for i := range count {
		d.Notify(motion, "", "N", fmt.Sprint(i))
		switch i {
		case 200:
			d.Cut(true)
		case 400:
			wait(t, "called meanwhile", func() bool { return d.Dropped() > 0 })
			d.Cut(false)
		case 500:
			d.Lose(1)
		case 700:
			wait(t, "pulled what there is", func() bool { return d.Waiting() == 0 })
			d.Forget()
		case 701:
			subscribed(t, d)
		}
	}
	h.until(t, "the last message", func(all []string) bool { return all[len(all)-1] == fmt.Sprint(count-1) })
	all := h.list()
	inOrder(t, all, count, true)
	if missing := count - len(all) + strings.Count(strings.Join(all, " "), "lost"); missing > 200 {
		t.Errorf("%d of %d messages are missing", missing, count)
	}
}

// TestASlowSubscriberMissesNothing has nothing but a slow subscriber.
func TestASlowSubscriberMissesNothing(t *testing.T) {
	d := camera(t, onviftest.Quirks{})
	h := &heard{slow: 50 * time.Millisecond}
	listen(t, d, h)
	const count = 1000
	for i := range count {
		d.Notify(motion, "", "N", fmt.Sprint(i))
	}
	h.until(t, "the last message", func(all []string) bool { return len(all) >= count })
	inOrder(t, h.list(), count, false)
}

// TestASubscriptionElsewhereIsNotCalled sends a listener to another host.
func TestASubscriptionElsewhereIsNotCalled(t *testing.T) {
	thief := start(t, onviftest.Options{HTTP: "127.0.0.2:0", User: "admin", Password: password})
	d := camera(t, onviftest.Quirks{Subscription: "http://" + thief.Address() + "/onvif/subscription"})
	h := &heard{}
	listen(t, d, h)
	d.Notify(motion, "Changed", "IsMotion", "true")
	h.until(t, "the message", func(all []string) bool { return len(all) == 1 })
	if n := thief.Calls("PullMessages") + len(thief.Credentials()); n > 0 {
		t.Errorf("the other host was called %d times", n)
	}
}

func TestListeningEndsWhereAPersonMustAct(t *testing.T) {
	d := camera(t, onviftest.Quirks{})
	c, err := onvif.Dial(t.Context(), d.Address(), onvif.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var told *onvif.Error
	if err := c.Listen(t.Context(), func(onvif.Pulled) error { return nil }); !errors.Is(err, soap.ErrUnauthorized) || !errors.As(err, &told) || told.Remedy == "" {
		t.Errorf("without a password: got %v", err)
	}
	mine := errors.New("mine")
	c = dial(t, d)
	done := make(chan error, 1)
	go func() { done <- c.Listen(t.Context(), func(onvif.Pulled) error { return mine }) }() // received below
	subscribed(t, d)
	d.Notify(motion, "", "N", "1")
	if err := <-done; !errors.Is(err, mine) {
		t.Errorf("got %v, want the error of who takes", err)
	}
	if d.Points() != 0 {
		t.Error("the subscription is left behind")
	}
}
