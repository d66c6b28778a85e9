"""The student: NanoDet-g's network with six classes and bytes at its input."""

import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import nn

from graph import Graph
from teacher import OURS

BINS = 11  # of a distance, in strides 0..10
STRIDES = [8, 16, 32]
CLASSES = 6
HEADS = ["convolution_29", "convolution_31", "convolution_33"]  # of strides 8, 16, 32
FIRST = "convolution"
MEAN = [103.53, 116.28, 123.675]  # of NanoDet, BGR
STD = [57.375, 57.12, 58.395]


class Student(nn.Module):
    """Pictures [N,3,H,W], BGR 0..255 as floats, to logits [N,cells,6] and
    distances [N,cells,4*BINS], all strides one after the other."""

    def __init__(self, start):
        """start: NanoDet-g as ONNX. Its class scores of COCO become ours."""
        super().__init__()
        self.graph = Graph(start, HEADS)
        for name in HEADS:
            for part in ("_weights", "_bias"):
                w = self.graph.weights[name + part].data
                self.graph.weights[name + part] = nn.Parameter(torch.cat([w[OURS], w[80:]]))
        self.register_buffer("mean", torch.tensor(MEAN))
        self.register_buffer("std", torch.tensor(STD))
        assert self.graph.steps[0][1][1] == FIRST + "_weights", "the graph does not begin with its first convolution"

    def folded(self):
        """The first convolution's weights and bias for bytes: normalisation is in
        them, and what is padded is black."""
        w, b = self.graph.weights[FIRST + "_weights"], self.graph.weights[FIRST + "_bias"]
        scaled = w / self.std[None, :, None, None]
        return scaled, b - (scaled * self.mean[None, :, None, None]).sum((1, 2, 3))

    def forward(self, x):
        w, b = self.folded()
        first = F.conv2d(x, w, b, 2, 1)
        if self.graph.watch is not None:
            self.graph.watch[FIRST] = first
        maps = self.graph(first, skip=1)
        flat = torch.cat([m.flatten(2).transpose(1, 2) for m in maps], 1)
        return flat[..., :CLASSES], flat[..., CLASSES:]


def load(student, path):
    """Takes over weights: of a training (.pt), or of a model that was written as
    ONNX in float, whose first convolution is unfolded again."""
    if not str(path).endswith(".onnx"):
        student.load_state_dict(torch.load(path))
        return
    found = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in onnx.load(path).graph.initializer}
    b = found[FIRST + "_bias"] + (found[FIRST + "_weights"] * student.mean[None, :, None, None]).sum((1, 2, 3))
    found[FIRST + "_weights"], found[FIRST + "_bias"] = found[FIRST + "_weights"] * student.std[None, :, None, None], b
    with torch.no_grad():
        for name, w in student.graph.weights.items():
            w.copy_(found[name])


def centres(h, w):
    """Cells of a picture: centres [cells,2] in pixels and strides [cells]."""
    points, strides = [], []
    for s in STRIDES:
        y, x = torch.meshgrid(torch.arange(h // s), torch.arange(w // s), indexing="ij")
        points.append(torch.stack([x, y], -1).reshape(-1, 2).add(0.5) * s)
        strides.append(torch.full((points[-1].shape[0],), float(s)))
    return torch.cat(points), torch.cat(strides)


def to_boxes(distances, points, strides):
    """Boxes [N,cells,4] from distances [N,cells,4*BINS]: the expectation over bins."""
    d = distances.reshape(*distances.shape[:-1], 4, BINS).softmax(-1) @ torch.arange(BINS, dtype=torch.float32)
    d = d * strides[:, None]
    return torch.cat([points - d[..., :2], points + d[..., 2:]], -1)
