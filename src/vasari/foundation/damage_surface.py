"""What happens to the sheet or plate: scratches, dust, hair, cracks, folds, stains, foxing, lost corners.

Each defect is an opacity 0..1 that is laid over the picture in brightness or in density, and is
entered in the plate's mask as far as it hides what lies below.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from vasari.foundation import fields
from vasari.foundation.damage_tone import Plate
from vasari.foundation.errors import PictureError

Array = np.ndarray


def lay_over(plate: Plate, opacity: Array, color: Array | float, *, in_density: bool = False) -> None:
    """Lay `color` over the plate by `opacity` [rows, columns]; in density, multiply instead of mixing."""
    opacity = np.clip(opacity, 0, 1).astype(np.float32)
    paint = np.asarray(color, np.float32).reshape(-1, 1, 1)
    if in_density:
        changed = np.clip(plate.pixels, 0, 1) * (1 - opacity + opacity * paint)
    else:
        changed = plate.pixels + (paint - plate.pixels) * opacity
    hidden = np.abs(changed - plate.pixels).max(0)
    visible = np.clip((hidden - 0.02) * 12, 0, 1) * (opacity > 0.02)
    plate.mask = np.maximum(plate.mask, np.minimum(visible, np.clip(opacity * 2.5, 0, 1)))
    plate.pixels = changed


def defect_color(plate: Plate, white: float) -> Array:
    """Near white with probability `white`, else near black; slightly tinted."""
    value = plate.rng.uniform(0.78, 1.0) if plate.rng.random() < white else plate.rng.uniform(0.0, 0.22)
    tint = plate.rng.normal(0, 0.02, 3) if plate.rng.random() < 0.5 else np.zeros(3)
    return np.clip(value + tint, 0, 1).astype(np.float32)


def several(plate: Plate, low: float, high: float, amount: float) -> int:
    """A count for this plate's area: `low`..`high` at full amount on a picture 512 px square."""
    rows, columns = plate.shape
    area = np.sqrt(rows * columns / 512**2)
    return int(plate.rng.poisson(max(0.6, amount * plate.rng.uniform(low, high) * min(area, 1.6))))


def points_on(plate: Plate, count: int) -> Array:
    """Random points [count, 2] as x, y in pixels, a few of them a little outside."""
    rows, columns = plate.shape
    return plate.rng.uniform(-0.05, 1.05, (count, 2)) * [columns, rows]


def scratches(plate: Plate, amount: float) -> None:
    """Straight or gently bent lines of uneven strength: through the emulsion (white) or filled with dirt (black)."""
    rows, columns = plate.shape
    common = plate.rng.uniform(0, np.pi)
    together = plate.rng.random() < 0.5
    lines = []
    for start in points_on(plate, 1 + several(plate, 2, 16, amount)):
        length = plate.rng.uniform(0.08, 1.2) * max(rows, columns)
        angle = common + plate.rng.normal(0, 0.12) if together else plate.rng.uniform(0, 2 * np.pi)
        path = fields.wandering_path(plate.rng, start, angle, 14, length / 14, plate.rng.uniform(0, 0.06))
        lines.append((path, plate.rng.uniform(0.4, 1.9) * plate.scale))
    opacity = fields.strokes(rows, columns, lines)
    broken = np.clip(0.75 + 0.7 * fields.rough_field(plate.rng, rows, columns, 12, 3), 0, 1)
    lay_over(plate, opacity * broken * plate.rng.uniform(0.5, 1.0), defect_color(plate, 0.75))


def dust(plate: Plate, amount: float) -> None:
    """Specks, black or white, from half a pixel to a few."""
    rows, columns = plate.shape
    count = 3 + several(plate, 10, 160, amount)
    half = plate.scale * plate.rng.exponential(0.8, (count, 1)) + 0.3
    aspect = plate.rng.uniform(0.6, 1.6, (count, 1))
    opacity = fields.discs(rows, columns, np.hstack([points_on(plate, count), half * aspect, half / aspect]))
    opacity = np.clip(fields.blur(opacity[None], plate.rng.uniform(0.0, 0.7))[0] * 1.2, 0, 1)
    lay_over(plate, opacity * plate.rng.uniform(0.6, 1.0), defect_color(plate, 0.6))


def hair(plate: Plate, amount: float) -> None:
    """Curling fibers that lay on the glass or in the enlarger."""
    rows, columns = plate.shape
    lines = []
    for start in points_on(plate, 1 + several(plate, 0.5, 7, amount)):
        steps = int(plate.rng.integers(12, 50))
        stride = plate.rng.uniform(1.5, 5) * plate.scale
        path = fields.wandering_path(
            plate.rng, start, plate.rng.uniform(0, 6.3), steps, stride, plate.rng.uniform(0.05, 0.35)
        )
        lines.append((path, plate.rng.uniform(0.5, 1.6) * plate.scale))
    opacity = fields.strokes(rows, columns, lines)
    lay_over(plate, opacity * plate.rng.uniform(0.5, 1.0), defect_color(plate, 0.5))


def cracks(plate: Plate, amount: float) -> None:
    """A branching net of fractures of the emulsion, showing the base."""
    rows, columns = plate.shape
    lines: list[tuple[Array, float]] = []
    for start in points_on(plate, 1 + several(plate, 0.5, 5, amount)):
        angle = plate.rng.uniform(0, 2 * np.pi)
        width = plate.rng.uniform(0.5, 1.8) * plate.scale
        trunk = fields.wandering_path(plate.rng, start, angle, 24, max(rows, columns) / plate.rng.uniform(20, 50), 0.3)
        lines.append((trunk, width))
        for fork in trunk[plate.rng.integers(2, 23, plate.rng.integers(1, 6))]:
            side = angle + plate.rng.choice([-1, 1]) * plate.rng.uniform(0.5, 1.4)
            lines.append((fields.wandering_path(plate.rng, fork, side, 12, max(rows, columns) / 50, 0.35), 0.7 * width))
    opacity = fields.strokes(rows, columns, lines)
    lay_over(plate, opacity * plate.rng.uniform(0.6, 1.0), defect_color(plate, 0.8))


def fold(plate: Plate, amount: float) -> None:
    """A crease across the sheet: a worn, ragged white line between a shaded and a lit slope."""
    rows, columns = plate.shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    for _ in range(1 + int(plate.rng.random() < 0.3 * amount)):
        angle = plate.rng.choice([0.0, np.pi / 2, plate.rng.uniform(0, np.pi)]) + plate.rng.normal(0, 0.06)
        through = plate.rng.uniform(0.15, 0.85, 2) * [columns, rows]
        away = (x - through[0]) * np.float32(np.cos(angle)) + (y - through[1]) * np.float32(np.sin(angle))
        away = away + 1.5 * plate.scale * fields.smooth_field(plate.rng, rows, columns, 10)
        spread = plate.scale * plate.rng.uniform(3, 14)
        slope = np.tanh(away / spread * 2) * np.exp(-((away / spread) ** 2))
        plate.pixels = plate.pixels * (1 + np.float32(amount * plate.rng.uniform(-0.35, 0.35)) * slope[None])
        wear = np.clip(0.5 + 0.8 * fields.rough_field(plate.rng, rows, columns, 14, 3), 0, 1)
        half = plate.scale * plate.rng.uniform(0.5, 2.2)
        opacity = np.exp(-((away / half) ** 2)) * wear * (0.4 + 0.6 * amount)
        lay_over(plate, opacity, defect_color(plate, 0.85))


def stain(plate: Plate, amount: float) -> None:
    """Dried liquid: an irregular tinted patch, often with a darker rim; or a bleached patch."""
    rows, columns = plate.shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    for center in points_on(plate, 1 + several(plate, 0, 2, amount)):
        radius = plate.rng.uniform(0.04, 0.35) * max(rows, columns)
        reach = np.hypot(x - center[0], (y - center[1]) * np.float32(plate.rng.uniform(0.6, 1.6))) / np.float32(radius)
        reach = reach + 0.3 * fields.rough_field(plate.rng, rows, columns, 5, 3)
        edge = plate.rng.uniform(0.02, 0.3)
        inside = np.clip((1 - reach) / edge, 0, 1)
        rim = np.exp(-(((reach - 0.97) / 0.05) ** 2)) * plate.rng.uniform(0, 1)
        opacity = np.clip(inside * plate.rng.uniform(0.15, 0.7) + rim * 0.5, 0, 1) * (0.4 + 0.6 * amount)
        if plate.rng.random() < 0.7:
            brown = np.array([0.75, 0.6, 0.4]) * plate.rng.uniform(0.6, 1.2)
            lay_over(plate, opacity, np.clip(brown, 0, 1), in_density=True)
        else:
            lay_over(plate, 0.6 * opacity, plate.rng.uniform(0.75, 1.0))


def foxing(plate: Plate, amount: float) -> None:
    """Rusty spots with soft edges, in clusters."""
    rows, columns = plate.shape
    count = 3 + several(plate, 5, 60, amount)
    cluster = points_on(plate, max(1, count // 12))
    spread = plate.rng.normal(0, 0.12, (count, 2)) * [columns, rows]
    points = cluster[plate.rng.integers(0, len(cluster), count)] + spread
    half = plate.scale * plate.rng.exponential(1.6, (count, 1)) + 0.6
    opacity = fields.discs(rows, columns, np.hstack([points, half, half * plate.rng.uniform(0.7, 1.3, (count, 1))]))
    opacity = fields.blur(opacity[None], plate.rng.uniform(0.5, 1.8) * plate.scale)[0]
    lay_over(plate, opacity * plate.rng.uniform(0.4, 0.95), np.array([0.62, 0.42, 0.24]), in_density=True)


def flaking(plate: Plate, amount: float) -> None:
    """Islands of lost emulsion with ragged borders, white or black."""
    rows, columns = plate.shape
    where = fields.rough_field(plate.rng, rows, columns, plate.rng.uniform(5, 16), 4)
    regional = fields.smooth_field(plate.rng, rows, columns, 3)
    level = plate.rng.uniform(2.1, 2.7) - 0.7 * amount
    opacity = np.clip((where + 0.6 * regional - level) * 8, 0, 1)
    lay_over(plate, opacity * plate.rng.uniform(0.7, 1.0), defect_color(plate, 0.7))


def torn_edge(plate: Plate, amount: float) -> None:
    """A corner or an edge is gone; the scanner's lid or bed shows."""
    rows, columns = plate.shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    ragged = fields.rough_field(plate.rng, rows, columns, 9, 4) * 0.012 * max(rows, columns)
    corner = plate.rng.integers(4)
    dx, dy = (x, columns - x)[corner % 2], (y, rows - y)[corner // 2]
    size = amount * plate.rng.uniform(0.05, 0.3) * min(rows, columns)
    away = dx / np.float32(plate.rng.uniform(0.6, 1.6)) + dy - size + ragged
    lay_over(plate, np.clip(0.5 - away, 0, 1), defect_color(plate, 0.7))


def scuffs(plate: Plate, amount: float) -> None:
    """Rubbed places: bundles of fine faint parallel strokes."""
    rows, columns = plate.shape
    lines = []
    for start in points_on(plate, 1 + several(plate, 0, 3, amount)):
        angle, spread = plate.rng.uniform(0, np.pi), plate.rng.uniform(0.02, 0.1) * max(rows, columns)
        for _ in range(int(plate.rng.integers(8, 40))):
            begin = start + plate.rng.normal(0, spread, 2)
            end = begin + plate.rng.uniform(0.2, 1) * spread * 3 * np.array([np.cos(angle), np.sin(angle)])
            lines.append((np.stack([begin, end]).astype(np.float32), 0.5 * plate.scale))
    opacity = fields.strokes(rows, columns, lines) * plate.rng.uniform(0.2, 0.7)
    lay_over(plate, opacity, defect_color(plate, 0.8))


@lru_cache(maxsize=4)
def load_masks(folder: Path) -> Mapping[str, tuple[Array, ...]]:
    """Opacity masks [rows, columns] uint8 by kind, from `folder/KIND/*.png`; `PictureError` where there are none."""
    kinds = {
        inner.name: tuple(np.asarray(Image.open(path).convert("L")) for path in sorted(inner.glob("*.png")))
        for inner in sorted(folder.iterdir() if folder.is_dir() else [])
        if inner.is_dir()
    }
    kinds = {name: masks for name, masks in kinds.items() if masks}
    if not kinds:
        raise PictureError(f"{folder} holds no opacity masks.", remedy="give a folder with KIND/*.png, white on black")
    return kinds


def real_defects(plate: Plate, amount: float, folder: Path) -> None:
    """Scanned defects from a folder of opacity masks, turned, scaled and laid over in brightness or density."""
    kinds = load_masks(folder)
    for _ in range(1 + several(plate, 0, 4, amount)):
        masks = kinds[str(plate.rng.choice(list(kinds)))]
        mask = masks[int(plate.rng.integers(len(masks)))]
        mask = np.rot90(mask, int(plate.rng.integers(4)))
        if plate.rng.random() < 0.5:
            mask = mask[:, ::-1]
        _paste(plate, mask.astype(np.float32) / 255, amount)


def _paste(plate: Plate, mask: Array, amount: float) -> None:
    rows, columns = plate.shape
    factor = plate.rng.uniform(0.4, 1.3) * max(rows, columns) / 400
    size = [max(8, int(side * factor)) for side in mask.shape]
    scaled = fields.resize(mask[None], size[0], size[1], "area" if factor < 1 else "bicubic")[0]
    top = int(plate.rng.integers(-size[0] // 2, max(1, rows - size[0] // 2)))
    left = int(plate.rng.integers(-size[1] // 2, max(1, columns - size[1] // 2)))
    opacity = np.zeros((rows, columns), np.float32)
    y0, y1, x0, x1 = max(0, top), min(rows, top + size[0]), max(0, left), min(columns, left + size[1])
    if y1 > y0 and x1 > x0:
        opacity[y0:y1, x0:x1] = scaled[y0 - top : y1 - top, x0 - left : x1 - left]
    opacity *= plate.rng.uniform(0.5, 1.0)
    if plate.rng.random() < 0.3:
        shade = np.clip(plate.rng.uniform(0.1, 0.8) + plate.rng.normal(0, 0.08, 3), 0, 1)
        lay_over(plate, opacity, shade, in_density=True)
    else:
        lay_over(plate, opacity, defect_color(plate, 0.65))
