package tap

import (
	"sync/atomic"
	"time"
)

// watchdog bites when nothing has fed it for too long. Feeding it costs one
// atomic store: the timer is looked after when it fires.
type watchdog struct {
	first, next time.Duration
	bite        func(err error)
	start       time.Time
	fed         atomic.Int64 // time since start, ns; 0: never
	timer       *time.Timer
}

// newWatchdog waits for the first meal, then for each next one. Stop must be called.
func newWatchdog(first, next time.Duration, bite func(error)) *watchdog {
	w := &watchdog{first: first, next: next, bite: bite, start: time.Now()}
	w.timer = time.AfterFunc(first, w.look)
	w.timer.Reset(min(first, next))
	return w
}

func (w *watchdog) feed() { w.fed.Store(int64(time.Since(w.start))) }

func (w *watchdog) stop() { w.timer.Stop() }

func (w *watchdog) look() {
	fed, err := time.Duration(w.fed.Load()), errNextFrame
	rest := fed + w.next - time.Since(w.start)
	if fed == 0 {
		rest, err = w.first-time.Since(w.start), errFirstFrame
	}
	if rest <= 0 {
		w.bite(err)
		return
	}
	w.timer.Reset(min(rest, w.next)) // the first meal may come at any time
}
