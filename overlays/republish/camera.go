package republish

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph265"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpmjpeg"
	"github.com/pion/rtp"

	"pantau/onvif/metadata"
	"pantau/overlays"
	"pantau/sidecar"
)

// Why a camera's stream is not given.
var (
	errMasked  = errors.New("the camera has masks, and its own packets would show what they hide")
	errNoVideo = errors.New("no picture has come yet")
)

// heartbeat is how long readers wait for a document at most: an empty one takes the
// boxes away (ONVIF Analytics 5.4).
const heartbeat = time.Second

// camera is one camera's way from its packets to its readers.
type camera struct {
	id     string
	server *Server
	joiner *overlays.Joiner
	stop   context.CancelFunc
	done   chan struct{}

	mu     sync.Mutex
	masked bool
	ways   map[place]*way
	format format.Format // of the epoch; nil before its first key picture
	epoch  string
	events []sidecar.Event // of scenes that have not been written

	// of the goroutine that writes
	writing string                                           // the epoch
	encode  func(*sidecar.AccessUnit) ([]*rtp.Packet, error) // nil: the camera's own packets
	line    timeline
	counts  map[string]int
	written time.Time // UTC of the last document
}

// place is where a stream is found.
type place struct {
	door *door
	path string
}

func newCamera(s *Server, id string) *camera {
	ctx, stop := context.WithCancel(context.Background())
	c := &camera{id: id, server: s, stop: stop, done: make(chan struct{}), ways: map[place]*way{}, counts: map[string]int{}}
	c.joiner = overlays.NewJoiner(overlays.Options{Delay: s.o.Delay}, c.write)
	go func() {
		defer close(c.done)
		c.joiner.Run(ctx)
	}()
	return c
}

func (c *camera) configure(cam sidecar.Camera, unmasked bool) {
	c.mu.Lock()
	c.masked = len(cam.Analyse.Mask) > 0 && !unmasked
	masked := c.masked
	c.mu.Unlock()
	if masked {
		c.part()
	}
}

// remove ends everything.
func (c *camera) remove() {
	c.stop()
	<-c.done
	c.part()
}

// part closes all streams: their readers are let go.
func (c *camera) part() {
	c.mu.Lock()
	ways := c.ways
	c.ways = map[place]*way{}
	c.mu.Unlock()
	for _, w := range ways {
		w.rtsp.Close()
	}
}

// accessUnit learns what the camera sends, and lets the picture wait for its scene
// where anybody watches.
func (c *camera) accessUnit(u *sidecar.AccessUnit) {
	if u.Key {
		c.learn(u)
	}
	c.mu.Lock()
	watched := c.epoch == u.Epoch && c.watched() > 0
	c.mu.Unlock()
	if watched {
		c.joiner.AccessUnit(u)
	}
}

// watched is how many readers there are. The caller holds mu.
func (c *camera) watched() (n int) {
	for _, w := range c.ways {
		n += int(w.reading.Load())
	}
	return n
}

func (c *camera) stats() (int, overlays.Stats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.watched(), c.joiner.Stats()
}

// learn takes the format of an epoch from its first key picture.
func (c *camera) learn(u *sidecar.AccessUnit) {
	f := formatOf(u)
	c.mu.Lock()
	if u.Epoch == c.epoch && (c.format == nil || same(c.format, f)) {
		c.mu.Unlock()
		return
	}
	c.epoch, c.format = u.Epoch, f
	c.mu.Unlock()
	c.part()
}

func (c *camera) scene(s *sidecar.Scene) {
	c.mu.Lock()
	watched := c.watched() > 0
	c.mu.Unlock()
	if watched {
		c.joiner.Scene(s)
	}
}

// maxEvents is how many events wait for their document.
const maxEvents = 1000

func (c *camera) happened(events []sidecar.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.watched() > 0 && len(c.events) < maxEvents {
		c.events = append(c.events, events...)
	}
}

// way gives the stream of a path at a door, and makes it for its first reader.
func (c *camera) way(d *door, path string) (*way, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.masked:
		return nil, errMasked
	case c.format == nil:
		return nil, errNoVideo
	}
	at := place{d, path}
	w := c.ways[at]
	if w == nil {
		var err error
		if w, err = newWay(d, c.format, path == ""); err != nil {
			return nil, err
		}
		c.ways[at] = w
	}
	return w, nil
}

// write gives a picture, its scene, or both, to all who read.
func (c *camera) write(u *sidecar.AccessUnit, s *sidecar.Scene) {
	c.mu.Lock()
	ways := make([]*way, 0, len(c.ways))
	for _, w := range c.ways {
		if w.reading.Load() > 0 {
			ways = append(ways, w)
		}
	}
	epoch := c.epoch
	c.mu.Unlock()
	if len(ways) == 0 || u != nil && u.Epoch != epoch || s != nil && s.Epoch != epoch {
		return
	}
	if epoch != c.writing {
		c.writing, c.encode = epoch, nil
	}
	if u != nil {
		utc, changed := c.line.at(u.Stamp)
		packets := c.packets(u)
		for _, w := range ways {
			w.report(utc, u.RTPTime, changed)
			w.picture(packets)
		}
		if s == nil && utc.Sub(c.written) >= heartbeat {
			c.document(ways, metadata.Frame{Time: utc, Source: source}, u.RTPTime)
		}
	}
	if s != nil {
		utc, _ := c.line.at(s.Stamp)
		c.document(ways, frame(s, utc), s.RTPTime)
	}
}

// document writes a frame and the events that wait.
func (c *camera) document(ways []*way, f metadata.Frame, rtpTime uint32) {
	c.written = f.Time
	c.mu.Lock()
	events := c.events
	c.events = nil
	c.mu.Unlock()
	doc := metadata.Stream{Frames: []metadata.Frame{f}, Events: notifications(c.id, events, c.counts)}
	var xml []byte
	for _, w := range ways {
		if w.metadata == nil {
			continue
		}
		if xml == nil {
			xml = doc.AppendXML(nil)
		}
		w.document(xml, rtpTime)
	}
}

// packets are those of a picture: the camera's own, or ones of ours where it sent none
// (a file) or such as do not go through a network (RFC 7826 lets them be larger in TCP).
func (c *camera) packets(u *sidecar.AccessUnit) []*rtp.Packet {
	if own := parse(u.Packets); own != nil && c.encode == nil {
		return own
	}
	if c.encode == nil {
		c.mu.Lock()
		c.encode = encoder(u.Codec, c.format.PayloadType())
		c.mu.Unlock()
	}
	packets, err := c.encode(u)
	if err != nil {
		return nil
	}
	for _, p := range packets {
		p.Timestamp = u.RTPTime
	}
	return packets
}

// largest is what an RTP packet may have, bytes: what goes through Ethernet over UDP.
const largest = 1472

// sendable says whether there are packets, and all of them can be sent on.
func sendable(raw [][]byte) bool {
	return len(raw) > 0 && !slices.ContainsFunc(raw, func(b []byte) bool { return len(b) < 12 || len(b) > largest })
}

// parse reads packets; nil where they cannot be sent on.
func parse(raw [][]byte) []*rtp.Packet {
	if !sendable(raw) {
		return nil
	}
	packets := make([]*rtp.Packet, len(raw))
	for i, b := range raw {
		packets[i] = new(rtp.Packet)
		if packets[i].Unmarshal(b) != nil {
			return nil
		}
	}
	return packets
}

// formatOf describes what a key picture is of.
func formatOf(u *sidecar.AccessUnit) format.Format {
	kind := uint8(96)
	if sendable(u.Packets) {
		kind = u.Packets[0][1] & 0x7F // RFC 3550 clause 5.1
	}
	sets := map[byte][]byte{}
	for _, n := range u.NALUs {
		if u.Codec == sidecar.H264 && len(n) > 0 {
			sets[n[0]&0x1F] = n
		} else if u.Codec == sidecar.H265 && len(n) > 1 {
			sets[n[0]>>1&0x3F] = n
		}
	}
	switch u.Codec {
	case sidecar.H264:
		return &format.H264{PayloadTyp: kind, PacketizationMode: 1, SPS: sets[7], PPS: sets[8]}
	case sidecar.H265:
		return &format.H265{PayloadTyp: kind, VPS: sets[32], SPS: sets[33], PPS: sets[34]}
	default:
		return &format.MJPEG{}
	}
}

// same says whether readers of one format can go on with the other.
func same(a, b format.Format) bool {
	switch x := a.(type) {
	case *format.H264:
		y, ok := b.(*format.H264)
		return ok && x.PayloadTyp == y.PayloadTyp && bytes.Equal(x.SPS, y.SPS)
	case *format.H265:
		y, ok := b.(*format.H265)
		return ok && x.PayloadTyp == y.PayloadTyp && bytes.Equal(x.SPS, y.SPS)
	}
	_, ok := b.(*format.MJPEG)
	return ok
}

// encoder makes packets of a codec's pictures (RFC 6184, 7798, 2435).
func encoder(codec sidecar.Codec, kind uint8) func(*sidecar.AccessUnit) ([]*rtp.Packet, error) {
	var encode func([][]byte) ([]*rtp.Packet, error)
	var err error
	switch codec {
	case sidecar.H264:
		e := &rtph264.Encoder{PayloadType: kind, PacketizationMode: 1, PayloadMaxSize: payloadSize}
		err, encode = e.Init(), e.Encode
	case sidecar.H265:
		e := &rtph265.Encoder{PayloadType: kind, PayloadMaxSize: payloadSize}
		err, encode = e.Init(), e.Encode
	default:
		e := &rtpmjpeg.Encoder{PayloadMaxSize: payloadSize}
		err, encode = e.Init(), func(pictures [][]byte) ([]*rtp.Packet, error) { return e.Encode(pictures[0]) }
	}
	return func(u *sidecar.AccessUnit) ([]*rtp.Packet, error) {
		if err != nil {
			return nil, err
		}
		return encode(u.NALUs)
	}
}

// timeline gives pictures their UTC such that it is exactly linear in RTP time, as
// readers compute it from sender reports. It is laid anew where the capture times have
// gone their own way.
type timeline struct {
	from sidecar.Stamp
}

// astray is how far a capture time may be from the line.
const astray = 100 * time.Millisecond

// at gives a picture's UTC, and whether the line was laid anew for it.
func (l *timeline) at(s sidecar.Stamp) (utc time.Time, changed bool) {
	if l.from.Epoch == s.Epoch {
		utc = l.from.Capture.Add(s.Media() - l.from.Media())
		if s.Capture.Sub(utc).Abs() <= astray {
			return utc, false
		}
	}
	l.from = s
	return s.Capture, true
}
