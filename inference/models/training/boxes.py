"""Arithmetic of boxes: arrays [N,4] of left, top, right, bottom in pixels."""

import numpy as np


def area(b):
    return np.clip(b[..., 2] - b[..., 0], 0, None) * np.clip(b[..., 3] - b[..., 1], 0, None)


def overlap(a, b):
    """The area that each of a [N,4] shares with each of b [M,4]: [N,M]."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    return np.prod(np.clip(high - low, 0, None), -1)


def iou(a, b):
    """Intersection over union, [N,M]."""
    both = overlap(a, b)
    return both / np.maximum(area(a)[:, None] + area(b)[None] - both, 1e-9)


def covered(a, b):
    """The share of each of a that lies in each of b, [N,M]."""
    return overlap(a, b) / np.maximum(area(a)[:, None], 1e-9)


def nms(boxes, scores, most):
    """Indices of what is left of one class, best first."""
    order, kept = np.argsort(-scores, kind="stable"), []
    while len(order):
        i, order = order[0], order[1:]
        kept.append(i)
        if len(order):
            order = order[iou(boxes[i][None], boxes[order])[0] <= most]
    return kept


def rides(person, vehicle):
    """Whether a person sits on a two-wheeler: over its middle, feet between seat
    and ground, of a rider's size. As rider.go has it."""
    pw, ph = person[2] - person[0], person[3] - person[1]
    vw, vh = vehicle[2] - vehicle[0], vehicle[3] - vehicle[1]
    off = abs((person[0] + person[2]) - (vehicle[0] + vehicle[2])) / 2
    if off > 0.3 * max(pw, vw) or off > vw / 2:
        return False
    if person[3] > vehicle[3] + 0.1 * vh or person[3] < vehicle[1] + 0.4 * vh:
        return False
    if overlap(person[None], vehicle[None])[0, 0] < 0.25 * pw * ph or person[1] > vehicle[1] + 0.35 * vh:
        return False
    return 0.6 * vh < ph < 2.4 * vh


def join(a, b):
    return np.array([min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])])
