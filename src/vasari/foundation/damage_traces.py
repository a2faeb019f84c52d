"""What transport, fingers, water, mold and tape leave on a sheet or film: traces with a shape of their own."""

from __future__ import annotations

import numpy as np

from vasari.foundation import fields
from vasari.foundation.damage_surface import defect_color, lay_over, points_on, several
from vasari.foundation.damage_tone import Plate

Array = np.ndarray
_LAYER_COLORS = np.array([[0.2, 0.75, 0.3], [0.85, 0.8, 0.2], [0.25, 0.7, 0.85], [0.9, 0.45, 0.25]], np.float32)


def film_scratches(plate: Plate, amount: float) -> None:
    """Long lines along the transport of a film, nearly parallel to an edge, broken, fading in and out.

    In color film a deep one bares the lower dye layers, and is green, yellow, blue or orange.
    """
    rows, columns = plate.shape
    down = plate.rng.random() < 0.6
    across, along = (columns, rows) if down else (rows, columns)
    lines = []
    for _ in range(1 + several(plate, 1, 9, amount)):
        place = np.linspace(-0.05, 1.05, 16) * along
        away = plate.rng.uniform(0, across) + np.cumsum(plate.rng.normal(0, 0.35 * plate.scale, 16))
        begin, end = np.sort(plate.rng.uniform(-0.4, 1.4, 2))
        kept = (place >= begin * along) & (place <= max(end, begin + 0.2) * along)
        if kept.sum() > 1:
            path = np.stack([away, place] if down else [place, away], 1)[kept].astype(np.float32)
            lines.append((path, plate.rng.uniform(0.4, 1.4) * plate.scale))
    broken = np.clip(0.6 + 0.8 * fields.rough_field(plate.rng, rows, columns, 8, 3), 0, 1)
    colored = not plate.grey and plate.rng.random() < 0.4
    color = _LAYER_COLORS[plate.rng.integers(len(_LAYER_COLORS))] if colored else defect_color(plate, 0.6)
    lay_over(plate, fields.strokes(rows, columns, lines) * broken * plate.rng.uniform(0.4, 1.0), color)


def fingerprint(plate: Plate, amount: float) -> None:
    """The ridges of a fingertip, whorled, pressed in grease: lighter or darker than the picture."""
    rows, columns = plate.shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    for center in points_on(plate, 1 + int(plate.rng.random() < 0.3)):
        width = plate.rng.uniform(18, 60) * plate.scale
        angle = plate.rng.uniform(0, np.pi)
        cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        u = ((x - center[0]) * cosine + (y - center[1]) * sine) / np.float32(width)
        v = ((y - center[1]) * cosine - (x - center[0]) * sine) / np.float32(width * plate.rng.uniform(1.2, 1.7))
        bend = plate.rng.uniform(0.3, 1.2)
        warp = 0.1 * fields.smooth_field(plate.rng, rows, columns, 10)
        round_the_core = np.hypot(u, v + np.float32(bend) * (u**2 - 0.2)) + warp
        ridges = np.clip(0.5 + 1.2 * np.sin(2 * np.pi * plate.rng.uniform(9, 17) * round_the_core), 0, 1)
        pressed = np.clip((1 - np.hypot(u, v)) * 3, 0, 1) * np.clip(
            0.7 + 0.5 * fields.rough_field(plate.rng, rows, columns, 9, 2), 0, 1
        )
        strength = amount * plate.rng.uniform(0.15, 0.6)
        lay_over(plate, ridges * pressed * np.float32(strength), defect_color(plate, 0.55))


def tide_line(plate: Plate, amount: float) -> None:
    """The border that water left where it stopped: a wavering dark line, soft on the side that was wet."""
    rows, columns = plate.shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    angle = plate.rng.uniform(0, 2 * np.pi)
    through = plate.rng.uniform(0.1, 0.9, 2) * [columns, rows]
    away = (x - through[0]) * np.float32(np.cos(angle)) + (y - through[1]) * np.float32(np.sin(angle))
    away = away + 0.06 * max(rows, columns) * fields.rough_field(plate.rng, rows, columns, 3, 3)
    sharp, soft = plate.scale * plate.rng.uniform(0.6, 2.0), plate.scale * plate.rng.uniform(3, 14)
    profile = np.exp(-np.abs(away) / np.where(away < 0, np.float32(soft), np.float32(sharp)))
    profile = profile * np.clip(0.8 + 0.4 * fields.smooth_field(plate.rng, rows, columns, 9), 0.2, 1)
    brown = np.array([0.7, 0.56, 0.4]) * plate.rng.uniform(0.5, 1.2)
    lay_over(plate, profile * (0.2 + 0.7 * amount), np.clip(brown, 0, 1), in_density=True)


def mold(plate: Plate, amount: float) -> None:
    """Colonies of fungus: fine threads that branch from a center into a lace, pale or dark."""
    rows, columns = plate.shape
    lines = []
    for center in points_on(plate, 1 + several(plate, 0, 4, amount)):
        reach = plate.rng.uniform(4, 26) * plate.scale
        for _ in range(int(plate.rng.integers(8, 26))):
            angle = plate.rng.uniform(0, 2 * np.pi)
            thread = fields.wandering_path(plate.rng, center, angle, 10, reach / 10, 0.35)
            lines.append((thread, 0.5 * plate.scale))
            fork = thread[int(plate.rng.integers(2, 9))]
            turned = angle + plate.rng.normal(0, 0.9)
            lines.append((fields.wandering_path(plate.rng, fork, turned, 6, reach / 12, 0.4), 0.5))
    opacity = fields.blur(fields.strokes(rows, columns, lines)[None], plate.rng.uniform(0.0, 1.0) * plate.scale)[0]
    lay_over(plate, opacity * plate.rng.uniform(0.35, 0.9), defect_color(plate, 0.6))


def tape(plate: Plate, amount: float) -> None:
    """A strip of adhesive tape or what is left of it: a yellow band with straight sides, one of them darker."""
    rows, columns = plate.shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    angle = plate.rng.choice([0.0, np.pi / 2]) + plate.rng.normal(0, 0.12)
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    center = points_on(plate, 1)[0]
    along = np.abs((x - center[0]) * cosine + (y - center[1]) * sine)
    away = (y - center[1]) * cosine - (x - center[0]) * sine
    half = np.float32(plate.scale * plate.rng.uniform(8, 24))
    ends = along + plate.scale * fields.rough_field(plate.rng, rows, columns, 20, 2)
    length = np.float32(plate.rng.uniform(0.1, 0.6) * max(rows, columns))
    band = np.clip(0.5 + half - np.abs(away), 0, 1) * np.clip(0.5 + length - ends, 0, 1)
    edge = np.exp(-(((np.abs(away) - half) / (1.2 * plate.scale)) ** 2)) * (along < length) * plate.rng.uniform(0, 0.7)
    yellow = np.clip(np.array([0.86, 0.72, 0.42]) * plate.rng.uniform(0.75, 1.15), 0, 1)
    lay_over(
        plate, np.maximum(band * plate.rng.uniform(0.2, 0.8), edge) * (0.3 + 0.7 * amount), yellow, in_density=True
    )
