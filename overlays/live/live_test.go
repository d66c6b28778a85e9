package live

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"pantau/sidecar"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Sequence parameter sets of x264 (High and Constrained Baseline) and x265 (Main).
const (
	sps576    = "6764001facb2018024d80880000003008000000a078c1924"
	sps720    = "6742c01fd9005005bb011000000300100000030140f1832480"
	spsH265   = "420101016000000300900000030000030078a003c08010e596566924caf0168080000003008000000504"
	someSlice = "6588840a"
)

func raw(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// unit makes an access unit; a key one carries its parameter set.
func unit(t testing.TB, epoch string, pts int64, sps string) *sidecar.AccessUnit {
	t.Helper()
	u := &sidecar.AccessUnit{Codec: sidecar.H264, Key: sps != ""}
	u.Stamp = sidecar.Stamp{Epoch: epoch, PTS: pts, RTPTime: uint32(pts), ClockRate: 90000,
		Capture: time.Unix(1700000000, 123456000).UTC(), Source: sidecar.TimeRTCP}
	if sps != "" {
		u.NALUs = append(u.NALUs, raw(t, sps))
	}
	u.NALUs = append(u.NALUs, raw(t, someSlice))
	return u
}

// serve runs a hub's HTTP side until the test ends, and gives its address.
func serve(t testing.TB, h *Hub) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{}, 1000)
	started := make(chan struct{}, 1000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, stop := bound(ctx, r)
		defer stop()
		started <- struct{}{}
		h.Serve(w, r, strings.TrimPrefix(r.URL.Path, "/"), r.URL.Query().Has("blurred"))
		done <- struct{}{}
	}))
	t.Cleanup(func() {
		cancel()
		server.Close()
		for range len(started) {
			<-done
		}
	})
	return server.URL
}

// bound makes a request end with ctx too.
func bound(ctx context.Context, r *http.Request) (*http.Request, func()) {
	both, cancel := context.WithCancel(r.Context())
	stop := context.AfterFunc(ctx, cancel)
	return r.WithContext(both), func() { stop(); cancel() }
}

// client is a viewer.
type client struct {
	t    *testing.T
	conn *websocket.Conn
}

func dial(t *testing.T, address, camera string) client {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), address+"/"+camera, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(64 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return client{t, conn}
}

func (c client) read() (websocket.MessageType, []byte) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 5*time.Second)
	defer cancel()
	kind, data, err := c.conn.Read(ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	return kind, data
}

// text reads a message that must be the given JSON text.
func (c client) text(want string) {
	c.t.Helper()
	if kind, data := c.read(); kind != websocket.MessageText || string(data) != want {
		c.t.Fatalf("got %v %q, want text\n%s", kind, data, want)
	}
}

// picture reads a binary message and gives its PTS.
func (c client) picture() int64 {
	c.t.Helper()
	kind, data := c.read()
	if kind != websocket.MessageBinary || len(data) < headerSize {
		c.t.Fatalf("got %v %q, want a picture", kind, data)
	}
	var pts int64
	for _, b := range data[4:12] {
		pts = pts<<8 | int64(b)
	}
	return pts
}

// watched waits until so many viewers are there: who dials is answered before
// the hub knows of the viewer.
func watched(t testing.TB, h *Hub, camera string, n int) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		if got, _ := h.Viewers(camera); got == n {
			return
		}
		if time.Now().After(deadline) {
			got, _ := h.Viewers(camera)
			t.Fatalf("got %d viewers, want %d", got, n)
		}
		time.Sleep(time.Millisecond) // polling with a deadline: the other side is a real connection
	}
}

const (
	helloNothing = `{"type":"hello","camera":{"id":"a","name":"North","functions":[]},"codec":"","clock":0,"epoch":"","width":0,"height":0,"hold_ms":400,"masked":false}`
	helloE1      = `{"type":"hello","camera":{"id":"a","name":"North","functions":[]},"codec":"avc1.64001F","clock":90000,"epoch":"e1","width":768,"height":576,"hold_ms":400,"masked":false}`
	helloE2      = `{"type":"hello","camera":{"id":"a","name":"North","functions":[]},"codec":"avc1.42C01F","clock":90000,"epoch":"e2","width":1280,"height":720,"hold_ms":400,"masked":false}`
)

func newHub(o Options) *Hub {
	h := NewHub(o)
	h.Camera(sidecar.Camera{ID: "a", Name: "North"})
	return h
}

// TestProtocol compares every message with its bytes.
func TestProtocol(t *testing.T) {
	h := newHub(Options{})
	c := dial(t, serve(t, h), "a")
	c.text(helloNothing)
	watched(t, h, "a", 1)

	h.AccessUnit("a", unit(t, "e1", 7, "")) // no key frame yet: nobody could decode it
	h.AccessUnit("a", unit(t, "e1", 1<<32+1, sps576))
	c.text(helloE1)
	_, got := c.read()
	want := append(raw(t, "01010000"+"0000000100000001"+"00060a2418202240"),
		raw(t, "00000001"+sps576+"00000001"+someSlice)...)
	if !bytes.Equal(got, want) {
		t.Errorf("got picture\n%x, want\n%x", got, want)
	}
	h.AccessUnit("a", unit(t, "e1", 1<<32+3600, ""))
	_, got = c.read()
	want = raw(t, "01000000"+"0000000100000e10"+"00060a2418202240"+"00000001"+someSlice)
	if !bytes.Equal(got, want) {
		t.Errorf("got picture\n%x, want\n%x", got, want)
	}

	s := &sidecar.Scene{Camera: "a", Seq: 1, Stamp: unit(t, "e1", 1<<32+1, "").Stamp, Width: 768, Height: 576}
	h.Scene(s)
	c.text(`{"type":"scene","scene":` + string(s.AppendJSON(nil)) + `}`)
	n := 3
	h.Totals("a", time.Unix(0, 0).In(time.FixedZone("WIB", 7*3600)), []sidecar.CountRow{
		{Rule: "l", Kind: sidecar.Flow, Class: sidecar.Car, Direction: sidecar.In, N: &n}})
	c.text(`{"type":"totals","since":"1970-01-01T00:00:00Z","rows":[{"rule":"l","kind":"flow","cls":"car","dir":"in","n":3}]}`)
	h.Stats("a", sidecar.Status{State: "running", FPS: sidecar.Rates{Camera: 25, Processed: 25, Detection: 8},
		Latency: sidecar.Latency{Decode: 1500 * time.Microsecond, Total: 58 * time.Millisecond},
		Dropped: map[string]uint64{"detector": 4}, Model: "street@1", TimeSource: sidecar.TimeRTCP})
	c.text(`{"type":"stats","state":"running","fps":{"camera":25,"processed":25,"skipped":0,"detection":8},` +
		`"latency_ms":{"recv":0,"decode":1.5,"wait":0,"infer":0,"total":58},"dropped":{"detector":4},"model":"street@1",` +
		`"reconnects":0,"clock_offset_s":0,"ts_source":"rtcp_sr","hold_ms":400}`)

	h.AccessUnit("a", unit(t, "e2", 5, sps720)) // another session, size and profile
	c.text(helloE2)
	if got := c.picture(); got != 5 {
		t.Errorf("got PTS %d, want 5", got)
	}
}

// TestLateViewerSeesAPictureAtOnce joins in the middle of a group of pictures.
func TestLateViewerSeesAPictureAtOnce(t *testing.T) {
	h := newHub(Options{})
	address := serve(t, h)
	for _, u := range []*sidecar.AccessUnit{unit(t, "e1", 0, sps576), unit(t, "e1", 1, ""),
		unit(t, "e1", 2, sps576), unit(t, "e1", 3, ""), unit(t, "e1", 4, "")} {
		h.AccessUnit("a", u)
	}
	h.Totals("a", time.Unix(0, 0), nil)
	h.Stats("a", sidecar.Status{State: "running"})
	c := dial(t, address, "a")
	c.text(helloE1)
	c.text(`{"type":"totals","since":"1970-01-01T00:00:00Z","rows":[]}`)
	if _, data := c.read(); !strings.Contains(string(data), `"type":"stats"`) {
		t.Errorf("got %s, want stats", data)
	}
	watched(t, h, "a", 1)
	h.AccessUnit("a", unit(t, "e1", 5, ""))
	for want := int64(2); want <= 5; want++ {
		if got := c.picture(); got != want {
			t.Errorf("got PTS %d, want %d", got, want)
		}
	}
}

// TestMaskedCameraSendsNoPicture covers a mask that is there and one that comes.
func TestMaskedCameraSendsNoPicture(t *testing.T) {
	h := newHub(Options{})
	h.AccessUnit("a", unit(t, "e1", 0, sps576))
	mask := []sidecar.Polygon{{{0, 0}, {1, 0}, {1, 1}}}
	h.Camera(sidecar.Camera{ID: "a", Name: "North", Analyse: sidecar.Analyse{Mask: mask}})
	c := dial(t, serve(t, h), "a")
	c.text(strings.Replace(helloE1, `"masked":false`, `"masked":true`, 1))
	watched(t, h, "a", 1)
	h.AccessUnit("a", unit(t, "e1", 1, sps576))
	h.AccessUnit("a", unit(t, "e1", 2, ""))
	s := &sidecar.Scene{Camera: "a"}
	h.Scene(s)
	c.text(`{"type":"scene","scene":` + string(s.AppendJSON(nil)) + `}`)

	h.Camera(sidecar.Camera{ID: "a", Name: "North"}) // the mask goes
	c.text(helloE1)
	h.AccessUnit("a", unit(t, "e1", 3, "")) // needs what was not sent
	h.AccessUnit("a", unit(t, "e1", 4, sps576))
	if got := c.picture(); got != 4 {
		t.Errorf("got PTS %d, want the key frame 4", got)
	}
}

// TestMaskTakesBackWhatWaits has a picture in the queue when the mask comes.
func TestMaskTakesBackWhatWaits(t *testing.T) {
	h := newHub(Options{})
	_, q, _ := h.camera("a").join(wish{})
	h.AccessUnit("a", unit(t, "e1", 1, sps576))
	h.Camera(sidecar.Camera{ID: "a", Analyse: sidecar.Analyse{Mask: []sidecar.Polygon{{{0, 0}, {1, 0}, {1, 1}}}}})
	for m, ok := q.take(); ok; m, ok = q.take() {
		if m.kind.picture() {
			t.Error("a picture is sent after the mask was set")
		}
	}
}

func TestChangedFunctionsAreTold(t *testing.T) {
	h := newHub(Options{})
	c := dial(t, serve(t, h), "a")
	c.text(helloNothing)
	watched(t, h, "a", 1)
	h.Camera(sidecar.Camera{ID: "a", Name: "South", Functions: []sidecar.Function{{ID: "l", Kind: "line", Line: []sidecar.Point{{0, 0.5}, {1, 0.5}}}}})
	_, data := c.read()
	var got hello
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if got.Camera.Name != "South" || len(got.Camera.Functions) != 1 || got.Camera.Functions[0].Line[1] != (sidecar.Point{1, 0.5}) {
		t.Errorf("got %+v", got)
	}
}

// TestViewersEndWithTheirCamera also looks that nobody is left behind.
func TestViewersEndWithTheirCamera(t *testing.T) {
	h := newHub(Options{})
	address := serve(t, h)
	c := dial(t, address, "a")
	c.text(helloNothing)
	h.Remove("a")
	_, _, err := c.conn.Read(t.Context())
	if got := websocket.CloseStatus(err); got != websocket.StatusGoingAway {
		t.Errorf("got %v, want going away", err)
	}
	if _, r, err := websocket.Dial(t.Context(), address+"/a", nil); err == nil || r.StatusCode != http.StatusNotFound {
		t.Errorf("got %v, want not found", err)
	}
	h.AccessUnit("a", unit(t, "e1", 1, sps576)) // what comes late harms nobody
	h.Remove("a")
}

// TestClientsHaveNothingToSay lets viewers send what a page never sends.
func TestClientsHaveNothingToSay(t *testing.T) {
	h := newHub(Options{})
	address := serve(t, h)
	for _, message := range []string{"", "x", strings.Repeat("x", 100_000)} {
		c := dial(t, address, "a")
		c.text(helloNothing)
		_ = c.conn.Write(t.Context(), websocket.MessageText, []byte(message))
		if _, _, err := c.conn.Read(t.Context()); err == nil {
			t.Errorf("a viewer that sent %d bytes goes on", len(message))
		}
	}
	watched(t, h, "a", 0)
}

func TestOtherOriginsAreRefused(t *testing.T) {
	h := newHub(Options{})
	_, r, err := websocket.Dial(t.Context(), serve(t, h)+"/a", &websocket.DialOptions{
		HTTPHeader: http.Header{"Origin": {"https://elsewhere.example.org"}}})
	if err == nil || r.StatusCode != http.StatusForbidden {
		t.Errorf("got %v, want forbidden", err)
	}
}

// TestSlowViewerLosesOnlyItsOwn has one viewer that reads nothing until all is
// sent, and one that reads all.
func TestSlowViewerLosesOnlyItsOwn(t *testing.T) {
	h := newHub(Options{Queue: 8})
	address := serve(t, h)
	slow, quick := dial(t, address, "a"), dial(t, address, "a")
	slow.text(helloNothing)
	quick.text(helloNothing)
	watched(t, h, "a", 2)
	const pictures, gop = 400, 10
	big := bytes.Repeat([]byte{1}, 64<<10) // so that the sockets' buffers are soon full
	for i := range int64(pictures) {
		sps := ""
		if i%gop == 0 {
			sps = sps576
		}
		u := unit(t, "e1", i, sps)
		u.NALUs = append(u.NALUs, big)
		h.AccessUnit("a", u)
		if i == 0 {
			quick.text(helloE1)
		}
		if got := quick.picture(); got != i {
			t.Fatalf("the quick viewer got PTS %d, want %d", got, i)
		}
	}
	if _, dropped := h.Viewers("a"); dropped == 0 {
		t.Error("nothing was dropped for the slow viewer")
	}
	h.AccessUnit("a", unit(t, "e1", pictures, sps576))
	slow.text(helloE1)
	last := int64(-1)
	for last != pictures {
		pts := slow.picture()
		if pts != last+1 && pts%gop != 0 {
			t.Fatalf("after %d came %d, which is no key frame", last, pts)
		}
		last = pts
	}
}

func TestManyViewersSeeTheSame(t *testing.T) {
	h := newHub(Options{})
	address := serve(t, h)
	clients := make([]client, 30)
	for i := range clients {
		clients[i] = dial(t, address, "a")
		clients[i].text(helloNothing)
	}
	watched(t, h, "a", len(clients))
	for i := range int64(20) {
		sps := ""
		if i == 0 {
			sps = sps576
		}
		h.AccessUnit("a", unit(t, "e1", i, sps))
	}
	for _, c := range clients {
		c.text(helloE1)
		for want := range int64(20) {
			if got := c.picture(); got != want {
				t.Fatalf("got PTS %d, want %d", got, want)
			}
		}
		_ = c.conn.Close(websocket.StatusNormalClosure, "")
	}
	watched(t, h, "a", 0)
}

// TestNothingIsAllocatedWhileNobodyWatches covers the keeping of the pictures,
// parameter sets included.
func TestNothingIsAllocatedWhileNobodyWatches(t *testing.T) {
	h := newHub(Options{})
	key, delta := unit(t, "e1", 0, sps576), unit(t, "e1", 1, "")
	scene := &sidecar.Scene{Camera: "a"}
	feed := func() {
		h.AccessUnit("a", key)
		for range 24 {
			h.AccessUnit("a", delta)
		}
		h.Scene(scene)
	}
	feed()
	if got := testing.AllocsPerRun(100, feed); got != 0 {
		t.Errorf("got %v allocations for 25 pictures and a scene, want 0", got)
	}
}

func TestLongGroupIsNotKept(t *testing.T) {
	h := newHub(Options{GOPBytes: 1000})
	h.AccessUnit("a", unit(t, "e1", 0, sps576))
	for i := range int64(1000) {
		h.AccessUnit("a", unit(t, "e1", i+1, ""))
	}
	if got := len(h.camera("a").own().history.items); got != 0 {
		t.Errorf("got %d pictures kept, want 0", got)
	}
	c := dial(t, serve(t, h), "a")
	c.text(helloE1)
	watched(t, h, "a", 1)
	h.AccessUnit("a", unit(t, "e1", 2000, "")) // cannot be decoded by who has come now
	h.AccessUnit("a", unit(t, "e1", 2001, sps576))
	if got := c.picture(); got != 2001 {
		t.Errorf("got PTS %d, want the key frame 2001", got)
	}
}

func BenchmarkAccessUnit(b *testing.B) {
	for _, viewers := range []int{0, 1, 100} {
		b.Run(fmt.Sprintf("viewers=%d", viewers), func(b *testing.B) {
			h := newHub(Options{})
			for range viewers {
				h.camera("a").join(wish{})
			}
			key := unit(b, "e1", 0, sps576)
			key.NALUs[1] = make([]byte, 20_000)
			b.ReportAllocs()
			for b.Loop() {
				h.AccessUnit("a", key)
			}
		})
	}
}
