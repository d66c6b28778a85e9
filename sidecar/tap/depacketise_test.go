package tap

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph265"
	"github.com/pion/rtp"

	"pantau/sidecar"
)

// seeds are small clips of every codec, made once and kept beside the tests.
func seeds(tb testing.TB) []string {
	tb.Helper()
	paths, err := filepath.Glob("testdata/*.mp4")
	if err != nil || len(paths) < 3 {
		tb.Fatalf("got %q, %v", paths, err)
	}
	return paths
}

// packetise makes the RTP packets of a clip as another implementation does it.
func packetise(tb testing.TB, path string, maxPayload int) (*Clip, [][]*rtp.Packet) {
	tb.Helper()
	clip, err := OpenClip(path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = clip.Close() })
	h264 := rtph264.Encoder{PayloadType: 96, PayloadMaxSize: maxPayload}
	h265 := rtph265.Encoder{PayloadType: 96, PayloadMaxSize: maxPayload}
	if h264.Init() != nil || h265.Init() != nil {
		tb.Fatal("no encoder")
	}
	var all [][]*rtp.Packet
	for i := range clip.Len() {
		u, err := clip.At(i)
		if err != nil {
			tb.Fatal(err)
		}
		encode := h264.Encode
		if clip.Codec() == sidecar.H265 {
			encode = h265.Encode
		}
		packets, err := encode(u.NALUs)
		if err != nil {
			tb.Fatal(err)
		}
		for _, p := range packets {
			p.Timestamp = uint32(u.PTS)
		}
		all = append(all, packets)
	}
	return clip, all
}

// collect runs packets through a depacketiser.
func collect(codec sidecar.Codec, keyOnly bool, packets ...*rtp.Packet) (pictures []picture, garbage int) {
	d := &depacketiser{codec: codec, keyOnly: keyOnly,
		done:    func(p picture) { pictures = append(pictures, p) },
		garbage: func() { garbage++ },
	}
	for _, p := range packets {
		d.push(p)
	}
	return pictures, garbage
}

func nalClips() map[sidecar.Codec]string {
	return map[sidecar.Codec]string{sidecar.H264: "testdata/h264.mp4", sidecar.H265: "testdata/h265.mp4"}
}

// TestJoins gets back what was packed, with large and small packets, with and
// without markers.
func TestJoins(t *testing.T) {
	for codec, path := range nalClips() {
		for _, size := range []int{60, 400, 1450} {
			for _, marker := range []bool{true, false} {
				clip, all := packetise(t, path, size)
				var packets []*rtp.Packet
				for _, ps := range all {
					ps[len(ps)-1].Marker = marker
					packets = append(packets, ps...)
				}
				pictures, garbage := collect(codec, false, packets...)
				want := clip.Len()
				if !marker {
					want-- // the last one is not known to be complete
				}
				if len(pictures) != want || garbage != 0 {
					t.Fatalf("%s/%d: got %d pictures, %d garbage; want %d", codec, size, len(pictures), garbage, want)
				}
				for i, p := range pictures {
					u, _ := clip.At(i)
					if fmt.Sprint(p.nalus) != fmt.Sprint(u.NALUs) || p.rtpTime != uint32(u.PTS) {
						t.Fatalf("%s/%d: picture %d is not what was sent", codec, size, i)
					}
				}
			}
		}
	}
}

// TestMissingPacket leaves out each packet in turn: the NAL unit that it was
// part of is missing, never a mixture.
func TestMissingPacket(t *testing.T) {
	for codec, path := range nalClips() {
		clip, all := packetise(t, path, 200)
		sent := map[string]bool{}
		var packets []*rtp.Packet
		for i, ps := range all[:4] {
			u, _ := clip.At(i)
			for _, nalu := range u.NALUs {
				sent[string(nalu)] = true
			}
			packets = append(packets, ps...)
		}
		for missing := range packets {
			rest := append(append([]*rtp.Packet{}, packets[:missing]...), packets[missing+1:]...)
			pictures, _ := collect(codec, false, rest...)
			for _, p := range pictures {
				for _, nalu := range p.nalus {
					if !sent[string(nalu)] {
						t.Fatalf("%s: without packet %d: got a NAL unit that was not sent", codec, missing)
					}
				}
			}
			if len(pictures) < 3 {
				t.Errorf("%s: without packet %d: got %d pictures", codec, missing, len(pictures))
			}
		}
	}
}

// TestKeyOnly: pictures between key pictures are seen, and not put together.
func TestKeyOnly(t *testing.T) {
	for codec, path := range nalClips() {
		clip, all := packetise(t, path, 200)
		var packets []*rtp.Packet
		for _, ps := range all {
			packets = append(packets, ps...)
		}
		pictures, garbage := collect(codec, true, packets...)
		if len(pictures) != clip.Len() || garbage != 0 {
			t.Fatalf("%s: got %d pictures, %d garbage; want %d", codec, len(pictures), garbage, clip.Len())
		}
		for i, p := range pictures {
			u, _ := clip.At(i)
			switch {
			case u.Key && fmt.Sprint(p.nalus) != fmt.Sprint(u.NALUs):
				t.Errorf("%s: key picture %d is not what was sent", codec, i)
			case !u.Key && bytes.Contains(bytes.Join(p.nalus, nil), u.NALUs[len(u.NALUs)-1]):
				t.Errorf("%s: picture %d was put together", codec, i)
			}
		}
	}
}

// TestStartCodes: cameras that join NAL units with start codes are understood.
func TestStartCodes(t *testing.T) {
	set, slice := []byte{0x67, 1, 2}, bytes.Repeat([]byte{0x65, 9, 8}, 100)
	for name, b := range map[string][]byte{
		"in front":   append([]byte{0, 0, 0, 1}, slice...),
		"in between": bytes.Join([][]byte{set, slice}, []byte{0, 0, 1}),
		"long":       bytes.Join([][]byte{{}, set, slice}, []byte{0, 0, 0, 1}),
	} {
		got := appendNALUs(nil, b)
		if !bytes.Equal(got[len(got)-1], slice) || name != "in front" && !bytes.Equal(got[0], set) {
			t.Errorf("%s: got %x", name, got)
		}
	}
}

// TestBounds: a picture without end takes memory up to a bound.
func TestBounds(t *testing.T) {
	d := &depacketiser{codec: sidecar.H264, done: func(picture) {}, garbage: func() {}}
	piece := make([]byte, 60000)
	piece[0], piece[1] = 28, 0x85
	for i := range uint16(1000) {
		d.push(&rtp.Packet{Header: rtp.Header{SequenceNumber: i}, Payload: piece})
		piece[1] = 0x05
	}
	if len(d.buf) > maxPicture || cap(d.buf) > 2*maxPicture {
		t.Errorf("got %d bytes in a buffer of %d, want %d at most", len(d.buf), cap(d.buf), maxPicture)
	}
	d.push(&rtp.Packet{Header: rtp.Header{SequenceNumber: 1000, Marker: true}, Payload: []byte{0x65, 1}})
	if cap(d.buf) > 1<<20 {
		t.Errorf("got a buffer of %d bytes after the picture", cap(d.buf))
	}
}

// FuzzDepacketise sends whatever comes: packets are cut out of the data, each
// with its length and flags in front.
func FuzzDepacketise(f *testing.F) {
	for codec, path := range nalClips() {
		_, all := packetise(f, path, 300)
		var data []byte
		for _, p := range all[0] {
			data = binary.BigEndian.AppendUint16(data, uint16(len(p.Payload)))
			data = append(data, 0)
			data = append(data, p.Payload...)
		}
		f.Add(codec == sidecar.H265, data)
	}
	f.Add(false, []byte{0, 3, 1, 28, 0x45, 0, 0, 3, 7, 24, 0, 9})
	f.Fuzz(func(t *testing.T, second bool, data []byte) {
		codecs := []sidecar.Codec{sidecar.H264, sidecar.MJPEG}
		if second {
			codecs[0] = sidecar.H265
		}
		for _, codec := range codecs {
			for _, keyOnly := range []bool{false, true} {
				packets := cutOut(data)
				pictures, _ := collect(codec, keyOnly, packets...)
				total := 0
				params := parameters{codec: codec}
				for _, p := range pictures {
					for _, nalu := range p.nalus {
						total += len(nalu)
					}
					params.complete(p.nalus)
				}
				if codec != sidecar.MJPEG && total > 2*len(data) {
					t.Fatalf("got %d bytes out of %d", total, len(data))
				}
			}
		}
	})
}

func cutOut(data []byte) (packets []*rtp.Packet) {
	var sequence uint16
	for len(data) > 3 {
		n, flags := int(binary.BigEndian.Uint16(data)), data[2]
		data = data[3:]
		n = min(n, len(data))
		sequence += 1 + uint16(flags>>1&1)
		packets = append(packets, &rtp.Packet{
			Header:  rtp.Header{Marker: flags&1 != 0, SequenceNumber: sequence, Timestamp: uint32(flags >> 2)},
			Payload: data[:n],
		})
		data = data[n:]
	}
	return packets
}

// TestPacketsAllocateNothing: what is allocated is the picture, not its packets.
func TestPacketsAllocateNothing(t *testing.T) {
	_, all := packetise(t, "testdata/h264.mp4", 100)
	packets := all[0]
	d := &depacketiser{codec: sidecar.H264, done: func(picture) {}, garbage: func() {}}
	sequence := uint16(0)
	got := testing.AllocsPerRun(100, func() {
		for _, p := range packets {
			p.SequenceNumber = sequence
			sequence++
			d.push(p)
		}
	})
	if got > 2 { // the bytes, and the list of NAL units
		t.Errorf("got %v allocations for a picture of %d packets, want 2", got, len(packets))
	}
}

// BenchmarkPicture is the tap's own share of a picture of 20 kB: 1080p25 at 4 Mbit/s.
func BenchmarkPicture(b *testing.B) {
	slice := bytes.Repeat([]byte{0x41, 0x9A, 0x5C, 0x33}, 5000)
	e := rtph264.Encoder{PayloadType: 96}
	if err := e.Init(); err != nil {
		b.Fatal(err)
	}
	packets, err := e.Encode([][]byte{slice})
	if err != nil {
		b.Fatal(err)
	}
	s := newSession(New(Options{}), func(*sidecar.AccessUnit) {})
	s.params = parameters{codec: sidecar.H264}
	d := &depacketiser{codec: sidecar.H264, done: func(p picture) { s.picture(p) }, garbage: func() {}}
	sequence, rtpTime := uint16(0), uint32(0)
	b.ReportAllocs()
	for b.Loop() {
		for _, p := range packets {
			p.SequenceNumber, p.Timestamp = sequence, rtpTime
			sequence++
			d.push(p)
		}
		rtpTime += 3600
	}
	b.ReportMetric(25*float64(b.Elapsed())/float64(b.N)/float64(time.Millisecond), "ms/camera-second")
}
