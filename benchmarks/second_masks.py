"""Free-form masks by another generator than the training's: brushes along smooth curves, and star-shaped islands.

It was written without the strokes, blobs and boxes of `vasari.tasks.inpaint.masks`, and is there to show what of
a score is familiarity with those.
"""

from __future__ import annotations

import cv2
import numpy as np


def draw(rng: np.random.Generator, rows: int, columns: int, least: float, most: float) -> np.ndarray:
    """A mask bool [rows, columns], True where missing, that covers between `least` and `most` of the picture."""
    while True:
        mask = np.zeros((rows, columns), np.uint8)
        wanted = rng.uniform(least, most)
        while mask.mean() < wanted:
            (curve if rng.random() < 0.7 else island)(rng, mask)
        if mask.mean() <= most:
            return mask > 0


def curve(rng: np.random.Generator, mask: np.ndarray) -> None:
    """A brush along a cubic Bézier curve, its width swelling and shrinking as it goes."""
    rows, columns = mask.shape
    side = min(rows, columns)
    knots = rng.uniform(-0.1, 1.1, (4, 2)) * (columns, rows)
    knots[1:] = knots[0] + (knots[1:] - knots[0]) * rng.uniform(0.3, 0.9)
    t = np.linspace(0, 1, 120)[:, None]
    weights = np.hstack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])
    radius, swing, phase = rng.uniform(0.015, 0.06) * side, rng.uniform(0, 0.5), rng.uniform(0, 6.28)
    for (x, y), share in zip(weights @ knots, t[:, 0]):
        size = max(1.0, radius * (1 + swing * np.sin(6.28 * share + phase)))
        cv2.circle(mask, (round(x), round(y)), round(size), 1, -1)


def island(rng: np.random.Generator, mask: np.ndarray) -> None:
    """A polygon around a middle, its corners at random distances."""
    rows, columns = mask.shape
    corners = int(rng.integers(5, 12))
    angles = np.sort(rng.uniform(0, 6.28, corners))
    distances = rng.uniform(0.03, 0.14, corners) * min(rows, columns)
    middle = rng.uniform(0, 1, 2) * (columns, rows)
    points = middle + distances[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)
    cv2.fillPoly(mask, [points.round().astype(np.int32)], 1)
