package slot

import (
	"sync"
	"testing"
)

func TestSlotKeepsTheNewest(t *testing.T) {
	var freed []int
	s := New(func(v int) { freed = append(freed, v) })
	s.Put(1)
	s.Put(2)
	s.Put(3)
	<-s.Ready()
	if v, ok := s.Take(); !ok || v != 3 {
		t.Errorf("got %d, %v, want 3, true", v, ok)
	}
	if _, ok := s.Take(); ok {
		t.Error("took a value twice")
	}
	if len(freed) != 2 || freed[0] != 1 || freed[1] != 2 || s.Dropped() != 2 {
		t.Errorf("freed %v, dropped %d, want [1 2], 2", freed, s.Dropped())
	}
	s.Put(4)
	s.Close()
	if len(freed) != 3 {
		t.Errorf("Close left a value: freed %v", freed)
	}
}

// Every value that is put is either taken or dropped, exactly once, however
// many goroutines put.
func TestSlotLosesNothing(t *testing.T) {
	const producers, each = 4, 1000
	var mu sync.Mutex
	seen := map[int]int{}
	note := func(v int) {
		mu.Lock()
		seen[v]++
		mu.Unlock()
	}
	s := New(note)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for i := range each {
				s.Put(p*each + i)
			}
		})
	}
	go func() { wg.Wait(); close(done) }()
	for running := true; running; {
		select {
		case <-s.Ready():
			if v, ok := s.Take(); ok {
				note(v)
			}
		case <-done:
			running = false
		}
	}
	s.Close()
	for v := range producers * each {
		if seen[v] != 1 {
			t.Fatalf("value %d was seen %d times, want once", v, seen[v])
		}
	}
}
