package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"pantau/onvif/onviftest"
)

// TestACamerasEncoderIsChangedAndChangedBack shows, changes twice and brings back.
func TestACamerasEncoderIsChangedAndChangedBack(t *testing.T) {
	program(t)
	d, err := onviftest.New(onviftest.Options{User: "admin", Password: "p/w?d@#"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }() // received below
	defer func() { cancel(); <-ended }()
	t.Setenv("CAM_PW", "p/w?d@#")
	state := t.TempDir()
	const before, after = "H264 640×360, 10 frames/s, key frame every 20, 512 kbit/s", "H265 640×360, 5 frames/s, key frame every 5, 512 kbit/s"
	for _, step := range []struct {
		args string
		code int
		want string
	}{
		{"show", 0, "it can      H265: 640×360, 1920×1080; 25 20 15 10 5 1 frames/s; key frame every 1 to 400; 64 to 8192 kbit/s"},
		{"set --fps 5 --gop 5 --codec h265", 0, "nothing has been changed"},
		{"set --fps 5 --gop 5 --codec h265 --yes", 0, "is now      " + after},
		{"set --bitrate 256 --yes", 0, "256 kbit/s"},
		{"set --undo", 0, "then        " + before},
		{"set --undo --yes", 0, "is now      " + before},
		{"set --undo --yes", exitUsage, "nothing is kept"},
		{"set --fps 5 --yes", exitUsage, "it has 2 profiles"},
		{"set --fps 60 --yes", exitUsage, "it can send 25 20 15 10 5 1"},
		{"set --size big --yes", exitUsage, "write it as 640x360"},
		{"set --yes", exitUsage, "nothing to change"},
		{"set --fps 5 --undo", exitUsage, "--undo alone"},
		{"set --fps 5 --profile nowhere", exitUsage, "there are main, sub"},
		{"show", 0, "now         " + before},
	} {
		args := append([]string{"camera"}, strings.Fields(step.args)...)
		args = append(args, d.Address(), "--user", "admin", "--password-env", "CAM_PW")
		if args[1] == "set" {
			args = append(args, "--state", state)
			if !strings.Contains(step.args, "--profile") && !strings.Contains(step.want, "2 profiles") {
				args = append(args, "--profile", "sub")
			}
		}
		code, out := says(t, args...)
		if code != step.code || !strings.Contains(out, step.want) || strings.Contains(out, "p/w?d") {
			t.Errorf("%s: got exit code %d, want %d and %q:\n%s", step.args, code, step.code, step.want, out)
		}
	}
	if left, err := filepath.Glob(filepath.Join(state, "encoders", "*")); err != nil || len(left) != 0 {
		t.Errorf("%v is left behind, %v", left, err)
	}
}
