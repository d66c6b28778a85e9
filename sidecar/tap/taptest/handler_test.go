package taptest

import (
	"context"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
)

// The server listens before the camera has its stream: who asks in between waits.
func TestWhoComesBeforeTheStreamWaitsForIt(t *testing.T) {
	c, err := New(Options{Clip: MakeClip(t, Spec{})})
	if err != nil {
		t.Fatal(err)
	}
	answer := make(chan base.StatusCode, 1)
	go func() {
		response, _, _ := (*handler)(c).admit(nil, nil, "/street")
		answer <- response.StatusCode
	}()
	select {
	case code := <-answer:
		t.Errorf("got %d before there was a stream", code)
		answer <- code
	case <-time.After(50 * time.Millisecond):
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	if code := <-answer; code != base.StatusOK {
		t.Errorf("got %d, want that the stream is there", code)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
