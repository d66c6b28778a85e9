package pipeline

import (
	"context"
	"fmt"

	"pantau/sidecar"
)

// lookAt asks the detecting goroutine for the reference of the view, or to take it anew.
type lookAt struct {
	confirm bool
	answer  chan reference // holds one
}

// reference is what a view is held against; nil bytes: there is none yet.
type reference struct {
	bytes []byte
	err   error
}

// Reference gives what the camera's view is held against, as view.Watcher.Reference
// does; nil: there is none, or the view is not watched.
func (p *Pipeline) Reference(ctx context.Context) ([]byte, error) {
	r, err := p.ask(ctx, false)
	return r.bytes, firstOf(err, r.err)
}

// ConfirmView takes what the camera shows now as the view on which its rules hold:
// they go on, if it was said to have moved or to be covered. Otherwise the error is a
// *sidecar.Fault.
func (p *Pipeline) ConfirmView(ctx context.Context) error {
	r, err := p.ask(ctx, true)
	return firstOf(err, r.err)
}

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func (p *Pipeline) ask(ctx context.Context, confirm bool) (reference, error) {
	l := lookAt{confirm: confirm, answer: make(chan reference, 1)}
	select {
	case p.looks <- l:
	case <-ctx.Done():
		return reference{}, fmt.Errorf("asking for the view: %w", ctx.Err())
	}
	return <-l.answer, nil // the detecting goroutine answers at once
}

// lookAt answers.
func (d *detection) lookAt(confirm bool) reference {
	v := d.observer.view
	switch {
	case !confirm && v == nil:
		return reference{}
	case !confirm:
		return reference{bytes: v.Reference()}
	case v == nil:
		return reference{err: &sidecar.Fault{Err: fmt.Errorf("the camera's view is not watched"), Hint: "it is a camera that may move (analyse: {view: any}): its rules go on whatever it shows"}}
	case v.told != string(sidecar.ViewMoved) && v.told != string(sidecar.ViewCovered):
		return reference{err: &sidecar.Fault{Err: fmt.Errorf("the camera is %s, and not moved or covered", v.told), Hint: "only a view that was told to be another can be confirmed"}}
	}
	d.p.log.Info("view confirmed", "stage", "view")
	return reference{err: v.confirm()}
}
