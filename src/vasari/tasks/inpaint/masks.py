"""Masks to train on: free-form strokes, blobs and boxes, and scanned defects; all from a generator given.

Free-form masks follow the idea of Yu et al. 2019 (Free-Form Image Inpainting, arXiv:1806.03589, 5.1) and
Suvorov et al. 2022 (LaMa, arXiv:2109.07161, 3.3): brushes that wander, wide and narrow, mixed with boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, UnidentifiedImageError

from vasari.foundation import fields
from vasari.foundation.errors import TrainingError

Array = np.ndarray
# A scanned defect covers what is this opaque, of 255.
OPAQUE = 100
MOST_SHAPES = 60
LEAST_DEFECT_SHARE, MOST_DEFECT_SHARE = 0.01, 0.45


def free_form(rng: np.random.Generator, rows: int, columns: int, coverage: float) -> Array:
    """A mask bool [rows, columns], True where missing, of one kind of `KINDS`; `coverage` 0..1 is about its share."""
    names = list(KINDS)
    kind = names[int(rng.choice(len(names), p=KIND_SHARES))]
    return KINDS[kind](rng, rows, columns, coverage)


def brushes(rng: np.random.Generator, rows: int, columns: int, coverage: float) -> Array:
    """Wide strokes that wander, until `coverage` is reached."""
    side = min(rows, columns)
    return _drawn(rng, rows, columns, coverage, lambda pen: _stroke(pen, rng, rows, columns, 0.06 * side, 0.22 * side))


def scratches(rng: np.random.Generator, rows: int, columns: int, coverage: float) -> Array:
    """Many narrow strokes: at most 30 % of the picture."""
    side = min(rows, columns)
    return _drawn(
        rng,
        rows,
        columns,
        min(coverage, 0.3),
        lambda pen: _stroke(pen, rng, rows, columns, 0.015 * side, 0.06 * side),
    )


def boxes(rng: np.random.Generator, rows: int, columns: int, coverage: float) -> Array:
    """Boxes, and a stroke now and then."""
    side = min(rows, columns)

    def draw(pen: ImageDraw.ImageDraw) -> None:
        if rng.random() < 0.3:
            _stroke(pen, rng, rows, columns, 0.04 * side, 0.15 * side)
            return
        tall, wide = rng.uniform(0.1, 0.5, 2) * side
        left, top = rng.uniform(-0.1, 0.9) * columns, rng.uniform(-0.1, 0.9) * rows
        pen.rectangle((left, top, left + wide, top + tall), fill=1)

    return _drawn(rng, rows, columns, coverage, draw)


def blobs(rng: np.random.Generator, rows: int, columns: int, coverage: float) -> Array:
    """Islands with rough shores: the lowest part of a fractal field."""
    field = fields.rough_field(rng, rows, columns, float(rng.uniform(2, 6)), octaves=3)
    return field < np.quantile(field, coverage)


KINDS: Mapping[str, Callable[[np.random.Generator, int, int, float], Array]] = MappingProxyType(
    {"brushes": brushes, "scratches": scratches, "boxes": boxes, "blobs": blobs}
)
KIND_SHARES = (0.5, 0.15, 0.2, 0.15)


def load_defects(folder: str | Path) -> list[Array]:
    """Every opacity mask KIND/*.png of a folder as bool, True where opaque; raises `TrainingError` for none."""
    defects = []
    for path in sorted(Path(folder).rglob("*.png")):
        try:
            defects.append(np.asarray(Image.open(path).convert("L")) >= OPAQUE)
        except (OSError, UnidentifiedImageError):
            continue
    if not defects:
        raise TrainingError(f"No mask KIND/*.png was found in {folder}.", remedy="name a folder of opacity masks")
    return defects


def defect_mask(rng: np.random.Generator, rows: int, columns: int, defects: Sequence[Array]) -> Array:
    """A mask bool [rows, columns] of some scanned defects, turned, scaled and grown by 1 to 3 pixels.

    One that would take more than 45 % of the picture is left out.
    """
    total, margin = np.zeros((rows, columns), bool), int(rng.integers(1, 4))
    for _ in range(int(rng.integers(2, 7))):
        chosen = defects[int(rng.integers(len(defects)))]
        more = total | _grown(_placed(rng, chosen, rows, columns), margin)
        if more.mean() <= MOST_DEFECT_SHARE:
            total = more
    if total.mean() < LEAST_DEFECT_SHARE:
        return total | scratches(rng, rows, columns, 3 * LEAST_DEFECT_SHARE)
    return total


def _placed(rng: np.random.Generator, defect: Array, rows: int, columns: int) -> Array:
    """A random square of a defect, mirrored at random, brought to [rows, columns]."""
    side = int(rng.uniform(0.3, 1.0) * min(defect.shape))
    top, left = (int(rng.integers(0, size - side + 1)) for size in defect.shape)
    square = defect[top : top + side, left : left + side]
    for axis in (0, 1):
        if rng.random() < 0.5:
            square = np.flip(square, axis)
    if rng.random() < 0.5:
        square = square.T
    picture = Image.fromarray(np.ascontiguousarray(square).astype(np.uint8) * 255)
    return np.asarray(picture.resize((columns, rows), Image.Resampling.BOX)) >= OPAQUE


def _grown(mask: Array, by_px: int) -> Array:
    """The mask and all within `by_px` pixels of it (a square)."""
    picture = Image.fromarray(mask.astype(np.uint8)).filter(ImageFilter.MaxFilter(2 * by_px + 1))
    return np.asarray(picture) > 0


def _drawn(
    rng: np.random.Generator,
    rows: int,
    columns: int,
    coverage: float,
    draw: Callable[[ImageDraw.ImageDraw], None],
) -> Array:
    """Shapes drawn until `coverage` is reached; one that passes it by half is taken back."""
    image = Image.new("L", (columns, rows))
    mask = np.zeros((rows, columns), bool)
    for _ in range(MOST_SHAPES):
        before = image.copy()
        draw(ImageDraw.Draw(image))
        grown = np.asarray(image) > 0
        if grown.mean() > 1.5 * coverage and mask.any():
            image = before
            continue
        mask = grown
        if mask.mean() >= coverage:
            break
    return mask


def _stroke(
    pen: ImageDraw.ImageDraw, rng: np.random.Generator, rows: int, columns: int, narrow: float, wide: float
) -> None:
    """One stroke of a round brush between `narrow` and `wide` pixels, of some bends."""
    width, bends = float(rng.uniform(narrow, wide)), int(rng.integers(2, 9))
    start = rng.random(2) * (columns, rows)
    turns = np.cumsum(rng.normal(0, 0.7, bends)) + rng.uniform(0, 2 * np.pi)
    lengths = rng.uniform(0.08, 0.25, bends) * min(rows, columns)
    points = np.vstack([start, start + np.cumsum(lengths[:, None] * np.stack([np.cos(turns), np.sin(turns)], 1), 0)])
    pen.line([tuple(point) for point in points.tolist()], fill=1, width=max(1, round(width)), joint="curve")
    radius = width / 2
    for x, y in (points[0].tolist(), points[-1].tolist()):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=1)
