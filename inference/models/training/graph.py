"""An ONNX graph as a PyTorch module, node by node.

It knows the operators of the two detectors that training starts from (PicoDet's,
as the teacher; NanoDet-g's, as the student) and refuses others by name. Weights
and biases of convolutions are parameters, everything else is constant. Height
and width are free: where an exporter wrote them down, the input's are taken.
"""

import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import nn


class Graph(nn.Module):
    """A graph with one input [N,3,H,W]; calling it gives the list of its outputs.

    Outputs named in `outputs` replace the graph's own, so that a head can be cut
    off: any tensor of the graph can be asked for.
    """

    def __init__(self, path, outputs=None):
        super().__init__()
        graph = onnx.load(path).graph
        self.constants = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in graph.initializer}
        self.input = next(i.name for i in graph.input if i.name not in self.constants)
        self.outputs = outputs or [o.name for o in graph.output]
        self.weights = nn.ParameterDict()
        self.steps = []
        for node in needed(graph, self.outputs):
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            if node.op_type == "Constant":
                self.constants[node.output[0]] = torch.from_numpy(numpy_helper.to_array(attributes["value"]).copy())
                continue
            if node.op_type not in OPERATORS:
                raise ValueError(f"{path}: operator {node.op_type} of node {node.name} is not known here")
            for name in node.input[1:] if node.op_type == "Conv" else []:
                self.weights[key(name)] = nn.Parameter(self.constants.pop(name).float())
            self.steps.append((node.op_type, list(node.input), list(node.output), attributes))
        self.last = last_uses(self.steps, self.outputs)
        self.watch = None  # a dict that takes every tensor which a step makes

    def forward(self, x, skip=0):
        """skip: so many steps were done elsewhere, and x is what the last of them made."""
        values = {self.steps[skip - 1][2][0] if skip else self.input: x}

        def get(name):
            if name in values:
                return values[name]
            if key(name) in self.weights:
                return self.weights[key(name)]
            return self.constants[name] if name else None

        for i, (op, inputs, outputs, attributes) in list(enumerate(self.steps))[skip:]:
            result = OPERATORS[op](attributes, *[get(n) for n in inputs])
            made = dict(zip(outputs, result if isinstance(result, (tuple, list)) else [result]))
            values.update(made)
            if self.watch is not None:
                self.watch.update(made)
            for name in self.last[i]:
                values.pop(name, None)
        return [values[name] for name in self.outputs]


def key(name):
    """The name under which a ParameterDict can keep a tensor."""
    return name.replace(".", "_").replace("/", "_")


def needed(graph, outputs):
    """The nodes that the outputs depend on, in the graph's order."""
    want, kept = set(outputs), []
    for node in reversed(graph.node):
        if want & set(node.output):
            kept.append(node)
            want |= set(node.input)
    return kept[::-1]


def last_uses(steps, outputs):
    """For each step, the tensors that nobody needs after it."""
    seen, result = set(outputs), []
    for _, inputs, made, _ in reversed(steps):
        result.append([n for n in inputs if n not in seen])
        seen |= set(inputs) | set(made)
    return result[::-1]


def conv(a, x, w, b=None):
    top, left, bottom, right = a.get("pads", [0, 0, 0, 0])
    if (top, left) != (bottom, right):
        x, top, left = F.pad(x, (left, right, top, bottom)), 0, 0
    return F.conv2d(x, w, b, a.get("strides", [1, 1]), (top, left), a.get("dilations", [1, 1]), a.get("group", 1))


def reshape(_, x, shape):
    """A constant shape, with the input's batch and, of pictures, height and width."""
    shape = shape.tolist()
    shape[0] = x.shape[0]
    if len(shape) >= 4 and shape[-1] != 1:
        shape[-2:] = x.shape[-2:]
    return x.reshape(shape)


def split(a, x, sizes=None):
    sizes = sizes if sizes is not None else a["split"]
    return torch.split(x, [int(s) for s in sizes], a.get("axis", 0))


def resize(a, x, _roi, scales, *_):
    mode = a["mode"].decode()
    return F.interpolate(x, scale_factor=(float(scales[2]), float(scales[3])),
                         mode="bilinear" if mode == "linear" else "nearest",
                         align_corners=False if mode == "linear" else None)


def max_pool(a, x):
    pads = a.get("pads", [0, 0, 0, 0])
    x = F.pad(x, (pads[1], pads[3], pads[0], pads[2]), value=float("-inf"))
    return F.max_pool2d(x, a["kernel_shape"], a["strides"])


# OPERATORS is the whole list: to add one, add its line.
OPERATORS = {
    "Add": lambda _, x, y: x + y,
    "AveragePool": lambda a, x: F.avg_pool2d(x, a["kernel_shape"], a["strides"]),
    "Concat": lambda a, *x: torch.cat(x, a["axis"]),
    "Conv": conv,
    "GlobalAveragePool": lambda _, x: x.mean((2, 3), keepdim=True),
    "HardSigmoid": lambda a, x: (x * a.get("alpha", 0.2) + a.get("beta", 0.5)).clamp(0, 1),
    "HardSwish": lambda _, x: F.hardswish(x),
    "Identity": lambda _, x: x,
    "LeakyRelu": lambda a, x: F.leaky_relu(x, a["alpha"]),
    "MaxPool": max_pool,
    "Mul": lambda _, x, y: x * y,
    "Relu": lambda _, x: F.relu(x),
    "Reshape": reshape,
    "Resize": resize,
    "Sigmoid": lambda _, x: torch.sigmoid(x),
    "Split": split,
    "Transpose": lambda a, x: x.permute(a["perm"]),
}
