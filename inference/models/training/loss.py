"""What the student is taught by: generalised focal loss (Li et al. 2020), with
labels given to cells by cost (the dynamic soft label assignment of NanoDet-Plus,
after SimOTA, Ge et al. 2021).

A target is a dict of tensors: boxes [G,4] in pixels, classes [G], free [G,6]
(classes that are not held against an object, since nobody knows better) and
ignore [I,4] (regions in which nothing counts as background).
"""

import torch
import torch.nn.functional as F

from student import BINS, CLASSES, centres, to_boxes

CANDIDATES = 13  # cells whose overlaps say how many an object gets
WEIGHTS = {"score": 1.0, "box": 2.0, "bins": 0.25}


def loss(logits, distances, targets, h, w):
    """The losses by name, each a scalar."""
    points, strides = centres(h, w)
    boxes = to_boxes(distances, points, strides)
    total = {"score": 0.0, "box": 0.0, "bins": 0.0}
    weight = 0.0
    for i, target in enumerate(targets):
        with torch.no_grad():
            owner, overlap = assign(logits[i], boxes[i], target, points, strides)
        at = torch.nonzero(owner >= 0)[:, 0]
        soft = torch.zeros_like(logits[i])
        counts = background(target, points)[:, None].repeat(1, CLASSES)
        if len(at):
            g = owner[at]
            soft[at, target["classes"][g]] = overlap[at]
            counts[at] = 1 - target["free"][g].float()
            counts[at, target["classes"][g]] = 1
            box, dfl, n = box_loss(boxes[i][at], distances[i][at], target["boxes"][g], points[at], strides[at], overlap[at])
            total["box"], total["bins"], weight = total["box"] + box, total["bins"] + dfl, weight + n
        p = logits[i].sigmoid()
        focal = F.binary_cross_entropy_with_logits(logits[i], soft, reduction="none") * (soft - p).abs().pow(2)
        total["score"] = total["score"] + (focal * counts).sum()
    return {name: WEIGHTS[name] * v / max(float(weight), 1.0) for name, v in total.items()}


def background(target, points):
    """1 for cells that may be called background, 0 in what is to be ignored."""
    if not len(target["ignore"]):
        return torch.ones(len(points))
    return 1 - inside(points, target["ignore"]).any(1).float()


def inside(points, boxes):
    """Which points lie in which boxes, [P,B]."""
    x, y = points[:, 0, None], points[:, 1, None]
    return (x > boxes[:, 0]) & (x < boxes[:, 2]) & (y > boxes[:, 1]) & (y < boxes[:, 3])


def assign(logits, boxes, target, points, strides):
    """For each cell the index of its object, or -1, and the overlap with it."""
    owner = torch.full((len(points),), -1)
    overlap = torch.zeros(len(points))
    truth, classes = target["boxes"], target["classes"]
    if not len(truth):
        return owner, overlap
    middle = (truth[:, :2] + truth[:, 2:]) / 2
    away = (points[:, None] - middle[None]).norm(dim=2) / strides[:, None]
    at = torch.nonzero((inside(points, truth) | (away < 0.75)).any(1))[:, 0]
    if not len(at):
        return owner, overlap
    u = iou(boxes[at, None], truth[None])
    p = logits[at][:, classes]
    cost = (F.binary_cross_entropy_with_logits(p, u, reduction="none") * (u - p.sigmoid()).abs().pow(2)
            - 3 * torch.log(u + 1e-7) + torch.pow(10.0, away[at] - 3)
            + 1e5 * ~(inside(points[at], truth) | (away[at] < 0.75)))
    k = min(CANDIDATES, len(at))
    want = u.topk(k, 0).values.sum(0).int().clamp(min=1)
    chosen = torch.zeros_like(cost, dtype=torch.bool)
    order = cost.argsort(0)
    for g in range(len(truth)):
        chosen[order[:want[g], g], g] = True
    chosen &= cost < 1e4
    best = torch.where(chosen, cost, torch.full_like(cost, 1e9)).min(1)
    mine = best.values < 1e8
    owner[at[mine]] = best.indices[mine]
    overlap[at[mine]] = u[mine].gather(1, best.indices[mine, None])[:, 0]
    return owner, overlap


def box_loss(boxes, distances, truth, points, strides, overlap):
    """Generalised IoU and distribution focal loss, both weighted by how good a cell is."""
    weight = overlap.clamp(min=0.05)
    giou = (1 - generalised_iou(boxes, truth)) * weight
    d = torch.cat([points - truth[:, :2], truth[:, 2:] - points], 1) / strides[:, None]
    d = d.clamp(0, BINS - 1.01)
    left = d.long()
    logp = distances.reshape(-1, 4, BINS).log_softmax(-1)
    near = logp.gather(2, left[..., None])[..., 0] * (left + 1 - d)
    far = logp.gather(2, left[..., None] + 1)[..., 0] * (d - left)
    dfl = -(near + far).mean(1) * 4 * weight
    return giou.sum(), dfl.sum(), float(weight.sum())


def iou(a, b):
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    both = (high - low).clamp(min=0).prod(-1)
    return both / (area(a) + area(b) - both).clamp(min=1e-6)


def area(b):
    return (b[..., 2:] - b[..., :2]).clamp(min=0).prod(-1)


def generalised_iou(a, b):
    """Rezatofighi et al. 2019, for pairs."""
    u = iou(a, b)
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    union = area(a) + area(b) - (high - low).clamp(min=0).prod(-1)
    return u - (hull - union) / hull.clamp(min=1e-6)
