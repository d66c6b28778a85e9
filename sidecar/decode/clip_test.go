package decode

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"pantau/sidecar"
)

// ffmpeg runs Debian's ffmpeg and gives the file that it made, out, in a
// temporary folder.
func ffmpeg(t testing.TB, out string, args ...string) string {
	t.Helper()
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("ffmpeg is not installed: no test clips")
	}
	path := filepath.Join(t.TempDir(), out)
	all := append([]string{"-v", "error", "-nostdin", "-threads", "1"}, append(args, "-y", path)...)
	if msg, err := exec.Command(program, all...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg %s: %v\n%s", strings.Join(all, " "), err, msg)
	}
	return path
}

// lavfi are the arguments for n pictures of a test source at 25 a second.
func lavfi(source string, n int) []string {
	return []string{"-f", "lavfi", "-i", source, "-frames:v", strconv.Itoa(n)}
}

// lowDelay are x264's settings as cameras have them: no reordering.
func lowDelay(gop int) []string {
	return []string{"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-g", strconv.Itoa(gop), "-f", "h264"}
}

// h264Units encodes a test source as a camera would, and splits it.
func h264Units(t testing.TB, source string, n, gop int) []*sidecar.AccessUnit {
	t.Helper()
	return split(t, sidecar.H264, ffmpeg(t, "clip.h264", append(lavfi(source, n), lowDelay(gop)...)...))
}

// split reads a raw stream and makes an access unit of each picture, 3600 ticks apart.
func split(t testing.TB, codec sidecar.Codec, path string) []*sidecar.AccessUnit {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var units []*sidecar.AccessUnit
	complete := true // the newest unit has its picture
	for _, nalu := range splitParts(codec, data) {
		slice, first, key := kind(codec, nalu)
		if complete && (first || !slice) {
			pts := int64(1<<33 + 3600*len(units))
			units = append(units, &sidecar.AccessUnit{Codec: codec, Received: time.Unix(int64(len(units)), 0), Stamp: sidecar.Stamp{
				Epoch: "test", PTS: pts, RTPTime: uint32(pts), ClockRate: 90000, Origin: 1 << 33,
			}})
		}
		u := units[len(units)-1]
		u.NALUs = append(u.NALUs, nalu)
		u.Key = u.Key || key
		complete = slice
	}
	return units
}

// splitParts cuts a byte stream at its start codes, or a row of JPEGs at their
// beginnings.
func splitParts(codec sidecar.Codec, data []byte) [][]byte {
	mark := []byte{0, 0, 1}
	if codec == sidecar.MJPEG {
		mark = []byte{0xff, 0xd8, 0xff}
	}
	var parts [][]byte
	for i, part := range bytes.Split(data, mark) {
		switch {
		case i == 0:
		case codec == sidecar.MJPEG:
			parts = append(parts, append(bytes.Clone(mark), part...))
		default:
			parts = append(parts, bytes.TrimRight(part, "\x00"))
		}
	}
	return parts
}

// kind says whether a NAL unit is a slice, the first one of its picture, and of
// a key frame (H.264 table 7-1 and clause 7.3.3, H.265 table 7-1 and clause 7.3.6.1).
func kind(codec sidecar.Codec, nalu []byte) (slice, first, key bool) {
	switch codec {
	case sidecar.H264:
		n := nalu[0] & 31
		slice = n >= 1 && n <= 5
		return slice, slice && nalu[1]&0x80 != 0, n == 5
	case sidecar.H265:
		n := nalu[0] >> 1 & 63
		slice = n < 32
		return slice, slice && nalu[2]&0x80 != 0, n >= 16 && n <= 23
	default:
		return true, true, true
	}
}

// decodeAll decodes the units and gives the frames, which are released when the test ends.
func decodeAll(t testing.TB, o Options, units []*sidecar.AccessUnit) []*sidecar.Frame {
	t.Helper()
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var frames []*sidecar.Frame
	for i, u := range units {
		f, err := d.Decode(u)
		if err != nil {
			t.Fatalf("unit %d: %v", i, err)
		}
		if f != nil {
			t.Cleanup(f.Release)
			frames = append(frames, f)
		}
	}
	return frames
}

// resident is the memory of this process in bytes.
func resident(t testing.TB) int {
	t.Helper()
	runtime.GC()
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc/self/statm")
	}
	pages, err := strconv.Atoi(strings.Fields(string(data))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
