"""A simulation of paint by hand-made filters: flat strokes, few tones, varnish and canvas.

It makes pairs (painted, photographed) where no painting of the very scene exists. It is a filter and no painter:
it knows no drawing, no composition and no exaggeration, and a model that learned from it alone will take real
paintings for something else.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vasari.foundation import fields
from vasari.foundation.damage_tone import LUMA

Array = np.ndarray


def painted(photograph: Tensor, rng: np.random.Generator) -> Tensor:
    """A photograph as an oil painting might look: [3, rows, columns] in 0..1, both; all chance is drawn from `rng`.

    A slight bending of the drawing, strokes (`flat_strokes`), fewer tones, colors of a painter's palette, an old
    varnish on some, and the weave of the canvas on most.
    """
    pixels: Array = photograph.numpy().astype(np.float32)
    _, rows, columns = pixels.shape
    scale = min(rows, columns) / 96
    pixels = _bent(pixels, rng, 0.7 * scale)
    radius = max(1, round(float(rng.uniform(1.0, 2.6)) * scale))
    for _ in range(1 + int(rng.random() < 0.3)):
        pixels = flat_strokes(pixels, radius)
    pixels = fields.blur(pixels, 0.45 * scale)  # the squares of the filter are no brush
    pixels = _fewer_tones(pixels, rng)
    pixels = _palette(pixels, rng)
    if rng.random() < 0.6:
        pixels = pixels * rng.uniform((0.9, 0.8, 0.55), (1.0, 0.95, 0.85)).astype(np.float32)[:, None, None]
    if rng.random() < 0.8:
        pixels = pixels + float(rng.uniform(0.01, 0.045)) * _canvas(rng, rows, columns)[None]
    return torch.from_numpy(np.clip(pixels, 0, 1).astype(np.float32))


def flat_strokes(pixels: Array, radius: int) -> Array:
    """Kuwahara's filter: every pixel becomes the mean of the calmest of the four squares that it is a corner of.

    pixels float32 [3, rows, columns]; squares of (radius + 1)² pixels; the calmest has the least variance of luma
    (Kuwahara et al. 1976). Edges are repeated.
    """
    _, rows, columns = pixels.shape
    luma = np.tensordot(LUMA, pixels, 1)[None]
    planes = np.concatenate([pixels, luma, luma**2])
    padded = np.pad(planes, ((0, 0), (radius, radius), (radius, radius)), mode="edge")
    steps = range(radius + 1)
    across = np.sum([padded[:, :, at : at + columns + radius] for at in steps], 0)
    means = np.sum([across[:, at : at + rows + radius] for at in steps], 0) / (radius + 1) ** 2
    best, least = means[:3, :rows, :columns], np.full((rows, columns), np.inf, np.float32)
    for top, left in ((0, 0), (0, radius), (radius, 0), (radius, radius)):  # of the squares' upper left corners
        square = means[:, top : top + rows, left : left + columns]
        variance = square[4] - square[3] ** 2
        calmer = variance < least
        best, least = np.where(calmer, square[:3], best), np.where(calmer, variance, least)
    return best.astype(np.float32)


def _bent(pixels: Array, rng: np.random.Generator, most: float) -> Array:
    """The picture displaced by a smooth field of about `most` pixels: a hand does not draw as a lens does."""
    _, rows, columns = pixels.shape
    moves = [most * fields.smooth_field(rng, rows, columns, 5) for _ in range(2)]
    y = torch.arange(rows)[:, None] + torch.from_numpy(moves[0])
    x = torch.arange(columns)[None] + torch.from_numpy(moves[1])
    grid = torch.stack([(2 * x + 1) / columns - 1, (2 * y + 1) / rows - 1], -1)[None].float()
    bent = torch.nn.functional.grid_sample(
        torch.from_numpy(pixels)[None], grid, padding_mode="border", align_corners=False
    )
    return bent[0].numpy()


def _fewer_tones(pixels: Array, rng: np.random.Generator) -> Array:
    """Luma drawn towards the nearest of a few tones; color goes along."""
    tones, pull = int(rng.integers(5, 12)), float(rng.uniform(0.3, 0.9))
    luma = np.tensordot(LUMA, pixels, 1)
    nearest = np.round(luma * (tones - 1)) / (tones - 1)
    return pixels + pull * (nearest - luma)[None].astype(np.float32)


def _palette(pixels: Array, rng: np.random.Generator) -> Array:
    """Stronger or duller color, deeper or lighter shadows, lights and shadows of a hue each."""
    luma = np.tensordot(LUMA, pixels, 1)[None].astype(np.float32)
    pixels = luma + float(rng.uniform(0.7, 1.7)) * (pixels - luma)
    pixels = np.clip(pixels, 0, 1) ** float(np.exp(rng.normal(0.1, 0.2)))
    shadows, lights = (rng.normal(0, 0.035, 3).astype(np.float32)[:, None, None] for _ in range(2))
    return pixels + shadows * (1 - luma) + lights * luma


def _canvas(rng: np.random.Generator, rows: int, columns: int) -> Array:
    """The weave [rows, columns], about -1..1: threads across and down, uneven."""
    period = float(rng.uniform(2.2, 4.5))
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    drift = fields.smooth_field(rng, rows, columns, 4) * 0.8
    weave = np.sin(2 * np.pi * (x + drift) / period) * np.sin(2 * np.pi * (y - drift) / period)
    return (0.7 * weave + 0.4 * fields.rough_field(rng, rows, columns, 24, 2)).astype(np.float32)
