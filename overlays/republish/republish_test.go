package republish_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/xml"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"pantau/overlays/republish"
	"pantau/sidecar"
	"pantau/sidecar/tap"
	"pantau/sidecar/tap/taptest"
)

const user, password = "vms", "a-device-password"

// limit is how long a reader waits for what it wants.
const limit = 30 * time.Second

// stand is a camera, its tap and a server that gives it on.
type stand struct {
	server *republish.Server
	camera *taptest.Camera
	mu     sync.Mutex
	sent   map[uint32][][]byte // the camera's packets by RTP time
	number map[uint32]int      // of the picture, by RTP time
}

// newStand starts them. Every second picture gets a scene after `infer`, whose box
// tells the picture's number.
func newStand(t *testing.T, o republish.Options, startRTP uint32, infer time.Duration) *stand {
	t.Helper()
	st := &stand{sent: map[uint32][][]byte{}, number: map[uint32]int{}}
	n := 0
	st.start(t, o, taptest.Options{Clip: taptest.MakeClip(t, taptest.Spec{Frames: 100, GOP: 10}), StartRTP: startRTP}, nil, func(u *sidecar.AccessUnit) {
		st.mu.Lock()
		st.sent[u.RTPTime], st.number[u.RTPTime] = u.Packets, n
		st.mu.Unlock()
		st.server.AccessUnit("cam", u)
		if n%2 == 0 {
			left := float64(n%1000) / 2000
			s := &sidecar.Scene{Stamp: u.Stamp, Camera: "cam", Tracks: []sidecar.Track{{
				ID: 7, Confirmed: true, Class: sidecar.Motorcycle, Score: 0.9, Box: sidecar.Box{Left: left, Top: 0.2, Right: left + 0.1, Bottom: 0.4}}}}
			time.AfterFunc(infer, func() { st.server.Scene(s) })
		}
		n++
	})
	return st
}

// start starts a camera, what stands between (nil: nothing), the tap and the server,
// until the test ends. seen gets the tap's pictures.
func (st *stand) start(t *testing.T, o republish.Options, c taptest.Options, between func(address string) string, seen func(*sidecar.AccessUnit)) {
	t.Helper()
	var err error
	if st.camera, err = taptest.New(c); err != nil {
		t.Fatal(err)
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	o.Passwords = func(_ context.Context, name string) ([]sidecar.Secret, error) {
		if name != user {
			return nil, nil
		}
		return []sidecar.Secret{sidecar.NewSecret("another"), sidecar.NewSecret(password)}, nil
	}
	if st.server, err = republish.New(o); err != nil {
		t.Fatal(err)
	}
	st.server.Camera(sidecar.Camera{ID: "cam"})
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = st.camera.Run(ctx) })
	wg.Go(func() { _ = st.server.Run(ctx) })
	t.Cleanup(func() { stop(); wg.Wait() })
	address := st.camera.URL()
	if between != nil {
		address = between(address)
	}
	tapped := tap.New(tap.Options{Source: sidecar.Source{RTSP: address}, Packets: true, Backoff: tap.Backoff{Min: 100 * time.Millisecond, Max: time.Second}})
	wg.Go(func() { _ = tapped.Run(ctx, seen) })
}

func (st *stand) url(path string) string {
	return fmt.Sprintf("rtsp://%s:%s@%s/%s", user, password, st.server.Addr(), path)
}

// documents are what a reader got of both tracks.
type reading struct {
	mu        sync.Mutex
	video     []*rtp.Packet
	documents []document
	reports   []*rtcp.SenderReport
}

type document struct {
	rtpTime uint32
	xml     []byte
	report  *rtcp.SenderReport // of the video, the newest when it came
}

// read plays a path until enough has come.
func (st *stand) read(t *testing.T, path string, enough func(*reading) bool) *reading {
	t.Helper()
	r := st.session(t, path, gortsplib.TransportTCP, enough)
	if !enough(r) {
		t.Error("not enough came")
	}
	return r
}

// session plays a path until enough has come, the server ends it, or its time is over.
func (st *stand) session(t *testing.T, path string, transport gortsplib.Transport, enough func(*reading) bool) *reading {
	t.Helper()
	address, err := base.ParseURL(st.url(path))
	if err != nil {
		t.Fatal(err)
	}
	client := &gortsplib.Client{Scheme: address.Scheme, Host: address.Host, Transport: &transport}
	if err := client.Start2(); err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var desc *description.Session
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if desc, _, err = client.Describe(address); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	if err := client.SetupAll(desc.BaseURL, desc.Medias); err != nil {
		t.Fatal(err)
	}
	r := &reading{}
	done := make(chan struct{})
	var once sync.Once
	var part []byte
	for _, m := range desc.Medias {
		video := m.Type == description.MediaTypeVideo
		client.OnPacketRTP(m, m.Formats[0], func(p *rtp.Packet) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if video {
				r.video = append(r.video, p.Clone())
			} else if part = append(part, p.Payload...); p.Marker {
				d := document{rtpTime: p.Timestamp, xml: part}
				if len(r.reports) > 0 {
					d.report = r.reports[len(r.reports)-1]
				}
				r.documents, part = append(r.documents, d), nil
			}
			if enough(r) {
				once.Do(func() { close(done) })
			}
		})
		client.OnPacketRTCP(m, func(p rtcp.Packet) {
			if sr, ok := p.(*rtcp.SenderReport); ok && video {
				r.mu.Lock()
				defer r.mu.Unlock()
				r.reports = append(r.reports, sr)
			}
		})
	}
	if _, err := client.Play(nil); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { // until Close, or the server's end
		defer close(ended)
		_ = client.Wait()
	}()
	select {
	case <-done:
	case <-ended:
	case <-time.After(limit):
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return &reading{video: r.video, documents: r.documents, reports: r.reports}
}

// scene is what the documents say.
type scene struct {
	Frames []struct {
		Time    string `xml:"UtcTime,attr"`
		Objects []struct {
			Box struct {
				Left float64 `xml:"left,attr"`
			} `xml:"Appearance>Shape>BoundingBox"`
		} `xml:"Object"`
	} `xml:"VideoAnalytics>Frame"`
}

func TestEachSceneIsOfItsPicture(t *testing.T) {
	st := newStand(t, republish.Options{Delay: 300 * time.Millisecond}, 1<<32-90000, 120*time.Millisecond) // the RTP clock wraps after a second
	r := st.read(t, "cam", func(r *reading) bool { return len(r.documents) >= 40 })
	st.mu.Lock()
	defer st.mu.Unlock()
	exact := 0
	for _, d := range r.documents {
		var s scene
		if err := xml.Unmarshal(d.xml, &s); err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339Nano, s.Frames[0].Time)
		if err != nil || d.report == nil {
			t.Fatalf("time %v, report %v", err, d.report)
		}
		// By UTC through the report to RTP time, as a reader does.
		reported := time.Unix(int64(d.report.NTPTime>>32)-2208988800, int64(d.report.NTPTime&0xFFFFFFFF*1e9>>32))
		rtpTime := d.report.RTPTime + uint32(int32(at.Sub(reported).Seconds()*90000+0.5*sign(at.Sub(reported))))
		if diff := int32(rtpTime - d.rtpTime); diff > 1 || diff < -1 {
			t.Errorf("UtcTime %s is RTP time %d, and the document's is %d", s.Frames[0].Time, rtpTime, d.rtpTime)
		}
		n, known := st.number[d.rtpTime]
		if !known {
			t.Fatalf("no picture at RTP time %d", d.rtpTime)
		}
		if len(s.Frames[0].Objects) == 0 {
			continue // it came too late for its scene: the first ones of a reader
		}
		if got := int((s.Frames[0].Objects[0].Box.Left+1)/2*2000 + 0.5); got != n%1000 {
			t.Errorf("the box is of picture %d, the time of %d", got, n)
		}
		exact++
	}
	if exact < 38 {
		t.Errorf("%d documents of %d have their box", exact, len(r.documents))
	}
	// The camera's packets, byte for byte but for the SSRC.
	whole := 0
	byTime := map[uint32][]*rtp.Packet{}
	for _, p := range r.video {
		byTime[p.Timestamp] = append(byTime[p.Timestamp], p)
	}
	for at, got := range byTime {
		want := st.sent[at]
		if len(got) != len(want) { // the picture that was under way when the reader left
			continue
		}
		whole++
		for i, p := range got {
			var w rtp.Packet
			if err := w.Unmarshal(want[i]); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(p.Payload, w.Payload) || p.SequenceNumber != w.SequenceNumber || p.Marker != w.Marker || p.PayloadType != w.PayloadType {
				t.Fatalf("packet %d of RTP time %d is another one", i, at)
			}
		}
	}
	if whole < len(byTime)-1 || whole < 70 {
		t.Errorf("%d of %d pictures are whole", whole, len(byTime))
	}
	if readers, s := st.server.Stats("cam"); readers > 1 || s.Late > 2 {
		t.Errorf("%d readers, %+v", readers, s)
	}
}

func sign(d time.Duration) float64 {
	if d < 0 {
		return -1
	}
	return 1
}

func TestVideoAlone(t *testing.T) {
	st := newStand(t, republish.Options{Delay: 50 * time.Millisecond}, 0, time.Millisecond)
	r := st.read(t, "cam/video", func(r *reading) bool { return len(r.video) > 50 })
	if len(r.documents) > 0 || len(r.video) < 50 || len(r.reports) == 0 {
		t.Errorf("%d documents, %d packets, %d reports", len(r.documents), len(r.video), len(r.reports))
	}
}

func TestNobodyComesInWithoutPassword(t *testing.T) {
	st := newStand(t, republish.Options{}, 0, time.Millisecond)
	st.read(t, "cam", func(r *reading) bool { return len(r.video) > 0 })
	for name, want := range map[string]string{
		"rtsp://" + st.server.Addr() + "/cam":                           "401",
		"rtsp://vms:wrong@" + st.server.Addr() + "/cam":                 "401",
		"rtsp://somebody:" + password + "@" + st.server.Addr() + "/cam": "401",
		"rtsp://nobody:@" + st.server.Addr() + "/cam":                   "401",
		st.url("nothing"):   "404",
		st.url("cam/other"): "404",
		"rtsp://vms:" + password + "@" + st.server.Addr() + "/../cam/../": "404",
	} {
		err := refusal(t, name)
		if err == nil || !strings.Contains(err.Error(), want) && !strings.Contains(err.Error(), "EOF") && !strings.Contains(err.Error(), "authentication") {
			t.Errorf("%s: %v, want %s", strings.ReplaceAll(name, password, "…"), err, want)
		}
	}
}

func TestMasksAreNotUndone(t *testing.T) {
	st := newStand(t, republish.Options{}, 0, time.Millisecond)
	st.read(t, "cam", func(r *reading) bool { return len(r.video) > 0 })
	st.server.Camera(sidecar.Camera{ID: "cam", Analyse: sidecar.Analyse{Mask: []sidecar.Polygon{{{0, 0}, {1, 0}, {1, 1}}}}})
	if err := refusal(t, st.url("cam")); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("a camera with masks is given: %v", err)
	}
}

// TestFFmpegPlays asks a reader that half of the world uses.
func TestFFmpegPlays(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("no ffmpeg")
	}
	st := newStand(t, republish.Options{Delay: 200 * time.Millisecond}, 1<<32-90000, 50*time.Millisecond)
	st.read(t, "cam", func(r *reading) bool { return len(r.video) > 0 })
	out, err := exec.Command(ffmpeg, "-hide_banner", "-loglevel", "warning", "-rtsp_transport", "tcp", "-i", st.url("cam/video"),
		"-t", "4", "-an", "-f", "null", "-").CombinedOutput()
	if text := strings.TrimSpace(string(out)); err != nil || text != "" {
		t.Errorf("%v: %s", err, text)
	}
	out, err = exec.Command(ffmpeg, "-hide_banner", "-loglevel", "error", "-rtsp_transport", "tcp", "-i", st.url("cam"),
		"-t", "3", "-map", "0:d", "-c", "copy", "-f", "data", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	d, n := xml.NewDecoder(bytes.NewReader(out)), 0
	for {
		var s scene
		if d.Decode(&s) != nil {
			break
		}
		n++
	}
	if n < 20 {
		t.Errorf("ffmpeg read %d documents in %d bytes", n, len(out))
	}
}

// TestOtherTransports asks the same reader over UDP and over TLS.
func TestOtherTransports(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("no ffmpeg")
	}
	identity, err := taptest.SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	secure := freePort(t, 1)
	st := newStand(t, republish.Options{Delay: 200 * time.Millisecond, Listen: freePort(t, 4), ListenTLS: secure,
		Certificate: &tls.Config{Certificates: []tls.Certificate{*identity}}}, 0, 50*time.Millisecond)
	st.read(t, "cam", func(r *reading) bool { return len(r.video) > 0 })
	for name, c := range map[string]struct{ transport, address string }{
		"UDP": {"udp", st.url("cam")}, "TLS": {"tcp", strings.Replace(strings.Replace(st.url("cam"), "rtsp:", "rtsps:", 1), st.server.Addr(), secure, 1)},
	} {
		out, err := exec.Command(ffmpeg, "-hide_banner", "-loglevel", "error", "-rtsp_transport", c.transport, "-i", c.address,
			"-t", "3", "-map", "0:d", "-c", "copy", "-f", "data", "-").Output()
		if n := bytes.Count(out, []byte("</tt:MetadataStream>")); err != nil || n < 20 {
			t.Errorf("%s: %v, %d documents", name, err, n)
		}
	}
}

// freePort is a port of 127.0.0.1 that is free, as are some UDP ports after it.
func freePort(t *testing.T, udp int) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		_ = l.Close()
		free := true
		for i := 2; free && i < 3+udp; i++ {
			c, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", port+i))
			if free = err == nil; free {
				_ = c.Close()
			}
		}
		if free {
			return fmt.Sprintf("127.0.0.1:%d", port)
		}
	}
	t.Fatal("no free ports")
	return ""
}
