"""Random fields and filters over small arrays: what the damage simulator draws with."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch.nn import functional

Array = np.ndarray


def blur(planes: Array, sigma: float) -> Array:
    """Gaussian blur of float32 [channels, rows, columns], `sigma` in pixels, edges replicated."""
    if sigma < 0.2:
        return planes
    reach = max(1, int(2.5 * sigma + 0.5))
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2).astype(np.float32)
    return separable(planes, taps / taps.sum())


def separable(planes: Array, taps: Array) -> Array:
    """Correlation of float32 [channels, rows, columns] with `taps` along rows, then columns."""
    reach = len(taps) // 2
    kernel = torch.from_numpy(np.ascontiguousarray(taps, dtype=np.float32))
    x = torch.from_numpy(np.ascontiguousarray(planes))[:, None]
    x = functional.pad(x, (reach, reach, reach, reach), mode="replicate")
    x = functional.conv2d(x, kernel.view(1, 1, 1, -1))
    return functional.conv2d(x, kernel.view(1, 1, -1, 1))[:, 0].numpy()


def convolve(planes: Array, kernel: Array) -> Array:
    """Correlation of float32 [channels, rows, columns] with one small 2-D kernel, edges replicated."""
    rows, columns = kernel.shape
    x = torch.from_numpy(np.ascontiguousarray(planes))[:, None]
    x = functional.pad(x, (columns // 2, columns // 2, rows // 2, rows // 2), mode="replicate")
    return functional.conv2d(x, torch.from_numpy(kernel.astype(np.float32))[None, None])[:, 0].numpy()


def resize(planes: Array, rows: int, columns: int, mode: str = "bicubic") -> Array:
    """Float32 [channels, r, c] resampled to [channels, rows, columns]; 'area' to shrink, 'bicubic' to enlarge."""
    corners = None if mode in ("area", "nearest") else False
    x = torch.from_numpy(np.ascontiguousarray(planes))[None]
    return functional.interpolate(x, (rows, columns), mode=mode, align_corners=corners)[0].numpy()


def smooth_field(rng: np.random.Generator, rows: int, columns: int, cells: float) -> Array:
    """A smooth random field [rows, columns] of mean 0 and about unit deviation, `cells` bumps across."""
    across = max(2, round(cells * columns / max(rows, columns)) + 1)
    down = max(2, round(cells * rows / max(rows, columns)) + 1)
    grid = rng.standard_normal((1, down, across), dtype=np.float32)
    return resize(grid, rows, columns)[0]


def rough_field(rng: np.random.Generator, rows: int, columns: int, cells: float, octaves: int = 4) -> Array:
    """A fractal field [rows, columns]: octaves of `smooth_field`, each twice as fine and half as strong."""
    total = np.zeros((rows, columns), np.float32)
    for octave in range(octaves):
        total += smooth_field(rng, rows, columns, cells * 2**octave) / 2**octave
    return total / 1.15


def strokes(rows: int, columns: int, lines: list[tuple[Array, float]]) -> Array:
    """Antialiased opacity [rows, columns] of polylines [(points [n, 2] as x, y in pixels, width in pixels)]."""
    image = Image.new("L", (2 * columns, 2 * rows))
    pen = ImageDraw.Draw(image)
    for points, width in lines:
        flat = [tuple(point) for point in (2 * points).tolist()]
        pen.line(flat, fill=255, width=max(1, round(2 * width)), joint="curve")
    return np.asarray(image.reduce(2), dtype=np.float32) / 255


def discs(rows: int, columns: int, spots: Array) -> Array:
    """Antialiased opacity [rows, columns] of ellipses, rows of `spots`: x, y, half width, half height (pixels)."""
    image = Image.new("L", (2 * columns, 2 * rows))
    pen = ImageDraw.Draw(image)
    for x, y, half_width, half_height in (2 * spots).tolist():
        pen.ellipse((x - half_width, y - half_height, x + half_width, y + half_height), fill=255)
    return np.asarray(image.reduce(2), dtype=np.float32) / 255


def wandering_path(
    rng: np.random.Generator, start: Array, angle: float, steps: int, stride: float, bend: float
) -> Array:
    """Points [steps, 2] of a path whose heading drifts by about `bend` radians a step of `stride` pixels."""
    turns = np.cumsum(rng.normal(0, bend, steps))
    headings = angle + turns + rng.normal(0, bend / 4) * np.arange(steps)
    moves = stride * np.stack([np.cos(headings), np.sin(headings)], 1)
    return (start + np.cumsum(moves, 0)).astype(np.float32)
