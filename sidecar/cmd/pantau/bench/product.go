package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"pantau/sidecar/tap/taptest"
)

// Camera serves a clip until ctx ends: a camera in a process of its own, so that
// its cost is not counted as ours. It prints its address.
func Camera(ctx context.Context, clip, addr string) error {
	c, err := taptest.New(taptest.Options{Clip: clip, Addr: addr})
	if err != nil {
		return err
	}
	return c.Run(ctx)
}

// camera starts a Camera and gives its address.
func (o Options) camera(ctx context.Context, clip string) (*child, string, error) {
	addr, err := freePort()
	if err != nil {
		return nil, "", err
	}
	c, err := start(ctx, nil, o.Program, "bench-part", "camera", clip, addr)
	if err != nil {
		return nil, "", err
	}
	for range 100 {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
			return c, "rtsp://" + addr + "/street", nil
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			break
		}
	}
	c.stop()
	return nil, "", fmt.Errorf("the benchmark's camera does not answer: %s", c.trouble.String())
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// product is `pantau run` with a number of cameras that watch the same address.
type product struct {
	*child
	metrics string // address
	state   string
}

// run starts the sidecar and waits until all of its cameras are analysed.
func (o Options) run(ctx context.Context, url string, cameras int, fps float64) (*product, error) {
	state, err := os.MkdirTemp(o.Dir, "state-")
	if err != nil {
		return nil, err
	}
	console, err1 := freePort()
	metrics, err2 := freePort()
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	text := fmt.Sprintf("console: {listen: %q}\nmetrics: {listen: %q}\nmodels: {dir: %q, default: %s}\ncameras:\n", console, metrics, o.Models, o.Model.Name)
	for i := range cameras {
		text += fmt.Sprintf("  - {id: c%d, source: {rtsp: %q}, analyse: {fps: %g}, functions: [{id: line, kind: line, line: [[0.45, 0.2], [0.45, 0.9]]}]}\n", i, url, fps)
	}
	file := filepath.Join(state, "pantau.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	c, err := start(ctx, nil, o.Program, "run", file, "--state", state)
	if err != nil {
		return nil, err
	}
	p := &product{child: c, metrics: "http://" + metrics + "/metrics", state: state}
	for range 600 {
		if m, err := p.read(ctx); err == nil && m.running >= cameras && m.scenes >= float64(cameras) {
			return p, nil
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			p.end()
			return nil, err
		}
	}
	p.end()
	return nil, fmt.Errorf("%d cameras are not analysed after a minute: %s", cameras, c.trouble.String())
}

func (p *product) end() {
	p.stop()
	_ = os.RemoveAll(p.state) // made by run, for this process only
}

// reading is what the metrics say at one moment.
type reading struct {
	cpu, decode, infer float64 // seconds of processor time
	scenes             float64 // frames analysed
	running            int     // cameras
}

// read asks the sidecar's own metrics.
func (p *product) read(ctx context.Context) (reading, error) {
	var r reading
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.metrics, nil)
	if err != nil {
		return r, err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return r, err
	}
	defer answer.Body.Close()
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		name, value, ok := strings.Cut(lines.Text(), " ")
		v, err := strconv.ParseFloat(value, 64)
		if !ok || err != nil {
			continue
		}
		switch {
		case name == "pantau_inference_cpu_seconds_total":
			r.infer += v
		case strings.HasPrefix(name, "pantau_camera_decode_cpu_seconds_total"):
			r.decode += v
		case strings.HasPrefix(name, `pantau_camera_latency_seconds_count`) && strings.Contains(name, `stage="infer"`):
			r.scenes += v
		case strings.HasPrefix(name, "pantau_camera_up") && v == 1:
			r.running++
		}
	}
	total, err := cpu(p.cmd.Process.Pid)
	r.cpu = total.Seconds()
	return r, err
}

// during reads the metrics before and after something is done.
func (p *product) during(ctx context.Context, do func() error) (reading, error) {
	a, err := p.read(ctx)
	if err != nil {
		return a, err
	}
	if err := do(); err != nil {
		return a, err
	}
	b, err := p.read(ctx)
	return reading{cpu: b.cpu - a.cpu, decode: b.decode - a.decode, infer: b.infer - a.infer, scenes: b.scenes - a.scenes}, err
}

// memory is what the process holds with 1, 10 and 30 cameras.
func memory(ctx context.Context, o Options) ([]Result, error) {
	clip, err := o.clip(ctx, 1280, 720, 5, "1M", 12)
	if err != nil {
		return nil, err
	}
	camera, url, err := o.camera(ctx, clip)
	if err != nil {
		return nil, err
	}
	defer camera.stop()
	counts := []int{1, 10, 30}
	used := make([]float64, len(counts))
	for i, n := range counts {
		o.Say(fmt.Sprintf("memory with %d cameras of 720p", n))
		p, err := o.run(ctx, url, n, 0.5)
		if err != nil {
			return nil, err
		}
		if err = pause(ctx, 10*time.Second); err == nil {
			used[i], err = resident(p.cmd.Process.Pid)
		}
		p.end()
		if err != nil {
			return nil, err
		}
	}
	each := (used[2] - used[0]) / float64(counts[2]-counts[0])
	return []Result{atMost("memory per 720p camera", "MB", 12, []float64{each}, fmt.Sprintf(
		"resident with 1, 10, 30 cameras: %.0f, %.0f, %.0f MB, model and runtime included", used[0], used[1], used[2]))}, nil
}
