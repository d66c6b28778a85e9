package decode

import (
	"errors"
	"testing"

	"pantau/sidecar"
)

func TestEveryUnitGivesItsPictureAtOnce(t *testing.T) {
	source := "testsrc2=size=320x240:rate=25"
	tests := []struct {
		name  string
		codec sidecar.Codec
		args  []string
	}{
		{"h264", sidecar.H264, lowDelay(12)},
		{"h265", sidecar.H265, []string{"-c:v", "libx265", "-preset", "ultrafast", "-tune", "zerolatency", "-x265-params", "keyint=12:log-level=none:pools=1:frame-threads=1", "-pix_fmt", "yuv420p", "-f", "hevc"}},
		{"mjpeg", sidecar.MJPEG, []string{"-c:v", "mjpeg", "-pix_fmt", "yuvj422p", "-f", "mjpeg"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			units := split(t, tt.codec, ffmpeg(t, "clip", append(lavfi(source, 30), tt.args...)...))
			if len(units) != 30 {
				t.Fatalf("%d units, want 30", len(units))
			}
			frames := decodeAll(t, Options{Codec: tt.codec}, units)
			if len(frames) != len(units) {
				t.Fatalf("%d frames of %d units", len(frames), len(units))
			}
			for i, f := range frames {
				if f.Stamp != units[i].Stamp || f.Key != units[i].Key || !f.Received.Equal(units[i].Received) {
					t.Errorf("frame %d: %+v key %v, want %+v key %v", i, f.Stamp, f.Key, units[i].Stamp, units[i].Key)
				}
				if w, h := f.Picture.Size(); w != 320 || h != 240 {
					t.Errorf("frame %d: %d×%d", i, w, h)
				}
			}
		})
	}
}

func TestUnknownCodecIsRefused(t *testing.T) {
	if _, err := New(Options{Codec: "vp8"}); !errors.Is(err, sidecar.ErrCodec) {
		t.Errorf("%v, want ErrCodec", err)
	}
}
