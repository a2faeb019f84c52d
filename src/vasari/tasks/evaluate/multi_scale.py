"""Structural similarity of large pictures in bands, and at several scales: pure functions, sRGB encoding, 0..1."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from vasari.foundation.errors import PictureError
from vasari.tasks.metrics import K1, K2, WINDOW_DEVIATION_PX, WINDOW_PX

# Wang, Simoncelli and Bovik 2003, section 3.2: from the finest scale to the coarsest.
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
SMALLEST_PX = WINDOW_PX * 2 ** (len(SCALE_WEIGHTS) - 1)
PIXELS_AT_ONCE = 2_000_000


def banded_similarity(picture: Tensor, target: Tensor) -> float:
    """The mean structural similarity of two [C, h, w], as `metrics.structural_similarity`, in bounded memory.

    Sides of 11 px or more; channels scored alone and averaged. Raises `PictureError`.
    """
    _check(picture, target, WINDOW_PX)
    luminance_and_structure, _ = _means(picture, target)
    return luminance_and_structure


def multi_scale_similarity(picture: Tensor, target: Tensor) -> float:
    """The structural similarity of two [C, h, w] over five scales, each half the last by 2×2 means; 176 px or more.

    Wang, Simoncelli and Bovik, "Multiscale structural similarity for image quality assessment", 2003, equation 7.
    Channels are averaged with the places before the powers are taken; a negative mean counts as 0.
    """
    _check(picture, target, SMALLEST_PX)
    first, second, result = picture, target, 1.0
    for scale, weight in enumerate(SCALE_WEIGHTS):
        if scale:
            first, second = functional.avg_pool2d(first, 2), functional.avg_pool2d(second, 2)
        whole, contrast = _means(first, second)
        value = whole if scale == len(SCALE_WEIGHTS) - 1 else contrast
        result *= max(0.0, value) ** weight
    return result


def _means(first: Tensor, second: Tensor) -> tuple[float, float]:
    """The means over channels and windows of luminance × structure, and of contrast with structure alone."""
    whole = contrast = torch.zeros((), dtype=torch.float64)
    count = 0
    for one, other in _bands(first, second):
        mean_a, mean_b = _blurred(one), _blurred(other)
        variance_a = _blurred(one * one) - mean_a * mean_a
        variance_b = _blurred(other * other) - mean_b * mean_b
        covariance = _blurred(one * other) - mean_a * mean_b
        luminance = (2 * mean_a * mean_b + K1**2) / (mean_a**2 + mean_b**2 + K1**2)
        structure = (2 * covariance + K2**2) / (variance_a + variance_b + K2**2)
        whole = whole + (luminance * structure).sum()
        contrast = contrast + structure.sum()
        count += structure.numel()
    return float(whole) / count, float(contrast) / count


def _bands(first: Tensor, second: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Bands of rows of each channel, float64 [1, 1, rows, w], that overlap by a window less one row."""
    rows = max(1, PIXELS_AT_ONCE // first.shape[2])
    for channel in range(first.shape[0]):
        for top in range(0, first.shape[1] - WINDOW_PX + 1, rows):
            band = slice(top, top + rows + WINDOW_PX - 1)
            yield first[channel, band].double()[None, None], second[channel, band].double()[None, None]


def _blurred(pixels: Tensor) -> Tensor:
    """Gaussian means over the windows inside the picture: rows, then columns."""
    offsets = torch.arange(WINDOW_PX, dtype=pixels.dtype) - WINDOW_PX // 2
    window = torch.exp(-(offsets**2) / (2 * WINDOW_DEVIATION_PX**2))
    window = window / window.sum()
    rows = functional.conv2d(pixels, window.view(1, 1, WINDOW_PX, 1))
    return functional.conv2d(rows, window.view(1, 1, 1, WINDOW_PX))


def _check(picture: Tensor, target: Tensor, smallest_px: int) -> None:
    if picture.shape != target.shape or picture.ndim != 3 or min(picture.shape[1:]) < smallest_px:
        raise PictureError(
            f"Got pictures of {picture.shape[-1]}x{picture.shape[-2]} and {target.shape[-1]}x{target.shape[-2]} px; "
            f"two of one size, {smallest_px} px or more a side, are compared.",
            remedy="score larger pictures, or use the peak signal to noise ratio",
        )
