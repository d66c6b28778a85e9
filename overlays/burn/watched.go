package burn

import (
	"context"
	"sync"

	"pantau/sidecar"
)

// Watched lets a Burner work while somebody watches. Its methods may be called from
// several goroutines, and none but Close and Format blocks.
type Watched struct {
	*Burner
	give func(*sidecar.AccessUnit)

	mu   sync.Mutex
	on   bool
	stop context.CancelFunc // ends the newest run; nil while nobody watches
	run  context.Context    // of the run that works; what another one still gives is dropped
	done chan struct{}      // closed when the newest run has ended
}

// NewWatched makes a Burner that nobody watches. It calls give as New says.
func NewWatched(o Options, give func(*sidecar.AccessUnit)) *Watched {
	w := &Watched{give: give}
	w.Burner = New(o, w.pass)
	return w
}

// Watch says whether anybody watches. Who comes while others watch gets a key picture.
func (w *Watched) Watch(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.on = on
	switch {
	case on && w.stop == nil:
		w.begin()
	case on:
		w.Key()
	default:
		w.end()
	}
}

// Again ends what is done now, of which nothing more is given, and begins anew: the
// masks are others.
func (w *Watched) Again() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end()
	if w.on {
		w.begin()
	}
}

// Close ends everything.
func (w *Watched) Close() {
	w.mu.Lock()
	w.on = false
	w.end()
	done := w.done
	w.mu.Unlock()
	if done != nil {
		<-done
	}
}

// begin starts a run, which works when the one before has ended. The caller holds mu.
func (w *Watched) begin() {
	var ctx context.Context
	ctx, w.stop = context.WithCancel(context.Background())
	before, done := w.done, make(chan struct{})
	w.done = done
	go func() { // Close waits for it
		defer close(done)
		if before != nil {
			<-before
		}
		w.mu.Lock()
		w.run = ctx
		w.mu.Unlock()
		w.Run(ctx)
	}()
}

// end ends a run. The caller holds mu.
func (w *Watched) end() {
	if w.stop != nil {
		w.stop()
		w.stop = nil
	}
}

// pass gives what the run of now has made.
func (w *Watched) pass(u *sidecar.AccessUnit) {
	w.mu.Lock()
	over := w.run.Err() != nil
	w.mu.Unlock()
	if !over {
		w.give(u)
	}
}
