"""Pictures as street cameras see them: small, grey, at night, in rain, from above.

Everything is drawn from one random generator, so that a seed gives the same
pictures.
"""

import cv2
import numpy as np

import boxes as bx

PAD = 114


class Augment:
    """Makes samples of `load(i)`, which gives picture i (BGR) and its target.

    crops: pictures (BGR) of two-wheelers that are set into streets, a list for
    motorcycles and one for bicycles, by their classes.
    """

    def __init__(self, load, count, weights, crops):
        self.load, self.count, self.crops = load, count, crops
        self.weights = np.asarray(weights, float) / np.sum(weights)

    def sample(self, rng, size):
        """A picture [size,size,3] and its target."""
        kind = rng.random()
        if kind < 0.3:
            image, target = self.mosaic(rng, size, 2, 0.75)
        elif kind < 0.5:
            image, target = self.mosaic(rng, size, 3, 0.6)
        else:
            image, target = self.one(rng, size, size, 1.0, least=size)
        if self.crops and rng.random() < 0.4:
            image, target = self.paste(rng, image, target)
        if rng.random() < 0.5:
            image, target = flip(image, target)
        if rng.random() < 0.06:
            image, target = turn(image, target, int(rng.integers(1, 4)))
        return weather(rng, image), target

    def mosaic(self, rng, size, n, zoom):
        """n x n pictures, with edges in places of their own."""
        image, parts = np.empty((size, size, 3), np.uint8), []
        xs, ys = (np.r_[0, (np.arange(1, n) + rng.uniform(-0.2, 0.2, n - 1)) * size / n, size].astype(int) for _ in range(2))
        for top, bottom in zip(ys, ys[1:]):
            for left, right in zip(xs, xs[1:]):
                part, target = self.one(rng, right - left, bottom - top, zoom)
                image[top:bottom, left:right] = part
                parts.append(moved(target, left, top))
        return image, joined(parts)

    def one(self, rng, width, height, zoom, least=0):
        """A piece of one picture, scaled: its long side becomes 320 to 900 pixels, or
        140 to 520 where its objects fill it, but no less than `least`."""
        image, target = self.load(int(rng.choice(self.count, p=self.weights)))
        h, w = image.shape[:2]
        large = len(target["boxes"]) and np.median(np.sqrt(bx.area(target["boxes"]))) > 0.25 * max(h, w)
        low, high = (140, 520) if large else (320, 900)
        scale = max(zoom * np.exp(rng.uniform(np.log(low), np.log(high))), least) / max(h, w)
        stretch = np.exp(rng.uniform(-0.12, 0.12))
        sx, sy = scale * stretch, scale / stretch
        left = place(rng, w * sx, width)
        top = place(rng, h * sy, height)
        matrix = np.array([[sx, 0, -left], [0, sy, -top]])
        if scale < 0.6:  # area averaging first: what lies between pixels is not to be lost
            f = max(scale, 0.25) / 0.6
            image = cv2.resize(image, None, fx=f, fy=f, interpolation=cv2.INTER_AREA)
            matrix[0, 0] *= w / image.shape[1]
            matrix[1, 1] *= h / image.shape[0]
        out = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=(PAD,) * 3)
        return out, cut(scaled(target, sx, sy, left, top), width, height)

    def paste(self, rng, image, target):
        """Sets a few two-wheelers into the street, at sizes of a fixed camera, and as
        many pieces of other pictures with nothing in them: what was set in must not
        be told by its edges."""
        size = image.shape[0]
        image, taken = image.copy(), [target["boxes"]]
        base = np.exp(rng.uniform(np.log(14), np.log(70)))
        for _ in range(int(rng.integers(2, 12))):
            kind = int(rng.choice([0, *self.crops], p=[0.5, 0.32, 0.18]))
            crop = self.nothing(rng) if kind == 0 else self.crops[kind][int(rng.integers(len(self.crops[kind])))]
            if crop is None:
                continue
            h = base * np.exp(rng.normal(0, 0.25))
            w = h * crop.shape[1] / crop.shape[0]
            if h < 8 or w < 5 or max(w, h) > size / 3:
                continue
            box = (np.tile([rng.uniform(0, size - w), rng.uniform(size * 0.25, size - h)], 2) + [0, 0, w, h]).round()
            others = np.concatenate(taken)
            if len(others) and max(bx.covered(box[None], others).max(), bx.covered(others, box[None]).max()) > 0.25:
                continue
            blend(image, crop, box.astype(int))
            taken.append(box[None])
            if kind:
                target = joined([target, {"boxes": box[None].astype(np.float32), "classes": np.array([kind]),
                                          "free": np.zeros((1, 6), bool), "ignore": np.zeros((0, 4), np.float32)}])
        return image, target

    def nothing(self, rng):
        """A piece of a picture that no object lies in, or None."""
        image, target = self.load(int(rng.choice(self.count, p=self.weights)))
        h, w = image.shape[:2]
        side = rng.uniform(0.08, 0.35) * min(h, w) * np.array([np.exp(rng.normal(-0.2, 0.35)), 1])
        side = np.minimum(side, [w, h])
        corner = rng.uniform(0, [w - side[0], h - side[1]])
        box = np.concatenate([corner, corner + side])
        busy = np.concatenate([target["boxes"], target["ignore"]])
        if len(busy) and bx.overlap(box[None], busy).max() > 0.05 * side.prod():
            return None
        x0, y0, x1, y1 = box.astype(int)
        return image[y0:y1, x0:x1]


def blend(image, crop, box):
    """Sets a crop into a picture, adapted to the light there."""
    x0, y0, x1, y1 = box
    small = cv2.resize(crop, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA).astype(np.float32)
    under = image[y0:y1, x0:x1]
    light = np.clip((under.mean() + 20) / (small.mean() + 20), 0.6, 1.4)
    alpha = feather(x1 - x0, y1 - y0)
    image[y0:y1, x0:x1] = (np.clip(small * light ** 0.7, 0, 255) * alpha + under * (1 - alpha)).astype(np.uint8)


def caption(rng, image):
    """Clocks and names, as cameras write them into their pictures."""
    size = image.shape[0]
    for _ in range(int(rng.integers(1, 4))):
        text = "".join(rng.choice(list("0123456789:-/. ABCDEGKLMNOPRSTU"), int(rng.integers(4, 24))))
        at = (int(rng.integers(-10, size * 2 // 3)), int(rng.choice([rng.integers(10, 40), rng.integers(10, size)])))
        grey = int(rng.choice([255, 0, 230]))
        colour = (grey, grey, grey) if rng.random() < 0.7 else tuple(int(c) for c in rng.integers(0, 256, 3))
        scale, font = rng.uniform(0.3, 1.3), int(rng.choice([0, 1, 2, 3, 4]))
        if rng.random() < 0.5:
            cv2.putText(image, text, at, font, scale, (0, 0, 0), 4, cv2.LINE_AA)
        cv2.putText(image, text, at, font, scale, colour, int(rng.integers(1, 4)), cv2.LINE_AA)
    return image


def place(rng, length, window):
    """Where a window begins on a picture's side, or the picture in the window."""
    return rng.uniform(min(0, length - window), max(0, length - window))


def feather(w, h):
    """An ellipse that fades out towards the corners, [h,w,1]."""
    y, x = np.mgrid[0:h, 0:w]
    d = np.maximum(np.abs((x + 0.5) / w * 2 - 1), 0) ** 3 + np.abs((y + 0.5) / h * 2 - 1) ** 3
    return np.clip((1.25 - d) / 0.35, 0, 1)[..., None].astype(np.float32)


def scaled(target, sx, sy, left, top):
    return {**target, **{k: target[k] * [sx, sy, sx, sy] - [left, top, left, top] for k in ("boxes", "ignore")}}


def moved(target, x, y):
    return scaled(target, 1, 1, -x, -y)


def cut(target, width, height):
    """Boxes as far as they are in the window; what is mostly outside, or too small
    to be told, is ignored."""
    boxes = np.clip(target["boxes"], 0, [width, height, width, height])
    shown = bx.area(boxes) / np.maximum(bx.area(target["boxes"]), 1e-6)
    sides = boxes[:, 2:] - boxes[:, :2]
    good = (shown > 0.4) & (sides.max(1, initial=0) >= 7) & (sides.min(1, initial=1e9) >= 3)
    rest = boxes[~good & (shown > 0)]
    ignore = np.clip(np.concatenate([target["ignore"], rest]), 0, [width, height, width, height])
    return {"boxes": boxes[good], "classes": target["classes"][good], "free": target["free"][good],
            "ignore": ignore[bx.area(ignore) > 0]}


def joined(targets):
    return {k: np.concatenate([t[k] for t in targets]) for k in targets[0]}


def flip(image, target):
    w = image.shape[1]

    def mirror(b):
        return np.stack([w - b[:, 2], b[:, 1], w - b[:, 0], b[:, 3]], 1)
    return image[:, ::-1], {**target, "boxes": mirror(target["boxes"]), "ignore": mirror(target["ignore"])}


def turn(image, target, quarters):
    """Quarter turns, as a camera that looks straight down sees streets."""
    for _ in range(quarters):
        w = image.shape[1]
        image = np.rot90(image)
        target = {**target, **{k: np.stack([target[k][:, 1], w - target[k][:, 2], target[k][:, 3], w - target[k][:, 0]], 1)
                               for k in ("boxes", "ignore")}}
    return image, target


def weather(rng, image):
    """Light, noise, optics and compression."""
    image = np.ascontiguousarray(image)
    if rng.random() < 0.2:
        image = caption(rng, image)
    if rng.random() < 0.6:
        gain = 1 + rng.uniform(-1, 1, 3) * [0.02, 0.5, 0.35]
        hsv = curve(cv2.cvtColor(image, cv2.COLOR_BGR2HSV), np.minimum(np.arange(256)[:, None] * gain, [179, 255, 255]))
        image = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
    if rng.random() < 0.12:  # infrared, or an old camera
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    night = rng.random() < 0.15
    if night:
        gamma, gain = rng.uniform(1.3, 2.2), rng.uniform(0.4, 0.9) * rng.uniform(0.85, 1.1, 3)
        image = curve(image, (np.arange(256)[:, None] / 255.0) ** gamma * gain * 255)
    if rng.random() < 0.1:  # haze
        veil = rng.uniform(0.15, 0.5)
        image = curve(image, np.arange(256)[:, None] * (1 - veil) + rng.uniform(120, 210) * veil + np.zeros(3))
    if rng.random() < 0.05:
        image = rain(rng, image)
    if rng.random() < 0.2:  # a picture enlarged from a smaller one
        f = rng.uniform(0.45, 0.9)
        small = cv2.resize(image, None, fx=f, fy=f, interpolation=cv2.INTER_AREA)
        image = cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    elif rng.random() < 0.15:
        k = int(rng.integers(2, 5))
        image = cv2.blur(image, (k, 1) if rng.random() < 0.5 else (k, k))
    if night or rng.random() < 0.15:
        noise = np.empty(image.shape, np.int16)
        cv2.setRNGSeed(int(rng.integers(1 << 31)))
        cv2.randn(noise, 0, rng.uniform(3, 16))
        image = cv2.add(image, noise, dtype=cv2.CV_8U)
    if rng.random() < 0.3:
        quality = int(rng.integers(18, 70))
        image = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1)
    return image


def curve(image, values):
    """Maps the bytes of each channel by a table [256,3]."""
    return cv2.LUT(image, np.clip(values, 0, 255).astype(np.uint8)[:, None])


def rain(rng, image):
    """Short bright streaks, all in one direction."""
    streaks = (rng.random(image.shape[:2]) > 0.995).astype(np.float32) * 255
    k = np.zeros((11, 11), np.float32)
    cv2.line(k, (int(rng.integers(2, 9)), 0), (5, 10), 1.0 / 11)
    streaks = cv2.filter2D(streaks, -1, k) * 3
    return np.clip(image * 0.9 + streaks[..., None] * 0.5, 0, 255).astype(np.uint8)
