package pipeline

import (
	"pantau/sidecar"
	"pantau/sidecar/decode"
)

// decoding is the state of the goroutine that decodes.
type decoding struct {
	p       *Pipeline
	decoder *decode.Decoder // nil before the first unit, and for a codec that cannot be decoded
	codec   sidecar.Codec
	epoch   string
}

// decode turns access units into frames until the queue is closed.
func (p *Pipeline) decode() {
	d := decoding{p: p}
	defer d.close()
	sample := newSampler(FPS(p.o.Camera))
	for u := range p.units.c {
		if u.Codec != d.codec || u.Epoch != d.epoch {
			d.open(u)
		}
		frame := d.frame(u)
		if frame == nil {
			continue
		}
		p.meter.decoded.Add(1)
		p.o.Decoded(p.o.Camera.ID, frame)
		if sample.take(frame.Stamp) {
			p.newest.Put(frame)
		} else {
			frame.Release()
		}
	}
}

// open makes a decoder for the unit's session.
func (d *decoding) open(u *sidecar.AccessUnit) {
	d.close()
	d.codec, d.epoch = u.Codec, u.Epoch
	a := d.p.o.Camera.Analyse
	decoder, err := decode.New(decode.Options{Codec: u.Codec, KeyFrames: a.KeyFrames, Mask: a.Mask})
	if err != nil {
		d.p.log.Error("opening the decoder", "stage", "decode", "codec", u.Codec, "error", err)
		return
	}
	d.decoder = decoder
}

// frame decodes one unit; nil: no picture came of it.
func (d *decoding) frame(u *sidecar.AccessUnit) *sidecar.Frame {
	if d.decoder == nil {
		return nil
	}
	before := d.decoder.CPU()
	frame, err := d.decoder.Decode(u)
	d.p.meter.decodeCPU.Add(int64(d.decoder.CPU() - before))
	if err != nil {
		d.p.meter.broken.Add(1)
	}
	return frame
}

func (d *decoding) close() {
	if d.decoder != nil {
		d.decoder.Close()
		d.decoder = nil
	}
}
