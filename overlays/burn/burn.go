// Package burn draws the boxes into a camera's pictures and codes them anew, for
// those who show nothing but pictures: one decoder and one encoder for all who
// watch a camera, and nothing where nobody does.
//
// Each picture waits for its scene, as it does on the other ways out. Its RTP time is
// the camera's. A frame that was analysed is drawn with the boxes found in it; one
// that was not, with boxes between those of its neighbours.
package burn

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"pantau/overlays"
	"pantau/overlays/draw"
	"pantau/overlays/encode"
	"pantau/sidecar"
)

// Decoder makes pictures of one session's access units. It belongs to one goroutine.
type Decoder interface {
	Decode(*sidecar.AccessUnit) (*sidecar.Frame, error) // nil and no error: no picture yet
	Close()
}

// Options say what the pictures are like. Decoder is required; zero values of the
// others are the defaults.
type Options struct {
	// Decoder opens a decoder that blanks the masks; with keys, of key pictures
	// alone, each of which it gives at once.
	Decoder  func(codec sidecar.Codec, masks []sidecar.Polygon, keys bool) (Decoder, error)
	Delay    time.Duration   // how long pictures are held back for their scenes: 400 ms
	Height   int             // lines, at most; what has more is scaled: 720
	FPS      float64         // pictures a second, at most: 15
	Preset   string          // of encode.Presets: veryfast
	Bitrate  int             // kbit/s, at most: 4000
	Show     []sidecar.Layer // what is drawn; none: everything
	Bare     bool            // nothing is drawn
	Blur     bool            // persons and number plates
	Baseline bool            // Constrained Baseline, which every browser decodes; otherwise as the preset has it
	Log      *slog.Logger
}

// Stats count what became of pictures and scenes, since the start.
type Stats struct {
	overlays.Stats
	Burnt   uint64        // pictures given
	Dropped uint64        // pictures left out because there was no time for them
	Failed  uint64        // pictures that could not be coded
	CPU     time.Duration // processor time of the encoder
}

// errNoPicture says that nothing can be given yet.
var errNoPicture = errors.New("no picture has come yet")

// Burner is one camera's. Its methods may be called from several goroutines, and
// none but Run and Format blocks.
type Burner struct {
	o    Options
	give func(*sidecar.AccessUnit)

	wantKey                atomic.Bool
	burnt, dropped, failed atomic.Uint64
	cpu                    atomic.Int64 // of the encoder, ns

	mu      sync.Mutex
	camera  sidecar.Camera
	totals  []sidecar.CountRow
	group   group
	joiner  *overlays.Joiner // of Run; nil while nobody watches
	waiting int              // bytes of pictures that the joiner has
	skip    bool             // up to the next key picture
	ended   overlays.Stats   // of joiners that have gone
}

// New makes a Burner. It calls give from Run, one call at a time, for every picture:
// H.264, its stamp that of the camera's picture.
func New(o Options, give func(*sidecar.AccessUnit)) *Burner {
	if o.Delay <= 0 {
		o.Delay = 400 * time.Millisecond
	}
	if o.Height <= 0 {
		o.Height = 720
	}
	if o.FPS <= 0 {
		o.FPS = 15
	}
	if o.Preset == "" {
		o.Preset = "veryfast"
	}
	if o.Bitrate <= 0 {
		o.Bitrate = 4000
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Burner{o: o, give: give}
}

// Camera takes what the configuration says.
func (b *Burner) Camera(c sidecar.Camera) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.camera = c
}

// Totals takes what was counted.
func (b *Burner) Totals(rows []sidecar.CountRow) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.totals = rows
}

// mostWaiting is how many bytes of pictures wait to be drawn.
const mostWaiting = 16 << 20

// AccessUnit takes the camera's next picture.
func (b *Burner) AccessUnit(u *sidecar.AccessUnit) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.group.add(u)
	if b.joiner == nil {
		return
	}
	b.skip = (b.skip || b.waiting+u.Size() > mostWaiting) && (!u.Key || b.waiting >= mostWaiting/2)
	if b.skip { // what follows a lost unit cannot be decoded
		b.dropped.Add(1)
		return
	}
	b.put(u)
}

// put lets a picture wait for its scene. The caller holds mu.
func (b *Burner) put(u *sidecar.AccessUnit) {
	b.waiting += u.Size()
	b.joiner.AccessUnit(u)
}

// Scene takes a finished scene. It must not be changed afterwards.
func (b *Burner) Scene(s *sidecar.Scene) {
	b.mu.Lock()
	joiner := b.joiner
	b.mu.Unlock()
	if joiner != nil {
		joiner.Scene(s)
	}
}

// Key asks for a picture that decoding can begin with: somebody has come.
func (b *Burner) Key() { b.wantKey.Store(true) }

// Stats gives the counters as they are now.
func (b *Burner) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := Stats{Stats: b.ended, Burnt: b.burnt.Load(), Dropped: b.dropped.Load(), Failed: b.failed.Load(), CPU: time.Duration(b.cpu.Load())}
	if b.joiner != nil {
		s.Add(b.joiner.Stats())
	}
	return s
}

// Format gives the parameter sets of the stream that Run would give now.
func (b *Burner) Format() (sps, pps []byte, err error) {
	b.mu.Lock()
	key, masks := b.group.first, b.camera.Analyse.Mask
	b.mu.Unlock()
	if key == nil {
		return nil, nil, errNoPicture
	}
	o, err := b.look(key, masks)
	if err != nil {
		return nil, nil, err
	}
	return encode.ParameterSets(o)
}

// look decodes a key picture to see what it is like.
func (b *Burner) look(key *sidecar.AccessUnit, masks []sidecar.Polygon) (encode.H264Options, error) {
	d, err := b.o.Decoder(key.Codec, masks, true)
	if err != nil {
		return encode.H264Options{}, err
	}
	defer d.Close()
	frame, err := d.Decode(key)
	if err == nil && frame == nil {
		err = errNoPicture
	}
	if err != nil {
		return encode.H264Options{}, fmt.Errorf("looking at a key picture: %w", err)
	}
	defer frame.Release()
	return b.stream(frame.Picture)
}

// stream says how a stream of such pictures is coded.
func (b *Burner) stream(p sidecar.Picture) (encode.H264Options, error) {
	colours, err := p.Planes(image.NewYCbCr(image.Rect(0, 0, 16, 16), image.YCbCrSubsampleRatio420))
	o := encode.H264Options{Colours: colours, Rate: b.o.FPS, Preset: b.o.Preset, Bitrate: b.o.Bitrate, Baseline: b.o.Baseline}
	o.Width, o.Height = b.size(p)
	return o, err
}

// size is that of the coded pictures: even, and never larger than the camera's.
func (b *Burner) size(p sidecar.Picture) (width, height int) {
	width, height = p.Size()
	if height > b.o.Height {
		width, height = (width*b.o.Height+height/2)/height, b.o.Height
	}
	return max(16, width&^1), max(16, height&^1)
}

// Run gives pictures until ctx ends. It begins with the newest group of pictures, so
// that the first one comes at once.
func (b *Burner) Run(ctx context.Context) {
	w := &work{b: b, painter: new(draw.Painter)}
	defer w.close()
	b.mu.Lock()
	w.camera = b.camera
	w.joiner = overlays.NewJoiner(overlays.Options{Delay: b.o.Delay, Bytes: mostWaiting}, w.take)
	b.joiner, b.waiting, b.skip = w.joiner, 0, len(b.group.units) == 0
	for _, u := range b.group.units {
		b.put(u)
	}
	b.mu.Unlock()
	b.Key()
	w.joiner.Run(ctx)
	b.mu.Lock()
	b.joiner = nil
	b.ended.Add(w.joiner.Stats())
	b.mu.Unlock()
}
