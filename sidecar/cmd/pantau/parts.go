package main

import (
	"context"
	"errors"
	"fmt"
)

// parts are what runs in the background, in the order in which they were
// started. They are ended in the opposite order, each one before what it needs.
type parts struct {
	running []*part
	failed  chan error // the first part that ended by itself
}

type part struct {
	name   string
	cancel context.CancelFunc
	done   chan error
}

func newParts() *parts { return &parts{failed: make(chan error, 1)} }

// start runs a part until stop.
func (p *parts) start(name string, run func(context.Context) error) {
	// Not the caller's context: each part ends when its turn has come.
	ctx, cancel := context.WithCancel(context.Background())
	one := &part{name: name, cancel: cancel, done: make(chan error, 1)}
	p.running = append(p.running, one)
	go func() { // stop waits for it
		err := run(ctx)
		if err != nil && !errors.Is(err, context.Canceled) {
			err = fmt.Errorf("%s: %w", name, err)
		} else {
			err = nil
		}
		if ctx.Err() == nil {
			if err == nil {
				err = fmt.Errorf("%s ended by itself", name)
			}
			select {
			case p.failed <- err:
				err = nil // told there, and not again by stop
			default:
			}
		}
		one.done <- err
	}()
}

// wait blocks until ctx ends (nil) or a part fails.
func (p *parts) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-p.failed:
		return err
	}
}

// stop ends all parts, the newest first, and joins their errors.
func (p *parts) stop() error {
	var all []error
	for i := len(p.running) - 1; i >= 0; i-- {
		p.running[i].cancel()
		if err := <-p.running[i].done; err != nil {
			all = append(all, err)
		}
	}
	p.running = nil
	select {
	case err := <-p.failed: // nobody waited any more
		all = append(all, err)
	default:
	}
	return errors.Join(all...)
}
