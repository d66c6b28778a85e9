package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"pantau/overlays/burn"
	"pantau/sidecar"
	"pantau/sidecar/decode"
	"pantau/sidecar/tap"
)

// The stream with boxes in its pictures, and how long it is.
const (
	burntWidth, burntHeight = 1280, 720
	burntFPS                = 15
	burntSeconds            = 30
	burntPreset             = "veryfast"
	burntBitrate            = 4000 // kbit/s
)

// burning compares what pictures with boxes take with what their decoder and their
// encoder take alone, and with ffmpeg that decodes and encodes the same pictures with the
// same settings and draws nothing.
func burning(ctx context.Context, o Options) ([]Result, error) {
	clip, err := o.clip(ctx, burntWidth, burntHeight, burntFPS, "2M", burntSeconds)
	if err != nil {
		return nil, err
	}
	rate := fmt.Sprint(burntBitrate, "k")
	var bare, peer, ours []float64
	for i := range o.Rounds {
		o.Say(fmt.Sprintf("pictures with boxes, round %d of %d", i+1, o.Rounds))
		theirs, err := command(ctx, "ffmpeg", "-nostdin", "-v", "error", "-threads", "1", "-i", clip, "-an", "-c:v", "libx264", "-threads", "1",
			"-preset", burntPreset, "-tune", "zerolatency", "-x264-params", "sliced-threads=0", "-crf", "23",
			"-maxrate", rate, "-bufsize", rate, "-g", strconv.Itoa(2*burntFPS), "-f", "null", "-")
		if err != nil {
			return nil, err
		}
		out, err := exec.CommandContext(ctx, o.Program, "bench-part", "burn", clip).Output()
		if err != nil {
			return nil, fmt.Errorf("running bench-part burn: %w", err)
		}
		var whole, coding float64 // seconds
		if _, err := fmt.Sscan(string(out), &whole, &coding); err != nil {
			return nil, fmt.Errorf("reading what bench-part burn says: %w", err)
		}
		bare, peer = append(bare, whole/coding), append(peer, whole/theirs.Seconds())
		ours = append(ours, whole*1000/burntSeconds)
	}
	return []Result{
		atMost("pictures with boxes / their decoder and encoder", "×", 1.15, bare,
			fmt.Sprintf("720p15, %s, 12 objects: %.0f ms of CPU a camera-second", burntPreset, median(ours))),
		{Name: "pictures with boxes / ffmpeg without boxes", Value: median(peer), Unit: "×", Rounds: peer,
			Detail: "the same pictures and settings; boxes that move make a picture dearer to encode"},
	}, nil
}

// Burn is the part of burning that runs in a process of its own: ten scenes a second of
// twelve objects with their ways, a line and a zone. It gives the processor time of all
// that, and of its decoder and encoder alone.
func Burn(ctx context.Context, path string) (whole, coding time.Duration, err error) {
	clip, err := tap.OpenClip(path)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = clip.Close() }() // only read
	var decoder *decode.Decoder
	given := make(chan struct{})
	b := burn.New(burn.Options{
		Decoder: func(codec sidecar.Codec, masks []sidecar.Polygon, keys bool) (_ burn.Decoder, err error) {
			decoder, err = decode.New(decode.Options{Codec: codec, Mask: masks, KeyFrames: keys})
			return decoder, err
		},
		Delay: time.Nanosecond, Height: burntHeight, FPS: burntFPS, Preset: burntPreset, Bitrate: burntBitrate,
	}, func(*sidecar.AccessUnit) { given <- struct{}{} })
	b.Camera(sidecar.Camera{ID: "bench", Functions: []sidecar.Function{
		{ID: "road", Kind: "line", Line: []sidecar.Point{{0.2, 0.8}, {0.9, 0.75}}},
		{ID: "square", Kind: "zone", Polygon: sidecar.Polygon{{0.1, 0.4}, {0.6, 0.35}, {0.8, 0.7}, {0.1, 0.9}}},
	}})
	begun, err := cpu(os.Getpid())
	if err != nil {
		return 0, 0, err
	}
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); b.Run(ctx) }()
	err = feed(b, clip, given)
	stop()
	<-done
	ended, err2 := cpu(os.Getpid())
	if err := errors.Join(err, err2); err != nil {
		return 0, 0, err
	}
	return ended - begun, decoder.CPU() + b.Stats().CPU, nil
}

// feed gives the clip's pictures and their scenes, each after the one before was given.
func feed(b *burn.Burner, clip *tap.Clip, given <-chan struct{}) error {
	for i := range clip.Len() {
		u, err := clip.At(i)
		if err != nil {
			return err
		}
		u.Epoch, u.RTPTime, u.ClockRate, u.Received = "bench", uint32(u.PTS), 90000, time.Now()
		if i%3 != 2 {
			b.Scene(&sidecar.Scene{Stamp: u.Stamp, Camera: "bench", Tracks: traffic(u.Media())})
		}
		b.AccessUnit(u)
		select {
		case <-given:
		case <-time.After(10 * time.Second):
			return errors.New("no picture came")
		}
	}
	return nil
}

// traffic is twelve objects that go to and fro.
func traffic(at time.Duration) []sidecar.Track {
	tracks := make([]sidecar.Track, 12)
	for i := range tracks {
		x := 0.05 + 0.07*float64(i)
		y := 0.15 + 0.05*float64(i%9) + 0.03*float64((at/(40*time.Millisecond))%50)/10
		tracks[i] = sidecar.Track{ID: sidecar.TrackID(i + 1), Confirmed: true, Observed: true, Class: sidecar.ClassAt(i % 6), Score: 0.9,
			Box: sidecar.Box{Left: x, Top: y, Right: x + 0.06, Bottom: y + 0.15}}
	}
	return tracks
}
