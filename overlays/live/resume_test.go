package live

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"pantau/sidecar"
)

// kept are the PTS of the pictures among messages, and "s" for each scene.
func kept(messages []message) string {
	var all []string
	for _, m := range messages {
		switch {
		case m.kind.picture():
			pts := int64(0)
			for _, b := range m.data[4:12] {
				pts = pts<<8 | int64(b)
			}
			all = append(all, strconv.FormatInt(pts, 10))
		case m.kind == kindScene:
			all = append(all, "s")
		}
	}
	return strings.Join(all, " ")
}

// play gives a hub pictures, one a letter, one every 200 ms: K is a key frame,
// d another picture, s the scene of the newest. PTS count from 0.
func play(t testing.TB, h *Hub, letters string) {
	t.Helper()
	pts := int64(-1)
	for _, l := range letters {
		switch l {
		case 's':
			h.Scene(&sidecar.Scene{Camera: "a", Stamp: unit(t, "e1", pts, "").Stamp})
			continue
		case 'K':
			pts++
			h.AccessUnit("a", unit(t, "e1", pts, sps576))
		default:
			pts++
			h.AccessUnit("a", unit(t, "e1", pts, ""))
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// TestWhoComesBackGetsWhatWasMissed looks at what a viewer is given that has
// seen the pictures up to a position.
func TestWhoComesBackGetsWhatWasMissed(t *testing.T) {
	tests := []struct {
		name, played string
		watched      bool
		age          time.Duration
		has          position
		want         string
		resumed      bool
	}{
		{"nobody was there: the newest group", "KdsKds", false, 0, position{}, "2 3", false},
		{"a first viewer beside others gets scenes too", "KdsKsds", true, 0, position{}, "2 s 3 s", false},
		{"within the newest group", "KdsKsdds", true, 0, position{"e1", 3}, "4 s", true},
		{"from the group before", "KsdsKsds", true, 0, position{"e1", 1}, "s 2 s 3 s", true},
		{"nothing was missed", "KdKd", true, 0, position{"e1", 3}, "", true},
		{"another session", "KdKd", true, 0, position{"e0", 1}, "2 3", false},
		{"a picture that never was", "KdKd", true, 0, position{"e1", 77}, "2 3", false},
		{"too long ago", "KdKdKdKd", true, 500 * time.Millisecond, position{"e1", 1}, "6 7", false},
		{"just not too long ago", "KdKdKdKd", true, 500 * time.Millisecond, position{"e1", 3}, "4 5 6 7", true},
		{"before anybody watched", "KdKd", false, 0, position{"e1", 1}, "2 3", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHub(Options{Resume: test.age})
				if test.watched {
					h.camera("a").join(wish{})
				}
				play(t, h, test.played)
				_, _, got := h.camera("a").join(wish{has: test.has})
				if kept(got) != test.want {
					t.Errorf("got %q, want %q", kept(got), test.want)
				}
				if resumed := strings.Contains(string(got[0].data), `"resumed":true`); resumed != test.resumed {
					t.Errorf("resumed is %v, want %v", resumed, test.resumed)
				}
			})
		})
	}
}

// TestOnlyWhoMayComeBackCosts has the last viewer go: what is kept for it goes too.
func TestOnlyWhoMayComeBackCosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(Options{Resume: time.Second})
		c := h.camera("a")
		f, q, _ := c.join(wish{})
		play(t, h, "KdKd")
		c.leave(f, q)
		play(t, h, "Kd")
		if n := len(f.history.items); n != 6 {
			t.Errorf("%d pictures are held 0.4 s after the last viewer went, want all 6", n)
		}
		time.Sleep(time.Second)
		play(t, h, "Kds")
		if n := len(f.history.items); n != 2 {
			t.Errorf("%d items are held 1.4 s after the last viewer went, want one group without scenes", n)
		}
	})
}

func TestHistoryKeepsWholeGroups(t *testing.T) {
	h := history{most: 1000, age: time.Hour}
	for i := range int64(300) {
		sps := ""
		if i%10 == 0 {
			sps = sps576
		}
		h.picture(unit(t, "e1", i, sps), message{}, time.Unix(0, 0), true)
		if h.bytes > h.most {
			t.Fatalf("%d bytes are held, want at most %d", h.bytes, h.most)
		}
		if !h.items[0].key() || !h.items[h.key].key() || h.next(h.key+1) != len(h.items) {
			t.Fatalf("after picture %d: the history begins with no key frame, or its newest is not known", i)
		}
	}
	if len(h.items) < 20 {
		t.Errorf("got %d pictures held, want those of several groups", len(h.items))
	}
}

// TestChangedStreamCannotBeResumed changes the size within a session: a page
// with an old decoder cannot go on.
func TestChangedStreamCannotBeResumed(t *testing.T) {
	h := newHub(Options{})
	h.camera("a").join(wish{})
	h.AccessUnit("a", unit(t, "e1", 0, sps576))
	h.AccessUnit("a", unit(t, "e1", 1, sps720))
	if _, _, got := h.camera("a").join(wish{has: position{"e1", 0}}); kept(got) != "1" || strings.Contains(string(got[0].data), "resumed") {
		t.Errorf("got %s, and pictures %s", got[0].data, kept(got))
	}
}

// TestResumeOverTheWire loses a connection between two pictures.
func TestResumeOverTheWire(t *testing.T) {
	h := newHub(Options{})
	address := serve(t, h)
	c := dial(t, address, "a")
	c.text(helloNothing)
	watched(t, h, "a", 1)
	h.AccessUnit("a", unit(t, "e1", -5, sps576))
	c.text(helloE1)
	if got := c.picture(); got != -5 {
		t.Errorf("got PTS %d, want -5", got)
	}
	_ = c.conn.CloseNow()
	watched(t, h, "a", 0)
	h.AccessUnit("a", unit(t, "e1", 1, ""))
	c = dial(t, address, "a?after=e1:-5")
	c.text(strings.Replace(helloE1, `"masked":false`, `"masked":false,"resumed":true`, 1))
	watched(t, h, "a", 1)
	h.AccessUnit("a", unit(t, "e1", 2, ""))
	for want := int64(1); want <= 2; want++ {
		if got := c.picture(); got != want {
			t.Errorf("got PTS %d, want %d", got, want)
		}
	}
}

var afters = []struct {
	text string
	want position
	good bool
}{
	{"", position{}, true},
	{"e1:0", position{"e1", 0}, true},
	{"k3f9:-9223372036854775808", position{"k3f9", -1 << 63}, true},
	{"a:b:7", position{"a:b", 7}, true},
	{":7", position{}, false},
	{"e1", position{}, false},
	{"e1:", position{}, false},
	{"e1:9223372036854775808", position{}, false},
	{"e1:1e3", position{}, false},
	{strings.Repeat("e", 200) + ":7", position{}, false},
}

func TestParseAfter(t *testing.T) {
	for _, test := range afters {
		got, err := parseAfter(test.text)
		if got != test.want || (err == nil) != test.good {
			t.Errorf("%q: got %v, %v, want %v", test.text, got, err, test.want)
		}
	}
	h := newHub(Options{})
	_, r, err := websocket.Dial(t.Context(), serve(t, h)+"/a?after=yesterday", nil)
	if err == nil || r.StatusCode != http.StatusBadRequest {
		t.Errorf("got %v, want bad request", err)
	}
}

func FuzzParseAfter(f *testing.F) {
	for _, test := range afters {
		f.Add(test.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseAfter(text)
		if err != nil || text == "" {
			if got != (position{}) {
				t.Errorf("%q: got %v beside %v", text, got, err)
			}
			return
		}
		if len(got.epoch) == 0 || len(got.epoch) > maxAfter {
			t.Errorf("%q: got epoch %q", text, got.epoch)
		}
		again, err := parseAfter(got.epoch + ":" + strconv.FormatInt(got.pts, 10))
		if err != nil || again != got {
			t.Errorf("%q: got %v, and again %v, %v", text, got, again, err)
		}
	})
}
