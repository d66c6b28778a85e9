package nanodet

import (
	"errors"
	"fmt"
	"math"
)

// conv2D takes a convolution of an NHWC tensor without padding of its own. The
// weights [height, width, in, out] become [out, in, height, width].
func (t *translator) conv2D(n *node) error {
	v, err := t.input(n, 0)
	if err != nil {
		return err
	}
	if len(n.Input) != 2 || !v.nhwc || v.fill != 0 {
		return errors.New("input is not an NHWC tensor padded with zeros")
	}
	w := t.g.weights[n.Input[1]]
	if len(w.shape) != 4 || w.floats == nil || w.shape[2] != v.size[0] {
		return fmt.Errorf("weights %v do not fit %d channels", w.shape, v.size[0])
	}
	size, strides, err := t.window(n, v, w.shape[0], w.shape[1])
	if err != nil {
		return err
	}
	size[0] = w.shape[3]
	kernel := t.constant(onnxTensor{name: shortName(n.Name) + "_weights",
		shape: []int{w.shape[3], w.shape[2], w.shape[0], w.shape[1]}, floats: outputFirst(w)})
	name := t.emit(n, "Conv", []string{v.name, kernel},
		onnxAttribute{"kernel_shape", []int{w.shape[0], w.shape[1]}},
		onnxAttribute{"strides", strides}, onnxAttribute{"pads", pads(v)})
	t.values[n.Name] = value{name: name, nhwc: true, size: size, conv: len(t.model.nodes)}
	return nil
}

// outputFirst reorders [height, width, in, out] to [out, in, height, width].
func outputFirst(w weight) []float32 {
	area, in, out := w.shape[0]*w.shape[1], w.shape[2], w.shape[3]
	dst := make([]float32, len(w.floats))
	for p := range area {
		for i := range in {
			for o := range out {
				dst[(o*in+i)*area+p] = w.floats[(p*in+i)*out+o]
			}
		}
	}
	return dst
}

// maxPool takes a pool over an NHWC tensor, padded with minus infinity or not at all.
func (t *translator) maxPool(n *node) error {
	v, err := t.input(n, 0)
	if err != nil {
		return err
	}
	if !v.nhwc || v.pads != nil && !math.IsInf(float64(v.fill), -1) {
		return errors.New("input is not an NHWC tensor padded with minus infinity")
	}
	k, err := spatial(n.Attr["ksize"])
	if err != nil {
		return fmt.Errorf("kernel: %w", err)
	}
	size, strides, err := t.window(n, v, k[0], k[1])
	if err != nil {
		return err
	}
	name := t.emit(n, "MaxPool", []string{v.name}, onnxAttribute{"kernel_shape", k},
		onnxAttribute{"strides", strides}, onnxAttribute{"pads", pads(v)})
	t.values[n.Name] = value{name: name, nhwc: true, size: size}
	return nil
}

// window gives the size of what a sliding window makes of v, and its strides.
func (t *translator) window(n *node, v value, kh, kw int) ([3]int, []int, error) {
	strides, err := spatial(n.Attr["strides"])
	if err != nil {
		return v.size, nil, fmt.Errorf("strides: %w", err)
	}
	if s := string(n.Attr["padding"].S); s != "VALID" {
		return v.size, nil, fmt.Errorf("padding is %q, want VALID", s)
	}
	p := pads(v)
	h, w := v.size[1]+p[0]+p[2]-kh, v.size[2]+p[1]+p[3]-kw
	if h < 0 || w < 0 || kh < 1 || kw < 1 {
		return v.size, nil, fmt.Errorf("window %dx%d does not fit %dx%d", kw, kh, v.size[2], v.size[1])
	}
	return [3]int{v.size[0], h/strides[0] + 1, w/strides[1] + 1}, strides, nil
}

// pads gives the paddings that wait for this node: top, left, bottom, right.
func pads(v value) []int {
	if v.pads == nil {
		return []int{0, 0, 0, 0}
	}
	return v.pads
}

// spatial gives height and width of a list [1, height, width, 1].
func spatial(a attr) ([]int, error) {
	if len(a.List.I) != 4 {
		return nil, fmt.Errorf("%d numbers, want 4", len(a.List.I))
	}
	var out [4]int
	for i, v := range a.List.I {
		d, err := v.Int64()
		if err != nil || d < 1 || d > 64 {
			return nil, fmt.Errorf("number %q is not from 1 to 64", v)
		}
		out[i] = int(d)
	}
	if out[0] != 1 || out[3] != 1 {
		return nil, fmt.Errorf("%v is not of height and width alone", out)
	}
	return []int{out[1], out[2]}, nil
}
