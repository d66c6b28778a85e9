package pipeline

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/decode"
)

// A moved view that a person confirms is the one that the rules hold on: they go on
// there, are suspended when the camera turns back, and the old reference is gone.
func TestConfirmedViewGoesOn(t *testing.T) {
	dir := t.TempDir()
	file, err := decode.OpenFile(bumped(t), decode.FileOptions{Start: time.Unix(0, 0).UTC()})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	v, err := newViewing(sidecar.Camera{ID: "clip", Functions: []sidecar.Function{middle}}, dir)
	if err != nil {
		t.Fatal(err)
	}
	d := &detection{p: New(Options{Camera: sidecar.Camera{ID: "clip"}}), observer: &observer{view: v}}
	confirmed := 0.0
	var states []string
	for {
		f, err := file.Next()
		if err != nil {
			break
		}
		at := f.Media().Seconds()
		for _, e := range v.look(f, &sidecar.Scene{}) {
			states = append(states, e.Data.(sidecar.StateChange).To)
		}
		f.Release()
		var fault *sidecar.Fault
		switch {
		case at > 11 && at < 11.05:
			if err := v.keep(time.Now(), true); err != nil {
				t.Fatal(err)
			}
			if r := d.lookAt(true); !errors.As(r.err, &fault) || d.lookAt(false).bytes == nil {
				t.Errorf("a view that is as it was: got %v, want a fault, and that there is a reference", r.err)
			}
		case v.told == string(sidecar.ViewMoved) && confirmed == 0:
			if err := d.lookAt(true).err; err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(v.path); err == nil {
				t.Error("the old reference is still on the disk")
			}
			confirmed = at
		}
	}
	if len(states) < 3 || states[0] != "moved" || states[1] != "running" || states[2] != "moved" {
		t.Errorf("got %v, confirmed at %.1f s, want moved, running, and moved again when it is turned back", states, confirmed)
	}
}

func TestViewOfACameraThatMayMove(t *testing.T) {
	d := &detection{p: New(Options{}), observer: &observer{}}
	var fault *sidecar.Fault
	if r := d.lookAt(true); !errors.As(r.err, &fault) || fault.Hint == "" {
		t.Errorf("got %v, want a fault with a hint", r.err)
	}
	if r := d.lookAt(false); r.err != nil || r.bytes != nil {
		t.Errorf("got %v, want no reference", r)
	}
}

// Nobody answers where the pipeline does not run: the question ends with its context.
func TestAskingAPipelineThatDoesNotRun(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := New(Options{}).ConfirmView(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
