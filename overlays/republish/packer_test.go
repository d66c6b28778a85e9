package republish

import (
	"bytes"
	"testing"

	"github.com/pion/rtp"

	"pantau/sidecar"
)

// TestPacketsComeOutAsTheyWentIn sends on what cameras put into packets: sources that
// contribute, extensions of three kinds, padding.
func TestPacketsComeOutAsTheyWentIn(t *testing.T) {
	payload := bytes.Repeat([]byte{0x65, 1, 2, 3}, 20)
	head := []byte{0x80, 0xE0, 1, 2, 3, 4, 5, 6, 0, 0, 0, 0}
	with := func(first byte, parts ...[]byte) []byte {
		p := append([]byte{first}, head[1:]...)
		for _, part := range parts {
			p = append(p, part...)
		}
		return p
	}
	for name, raw := range map[string][]byte{
		"plain":              with(0x80, payload),
		"a source":           with(0x81, []byte{9, 9, 9, 9}, payload),
		"one-byte extension": with(0x90, []byte{0xBE, 0xDE, 0, 1, 0x10, 7, 0, 0}, payload),
		"two-byte extension": with(0x90, []byte{0x10, 0x00, 0, 1, 1, 2, 7, 8}, payload),
		"ONVIF's extension":  with(0x90, []byte{0xAB, 0xAC, 0, 3}, bytes.Repeat([]byte{5}, 12), payload),
		"padding":            with(0xA0, payload, []byte{0, 0, 0, 4}),
	} {
		all := parse([][]byte{raw}, largestPlain)
		if len(all) != 1 {
			t.Errorf("%s: it is not sent on", name)
			continue
		}
		got, err := all[0].Marshal()
		if err != nil || !bytes.Equal(got, raw) {
			t.Errorf("%s: %v, got %x, want %x", name, err, got, raw)
		}
	}
}

// TestLargePacketsArePackedAnewWhereTheyDoNotFit is a camera that uses all of Ethernet.
func TestLargePacketsArePackedAnewWhereTheyDoNotFit(t *testing.T) {
	for _, size := range []int{largestSecure, largestPlain, largestPlain + 1} {
		nalu := bytes.Repeat([]byte{0x65}, size-12)
		raw, err := (&rtp.Packet{Header: rtp.Header{Version: 2, Marker: true, PayloadType: 96, Timestamp: 7}, Payload: nalu}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		u := &sidecar.AccessUnit{Codec: sidecar.H264, NALUs: [][]byte{nalu}, Packets: [][]byte{raw}, Stamp: sidecar.Stamp{RTPTime: 7}}
		for _, largest := range []int{largestPlain, largestSecure} {
			got := (&packer{largest: largest, kind: 96}).packets(u)
			if own := len(got) == 1 && len(got[0].Payload) == len(nalu); own != (size <= largest) {
				t.Errorf("%d bytes where %d may be: %d packets", size, largest, len(got))
			}
			for _, p := range got {
				if p.MarshalSize() > largest || p.Timestamp != 7 {
					t.Errorf("a packet of %d bytes at %d", p.MarshalSize(), p.Timestamp)
				}
			}
		}
	}
}
