package inference

import (
	"errors"
	"fmt"

	"pantau/inference/models"
	"pantau/inference/onnx"
	"pantau/sidecar"
)

// worker looks at one frame at a time, with tensors of its own.
type worker struct {
	session *onnx.Session
	model   models.Model
	decoder *models.Decoder
	inputs  map[size]*input
	turn    uint64 // counts the uses of inputs
	parts   []part // of the frame that is looked at; the storage is used again
	scratch []sidecar.Detection
}

// size is the width and height of an input tensor, pixels.
type size struct{ width, height int }

// input is the tensors for one size of the input: the outputs share their memory
// with the binding. There is one for each size that the worker has met of late.
type input struct {
	*onnx.Binding
	outputs []models.Tensor
	used    uint64 // turn in which it was used last
}

// maxInputs bounds the sizes for which tensors are kept: 2 MB each at 640×384.
const maxInputs = 32

// newWorker makes a worker, ready for pictures of 16:9.
func newWorker(s *onnx.Session, o Options) (*worker, error) {
	decoder, err := models.NewDecoder(o.Model, o.Classes, o.MinScore)
	if err != nil {
		return nil, err
	}
	w := &worker{session: s, model: o.Model, decoder: decoder, inputs: map[size]*input{}}
	l := o.Model.Letterbox(16, 9)
	if _, err := w.input(size{l.Width, l.Height}); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// detect appends what a frame's picture shows to dst: the whole of it, or its
// crops.
func (w *worker) detect(f *sidecar.Frame, dst []sidecar.Detection) (_ []sidecar.Detection, err error) {
	width, height := f.Picture.Size()
	if width < 1 || height < 1 {
		return dst, fmt.Errorf("picture has the size %dx%d", width, height)
	}
	letterbox := w.model.Letterbox(width, height)
	if len(f.Crops) == 0 {
		return w.look(f.Picture, letterbox, dst)
	}
	first := len(dst)
	w.parts = w.parts[:0]
	for _, c := range f.Crops {
		letterbox.Crop, letterbox.Width, letterbox.Height = c.Region, c.Width, c.Height
		if dst, err = w.look(f.Picture, letterbox, dst); err != nil {
			return dst, err
		}
		w.parts = append(w.parts, part{letterbox.Fit(width, height).Region(), len(dst) - first})
	}
	rest, scratch := join(dst[first:], w.parts, w.scratch)
	w.scratch = scratch
	return dst[:first+len(rest)], nil
}

// look appends what a letterboxed picture shows to dst.
func (w *worker) look(picture sidecar.Picture, letterbox sidecar.Letterbox, dst []sidecar.Detection) ([]sidecar.Detection, error) {
	in, err := w.input(size{letterbox.Width, letterbox.Height})
	if err != nil {
		return dst, err
	}
	if in.Bytes != nil {
		err = picture.LetterboxBytes(in.Bytes, letterbox)
	} else {
		err = picture.Letterbox(in.Input, letterbox)
	}
	if err != nil {
		return dst, fmt.Errorf("scaling picture: %w", err)
	}
	if err := in.Run(); err != nil {
		return dst, err
	}
	return w.decoder.Decode(dst, in.outputs, letterbox.Width, letterbox.Height, letterbox.Fit(picture.Size()))
}

// input gives the tensors for a size of the input; they are made once, as long as
// there are not too many sizes.
func (w *worker) input(s size) (*input, error) {
	w.turn++
	if in, ok := w.inputs[s]; ok {
		in.used = w.turn
		return in, nil
	}
	if len(w.inputs) == maxInputs {
		if err := w.forget(); err != nil {
			return nil, err
		}
	}
	var declared [][]int64
	for _, o := range w.session.Outputs {
		declared = append(declared, o.Shape)
	}
	shapes, err := w.decoder.Shapes(declared, s.width, s.height)
	if err != nil {
		return nil, err
	}
	binding, err := w.session.Bind([]int64{1, 3, int64(s.height), int64(s.width)}, shapes)
	if err != nil {
		return nil, err
	}
	in := &input{Binding: binding, used: w.turn}
	for i, shape := range shapes {
		in.outputs = append(in.outputs, models.Tensor{Shape: shape, Data: binding.Outputs[i]})
	}
	w.inputs[s] = in
	return in, nil
}

// forget frees the tensors that have not been used for longest.
func (w *worker) forget() error {
	var oldest size
	least := w.turn
	for s, in := range w.inputs {
		if in.used < least {
			oldest, least = s, in.used
		}
	}
	in := w.inputs[oldest]
	delete(w.inputs, oldest)
	return in.Close()
}

// close frees the tensors.
func (w *worker) close() error {
	var err error
	for _, in := range w.inputs {
		err = errors.Join(err, in.Close())
	}
	return err
}
