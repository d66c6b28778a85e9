package publish_test

import (
	"context"
	"testing"
)

func runAsChild() bool { return false }

// closed is a context that has ended.
func closed(tb testing.TB) context.Context {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
