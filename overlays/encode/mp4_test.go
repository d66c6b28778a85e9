package encode

import (
	"errors"
	"image"
	"image/color"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pantau/sidecar"
)

// colours are four quarters of a picture.
var colours = [4]color.RGBA{{220, 30, 30, 255}, {30, 200, 60, 255}, {20, 40, 230, 255}, {245, 245, 245, 255}}

func picture(width, height int) *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	for y := range height {
		for x := range width {
			c := colours[2*y/height*2+2*x/width]
			i, j := img.YOffset(x, y), img.COffset(x, y)
			img.Y[i], img.Cb[j], img.Cr[j] = color.RGBToYCbCr(c.R, c.G, c.B)
		}
	}
	return img
}

// tool runs a program of Debian's ffmpeg and gives its output.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	program, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	out, err := exec.Command(program, append([]string{"-v", "error"}, args...)...).Output()
	if err != nil {
		t.Fatalf("%s %q: %v", name, args, err)
	}
	return string(out)
}

func TestVideoShowsThePictures(t *testing.T) {
	for _, size := range [][2]int{{320, 240}, {321, 199}, {64, 33}} {
		width, height := size[0], size[1]
		path := filepath.Join(t.TempDir(), "a:b.mp4")
		m, err := NewMP4(path, width, height, 25)
		if err != nil {
			t.Fatal(err)
		}
		img := picture(width, height)
		for i := range 60 {
			if err := m.Write(img, time.Duration(i)*40*time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		if err := m.Close(); err != nil {
			t.Errorf("closed twice: %v", err)
		}
		if err := m.Write(img, time.Hour); !errors.Is(err, errClosed) {
			t.Errorf("written after the end: %v, want errClosed", err)
		}
		got := strings.Fields(tool(t, "ffprobe", "-count_frames", "-show_entries", "stream=codec_name,color_range,color_space,nb_read_frames,duration", "-of", "default=noprint_wrappers=1:nokey=1", "file:"+path))
		if want := "h264 tv smpte170m 2.400000 60"; strings.Join(got, " ") != want {
			t.Errorf("%v: %q, want %q", size, got, want)
		}
		w, h := (width+1)&^1, (height+1)&^1
		rgb := tool(t, "ffmpeg", "-i", "file:"+path, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
		if len(rgb) != 3*w*h {
			t.Fatalf("%v: %d bytes, want %d·%d pixels", size, len(rgb), w, h)
		}
		for i, want := range colours {
			at := 3 * ((i/2*h/2+h/4)*w + i%2*w/2 + w/4)
			for c, v := range [3]byte{want.R, want.G, want.B} {
				if d := int(rgb[at+c]) - int(v); d < -6 || d > 6 {
					t.Errorf("%v: quarter %d is %v, want %v", size, i, []byte(rgb[at:at+3]), want)
				}
			}
		}
	}
}

func TestPartOfAPictureIsWritten(t *testing.T) {
	m, err := NewMP4(filepath.Join(t.TempDir(), "part.mp4"), 64, 48, 10)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	whole := picture(320, 240)
	if err := m.Write(whole.SubImage(image.Rect(100, 100, 164, 148)).(*image.YCbCr), 0); err != nil {
		t.Error(err)
	}
}

func TestWrongPicturesAreRefused(t *testing.T) {
	m, err := NewMP4(filepath.Join(t.TempDir(), "wrong.mp4"), 64, 48, 10)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.Write(picture(64, 48), time.Second); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		want string
		img  *image.YCbCr
		at   time.Duration
	}{
		{"picture of 62×48 pixels in a video of 64×48", picture(62, 48), 2 * time.Second},
		{"picture at 1s does not come after", picture(64, 48), time.Second},
		{"want 4:2:0", image.NewYCbCr(image.Rect(0, 0, 64, 48), image.YCbCrSubsampleRatio444), 2 * time.Second},
	}
	for _, tt := range tests {
		if err := m.Write(tt.img, tt.at); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v, want %q", err, tt.want)
		}
	}
}

func TestBadFilesAreFaults(t *testing.T) {
	var fault *sidecar.Fault
	if _, err := NewMP4(filepath.Join(t.TempDir(), "absent", "a.mp4"), 64, 48, 10); !errors.As(err, &fault) || fault.Hint == "" {
		t.Errorf("%v, want a fault with a hint", err)
	}
	for _, size := range [][2]int{{0, 48}, {64, -1}, {1 << 15, 48}} {
		if _, err := NewMP4(filepath.Join(t.TempDir(), "a.mp4"), size[0], size[1], 10); err == nil {
			t.Errorf("%v was taken", size)
		}
	}
	if _, err := NewMP4(filepath.Join(t.TempDir(), "a.mp4"), 64, 48, 0); err == nil {
		t.Error("rate 0 was taken")
	}
}

func TestFullDiskIsSaid(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full")
	}
	m, err := NewMP4("/dev/full", 64, 48, 10)
	if err != nil {
		return // said at once
	}
	for i := range 100 {
		if err := m.Write(picture(64, 48), time.Duration(i)*time.Second); err != nil {
			_ = m.Close()
			return
		}
	}
	if err := m.Close(); err == nil {
		t.Error("a full disk went unnoticed")
	}
}
