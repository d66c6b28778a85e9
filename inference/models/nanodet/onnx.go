package nanodet

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// The numbers of fields and types that encode writes (onnx.proto, IR version 8,
// operator set 13).
const (
	irVersion = 8
	opset     = 13

	elemFloat = 1 // TensorProto.DataType
	elemInt64 = 7

	attrFloat = 1 // AttributeProto.AttributeType
	attrInt   = 2
	attrStr   = 3
	attrInts  = 7
)

// onnxModel is what encode writes as a ModelProto.
type onnxModel struct {
	nodes   []onnxNode
	tensors []onnxTensor
	inputs  []onnxValue
	outputs []onnxValue
}

// onnxNode is a NodeProto.
type onnxNode struct {
	op         string
	in, out    []string
	attributes []onnxAttribute
}

// onnxAttribute is an AttributeProto; value is a float32, an int, a string or an []int.
type onnxAttribute struct {
	name  string
	value any
}

// onnxTensor is a TensorProto with raw_data; one of floats and ints is filled.
type onnxTensor struct {
	name   string
	shape  []int
	floats []float32
	ints   []int64
}

// onnxValue is a ValueInfoProto of float32; a dimension is an int or the name of
// a free one.
type onnxValue struct {
	name string
	dims []any
}

// encode writes the ModelProto. It depends on nothing but the model, so that
// equal models have equal bytes.
func (m *onnxModel) encode() []byte {
	var graph []byte
	for _, n := range m.nodes {
		graph = appendMessage(graph, 1, n.encode())
	}
	graph = appendString(graph, 2, "nanodet-g")
	for _, t := range m.tensors {
		graph = appendMessage(graph, 5, t.encode())
	}
	for _, v := range m.inputs {
		graph = appendMessage(graph, 11, v.encode())
	}
	for _, v := range m.outputs {
		graph = appendMessage(graph, 12, v.encode())
	}
	var out []byte
	out = appendInt(out, 1, irVersion)
	out = appendString(out, 2, "pantau nanodet")
	out = appendMessage(out, 7, graph)
	return appendMessage(out, 8, appendInt(nil, 2, opset))
}

func (n *onnxNode) encode() []byte {
	var b []byte
	for _, s := range n.in {
		b = appendString(b, 1, s)
	}
	for _, s := range n.out {
		b = appendString(b, 2, s)
	}
	b = appendString(b, 3, n.out[0])
	b = appendString(b, 4, n.op)
	for _, a := range n.attributes {
		b = appendMessage(b, 5, a.encode())
	}
	return b
}

func (a *onnxAttribute) encode() []byte {
	b := appendString(nil, 1, a.name)
	kind := 0
	switch v := a.value.(type) {
	case float32:
		b = protowire.AppendFixed32(protowire.AppendTag(b, 2, protowire.Fixed32Type), math.Float32bits(v))
		kind = attrFloat
	case int:
		b, kind = appendInt(b, 3, v), attrInt
	case string:
		b, kind = appendString(b, 4, v), attrStr
	case []int:
		for _, i := range v {
			b = appendInt(b, 8, i)
		}
		kind = attrInts
	}
	return appendInt(b, 20, kind)
}

func (t *onnxTensor) encode() []byte {
	var b, raw []byte
	for _, d := range t.shape {
		b = appendInt(b, 1, d)
	}
	kind := elemFloat
	for _, v := range t.floats {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	if t.ints != nil {
		kind = elemInt64
	}
	for _, v := range t.ints {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	b = appendInt(b, 2, kind)
	b = appendString(b, 8, t.name)
	return appendMessage(b, 9, raw)
}

func (v *onnxValue) encode() []byte {
	var shape []byte
	for _, d := range v.dims {
		var dim []byte
		switch d := d.(type) {
		case int:
			dim = appendInt(nil, 1, d)
		case string:
			dim = appendString(nil, 2, d)
		}
		shape = appendMessage(shape, 1, dim)
	}
	tensor := appendMessage(appendInt(nil, 1, elemFloat), 2, shape)
	return appendMessage(appendString(nil, 1, v.name), 2, appendMessage(nil, 1, tensor))
}

func appendInt(b []byte, field protowire.Number, v int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), uint64(v))
}

func appendString(b []byte, field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func appendMessage(b []byte, field protowire.Number, m []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), m)
}
