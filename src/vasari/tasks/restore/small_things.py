"""Small things of a scene that look like damage: coins, lights, beads, wires, letters, dots of a fabric.

Drawn into clean photographs before they age, so that a network learns to leave such things alone; photographs alone
hold too few of them. What tells them from marks: they lie behind the lens, so they are as soft as the scene is, and
behind the grain, which lies on them as on all else.
"""

from __future__ import annotations

import string
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from vasari.foundation import fields

Array = np.ndarray
_METALS = np.array([[0.62, 0.62, 0.6], [0.72, 0.6, 0.36], [0.6, 0.38, 0.26], [0.3, 0.28, 0.24], [0.85, 0.83, 0.78]])


def with_small_things(scene: Tensor, rng: np.random.Generator) -> Tensor:
    """A scene [3, rows, columns] in 0..1 with one or two kinds of small things drawn into it."""
    pixels = scene.numpy().astype(np.float32, copy=True)
    for _ in range(1 + int(rng.random() < 0.3)):
        pixels = DRAWN[int(rng.integers(len(DRAWN)))](pixels, rng)
    return torch.from_numpy(np.clip(pixels, 0, 1).astype(np.float32))


def _painted(pixels: Array, opacity: Array, paint: Array, rng: np.random.Generator) -> Array:
    """`paint` [3, ...] laid over by `opacity` [rows, columns], both as soft as a lens leaves them."""
    soft = rng.uniform(0.35, 1.1)
    opacity = np.clip(fields.blur(opacity[None].astype(np.float32), soft)[0], 0, 1)
    return (pixels + (paint - pixels) * opacity).astype(np.float32)


def _places(rng: np.random.Generator, rows: int, columns: int, count: int, apart: float) -> Array:
    """Points [n, 2] as x, y: scattered, or in rows about `apart` pixels from each other."""
    if rng.random() < 0.5:
        return rng.uniform(0, 1, (count, 2)) * [columns, rows]
    across = max(1, int(np.ceil(np.sqrt(count))))
    grid = np.stack(np.meshgrid(np.arange(across), np.arange(across)), -1).reshape(-1, 2)[:count] * apart
    begin = rng.uniform(-0.1, 0.7, 2) * [columns, rows]
    return begin + grid + rng.normal(0, 0.08 * apart, grid.shape)


def _coins(pixels: Array, rng: np.random.Generator) -> Array:
    """Discs of metal with a rim, a worn relief and a shadow; sometimes hardly lighter than what they lie on."""
    _, rows, columns = pixels.shape
    radius = float(np.exp(rng.uniform(np.log(1.8), np.log(26))))
    metal, worn = _METALS[rng.integers(len(_METALS))], rng.random() < 0.4
    relief = fields.rough_field(rng, rows, columns, max(rows, columns) / radius * 0.8, 3)
    for x, y in _places(rng, rows, columns, int(rng.integers(1, 14)), 2.6 * radius):
        reach = int(1.6 * radius) + 6
        top, left = max(0, int(y) - reach), max(0, int(x) - reach)
        part = (slice(top, max(0, int(y) + reach)), slice(left, max(0, int(x) + reach)))
        if relief[part].size:
            around = pixels[:, int(np.clip(y, 0, rows - 1)), int(np.clip(x, 0, columns - 1))]
            base = 0.35 * metal + 0.65 * around + 0.06 if worn else metal * rng.uniform(0.7, 1.2)
            place = (float(x) - left, float(y) - top)
            pixels[:, *part] = _coin(pixels[:, *part], place, radius * rng.uniform(0.8, 1.2), base, relief[part], rng)
    return pixels


def _coin(
    pixels: Array, center: tuple[float, float], radius: float, metal: Array, relief: Array, rng: np.random.Generator
) -> Array:
    """A part of a picture [3, h, w] with one coin around `center` (x, y) laid into it."""
    y, x = np.mgrid[0 : pixels.shape[1], 0 : pixels.shape[2]].astype(np.float32)
    x, y = x - center[0], y - center[1]
    away = np.hypot(x, y / rng.uniform(0.85, 1.0)) / np.float32(radius)
    shadow = np.clip((1.15 - np.hypot(x - 0.12 * radius, y - 0.12 * radius) / radius) * 4, 0, 1)
    light = 1 + 0.2 * relief + 0.25 * (x + y) / radius * rng.uniform(-1, 1)
    rim = np.exp(-(((away - 0.92) / 0.07) ** 2)) * rng.uniform(-0.3, 0.4)
    paint = np.clip(metal.reshape(3, 1, 1) * (light + rim), 0, 1).astype(np.float32)
    return _painted(pixels * (1 - 0.35 * shadow), np.clip((1 - away) * radius + 0.5, 0, 1), paint, rng)


def _lights(pixels: Array, rng: np.random.Generator) -> Array:
    """Stars, lamps, sparkles: points of many strengths, as wide as the lens draws a point."""
    _, rows, columns = pixels.shape
    y, x = np.mgrid[-9:10, -9:10].astype(np.float32)
    spread = rng.uniform(0.55, 1.6)
    color = np.clip(1 + rng.normal(0, 0.12, 3), 0.5, 1).reshape(3, 1, 1)
    glow = np.zeros((rows + 18, columns + 18), np.float32)
    for cx, cy in _places(rng, rows, columns, int(rng.integers(3, 60)), rng.uniform(8, 40)).astype(int):
        if 0 <= cx < columns and 0 <= cy < rows:
            far = np.hypot(x, y)
            wide = np.exp(-0.5 * (far / spread) ** 2) + 0.06 * np.exp(-far / 3)
            glow[cy : cy + 19, cx : cx + 19] += wide * np.float32(rng.pareto(1.2) * 0.35 + 0.15)
    lit = 1 - (1 - np.clip(pixels, 0, 1)) * (1 - np.clip(glow[9:-9, 9:-9], 0, 1) * color)
    return lit.astype(np.float32)


def _beads(pixels: Array, rng: np.random.Generator) -> Array:
    """Buttons, pearls, pupils: little balls with a bright reflection."""
    _, rows, columns = pixels.shape
    radius = rng.uniform(1.2, 6)
    value = rng.uniform(0.02, 0.25) if rng.random() < 0.5 else rng.uniform(0.6, 0.95)
    paint = np.clip(value + rng.normal(0, 0.05, 3), 0, 1).reshape(3, 1, 1).astype(np.float32)
    spots = _places(rng, rows, columns, int(rng.integers(1, 16)), rng.uniform(2.2, 8) * radius)
    size = np.full((len(spots), 1), radius)
    pixels = _painted(pixels, fields.discs(rows, columns, np.hstack([spots, size, size])), paint, rng)
    bright = np.hstack([spots - 0.35 * radius, 0.35 * size, 0.35 * size])
    return _painted(pixels, fields.discs(rows, columns, bright) * rng.uniform(0.4, 1.0), np.ones((3, 1, 1)), rng)


def _wires(pixels: Array, rng: np.random.Generator) -> Array:
    """Cables that sag, twigs, strands, whiskers: thin lines of the scene, darker or lighter than it."""
    _, rows, columns = pixels.shape
    lines = []
    bundle, angle, width = rng.random() < 0.5, rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 2.2)
    start = rng.uniform(0, 1, 2) * [columns, rows]
    for _ in range(int(rng.integers(1, 12))):
        if bundle:
            begin, heading = start + rng.normal(0, 12, 2), angle + rng.normal(0, 0.12)
        else:
            begin, heading = rng.uniform(0, 1, 2) * [columns, rows], rng.uniform(0, 2 * np.pi)
        stride = rng.uniform(0.1, 0.9) * max(rows, columns) / 24
        lines.append((fields.wandering_path(rng, begin, heading, 24, stride, rng.uniform(0, 0.12)), width))
    value = rng.uniform(0.02, 0.3) if rng.random() < 0.6 else rng.uniform(0.6, 0.95)
    paint = np.clip(value + rng.normal(0, 0.06, 3), 0, 1).reshape(3, 1, 1).astype(np.float32)
    return _painted(pixels, fields.strokes(rows, columns, lines) * rng.uniform(0.5, 1.0), paint, rng)


def _letters(pixels: Array, rng: np.random.Generator) -> Array:
    """Writing of signs, pages and labels."""
    _, rows, columns = pixels.shape
    image = Image.new("L", (columns, rows))
    pen, size = ImageDraw.Draw(image), float(rng.uniform(7, 26))
    font = ImageFont.load_default(size)
    left, top = rng.uniform(-0.1, 0.7) * columns, rng.uniform(0, 0.9) * rows
    signs = string.ascii_letters + string.digits + "    .,"
    for line in range(int(rng.integers(1, 7))):
        text = "".join(signs[k] for k in rng.integers(0, len(signs), int(rng.integers(3, 40))))
        pen.text((left, top + 1.25 * size * line), text, fill=255, font=font)
    value = rng.uniform(0.0, 0.25) if rng.random() < 0.6 else rng.uniform(0.75, 1.0)
    paint = np.clip(value + rng.normal(0, 0.08, 3), 0, 1).reshape(3, 1, 1).astype(np.float32)
    return _painted(pixels, np.asarray(image, np.float32) / 255 * rng.uniform(0.5, 1.0), paint, rng)


def _dots(pixels: Array, rng: np.random.Generator) -> Array:
    """The dots of a fabric, gravel, rivets: many alike, over a part of the picture."""
    _, rows, columns = pixels.shape
    radius = rng.uniform(0.7, 3.5)
    apart = radius * rng.uniform(2.4, 7)
    y, x = np.meshgrid(np.arange(0, rows, apart), np.arange(0, columns, apart), indexing="ij")
    spots = np.stack([x, y], -1).reshape(-1, 2) + rng.normal(0, apart * rng.uniform(0, 0.35), (x.size, 2))
    where = fields.smooth_field(rng, rows, columns, 4) > rng.uniform(-0.2, 0.8)
    inside = where[np.clip(spots[:, 1], 0, rows - 1).astype(int), np.clip(spots[:, 0], 0, columns - 1).astype(int)]
    spots = spots[inside]
    size = radius * rng.uniform(0.8, 1.2, (len(spots), 1))
    opacity = fields.discs(rows, columns, np.hstack([spots, size, size]))
    value = rng.uniform(0.05, 0.35) if rng.random() < 0.5 else rng.uniform(0.65, 0.95)
    paint = np.clip(value + rng.normal(0, 0.06, 3), 0, 1).reshape(3, 1, 1).astype(np.float32)
    return _painted(pixels, opacity * rng.uniform(0.4, 1.0), paint, rng)


DRAWN: tuple[Callable[[Array, np.random.Generator], Array], ...] = (_coins, _lights, _beads, _wires, _letters, _dots)
"""Kinds of small things; each draws into float32 [3, rows, columns] and returns it anew."""
