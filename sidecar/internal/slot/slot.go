// Package slot holds the newest of a flow of values: the place where a fast
// producer meets a slow consumer, and the older value is dropped and counted.
package slot

import (
	"sync"
	"sync/atomic"
)

// Slot keeps the newest value that nobody has taken yet. One goroutine takes,
// any number put.
type Slot[T any] struct {
	drop    func(T) // frees a value that was replaced or left over
	dropped atomic.Uint64
	ready   chan struct{} // holds a token while a value may be waiting

	mu    sync.Mutex
	value T
	full  bool
}

// New makes an empty slot; drop is called with each value that is replaced
// before anybody took it, and with the one that Close finds.
func New[T any](drop func(T)) *Slot[T] {
	return &Slot[T]{drop: drop, ready: make(chan struct{}, 1)}
}

// Put never blocks: it replaces what nobody has taken yet, and counts it as dropped.
func (s *Slot[T]) Put(v T) {
	s.mu.Lock()
	old, had := s.value, s.full
	s.value, s.full = v, true
	s.mu.Unlock()
	if had {
		s.dropped.Add(1)
		s.drop(old)
	}
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// Ready gives a token when a value may be waiting. Take can still find none.
func (s *Slot[T]) Ready() <-chan struct{} { return s.ready }

// Take gives the newest value, and false where there is none.
func (s *Slot[T]) Take() (T, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.value, s.full
	var zero T
	s.value, s.full = zero, false
	return v, ok
}

// Dropped counts the values that were replaced before anybody took them.
func (s *Slot[T]) Dropped() uint64 { return s.dropped.Load() }

// Close frees what was left. The slot may be used again.
func (s *Slot[T]) Close() {
	if v, ok := s.Take(); ok {
		s.drop(v)
	}
}
