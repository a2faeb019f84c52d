"""Color laid over lightness that is not to change: what sRGB does not have is made duller, no channel is cut."""

from __future__ import annotations

import torch
from torch import Tensor

from vasari.foundation.lab import lab_to_srgb, srgb_to_lab

# How far beyond 0..1 a channel may be and still count as within, and as what it is rounded to.
TOLERANCE = 1e-4
# Each halves what is uncertain of the share of chroma that fits.
HALVINGS = 12


def lightness(pixels: Tensor) -> Tensor:
    """L* in 0..100 [N, 1, h, w] of sRGB pixels [N, 1 or 3, h, w]; what lies outside 0..1 counts as the nearest L*."""
    return srgb_to_lab(pixels.expand(-1, 3, -1, -1))[:, :1].clamp(0, 100)


def within_gamut(light: Tensor, chroma: Tensor) -> Tensor:
    """sRGB [N, 3, h, w] in 0..1 of L* [N, 1, h, w] and a*, b* [N, 2, h, w], at the same L* and hue.

    Where sRGB has no such color, its chroma is multiplied by the largest share at which it does, found by bisection
    for those pixels alone; grey of every L* in 0..100 is within.
    """
    made = lab_to_srgb(torch.cat([light, chroma], 1))
    outside = _outside(made)
    if bool(outside.any()):
        there = outside[:, 0]
        flat_light = light[:, 0][there]
        made.permute(0, 2, 3, 1)[there] = _duller(flat_light, chroma.permute(0, 2, 3, 1)[there])
    return made.clamp(0, 1)


def _duller(light: Tensor, chroma: Tensor) -> Tensor:
    """sRGB [n, 3] of L* [n] and chroma [n, 2] times the largest share that fits."""
    low, high = torch.zeros_like(light), torch.ones_like(light)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        outside = _outside(_colors(light, chroma * middle[:, None]))[0, 0, 0]
        low, high = torch.where(outside, low, middle), torch.where(outside, middle, high)
    return _colors(light, chroma * low[:, None])[0, :, 0].T


def _colors(light: Tensor, chroma: Tensor) -> Tensor:
    """sRGB [1, 3, 1, n] of L* [n] and a*, b* [n, 2]."""
    return lab_to_srgb(torch.cat([light[None], chroma.T])[None, :, None])


def _outside(pixels: Tensor) -> Tensor:
    """[N, 1, h, w]: whether a channel of [N, 3, h, w] is beyond 0..1."""
    return ((pixels < -TOLERANCE) | (pixels > 1 + TOLERANCE)).any(1, keepdim=True)
