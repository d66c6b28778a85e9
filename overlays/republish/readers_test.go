package republish_test

import (
	"crypto/tls"
	"encoding/xml"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/pion/rtp"

	"pantau/overlays/republish"
	"pantau/sidecar"
	"pantau/sidecar/tap/taptest"
)

// connect describes an address, and sets nothing up. The reader ends with the test.
func connect(t *testing.T, raw string, transport gortsplib.Transport) (*gortsplib.Client, *description.Session) {
	t.Helper()
	address, err := base.ParseURL(raw)
	if err != nil {
		t.Fatal(err)
	}
	c := &gortsplib.Client{Scheme: address.Scheme, Host: address.Host, Transport: &transport, TLSConfig: &tls.Config{InsecureSkipVerify: true}}
	if err := c.Start2(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	for deadline := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		desc, _, err := c.Describe(address)
		if err == nil {
			return c, desc
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// refusal gives the error of describing an address once.
func refusal(t *testing.T, raw string) error {
	t.Helper()
	address, err := base.ParseURL(raw)
	if err != nil {
		t.Fatal(err)
	}
	c := &gortsplib.Client{Scheme: address.Scheme, Host: address.Host}
	if err := c.Start2(); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _, err = c.Describe(address)
	return err
}

// watch plays the video of an address.
func watch(t *testing.T, raw string, transport gortsplib.Transport, got func(*rtp.Packet)) *gortsplib.Client {
	t.Helper()
	c, desc := connect(t, raw, transport)
	if err := c.SetupAll(desc.BaseURL, desc.Medias); err != nil {
		t.Fatal(err)
	}
	c.OnPacketRTP(desc.Medias[0], desc.Medias[0].Formats[0], got)
	if _, err := c.Play(nil); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestPacketsAreTheCameras holds what comes through Pantau against what another reader
// gets of the camera itself.
func TestPacketsAreTheCameras(t *testing.T) {
	t.Parallel()
	st := newStand(t, republish.Options{Delay: 100 * time.Millisecond}, 1<<32-90000, time.Millisecond)
	const enough = 120
	var through, direct packetList
	watch(t, st.url("cam"), gortsplib.TransportTCP, through.add)
	watch(t, st.camera.URL(), gortsplib.TransportTCP, direct.add)
	first := through.wait(t, enough)
	all := map[uint16]string{}
	for _, p := range direct.wait(t, enough) {
		all[p.SequenceNumber] = bytesOf(t, p)
	}
	same := 0
	for _, p := range first {
		if want, known := all[p.SequenceNumber]; known {
			if same++; bytesOf(t, p) != want {
				t.Fatalf("packet %d is another one", p.SequenceNumber)
			}
		}
	}
	if same < enough/2 {
		t.Errorf("%d packets to compare", same)
	}
}

// bytesOf is a packet without its SSRC, which is each session's own.
func bytesOf(t *testing.T, p *rtp.Packet) string {
	t.Helper()
	q := *p
	q.SSRC = 0
	raw, err := q.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// packetList collects packets.
type packetList struct {
	n    atomic.Int64
	all  [2048]*rtp.Packet
	lost atomic.Int64 // by their sequence numbers
}

func (l *packetList) add(p *rtp.Packet) {
	n := l.n.Load()
	if n == int64(len(l.all)) {
		return
	}
	if n > 0 {
		l.lost.Add(int64(p.SequenceNumber - l.all[n-1].SequenceNumber - 1))
	}
	l.all[n] = p.Clone()
	l.n.Store(n + 1)
}

func (l *packetList) wait(t *testing.T, n int64) []*rtp.Packet {
	t.Helper()
	for deadline := time.Now().Add(limit); l.n.Load() < n; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d packets came, %d were wanted", l.n.Load(), n)
		}
	}
	return l.all[:l.n.Load()]
}

// TestASlowReaderLosesOnlyItsOwn lets a reader stop reading until what waits for it is
// full. The other one must not notice, and the camera has one reader.
func TestASlowReaderLosesOnlyItsOwn(t *testing.T) {
	st := &stand{}
	clip := taptest.MakeClip(t, taptest.Spec{Frames: 50, GOP: 10, Pattern: "nullsrc=size=320x240:rate=25,noise=alls=50:allf=t"})
	st.start(t, republish.Options{Delay: 20 * time.Millisecond}, taptest.Options{Clip: clip}, nil, func(u *sidecar.AccessUnit) { st.server.AccessUnit("cam", u) })
	var slow, quick packetList
	asleep, awake := make(chan struct{}), make(chan struct{})
	c, desc := connect(t, st.url("cam/video"), gortsplib.TransportTCP)
	var lost atomic.Uint64
	c.OnPacketsLost = func(n uint64) { lost.Add(n) }
	if err := c.SetupAll(desc.BaseURL, desc.Medias); err != nil {
		t.Fatal(err)
	}
	c.OnPacketRTP(desc.Medias[0], desc.Medias[0].Formats[0], func(p *rtp.Packet) {
		if slow.n.Load() == 0 {
			close(asleep)
			<-awake
		}
		slow.add(p)
	})
	if _, err := c.Play(nil); err != nil {
		t.Fatal(err)
	}
	<-asleep
	watch(t, st.url("cam/video"), gortsplib.TransportTCP, quick.add)
	quick.wait(t, int64(len(quick.all)))
	if n, _ := st.server.Stats("cam"); n != 2 || st.camera.Readers() != 1 {
		t.Errorf("%d readers, and the camera has %d", n, st.camera.Readers())
	}
	close(awake)
	for deadline := time.Now().Add(limit); lost.Load() == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the slow reader lost nothing in %d packets", slow.n.Load())
		}
	}
	if n := quick.lost.Load(); n != 0 {
		t.Errorf("the quick reader lost %d packets", n)
	}
}

// TestEncryptionBeginsAnew leaves a stream over RTSPS and comes back. What counts the
// wraps of sequence numbers for SRTP has missed some meanwhile, so that it must be
// another stream; over RTSP it is the same.
func TestEncryptionBeginsAnew(t *testing.T) {
	identity, err := taptest.SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	secure := freePort(t, 0)
	st := newStand(t, republish.Options{Delay: 20 * time.Millisecond, ListenTLS: secure, Certificate: &tls.Config{Certificates: []tls.Certificate{*identity}}}, 0, time.Millisecond)
	for raw, same := range map[string]bool{
		st.url("cam/video"): true,
		strings.Replace(strings.Replace(st.url("cam/video"), "rtsp:", "rtsps:", 1), st.server.Addr(), secure, 1): false,
	} {
		var ssrc [2]uint32
		for i := range ssrc {
			var all packetList
			c := watch(t, raw, gortsplib.TransportTCP, all.add)
			ssrc[i] = all.wait(t, 20)[0].SSRC
			c.Close()
			for deadline := time.Now().Add(limit); ; time.Sleep(10 * time.Millisecond) {
				if n, _ := st.server.Stats("cam"); n == 0 {
					break
				} else if time.Now().After(deadline) {
					t.Fatalf("%d readers", n)
				}
			}
		}
		if (ssrc[0] == ssrc[1]) != same {
			t.Errorf("the second reader has the first one's stream: %v, want %v", !same, same)
		}
	}
}

// TestMulticast lets readers join the groups, in a network of their own: two of the video,
// and one of the metadata too, whose documents are those of the pictures.
func TestMulticast(t *testing.T) {
	t.Parallel()
	const inside = "PANTAU_INSIDE_NETWORK"
	if os.Getenv(inside) == "" {
		c := exec.Command("unshare", "--net", "sh", "-c", "ip link set lo up && ip link add net0 type veth peer name net1 && ip link set net1 up && ip address add 10.9.9.1/24 dev net0 && ip link set net0 up multicast on && exec \"$0\" -test.run '^TestMulticast$' -test.v", os.Args[0])
		c.Env = append(os.Environ(), inside+"=1")
		out, err := c.CombinedOutput()
		switch text := string(out); {
		case strings.Contains(text, "--- PASS: TestMulticast"):
		case !strings.Contains(text, "=== RUN"):
			t.Skipf("no network of its own, which needs root, unshare and ip: %v %s", err, strings.TrimSpace(text))
		default:
			t.Errorf("%v\n%s", err, text)
		}
		return
	}
	st := newStand(t, republish.Options{Delay: 100 * time.Millisecond, Listen: "10.9.9.1:8554", Multicast: "239.255.77.0/24"}, 1<<32-90000, 20*time.Millisecond)
	var a, b packetList
	watch(t, st.url("cam"), gortsplib.TransportUDPMulticast, a.add)
	watch(t, st.url("cam"), gortsplib.TransportUDPMulticast, b.add)
	a.wait(t, 60)
	b.wait(t, 60)
	if n, _ := st.server.Stats("cam"); n != 2 || a.lost.Load()+b.lost.Load() > 0 {
		t.Errorf("%d readers lost %d and %d packets", n, a.lost.Load(), b.lost.Load())
	}
	st.read(t, "cam", func(r *reading) bool { return len(r.documents) > 5 }) // over TCP, beside them
	r := st.session(t, "cam", gortsplib.TransportUDPMulticast, func(r *reading) bool { return len(r.documents) >= 20 })
	st.mu.Lock()
	defer st.mu.Unlock()
	exact := 0
	for _, d := range r.documents {
		var s scene
		n, known := st.number[d.rtpTime]
		if err := xml.Unmarshal(d.xml, &s); err != nil || !known {
			t.Fatalf("a document at RTP time %d (%v), %v: %s", d.rtpTime, known, err, d.xml)
		}
		if len(s.Frames) != 1 || len(s.Frames[0].Objects) != 1 {
			continue // it came too late for its scene
		}
		if got := int((s.Frames[0].Objects[0].Box.Left+1)/2*2000 + 0.5); got != n%1000 {
			t.Errorf("the box is of picture %d, the time of %d", got, n)
		}
		exact++
	}
	if len(r.documents) < 20 || exact < 15 {
		t.Errorf("%d documents came by multicast, %d with their box", len(r.documents), exact)
	}
}
