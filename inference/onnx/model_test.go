package onnx

import "google.golang.org/protobuf/encoding/protowire"

// ONNX's numbers of element types (onnx.proto, TensorProto.DataType).
const (
	float32Type = 1
	uint8Type   = 2
	int64Type   = 7
)

// doubling is an ONNX model y = x + x for x [1,3,height,width], written by hand.
func doubling() []byte { return model("Add", []string{"x", "x"}, nil, float32Type) }

// casting is y = float32(x) for x of an element type.
func casting(from uint64) []byte {
	to := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "to")
	to = protowire.AppendVarint(protowire.AppendTag(to, 3, protowire.VarintType), float32Type)
	to = protowire.AppendVarint(protowire.AppendTag(to, 20, protowire.VarintType), 2) // an integer
	return model("Cast", []string{"x"}, to, from)
}

// model is an ONNX model of one node, with an input x of an element type and an output y.
func model(op string, inputs []string, attribute []byte, from uint64) []byte {
	text := func(b []byte, field protowire.Number, s string) []byte {
		return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
	}
	number := func(field protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.VarintType), v)
	}
	shape := text(nil, 1, string(number(1, 1)))
	shape = text(shape, 1, string(number(1, 3)))
	shape = text(shape, 1, string(text(nil, 2, "height")))
	shape = text(shape, 1, string(text(nil, 2, "width")))
	info := func(name string, element uint64) string {
		tensor := text(number(1, element), 2, string(shape))
		return string(text(text(nil, 1, name), 2, string(text(nil, 1, string(tensor)))))
	}
	var node []byte
	for _, in := range inputs {
		node = text(node, 1, in)
	}
	node = text(text(node, 2, "y"), 4, op)
	if attribute != nil {
		node = text(node, 5, string(attribute))
	}
	graph := text(text(nil, 1, string(node)), 2, "small")
	graph = text(text(graph, 11, info("x", from)), 12, info("y", float32Type))
	return text(text(number(1, 8), 7, string(graph)), 8, string(number(2, 13)))
}
