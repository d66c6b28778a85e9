package bench

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"pantau/inference/models"
	"pantau/inference/onnx"
)

// The camera that product and peer watch, and how.
const (
	peerFPS    = 5
	peerWidth  = 1920
	peerHeight = 1080
	peerCount  = 2 // cameras at once: a core at work, as on a busy machine
	windowTime = 15 * time.Second
)

//go:embed peer.mjs
var peerScript []byte

// pipelines compares the running sidecar with a bare loop over the same model,
// and with the pipeline as others build it: one ffmpeg process per camera, raw
// frames over a pipe, the same ONNX Runtime library, model and settings in Node.
func pipelines(ctx context.Context, o Options) ([]Result, error) {
	clip, err := o.clip(ctx, peerWidth, peerHeight, 25, "4M", 12)
	if err != nil {
		return nil, err
	}
	camera, url, err := o.camera(ctx, clip)
	if err != nil {
		return nil, err
	}
	defer camera.stop()
	script := filepath.Join(o.Dir, "peer.mjs")
	if err := os.WriteFile(script, peerScript, 0o600); err != nil {
		return nil, err
	}
	weights, err := o.writeWeights()
	if err != nil {
		return nil, err
	}
	var inference, rest, streams, own, theirs []float64
	for i := range o.Rounds {
		o.Say(fmt.Sprintf("the sidecar beside ffmpeg pipe + Node, round %d of %d", i+1, o.Rounds))
		ratio, w, err := o.measure(ctx, url)
		if err != nil {
			return nil, err
		}
		peer, err := o.peers(ctx, script, weights, url)
		if err != nil {
			return nil, err
		}
		inference = append(inference, ratio)
		rest = append(rest, 100*(w.cpu-w.infer-w.decode)/w.cpu)
		streams = append(streams, peer/w.cpu)
		seconds := windowTime.Seconds() * peerCount
		own, theirs = append(own, 1000*w.cpu/seconds), append(theirs, 1000*peer/seconds)
	}
	return []Result{
		atMost("inference in the pipeline / bare loop", "×", 1.05, inference, "processor time of the same model at the same pace, side by side"),
		atMost("everything but decode and inference", "%", 8, rest, "of the sidecar's processor time: RTSP, letterbox, NMS, tracks, rules, Redis client, Go runtime"),
		atLeast("streams a core / ffmpeg pipe + Node", "×", 1.15, streams, fmt.Sprintf(
			"1080p25 at %d frames/s, %s: %.0f ms of CPU a camera-second against %.0f (%.1f streams a core)",
			peerFPS, o.Model.ID(), median(own), median(theirs), 1000/median(own))),
	}, nil
}

// writeWeights makes a file of the model's weights, which may be in the program only.
func (o Options) writeWeights() (string, error) {
	data, err := models.Read(o.Models, o.Model)
	if err != nil {
		return "", err
	}
	path := o.Model.File(o.Dir)
	return path, os.WriteFile(path, data, 0o600)
}

// measure runs the sidecar for two whiles: beside the bare loop, which then has
// the same neighbours as the sidecar's own inference, and alone. It gives the
// ratio of the first and the reading of the second.
func (o Options) measure(ctx context.Context, url string) (ratio float64, w reading, err error) {
	p, err := o.run(ctx, url, peerCount, peerFPS)
	if err != nil {
		return 0, w, err
	}
	defer p.end()
	var bare time.Duration
	beside, err := p.during(ctx, func() error {
		bare, err = bareLoop(ctx, o)
		return err
	})
	if err != nil {
		return 0, w, err
	}
	w, err = p.during(ctx, func() error { return pause(ctx, windowTime) })
	if err == nil && w.scenes < 0.8*peerFPS*peerCount*windowTime.Seconds() {
		err = fmt.Errorf("only %.0f frames were analysed in %v: the machine is too busy to measure", w.scenes, windowTime)
	}
	return beside.infer / beside.scenes / bare.Seconds(), w, err
}

// bareLoop is the processor time of one inference, in a process that does
// nothing else.
func bareLoop(ctx context.Context, o Options) (time.Duration, error) {
	out, err := exec.CommandContext(ctx, o.Program, "bench-part", "infer", o.Library, o.Models, o.Model.Name).Output()
	if err != nil {
		return 0, fmt.Errorf("running the bare loop: %w", err)
	}
	ns, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	return time.Duration(ns), err
}

// Infer is the bare loop, at the pace of a camera. It gives the time per run.
func Infer(library, folder, name string) (time.Duration, error) {
	const warm, runs = 5, 50
	manifest, err := models.Builtin()
	if err != nil {
		return 0, err
	}
	model, err := manifest.Find(name)
	if err != nil {
		return 0, err
	}
	b, s, err := bind(library, folder, model)
	if err != nil {
		return 0, err
	}
	for i := range b.Input {
		b.Input[i] = float32(i%255)/64 - 2
	}
	for i := range b.Bytes {
		b.Bytes[i] = byte(i % 255)
	}
	var begun time.Duration
	pace := time.NewTicker(time.Second / peerFPS)
	defer pace.Stop()
	for i := range warm + runs {
		<-pace.C
		if i == warm {
			begun = s.CPU()
		}
		if err := b.Run(); err != nil {
			return 0, err
		}
	}
	return (s.CPU() - begun) / runs, nil
}

// bind opens a model with tensors for the benchmark's picture.
func bind(library, folder string, model models.Model) (*onnx.Binding, *onnx.Session, error) {
	weights, err := models.Read(folder, model)
	if err != nil {
		return nil, nil, err
	}
	l, err := onnx.Open(library)
	if err != nil {
		return nil, nil, err
	}
	s, err := l.Session(weights)
	if err != nil {
		return nil, nil, err
	}
	decoder, err := models.NewDecoder(model, nil, 0.5)
	if err != nil {
		return nil, nil, err
	}
	var declared [][]int64
	for _, out := range s.Outputs {
		declared = append(declared, out.Shape)
	}
	box := model.Letterbox(peerWidth, peerHeight)
	shapes, err := decoder.Shapes(declared, box.Width, box.Height)
	if err != nil {
		return nil, nil, err
	}
	b, err := s.Bind([]int64{1, 3, int64(box.Height), int64(box.Width)}, shapes)
	return b, s, err
}

// peers runs the other pipeline for every camera at once, and gives their
// processor time together.
func (o Options) peers(ctx context.Context, script, weights, url string) (float64, error) {
	var used [peerCount]float64
	g, ctx := errgroup.WithContext(ctx)
	for i := range peerCount {
		g.Go(func() (err error) {
			used[i], err = o.peer(ctx, script, weights, url)
			return err
		})
	}
	err := g.Wait()
	sum := 0.0
	for _, u := range used {
		sum += u
	}
	return sum, err
}

// peer runs the other pipeline for a while and gives the processor time of both
// of its processes, seconds.
func (o Options) peer(ctx context.Context, script, weights, url string) (float64, error) {
	box := o.Model.Letterbox(peerWidth, peerHeight)
	cmd := exec.CommandContext(ctx, "node", script, url, weights, o.Node, fmt.Sprint(box.Width), fmt.Sprint(box.Height),
		fmt.Sprint(peerFPS), fmt.Sprint(windowTime.Seconds()), list(o.Model.Input.Mean), list(o.Model.Input.Std))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("running the peer: %w", err)
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

// list writes three numbers with commas.
func list(v [3]float32) string { return fmt.Sprintf("%g,%g,%g", v[0], v[1], v[2]) }
