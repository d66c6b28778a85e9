"""Writes the student as ONNX: in float, and in INT8.

Both take bytes: `image`, uint8 [1,3,H,W], BGR, H and W multiples of 32. Both give
scores [1,cells,6] for strides 8, 16, 32 and distances [1,cells,44] for the same.
"""

import argparse
import pathlib

import cv2
import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

import sources
from student import BINS, CLASSES, FIRST, HEADS, Student, load

OPSET = 13
SHARE = 0.8  # of the way from the start's weights to the trained ones: best on the pictures with use=validate


def between(start, weights, share):
    """The student at a share of the way from the start's weights to the trained ones.
    It keeps more of what the start knew of many places (Wortsman et al. 2022,
    Robust fine-tuning of zero-shot models). share: 0 the start, 1 the trained one."""
    student = Student(start)
    if weights:
        first = {k: v.clone() for k, v in student.state_dict().items()}
        load(student, weights)
        student.load_state_dict({k: torch.lerp(first[k], v, share) for k, v in student.state_dict().items()})
    return student.eval()


def build(start, student):
    """The float model, from the start's graph and the student's weights."""
    graph = onnx.load(start).graph
    w, b = student.folded()
    new = {k: v.detach().numpy() for k, v in student.graph.weights.items()}
    new[FIRST + "_weights"], new[FIRST + "_bias"] = w.detach().numpy(), b.detach().numpy()
    nodes, inputs = [helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT, name="pixels")], {"input_1": "pixels"}
    tensors = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    for name, value in new.items():
        tensors[name] = value.astype(np.float32)
    for node in graph.node:
        if node.op_type == "Split" and node.input[0] in HEADS:
            tensors[node.input[1]] = np.array([CLASSES, 4 * BINS], np.int64)
        if node.op_type == "Reshape":
            shape = tensors[node.input[1]]
            tensors[node.input[1]] = np.array([1, CLASSES if shape[1] == 80 else 4 * BINS, -1], np.int64)
        made = helper.make_node(node.op_type, [inputs.get(i, i) for i in node.input], list(node.output), name=node.name)
        made.attribute.extend(node.attribute)
        nodes.append(made)
    return model(nodes, tensors)


def model(nodes, tensors):
    """A ModelProto with our input and outputs."""
    outputs = [helper.make_tensor_value_info(f"Identity{'_' + str(i) if i else ''}", TensorProto.FLOAT,
                                             [1, f"cells_{8 << i % 3}", CLASSES if i < 3 else 4 * BINS]) for i in range(6)]
    used = {i for n in nodes for i in n.input}
    graph = helper.make_graph(
        nodes, "street", [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 3, "height", "width"])], outputs,
        [numpy_helper.from_array(v, k) for k, v in sorted(tensors.items()) if k in used])
    m = helper.make_model(graph, producer_name="pantau", opset_imports=[helper.make_opsetid("", OPSET)])
    m.ir_version = 8
    onnx.checker.check_model(m)
    return m


# What computes on integers. Sigmoid and what follows stays in float: its few numbers cost nothing.
QUANTISED = {"Conv", "LeakyRelu", "MaxPool", "Concat", "Add", "Resize", "AveragePool"}
SAME_SCALE = {"MaxPool", "Resize"}  # what comes out has the range of what goes in


def quantise(m, ranges):
    """The INT8 model: QuantizeLinear and DequantizeLinear around every activation.

    Weights are per channel and keep to 7 bits: without VNNI, processors add two
    products in 16 bits, and 8 bits would overflow there.
    """
    tensors = {i.name: numpy_helper.to_array(i) for i in m.graph.initializer}
    nodes, scales, ready = [], {"image": (np.float32(1), np.uint8(0))}, {}

    def dequantised(name, source, zero, scale, axis=None):
        extra = {} if axis is None else {"axis": axis}
        nodes.append(helper.make_node("DequantizeLinear", [source, scale, zero], [name], name=name, **extra))
        return name

    def constant(name, value):
        tensors[name] = value
        return name

    def activation(name):
        """The tensor, as it is after rounding to 8 bits."""
        if name not in ready:
            s, z = scales[name]
            scale, zero = constant(name + "_scale", np.float32(s)), constant(name + "_zero", np.uint8(z))
            if name == "image":
                source = name
            else:
                source = name + "_quantized"
                nodes.append(helper.make_node("QuantizeLinear", [name, scale, zero], [source], name=source))
            ready[name] = dequantised(name + "_rounded", source, zero, scale)
        return ready[name]

    for node in m.graph.node:
        if node.op_type == "Cast":
            continue
        inputs = ["image" if i == "pixels" else i for i in node.input]
        if node.op_type in QUANTISED:
            if node.op_type == "Conv":
                s = scales[inputs[0]][0]
                rounded = activation(inputs[0])
                inputs = [rounded, *weights(inputs[1], inputs[2], s, tensors, constant, dequantised)]
            else:
                inputs = [activation(i) if i in scales else i for i in inputs]
            for name in node.output:
                scales[name] = scales[node.input[0]] if node.op_type in SAME_SCALE else affine(*ranges[name])
        else:
            inputs = [activation(i) if i in scales else i for i in inputs]
        made = helper.make_node(node.op_type, inputs, list(node.output), name=node.name)
        made.attribute.extend(node.attribute)
        nodes.append(made)
    return model(nodes, tensors)


def weights(w, b, scale, tensors, constant, dequantised):
    """A convolution's weights and bias as integers, behind their DequantizeLinear."""
    value = tensors[w]
    step = np.maximum(np.abs(value).max((1, 2, 3)), 1e-8) / 63
    whole = np.clip(np.round(value / step[:, None, None, None]), -63, 63).astype(np.int8)
    per = constant(w + "_scale", step.astype(np.float32))
    zero = constant(w + "_zero", np.zeros(len(step), np.int8))
    kernel = dequantised(w + "_rounded", constant(w + "_int8", whole), zero, per, 0)
    both = (step * scale).astype(np.float32)
    bias = np.round(tensors[b] / both).clip(-2 ** 31 + 1, 2 ** 31 - 1).astype(np.int32)
    return kernel, dequantised(b + "_rounded", constant(b + "_int32", bias), constant(b + "_zero", np.zeros(len(step), np.int32)),
                               constant(b + "_scale", both), 0)


def affine(low, high):
    """Scale and zero point of a range for 8 bits; zero is exact."""
    low, high = min(low, 0.0), max(high, 1e-6)
    scale = (high - low) / 255
    return np.float32(scale), np.uint8(np.clip(round(-low / scale), 0, 255))


def calibrate(student, pictures, count=128, keep=4000, seed=1):
    """The range of each activation that loses least by rounding, on streets."""
    rng, seen = np.random.default_rng(seed), {}
    for i in rng.choice(len(pictures), min(count, len(pictures)), replace=False):
        values = {}
        student.graph.watch = values
        with torch.no_grad():
            student(letterbox(pictures[i], int(rng.choice([416, 640]))))
        for name, v in values.items():
            flat = v.flatten().numpy()
            extremes = [flat.min(), flat.max()]
            seen.setdefault(name, []).append(np.concatenate([extremes, rng.choice(flat, min(keep, len(flat)))]))
    student.graph.watch = None
    return {name: best_range(np.concatenate(v)) for name, v in seen.items()}


def best_range(values):
    """Clips so that the squares of the errors, of rounding and of clipping, are least."""
    low, high, best = values.min(), values.max(), (np.inf, 0, 0)
    for f in (1, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4):
        for g in ((1.0,) if low >= 0 else (1, 0.8, 0.6)):
            scale, zero = affine(low * g, high * f)
            rounded = (np.clip(np.round(values / scale) + zero, 0, 255) - zero) * scale
            error = float(((values - rounded) ** 2).sum())
            if error < best[0]:
                best = (error, low * g, high * f)
    return best[1:]


def letterbox(picture, long):
    """A picture as the product gives it to the model: [1,3,H,W] floats of bytes."""
    image = cv2.imread(str(picture.path))
    f = long / max(image.shape)
    image = cv2.resize(image, None, fx=f, fy=f, interpolation=cv2.INTER_AREA if f < 1 else cv2.INTER_LINEAR)
    h, w = (-(-s // 32) * 32 for s in image.shape[:2])
    canvas = np.full((h, w, 3), 114, np.uint8)
    canvas[:image.shape[0], :image.shape[1]] = image
    return torch.from_numpy(canvas.transpose(2, 0, 1)[None].copy()).float()


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--shared", type=pathlib.Path, required=True)
    p.add_argument("--start", required=True, help="NanoDet-g as ONNX")
    p.add_argument("--weights", help="the student's weights (.pt or .onnx); without, those of the start")
    p.add_argument("--share", type=float, default=SHARE, help="of the way from the start to them, 0..1")
    p.add_argument("--out", type=pathlib.Path, required=True, help="folder for street.onnx and street-int8.onnx")
    o = p.parse_args()
    torch.set_num_threads(max(2, torch.get_num_threads()))
    student = between(o.start, o.weights, o.share)
    whole = build(o.start, student)
    o.out.mkdir(parents=True, exist_ok=True)
    (o.out / "street.onnx").write_bytes(whole.SerializeToString())
    streets = [s for s in sources.pictures(o.shared) if s.use == "train" and s.source != "data/cn"]
    (o.out / "street-int8.onnx").write_bytes(quantise(whole, calibrate(student, streets)).SerializeToString())
    for f in sorted(o.out.glob("street*.onnx")):
        print(f"{f}: {f.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
