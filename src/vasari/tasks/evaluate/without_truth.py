"""Scores of one picture by itself, for scans without truth: sharpness, noise, colorfulness; pure functions.

None says that a picture is good: noise raises sharpness, and a cast raises colorfulness. They describe, and are
compared between results of one scan.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from vasari.foundation.errors import PictureError
from vasari.tasks.metrics import luma

SMALLEST_PX = 8


def sharpness(pixels: Tensor) -> float:
    """The deviation of the Laplacian of the luma, on the 8-bit scale: larger is sharper, or noisier.

    [1 or 3, rows, columns] in 0..1. The square root of the variance of the Laplacian (Pech-Pacheco et al. 2000,
    "Diatom autofocusing in brightfield microscopy"), with the 4-neighbor kernel, inside the border.
    """
    grey = luma(_checked(pixels))
    kernel = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]], dtype=grey.dtype)
    return float(functional.conv2d(grey[None], kernel[None, None]).std(correction=0) * 255)


def noise(pixels: Tensor) -> float:
    """The deviation of the noise of the luma, on the 8-bit scale, as the finest diagonal details tell it.

    [1 or 3, rows, columns] in 0..1. Median absolute Haar detail over 0.6745 (Donoho & Johnstone 1994, Biometrika
    81); fine texture counts as noise, and JPEG takes noise away.
    """
    grey = luma(_checked(pixels))[0]
    even = grey[: grey.shape[0] // 2 * 2, : grey.shape[1] // 2 * 2]
    detail = (even[::2, ::2] - even[1::2, ::2] - even[::2, 1::2] + even[1::2, 1::2]) / 2
    return float(torch.quantile(detail.abs().flatten()[:: _step(detail)], 0.5) / 0.6745 * 255)


def colorfulness(pixels: Tensor) -> float:
    """How colorful people find a picture: 0 for grey, 33 moderately, 109 extremely.

    [1 or 3, rows, columns] in 0..1; Hasler & Süsstrunk 2003, "Measuring colourfulness in natural images",
    equation 3, on the 8-bit scale.
    """
    ready = _checked(pixels)
    if len(ready) == 1:
        return 0.0
    red, green, blue = ready * 255
    one, other = red - green, (red + green) / 2 - blue
    spread = math.hypot(float(one.std(correction=0)), float(other.std(correction=0)))
    return spread + 0.3 * math.hypot(float(one.mean()), float(other.mean()))


def _step(values: Tensor) -> int:
    """torch.quantile takes at most 16 million values."""
    return -(-values.numel() // 16_000_000)


def _checked(pixels: Tensor) -> Tensor:
    if pixels.ndim != 3 or min(pixels.shape[1:]) < SMALLEST_PX:
        raise PictureError(
            f"Got a picture of shape {tuple(pixels.shape)}; 8 px or more a side are needed.",
            remedy="measure a larger picture",
        )
    return pixels.double()
