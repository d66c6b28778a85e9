package tap_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

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

// BenchmarkTap measures the CPU time of this process while 20 taps read 1080p25
// at 4 Mbit/s, RTSP library and network included.
func BenchmarkTap(b *testing.B) {
	const cameras = 20
	source := anotherProcess(b, taptest.MakeClip(b, taptest.Spec{
		Width: 1920, Height: 1080, GOP: 50, Frames: 100, Bitrate: 4000, Pattern: "mandelbrot",
	}))
	for _, keyFrames := range []bool{false, true} {
		b.Run(fmt.Sprintf("keyframes=%v", keyFrames), func(b *testing.B) {
			var units, bytes atomic.Int64
			ctx, cancel := context.WithCancel(b.Context())
			var taps sync.WaitGroup
			for range cameras {
				taps.Go(func() {
					_ = tap.New(tap.Options{Source: source, KeyFrames: keyFrames}).Run(ctx, func(u *sidecar.AccessUnit) {
						units.Add(1)
						bytes.Add(int64(u.Size()))
					})
				})
			}
			for units.Load() < cameras {
				time.Sleep(10 * time.Millisecond)
			}
			units.Store(0)
			bytes.Store(0)
			began, cpu := time.Now(), cpuTime(b)
			for b.Loop() {
				time.Sleep(time.Second)
			}
			seconds := cameras * time.Since(began).Seconds()
			cpu = cpuTime(b) - cpu
			cancel()
			taps.Wait()
			b.ReportMetric(float64(cpu.Microseconds())/1000/seconds, "cpu-ms/camera-second")
			b.ReportMetric(float64(units.Load())/seconds, "pictures/s")
			b.ReportMetric(8e-6*float64(bytes.Load())/seconds, "Mbit/s")
			b.ReportMetric(0, "ns/op")
		})
	}
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
