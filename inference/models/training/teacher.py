"""Detectors as teachers: several scales and flips of a picture, fused.

At first PicoDet-S and NanoDet-g together: one finds far vehicles, the other people
and bicycles; where they agree on a class, it is more often the right one. Then what
was trained on that joins them, and counts for more: it sees two-wheelers with their
riders, and better than they do (self-training, Xie et al. 2020). PicoDet-S's published file has a fixed input
of 416x416. Its network has not: the sizes stand in constants of reshapes alone,
which are written anew for each size.
"""

import collections

import cv2
import numpy as np
import onnx
from onnx import numpy_helper

import boxes as bx
from runtime import Session

# COCO's classes that become ours, in our order; others that look like one of ours
# are kept as rivals, so that they can win.
OURS = [0, 1, 3, 2, 5, 7]
RIVALS = [6, 8, 9, 10, 11, 12, 13, 15, 16, 17, 19, 25, 56, 58]
VIEWS = [(0, 416, False), (0, 640, False), (0, 640, True), (0, 1024, False),
         (1, 640, False), (1, 640, True), (1, 1024, False)]  # detector, long side, flipped
LATER = [(640, False), (640, True), (1024, False)]  # of the student before
WEIGHT = 2 / 3  # of the student before, beside the two others together
DOUBT = 0.25  # a score by which nobody knows (targets.UNSURE to SURE)
SAME = 0.55  # overlap of what two views see of one object
WANT = 3  # of the best views; their mean is a score: a far object is not to be seen in the smallest one
MEAN = np.array([123.675, 116.28, 103.53], np.float32)  # RGB; both networks have the same
STD = np.array([58.395, 57.12, 57.375], np.float32)
KINDS = {0: 0, 1: 1, 2: 1, 3: 2, 4: 2, 5: 2}  # what the network confuses, per class of ours


class Detector:
    """A network of the generalised focal loss; keeps one session for each size of the input."""

    def __init__(self, path, fixed=False, rgb=False, ours=False):
        """fixed: the file is for one input size alone. rgb: the order of the channels.
        ours: it was written by export.py, takes bytes and knows our classes alone."""
        self.model, self.fixed, self.rgb, self.ours = onnx.load(path), fixed, rgb, ours
        self.sessions = collections.OrderedDict()

    def session(self, h, w):
        size = (h, w) if self.fixed else None
        if size not in self.sessions:
            if len(self.sessions) > 12:
                self.sessions.popitem(last=False)
            model = resized(self.model, h, w) if self.fixed else self.model
            self.sessions[size] = Session(model.SerializeToString())
        self.sessions.move_to_end(size)
        return self.sessions[size]

    def view(self, picture, long, flip):
        """Boxes [N,4] in pixels of the picture and scores [N,6+rivals]."""
        h, w = picture.shape[:2]
        scale = long / max(h, w)
        th, tw = round(h * scale), round(w * scale)
        ph, pw = -(-th // 64) * 64, -(-tw // 64) * 64
        small = cv2.resize(picture, (tw, th), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        if flip:
            small = small[:, ::-1]
        canvas = np.full((ph, pw, 3), 114, np.uint8)
        canvas[:th, :tw] = small
        x = canvas if self.ours else (canvas[:, :, ::-1].astype(np.float32) - MEAN) / STD
        x = (x if self.rgb or self.ours else x[:, :, ::-1]).transpose(2, 0, 1)[None]
        found, scores = decode(self.session(ph, pw)(x), ph, pw)
        if flip:
            found[:, [0, 2]] = tw - found[:, [2, 0]]
        found = np.clip(found, 0, [tw, th, tw, th]) / scale
        keep = []
        for kind in range(4):
            of = np.array([i for i in range(len(found)) if KINDS.get(int(scores[i].argmax()), 3) == kind], int)
            keep += [of[k] for k in bx.nms(found[of], scores[of].max(1), 0.6)]
        return found[keep], scores[keep]


class Teacher:
    """Finds objects as PicoDet-S and NanoDet-g together do."""

    def __init__(self, picodet, nanodet):
        self.detectors = Detector(picodet, fixed=True, rgb=True), Detector(nanodet)

    def __call__(self, picture, views=None):
        """What all views together say: boxes [N,4] and scores [N,6+rivals]."""
        views = views or VIEWS
        return fuse([self.detectors[d].view(picture, long, flip) for d, long, flip in views], want=min(WANT, len(views)))


class Later:
    """The student of the training before, as a teacher beside the others."""

    def __init__(self, path):
        self.detector = Detector(path, ours=True)

    def __call__(self, picture, found, scores, believed):
        """What they and it say together. found [N,4], scores [N,6+rivals]: what the others
        said; they are not believed less where it saw nothing. believed: the classes whose score
        it may raise above theirs. Of another one the score stays, or nobody knows where it
        alone is sure; within a group it may change which class that is."""
        mine, said = fuse([self.detector.view(picture, *v) for v in LATER], want=2)
        found, scores, said = found.copy(), scores.copy(), said * WEIGHT
        over, covered, free = bx.iou(mine, found), bx.covered(found, mine).T, np.ones(len(found), bool)
        new = []
        for j in np.argsort(-said.max(1), kind="stable"):
            kind = KINDS[int(said[j].argmax())]
            fit = [i for i in np.nonzero(free & (over[j] > SAME))[0] if KINDS.get(int(scores[i].argmax()), 3) == kind]
            i = max(fit, key=lambda i: over[j, i]) if fit else None
            both = said[j] + (scores[i] * (1 - WEIGHT) if fit else 0)
            least = scores[i].max() if fit else 0
            sure = int(both[:6].argmax()) in believed
            both *= max(least, both.max() if sure else min(both.max(), DOUBT)) / both.max()
            if fit:
                weight, free[i] = scores[i].max() * (1 - WEIGHT) / (scores[i].max() * (1 - WEIGHT) + said[j].max()), False
                found[i], scores[i] = weight * found[i] + (1 - weight) * mine[j], both
            elif sure or not (covered[j] > 0.5).any():  # where they saw something else, that is not in doubt
                new.append(j)
                said[j] = both
        return np.concatenate([found, mine[new]]), np.concatenate([scores, said[new]])


def resized(model, h, w):
    """The model with another input size."""
    m = onnx.ModelProto()
    m.CopyFrom(model)
    sizes = {416 // s: (-(-h // s), -(-w // s)) for s in (4, 8, 16, 32, 64)}
    for value in list(m.graph.output) + list(m.graph.input):
        value.type.tensor_type.ClearField("shape")
    del m.graph.value_info[:]
    for i in m.graph.initializer:
        a = numpy_helper.to_array(i)
        if a.dtype == np.int64 and a.ndim == 1 and len(a) in (4, 5) and a[-1] == a[-2] and int(a[-1]) in sizes:
            a = a.copy()
            a[-2:] = sizes[int(a[-1])]
            i.CopyFrom(numpy_helper.from_array(a, i.name))
        elif a.dtype == np.int64 and len(a) == 3:
            a = np.array([1, a[1], -1], np.int64)
            i.CopyFrom(numpy_helper.from_array(a, i.name))
    return m


def decode(outputs, h, w, least=0.2):
    """Generalised focal loss: boxes in pixels of the input, scores of the classes."""
    n = len(outputs) // 2
    found, scores = [], []
    for i in range(n):
        stride = 8 << i
        s = outputs[i][0]
        s = np.concatenate([s[:, OURS], s[:, RIVALS]] if s.shape[1] > 6 else [s, np.zeros((len(s), len(RIVALS)), s.dtype)], 1)
        at = np.nonzero(s[:, :6].max(1) > least)[0]
        at = at[np.argsort(-s[at, :6].max(1), kind="stable")][:500]
        columns = -(-w // stride)
        centre = np.stack([at % columns + 0.5, at // columns + 0.5], 1) * stride
        d = outputs[n + i][0][at].reshape(len(at), 4, outputs[n + i].shape[2] // 4)
        e = np.exp(d - d.max(2, keepdims=True))
        d = (e * np.arange(d.shape[2])).sum(2) / e.sum(2) * stride
        found.append(np.concatenate([centre - d[:, :2], centre + d[:, 2:]], 1))
        scores.append(s[at])
    return np.concatenate(found), np.concatenate(scores)


def fuse(views, want):
    """Weighted box fusion (Solovyev et al. 2021) over views, class groups apart.

    A score is the mean over the `want` best views: a far object is not to be seen
    in the smallest one.
    """
    found = np.concatenate([f for f, _ in views])
    scores = np.concatenate([s for _, s in views])
    view = np.repeat(np.arange(len(views)), [len(f) for f, _ in views])
    kind = np.array([KINDS.get(int(s.argmax()), 3) for s in scores], int)
    alike = (bx.iou(found, found) > SAME) & (kind[:, None] == kind[None])
    order, free = np.argsort(-scores.max(1), kind="stable"), np.ones(len(found), bool)
    out_boxes, out_scores = [], []
    for i in order:
        if not free[i]:
            continue
        members = [i]
        for v in range(len(views)):
            of = np.nonzero(free & alike[i] & (view == v))[0]
            if v != view[i] and len(of):
                members.append(of[scores[of].max(1).argmax()])
        free[members] = False
        weight = scores[members].max(1)
        out_boxes.append((found[members] * weight[:, None]).sum(0) / weight.sum())
        out_scores.append(scores[members][np.argsort(-weight)][:want].sum(0) / want)
    return np.array(out_boxes).reshape(-1, 4), np.array(out_scores).reshape(-1, scores.shape[1])
