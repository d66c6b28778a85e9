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

func TestCutOffClipGivesWhatIsThere(t *testing.T) {
	whole := ffmpeg(t, "clip.mkv", append(lavfi("testsrc2=size=160x120:rate=25", 100), "-c:v", "libx264", "-g", "10")...)
	data, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2000 {
		data[len(data)/3+i] ^= byte(i * 7) // a hole besides
	}
	cut := filepath.Join(t.TempDir(), "cut.mkv")
	if err := os.WriteFile(cut, data[:len(data)*3/4], 0o600); err != nil {
		t.Fatal(err)
	}
	_, stamps := readClip(t, cut, FileOptions{})
	if len(stamps) < 40 || len(stamps) > 80 {
		t.Errorf("%d pictures of three quarters of 100", len(stamps))
	}
	for i := 1; i < len(stamps); i++ {
		if stamps[i].PTS <= stamps[i-1].PTS {
			t.Errorf("PTS %d after %d", stamps[i].PTS, stamps[i-1].PTS)
		}
	}
}

func TestEpochFollowsTheContent(t *testing.T) {
	a := ffmpeg(t, "a.mp4", append(lavfi("testsrc2=size=64x48", 3), "-c:v", "libx264")...)
	b := ffmpeg(t, "b.mp4", append(lavfi("testsrc2=size=64x48", 4), "-c:v", "libx264")...)
	data, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	again := filepath.Join(t.TempDir(), "name with : and %d.bin")
	if err := os.WriteFile(again, data, 0o600); err != nil {
		t.Fatal(err)
	}
	epoch := func(path string) string {
		_, stamps := readClip(t, path, FileOptions{})
		return stamps[0].Epoch
	}
	if got, want := epoch(again), epoch(a); got != want || len(got) != 9 || got[0] != 'f' {
		t.Errorf("epoch %q of a copy, want %q", got, want)
	}
	if epoch(b) == epoch(a) {
		t.Error("two clips have one epoch")
	}
}

func TestMaskedClip(t *testing.T) {
	path := ffmpeg(t, "clip.mp4", append(lavfi("color=white:size=64x48", 3), "-c:v", "libx264", "-pix_fmt", "yuv420p")...)
	f, err := OpenFile(path, FileOptions{Mask: []sidecar.Polygon{{{0, 0}, {0.5, 0}, {0.5, 1}, {0, 1}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	frame, err := f.Next()
	if err != nil {
		t.Fatal(err)
	}
	defer frame.Release()
	img, err := frame.Picture.YCbCr()
	if err != nil {
		t.Fatal(err)
	}
	if left, right := img.YCbCrAt(10, 20).Y, img.YCbCrAt(50, 20).Y; left != 0 || right < 250 {
		t.Errorf("luma %d under the mask and %d beside it, want 0 and 255", left, right)
	}
}

// root is the folder of go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod")
		}
		dir = filepath.Dir(dir)
	}
}

func TestDemoClipIsRead(t *testing.T) {
	path := filepath.Join(root(t), "share", "pantau", "demo.mp4")
	if _, err := os.Stat(path); err != nil {
		t.Skip("no demo clip: it is made by make run")
	}
	f, stamps := readClip(t, path, FileOptions{})
	if len(stamps) != 795 || f.Broken() != 0 {
		t.Errorf("%d pictures and %d broken, want 795 and 0", len(stamps), f.Broken())
	}
}

func TestRealClipsAreRead(t *testing.T) {
	clips, err := filepath.Glob(filepath.Join(root(t), "..", "shared", "videos", "*.*"))
	if err != nil || len(clips) == 0 {
		t.Skip("no shared clips")
	}
	for _, path := range clips {
		if ext := filepath.Ext(path); ext != ".mp4" && ext != ".avi" {
			continue
		}
		f, err := OpenFile(path, FileOptions{})
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(path), err)
			continue
		}
		for range 30 {
			frame, err := f.Next()
			if err != nil {
				t.Errorf("%s: %v", filepath.Base(path), err)
				break
			}
			frame.Release()
		}
		if info := f.Info(); f.Broken() > 0 || info.FPS < 1 || info.Frames < 30 || info.Duration == 0 {
			t.Errorf("%s: %d broken, %+v", filepath.Base(path), f.Broken(), info)
		}
		f.Close()
	}
}

// FuzzFile reads clips of which a piece was replaced.
func FuzzFile(f *testing.F) {
	clip, err := os.ReadFile(ffmpeg(f, "clip.avi", append(lavfi("testsrc2=size=64x48", 4), "-c:v", "msmpeg4")...))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(0, []byte{})
	f.Add(100, []byte("garbage in the header"))
	f.Add(len(clip)-500, make([]byte, 300))
	f.Fuzz(func(t *testing.T, at int, piece []byte) {
		data := append([]byte(nil), clip...)
		copy(data[max(0, at)%len(data):], piece)
		path := filepath.Join(t.TempDir(), "clip")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := OpenFile(path, FileOptions{})
		if err != nil {
			return
		}
		defer file.Close()
		for range 100 {
			frame, err := file.Next()
			if err != nil {
				return
			}
			frame.Release()
		}
	})
}
