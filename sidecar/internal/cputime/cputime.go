// Package cputime reads how much processor time a thread has used.
package cputime

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Of runs fn and gives the processor time that its thread took meanwhile
// (clock_gettime(2), CLOCK_THREAD_CPUTIME_ID): a microsecond's work.
func Of(fn func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begun := thread()
	fn()
	return thread() - begun
}

func thread() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
