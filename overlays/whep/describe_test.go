package whep

import (
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pantau/overlays"
	"pantau/sidecar"
)

// asked counts how often it is asked what pictures are like. Its pictures never come.
type asked struct {
	times atomic.Int32
	fails atomic.Bool
}

func (a *asked) Watch(string, overlays.Rendition, func(*sidecar.AccessUnit)) (func(), error) {
	return func() {}, nil
}

func (a *asked) Format(string, overlays.Rendition) (sps, pps []byte, err error) {
	a.times.Add(1)
	time.Sleep(20 * time.Millisecond) // the others ask meanwhile
	if a.fails.Load() {
		return nil, nil, errors.New("no picture")
	}
	return []byte{0x67, 66, 0xC0, 31}, nil, nil
}

// To learn what a rendition's pictures are like takes a decoder, so that offers, however
// many, ask once: until the camera's own pictures are others.
func TestOffersOpenNoDecoders(t *testing.T) {
	a := &asked{}
	st := newStand(t, Options{Renditions: a})
	st.hidden.Store(true)
	sdp := http.Header{"Content-Type": {"application/sdp"}}
	if r := send(t, http.MethodPost, st.url, "nonsense", sdp); r.code != 400 || a.times.Load() != 0 {
		t.Errorf("what is no offer gets %d, asked %d times", r.code, a.times.Load())
	}
	own := st.server.cameras.Get("cam")
	r := own.others[overlays.Blurred]
	all := func(want error) {
		t.Helper()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := r.describe(); !errors.Is(err, want) {
					t.Errorf("got %v, want %v", err, want)
				}
			})
		}
		wg.Wait()
	}
	count := func(want int32) {
		t.Helper()
		if got := a.times.Load(); got != want {
			t.Errorf("asked %d times, want %d", got, want)
		}
	}
	a.fails.Store(true)
	all(errNoPicture)
	count(1)
	a.fails.Store(false)
	r.mu.Lock()
	r.failed = time.Now().Add(-failedTime)
	r.mu.Unlock()
	all(nil)
	count(2)

	s := &session{}
	if err := r.promise(s); err != nil {
		t.Fatal(err)
	}
	r.leave(s)
	all(nil)
	count(2)
	own.accessUnit(&sidecar.AccessUnit{Codec: sidecar.H265, Key: true, Stamp: sidecar.Stamp{Epoch: "another"}})
	all(nil)
	count(3)
}
