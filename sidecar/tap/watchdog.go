package tap

import (
	"sync/atomic"
	"time"
)

// watchdog bites when nothing has fed it for too long. Feeding it costs one
// atomic store: the timer is looked after when it fires.
type watchdog struct {
	next  time.Duration
	bite  func(err error)
	start time.Time
	fed   atomic.Int64 // time since start, ns; 0: never
	timer *time.Timer
}

// newWatchdog waits for the first meal, then for each next one. Stop must be called.
func newWatchdog(first, next time.Duration, bite func(error)) *watchdog {
	w := &watchdog{next: next, bite: bite, start: time.Now()}
	w.timer = time.AfterFunc(first, w.look)
	return w
}

func (w *watchdog) feed() { w.fed.Store(int64(time.Since(w.start))) }

func (w *watchdog) stop() { w.timer.Stop() }

func (w *watchdog) look() {
	fed := time.Duration(w.fed.Load())
	switch rest := w.next - (time.Since(w.start) - fed); {
	case fed == 0:
		w.bite(errFirstFrame)
	case rest <= 0:
		w.bite(errNextFrame)
	default:
		w.timer.Reset(rest)
	}
}
