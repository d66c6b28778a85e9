"""Trains the student. `make train` runs it after the labels are made.

It saves all that it needs every few minutes, and goes on from there.
"""

import argparse
import hashlib
import json
import multiprocessing
import pathlib
import sys
import time

import cv2
import numpy as np
import torch

import sources
import targets
from augment import Augment
from label import raw_path
from loss import loss
from student import Student, load

# How often a picture of a source is taken, beside one of the others.
SHARES = {"data/tidar": 0.8, "data/cn": 0.15, "data/cnbus": 0.5, "data/dry_id": 1.0}
STREET = 1.6
FROZEN = 5  # the first convolutions stay as they are: edges are the same on every street


class Pictures:
    """Decoded pictures with their targets, in memory."""

    def __init__(self, pictures, raw):
        self.pictures = [p for p in pictures if raw_path(raw, p).exists()]
        self.weights = [SHARES.get(p.source, STREET) for p in self.pictures]
        self.images = [None] * len(self.pictures)
        self.targets = [targets.load(p, raw) for p in self.pictures]
        for i, t in enumerate(self.targets):
            rare = (t["classes"] == targets.BICYCLE).any() or targets.eyed(self.pictures[i])
            self.weights[i] *= 4 if rare else 2 if self.pictures[i].path.stem in targets.classed() else 1
            self.weights[i] *= 2 if (t["classes"] == targets.MOTORCYCLE).sum() > 1 else 1

    def __call__(self, i):
        if self.images[i] is None:
            self.images[i] = cv2.imread(str(self.pictures[i].path))
        return self.images[i], self.targets[i]

    def crops(self):
        """Two-wheelers, large enough to be made small: motorcycles that people labelled,
        and all bicycles; a list for each class."""
        found = {targets.MOTORCYCLE: [], targets.BICYCLE: []}
        for i, p in enumerate(self.pictures):
            t = self.targets[i]
            for box, kind in zip(t["boxes"], t["classes"]):
                x0, y0, x1, y1 = box.round().astype(int)
                if kind not in found or kind == targets.MOTORCYCLE and not (p.truth or targets.eyed(p)):
                    continue
                if min(x1 - x0, y1 - y0) >= 32 and max(x1 - x0, y1 - y0) >= 60 and alone(box, t["boxes"]):
                    crop = self(i)[0][max(0, y0):y1, max(0, x0):x1]
                    f = min(1.0, 160 / max(crop.shape))
                    found[kind].append(cv2.resize(crop, None, fx=f, fy=f, interpolation=cv2.INTER_AREA))
        return found


def alone(box, others):
    """Whether nothing else covers much of a box."""
    return (targets.bx.covered(box[None], others) > 0.3).sum() <= 1


def batch(augment, seed, step, n):
    """The samples of one step: of the seed and the step alone, so that going on
    after a stop gives the same pictures."""
    rng = np.random.default_rng([seed, step])
    size = int(rng.choice([320, 352, 416], p=[0.5, 0.25, 0.25]))
    images, wanted = zip(*[augment.sample(rng, size) for _ in range(n)])
    return np.stack(images), wanted


def batches(augment, o, first):
    """All batches from step `first` on, made a few steps ahead by a process of its own."""
    with multiprocessing.get_context("fork").Pool(1, prepare, (augment, o.seed, o.batch)) as pool:
        waiting = [pool.apply_async(numbered, (step,)) for step in range(first, min(first + 4, o.steps))]
        for step in range(first, o.steps):
            images, wanted = waiting.pop(0).get()
            if step + 4 < o.steps:
                waiting.append(pool.apply_async(numbered, (step + 4,)))
            x = torch.from_numpy(images).permute(0, 3, 1, 2).float().contiguous()
            yield step, x, [{"boxes": torch.from_numpy(t["boxes"]).float(), "classes": torch.from_numpy(t["classes"]).long(),
                             "free": torch.from_numpy(t["free"]), "ignore": torch.from_numpy(t["ignore"]).float()}
                            for t in wanted]


def prepare(*arguments):
    global making
    making = arguments


def numbered(step):
    augment, seed, n = making
    return batch(augment, seed, step, n)


def rate(step, steps, top, warm=60):
    """Linear warm-up, then half a cosine down to a fortieth."""
    if step < warm:
        return top * (step + 1) / warm
    return top * (0.025 + 0.975 * 0.5 * (1 + np.cos(np.pi * (step - warm) / max(1, steps - warm))))


def digest(path):
    """The SHA-256 of a file, or None without one."""
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest() if path else None


def run(o):
    torch.set_num_threads(max(2, torch.get_num_threads()))  # with one, PyTorch goes without oneDNN
    cv2.setNumThreads(1)
    torch.manual_seed(o.seed)
    pictures = Pictures([p for p in sources.pictures(o.shared) if p.use in o.use], o.work / o.labels)
    crops = pictures.crops()
    augment = Augment(pictures, len(pictures.pictures), pictures.weights, crops)
    print(f"{len(pictures.pictures)} pictures, {sum(len(t['boxes']) for t in pictures.targets)} objects, "
          f"{' and '.join(str(len(c)) for c in crops.values())} motorcycles and bicycles to set in", file=sys.stderr)
    student = Student(o.start)
    if o.weights:
        load(student, o.weights)
    for name in [s[1][1:] for s in student.graph.steps if s[0] == "Conv"][:FROZEN]:
        for part in name:
            student.graph.weights[part].requires_grad_(False)
    mean = {k: v.clone() for k, v in student.state_dict().items()}
    optimizer = torch.optim.AdamW(student.parameters(), o.rate, weight_decay=0.01)
    first, state = 0, o.work / f"{o.name}.state"
    of = {"steps": o.steps, "seed": o.seed, "rate": o.rate, "batch": o.batch, "labels": o.labels, "use": o.use, "weights": digest(o.weights)}
    if state.exists():
        saved = torch.load(state)
        if saved.get("of", of) != of:
            sys.exit(f"{state} is of another training ({saved['of']}, not {of}): remove it, or give another --name")
        first, mean = saved["step"], saved["mean"]
        student.load_state_dict(saved["student"])
        optimizer.load_state_dict(saved["optimizer"])
    begun, log = time.time(), open(o.work / f"{o.name}.log", "a", encoding="utf-8")
    sums, since = {}, 0
    for step, x, wanted in batches(augment, o, first):
        for group in optimizer.param_groups:
            group["lr"] = rate(step, o.steps, o.rate)
        losses = loss(*student(x), wanted, *x.shape[2:])
        optimizer.zero_grad()
        sum(losses.values()).backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 10.0)
        optimizer.step()
        keep = min(0.998, (1 + step) / (20 + step))
        with torch.no_grad():
            for k, v in student.state_dict().items():
                mean[k].mul_(keep).add_(v, alpha=1 - keep)
        for k, v in losses.items():
            sums[k] = sums.get(k, 0) + float(v)
        since += 1
        if (step + 1) % 20 == 0:
            left = (time.time() - begun) / (step + 1 - first) * (o.steps - step - 1)
            line = {"step": step + 1, "of": o.steps, "left_min": round(left / 60, 1),
                    **{k: round(v / since, 4) for k, v in sums.items()}}
            print(json.dumps(line), file=log, flush=True)
            print(f"training: step {step + 1} of {o.steps}, {left / 60:.0f} min left, "
                  + ", ".join(f"{k} {v / since:.3f}" for k, v in sums.items()), file=sys.stderr, flush=True)
            sums, since = {}, 0
        if (step + 1) % o.save == 0 or step + 1 == o.steps:
            saved = {"of": of, "step": step + 1, "student": student.state_dict(), "mean": mean, "optimizer": optimizer.state_dict()}
            torch.save(saved, state.with_suffix(".tmp"))
            state.with_suffix(".tmp").rename(state)
    torch.save(mean, o.work / f"{o.name}.pt")


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--shared", type=pathlib.Path, required=True, help="folder with street, data and models")
    p.add_argument("--work", type=pathlib.Path, required=True, help="where labels, states and weights are kept")
    p.add_argument("--start", required=True, help="NanoDet-g as ONNX")
    p.add_argument("--weights", help="go on from these weights: a .pt of an earlier training, or ../street/street.onnx")
    p.add_argument("--name", default="street")
    p.add_argument("--labels", default="raw", help="folder of the teachers' labels: raw, or again")
    p.add_argument("--use", nargs="+", default=["train"], help="train; experiment adds pictures without a stated licence")
    p.add_argument("--steps", type=int, default=2000)
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--rate", type=float, default=3e-4)
    p.add_argument("--save", type=int, default=100)
    p.add_argument("--seed", type=int, default=1)
    run(p.parse_args())


if __name__ == "__main__":
    main()
