package tap_test

import (
	"bufio"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtp"

	"pantau/sidecar"
	"pantau/sidecar/tap"
	"pantau/sidecar/tap/taptest"
)

// cameraClip names the clip in the environment of a process that is to be a camera.
const cameraClip = "PANTAU_TEST_CAMERA_CLIP"

// TestCameraProcess is no test: it is the camera of BenchmarkTap, in a process
// of its own, so that its work is not counted. It ends with its standard input.
func TestCameraProcess(t *testing.T) {
	clip := os.Getenv(cameraClip)
	if clip == "" {
		t.Skip("only for BenchmarkTap")
	}
	c := camera(t, taptest.Options{Clip: clip})
	fmt.Println("camera", c.URL())
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
}

// BenchmarkTap measures the CPU time of this process while 20 cameras are read
// at 1080p25 and 4 Mbit/s, RTSP library and network included; and, beside it, the
// library alone with its own depacketiser.
func BenchmarkTap(b *testing.B) {
	source := anotherProcess(b, taptest.MakeClip(b, taptest.Spec{
		Width: 1920, Height: 1080, GOP: 50, Frames: 100, Bitrate: 4000, Pattern: "mandelbrot",
	}))
	tapped := func(keyFrames bool) func(context.Context, *testing.B, func()) {
		return func(ctx context.Context, _ *testing.B, seen func()) {
			t := tap.New(tap.Options{Source: source, KeyFrames: keyFrames})
			_ = t.Run(ctx, func(*sidecar.AccessUnit) { seen() })
		}
	}
	for name, read := range map[string]func(context.Context, *testing.B, func()){
		"all":     tapped(false),
		"key":     tapped(true),
		"library": func(ctx context.Context, b *testing.B, seen func()) { readBare(ctx, b, source, seen) },
	} {
		b.Run(name, func(b *testing.B) { measureReading(b, read) })
	}
}

func measureReading(b *testing.B, read func(context.Context, *testing.B, func())) {
	const cameras = 20
	var pictures atomic.Int64
	ctx, cancel := context.WithCancel(b.Context())
	var reading sync.WaitGroup
	for range cameras {
		reading.Go(func() { read(ctx, b, func() { pictures.Add(1) }) })
	}
	for pictures.Load() < 2*cameras {
		time.Sleep(10 * time.Millisecond)
	}
	pictures.Store(0)
	began, cpu := time.Now(), cpuTime(b)
	for b.Loop() {
		time.Sleep(time.Second)
	}
	seconds := cameras * time.Since(began).Seconds()
	cpu = cpuTime(b) - cpu
	cancel()
	reading.Wait()
	b.ReportMetric(float64(cpu.Microseconds())/1000/seconds, "cpu-ms/camera-second")
	b.ReportMetric(float64(pictures.Load())/seconds, "pictures/s")
	b.ReportMetric(0, "ns/op")
}

// readBare reads a camera with the library and nothing else.
func readBare(ctx context.Context, b *testing.B, source sidecar.Source, seen func()) {
	address, err := base.ParseURL(source.RTSP)
	if err != nil {
		b.Error(err)
		return
	}
	address.User = url.UserPassword(source.User, source.Password.Reveal())
	tcp := gortsplib.TransportTCP
	c := gortsplib.Client{Scheme: address.Scheme, Host: address.Host, Transport: &tcp}
	if err := c.Start2(); err != nil {
		b.Error(err)
		return
	}
	defer c.Close()
	desc, _, err := c.Describe(address)
	if err != nil {
		b.Error(err)
		return
	}
	var f *format.H264
	media := desc.FindFormat(&f)
	decoder, err := f.CreateDecoder()
	if err == nil {
		_, err = c.Setup(desc.BaseURL, media, 0, 0)
	}
	if err != nil {
		b.Error(err)
		return
	}
	c.OnPacketRTP(media, f, func(p *rtp.Packet) {
		if _, err := decoder.Decode(p); err == nil {
			seen()
		}
	})
	if _, err := c.Play(nil); err != nil {
		b.Error(err)
	}
	<-ctx.Done()
}

// anotherProcess runs a camera in a process of its own.
func anotherProcess(b *testing.B, clip string) sidecar.Source {
	b.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestCameraProcess$", "-test.v")
	cmd.Env = append(os.Environ(), cameraClip+"="+clip)
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if url, ok := strings.CutPrefix(lines.Text(), "camera "); ok {
			return sidecar.Source{RTSP: url, User: "viewer", Password: sidecar.NewSecret(password)}
		}
	}
	b.Fatal("the camera did not start")
	return sidecar.Source{}
}

// cpuTime is what this process has used so far.
func cpuTime(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
