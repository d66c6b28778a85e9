package live

import (
	"testing"

	"pantau/sidecar"
)

// someJPEG is the beginning of a JPEG of 320 × 240 pixels: SOI, APP0, DQT (cut
// short to its length), SOF0.
const someJPEG = "ffd8" + "ffe000104a46494600010100000100010000" + "ffdb000401ff" + "ffc0001108" + "00f0" + "0140" + "03012200021101031101"

// streams are parameter sets and what they say.
var streams = []struct {
	name  string
	codec sidecar.Codec
	nalu  string
	want  stream
}{
	{"H.264 High", sidecar.H264, sps576, stream{codec: "avc1.64001F", width: 768, height: 576}},
	{"H.264 Baseline", sidecar.H264, sps720, stream{codec: "avc1.42C01F", width: 1280, height: 720}},
	{"H.265 Main", sidecar.H265, spsH265, stream{codec: "hvc1.1.6.L120.90", width: 1920, height: 1080}},
	{"JPEG", sidecar.MJPEG, someJPEG, stream{codec: "mjpeg", width: 320, height: 240}},
	{"H.264 cut short", sidecar.H264, "6764", stream{}},
	{"H.265 cut short", sidecar.H265, "42010101", stream{}},
	{"JPEG cut short", sidecar.MJPEG, "ffd8ffc0", stream{}},
	{"no parameter set", sidecar.H264, "65888400", stream{}},
	{"nothing", sidecar.MJPEG, "", stream{}},
}

func TestStreamIsReadFromItsParameterSets(t *testing.T) {
	for _, c := range streams {
		t.Run(c.name, func(t *testing.T) {
			var d describer
			u := &sidecar.AccessUnit{Codec: c.codec, Key: true, NALUs: [][]byte{nil, raw(t, c.nalu)}}
			if c.codec == sidecar.MJPEG {
				u.NALUs = u.NALUs[1:]
			}
			changed := d.see(u)
			if d.current != c.want || changed != (c.want != stream{}) {
				t.Errorf("got %+v, changed %v, want %+v", d.current, changed, c.want)
			}
			if d.see(u) {
				t.Error("the same picture again is a change")
			}
			u.Epoch = "e2"
			if !d.see(u) || d.current.epoch != "e2" || d.current.codec != c.want.codec {
				t.Errorf("another epoch: got %+v", d.current)
			}
		})
	}
}

func TestStreamThatComesBackIsToldAgain(t *testing.T) {
	var d describer
	for _, s := range streams[:4] { // to JPEG and back
		for _, c := range []struct {
			codec sidecar.Codec
			nalu  string
			want  stream
		}{{s.codec, s.nalu, s.want}, {sidecar.MJPEG, someJPEG, streams[3].want}, {s.codec, s.nalu, s.want}} {
			d.see(&sidecar.AccessUnit{Codec: c.codec, Key: true, NALUs: [][]byte{raw(t, c.nalu)}})
			if d.current != c.want {
				t.Errorf("%s: got %+v, want %+v", s.name, d.current, c.want)
			}
		}
	}
}

func FuzzDescriber(f *testing.F) {
	codecs := []sidecar.Codec{sidecar.H264, sidecar.H265, sidecar.MJPEG}
	for i, c := range streams {
		f.Add(i%len(codecs), raw(f, c.nalu))
	}
	f.Fuzz(func(t *testing.T, codec int, nalu []byte) {
		if codec < 0 || codec >= len(codecs) {
			return
		}
		var d describer
		u := &sidecar.AccessUnit{Codec: codecs[codec], Key: true, NALUs: [][]byte{nalu}}
		d.see(u)
		if d.see(u) {
			t.Fatalf("%x: the same picture again is a change", nalu)
		}
	})
}
