package overlays_test

import (
	"sync"
	"testing"

	"pantau/overlays"
)

func TestCamerasAreMadeOnce(t *testing.T) {
	var cameras overlays.Cameras[int]
	if cameras.Get("a") != nil || cameras.Remove("a") != nil {
		t.Error("there is a camera before one was added")
	}
	made := 0
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { cameras.Add("a", func() *int { made++; return new(int) }) })
	}
	all.Wait()
	first := cameras.Get("a")
	if made != 1 || first == nil {
		t.Errorf("made %d times", made)
	}
	if got := cameras.Remove("a"); got != first || cameras.Get("a") != nil {
		t.Error("another one was removed, or none")
	}
	second := cameras.Add("a", func() *int { return new(int) })
	if got := cameras.End(); len(got) != 1 || got[0] != second || second == first {
		t.Errorf("got %v at the end", got)
	}
	if cameras.Add("b", func() *int { return new(int) }) != nil || cameras.Get("a") != nil || len(cameras.End()) > 0 {
		t.Error("there are cameras after the end")
	}
}
