package nanodet

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

func (t *translator) leakyRelu(n *node) error {
	v, err := t.picture(n, 0, false)
	if err != nil {
		return err
	}
	name := t.emit(n, "LeakyRelu", []string{v.name}, onnxAttribute{"alpha", n.Attr["alpha"].F})
	t.values[n.Name] = value{name: name, size: v.size}
	return nil
}

// concat joins NCHW tensors along the channels.
func (t *translator) concat(n *node) error {
	last := len(n.Input) - 1
	axis, err := t.ints(n, max(0, last), 1)
	if err != nil {
		return err
	}
	if axis[0] != 1 || last < 1 {
		return fmt.Errorf("axis %d of %d tensors, want axis 1", axis[0], last)
	}
	var names []string
	var size [3]int
	for i := range last {
		v, err := t.picture(n, i, false)
		if err != nil {
			return err
		}
		if i > 0 && (v.size[1] != size[1] || v.size[2] != size[2]) {
			return fmt.Errorf("sizes %v and %v differ", size, v.size)
		}
		names = append(names, v.name)
		size = [3]int{size[0] + v.size[0], v.size[1], v.size[2]}
	}
	t.values[n.Name] = value{name: t.emit(n, "Concat", names, onnxAttribute{"axis", 1}), size: size}
	return nil
}

// resize doubles or halves height and width between pixel centres. Halved so,
// every pixel is the mean of four.
func (t *translator) resize(n *node) error {
	v, err := t.picture(n, 0, true)
	if err != nil {
		return err
	}
	to, err := t.ints(n, 1, 2)
	if err != nil {
		return err
	}
	if !n.Attr["half_pixel_centers"].B || //nolint:misspell // as TensorFlow spells it
		n.Attr["align_corners"].B {
		return errors.New("pixels are not taken by their centres")
	}
	var name string
	h, w := v.size[1], v.size[2]
	switch {
	case to[0] == 2*h && to[1] == 2*w:
		scales := t.constant(onnxTensor{name: shortName(n.Name) + "_scales", shape: []int{4}, floats: []float32{1, 1, 2, 2}})
		name = t.emit(n, "Resize", []string{v.name, "", scales},
			onnxAttribute{"mode", "linear"}, onnxAttribute{"coordinate_transformation_mode", "half_pixel"})
	case 2*to[0] == h && 2*to[1] == w:
		name = t.emit(n, "AveragePool", []string{v.name},
			onnxAttribute{"kernel_shape", []int{2, 2}}, onnxAttribute{"strides", []int{2, 2}})
	default:
		return fmt.Errorf("%dx%d to %dx%d is neither double nor half", w, h, to[1], to[0])
	}
	t.values[n.Name] = value{name: name, nhwc: true, size: [3]int{v.size[0], to[0], to[1]}}
	return nil
}

// split cuts an NCHW tensor in two along the channels.
func (t *translator) split(n *node) error {
	v, err := t.picture(n, 0, false)
	if err != nil {
		return err
	}
	sizes, err := t.ints(n, 1, 2)
	if err != nil {
		return err
	}
	axis, err := t.ints(n, 2, 1)
	if err != nil {
		return err
	}
	if axis[0] != 1 || min(sizes[0], sizes[1]) < 1 || sizes[0] > v.size[0] || sizes[0]+sizes[1] != v.size[0] {
		return fmt.Errorf("%v along axis %d does not cut %d channels", sizes, axis[0], v.size[0])
	}
	c := t.constant(onnxTensor{name: shortName(n.Name) + "_sizes", shape: []int{2}, ints: []int64{int64(sizes[0]), int64(sizes[1])}})
	first := t.emit(n, "Split", []string{v.name, c}, onnxAttribute{"axis", 1})
	second := first + "_1"
	node := &t.model.nodes[len(t.model.nodes)-1]
	node.out = append(node.out, second)
	t.values[n.Name] = value{name: first, size: [3]int{sizes[0], v.size[1], v.size[2]}}
	t.values[n.Name+":1"] = value{name: second, size: [3]int{sizes[1], v.size[1], v.size[2]}}
	return nil
}

func (t *translator) sigmoid(n *node) error {
	v, err := t.picture(n, 0, false)
	if err != nil {
		return err
	}
	t.values[n.Name] = value{name: t.emit(n, "Sigmoid", []string{v.name}), size: v.size}
	return nil
}

// reshape makes [1,C,cells] of an NCHW tensor.
func (t *translator) reshape(n *node) error {
	v, err := t.picture(n, 0, false)
	if err != nil {
		return err
	}
	to, err := t.input(n, 1)
	if err != nil {
		return err
	}
	want := []int64{1, int64(v.size[0]), -1}
	if !slices.Equal(to.shape, want) {
		return fmt.Errorf("shape is %v, want %v", to.shape, want)
	}
	c := t.constant(onnxTensor{name: shortName(n.Name) + "_shape", shape: []int{3}, ints: want})
	t.values[n.Name] = value{name: t.emit(n, "Reshape", []string{v.name, c}), shape: want}
	return nil
}

// identity is an output, [1,cells,C].
func (t *translator) identity(n *node) error {
	v, err := t.input(n, 0)
	if err != nil {
		return err
	}
	if len(v.shape) != 3 || v.name == "" {
		return errors.New("input is not [1,cells,channels]")
	}
	if v.shape[2] < 1 || v.shape[2] > math.MaxInt32 {
		return fmt.Errorf("%d channels", v.shape[2])
	}
	name := shortName(n.Name)
	t.emit(n, "Identity", []string{v.name})
	t.model.outputs = append(t.model.outputs, onnxValue{name, []any{1, "cells_" + name, int(v.shape[2])}})
	return nil
}
