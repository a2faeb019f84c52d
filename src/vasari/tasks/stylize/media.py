"""Photographs drawn anew by hand-made filters: pencil, ink, woodcut, watercolor, oil, mosaic, fresco, cartoon.

They widen what the stylizer learns beyond the paintings at hand, and the named styles of these media are the codes of
what they make. They are filters, and know nothing of drawing. One literal table, `MEDIA`; all chance is from `rng`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vasari.foundation import fields
from vasari.foundation.damage_tone import LUMA
from vasari.tasks.translate.painterly import flat_strokes

Array = np.ndarray
Medium = Callable[[Array, np.random.Generator], Array]

CREAM = np.array((0.96, 0.93, 0.85), np.float32)[:, None, None]


def drawn(photograph: Tensor, medium: str, rng: np.random.Generator) -> Tensor:
    """A photograph in a medium: [3, rows, columns] in 0..1, both. Raises KeyError for a medium not in `MEDIA`."""
    pixels = photograph.numpy().astype(np.float32)
    return torch.from_numpy(np.clip(MEDIA[medium](pixels, rng), 0, 1).astype(np.float32))


def pencil(pixels: Array, rng: np.random.Generator) -> Array:
    """Outlines by color dodge of the negative, blurred, and hatching where it is dark, on paper."""
    tone = _tone(pixels)
    softened = fields.blur(1 - tone, float(rng.uniform(1.5, 4.0)))
    outline = np.clip(tone / np.maximum(1 - softened, 0.08), 0, 1) ** float(rng.uniform(1.5, 3.0))
    hatching = np.ones_like(tone)
    for level in (0.6, 0.4, 0.22):
        lines = _lines(rng, tone.shape[1:], float(rng.uniform(2.5, 4.5)), float(rng.uniform(0.3, 1.2)))
        hatching *= 1 - np.clip((level - tone) * 4, 0, 0.45) * lines
    grain = 1 + 0.06 * _noise(rng, tone)
    graphite = np.clip(outline * hatching * grain, 0, 1)
    return _inked(graphite, rng.uniform(0.1, 0.3), _paper(rng))


def ink(pixels: Array, rng: np.random.Generator) -> Array:
    """Brush and ink: a soft threshold of differences of Gaussians (Winnemöller et al. 2012, eq. 7)."""
    lines = _strong_lines(_tone(pixels), rng, float(rng.uniform(0.35, 0.6)))
    return _inked(lines, rng.uniform(0.02, 0.12), _paper(rng))


def woodcut(pixels: Array, rng: np.random.Generator) -> Array:
    """Lines that swell with the dark, along one direction that wavers, and carved outlines; ink of one color."""
    tone = fields.blur(_tone(pixels), 0.8)
    angle, period = float(rng.uniform(0, np.pi)), float(rng.uniform(4.0, 8.0))
    wave = 0.5 + 0.5 * _waves(rng, tone.shape[1:], period, angle, 0.9)
    carved = 1 / (1 + np.exp(-14 * (tone * 1.25 - 0.1 - wave)))
    printed = np.minimum(carved, _strong_lines(tone, rng, 0.3))
    color = np.array(rng.uniform(0.02, 0.25, 3), np.float32)[:, None, None]
    return color + (_paper(rng) - color) * printed


def watercolor(pixels: Array, rng: np.random.Generator) -> Array:
    """Flat washes with dark rims, let run by chance, light and grainy, on white paper."""
    washes = _bent(flat_strokes(flat_strokes(pixels, 3), 3), rng, 2.5)
    tone = _tone(washes)
    washes = tone + float(rng.uniform(1.2, 1.7)) * (washes - tone)
    rims = np.clip(np.abs(fields.blur(tone, 0.7) - fields.blur(tone, 2.0)) * 6, 0, 0.45)
    rows, columns = tone.shape[1:]
    pools = 0.1 * fields.rough_field(rng, rows, columns, 6, 3)[None]
    density = (1 - washes) * float(rng.uniform(0.6, 0.85)) * (1 + pools + 0.08 * _noise(rng, tone)) + 0.5 * rims
    return 1 - density * np.clip(1.15 - tone * 0.25, 0, 1)


def oil(pixels: Array, rng: np.random.Generator) -> Array:
    """Impasto: noise drawn out along the edges of the picture, which lights and colors its flat strokes."""
    base = flat_strokes(pixels, 3)
    tone = _tone(base)
    coarse = fields.blur(rng.standard_normal((4, *tone.shape[1:]), dtype=np.float32), float(rng.uniform(0.8, 1.6)))
    streaks = _streaked(coarse, fields.blur(tone, 3.0), rng, int(rng.integers(8, 14)))
    strong = tone + float(rng.uniform(1.1, 1.6)) * (base - tone)
    return strong + float(rng.uniform(0.05, 0.1)) * streaks[:1] + float(rng.uniform(0.01, 0.03)) * streaks[1:]


def mosaic(pixels: Array, rng: np.random.Generator) -> Array:
    """Stones: cells about jittered points of a grid, each of one color, with joints between them."""
    _, rows, columns = pixels.shape
    side = float(rng.uniform(6, 12))
    down, across = int(rows / side) + 3, int(columns / side) + 3
    centers = (np.mgrid[0:down, 0:across].astype(np.float32) + rng.uniform(-0.8, -0.2, (2, down, across))) * side
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    at_row, at_column = (y / side).astype(int) + 1, (x / side).astype(int) + 1
    near = [(at_row + i, at_column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    near = [(np.clip(i, 0, down - 1), np.clip(j, 0, across - 1)) for i, j in near]
    away = np.stack([np.hypot(centers[0][i, j] - y, centers[1][i, j] - x) for i, j in near])
    order = np.argsort(away, 0)[:2]
    first, second = np.take_along_axis(away, order, 0)
    cells = np.take_along_axis(np.stack([i * across + j for i, j in near]), order[:1], 0)[0]
    count = np.maximum(np.bincount(cells.ravel(), minlength=down * across), 1)
    means = np.stack([np.bincount(cells.ravel(), one.ravel(), down * across) / count for one in pixels])
    means = means * 1.15 - 0.05 + rng.normal(0, 0.04, (1, down * across))
    joint = np.clip((second - first) / 1.6, 0, 1)[None]
    grout = np.full((3, 1, 1), float(rng.uniform(0.15, 0.75)), np.float32)
    return (grout + (means[:, cells] - grout) * joint).astype(np.float32)


def fresco(pixels: Array, rng: np.random.Generator) -> Array:
    """Dull earths on rough plaster, worn through in places, with cracks."""
    base = flat_strokes(pixels, 2)
    tone = _tone(base)
    earths = np.array((1.05, 0.98, 0.85), np.float32)[:, None, None]
    faded = (tone + 0.55 * (base - tone)) * earths * 0.7 + 0.2
    rows, columns = tone.shape[1:]
    plaster = np.array((0.86, 0.82, 0.74), np.float32)[:, None, None]
    worn = np.clip(1.6 * fields.rough_field(rng, rows, columns, 5, 5) - float(rng.uniform(1.0, 1.8)), 0, 1)[None]
    cracks = np.exp(-((fields.rough_field(rng, rows, columns, 4, 3) / 0.02) ** 2))[None]
    rough = 0.04 * _noise(rng, tone) + 0.05 * fields.rough_field(rng, rows, columns, 30, 3)[None]
    return (faded + (plaster - faded) * worn) * (1 - 0.45 * cracks) + rough


def cartoon(pixels: Array, rng: np.random.Generator) -> Array:
    """Few flat, strong colors within black outlines."""
    flat = flat_strokes(flat_strokes(pixels, 2), 3)
    tone = _tone(flat)
    tones = int(rng.integers(4, 7))
    steps = np.round(tone * tones) / tones
    colors = steps + float(rng.uniform(1.4, 2.0)) * (flat - tone)
    return np.clip(colors, 0, 1) * _strong_lines(_tone(pixels), rng, 0.0)


MEDIA: Mapping[str, Medium] = MappingProxyType(
    {
        "pencil": pencil,
        "ink": ink,
        "woodcut": woodcut,
        "watercolor": watercolor,
        "oil": oil,
        "mosaic": mosaic,
        "fresco": fresco,
        "cartoon": cartoon,
    }
)


def _tone(pixels: Array) -> Array:
    """The luma [1, rows, columns]."""
    return np.tensordot(LUMA, pixels, 1)[None].astype(np.float32)


def _noise(rng: np.random.Generator, like: Array) -> Array:
    return rng.standard_normal(like.shape, dtype=np.float32)


def _paper(rng: np.random.Generator) -> Array:
    return np.clip(CREAM + np.float32(rng.uniform(-0.06, 0.04)), 0, 1)


def _inked(tone: Array, darkest: float, paper: Array) -> Array:
    """From the ink (where tone is 0) to the paper (1): [3, rows, columns]."""
    return (darkest + (paper - darkest) * tone).astype(np.float32)


def _strong_lines(tone: Array, rng: np.random.Generator, level: float) -> Array:
    """1 on paper, 0 in lines and, below `level`, in masses: 1 + tanh of sharpened differences of Gaussians."""
    width = float(rng.uniform(0.7, 1.2))
    sharpened = fields.blur(tone, width) * 13 - fields.blur(tone, 1.6 * width) * 12
    return np.clip(1 + np.tanh(8 * (sharpened - level)), 0, 1) if level else _outlines(tone, width)


def _outlines(tone: Array, width: float) -> Array:
    """1 on paper, 0 in lines alone."""
    drop = fields.blur(tone, width) - fields.blur(tone, 1.6 * width)
    return 1 - np.clip((-drop - 0.012) * 40, 0, 1)


def _waves(rng: np.random.Generator, size: tuple[int, ...], period: float, angle: float, waver: float) -> Array:
    """Parallel waves -1..1 [1, rows, columns] whose course wavers."""
    rows, columns = size
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    phase = (x * np.cos(angle) + y * np.sin(angle)) / period + waver * fields.smooth_field(rng, rows, columns, 4)
    return np.sin(2 * np.pi * phase)[None].astype(np.float32)


def _lines(rng: np.random.Generator, size: tuple[int, ...], period: float, sharp: float) -> Array:
    """Hatching 0..1 [1, rows, columns] in a direction of its own."""
    wave = 0.5 + 0.5 * _waves(rng, size, period, float(rng.uniform(0, np.pi)), 0.4)
    return wave ** (1 / sharp)


def _bent(pixels: Array, rng: np.random.Generator, most: float) -> Array:
    """Displaced by a rough field of about `most` pixels."""
    _, rows, columns = pixels.shape
    moves = np.stack([most * fields.rough_field(rng, rows, columns, 8, 3) for _ in range(2)])
    return _sampled(torch.from_numpy(pixels)[None], torch.from_numpy(moves))[0].numpy()


def _streaked(noise: Array, tone: Array, rng: np.random.Generator, reach: int) -> Array:
    """Noise averaged along the level lines of a tone (line integral convolution, Cabral & Leedom 1993), deviation 1."""
    slope_y, slope_x = np.gradient(tone[0])
    rows, columns = tone.shape[1:]
    turn = 3e-3 * fields.smooth_field(rng, rows, columns, 4)  # where the tone is flat, chance gives the direction
    along = np.stack([slope_x + turn, -(slope_y + turn[::-1])])
    along /= np.maximum(np.hypot(along[0], along[1]), 1e-6)
    way = torch.from_numpy(fields.blur(along.astype(np.float32), 1.5))
    total = torch.from_numpy(noise)[None].clone()
    for sign in (1.0, -1.0):
        at = torch.zeros_like(way)
        for _ in range(reach):
            at = at + sign * _sampled(way[None], at)[0]
            total += _sampled(torch.from_numpy(noise)[None], at)
    streaks = total[0].numpy()
    streaks -= streaks.mean((1, 2), keepdims=True)
    return streaks / (streaks.std((1, 2), keepdims=True) + 1e-6)


def _sampled(planes: Tensor, moves: Tensor) -> Tensor:
    """Planes [1, C, rows, columns] read at every place moved by [2, rows, columns], down and across, in pixels."""
    rows, columns = planes.shape[2:]
    y = torch.arange(rows)[:, None] + moves[0]
    x = torch.arange(columns)[None] + moves[1]
    grid = torch.stack([(2 * x + 1) / columns - 1, (2 * y + 1) / rows - 1], -1)[None].float()
    return functional.grid_sample(planes, grid, padding_mode="border", align_corners=False)
