package taptest

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"pantau/sidecar"
)

// Spec describes a test clip. Zero values are a good default.
type Spec struct {
	Codec         sidecar.Codec // H264
	Width, Height int           // 320×240
	Rate          int           // pictures per second: 25
	GOP           int           // pictures from key to key: 25
	Frames        int           // 50
	Bitrate       int           // kbit/s; 0 is what the picture needs
	Pattern       string        // source of ffmpeg's lavfi: testsrc, which shows a counter of seconds; one with options is taken as it is
}

// TB is what MakeClip needs of a *testing.T; package testing itself has no place
// in a program.
type TB interface {
	Helper()
	TempDir() string
	Skip(args ...any)
	Fatal(args ...any)
}

// MakeClip makes an MP4 file of a test pattern, without B pictures, and gives
// its path. Equal specs share a file, in the folder for temporary files. It
// skips the test if there is no ffmpeg.
func MakeClip(tb TB, s Spec) string {
	tb.Helper()
	s = s.withDefaults()
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("pantau-clips-%d", os.Getuid()))
	recipe := sha256.Sum256([]byte(strings.Join(s.arguments(""), " ")))
	path := filepath.Join(dir, fmt.Sprintf("%s-%dx%d-%x.mp4", s.Codec, s.Width, s.Height, recipe[:8]))
	if _, err := os.Stat(path); err == nil {
		return path
	}
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		tb.Skip("no ffmpeg: install the package ffmpeg to make test clips")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		tb.Fatal(err)
	}
	part := filepath.Join(tb.TempDir(), "clip.mp4")
	if out, err := exec.Command(ffmpeg, s.arguments(part)...).CombinedOutput(); err != nil {
		tb.Fatal("making test clip:", err, string(out))
	}
	if err := move(part, path); err != nil {
		tb.Fatal(err)
	}
	return path
}

// move copies a file to where others look for it, in one step.
func move(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(to), "part-*")
	if err != nil {
		return err
	}
	_, err = part.Write(data)
	if e := part.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(part.Name(), to)
}

func (s Spec) withDefaults() Spec {
	if s.Codec == "" {
		s.Codec = sidecar.H264
	}
	if s.Width == 0 || s.Height == 0 {
		s.Width, s.Height = 320, 240
	}
	if s.Rate == 0 {
		s.Rate = 25
	}
	if s.GOP == 0 {
		s.GOP = 25
	}
	if s.Frames == 0 {
		s.Frames = 50
	}
	if s.Pattern == "" {
		s.Pattern = "testsrc"
	}
	if !strings.Contains(s.Pattern, "=") {
		s.Pattern = fmt.Sprintf("%s=size=%dx%d:rate=%d", s.Pattern, s.Width, s.Height, s.Rate)
	}
	return s
}

// arguments are ffmpeg's.
func (s Spec) arguments(path string) []string {
	args := []string{
		"-v", "error", "-nostdin", "-y", "-threads", "1",
		"-f", "lavfi", "-i", s.Pattern,
		"-frames:v", fmt.Sprint(s.Frames), "-g", fmt.Sprint(s.GOP),
	}
	switch s.Codec {
	case sidecar.H265:
		args = append(args, "-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1", "-pix_fmt", "yuv420p",
			"-x265-params", fmt.Sprintf("bframes=0:keyint=%d:min-keyint=%d:scenecut=0:log-level=error", s.GOP, s.GOP))
	case sidecar.MJPEG: // RFC 2435 has no place for Huffman tables
		args = append(args, "-c:v", "mjpeg", "-huffman", "default", "-force_duplicated_matrix", "1", "-pix_fmt", "yuvj420p")
	default:
		args = append(args, "-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-sc_threshold", "0", "-pix_fmt", "yuv420p")
	}
	if s.Bitrate > 0 {
		rate := fmt.Sprintf("%dk", s.Bitrate)
		args = append(args, "-b:v", rate, "-minrate", rate, "-maxrate", rate, "-bufsize", rate)
	}
	return append(args, "-movflags", "+faststart", path)
}
