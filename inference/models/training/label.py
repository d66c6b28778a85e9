"""Runs the teacher over pictures and keeps what it says, raw, one file each.

What is on disk is not done again: the work can be stopped and goes on.
"""

import argparse
import hashlib
import multiprocessing
import os
import pathlib
import sys
import time

import cv2
import numpy as np

import sources
from teacher import Later, Teacher

LEAST = 0.1  # of fused scores; what is below is not kept


def raw_path(folder, picture):
    return pathlib.Path(folder) / (picture.source.replace("/", "+") + "+" + picture.path.stem + ".npz")


def label(pictures, teach, files, folder, processes=None):
    """Labels pictures in the order given, in processes of one thread each, with
    `teach(*files)`, which takes a picture and its image."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    todo = [p for p in pictures if not raw_path(folder, p).exists()]
    begun = time.time()
    with multiprocessing.Pool(processes or os.cpu_count(), initialise, (teach, files, folder)) as pool:
        for i, _ in enumerate(pool.imap(one, todo), 1):
            left = (time.time() - begun) / i * (len(todo) - i)
            end = "\n" if i == len(todo) or i % 100 == 0 else "\r"
            print(f"labels: {i} of {len(todo)} pictures, {left / 60:.0f} min left  ", end=end, flush=True, file=sys.stderr)


def initialise(teach, files, folder):
    global state
    cv2.setNumThreads(1)
    state = (teach(*files), folder)


def one(picture):
    teach, folder = state
    image = cv2.imread(str(picture.path))
    found, scores = teach(picture, image)
    keep = scores[:, :6].max(1) >= LEAST if len(scores) else np.zeros(0, bool)
    path = raw_path(folder, picture)
    np.savez_compressed(path.with_suffix(".tmp.npz"), boxes=found[keep].astype(np.float32),
                        scores=scores[keep].astype(np.float32), size=np.array(image.shape[1::-1]))
    path.with_suffix(".tmp.npz").rename(path)


class First:
    """Labels with PicoDet-S and NanoDet-g."""

    def __init__(self, picodet, nanodet):
        self.teacher = Teacher(picodet, nanodet)

    def __call__(self, picture, image):
        # Where people have labelled, one view is enough to know what they passed over.
        return self.teacher(image, [(0, 640, False)] * bool(picture.truth) or None)


class Again:
    """Labels with the student of the training before, and with what the others said."""

    def __init__(self, student, raw):
        self.teacher, self.raw = Later(student), raw

    def __call__(self, picture, image):
        said = np.load(raw_path(self.raw, picture))
        # Of what it alone sees, motor vehicles on streets are vehicles; bags of litter are motorcycles and people to it.
        believed = (2, 3, 4, 5) if picture.source.startswith("street/") else ()
        return self.teacher(image, said["boxes"].astype(float), said["scores"], believed)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--shared", type=pathlib.Path, required=True, help="folder with street, data and models")
    p.add_argument("--work", type=pathlib.Path, required=True, help="where the labels are kept")
    p.add_argument("--start", required=True, help="NanoDet-g as ONNX, the second teacher")
    p.add_argument("--use", nargs="+", default=["train"], help="train; experiment adds pictures without a stated licence")
    p.add_argument("--student", help="street.onnx of a training before, the third teacher: its labels go to the folder `again`")
    o = p.parse_args()
    pictures = [s for s in sources.pictures(o.shared) if s.use in o.use]
    label(pictures, First, (o.shared / "models/picodet_s_416.onnx", o.start), o.work / "raw")
    if o.student:
        whose, said = o.work / "again/student.sha256", hashlib.sha256(pathlib.Path(o.student).read_bytes()).hexdigest()
        whose.parent.mkdir(parents=True, exist_ok=True)
        if whose.exists() and whose.read_text() != said:
            sys.exit(f"{whose.parent} has the labels of another student: remove it")
        whose.write_text(said)
        label(pictures, Again, (o.student, o.work / "raw"), whose.parent)


if __name__ == "__main__":
    main()
