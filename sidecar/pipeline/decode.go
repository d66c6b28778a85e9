package pipeline

import (
	"pantau/sidecar"
	"pantau/sidecar/decode"
)

// decode turns access units into frames until the queue is closed.
func (p *Pipeline) decode() {
	sample := newSampler(fps(p.o.Camera))
	var d *decode.Decoder
	var codec sidecar.Codec
	var epoch string
	defer func() {
		if d != nil {
			d.Close()
		}
	}()
	for u := range p.units.c {
		if d == nil || u.Codec != codec || u.Epoch != epoch {
			if d != nil {
				d.Close()
			}
			var err error
			d, err = decode.New(decode.Options{Codec: u.Codec, KeyFrames: p.o.Camera.Analyse.KeyFrames, Mask: p.o.Camera.Analyse.Mask})
			if err != nil {
				p.log.Error("opening the decoder", "stage", "decode", "codec", u.Codec, "error", err)
				d = nil
				continue
			}
			codec, epoch = u.Codec, u.Epoch
		}
		frame, err := d.Decode(u)
		if err != nil {
			p.meter.broken.Add(1)
		}
		if frame == nil {
			continue
		}
		p.meter.decoded.Add(1)
		if !sample.take(frame.Stamp) {
			frame.Release()
			continue
		}
		p.newest.Put(frame)
	}
}
