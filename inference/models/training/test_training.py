"""Tests of the training's arithmetic: `make check` runs them in seconds."""

import pathlib
import tempfile
import unittest

import numpy as np
import torch

import augment
import boxes as bx
import export
import loss
import targets
import teacher
from student import BINS, centres, to_boxes


def target(boxes, classes):
    n = len(boxes)
    return {"boxes": torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4), "classes": torch.tensor(classes, dtype=torch.long),
            "free": torch.zeros((n, 6), dtype=torch.bool), "ignore": torch.zeros((0, 4))}


class Boxes(unittest.TestCase):
    def test_iou(self):
        got = bx.iou(np.array([[0, 0, 2, 2]]), np.array([[1, 0, 3, 2], [0, 0, 2, 2], [5, 5, 6, 6]], float))
        np.testing.assert_allclose(got, [[1 / 3, 1, 0]])

    def test_nms_keeps_the_best_and_what_is_elsewhere(self):
        found = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]], float)
        self.assertEqual(bx.nms(found, np.array([0.5, 0.9, 0.3]), 0.6), [1, 2])

    def test_who_rides(self):
        vehicle = np.array([0.0, 10, 20, 40])
        self.assertTrue(bx.rides(np.array([4.0, 0, 16, 30]), vehicle))
        self.assertFalse(bx.rides(np.array([24.0, 0, 36, 40]), vehicle), "stands beside it")
        self.assertFalse(bx.rides(np.array([4.0, 14, 16, 54]), vehicle), "stands in front of it")


class Targets(unittest.TestCase):
    def test_riders_are_joined(self):
        found = np.array([[4.0, 0, 16, 30], [0.0, 10, 20, 40], [60.0, 0, 72, 36]])
        boxes, classes, _, riders, index = targets.merge_riders(found, np.array([0, 2, 0]), np.ones(3))
        np.testing.assert_array_equal(classes, [2, 0])
        np.testing.assert_array_equal(boxes[0], [0, 0, 20, 40])
        np.testing.assert_array_equal(riders, [1, 0])
        np.testing.assert_array_equal(index, [1, 2])

    def test_what_is_unsure_is_ignored(self):
        scores = np.zeros((2, 6 + len(teacher.RIVALS)))
        scores[0, targets.CAR], scores[1, targets.CAR] = 0.6, 0.25
        got = targets.by_teacher(np.array([[0.0, 0, 20, 20], [40.0, 0, 60, 20]]), scores)
        np.testing.assert_array_equal(got["boxes"], [[0, 0, 20, 20]])
        np.testing.assert_array_equal(got["ignore"], [[40, 0, 60, 20]])

    def test_the_third_teacher(self):
        """Where it agrees with the others their score is mixed; alone it is believed for some classes."""
        def scores(*pairs):
            s = np.zeros((len(pairs), 6 + len(teacher.RIVALS)))
            for i, (kind, v) in enumerate(pairs):
                s[i, kind] = v
            return s
        later = teacher.Later.__new__(teacher.Later)
        mine = np.array([[0.0, 0, 20, 20], [40.0, 0, 60, 20], [80.0, 0, 90, 20], [100.0, 0, 110, 20]])
        said = scores((targets.CAR, 0.9), (targets.MOTORCYCLE, 0.9), (targets.PERSON, 0.9), (targets.BICYCLE, 0.9))
        later.detector = type("Fake", (), {"view": lambda self, *_: (mine.copy(), said.copy())})()
        theirs = np.array([[0.0, 0, 20, 22], [102.0, 0, 108, 18], [200.0, 0, 210, 20]])
        found, got = later(None, theirs, scores((targets.CAR, 0.3), (targets.PERSON, 0.5), (targets.PERSON, 0.5)), (2, 3, 4, 5))
        at = {tuple(b.round().astype(int)): s[:6] for b, s in zip(found, got)}
        self.assertAlmostEqual(at[(0, 0, 20, 20)][targets.CAR], 0.7, places=5)
        self.assertAlmostEqual(at[(40, 0, 60, 20)][targets.MOTORCYCLE], 0.6, places=5)
        self.assertAlmostEqual(at[(80, 0, 90, 20)][targets.PERSON], teacher.DOUBT, places=5)
        self.assertNotIn((100, 0, 110, 20), at, "they saw a person there")
        self.assertAlmostEqual(at[(200, 0, 210, 20)][targets.PERSON], 0.5, places=5)

    def test_a_rival_wins(self):
        scores = np.zeros((1, 6 + len(teacher.RIVALS)))
        scores[0, targets.PERSON], scores[0, 6] = 0.5, 0.6
        self.assertEqual(len(targets.by_teacher(np.array([[0.0, 0, 9, 20]]), scores)["boxes"]), 0)

    def test_classes_by_eye_win(self):
        scores = np.zeros((4, 6 + len(teacher.RIVALS)))
        scores[:, targets.BUS] = 0.4
        found = np.array([[i, 0.0, i + 9, 9] for i in (0, 20, 40, 60)])
        seen = [(found[0].tolist(), "truck"), (found[1].tolist(), "four-wheeler"), (found[2].tolist(), "ignore"), (found[3].tolist(), "none")]
        got = targets.by_teacher(*targets.reclass(found, scores, seen))
        np.testing.assert_array_equal(got["boxes"], found[:2])
        self.assertEqual(got["classes"][0], targets.TRUCK)
        np.testing.assert_array_equal(got["free"][1], [0, 0, 0, 1, 1, 1])
        np.testing.assert_array_equal(got["ignore"], found[2:3])

    def test_one_object_is_taught_once(self):
        scores = np.zeros((5, 6 + len(teacher.RIVALS)))
        scores[:, targets.CAR] = [0.9, 0.7, 0.6, 0.8, 0.7]
        found = np.array([[0.0, 0, 40, 40], [6, 0, 46, 40], [0, 20, 20, 40], [100, 0, 140, 40], [128, 0, 168, 40]])
        got = targets.by_teacher(found, scores)
        np.testing.assert_array_equal(got["boxes"], found[[0, 3, 4]])  # neighbours stay
        np.testing.assert_array_equal(got["ignore"], found[2:3])  # a part, or something in front

    def test_bad_lines_are_named(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "a.txt"
            path.write_text("car 1 2 3 4\nlorry 1 2 3 4\n")
            with self.assertRaisesRegex(ValueError, "a.txt:2"):
                targets.read_pixels(path)


class Loss(unittest.TestCase):
    def test_the_right_answer_costs_least(self):
        h = w = 64
        points, strides = centres(h, w)
        truth = target([[8.0, 8, 40, 48]], [3])
        logits = torch.full((1, len(points), 6), -6.0)
        right = torch.cat([points - truth["boxes"][0, :2], truth["boxes"][0, 2:] - points], 1) / strides[:, None]
        exact = -((right.clamp(0, BINS - 1)[..., None] - torch.arange(BINS)) ** 2) * 8
        exact = exact.reshape(1, len(points), 4 * BINS)
        owner, _ = loss.assign(logits[0], to_boxes(exact, points, strides)[0], truth, points, strides)
        good = logits.clone()
        good[0, owner >= 0, 3] = 6.0
        wrong = logits.clone()
        wrong[0, owner >= 0, 0] = 6.0

        def total(scores, distances):
            return float(sum(loss.loss(scores, distances, [truth], h, w).values()))
        self.assertGreater(int((owner >= 0).sum()), 0)
        self.assertLess(total(good, exact), total(wrong, exact))
        self.assertLess(total(good, exact), total(good, torch.zeros_like(exact)))

    def test_nothing_to_find(self):
        points, _ = centres(32, 32)
        got = loss.loss(torch.zeros(1, len(points), 6), torch.zeros(1, len(points), 4 * BINS), [target([], [])], 32, 32)
        self.assertGreater(float(got["score"]), 0)

    def test_ignored_places_cost_nothing(self):
        points, _ = centres(32, 32)
        t = target([], [])
        t["ignore"] = torch.tensor([[-1.0, -1, 33, 33]])
        got = loss.loss(torch.zeros(1, len(points), 6), torch.zeros(1, len(points), 4 * BINS), [t], 32, 32)
        self.assertEqual(float(got["score"]), 0)


class Augment(unittest.TestCase):
    def one(self):
        image = np.zeros((60, 60, 3), np.uint8)
        image[10:20, 30:50] = 255
        return image, {"boxes": np.array([[30.0, 10, 50, 20]], np.float32), "classes": np.array([3]),
                       "free": np.zeros((1, 6), bool), "ignore": np.zeros((0, 4), np.float32)}

    def check(self, image, t):
        x0, y0, x1, y1 = t["boxes"][0].astype(int)
        self.assertTrue((image[y0:y1, x0:x1] == 255).all())
        self.assertEqual(int((image[..., 0] == 255).sum()), (x1 - x0) * (y1 - y0))

    def test_boxes_follow_the_picture(self):
        self.check(*augment.flip(*self.one()))
        for quarters in (1, 2, 3):
            self.check(*augment.turn(*self.one(), quarters))

    def test_a_seed_gives_the_same_picture(self):
        image, t = self.one()
        a = augment.Augment(lambda i: (image, t), 1, [1.0], None)
        first, second = (a.sample(np.random.default_rng([1, 2]), 64) for _ in range(2))
        np.testing.assert_array_equal(first[0], second[0])
        np.testing.assert_array_equal(first[1]["boxes"], second[1]["boxes"])

    def test_what_is_cut_off_is_ignored(self):
        t = self.one()[1]
        got = augment.cut(augment.moved(t, -45, 0), 60, 60)
        self.assertEqual((len(got["boxes"]), len(got["ignore"])), (0, 1))


class Export(unittest.TestCase):
    def test_ranges_hold_zero(self):
        scale, zero = export.affine(-1.0, 3.0)
        self.assertAlmostEqual(float((0 - int(zero)) * scale + int(zero) * scale), 0)
        self.assertAlmostEqual(float((255 - int(zero)) * scale), 3.0, delta=0.02)

    def test_a_lonely_outlier_is_clipped(self):
        values = np.concatenate([np.random.default_rng(1).normal(0, 1, 100000), [1000.0]])
        low, high = export.best_range(values)
        self.assertLess(high, 1000)
        self.assertLess(low, -2)


class Fusion(unittest.TestCase):
    def test_views_are_joined(self):
        scores = np.zeros((1, 6 + len(teacher.RIVALS)))
        scores[0, 3] = 0.9
        views = [(np.array([[0.0, 0, 10, 10]]), scores), (np.array([[1.0, 0, 11, 10]]), scores)]
        boxes, got = teacher.fuse(views, want=3)
        np.testing.assert_allclose(boxes, [[0.5, 0, 10.5, 10]])
        self.assertAlmostEqual(float(got[0, 3]), 0.6)  # the third view saw nothing


if __name__ == "__main__":
    unittest.main()
