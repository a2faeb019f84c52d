"""The marks of the second simulator: scratches, dust, hair, cracks, folds, stains and losses.

Each mark draws itself on a `Layer` (pixels and mask, changed in place) from a random generator;
`wear` is about 0.25 to 1.4. Sizes are in units of a 640-px picture.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from scipy import ndimage

Generator = np.random.Generator
SUBPIXEL_BITS = 4


def smooth_field(rng: Generator, shape: tuple[int, int], size: float) -> np.ndarray:
    """A random field with zero mean and about unit range; `size` of its blobs relative to the long side."""
    height, width = shape
    long_side, total, result = max(shape), 0.0, np.zeros(shape, np.float32)
    for octave in range(3):
        cell = max(size * long_side / 2**octave, 2.0)
        nodes = (max(int(height / cell), 1) + 3, max(int(width / cell), 1) + 3)
        coarse = rng.normal(0, 1, nodes).astype(np.float32)
        fine = cv2.resize(coarse, None, fx=cell, fy=cell, interpolation=cv2.INTER_CUBIC)
        top, left = (int(rng.uniform(0, max(fine.shape[axis] - shape[axis], 1))) for axis in (0, 1))
        result += fine[top : top + height, left : left + width] / 2**octave
        total += 0.5**octave
    return result / (total * 1.2)


def grain(rng: Generator, shape: tuple[int, int], size_px: float) -> np.ndarray:
    """Correlated noise with unit deviation."""
    noise = rng.normal(0, 1, shape).astype(np.float32)
    if size_px > 0.25:
        noise = cv2.GaussianBlur(noise, (0, 0), size_px)
    return noise / max(float(noise.std()), 1e-6)


class Layer:
    """The picture while marks are laid on it: `pixels` [rows, columns, 3], `mask` [rows, columns], 0..1."""

    def __init__(self, pixels: np.ndarray, unit: float) -> None:
        self.pixels = np.clip(pixels, 0, 1).astype(np.float32)
        self.mask = np.zeros(pixels.shape[:2], np.float32)
        self.unit = unit
        self.height, self.width = pixels.shape[:2]
        # The color that shows where the image layer is gone.
        self.paper = np.quantile(self.pixels.reshape(-1, 3)[::17], 0.995, axis=0).astype(np.float32)

    def point(self, rng: Generator) -> np.ndarray:
        """A place on the picture, (x, y)."""
        return rng.uniform(0, 1, 2) * (self.width, self.height)

    def cover(self, alpha: np.ndarray, color: np.ndarray | float) -> None:
        """Paint `color` with opacity `alpha`."""
        alpha = np.clip(alpha, 0, 1).astype(np.float32)
        self.pixels = self.pixels * (1 - alpha[:, :, None]) + alpha[:, :, None] * np.asarray(color, np.float32)
        self.mask = np.maximum(self.mask, alpha).astype(np.float32)

    def filter(self, density: np.ndarray, color: tuple[float, float, float], seen_from: float = 0.05) -> None:
        """Darken like a transparent film: encoded values times (1 - density * color)."""
        self.pixels = np.clip(self.pixels * (1 - density[:, :, None] * np.asarray(color, np.float32)), 0, 1)
        self.mask = np.maximum(self.mask, np.clip((density - seen_from) * 4, 0, 1)).astype(np.float32)

    def lines(self, paths: list[np.ndarray], width_px: float) -> np.ndarray:
        """Opacity of anti-aliased polylines, each [points, 2] of (x, y)."""
        canvas = np.zeros((self.height, self.width), np.uint8)
        fixed = [np.rint(path * 2**SUBPIXEL_BITS).astype(np.int32).reshape(-1, 1, 2) for path in paths]
        thick = max(round(width_px), 1)
        cv2.polylines(canvas, fixed, False, 255, thick, cv2.LINE_AA, SUBPIXEL_BITS)
        # A line finer than a pixel is a fainter line of one pixel.
        return canvas.astype(np.float32) / 255 * min(width_px / thick, 1.0)


def walk(rng: Generator, start: np.ndarray, angle: float, length: float, bend: float, step: float) -> np.ndarray:
    """A random walk whose direction drifts by `bend` radians a step: [points, 2]."""
    count = max(int(length / step), 2)
    angles = angle + np.cumsum(rng.normal(0, bend, count))
    moves = np.stack([np.cos(angles), np.sin(angles)], axis=1) * step
    return start + np.concatenate([np.zeros((1, 2)), np.cumsum(moves, axis=0)])


def light_or_dark(rng: Generator, layer: Layer, light: float) -> np.ndarray:
    """The color of a mark: bare paper or dirt."""
    if rng.random() < light:
        return np.clip(layer.paper * rng.uniform(0.92, 1.06), 0, 1)
    return np.array([0.09, 0.08, 0.07], np.float32) * rng.uniform(0.4, 2.2)


def scratch(rng: Generator, layer: Layer, wear: float) -> None:
    """A scratch, nearly straight, that bites now more, now less; upright ones come in runs."""
    upright = rng.random() < 0.4
    angle = np.pi / 2 + rng.normal(0, 0.02) if upright else rng.uniform(0, np.pi)
    length = rng.lognormal(np.log(110), 0.9) * layer.unit * (2.5 if upright else 1)
    start, paths = layer.point(rng), []
    for _ in range(rng.integers(1, 4) if rng.random() < 0.3 else 1):
        offset = rng.normal(0, 4, 2) * layer.unit
        paths.append(walk(rng, start + offset, angle, length, 0.012 if upright else 0.05, 6 * layer.unit))
    alpha = layer.lines(paths, rng.uniform(0.5, 2.0) * layer.unit)
    bite = np.clip(smooth_field(rng, alpha.shape, 0.03) * 1.2 + rng.uniform(0.2, 1.0), 0, 1)
    alpha = cv2.GaussianBlur(alpha * bite, (0, 0), 0.45) * rng.uniform(0.35, 1.0)
    layer.cover(alpha, light_or_dark(rng, layer, 0.75))


def dust(rng: Generator, layer: Layer, wear: float) -> None:
    """One speck of dust: an irregular blob of a few pixels, sharp or out of focus."""
    size = rng.lognormal(np.log(1.3), 0.6) * layer.unit
    center = layer.point(rng)
    turns = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(5, 10)))
    reach = size * rng.uniform(0.4, 1.4, turns.size)
    outline = center + np.stack([np.cos(turns), np.sin(turns) * rng.uniform(0.4, 1)], axis=1) * reach[:, None]
    patch_half = int(np.ceil(size * 2)) + 4
    left, top = np.maximum(center.astype(int) - patch_half, 0)
    right, bottom = min(int(center[0]) + patch_half, layer.width), min(int(center[1]) + patch_half, layer.height)
    canvas = np.zeros((bottom - top, right - left), np.uint8)
    fixed = np.rint((outline - (left, top)) * 2**SUBPIXEL_BITS).astype(np.int32).reshape(-1, 1, 2)
    cv2.fillPoly(canvas, [fixed], 255, cv2.LINE_AA, SUBPIXEL_BITS)
    alpha = cv2.GaussianBlur(canvas.astype(np.float32) / 255, (0, 0), rng.uniform(0.3, 0.9))
    alpha = alpha * rng.uniform(0.4, 1.0)
    place = (slice(top, bottom), slice(left, right))
    color = light_or_dark(rng, layer, 0.6)
    layer.pixels[place] = layer.pixels[place] * (1 - alpha[:, :, None]) + alpha[:, :, None] * color
    layer.mask[place] = np.maximum(layer.mask[place], alpha)


def spot(rng: Generator, layer: Layer, wear: float) -> None:
    """A colored point where the dye or the screen is broken."""
    center, size = layer.point(rng), rng.uniform(1.5, 5) * layer.unit
    alpha = disc(layer, center, size) * rng.uniform(0.4, 0.9)
    layer.cover(alpha, rng.uniform(0.05, 0.95, 3).astype(np.float32))


def disc(layer: Layer, center: np.ndarray, radius: float, soft: float = 0.35) -> np.ndarray:
    """Opacity of a soft disc."""
    rows, columns = np.ogrid[: layer.height, : layer.width]
    distance = np.sqrt((rows - center[1]) ** 2 + (columns - center[0]) ** 2) / radius
    return np.clip((1 + soft - distance) / (2 * soft), 0, 1).astype(np.float32)


def hair(rng: Generator, layer: Layer, wear: float) -> None:
    """A hair or lint on the glass: a smooth curl, with the blur of lying above the print."""
    length, bend = rng.uniform(30, 170) * layer.unit, rng.uniform(0.02, 0.22)
    path = walk(rng, layer.point(rng), rng.uniform(0, 2 * np.pi), length, bend, 3 * layer.unit)
    alpha = layer.lines([path], rng.uniform(0.7, 1.8) * layer.unit)
    alpha = cv2.GaussianBlur(alpha, (0, 0), rng.uniform(0.4, 1.0)) * rng.uniform(0.5, 1)
    layer.cover(alpha, light_or_dark(rng, layer, 0.45))


def crack(rng: Generator, layer: Layer, wear: float, cells: int = 60, spread: float = 0.22) -> None:
    """Cracks of the image layer: edges of warped Voronoi cells inside a patch."""
    shape = (layer.height, layer.width)
    scale = 4 if max(shape) > 1600 else 2 if max(shape) > 800 else 1
    rows, columns = np.mgrid[0 : shape[0] : scale, 0 : shape[1] : scale].astype(np.float32)
    warp = 0.02 * max(shape)
    rows = rows + cv2.resize(smooth_field(rng, shape, 0.04), rows.shape[::-1]) * warp
    columns = columns + cv2.resize(smooth_field(rng, shape, 0.04), rows.shape[::-1]) * warp
    center = layer.point(rng)
    seeds = center + rng.normal(0, spread * max(shape), (cells, 2))
    nearest = np.full((2, *rows.shape), np.inf, np.float32)
    for x, y in seeds:
        distance = np.hypot(columns - x, rows - y)
        nearest = np.sort(np.concatenate([nearest, distance[None]]), axis=0)[:2]
    gap = cv2.resize(nearest[1] - nearest[0], shape[::-1], interpolation=cv2.INTER_LINEAR)
    patch = disc(layer, center, spread * max(shape) * 1.1, 0.6)
    patch = patch * np.clip(smooth_field(rng, shape, 0.1) * 1.5 + 0.5, 0, 1)
    alpha = np.clip(1.4 * layer.unit - gap, 0, 1) * patch * rng.uniform(0.5, 1)
    layer.cover(cv2.GaussianBlur(alpha, (0, 0), 0.4), light_or_dark(rng, layer, 0.7))


def craquelure(rng: Generator, layer: Layer, wear: float) -> None:
    """The fine net of cracks in albumen, faint."""
    before = layer.pixels.copy()
    mask = layer.mask.copy()
    crack(rng, layer, wear, cells=150, spread=0.35)
    share = np.float32(rng.uniform(0.25, 0.6))
    layer.pixels = before + (layer.pixels - before) * share
    layer.mask = np.maximum(mask, layer.mask * share).astype(np.float32)


def across(rng: Generator, layer: Layer) -> np.ndarray:
    """A line from border to border, nearly straight."""
    middle, angle = layer.point(rng) * 0.7 + np.array([layer.width, layer.height]) * 0.15, rng.uniform(0, np.pi)
    if rng.random() < 0.6:
        angle = np.round(angle / (np.pi / 2)) * np.pi / 2 + rng.normal(0, 0.03)
    reach = np.hypot(layer.width, layer.height)
    direction, normal = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    steps = np.linspace(-reach, reach, 160)[:, None]
    wobble = np.cumsum(rng.normal(0, 0.22, (160, 1)), axis=0) * layer.unit
    return middle + steps * direction + wobble * normal


def fold(rng: Generator, layer: Layer, wear: float) -> None:
    """A fold: the layer broken along a line, flaked beside it, with light and shade on its flanks."""
    path = across(rng, layer)
    line = layer.lines([path], rng.uniform(0.8, 2.2) * layer.unit)
    far = ndimage.distance_transform_edt(layer.lines([path], 1.0) < 0.3).astype(np.float32)
    broken = np.clip(smooth_field(rng, line.shape, 0.02) * 1.3 + rng.uniform(0.3, 0.9), 0, 1)
    shade = np.exp(-far / (rng.uniform(3, 9) * layer.unit)) * rng.normal(0, 0.10)
    layer.pixels = np.clip(layer.pixels * (1 - shade[:, :, None]), 0, 1)
    layer.cover(cv2.GaussianBlur(line * broken, (0, 0), 0.5), layer.paper)
    flakes = (grain(rng, line.shape, 1.5 * layer.unit) - 1.1) * 3 * np.exp(-far / (2.2 * layer.unit))
    layer.cover(cv2.GaussianBlur(np.clip(flakes, 0, 1), (0, 0), 0.4), layer.paper)


def crease(rng: Generator, layer: Layer, wear: float) -> None:
    """A crease that has not broken the layer: a thin light line beside a dark one."""
    length = rng.uniform(60, 350) * layer.unit
    path = walk(rng, layer.point(rng), rng.uniform(0, np.pi), length, 0.03, 8 * layer.unit)
    away = rng.normal(0, 1, 2)
    away = away / np.linalg.norm(away) * 1.6 * layer.unit
    for shift, color in ((0, layer.paper), (away, layer.paper * 0.25)):
        alpha = cv2.GaussianBlur(layer.lines([path + shift], 1.3 * layer.unit), (0, 0), 0.8 * max(layer.unit, 0.5))
        layer.cover(alpha * rng.uniform(0.15, 0.7), color)


def blob(rng: Generator, layer: Layer, center: np.ndarray, radius: float, ragged: float) -> np.ndarray:
    """Signed depth inside an irregular blob, in units of its radius: positive inside."""
    rows, columns = np.ogrid[: layer.height, : layer.width]
    flat, turn = rng.uniform(0.6, 1.0), rng.uniform(0, np.pi)
    x, y = columns - center[0], rows - center[1]
    u, v = x * np.cos(turn) + y * np.sin(turn), (y * np.cos(turn) - x * np.sin(turn)) / flat
    size = max(radius / max(layer.height, layer.width) * 0.7, 0.01)
    edge = smooth_field(rng, (layer.height, layer.width), size) * ragged
    return (1 - np.sqrt(u**2 + v**2) / radius + edge).astype(np.float32)


def stain(rng: Generator, layer: Layer, wear: float) -> None:
    """Dried water: a weak tint with a sharp dark rim (tide line), sometimes two in one another."""
    center, radius = layer.point(rng), rng.lognormal(np.log(75), 0.55) * layer.unit
    color = tuple(np.clip(np.array([0.35, 0.6, 1.0]) * rng.uniform(0.75, 1.25, 3), 0, 1.2))
    for ring in range(1 + (rng.random() < 0.35)):
        depth = blob(rng, layer, center, radius * (1 - 0.3 * ring), 0.25)
        inside = np.clip(depth * radius / (2 * layer.unit), 0, 1)
        rim = np.exp(-np.clip(depth, 0, None) * radius / (rng.uniform(1.5, 5) * layer.unit)) * inside
        density = (inside * rng.uniform(0.02, 0.14) + rim * rng.uniform(0.05, 0.28)) * min(wear, 1)
        layer.filter(density.astype(np.float32), color)


def foxing(rng: Generator, layer: Layer, wear: float) -> None:
    """One rusty spot with a soft halo."""
    center, radius = layer.point(rng), rng.lognormal(np.log(2.6), 0.6) * layer.unit
    depth = blob(rng, layer, center, radius, 0.2)
    core, halo = np.clip(depth * 1.8, 0, 1), np.exp(np.clip(depth, None, 0) * 1.2)
    density = (core * 0.6 + halo * 0.4) * rng.uniform(0.08, 0.45)
    density = np.where(depth > -4, density, 0).astype(np.float32)
    layer.filter(density, (0.45, 0.75, 1.0), seen_from=0.06)


def loss(rng: Generator, layer: Layer, wear: float) -> None:
    """Flaked image layer at an edge or a corner: bare paper with a ragged outline."""
    side = rng.integers(0, 4)
    center = layer.point(rng)
    center[side % 2] = (0, 0, layer.width, layer.height)[side]
    if rng.random() < 0.5:
        center = np.array([layer.width, layer.height]) * rng.integers(0, 2, 2)
    depth = blob(rng, layer, center, rng.lognormal(np.log(22), 0.5) * layer.unit, 0.5)
    alpha = cv2.GaussianBlur(np.clip(depth * 12, 0, 1), (0, 0), 0.6)
    texture = 1 + 0.03 * grain(rng, alpha.shape, 1.0)[:, :, None]
    layer.cover(alpha, np.clip(layer.paper * texture, 0, 1))


def fingerprint(rng: Generator, layer: Layer, wear: float) -> None:
    """A greasy print of a finger: faint bent ridges in an oval."""
    center, radius = layer.point(rng), rng.uniform(22, 42) * layer.unit
    depth = np.clip(blob(rng, layer, center, radius, 0.12) * 3, 0, 1)
    rows, columns = np.ogrid[: layer.height, : layer.width]
    origin = center + rng.normal(0, 0.4, 2) * radius
    distance = np.hypot(columns - origin[0], (rows - origin[1]) * rng.uniform(0.5, 1))
    bent = distance + smooth_field(rng, (layer.height, layer.width), 0.04) * 5 * layer.unit
    ridges = 0.5 + 0.5 * np.sin(bent * (2 * np.pi / (rng.uniform(3.2, 5) * layer.unit)))
    patchy = np.clip(smooth_field(rng, ridges.shape, 0.03) + 0.6, 0, 1)
    alpha = depth * ridges * patchy * rng.uniform(0.06, 0.22)
    layer.cover(alpha.astype(np.float32), light_or_dark(rng, layer, 0.6))


MARKS: dict[str, Callable[[Generator, Layer, float], None]] = {
    "scratch": scratch,
    "dust": dust,
    "spot": spot,
    "hair": hair,
    "crack": crack,
    "craquelure": craquelure,
    "fold": fold,
    "crease": crease,
    "stain": stain,
    "foxing": foxing,
    "loss": loss,
    "fingerprint": fingerprint,
}
