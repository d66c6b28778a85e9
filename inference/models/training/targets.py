"""From labels, by people or by the teacher, to what the student is to learn.

A target is a dict of arrays in pixels of the picture: boxes [G,4], classes [G],
free [G,6] (classes that are not held against an object) and ignore [I,4].
"""

import csv
import functools
import pathlib

import numpy as np

import boxes as bx
from label import raw_path
from sources import CLASSES

PERSON, BICYCLE, MOTORCYCLE, CAR, BUS, TRUCK = range(6)
TWO, FOUR = (BICYCLE, MOTORCYCLE), (CAR, BUS, TRUCK)
SURE = np.array([0.35, 0.32, 0.30, 0.33, 0.42, 0.38])  # fused scores from which the teacher is believed
UNSURE = 0.18  # from here to SURE nobody knows: ignored
TWICE, PART = 0.5, 0.85  # overlap of two boxes of one object, and the share of a part that lies in its whole
SMALLEST = 5  # pixels of the longer side
LABELS = pathlib.Path(__file__).parent / "labels"
BY_EYE = LABELS / "two-wheelers"  # people and two-wheelers of some pictures
CLASSED = LABELS / "classes.csv"  # what some of the teacher's boxes hold, by eye
ASSURED = 0.6  # the score of a class by eye


def load(picture, raw_folder):
    """The target of a picture."""
    raw = np.load(raw_path(raw_folder, picture))
    found, scores, size = raw["boxes"].astype(float), raw["scores"], raw["size"]
    found, scores = reclass(found, scores, classed().get(picture.path.stem, []))
    if picture.truth:
        made = by_people(read_truth(picture.truth, size), found, scores)
    elif eyed(picture):
        made = by_both(read_pixels(BY_EYE / (picture.path.stem + ".txt")), found, scores)
    else:
        made = by_teacher(found, scores)
    # A doubtful giant is noise, and would keep a whole street from being background.
    made["ignore"] = made["ignore"][bx.area(made["ignore"]) < 0.12 * np.prod(size)]
    return made


@functools.cache
def classed():
    """Picture -> boxes in pixels and what somebody saw in each."""
    seen = {}
    with open(CLASSED, newline="", encoding="utf-8") as f:
        for i, row in enumerate(csv.DictReader(f), 2):
            if row["class"] not in CLASSES + ["four-wheeler", "ignore", "none"]:
                raise ValueError(f"{CLASSED}:{i}: class {row['class']}: want one of {', '.join(CLASSES)}, four-wheeler, ignore, none")
            box = [float(row[k]) for k in ("left", "top", "right", "bottom")]
            seen.setdefault(row["picture"], []).append((box, row["class"]))
    return seen


def reclass(found, scores, seen):
    """The teacher's boxes with the classes by eye: `four-wheeler` is any of the three,
    `ignore` nobody can tell, and `none` is nothing at all."""
    scores, keep = scores.copy(), np.ones(len(found), bool)
    for box, name in seen if len(found) else ():
        over = bx.iou(np.array([box]), found)[0]
        i = over.argmax()
        if over[i] < 0.65:
            continue  # the teacher does not see it any more
        of = FOUR if name == "four-wheeler" else [CLASSES.index(name)] if name in CLASSES else [scores[i, :6].argmax()]
        scores[i], keep[i] = 0, name != "none"
        scores[i, list(of)] = UNSURE if name == "ignore" else ASSURED
    return found[keep], scores[keep]


def eyed(picture):
    """Whether somebody has looked for its two-wheelers and people."""
    return (BY_EYE / (picture.path.stem + ".txt")).exists()


def read_truth(path, size):
    """YOLO's text format: boxes in pixels and classes."""
    rows = np.array([line.split() for line in path.read_text().splitlines() if line.strip()], float).reshape(-1, 5)
    c, half = rows[:, 1:3] * size, rows[:, 3:5] * size / 2
    return np.concatenate([c - half, c + half], 1), rows[:, 0].astype(int)


def read_pixels(path):
    """Lines of `class left top right bottom` in pixels: boxes, classes, and the
    regions in which nobody can tell one object from another."""
    boxes, classes, ignore = [], [], []
    for i, line in enumerate(path.read_text().splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if len(words) != 5 or words[0] not in CLASSES + ["ignore"]:
            raise ValueError(f"{path}:{i}: want `class left top right bottom`, class one of {', '.join(CLASSES)}, ignore")
        box = [float(w) for w in words[1:]]
        if words[0] == "ignore":
            ignore.append(box)
        else:
            boxes.append(box)
            classes.append(CLASSES.index(words[0]))
    return np.array(boxes).reshape(-1, 4), np.array(classes, int), np.array(ignore).reshape(-1, 4)


def by_both(eye, found, scores):
    """People and two-wheelers by eye, the rest by the teacher."""
    boxes, classes, ignore = eye
    rest = np.isin(scores[:, :6].argmax(1), FOUR) if len(found) else np.zeros(0, bool)
    made = by_teacher(found[rest], scores[rest])
    if len(boxes) and len(made["boxes"]):  # the teacher takes some motorcycles for cars
        other = bx.iou(made["boxes"], boxes).max(1) < 0.5
        made = target(made["boxes"][other], made["classes"][other], made["free"][other], made["ignore"])
    return target(np.concatenate([made["boxes"], boxes]), np.concatenate([made["classes"], classes]),
                  np.concatenate([made["free"], np.zeros((len(boxes), 6), bool)]),
                  np.concatenate([made["ignore"], ignore]))


def by_people(truth, found, scores):
    """Riders are joined to what they ride; what the teacher sees besides is ignored."""
    boxes, classes = merge_riders(*truth, np.ones(len(truth[0])))[:2]
    extra = found[(scores[:, :6].max(1) > 0.3)] if len(found) else found
    if len(boxes) and len(extra):
        extra = extra[(bx.iou(extra, truth[0]).max(1) < 0.3) & (bx.covered(extra, boxes).max(1) < 0.6)]
    return target(boxes, classes, np.zeros((len(boxes), 6), bool), extra)


def by_teacher(found, scores):
    """What the teacher is sure of, and what it is not."""
    ours, rivals = scores[:, :6], scores[:, 6:]
    keep = (ours.max(1, initial=0) >= UNSURE) & (ours.max(1, initial=0) >= rivals.max(1, initial=0))
    found, ours = found[keep], ours[keep]
    classes, score = ours.argmax(1) if len(ours) else np.zeros(0, int), ours.max(1, initial=0)
    doubtful = (classes == PERSON) & (ours[:, BICYCLE:CAR].max(1, initial=0) > 0.15)
    found, classes, score, riders, index = merge_riders(found, classes, score)
    ours, doubtful = ours[index], doubtful[index] & (riders == 0)
    score = settle(found, classes, score)
    sure = (score >= SURE[classes]) & ~doubtful & ((found[:, 2:] - found[:, :2]).max(1, initial=0) >= SMALLEST)
    unsure = ~sure & (score >= UNSURE)
    free = (ours >= 0.75 * ours.max(1, keepdims=True)) if len(ours) else np.zeros((0, 6), bool)
    for group in ((PERSON,), TWO, FOUR):
        of = np.isin(classes, group)
        free[np.ix_(of, [c for c in range(6) if c not in group])] = False
    return target(found[sure], classes[sure], free[sure], found[unsure])


def target(boxes, classes, free, ignore):
    return {"boxes": np.asarray(boxes, np.float32).reshape(-1, 4), "classes": np.asarray(classes, int),
            "free": np.asarray(free, bool).reshape(-1, 6), "ignore": np.asarray(ignore, np.float32).reshape(-1, 4)}


def merge_riders(found, classes, score):
    """Joins persons to the two-wheelers that they ride. Gives boxes, classes,
    scores, number of riders and the index in the input, of those that stay."""
    found, score = np.array(found, float).reshape(-1, 4), np.array(score, float)
    joined, riders = found.copy(), np.zeros(len(found), int)
    gone = np.zeros(len(found), bool)
    mounts = np.nonzero(np.isin(classes, TWO))[0]
    for p in np.nonzero(classes == PERSON)[0]:
        fit = [m for m in mounts if score[m] >= score[p] / 3 and riders[m] < 4 and bx.rides(found[p], found[m])]
        if fit:
            m = max(fit, key=lambda m: bx.overlap(found[p][None], found[m][None])[0, 0])
            joined[m] = bx.join(joined[m], found[p])
            riders[m] += 1
            score[m] = max(score[m], score[p])
            gone[p] = True
    for m in mounts:
        for o in mounts:
            if m != o and riders[m] == 0 and not gone[o] and riders[o] > 0 and \
                    bx.covered(found[m][None], joined[o][None])[0, 0] > 0.8:
                gone[m] = True
    keep = np.nonzero(~gone)[0]
    return joined[keep], classes[keep], score[keep], riders[keep], keep


def settle(found, classes, score):
    """Of two findings in one place the weaker one goes. Of different kinds that are
    nearly even nobody knows which is right; of one kind they are one object, seen
    twice or in part, and the weaker one, if it is a part, may yet be an object of its own."""
    score = score.copy()
    if len(found) < 2:
        return score
    over, inside = bx.iou(found, found), bx.covered(found, found)
    kind = np.array([0, 1, 1, 2, 2, 2])[classes]
    for i in np.argsort(-score):
        weaker = (score <= score[i]) & (np.arange(len(found)) != i) & (score > 0)
        for j in np.nonzero((over[i] > 0.6) & (kind != kind[i]) & weaker)[0]:
            if score[j] > 0.75 * score[i]:
                score[i] = min(score[i], SURE[classes[i]] - 0.01)
            score[j] = 0
        alike = (kind == kind[i]) & weaker
        part = alike & (np.maximum(inside[i], inside[:, i]) > PART)
        score[part] = np.minimum(score[part], SURE[classes[part]] - 0.01)
        score[alike & (over[i] > TWICE)] = 0
    return score
