package nanodet

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// value is what an input or a node of the TensorFlow graph stands for in the
// ONNX model: one of the two computes it.
type value struct {
	name  string  // of the ONNX value, computed in NCHW
	nhwc  bool    // TensorFlow sees it transposed: NHWC
	pads  []int   // top, left, bottom, right: left to the next convolution or pool
	fill  float32 // what the pads hold
	size  [3]int  // channels, height, width at the size that the graph was made for
	conv  int     // index + 1 of the Conv node that has no bias yet
	shape []int64 // a constant shape, computed at translation
}

// translator walks through the graph in its order, which must be topological.
type translator struct {
	g      *graph
	values map[string]value
	model  onnxModel
}

// ops is the list of TensorFlow's operators that are understood.
var ops = map[string]func(*translator, *node) error{
	"Placeholder":    (*translator).placeholder,
	"SparseToDense":  (*translator).zeros,
	"AddV2":          (*translator).add,
	"Add":            (*translator).add,
	"Pad":            (*translator).pad,
	"PadV2":          (*translator).pad,
	"Transpose":      (*translator).transpose,
	"Conv2D":         (*translator).conv2D,
	"LeakyRelu":      (*translator).leakyRelu,
	"MaxPool":        (*translator).maxPool,
	"ConcatV2":       (*translator).concat,
	"ResizeBilinear": (*translator).resize,
	"SplitV":         (*translator).split,
	"Sigmoid":        (*translator).sigmoid,
	"Reshape":        (*translator).reshape,
	"Identity":       (*translator).identity,
}

func translate(g *graph) (*onnxModel, error) {
	t := &translator{g: g, values: map[string]value{}}
	for i := range g.nodes {
		n := &g.nodes[i]
		if n.Op == "Const" {
			continue
		}
		op := ops[n.Op]
		if op == nil {
			return nil, fmt.Errorf("operator %q of node %q is not known", n.Op, n.Name)
		}
		if err := op(t, n); err != nil {
			return nil, fmt.Errorf("%s %q: %w", n.Op, n.Name, err)
		}
	}
	if len(t.model.inputs) != 1 || len(t.model.outputs) == 0 {
		return nil, fmt.Errorf("%d inputs and %d outputs, want one input and some outputs", len(t.model.inputs), len(t.model.outputs))
	}
	slices.SortFunc(t.model.outputs, func(a, b onnxValue) int { return strings.Compare(a.name, b.name) })
	return &t.model, nil
}

// input gives the value of a node's i-th input.
func (t *translator) input(n *node, i int) (value, error) {
	if i >= len(n.Input) {
		return value{}, fmt.Errorf("%d inputs, want at least %d", len(n.Input), i+1)
	}
	v, ok := t.values[n.Input[i]]
	if !ok {
		return value{}, fmt.Errorf("input %q stands for nothing yet", n.Input[i])
	}
	return v, nil
}

// picture gives the value of a node's i-th input, which must be a tensor of
// four axes, in the given layout, without padding that waits.
func (t *translator) picture(n *node, i int, nhwc bool) (value, error) {
	v, err := t.input(n, i)
	switch {
	case err != nil:
		return v, err
	case v.size == [3]int{} || v.nhwc != nhwc:
		return v, fmt.Errorf("input %q has the wrong axes", n.Input[i])
	case v.pads != nil:
		return v, fmt.Errorf("input %q is padded", n.Input[i])
	}
	return v, nil
}

// ints gives a node's i-th input, which must be n constant integers.
func (t *translator) ints(n *node, i, count int) ([]int, error) {
	if i >= len(n.Input) {
		return nil, fmt.Errorf("%d inputs, want at least %d", len(n.Input), i+1)
	}
	w, ok := t.g.weights[n.Input[i]]
	if !ok || len(w.ints) != count {
		return nil, fmt.Errorf("input %q is not %d constant integers", n.Input[i], count)
	}
	out := make([]int, count)
	for i, v := range w.ints {
		out[i] = int(v)
	}
	return out, nil
}

// emit adds an ONNX node, whose outputs have the names of the TensorFlow node.
func (t *translator) emit(n *node, op string, in []string, attributes ...onnxAttribute) string {
	name := shortName(n.Name)
	t.model.nodes = append(t.model.nodes, onnxNode{op: op, in: in, out: []string{name}, attributes: attributes})
	return name
}

// constant adds an initializer.
func (t *translator) constant(c onnxTensor) string {
	t.model.tensors = append(t.model.tensors, c)
	return c.name
}

// shortName drops what the converters put in front of every name.
func shortName(name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, "PartitionedCall/"), "onnx_tf_prefix_")
}

func (t *translator) placeholder(n *node) error {
	dims := n.Attr["shape"].Shape.Dim
	if len(dims) != 4 {
		return fmt.Errorf("%d axes, want 4", len(dims))
	}
	v := value{name: shortName(n.Name)}
	for i := range v.size {
		d, err := dims[i+1].Size.Int64()
		if err != nil || d < 1 || d > 1<<14 {
			return fmt.Errorf("axis %d has the size %q", i+1, dims[i+1].Size)
		}
		v.size[i] = int(d)
	}
	t.model.inputs = append(t.model.inputs, onnxValue{v.name, []any{1, v.size[0], "height", "width"}})
	t.values[n.Name] = v
	return nil
}

// zeros takes SparseToDense without any value: a constant vector of zeros.
func (t *translator) zeros(n *node) error {
	length, err := t.ints(n, 1, 1)
	if err != nil {
		return err
	}
	fill, err := t.ints(n, 3, 1)
	if err != nil {
		return err
	}
	if set := t.g.weights[n.Input[2]]; len(set.ints)+len(set.floats) != 0 || fill[0] != 0 || length[0] != 3 {
		return errors.New("not a vector of three zeros")
	}
	t.values[n.Name] = value{shape: make([]int64, length[0])}
	return nil
}

// add takes a bias of a convolution, the sum of two constant shapes, or the sum
// of two tensors.
func (t *translator) add(n *node) error {
	if len(n.Input) != 2 {
		return fmt.Errorf("%d inputs, want 2", len(n.Input))
	}
	if w, ok := t.g.weights[n.Input[0]]; ok && w.ints != nil {
		return t.addShape(n, w.ints)
	}
	if w, ok := t.g.weights[n.Input[1]]; ok {
		return t.addBias(n, w)
	}
	a, err := t.picture(n, 0, false)
	if err != nil {
		return err
	}
	b, err := t.picture(n, 1, false)
	if err != nil {
		return err
	}
	if a.size != b.size {
		return fmt.Errorf("sizes %v and %v differ", a.size, b.size)
	}
	t.values[n.Name] = value{name: t.emit(n, "Add", []string{a.name, b.name}), size: a.size}
	return nil
}

func (t *translator) addShape(n *node, c []int32) error {
	v, err := t.input(n, 1)
	if err != nil {
		return err
	}
	if len(v.shape) != len(c) {
		return fmt.Errorf("%d and %d numbers", len(c), len(v.shape))
	}
	sum := slices.Clone(v.shape)
	for i := range sum {
		sum[i] += int64(c[i])
	}
	t.values[n.Name] = value{shape: sum}
	return nil
}

func (t *translator) addBias(n *node, w weight) error {
	v, err := t.picture(n, 0, true)
	if err != nil {
		return err
	}
	if v.conv == 0 || len(w.floats) != v.size[0] {
		return errors.New("constant is not the bias of a convolution")
	}
	bias := t.constant(onnxTensor{name: v.name + "_bias", shape: []int{len(w.floats)}, floats: w.floats})
	conv := &t.model.nodes[v.conv-1]
	if len(conv.in) != 2 {
		return errors.New("the convolution has a bias already")
	}
	conv.in = append(conv.in, bias)
	v.conv = 0
	t.values[n.Name] = v
	return nil
}

// pad keeps the padding of an NCHW tensor for the convolution or the pool behind it.
func (t *translator) pad(n *node) error {
	v, err := t.picture(n, 0, false)
	if err != nil {
		return err
	}
	p, err := t.ints(n, 1, 8)
	if err != nil {
		return err
	}
	if p[0]|p[1]|p[2]|p[3] != 0 || slices.Min(p) < 0 || slices.Max(p) > 8 {
		return fmt.Errorf("paddings %v are not of height and width alone", p)
	}
	if n.Op == "PadV2" {
		if len(n.Input) != 3 || len(t.g.weights[n.Input[2]].floats) != 1 {
			return errors.New("no constant to pad with")
		}
		v.fill = t.g.weights[n.Input[2]].floats[0]
	}
	v.pads = []int{p[4], p[6], p[5], p[7]}
	v.conv = 0
	t.values[n.Name] = v
	return nil
}

// transpose turns NCHW to NHWC and back, which costs nothing here, or the last
// two axes of the outputs.
func (t *translator) transpose(n *node) error {
	v, err := t.input(n, 0)
	if err != nil {
		return err
	}
	if perm, err := t.ints(n, 1, 4); err == nil {
		to := slices.Equal(perm, []int{0, 2, 3, 1})
		if back := slices.Equal(perm, []int{0, 3, 1, 2}); to == back || v.nhwc != back || v.size == [3]int{} {
			return fmt.Errorf("permutation %v is not one of NCHW and NHWC", perm)
		}
		v.nhwc = to
		t.values[n.Name] = v
		return nil
	}
	perm, err := t.ints(n, 1, 3)
	if err != nil {
		return err
	}
	if !slices.Equal(perm, []int{0, 2, 1}) || v.shape == nil || v.name == "" {
		return fmt.Errorf("permutation %v is not known", perm)
	}
	name := t.emit(n, "Transpose", []string{v.name}, onnxAttribute{"perm", perm})
	t.values[n.Name] = value{name: name, shape: []int64{v.shape[0], v.shape[2], v.shape[1]}}
	return nil
}
