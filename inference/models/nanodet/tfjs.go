package nanodet

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// maxWeights bounds the numbers in all weights together: NanoDet-g has 3.8 million.
const maxWeights = 16 << 20

// graph is a TensorFlow.js graph model: its operators in order, and its weights.
type graph struct {
	nodes   []node
	weights map[string]weight
}

// node is one operator of TensorFlow's GraphDef.
type node struct {
	Name  string          `json:"name"`
	Op    string          `json:"op"`
	Input []string        `json:"input"`
	Attr  map[string]attr `json:"attr"`
}

// attr is a value of a node in proto3 JSON: 64-bit integers may be strings, and
// bytes are base64.
type attr struct {
	F    float32 `json:"f"`
	B    bool    `json:"b"`
	S    []byte  `json:"s"`
	List struct {
		I []json.Number `json:"i"`
	} `json:"list"`
	Shape struct {
		Dim []struct {
			Size json.Number `json:"size"`
		} `json:"dim"`
	} `json:"shape"`
}

// weight is a constant. One of floats and ints is filled, by its type.
type weight struct {
	shape  []int
	floats []float32
	ints   []int32
}

// entry is a line of the weights manifest.
type entry struct {
	Name         string `json:"name"`
	Shape        []int  `json:"shape"`
	DType        string `json:"dtype"`
	Quantization *struct {
		DType string `json:"dtype"`
	} `json:"quantization"`
}

// readGraph reads the two files of a graph model: one weights file, its numbers
// little-endian in the order of the manifest.
func readGraph(graphJSON, data []byte) (*graph, error) {
	var file struct {
		Format   string `json:"format"`
		Topology struct {
			Node []node `json:"node"`
		} `json:"modelTopology"`
		Manifest []struct {
			Weights []entry `json:"weights"`
		} `json:"weightsManifest"`
	}
	if err := json.Unmarshal(graphJSON, &file); err != nil {
		return nil, err
	}
	if file.Format != "graph-model" {
		return nil, fmt.Errorf("format is %q, want graph-model", file.Format)
	}
	g := &graph{nodes: file.Topology.Node, weights: map[string]weight{}}
	for _, group := range file.Manifest {
		for _, e := range group.Weights {
			w, rest, err := e.read(data)
			if err != nil {
				return nil, fmt.Errorf("weight %q: %w", e.Name, err)
			}
			g.weights[e.Name], data = w, rest
		}
	}
	if len(data) != 0 {
		return nil, fmt.Errorf("%d bytes of weights are left over", len(data))
	}
	return g, nil
}

// read takes one weight off the front of data.
func (e entry) read(data []byte) (weight, []byte, error) {
	n := 1
	for _, d := range e.Shape {
		if d < 0 || d > maxWeights || n*d > maxWeights {
			return weight{}, nil, fmt.Errorf("shape %v is too large", e.Shape)
		}
		n *= d
	}
	half := e.Quantization != nil && e.Quantization.DType == "float16"
	size := 4
	switch {
	case e.Quantization != nil && !half:
		return weight{}, nil, fmt.Errorf("quantization %q is not known", e.Quantization.DType)
	case half && e.DType == "float32":
		size = 2
	case e.DType != "float32" && e.DType != "int32":
		return weight{}, nil, fmt.Errorf("type %q is not known", e.DType)
	}
	if len(data) < n*size {
		return weight{}, nil, errors.New("weights file is too short")
	}
	w := weight{shape: e.Shape}
	if e.DType == "int32" {
		w.ints = make([]int32, n)
	} else {
		w.floats = make([]float32, n)
	}
	for i := range n {
		switch {
		case e.DType == "int32":
			w.ints[i] = int32(binary.LittleEndian.Uint32(data[i*size:]))
		case half:
			w.floats[i] = fromHalf(binary.LittleEndian.Uint16(data[i*size:]))
		default:
			w.floats[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[i*size:]))
		}
	}
	return w, data[n*size:], nil
}

// fromHalf widens an IEEE 754 binary16 number; every one has an exact float32.
func fromHalf(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exponent, fraction := uint32(h>>10)&0x1f, uint32(h)&0x3ff
	switch exponent {
	case 0: // zero and subnormal
		v := float32(fraction) / (1 << 24)
		return math.Float32frombits(sign | math.Float32bits(v))
	case 0x1f: // infinity and NaN
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}
