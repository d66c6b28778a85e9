package republish

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtp"

	"pantau/onvif/metadata"
	"pantau/overlays"
	"pantau/overlays/notify"
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
	burnt  *overlay // nil: without
	stop   context.CancelFunc
	done   chan struct{}

	mu     sync.Mutex
	masked bool
	masks  []sidecar.Polygon
	ways   map[place]*way
	format format.Format // of the epoch; nil before its first key picture
	epoch  string
	teller *notify.Teller
	events []metadata.Notification // of scenes that have not been written

	// of the goroutine that writes, anew with each epoch
	writing string // the epoch
	packers map[*door]*packer
	line    timeline
	order   order
	written time.Duration // media time of the newest picture when there was a document last
}

// place is where a stream is found.
type place struct {
	door *door
	path string
}

func newCamera(s *Server, id string) *camera {
	ctx, stop := context.WithCancel(context.Background())
	c := &camera{id: id, server: s, stop: stop, done: make(chan struct{}), ways: map[place]*way{}, teller: notify.New(id)}
	if s.o.Overlay.Decoder != nil {
		c.burnt = newOverlay(s.o.Overlay)
	}
	c.joiner = overlays.NewJoiner(overlays.Options{Delay: s.o.Delay}, c.write)
	go func() {
		defer close(c.done)
		c.joiner.Run(ctx)
	}()
	return c
}

func (c *camera) configure(cam sidecar.Camera, unmasked bool) {
	if c.burnt != nil {
		c.burnt.burner.Camera(cam)
	}
	c.mu.Lock()
	changed := !reflect.DeepEqual(c.masks, cam.Analyse.Mask)
	c.masks = cam.Analyse.Mask
	c.masked = len(cam.Analyse.Mask) > 0 && !unmasked
	c.teller.Keep(cam.Functions)
	masked := c.masked
	c.mu.Unlock()
	if masked {
		c.part()
	}
	if changed && c.burnt != nil { // what is decoded now has the old masks
		c.burnt.part()
	}
}

// remove ends everything.
func (c *camera) remove() {
	c.stop()
	<-c.done
	c.part()
	if c.burnt != nil {
		c.burnt.remove()
	}
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
	if c.burnt != nil {
		c.burnt.burner.AccessUnit(u)
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
	if c.burnt != nil {
		c.burnt.part()
	}
}

func (c *camera) scene(s *sidecar.Scene) {
	if c.burnt != nil {
		c.burnt.burner.Scene(s)
	}
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
	told := c.teller.Tell(events)
	switch {
	case c.watched() == 0:
		c.events = nil
	case len(c.events) < maxEvents:
		c.events = append(c.events, told...)
	}
}

// way gives the stream of a path at a door, and makes it for its first reader.
func (c *camera) way(d *door, path string) (*way, error) {
	if path == overlayPath {
		return c.burnt.way(d)
	}
	var spent *way
	defer func() {
		if spent != nil {
			spent.rtsp.Close()
		}
	}()
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
	if w != nil && w.spent() {
		w, spent = nil, w
	}
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
		c.writing, c.packers, c.line = epoch, map[*door]*packer{}, timeline{}
		c.order, c.written = newOrder(), -heartbeat
	}
	if u != nil {
		c.picture(ways, u)
	}
	switch {
	case s != nil:
		c.describe(ways, document{frame(s, c.line.at(s.Stamp)), s.Stamp})
	case (c.order.newest - c.written).Abs() >= heartbeat:
		c.describe(ways, document{metadata.Frame{Time: c.line.at(u.Stamp), Source: source}, u.Stamp})
	}
}

// picture writes a picture, after the report of its time where that is due, and the
// documents that waited for it.
func (c *camera) picture(ways []*way, u *sidecar.AccessUnit) {
	due := c.line.follow(u.Stamp)
	utc := c.line.at(u.Stamp)
	for _, w := range ways {
		w.report(utc, u.RTPTime, due)
		w.picture(c.packets(w.door, u))
	}
	for _, d := range c.order.picture(u.Media()) {
		c.document(ways, d.frame, d.at.RTPTime)
	}
}

// describe writes a document in its turn.
func (c *camera) describe(ways []*way, d document) {
	c.written = c.order.newest
	for _, d := range c.order.add(d) {
		c.document(ways, d.frame, d.at.RTPTime)
	}
}

// document writes a frame and the events that wait. Newcomers are told first which
// properties hold.
func (c *camera) document(ways []*way, f metadata.Frame, rtpTime uint32) {
	c.mu.Lock()
	events, holding := c.events, c.teller.Holding(f.Time)
	c.events = nil
	c.mu.Unlock()
	var texts [2][]byte
	for _, w := range ways {
		if w.metadata == nil {
			continue
		}
		i, all := 0, events
		if w.greets() {
			i, all = 1, append(holding, events...)
		}
		if texts[i] == nil {
			doc := metadata.Stream{Frames: []metadata.Frame{f}, Events: all}
			texts[i] = doc.AppendXML(nil)
		}
		w.document(texts[i], rtpTime)
	}
}

// packets are those of a picture for a door.
func (c *camera) packets(d *door, u *sidecar.AccessUnit) []*rtp.Packet {
	p := c.packers[d]
	if p == nil {
		c.mu.Lock()
		p = &packer{largest: d.largest, kind: c.format.PayloadType()}
		c.mu.Unlock()
		c.packers[d] = p
	}
	return p.packets(u)
}

// formatOf describes what a key picture is of.
func formatOf(u *sidecar.AccessUnit) format.Format {
	kind := uint8(96)
	if sendable(u.Packets, largestPlain) {
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
