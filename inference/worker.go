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
}

// size is the width and height of an input tensor, pixels.
type size struct{ width, height int }

// input is the tensors for one size of the input: the outputs share their memory
// with the binding. A model whose input follows the picture has one for each
// shape of picture that it has met, at most 40 of them (steps of 32 pixels).
type input struct {
	*onnx.Binding
	outputs []models.Tensor
}

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

// detect appends what a picture shows to dst.
func (w *worker) detect(picture sidecar.Picture, dst []sidecar.Detection) ([]sidecar.Detection, error) {
	width, height := picture.Size()
	if width < 1 || height < 1 {
		return dst, fmt.Errorf("picture has the size %dx%d", width, height)
	}
	letterbox := w.model.Letterbox(width, height)
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
	return w.decoder.Decode(dst, in.outputs, letterbox.Width, letterbox.Height, letterbox.Fit(width, height))
}

// input gives the tensors for a size of the input; they are made once.
func (w *worker) input(s size) (*input, error) {
	if in, ok := w.inputs[s]; ok {
		return in, nil
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
	in := &input{Binding: binding}
	for i, shape := range shapes {
		in.outputs = append(in.outputs, models.Tensor{Shape: shape, Data: binding.Outputs[i]})
	}
	w.inputs[s] = in
	return in, nil
}

// close frees the tensors.
func (w *worker) close() error {
	var err error
	for _, in := range w.inputs {
		err = errors.Join(err, in.Close())
	}
	return err
}
