package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
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

// burning compares what pictures with boxes, and pictures that are converted, take with
// what their decoder and their encoder take alone, and with ffmpeg that decodes and
// encodes the same pictures with the same settings and draws nothing.
func burning(ctx context.Context, o Options) ([]Result, error) {
	h264, err := o.clip(ctx, burntWidth, burntHeight, burntFPS, "2M", burntSeconds)
	if err != nil {
		return nil, err
	}
	h265, err := o.h265(ctx, h264)
	if err != nil {
		return nil, err
	}
	var all []Result
	for _, kind := range []struct {
		name, part, clip string
		goal             float64
		ffmpeg           []string
	}{
		{"pictures with boxes", Boxes, h264, 1.15, nil},
		{"H.265, converted", Converted, h265, 1.1, []string{"-profile:v", "baseline"}},
		{"H.265, blurred", Blurred, h265, 1.15, []string{"-profile:v", "baseline"}},
	} {
		var bare, peer, ours []float64
		for i := range o.Rounds {
			o.Say(fmt.Sprintf("%s, round %d of %d", kind.name, i+1, o.Rounds))
			theirs, err := bareFFmpeg(ctx, kind.clip, kind.ffmpeg...)
			if err != nil {
				return nil, err
			}
			whole, coding, err := o.burnt(ctx, kind.part, kind.clip)
			if err != nil {
				return nil, err
			}
			bare, peer = append(bare, whole/coding), append(peer, whole/theirs.Seconds())
			ours = append(ours, whole*1000/burntSeconds)
		}
		all = append(all,
			atMost(kind.name+" / their decoder and encoder", "×", kind.goal, bare,
				fmt.Sprintf("720p15, %s, 12 objects: %.0f ms of CPU a camera-second", burntPreset, median(ours))),
			Result{Name: kind.name + " / ffmpeg that only codes", Value: median(peer), Unit: "×", Rounds: peer,
				Detail: "the same pictures and settings; what is drawn makes a picture dearer or cheaper to encode"})
	}
	return all, nil
}

// bareFFmpeg is the processor time of ffmpeg that decodes and encodes a clip.
func bareFFmpeg(ctx context.Context, clip string, more ...string) (time.Duration, error) {
	rate := fmt.Sprint(burntBitrate, "k")
	args := []string{"-nostdin", "-v", "error", "-threads", "1", "-i", clip, "-an", "-c:v", "libx264", "-threads", "1",
		"-preset", burntPreset, "-tune", "zerolatency", "-x264-params", "sliced-threads=0", "-crf", "23",
		"-maxrate", rate, "-bufsize", rate, "-g", strconv.Itoa(2 * burntFPS)}
	return command(ctx, "ffmpeg", append(append(args, more...), "-f", "null", "-")...)
}

// burnt gives the processor time, seconds, of Burn in a process of its own.
func (o Options) burnt(ctx context.Context, part, clip string) (whole, coding float64, err error) {
	out, err := exec.CommandContext(ctx, o.Program, "bench-part", "burn", part, clip).Output()
	if err != nil {
		return 0, 0, fmt.Errorf("running bench-part burn: %w", err)
	}
	if _, err := fmt.Sscan(string(out), &whole, &coding); err != nil {
		return 0, 0, fmt.Errorf("reading what bench-part burn says: %w", err)
	}
	return whole, coding, nil
}

// h265 makes the same clip in H.265.
func (o Options) h265(ctx context.Context, clip string) (string, error) {
	path := strings.TrimSuffix(clip, ".mp4") + "-h265.mp4"
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	o.Say("making a clip of H.265")
	_, err := command(ctx, "ffmpeg", "-nostdin", "-v", "error", "-y", "-i", clip, "-an", "-c:v", "libx265", "-preset", "veryfast", "-b:v", "1500k",
		"-x265-params", fmt.Sprintf("log-level=error:keyint=%d:bframes=0:repeat-headers=1", 2*burntFPS), "-tag:v", "hvc1", "-pix_fmt", "yuv420p", path+".part.mp4")
	if err != nil {
		return "", err
	}
	return path, os.Rename(path+".part.mp4", path)
}

// What Burn makes of pictures.
const (
	Boxes     = "boxes"
	Converted = "converted"
	Blurred   = "blurred"
)

// Burn is the part of burning that runs in a process of its own: ten scenes a second of
// twelve objects with their ways, a line and a zone. It gives the processor time of all
// that, and of its decoder and encoder alone.
func Burn(ctx context.Context, kind, path string) (whole, coding time.Duration, err error) {
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
		Bare: kind != Boxes, Baseline: kind != Boxes, Blur: kind == Blurred,
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

// feed gives the clip's pictures and their scenes, each after the one before was given,
// or left out because a busy machine had no time for it.
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
		dropped := b.Stats().Dropped
		b.AccessUnit(u)
		if err := settled(b, given, dropped); err != nil {
			return err
		}
	}
	return nil
}

// settled waits until a picture was given, or more were left out than so many.
func settled(b *burn.Burner, given <-chan struct{}, dropped uint64) error {
	for range 500 {
		select {
		case <-given:
			return nil
		case <-time.After(20 * time.Millisecond):
		}
		if b.Stats().Dropped > dropped {
			return nil
		}
	}
	return errors.New("no picture came")
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
