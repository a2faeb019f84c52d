"""Full-reference scores of a picture: pure functions on tensors in sRGB encoding, 0..1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from vasari.foundation.errors import PictureError

if TYPE_CHECKING:
    from torch import Tensor

# Rec. ITU-R BT.601, applied to encoded (gamma-corrected) values: Y' = 0.299 R' + 0.587 G' + 0.114 B'.
LUMA_WEIGHTS = (0.299, 0.587, 0.114)
# Wang et al. 2004, section III-C: window 11x11, deviation 1.5, K1 = 0.01, K2 = 0.03.
WINDOW_PX = 11
WINDOW_DEVIATION_PX = 1.5
K1, K2 = 0.01, 0.03


def luma(pixels: Tensor) -> Tensor:
    """The Rec. 601 luma of sRGB-encoded pixels.

    Shapes: [..., 1 or 3, rows, columns] to [..., 1, rows, columns]; grey pixels come back as they are.
    """
    if pixels.shape[-3] == 1:
        return pixels
    weights = torch.tensor(LUMA_WEIGHTS, dtype=pixels.dtype, device=pixels.device).view(3, 1, 1)
    return (pixels * weights).sum(dim=-3, keepdim=True)


def peak_signal_noise_ratio(picture: Tensor, target: Tensor) -> Tensor:
    """10 log10(1 / mean squared error) in dB, over all channels together.

    Shapes: two of [..., channels, rows, columns], 0..1; one score for each leading index: tensor [...].
    Pass RGB for the color score and `luma(...)` for the grey one. Equal pictures score infinity.
    """
    first, second = _checked(picture, target)
    error = (first - second).square().mean(dim=(-3, -2, -1))
    return -10.0 * torch.log10(error)


def structural_similarity(picture: Tensor, target: Tensor) -> Tensor:
    """The mean structural similarity, each channel scored alone and the channels averaged.

    Shapes: two of [..., channels, rows, columns], 0..1, at least 11x11; tensor [...]. Population
    covariances, and only windows that lie wholly inside the picture, as Wang, Bovik, Sheikh and
    Simoncelli, "Image quality assessment: from error visibility to structural similarity", 2004.
    """
    return similarity_map(picture, target).mean(dim=(-3, -2, -1))


def similarity_map(picture: Tensor, target: Tensor) -> Tensor:
    """The structural similarity at every place, whose mean `structural_similarity` is.

    Shapes: two of [..., channels, rows, columns] to [..., channels, rows - 10, columns - 10]: one value for each
    window of 11x11 that lies wholly inside, at its center.
    """
    first, second = _checked(picture, target)
    if min(first.shape[-2:]) < WINDOW_PX:
        raise PictureError(
            f"Got pictures of {first.shape[-1]}x{first.shape[-2]} px; structural similarity needs 11x11 or more.",
            remedy="score larger pictures, or use peak_signal_noise_ratio",
        )
    mean_a, mean_b = _blurred(first), _blurred(second)
    variance_a = _blurred(first * first) - mean_a * mean_a
    variance_b = _blurred(second * second) - mean_b * mean_b
    covariance = _blurred(first * second) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + K1**2) / (mean_a**2 + mean_b**2 + K1**2)
    structure = (2 * covariance + K2**2) / (variance_a + variance_b + K2**2)
    return luminance * structure


def _checked(picture: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    if picture.shape != target.shape or picture.ndim < 3:
        raise PictureError(
            f"Got shapes {tuple(picture.shape)} and {tuple(target.shape)}; two equal [..., channels, rows, columns] "
            "are compared.",
            remedy="crop or convert one of them first",
        )
    # Variances are differences of near-equal numbers; Apple's GPUs have no float64.
    kind = torch.float32 if picture.device.type == "mps" else torch.float64
    return picture.to(kind), target.to(kind)


def _blurred(pixels: Tensor) -> Tensor:
    """Gaussian means over the windows inside the picture: rows, then columns."""
    offsets = torch.arange(WINDOW_PX, dtype=pixels.dtype, device=pixels.device) - WINDOW_PX // 2
    window = torch.exp(-(offsets**2) / (2 * WINDOW_DEVIATION_PX**2))
    window = window / window.sum()
    planes = pixels.reshape(-1, 1, *pixels.shape[-2:])
    planes = functional.conv2d(planes, window.view(1, 1, WINDOW_PX, 1))
    planes = functional.conv2d(planes, window.view(1, 1, 1, WINDOW_PX))
    return planes.reshape(*pixels.shape[:-2], *planes.shape[-2:])
