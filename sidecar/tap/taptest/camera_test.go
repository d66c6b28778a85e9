package taptest_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"pantau/sidecar"
	"pantau/sidecar/tap/taptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a camera for the length of a test.
func start(t *testing.T, o taptest.Options) *taptest.Camera {
	t.Helper()
	c, err := taptest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }() // waited for in Cleanup
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return c
}

// TestAnotherClientReads lets ffmpeg judge: a client that is none of ours.
func TestAnotherClientReads(t *testing.T) {
	for _, codec := range []sidecar.Codec{sidecar.H264, sidecar.H265, sidecar.MJPEG} {
		t.Run(string(codec), func(t *testing.T) {
			c := start(t, taptest.Options{
				Clip: taptest.MakeClip(t, taptest.Spec{Codec: codec, GOP: 10, Frames: 20}),
				User: "viewer", Password: sidecar.NewSecret("p4ss"),
			})
			address := strings.Replace(c.URL(), "rtsp://", "rtsp://viewer:p4ss@", 1)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			out, err := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-analyzeduration", "500000",
				"-show_entries", "stream=codec_name,width,height", "-of", "csv=p=0", address).Output()
			if err != nil {
				t.Fatal("ffprobe:", err)
			}
			name := map[sidecar.Codec]string{sidecar.H264: "h264", sidecar.H265: "hevc", sidecar.MJPEG: "mjpeg"}[codec]
			if got, want := strings.TrimSpace(string(out)), name+",320,240"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestBadOptionsAreErrors(t *testing.T) {
	clip := taptest.MakeClip(t, taptest.Spec{})
	for name, o := range map[string]taptest.Options{
		"no clip": {Clip: t.TempDir() + "/none.mp4"},
		"address": {Clip: clip, Addr: "nowhere:port"},
	} {
		if _, err := taptest.New(o); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}
