package audit

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"pantau/sidecar"
)

// A few cameras are recorded at once. What has finished or failed is none of them.
func TestFewRecordingsAtOnce(t *testing.T) {
	f := In(t.TempDir())
	begin := func(camera string) error {
		o := order(Order{})
		o.Camera = camera
		return f.Begin(o)
	}
	for i := range mostAtOnce {
		if err := begin(fmt.Sprint("cam-", i)); err != nil {
			t.Fatal(err)
		}
	}
	var fault *sidecar.Fault
	if err := begin("more"); !errors.As(err, &fault) || !strings.Contains(fault.Hint, "cam-0, cam-1") {
		t.Errorf("got %v for one too many", err)
	}
	if err := begin("cam-1"); err != nil {
		t.Errorf("got %v for one of them, again", err)
	}
	if err := write(f.record("cam-0"), Record{}); err != nil || begin("more") != nil {
		t.Error("one that waits for its tally keeps others away")
	}
	if err := f.fail("cam-1", Progress{}, errChanged); err != nil || begin("another") != nil {
		t.Error("one that failed keeps others away")
	}
}

// Orders that were placed at the same moment are carried out a few at a time.
func TestTooManyOrdersWait(t *testing.T) {
	f := In(t.TempDir())
	a := NewAuditor(f, slog.New(slog.DiscardHandler))
	for i := range mostAtOnce + 1 {
		c, o := twoLines, order(Order{})
		c.ID = fmt.Sprint("cam-", i)
		o.Camera = c.ID
		if err := errors.Join(f.Place(o), a.obey(c)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(a.live); n != mostAtOnce {
		t.Errorf("%d are recorded at once", n)
	}
	a.end()
}

// Pictures that wait for a tally keep others away when they fill the folder.
func TestPicturesHaveABound(t *testing.T) {
	f := In(t.TempDir())
	r, err := newRecorder(f, order(Order{Crossings: 9, Quiet: 9}), twoLines)
	if err != nil {
		t.Fatal(err)
	}
	play(t, r, "a", 0, 60*time.Second)
	if used, err := f.used(); err != nil || used == 0 {
		t.Errorf("%d bytes are used, %v", used, err)
	}
	big := f.strip("other", "l-1") // holes take no room
	if err := errors.Join(os.MkdirAll(f.strips("other"), 0o700), os.WriteFile(big, nil, 0o600), os.Truncate(big, mostBytes)); err != nil {
		t.Fatal(err)
	}
	var fault *sidecar.Fault
	if err := f.Begin(order(Order{})); !errors.As(err, &fault) || !strings.Contains(fault.Hint, "tally") {
		t.Errorf("got %v", err)
	}
	fault = nil
	if err := r.finish(60 * time.Second); !errors.As(err, &fault) || !strings.Contains(err.Error(), "8 GiB") {
		t.Errorf("got %v from a recording that runs", err)
	}
	if err := os.Remove(big); err != nil {
		t.Fatal(err)
	}
	if err := f.Begin(order(Order{})); err != nil {
		t.Errorf("got %v when there is room again", err)
	}
}
