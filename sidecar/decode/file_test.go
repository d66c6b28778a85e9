package decode

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pantau/sidecar"
)

// readClip gives the stamps of all pictures of a clip.
func readClip(t *testing.T, path string, o FileOptions) (*File, []sidecar.Stamp) {
	t.Helper()
	f, err := OpenFile(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	var stamps []sidecar.Stamp
	for {
		frame, err := f.Next()
		if errors.Is(err, io.EOF) {
			return f, stamps
		}
		if err != nil {
			t.Fatal(err)
		}
		stamps = append(stamps, frame.Stamp)
		frame.Release()
	}
}

func TestFileGivesEveryPictureInOrder(t *testing.T) {
	start := time.Date(2026, 11, 23, 5, 0, 0, 0, time.FixedZone("WIB", 7*3600))
	source := lavfi("testsrc2=size=160x120:rate=25", 50)
	tests := []struct{ out, codec, args string }{
		{"reordered.mp4", "h264", "-c:v libx264 -bf 3 -g 25 -pix_fmt yuv420p"},
		{"plain.avi", "msmpeg4v3", "-c:v msmpeg4"},
		{"late.mkv", "hevc", "-c:v libx265 -x265-params log-level=none:pools=1 -output_ts_offset 7"},
		{"raw.h264", "h264", "-c:v libx264 -bf 2 -pix_fmt yuv420p"},
	}
	for _, tt := range tests {
		t.Run(tt.out, func(t *testing.T) {
			f, stamps := readClip(t, ffmpeg(t, tt.out, append(source, strings.Fields(tt.args)...)...), FileOptions{Start: start})
			if len(stamps) != 50 || f.Broken() != 0 {
				t.Fatalf("%d pictures and %d broken, want 50 and 0", len(stamps), f.Broken())
			}
			for i, s := range stamps {
				want := sidecar.Stamp{
					Epoch: stamps[0].Epoch, PTS: int64(3600 * i), RTPTime: uint32(3600 * i), ClockRate: 90000,
					Capture: start.Add(time.Duration(i) * 40 * time.Millisecond).UTC(), Source: sidecar.TimeFile,
				}
				if s != want {
					t.Fatalf("picture %d: %+v, want %+v", i, s, want)
				}
			}
			if info := f.Info(); info.Codec != tt.codec || info.Width != 160 || info.Height != 120 || info.FPS != 25 {
				t.Errorf("%+v", info)
			}
		})
	}
}

func TestFileFaultsSayWhatToDo(t *testing.T) {
	noise := filepath.Join(t.TempDir(), "noise.mp4")
	if err := os.WriteFile(noise, []byte(strings.Repeat("no video ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		path string
		want error
	}{
		{filepath.Join(t.TempDir(), "absent.mp4"), os.ErrNotExist},
		{noise, nil},
		{t.TempDir(), nil},
		{ffmpeg(t, "sound.wav", "-f", "lavfi", "-i", "sine", "-t", "1"), sidecar.ErrNoVideo},
	}
	for _, tt := range tests {
		_, err := OpenFile(tt.path, FileOptions{})
		var fault *sidecar.Fault
		if !errors.As(err, &fault) || fault.Hint == "" {
			t.Errorf("%s: %v, want a fault with a hint", tt.path, err)
		}
		if tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.path, err, tt.want)
		}
	}
}
