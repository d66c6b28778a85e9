package burn

import (
	"errors"
	"image"
	"slices"
	"time"

	"pantau/overlays"
	"pantau/overlays/draw"
	"pantau/overlays/encode"
	"pantau/sidecar"
)

const (
	// stale is how late a picture may be until it is left out, after the delay: the
	// processor has no time for all of them.
	stale = 250 * time.Millisecond
	// farthest is how far apart scenes are between which boxes are drawn on a straight line.
	farthest = time.Second
	// silent is how old a scene is that is drawn no more.
	silent = time.Second
)

// work is what one run needs. It belongs to the joiner's goroutine.
type work struct {
	b       *Burner
	camera  sidecar.Camera // as it was when the run began: its masks are the decoder's
	joiner  *overlays.Joiner
	painter *draw.Painter

	decoder Decoder
	codec   sidecar.Codec
	epoch   string
	own     map[int64]*sidecar.Scene // of pictures that are in the decoder, by PTS
	before  *sidecar.Scene           // the newest of a picture that came out
	veil    draw.Veil                // of the scenes up to before
	encoder *encode.H264
	coded   encode.H264Options
	shown   sidecar.Stamp // of the newest picture that was given
}

func (w *work) close() {
	if w.decoder != nil {
		w.decoder.Close()
		w.decoder = nil
	}
	if w.encoder != nil {
		w.encoder.Close()
		w.encoder = nil
	}
}

// take decodes a picture and draws it; a scene that comes too late serves those
// that follow.
func (w *work) take(u *sidecar.AccessUnit, s *sidecar.Scene) {
	if u == nil {
		if s.Epoch == w.epoch && (w.before == nil || s.PTS > w.before.PTS) {
			w.follow(s)
		}
		return
	}
	w.b.mu.Lock()
	w.b.waiting -= u.Size()
	w.b.mu.Unlock()
	if u.Epoch != w.epoch || u.Codec != w.codec {
		if err := w.open(u); err != nil {
			w.b.o.Log.Error("opening the decoder", "codec", u.Codec, "error", err)
		}
	}
	if w.decoder == nil {
		return
	}
	if s != nil {
		w.own[u.PTS] = s
	}
	frame, err := w.decoder.Decode(u)
	if err != nil || frame == nil { // broken pictures are counted where the camera is analysed
		return
	}
	defer frame.Release()
	w.picture(frame)
}

// open begins a session.
func (w *work) open(u *sidecar.AccessUnit) (err error) {
	w.close()
	w.epoch, w.codec = u.Epoch, u.Codec
	w.own, w.before, w.shown = map[int64]*sidecar.Scene{}, nil, sidecar.Stamp{}
	w.decoder, err = w.b.o.Decoder(u.Codec, w.camera.Analyse.Mask, false)
	return err
}

// follow takes the newest scene.
func (w *work) follow(s *sidecar.Scene) {
	w.before = s
	if w.b.o.Blur {
		w.veil.See(s)
	}
}

// picture draws and codes a picture where it is wanted and there is time.
func (w *work) picture(f *sidecar.Frame) {
	own := w.own[f.PTS]
	for pts := range w.own {
		if pts <= f.PTS {
			delete(w.own, pts)
		}
	}
	scene := w.scene(f, own)
	if own != nil {
		w.follow(own)
	}
	if !w.due(f.Stamp, own != nil) {
		return
	}
	if late := time.Since(f.Received) - w.b.o.Delay; late > stale {
		if w.shown.Epoch != "" { // pictures before the first one are only decoded
			w.b.dropped.Add(1)
		}
		return
	}
	if err := w.code(f, scene); err != nil && w.b.failed.Add(1) == 1 {
		w.b.o.Log.Warn("burning boxes in", "error", err)
	}
}

// due says whether a picture is wanted: as many as were asked for, and of two that
// are near to each other the one that was analysed.
func (w *work) due(s sidecar.Stamp, analysed bool) bool {
	if w.shown.Epoch != s.Epoch {
		return true
	}
	gap := time.Duration(float64(time.Second) / w.b.o.FPS)
	if analysed {
		gap /= 2
	}
	return s.Media()-w.shown.Media() > gap*9/10
}

// scene is what is drawn over a frame: its own scene, or one between its neighbours,
// or the one before while that is not old.
func (w *work) scene(f *sidecar.Frame, own *sidecar.Scene) *sidecar.Scene {
	if own != nil {
		return own
	}
	s := &sidecar.Scene{Stamp: f.Stamp, Camera: w.camera.ID}
	before, after := w.before, w.joiner.Next(f.Stamp)
	if before == nil || f.Media()-before.Media() > silent {
		return s
	}
	s.Zones, s.Tracks = before.Zones, before.Tracks
	if after != nil && after.Media()-before.Media() <= farthest {
		part := float64(f.PTS-before.PTS) / float64(after.PTS-before.PTS)
		s.Tracks = between(before.Tracks, after.Tracks, part)
	}
	return s
}

// code draws a scene into its picture, and gives it.
func (w *work) code(f *sidecar.Frame, s *sidecar.Scene) error {
	key := w.b.wantKey.Swap(false)
	img, colours, err := w.room(f.Picture)
	if err != nil {
		return err
	}
	w.b.mu.Lock()
	functions, totals := w.b.camera.Functions, w.b.totals
	w.b.mu.Unlock()
	if w.b.o.Blur {
		w.blur(img, f, s)
	}
	if !w.b.o.Bare {
		w.painter.Scene(img, s, functions, draw.Options{Totals: totals, Colours: colours, Only: w.b.o.Show})
	}
	before := w.encoder.CPU()
	nalus, key, err := w.encoder.Encode(f.PTS-f.Origin, key)
	w.b.cpu.Add(int64(w.encoder.CPU() - before))
	if err != nil {
		return err
	}
	w.shown = f.Stamp
	w.b.burnt.Add(1)
	w.b.give(&sidecar.AccessUnit{Stamp: f.Stamp, Codec: sidecar.H264, NALUs: nalus, Key: key, Received: f.Received})
	return nil
}

// room copies a picture to where the encoder takes it from. A picture of another size
// or of other colours begins the stream anew.
func (w *work) room(p sidecar.Picture) (*image.YCbCr, sidecar.Colours, error) {
	for range 2 {
		if err := w.fit(p); err != nil {
			return nil, sidecar.Colours{}, err
		}
		img, err := w.encoder.Picture()
		if err != nil {
			return nil, sidecar.Colours{}, err
		}
		colours, err := p.Planes(img)
		if err != nil || colours == w.coded.Colours {
			return img, colours, err
		}
		w.encoder.Close()
		w.encoder = nil
	}
	return nil, sidecar.Colours{}, errors.New("a picture that says twice what colours it has")
}

// fit opens an encoder for a picture where there is none for its size.
func (w *work) fit(p sidecar.Picture) error {
	if width, height := w.b.size(p); w.encoder != nil && width == w.coded.Width && height == w.coded.Height {
		return nil
	}
	if w.encoder != nil {
		w.encoder.Close()
		w.encoder = nil
	}
	o, err := w.b.stream(p)
	if err != nil {
		return err
	}
	w.coded = o
	w.encoder, err = encode.NewH264(o)
	return err
}

// blur hides persons and plates, where they were found, were a moment ago, and may have
// gone since. Where it is not known what the picture shows, it is hidden.
func (w *work) blur(img *image.YCbCr, f *sidecar.Frame, s *sidecar.Scene) {
	now := f.Media()
	if w.before == nil || now-w.before.Media() > silent {
		draw.BlurAll(img)
		return
	}
	draw.Blur(img, w.veil.Cover(now)) // before's objects are among them
	draw.BlurBeside(img, w.before.Looked)
	if w.before.PTS == f.PTS {
		return
	}
	after := w.joiner.Next(f.Stamp)
	if after == nil { // nobody knows who has come since
		draw.BlurAll(img)
		return
	}
	draw.Blur(img, s.Tracks)
	draw.Blur(img, swept(w.before.Tracks, now-w.before.Media()))
	draw.Blur(img, swept(after.Tracks, now-after.Media()))
	draw.Blur(img, come(w.before.Tracks, after.Tracks))
	draw.BlurBeside(img, after.Looked)
}

// come is who is in a scene and not in the one before, enlarged by as much as they are
// large on each side: how they move is hardly known.
func come(before, after []sidecar.Track) []sidecar.Track {
	var all []sidecar.Track
	for _, t := range after {
		if t.ID == 0 || !slices.ContainsFunc(before, func(o sidecar.Track) bool { return o.ID == t.ID }) {
			w, h := t.Box.Width(), t.Box.Height()
			t.Box = sidecar.Box{Left: t.Box.Left - w, Top: t.Box.Top - h, Right: t.Box.Right + w, Bottom: t.Box.Bottom + h}
			all = append(all, t)
		}
	}
	return all
}

// swept enlarges boxes by where their objects may have gone for a while, or, where that
// is negative, have come from.
func swept(tracks []sidecar.Track, d time.Duration) []sidecar.Track {
	all := slices.Clone(tracks)
	for i := range all {
		b, dx, dy := &all[i].Box, all[i].Velocity.X()*d.Seconds(), all[i].Velocity.Y()*d.Seconds()
		*b = sidecar.Box{Left: b.Left + min(0, dx), Top: b.Top + min(0, dy), Right: b.Right + max(0, dx), Bottom: b.Bottom + max(0, dy)}
	}
	return all
}
