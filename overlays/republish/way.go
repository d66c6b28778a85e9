package republish

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// The paths below a camera's, and the payload type of metadata.
const (
	videoPath    = "video"
	metadataType = 107
	payloadSize  = 1400 // bytes of a packet of metadata
)

// A newcomer gets a report with each of the first pictures, and the properties that
// hold with each of the first documents: it is counted a moment before it listens.
const (
	firstPictures  = 5
	firstDocuments = 2
)

// way is one stream of one camera at one door: one epoch of it.
type way struct {
	door     *door
	rtsp     *gortsplib.ServerStream
	video    *track
	metadata *track // nil: without
	reading  atomic.Int32
	used     atomic.Bool // packets have been written
	changed  func()      // called when a reader came or went; may be nil

	mu        sync.Mutex
	readers   map[*gortsplib.ServerSession]struct{}
	reports   int // pictures that are still to have one for a newcomer
	greetings int // documents that are still to tell one of the properties
}

// track is one medium with what its reports say.
type track struct {
	media    *description.Media
	ssrc     uint32
	sequence uint16
	packets  uint32
	octets   uint32
}

// newWay makes a stream of a format of video.
func newWay(d *door, video format.Format, described bool) (*way, error) {
	w := &way{door: d, readers: map[*gortsplib.ServerSession]struct{}{}}
	w.video = &track{media: &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{video}}}
	desc := &description.Session{Title: "Pantau", Medias: []*description.Media{w.video.media}}
	if described {
		f := &format.Generic{PayloadTyp: metadataType, RTPMa: "vnd.onvif.metadata/90000"}
		if err := f.Init(); err != nil {
			return nil, err
		}
		w.metadata = &track{media: &description.Media{Type: description.MediaTypeApplication, Formats: []format.Format{f}}}
		desc.Medias = append(desc.Medias, w.metadata.media)
	}
	w.rtsp = &gortsplib.ServerStream{Server: d.rtsp, Desc: desc}
	if err := w.rtsp.Initialize(); err != nil {
		return nil, err
	}
	stats := w.rtsp.Stats()
	for _, t := range w.tracks() {
		t.ssrc = stats.Medias[t.media].Formats[t.media.Formats[0]].LocalSSRC
	}
	return w, nil
}

func (w *way) tracks() []*track {
	if w.metadata == nil {
		return []*track{w.video}
	}
	return []*track{w.video, w.metadata}
}

func (w *way) join(s *gortsplib.ServerSession) {
	w.mu.Lock()
	w.readers[s] = struct{}{}
	w.reading.Store(int32(len(w.readers)))
	w.reports, w.greetings = firstPictures, firstDocuments
	w.mu.Unlock()
	if w.changed != nil {
		w.changed()
	}
}

func (w *way) leave(s *gortsplib.ServerSession) {
	w.mu.Lock()
	delete(w.readers, s)
	w.reading.Store(int32(len(w.readers)))
	w.mu.Unlock()
	if w.changed != nil {
		w.changed()
	}
}

// report tells both tracks' time where it is due, or somebody is new: at utc the RTP
// clock says rtpTime.
func (w *way) report(utc time.Time, rtpTime uint32, due bool) {
	if !w.spend(&w.reports) && !due {
		return
	}
	for _, t := range w.tracks() {
		_ = w.rtsp.WritePacketRTCP(t.media, &rtcp.SenderReport{ // a closed stream has no readers
			SSRC: t.ssrc, NTPTime: ntpTime(utc), RTPTime: rtpTime, PacketCount: t.packets, OctetCount: t.octets,
		})
	}
}

// greets says whether the next document is to tell a newcomer which properties hold.
func (w *way) greets() bool { return w.spend(&w.greetings) }

// spend takes one of what is left for newcomers.
func (w *way) spend(left *int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if *left == 0 {
		return false
	}
	*left--
	return true
}

// spent says that a stream over RTSPS cannot be taken up again: SRTP counts how often
// sequence numbers wrap (RFC 3711 clause 3.3.1), and nobody counted since its readers left.
func (w *way) spent() bool {
	return w.door.largest == largestSecure && w.used.Load() && w.reading.Load() == 0
}

// picture writes the packets of one picture.
func (w *way) picture(packets []*rtp.Packet) {
	w.used.Store(true)
	for _, p := range packets {
		w.video.packets++
		w.video.octets += uint32(len(p.Payload))
		q := *p // the library sets the SSRC
		_ = w.rtsp.WritePacketRTP(w.video.media, &q)
	}
}

// document writes one document of metadata; the marker bit ends it.
func (w *way) document(xml []byte, rtpTime uint32) {
	t := w.metadata
	for len(xml) > 0 {
		n := min(payloadSize, len(xml))
		t.sequence++
		t.packets++
		t.octets += uint32(n)
		_ = w.rtsp.WritePacketRTP(t.media, &rtp.Packet{
			Header:  rtp.Header{Version: 2, PayloadType: metadataType, SequenceNumber: t.sequence, Timestamp: rtpTime, Marker: n == len(xml)},
			Payload: xml[:n],
		})
		xml = xml[n:]
	}
}

// ntpTime is a time in 2^-32 s since 1900 (RFC 5905 clause 6).
func ntpTime(t time.Time) uint64 {
	const from1900to1970 = 2208988800
	fraction := uint64(t.Nanosecond()) << 32 / uint64(time.Second)
	return uint64(t.Unix()+from1900to1970)<<32 | fraction
}
