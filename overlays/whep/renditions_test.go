package whep

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"pantau/overlays"
	"pantau/overlays/burn"
	"pantau/overlays/rendition"
	"pantau/sidecar"
	"pantau/sidecar/decode"
	"pantau/sidecar/tap/taptest"
)

// newConverting starts a server whose cameras' pictures are converted where they must be.
func newConverting(t *testing.T, most int) *stand {
	t.Helper()
	const delay = 500 * time.Millisecond
	converted := rendition.New(rendition.Options{Most: most, Pictures: burn.Options{Delay: delay, FPS: 25,
		Decoder: func(codec sidecar.Codec, masks []sidecar.Polygon, keys bool) (burn.Decoder, error) {
			return decode.New(decode.Options{Codec: codec, Mask: masks, KeyFrames: keys})
		}}})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- converted.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	converted.Camera(sidecar.Camera{ID: "cam"})
	st := newStand(t, Options{Delay: delay, Renditions: converted})
	st.also = converted
	return st
}

// converted waits until a player has pictures that are converted, each at the time of one
// of the camera's, and scenes at theirs.
func (st *stand) converted(p *player) {
	st.t.Helper()
	p.until("pictures", 30*time.Second, func() bool { return len(p.pictures) >= 30 && len(p.scenes) >= 25 })
	st.mu.Lock()
	defer st.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if sps := p.pictures[0].nalus[0]; sps[0]&0x1F != 7 || sps[1] != 66 {
		st.t.Errorf("the first picture begins with %x, want a parameter set of Baseline", sps[:4])
	}
	times, own := map[uint32]bool{}, 0
	for _, pic := range p.pictures {
		times[pic.rtp] = true
		if _, known := st.sent[pic.rtp]; known {
			own++ // the others were sent in a hurry, at the beginning
		}
	}
	if own < 20 {
		st.t.Errorf("%d of %d pictures have the camera's times", own, len(p.pictures))
	}
	joined := 0
	for _, s := range p.scenes {
		of, known := st.sent[s.RTP]
		if got := int(s.Scene.Objects[0].Box[0]*2000 + 0.5); !known || got != of.number%1000 {
			st.t.Errorf("the scene at %d is of picture %d, want %d", s.RTP, got, of.number)
		}
		if times[s.RTP] {
			joined++
		}
	}
	if joined < 20 {
		st.t.Errorf("%d of %d scenes have their picture", joined, len(p.scenes))
	}
}

// What WebRTC does not bring, or who watches may not see, is converted: once for all, and
// not while nobody watches.
func TestWhatIsConverted(t *testing.T) {
	t.Parallel()
	mask := []sidecar.Polygon{{{0, 0}, {0.2, 0}, {0.2, 0.2}}}
	for _, tt := range []struct {
		name    string
		codec   sidecar.Codec
		masks   []sidecar.Polygon
		blurred bool
		want    overlays.Rendition
	}{
		{"H.265", sidecar.H265, nil, false, overlays.Converted},
		{"masked", sidecar.H264, mask, false, overlays.Converted},
		{"blurred", sidecar.H264, nil, true, overlays.Blurred},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			st := newConverting(t, 1)
			cam := sidecar.Camera{ID: "cam", Analyse: sidecar.Analyse{Mask: tt.masks}}
			st.also.Camera(cam)
			st.server.Camera(cam)
			st.hidden.Store(tt.blurred)
			st.play(taptest.MakeClip(t, taptest.Spec{Codec: tt.codec, Frames: 100, GOP: 10}), 1<<32-90000, 80*time.Millisecond)
			p, other := newPlayer(t, false), newPlayer(t, true)
			p.connect(st.url)
			other.connect(st.url)
			st.converted(p)
			st.converted(other)
			if now, _ := st.also.Working(); now != 1 || st.also.Stats("cam", tt.want).Burnt == 0 {
				t.Errorf("%d are made, %+v", now, st.also.Stats("cam", tt.want))
			}
			if n, _ := st.server.Stats("cam"); n != 2 {
				t.Errorf("%d players, want 2", n)
			}
			// Other masks: whoever has pictures with the old ones connects anew.
			st.also.Camera(sidecar.Camera{ID: "cam", Analyse: sidecar.Analyse{Mask: append(mask, mask...)}})
			st.server.Camera(sidecar.Camera{ID: "cam", Analyse: sidecar.Analyse{Mask: append(mask, mask...)}})
			for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
				if now, _ := st.also.Working(); now == 0 {
					break
				} else if time.Now().After(deadline) {
					t.Fatal("it goes on with the old masks, or while nobody watches")
				}
			}
		})
	}
}

func TestWhatIsNotConverted(t *testing.T) {
	clip := taptest.MakeClip(t, taptest.Spec{Codec: sidecar.H265, Frames: 100, GOP: 10})
	full := newConverting(t, 0)
	full.play(clip, 0, 80*time.Millisecond)
	offer := newPlayer(t, false).offer()
	sdp := http.Header{"Content-Type": {"application/sdp"}}
	if r := send(t, http.MethodPost, full.url, offer, sdp); r.code != 503 || r.header.Get("Retry-After") == "" || !strings.Contains(r.body, "live.transcodes") {
		t.Errorf("no room: got %d %s", r.code, r.body)
	}
	early := newConverting(t, 1)
	early.hidden.Store(true)
	if r := send(t, http.MethodPost, early.url, offer, sdp); r.code != 409 {
		t.Errorf("no picture yet: got %d %s", r.code, r.body)
	}
	none := newStand(t, Options{})
	none.play(clip, 0, 80*time.Millisecond)
	if r := send(t, http.MethodPost, none.url, offer, sdp); r.code != 406 {
		t.Errorf("nobody converts: got %d %s", r.code, r.body)
	}
	none.hidden.Store(true)
	if r := send(t, http.MethodPost, none.url, offer, sdp); r.code != 403 {
		t.Errorf("nobody blurs: got %d %s", r.code, r.body)
	}
}
