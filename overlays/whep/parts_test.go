package whep

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/bits"
	"github.com/pion/sdp/v3"

	"pantau/sidecar"
)

// unit is a picture of one epoch, n pictures of 40 ms after its first.
func unit(epoch string, n int, key bool, size int) *sidecar.AccessUnit {
	return &sidecar.AccessUnit{Codec: sidecar.H264, Key: key, NALUs: [][]byte{make([]byte, size)}, Received: time.Unix(1000, 0).Add(time.Duration(n) * 40 * time.Millisecond),
		Stamp: sidecar.Stamp{Epoch: epoch, PTS: 5000 + int64(n)*3600, Origin: 5000, ClockRate: rate}}
}

func TestClockGoesOnWhereTheCameraBeginsAnew(t *testing.T) {
	var c clock
	first := c.picture(unit("a", 0, true, 1))
	if first != 5000 {
		t.Errorf("the first epoch begins at %d, want the camera's own 5000", first)
	}
	c.picture(unit("a", 1, false, 1))
	late := unit("b", 0, true, 1)
	late.Received = time.Unix(1002, 0).Add(40 * time.Millisecond) // two seconds after the last
	late.PTS = 77
	again := c.picture(late)
	if want := uint32(5000 + 3600 + 2*rate); again != want {
		t.Errorf("the second epoch begins at %d, want %d", again, want)
	}
	if at, known := c.scene(late.Stamp); at != again || !known {
		t.Errorf("its scene is at %d, %v", at, known)
	}
	if _, known := c.scene(unit("a", 1, false, 1).Stamp); known {
		t.Error("a scene of the first epoch is still given")
	}
	before := late.Stamp
	before.PTS--
	if _, known := c.scene(before); known {
		t.Error("a scene of a picture before the first is given")
	}
	if got := ticks(sidecar.Stamp{PTS: 1<<40 + 50, ClockRate: 1000}); got != (1<<40+50)*90 {
		t.Errorf("a clock of 1 kHz: got %d", got)
	}
}

func TestSlowViewersLoseTheirOwnPictures(t *testing.T) {
	q := newQueue(100, 5)
	q.put(moment{unit: unit("a", 0, false, 1)}) // not before a key picture
	for n := range 3 {
		q.put(moment{unit: unit("a", n, n == 0, 40)})
	}
	if m, ok := q.take(); ok {
		t.Errorf("got %v, want nothing: the third picture was too much", m.unit.PTS)
	}
	q.put(moment{scene: &sidecar.Scene{}})
	q.put(moment{unit: unit("a", 3, false, 1)})
	q.put(moment{unit: unit("a", 4, true, 500)}) // larger than all that may wait, and alone
	q.put(moment{scene: &sidecar.Scene{}})
	got := 0
	for m, ok := q.take(); ok; m, ok = q.take() {
		if got++; got == 1 && (m.unit == nil || !m.unit.Key) {
			t.Error("it does not go on with a key picture")
		}
	}
	if got != 2 || q.losses() != 5 {
		t.Errorf("%d moments, %d pictures lost, want 2 and 5", got, q.losses())
	}
}

func TestPicturesInAHurryKeepTheirOrder(t *testing.T) {
	var group []*sidecar.AccessUnit
	for n := range 50 {
		group = append(group, unit("a", n, n == 0, 1))
	}
	got := hurry(group)
	if got[49].PTS != group[49].PTS || got[48].PTS != got[49].PTS-90 || got[0].PTS != got[49].PTS-49*90 {
		t.Errorf("got %d, %d, %d", got[0].PTS, got[48].PTS, got[49].PTS)
	}
	if group[0].PTS != 5000 || len(hurry(nil)) != 0 {
		t.Error("the pictures themselves were changed")
	}
}

// slice begins as one of a type (H.264 clause 7.3.3) whose first macroblock is first.
func slice(kind byte, first, of int) []byte {
	buf, at := make([]byte, 16), 8
	buf[0] = kind
	for _, v := range []int{first, of} {
		n := 0
		for (v+1)>>(n+1) > 0 {
			n++
		}
		bits.WriteBitsUnsafe(buf, &at, 0, n)
		bits.WriteBitsUnsafe(buf, &at, uint64(v+1), n+1)
	}
	return buf
}

func TestBPicturesAreFound(t *testing.T) {
	for kind, want := range []bool{0: false, 1: true, 2: false, 5: false, 6: true, 7: false} {
		for _, first := range []int{0, 1, 119, 8159} {
			if got := isB(slice(1, first, kind)); got != want {
				t.Errorf("slice_type %d at %d: got %v", kind, first, got)
			}
		}
	}
	for _, broken := range [][]byte{nil, {1}, {1, 0}, {1, 0, 0, 0, 0, 0, 0}, {1, 0x80}} {
		if isB(broken) {
			t.Errorf("%x: got a B picture", broken)
		}
	}
}

func TestWhatTheCameraSendsDecidesWhoIsGivenIt(t *testing.T) {
	key := func(nalus ...[]byte) *sidecar.AccessUnit {
		u := unit("a", 0, true, 1)
		u.NALUs = nalus
		return u
	}
	delta := unit("a", 1, false, 1)
	delta.NALUs = [][]byte{slice(1, 0, 6)}
	var s stream
	if s.see(delta) || !errors.Is(s.refusal(), errNoPicture) {
		t.Errorf("before the first key picture: %v", s.refusal())
	}
	if !s.see(key([]byte{0x67, 77, 0, 31, 0xff})) || s.id.String() != "4d001f" || s.refusal() != nil {
		t.Errorf("got %s, %v", s.id, s.refusal())
	}
	if !s.see(delta) || s.refusal() == nil || !strings.Contains(s.refusal().Error(), "B pictures") {
		t.Errorf("after a B picture: %v", s.refusal())
	}
	if s.see(delta) {
		t.Error("the second B picture is news")
	}
	if !s.see(key([]byte{0x67, 66, 0, 31, 0xff})) || s.refusal() != nil {
		t.Errorf("with another parameter set: %v", s.refusal())
	}
	other := key(nil)
	other.Codec = sidecar.H265
	if !s.see(other) || !strings.Contains(s.refusal().Error(), "H.265") {
		t.Errorf("H.265: %v", s.refusal())
	}
}

// offerOf has one video with formats of H.264, each a list of parameters.
func offerOf(formats ...string) string {
	var kinds, lines []string
	for i, f := range formats {
		kinds = append(kinds, fmt.Sprint(96+i))
		lines = append(lines, fmt.Sprintf("a=rtpmap:%d H264/90000\r\na=fmtp:%d %s\r\n", 96+i, 96+i, f))
	}
	return "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF " + strings.Join(kinds, " ") +
		"\r\nc=IN IP4 0.0.0.0\r\na=candidate:1 1 udp 1 192.0.2.7 9 typ host\r\na=mid:0\r\na=recvonly\r\n" + strings.Join(lines, "")
}

func TestTheNearestProfileIsChosen(t *testing.T) {
	all := []string{"packetization-mode=1;profile-level-id=42001f", "packetization-mode=0;profile-level-id=42e01f", "packetization-mode=1;profile-level-id=4d001f",
		"level-asymmetry-allowed=1; packetization-mode=1; profile-level-id=64001f", "packetization-mode=1"}
	for _, c := range []struct {
		camera string
		offers []string
		every  bool
		kind   uint8 // 0: refused
		answer string
	}{
		{"42c028", all, false, 96, "420028"},
		{"4d0028", all, false, 98, "4d0028"},
		{"640028", all, false, 99, "640028"},
		{"640028", all[:3], false, 0, ""},
		{"6e0028", all, false, 100, "6e0028"}, // the last one says nothing of profiles
		{"4d0028", all[3:], false, 96, "640028"},
		{"420028", all[1:2], false, 0, ""},
		{"420028", nil, false, 0, ""},
		{"640028", all[:3], true, 98, "4d0028"},
		{"420028", all, true, 96, "420028"},
		{"640028", all[1:2], true, 0, ""},
	} {
		id, err := readProfileLevelID(c.camera)
		if err != nil {
			t.Fatal(err)
		}
		o, err := readOffer([]byte(offerOf(c.offers...)), id, c.every)
		if c.kind == 0 {
			if err == nil {
				t.Errorf("%s of %v: got %d, want a refusal", c.camera, c.offers, o.kind)
			}
			continue
		}
		if err != nil || o.kind != c.kind || !strings.HasSuffix(o.fmtp, "profile-level-id="+c.answer) {
			t.Errorf("%s of %v: got %d, %s, %v, want %d, %s", c.camera, c.offers, o.kind, o.fmtp, err, c.kind, c.answer)
		}
	}
}

// Whatever an offer is, what is left of it names one format and no address.
func FuzzOffer(f *testing.F) {
	f.Add(offerOf("packetization-mode=1;profile-level-id=42001f"))
	f.Add(offerOf("packetization-mode=1", "profile-level-id=zz;packetization-mode=1;;=;"))
	f.Add(strings.Replace(offerOf("packetization-mode=1"), "m=video", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5000\r\nm=audio 9 RTP/AVP 0\r\nm=video", 1))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		o, err := readOffer([]byte(text), profileLevelID{66, 0, 31}, false)
		if err != nil {
			return
		}
		var desc sdp.SessionDescription
		if err := desc.UnmarshalString(o.text); err != nil {
			t.Fatalf("what is left cannot be read: %v\n%s", err, o.text)
		}
		videos := 0
		for _, m := range desc.MediaDescriptions {
			if m.MediaName.Port.Value != 0 && m.MediaName.Media == "video" {
				videos++
				if !slices.Equal(m.MediaName.Formats, []string{fmt.Sprint(o.kind)}) {
					t.Errorf("formats %v", m.MediaName.Formats)
				}
			}
			for _, a := range append(m.Attributes, desc.Attributes...) {
				if strings.Contains(a.Key, "candidate") {
					t.Errorf("an address is left: %s", a)
				}
			}
		}
		if videos > 1 {
			t.Errorf("%d videos", videos)
		}
	})
}
