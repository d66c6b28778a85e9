package republish_test

import (
	"encoding/xml"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/pion/rtcp"

	"pantau/overlays/republish"
	"pantau/sidecar"
	"pantau/sidecar/decode"
	"pantau/sidecar/tap/taptest"
)

// digits is how many bars of a picture tell its number, in binary, the lowest first.
const digits = 8

// numberedClip has each picture's number in it. It begins anew after 256 pictures.
func numberedClip(t *testing.T) string {
	pattern := fmt.Sprintf("nullsrc=size=%dx64:rate=25,geq=lum='if(mod(floor(N/pow(2,floor(X/16))),2),220,30)':cb=128:cr=128", digits*16)
	return taptest.MakeClip(t, taptest.Spec{Width: digits * 16, Height: 64, Frames: 1 << digits, GOP: 10, Pattern: pattern})
}

// bars reads pictures' numbers.
type bars struct {
	decoder *decode.Decoder
	byTime  map[uint32]int // by RTP time
}

func newBars(t *testing.T) *bars {
	d, err := decode.New(decode.Options{Codec: sidecar.H264})
	if err != nil {
		t.Fatal(err)
	}
	return &bars{d, map[uint32]int{}}
}

// read takes the next picture in its order. The number may be that of an earlier one.
func (n *bars) read(u *sidecar.AccessUnit) (at sidecar.Stamp, number int, ok bool) {
	f, err := n.decoder.Decode(u)
	if err != nil || f == nil {
		return at, 0, false
	}
	defer f.Release()
	picture, err := f.Picture.YCbCr()
	if err != nil {
		return at, 0, false
	}
	for i := range digits {
		if picture.YCbCrAt(i*16+8, 32).Y > 128 {
			number |= 1 << i
		}
	}
	n.byTime[f.RTPTime] = number
	return f.Stamp, number, true
}

// joined counts the documents of a session whose UtcTime leads to the picture that
// bears the number of their box, by nothing but what a reader has: the sender reports
// and RTP times of the video.
func (r *reading) joined(t *testing.T) (exact, wrong, unsure int) {
	seen := newBars(t)
	defer seen.decoder.Close()
	packets := &rtph264.Decoder{PacketizationMode: 1}
	if err := packets.Init(); err != nil {
		t.Fatal(err)
	}
	whole := false // nothing is missing since the last key picture
	for i, p := range r.video {
		if i > 0 && p.SequenceNumber != r.video[i-1].SequenceNumber+1 {
			whole = false
		}
		if nalus, err := packets.Decode(p); err == nil {
			u := &sidecar.AccessUnit{Codec: sidecar.H264, NALUs: nalus, Stamp: sidecar.Stamp{PTS: int64(i), RTPTime: p.Timestamp, ClockRate: 90000}}
			for _, n := range nalus {
				u.Key = u.Key || n[0]&0x1F == 5
			}
			if whole = whole || u.Key; whole {
				seen.read(u)
			}
		}
	}
	for _, d := range r.documents {
		var s struct {
			Frame struct {
				Time   time.Time `xml:"UtcTime,attr"`
				Object *struct {
					ID int `xml:"ObjectId,attr"`
				} `xml:"Object"`
			} `xml:"VideoAnalytics>Frame"`
		}
		if err := xml.Unmarshal(d.xml, &s); err != nil {
			t.Fatal(err)
		}
		if s.Frame.Object == nil {
			continue // takes the boxes away
		}
		if d.report == nil {
			t.Fatal("a document came before the first report")
		}
		number, known := seen.byTime[rtpTimeOf(d.report, s.Frame.Time)]
		switch {
		case known && number+1 == s.Frame.Object.ID:
			exact++
		case known || len(seen.byTime) == 0:
			wrong++
		default:
			unsure++ // its picture came before the reader, or what it builds on was lost
		}
	}
	return exact, wrong, unsure
}

// rtpTimeOf maps UTC to RTP time by a sender report (RFC 3550 clause 6.4.1).
func rtpTimeOf(r *rtcp.SenderReport, utc time.Time) uint32 {
	since := utc.Sub(time.Unix(int64(r.NTPTime>>32)-2208988800, int64(r.NTPTime&0xFFFFFFFF*1e9>>32)))
	return r.RTPTime + uint32(int32(since.Seconds()*90000+0.5*sign(since)))
}

// TestNumbersMeet lets a reader join boxes with the pictures whose numbers they have:
// with inference that takes 20 to 400 ms, over the wrap of the RTP clock, and over
// reconnects. PANTAU_PICTURES says how many; PANTAU_GO2RTC names a program that is to
// stand between the camera and Pantau.
func TestNumbersMeet(t *testing.T) {
	t.Parallel()
	want := 120
	if n, err := strconv.Atoi(os.Getenv("PANTAU_PICTURES")); err == nil {
		want = n
	}
	st := &stand{}
	sight := newBars(t)
	t.Cleanup(sight.decoder.Close) // after the tap's end
	var due time.Time
	n := 0
	var between func(string) string
	if program := os.Getenv("PANTAU_GO2RTC"); program != "" {
		between = func(address string) string { return restream(t, program, address) }
	}
	st.start(t, republish.Options{Delay: 300 * time.Millisecond}, taptest.Options{Clip: numberedClip(t), StartRTP: 1<<32 - 3*90000}, between, func(u *sidecar.AccessUnit) {
		st.server.AccessUnit("cam", u)
		at, number, ok := sight.read(u)
		if !ok {
			return
		}
		s := &sidecar.Scene{Stamp: at, Camera: "cam", Tracks: []sidecar.Track{{ID: sidecar.TrackID(number + 1), Confirmed: true, Class: sidecar.Car, Box: sidecar.Box{Right: 1, Bottom: 1}}}}
		n++
		infer := 20 + time.Duration(n*7919%381) // ms
		if next := time.Now().Add(infer * time.Millisecond); next.After(due) {
			due = next // inference keeps the order
		}
		time.AfterFunc(time.Until(due), func() { st.server.Scene(s) })
	})
	exact, sessions := 0, 0
	for deadline := time.Now().Add(time.Duration(want) * 40 * time.Millisecond * 2).Add(limit); exact < want && time.Now().Before(deadline); sessions++ {
		var once sync.Once
		of := min(max(want/2, 60), want-exact)
		r := st.session(t, "cam", gortsplib.TransportTCP, func(r *reading) bool {
			if len(r.documents) > of {
				once.Do(func() {
					if exact+of < want {
						st.camera.Drop() // ends this session
					}
				})
			}
			return exact+of >= want && len(r.documents) > of+12
		})
		good, bad, unsure := r.joined(t)
		if exact += good; bad > 0 {
			t.Errorf("%d boxes are on other pictures, %d on theirs", bad, good)
		}
		t.Logf("session %d: %d documents, %d joined with their picture, %d of pictures that it cannot decode", sessions, len(r.documents), good, unsure)
	}
	if _, joined := st.server.Stats("cam"); exact < want || joined.Late == 0 {
		t.Errorf("%d pictures of %d have their box in %d sessions; %+v", exact, want, sessions, joined)
	}
}

// restream lets go2rtc stand before a camera, and gives its address.
func restream(t *testing.T, program, camera string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	file := filepath.Join(t.TempDir(), "go2rtc.yaml")
	settings := fmt.Sprintf("api: {listen: ''}\nwebrtc: {listen: ''}\nsrtp: {listen: ''}\nrtsp: {listen: '%s'}\nstreams: {cam: '%s'}\n", address, camera)
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, "-config", file)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	return "rtsp://" + address + "/cam"
}
