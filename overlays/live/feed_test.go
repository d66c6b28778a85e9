package live

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"pantau/overlays"
	"pantau/sidecar"
)

// maker makes renditions of what the test gives it.
type maker struct {
	mu    sync.Mutex
	full  bool
	takes map[overlays.Rendition]func(*sidecar.AccessUnit)
	begun int
}

func (m *maker) Watch(_ string, r overlays.Rendition, take func(*sidecar.AccessUnit)) (func(), error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.full {
		return nil, overlays.ErrBusy
	}
	m.begun++
	m.takes[r] = take
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.takes, r)
	}, nil
}

func (*maker) Format(string, overlays.Rendition) (sps, pps []byte, err error) {
	return nil, nil, errors.New("nobody asks for it here")
}

// give gives a picture of a rendition, as its maker does, and says whether anybody takes it.
func (m *maker) give(r overlays.Rendition, u *sidecar.AccessUnit) bool {
	m.mu.Lock()
	take := m.takes[r]
	m.mu.Unlock()
	if take != nil {
		take(u)
	}
	return take != nil
}

func newMaker() *maker { return &maker{takes: map[overlays.Rendition]func(*sidecar.AccessUnit){}} }

var someMask = []sidecar.Polygon{{{0, 0}, {1, 0}, {1, 1}}}

// hevc is a key picture of H.265.
func hevc(t *testing.T) *sidecar.AccessUnit {
	u := unit(t, "e1", 1, "")
	u.Codec, u.Key = sidecar.H265, true
	u.NALUs = [][]byte{raw(t, spsH265)}
	return u
}

func TestWhichPicturesAViewerGets(t *testing.T) {
	jpeg := unit(t, "e1", 1, "")
	jpeg.Codec, jpeg.Key, jpeg.NALUs = sidecar.MJPEG, true, [][]byte{raw(t, "ffd8ffc0000b080120018001011100")}
	for _, tt := range []struct {
		name string
		unit *sidecar.AccessUnit
		mask []sidecar.Polygon
		wish wish
		none bool // nobody makes renditions
		want overlays.Rendition
	}{
		{"H.264", unit(t, "e1", 1, sps576), nil, wish{}, false, overlays.Own},
		{"H.264, asked for", unit(t, "e1", 1, sps576), nil, wish{codec: "avc1"}, false, overlays.Own},
		{"H.265", hevc(t), nil, wish{}, false, overlays.Own},
		{"H.265, which the browser lacks", hevc(t), nil, wish{codec: "avc1"}, false, overlays.Converted},
		{"H.265, and nobody converts", hevc(t), nil, wish{codec: "avc1"}, true, overlays.Own},
		{"JPEG", jpeg, nil, wish{}, false, overlays.Own},
		{"JPEG in the place of H.264", jpeg, nil, wish{codec: "avc1"}, false, overlays.Converted},
		{"nothing yet", nil, nil, wish{codec: "avc1"}, false, overlays.Own},
		{"masked", unit(t, "e1", 1, sps576), someMask, wish{}, false, overlays.Own},
		{"masked, asked for", unit(t, "e1", 1, sps576), someMask, wish{codec: "avc1"}, false, overlays.Converted},
		{"blurred", unit(t, "e1", 1, sps576), nil, wish{blurred: true}, false, overlays.Blurred},
		{"blurred, whatever is asked for", hevc(t), someMask, wish{blurred: true, codec: "avc1"}, false, overlays.Blurred},
		{"blurred, and nobody blurs", unit(t, "e1", 1, sps576), nil, wish{blurred: true}, true, overlays.Blurred},
	} {
		o := Options{Renditions: newMaker()}
		if tt.none {
			o.Renditions = nil
		}
		h := NewHub(o)
		h.Camera(sidecar.Camera{ID: "a", Analyse: sidecar.Analyse{Mask: tt.mask}})
		if tt.unit != nil {
			h.AccessUnit("a", tt.unit)
		}
		f, _, first := h.camera("a").join(tt.wish)
		if f.rendition != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, f.rendition, tt.want)
		}
		for _, m := range first {
			if m.kind.picture() && tt.want != overlays.Own {
				t.Errorf("%s: a picture of the camera's own is given", tt.name)
			}
		}
	}
}

const (
	helloBusy    = `{"type":"hello","camera":{"id":"a","name":"North","functions":[]},"codec":"","clock":0,"epoch":"","width":0,"height":0,"hold_ms":60,"masked":false,"rendition":"blurred","busy":true}`
	helloWaits   = `{"type":"hello","camera":{"id":"a","name":"North","functions":[]},"codec":"","clock":0,"epoch":"","width":0,"height":0,"hold_ms":60,"masked":false,"rendition":"blurred"}`
	helloBlurred = `{"type":"hello","camera":{"id":"a","name":"North","functions":[]},"codec":"avc1.42C01F","clock":90000,"epoch":"e1","width":1280,"height":720,"hold_ms":60,"masked":false,"rendition":"blurred"}`
)

// A viewer waits for room, is told, and never gets the camera's own pictures meanwhile.
func TestAViewerWaitsForRoom(t *testing.T) {
	m := newMaker()
	m.full = true
	h := newHub(Options{Renditions: m})
	h.AccessUnit("a", unit(t, "e1", 1, sps576))
	c := dial(t, serve(t, h), "a?blurred")
	c.text(helloBusy)
	watched(t, h, "a", 1)
	h.AccessUnit("a", unit(t, "e1", 2, sps576)) // not for this one
	h.Stats("a", sidecar.Status{})
	if _, data := c.read(); !strings.Contains(string(data), `"type":"stats"`) {
		t.Errorf("got %s, want stats", data)
	}
	m.mu.Lock()
	m.full = false
	m.mu.Unlock()
	h.Stats("a", sidecar.Status{})
	c.text(helloWaits)
	if _, data := c.read(); !strings.Contains(string(data), `"hold_ms":60`) {
		t.Errorf("got %s, want stats", data)
	}
	s := &sidecar.Scene{Camera: "a"}
	h.Scene(s)
	c.text(`{"type":"scene","scene":` + string(s.AppendJSON(nil)) + `}`)
	m.give(overlays.Blurred, unit(t, "e1", 3, sps720))
	c.text(helloBlurred)
	if got := c.picture(); got != 3 {
		t.Errorf("got PTS %d, want 3", got)
	}
	// Who comes later begins with what is there, and nothing is made anew.
	late := dial(t, serve(t, h), "a?blurred")
	late.text(helloBlurred)
	_, _ = late.read() // stats
	if got := late.picture(); got != 3 || m.begun != 1 {
		t.Errorf("got PTS %d, made %d times; want 3 and once", got, m.begun)
	}
	_ = c.conn.CloseNow()
	_ = late.conn.CloseNow()
	watched(t, h, "a", 0)
	if m.give(overlays.Blurred, unit(t, "e1", 4, sps720)) {
		t.Error("it is made while nobody watches")
	}
	if got := len(h.camera("a").feeds[2].history.items); got != 0 {
		t.Errorf("%d pictures are kept that nobody can go on from", got)
	}
}

// Other masks: what was made with the old ones is neither kept nor sent.
func TestOtherMasksTakeBackWhatWasConverted(t *testing.T) {
	m := newMaker()
	h := newHub(Options{Renditions: m})
	h.AccessUnit("a", hevc(t))
	f, q, _ := h.camera("a").join(wish{codec: "avc1"})
	m.give(overlays.Converted, unit(t, "e1", 1, sps720))
	old := m.takes[overlays.Converted]
	h.Camera(sidecar.Camera{ID: "a", Analyse: sidecar.Analyse{Mask: someMask}})
	old(unit(t, "e1", 2, sps720)) // it was on its way
	if len(f.history.items) > 0 {
		t.Error("a picture with the old masks is kept")
	}
	m.give(overlays.Converted, unit(t, "e1", 3, sps720))
	var pictures int
	for got, ok := q.take(); ok; got, ok = q.take() {
		if got.kind.picture() {
			if pictures++; got.data[11] != 3 {
				t.Errorf("picture %d is sent after the masks were told", got.data[11])
			}
		}
	}
	if pictures != 1 {
		t.Errorf("%d pictures are sent, want one", pictures)
	}
}

func TestQueriesOfViewers(t *testing.T) {
	h := newHub(Options{})
	address := serve(t, h)
	for _, query := range []string{"codec=hvc1", "codec=avc1.42C01F", "codec=%00", "after=x", "codec=avc1&after=x"} {
		if _, r, err := websocket.Dial(t.Context(), address+"/a?"+query, nil); err == nil || r.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: got %v, want bad request", query, err)
		}
	}
	c := dial(t, address, "a?codec=avc1&after=e1:7")
	c.text(helloNothing)
}
