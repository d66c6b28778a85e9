package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pantau/inference"
	"pantau/sidecar"
	"pantau/sidecar/analyse"
	"pantau/sidecar/decode"
	"pantau/sidecar/track"
)

// decoding compares our decoder with ffmpeg's, both on one thread, over the same
// clip, as whole processes.
func decoding(ctx context.Context, o Options) ([]Result, error) {
	clip, err := o.clip(ctx, 1920, 1080, 25, "4M", 12)
	if err != nil {
		return nil, err
	}
	var ratios, ours []float64
	for i := range o.Rounds {
		o.Say(fmt.Sprintf("decoding, round %d of %d", i+1, o.Rounds))
		theirs, err := command(ctx, "ffmpeg", "-nostdin", "-v", "error", "-threads", "1", "-i", clip, "-f", "null", "-")
		if err != nil {
			return nil, err
		}
		own, err := command(ctx, o.Program, "bench-part", "decode", clip)
		if err != nil {
			return nil, err
		}
		ratios = append(ratios, own.Seconds()/theirs.Seconds())
		ours = append(ours, own.Seconds()*1000/12)
	}
	return []Result{atMost("decode / ffmpeg -threads 1 -f null", "×", 1.05, ratios,
		fmt.Sprintf("1080p25 4 Mbit/s: %.0f ms of CPU a camera-second", median(ours)))}, nil
}

// Decode is the part of decoding that runs in a process of its own.
func Decode(clip string) error {
	f, err := decode.OpenFile(clip, decode.FileOptions{})
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		frame, err := f.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		frame.Release()
	}
}

// open opens the model.
func (o Options) open(workers int) (*inference.Detector, error) {
	return inference.Open(inference.Options{Library: o.Library, Model: o.Model, Folder: o.Models, Workers: workers})
}

// frames decodes the first frames of the street.
func (o Options) frames(clip string, n int) ([]*sidecar.Frame, error) {
	f, err := decode.OpenFile(clip, decode.FileOptions{})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []*sidecar.Frame
	for range n {
		frame, err := f.Next()
		if err != nil {
			return all, err
		}
		all = append(all, frame)
	}
	return all, nil
}

// workers compares two workers with one, over frames that are decoded already.
func workers(ctx context.Context, o Options) ([]Result, error) {
	frames, err := o.frames(o.Clip, 32)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, f := range frames {
			f.Release()
		}
	}()
	var one, two *inference.Detector
	if one, err = o.open(1); err != nil {
		return nil, err
	}
	if two, err = o.open(2); err != nil {
		return nil, errors.Join(err, one.Close())
	}
	var ratios, rates []float64
	for i := range o.Rounds {
		o.Say(fmt.Sprintf("two workers beside one, round %d of %d", i+1, o.Rounds))
		a, errA := throughput(ctx, one, frames)
		b, errB := throughput(ctx, two, frames)
		if err := errors.Join(errA, errB); err != nil {
			return nil, errors.Join(err, one.Close(), two.Close())
		}
		ratios, rates = append(ratios, b/a), append(rates, b)
	}
	return []Result{atLeast("two workers / one", "×", 1.8, ratios,
		fmt.Sprintf("%.1f frames/s with two", median(rates)))}, errors.Join(one.Close(), two.Close())
}

// throughput is frames per second of a detector that never waits for a frame.
func throughput(ctx context.Context, d *inference.Detector, frames []*sidecar.Frame) (float64, error) {
	const long = 5 * time.Second
	ctx, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	var done atomic.Int64
	var wg sync.WaitGroup
	begun := time.Now()
	for caller := range 4 {
		wg.Go(func() {
			for i := caller; ctx.Err() == nil; i++ {
				if _, _, err := d.Detect(ctx, func() *sidecar.Frame { return frames[i%len(frames)] }, nil); err == nil {
					done.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if done.Load() == 0 {
		return 0, errors.New("no frame was looked at")
	}
	return float64(done.Load()) / time.Since(begun).Seconds(), nil
}

// allocations counts what each hot stage allocates per frame once it has warmed up.
func allocations(_ context.Context, o Options) ([]Result, error) {
	frames, err := o.frames(o.Clip, 64)
	if err != nil {
		return nil, err
	}
	d, err := o.open(1)
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()
	o.Say("counting allocations")

	tensor := make([]float32, 3*480*640)
	box := sidecar.Letterbox{Width: 640, Height: 480}
	letterbox := testing.AllocsPerRun(50, func() { _ = frames[0].Picture.Letterbox(tensor, box) })

	var found [][]sidecar.Detection
	for _, f := range frames {
		_, dets, err := d.Detect(context.Background(), func() *sidecar.Frame { return f }, nil)
		if err != nil {
			return nil, err
		}
		found = append(found, dets)
	}
	next := func() *sidecar.Frame { return frames[0] }
	dst := make([]sidecar.Detection, 0, 256)
	detect := testing.AllocsPerRun(20, func() { _, _, _ = d.Detect(context.Background(), next, dst[:0]) })

	tracker, i := track.New(track.Options{}), 0
	step := func() track.Result {
		// Once over the clip and then from its end, so that no track is torn off.
		n := i % (2*len(found) - 2)
		if n >= len(found) {
			n = 2*len(found) - 2 - n
		}
		i++
		return tracker.Update(time.Duration(i)*100*time.Millisecond, found[n])
	}
	for range 4 * len(found) {
		step()
	}
	tracked := testing.AllocsPerRun(200, func() { step() })

	analyser, err := analyse.New(sidecar.Camera{ID: "bench", Functions: []sidecar.Function{
		{ID: "line", Kind: "line", Line: []sidecar.Point{{0.45, 0.2}, {0.45, 1}}},
	}}, analyse.Options{})
	if err != nil {
		return nil, err
	}
	still := step()
	scene := &sidecar.Scene{Camera: "bench", Tracks: still.Tracks}
	scene.ClockRate, scene.Epoch = 90000, "bench"
	look := func() {
		scene.PTS += 9000
		scene.Capture = scene.Capture.Add(100 * time.Millisecond)
		analyser.Update(scene)
	}
	for range 100 {
		look()
	}
	analysed := testing.AllocsPerRun(200, look)

	text := make([]byte, 0, 1<<16)
	written := testing.AllocsPerRun(200, func() { text = scene.AppendJSON(text[:0]) })

	for _, f := range frames {
		f.Release()
	}
	sum := letterbox + detect + tracked + analysed + written
	return []Result{atMost("allocations per frame in the hot stages", "", 0, []float64{sum}, fmt.Sprintf(
		"letterbox %g, detect %g, track %g, analyse %g, scene as JSON %g", letterbox, detect, tracked, analysed, written))}, nil
}
