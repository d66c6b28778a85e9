package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"pantau/sidecar"
	"pantau/sidecar/tap/taptest"
)

// The program with an H.265 camera: an operator gets its own pictures, or converted ones
// where the browser asks for H.264; a viewer's are blurred on every way, and where
// nothing is blurred for one account alone, as over RTSP, no viewer comes in.
func TestViewersGetBlurredPicturesOnly(t *testing.T) {
	cam, err := taptest.New(taptest.Options{Clip: taptest.MakeClip(t, taptest.Spec{Codec: sidecar.H265, GOP: 10, Frames: 100})})
	if err != nil {
		t.Fatal(err)
	}
	serve(t, cam.Run)
	console, metrics, rtsp := freeAddr(t), freeAddr(t), freeAddr(t)
	file := write(t, "pantau.yaml", fmt.Sprintf(`
console: {listen: %q}
metrics: {listen: %q}
rtsp: {listen: %q}
whep: {listen: %q}
cameras: [{id: cam, source: {rtsp: %q}, analyse: {fps: 2}}]
`, console, metrics, rtsp, freeAddr(t), cam.URL()))
	p := launch(t, []string{"PANTAU_BOOTSTRAP_TOKEN=first-run-token"}, "run", file, "--state", t.TempDir())
	p.until(t, "the camera", 30*time.Second, func() bool { return strings.Contains(p.output(), "camera is running") })
	admin, viewer := browser(t), browser(t)
	const password = "correct horse battery"
	call(t, admin, console, "setup", map[string]string{"token": "first-run-token", "name": "root", "password": password})
	call(t, admin, console, "accounts", map[string]string{"name": "wall", "password": password, "role": "viewer"})
	call(t, viewer, console, "login", map[string]string{"name": "wall", "password": password})

	for _, tt := range []struct {
		who                     *http.Client
		query, codec, rendition string
	}{
		{admin, "", "hvc1.", ""},
		{admin, "?codec=avc1", "avc1.42", "converted"},
		{viewer, "", "avc1.42", "blurred"},
		{viewer, "?codec=avc1", "avc1.42", "blurred"},
	} {
		codec, rendition := firstPicture(t, tt.who, console, tt.query)
		if !strings.HasPrefix(codec, tt.codec) || rendition != tt.rendition {
			t.Errorf("%q gets %s, %q; want %s, %q", tt.query, codec, rendition, tt.codec, tt.rendition)
		}
	}
	watchWHEP(t, viewer, console, "cam")
	if r, err := viewer.Get("https://" + console + "/api/v1/cameras/cam/snapshot.jpg?boxes=0"); err != nil || r.StatusCode != http.StatusOK {
		t.Errorf("the picture: %v, %v", r, err)
	} else {
		_ = r.Body.Close()
	}
	for name, who := range map[string]*http.Client{"root": admin, "wall": viewer} {
		var made struct{ Password string }
		if err := json.Unmarshal(call(t, who, console, "me/device-passwords", map[string]string{"label": "vms"}), &made); err != nil {
			t.Fatal(err)
		}
		err := exec.Command("ffprobe", "-v", "quiet", "-rtsp_transport", "tcp", fmt.Sprintf("rtsp://%s:%s@%s/cam/video", name, made.Password, rtsp)).Run()
		if (err == nil) != (name == "root") {
			t.Errorf("%s reads the camera's own packets: %v", name, err)
		}
	}
	p.until(t, "the end of what nobody watches", 20*time.Second, func() bool {
		r, err := http.Get("http://" + metrics + "/metrics")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		text, _ := io.ReadAll(r.Body)
		return strings.Contains(string(text), "\npantau_transcodes 0\n") && !strings.Contains(string(text), `encode_cpu_seconds_total{camera="cam",way="blurred"} 0`+"\n")
	})
	p.interrupt(t)
}

// call posts to the API and gives the answer.
func call(t *testing.T, web *http.Client, console, path string, body any) []byte {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := web.Post("https://"+console+"/api/v1/"+path, "application/json", strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	answer, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode/100 != 2 {
		t.Fatalf("%s: %s %s, %v", path, r.Status, answer, err)
	}
	return answer
}

// firstPicture watches the live view of the camera cam up to its first picture, and says
// of what codec it is, and which rendition.
func firstPicture(t *testing.T, web *http.Client, console, query string) (codec, rendition string) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	conn, _, err := websocket.Dial(ctx, "wss://"+console+"/api/v1/cameras/cam/live"+query, &websocket.DialOptions{HTTPClient: &http.Client{Jar: web.Jar, Transport: web.Transport}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	conn.SetReadLimit(8 << 20)
	for {
		kind, data, err := conn.Read(ctx)
		if err != nil {
			t.Fatalf("%q: no picture of %s, %s: %v", query, codec, rendition, err)
		}
		if kind == websocket.MessageBinary {
			return codec, rendition
		}
		var hello struct{ Type, Codec, Rendition string }
		if err := json.Unmarshal(data, &hello); err != nil {
			t.Fatal(err)
		}
		if hello.Type == "hello" {
			codec, rendition = hello.Codec, hello.Rendition
		}
	}
}
