package nanodet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"pantau/inference/onnx"
)

// little is a graph in the style of NanoDet-g, and the weights for it: a
// convolution with a bias, a pool, a joint, a split, and two outputs.
func little() (graph string, weights []byte) {
	var nodes, manifest []string
	add := func(name, shape, dtype string, values ...float64) {
		quantized := ""
		if dtype == "float16" {
			dtype, quantized = "float32", `,"quantization":{"dtype":"float16"}`
		}
		for _, v := range values {
			switch {
			case quantized != "":
				weights = binary.LittleEndian.AppendUint16(weights, half(v))
			case dtype == "int32":
				weights = binary.LittleEndian.AppendUint32(weights, uint32(int32(v)))
			default:
				weights = binary.LittleEndian.AppendUint32(weights, math.Float32bits(float32(v)))
			}
		}
		nodes = append(nodes, fmt.Sprintf(`{"name":%q,"op":"Const"}`, name))
		manifest = append(manifest, fmt.Sprintf(`{"name":%q,"shape":%s,"dtype":%q%s}`, name, shape, dtype, quantized))
	}
	node := func(op, name, attr string, inputs ...string) {
		nodes = append(nodes, fmt.Sprintf(`{"name":%q,"op":%q,"input":["%s"],"attr":{%s}}`, name, op, strings.Join(inputs, `","`), attr))
	}
	const valid, ones = `"padding":{"s":"VkFMSUQ="}`, `{"list":{"i":["1","1","1","1"]}}`
	add("nhwc", "[4]", "int32", 0, 2, 3, 1)
	add("nchw", "[4]", "int32", 0, 3, 1, 2)
	add("last", "[3]", "int32", 0, 2, 1)
	add("pads", "[4,2]", "int32", 0, 0, 0, 0, 1, 1, 1, 1)
	add("low", "[]", "float16", math.Inf(-1))
	add("axis", "[]", "int32", 1)
	add("kernel", "[1,2,3,4]", "float16", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, -1, -2, -3, -4, -5, -6, -7, -8, -9, -10, -11, -12)
	add("bias", "[4]", "float32", 0.5, -0.5, 0.25, 0)
	add("sizes", "[2]", "int32", 5, 3)
	add("shape5", "[3]", "int32", 1, 5, -1)
	add("shape3", "[3]", "int32", 1, 3, -1)
	add("empty", "[0,1]", "int32")
	add("three", "[1]", "int32", 3)
	add("none", "[0]", "int32")
	add("zero", "[]", "int32", 0)

	nodes = append(nodes, `{"name":"x","op":"Placeholder","attr":{"shape":{"shape":{"dim":[{"size":"1"},{"size":"3"},{"size":"8"},{"size":"8"}]}}}}`)
	node("SparseToDense", "zeros", "", "empty", "three", "none", "zero")
	node("AddV2", "to5", "", "shape5", "zeros")
	node("AddV2", "to3", "", "shape3", "zeros")
	node("Pad", "padded", "", "x", "pads") // 10x10
	node("Transpose", "t1", "", "padded", "nhwc")
	node("Conv2D", "conv", valid+`,"strides":`+ones, "t1", "kernel") // 10 rows, 9 columns
	node("Add", "biased", "", "conv", "bias")
	node("Transpose", "t2", "", "biased", "nchw")
	node("LeakyRelu", "relu", `"alpha":{"f":0.1}`, "t2")
	node("PadV2", "padded2", "", "relu", "pads", "low")
	node("Transpose", "t3", "", "padded2", "nhwc")
	node("MaxPool", "pool", valid+`,"ksize":{"list":{"i":["1","3","3","1"]}},"strides":`+ones, "t3")
	node("Transpose", "t4", "", "pool", "nchw")
	node("ConcatV2", "cat", "", "t4", "relu", "axis") // 8 channels
	node("SplitV", "cut", `"num_split":{"i":"2"}`, "cat", "sizes", "axis")
	node("Sigmoid", "sigmoid", "", "cut")
	node("Reshape", "r5", "", "sigmoid", "to5")
	node("Reshape", "r3", "", "cut:1", "to3")
	node("Transpose", "o5", "", "r5", "last")
	node("Transpose", "o3", "", "r3", "last")
	node("Identity", "Identity", "", "o5")
	node("Identity", "Identity_1", "", "o3")
	return `{"format":"graph-model","modelTopology":{"node":[` + strings.Join(nodes, ",\n") +
		`]},"weightsManifest":[{"weights":[` + strings.Join(manifest, ",\n") + `]}]}`, weights
}

// half narrows what the tests need: small whole numbers and minus infinity.
func half(v float64) uint16 {
	for h := range 1 << 16 {
		if float64(fromHalf(uint16(h))) == v {
			return uint16(h)
		}
	}
	return 0x7e00
}

// The little graph computed by hand, in plain loops over TensorFlow's meaning.
func TestLittleGraph(t *testing.T) {
	const library = "../../../lib/pantau/libonnxruntime.so.1"
	if _, err := os.Stat(library); err != nil {
		t.Skip("needs ONNX Runtime: run make build")
	}
	graph, weights := little()
	model, err := Rebuild([]byte(graph), weights)
	if err != nil {
		t.Fatal(err)
	}
	l, err := onnx.Open(library)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := l.Session(model)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, size := range [][2]int{{8, 8}, {5, 12}} { // height and width are free
		h, w := size[0], size[1]
		cells := int64((h + 2) * (w + 1))
		b, err := s.Bind([]int64{1, 3, int64(h), int64(w)}, [][]int64{{1, cells, 5}, {1, cells, 3}})
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Input {
			b.Input[i] = float32(math.Sin(float64(i * i)))
		}
		if err := b.Run(); err != nil {
			t.Fatal(err)
		}
		want := byHand(b.Input, h, w)
		for i, v := range want {
			cell, channel := i/8, i%8
			got := b.Outputs[0][cell*5+min(channel, 4)]
			if channel < 5 {
				v = 1 / (1 + math.Exp(-v))
			} else {
				got = b.Outputs[1][cell*3+channel-5]
			}
			if math.Abs(float64(got)-v) > 1e-4 {
				t.Fatalf("%dx%d: cell %d channel %d is %v, want %v", w, h, cell, channel, got, v)
			}
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// byHand gives pool and activation of the little graph, cell by cell, 8 channels each.
func byHand(x []float32, h, w int) []float64 {
	at := func(c, y, xx int) float64 {
		if y < 0 || xx < 0 || y >= h || xx >= w {
			return 0
		}
		return float64(x[c*h*w+y*w+xx])
	}
	bias := [4]float64{0.5, -0.5, 0.25, 0}
	rows, columns := h+2, w+1
	relu := make([]float64, 4*rows*columns)
	for o := range 4 {
		for r := range rows {
			for c := range columns {
				sum := bias[o]
				for in := range 3 {
					first := float64(in*4 + o + 1) // the kernel's left column; the right one is its negative
					sum += first*at(in, r-1, c-1) - first*at(in, r-1, c)
				}
				relu[(o*rows+r)*columns+c] = max(sum, 0.1*sum)
			}
		}
	}
	out := make([]float64, 8*rows*columns)
	for o := range 4 {
		for r := range rows {
			for c := range columns {
				most := math.Inf(-1)
				for y := max(0, r-1); y <= min(rows-1, r+1); y++ {
					for xx := max(0, c-1); xx <= min(columns-1, c+1); xx++ {
						most = max(most, relu[(o*rows+y)*columns+xx])
					}
				}
				out[(r*columns+c)*8+o] = most
				out[(r*columns+c)*8+4+o] = relu[(o*rows+r)*columns+c]
			}
		}
	}
	return out
}

func TestRebuildRefusesWhatItDoesNotKnow(t *testing.T) {
	graph, weights := little()
	cases := []struct{ change, to, say string }{
		{`graph-model`, `layers-model`, "layers-model"},
		{`"op":"Sigmoid"`, `"op":"Tanh"`, `operator "Tanh"`},
		{`["cat","sizes"`, `["dog","sizes"`, "stands for nothing"},
		{`"VkFMSUQ="`, `"U0FNRQ=="`, "SAME"},
		{`"float16"`, `"uint8"`, "uint8"},
		{`"shape":[1,2,3,4]`, `"shape":[1,2,4,3]`, "do not fit"},
		{`"shape":[1,2,3,4]`, `"shape":[1,2,3,3]`, ""},
		{`"shape":[1,2,3,4]`, `"shape":[99999999,2,3,3]`, "too large"},
		{`["x","pads"]`, `["x"]`, ""},
		{`["t1","kernel"]`, `["x","kernel"]`, "NHWC"},
		{`["conv","bias"]`, `["conv","conv"]`, "axes"},
		{`["o5"]`, `["r5x"]`, "stands for nothing"},
		{`["o5"]`, `["cat"]`, "cells"},
		{`"alpha"`, `{"alpha"`, "invalid character"},
	}
	for _, c := range cases {
		text := strings.Replace(graph, c.change, c.to, 1)
		if text == graph {
			t.Fatalf("%s is not in the graph", c.change)
		}
		if _, err := Rebuild([]byte(text), weights); err == nil || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: error is %v, want one that says %q", c.to, err, c.say)
		}
	}
	if _, err := Rebuild([]byte(graph), weights[:len(weights)-1]); err == nil {
		t.Error("weights too short: no error")
	}
	if _, err := Rebuild([]byte(graph), append(weights, 0)); err == nil {
		t.Error("weights too long: no error")
	}
}

// Every binary16 number, by the definition of IEEE 754.
func TestFromHalf(t *testing.T) {
	for h := range 1 << 16 {
		sign, exponent, fraction := 1-2*float64(h>>15), h>>10&0x1f, float64(h&0x3ff)/1024
		want := sign * math.Ldexp(1+fraction, exponent-15)
		switch {
		case exponent == 0:
			want = sign * math.Ldexp(fraction, -14)
		case exponent == 31 && fraction == 0:
			want = math.Inf(int(sign))
		case exponent == 31:
			want = math.NaN()
		}
		got := float64(fromHalf(uint16(h)))
		if got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Fatalf("%#04x is %v, want %v", h, got, want)
		}
	}
}

func FuzzRebuild(f *testing.F) {
	graph, weights := little()
	f.Add([]byte(graph), weights)
	f.Add([]byte(strings.ReplaceAll(graph, `"1"`, `"0"`)), weights)
	f.Add([]byte(strings.ReplaceAll(graph, `[3]`, `[-3]`)), weights)
	f.Add([]byte(`{"format":"graph-model","modelTopology":{"node":[{"op":"Split"}]}}`), []byte{})
	f.Fuzz(func(t *testing.T, graph, weights []byte) {
		model, err := Rebuild(graph, weights)
		if err != nil {
			return
		}
		if again, err := Rebuild(graph, weights); err != nil || !bytes.Equal(model, again) {
			t.Errorf("a second rebuild differs, error %v", err)
		}
	})
}
