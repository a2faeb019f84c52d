"""The picture's own colors kept: only its lightness is painted, or the style is brought to its colors first."""

from __future__ import annotations

import torch
from torch import Tensor

from vasari.foundation.lab import lab_to_srgb, srgb_to_lab

# Added to the diagonal of a covariance of colors in 0..1: a style of one color has none to be divided by.
LEAST_VARIANCE = 1e-4


def with_lightness(painted: Tensor, source: Tensor) -> Tensor:
    """The lightness of `painted` with the colors of `source`, both sRGB [..., 3, h, w] in 0..1; grey stays grey.

    Gatys et al. 2017, arXiv:1611.07865, section 5.2 (luminance-only transfer), in CIE Lab in the place of YIQ. Where
    sRGB has no such color at that lightness, the result is clipped.
    """
    lightness = srgb_to_lab(painted)[..., :1, :, :]
    colors = srgb_to_lab(source)[..., 1:, :, :]
    return lab_to_srgb(torch.cat([lightness, colors], -3)).clamp(0, 1)


def matched_colors(style: Tensor, content: Tensor) -> Tensor:
    """The style [3, h, w] with the mean and covariance of the content's colors [3, h', w'], in 0..1.

    Gatys et al. 2016, arXiv:1606.05897, section 2.1, and 2017, arXiv:1611.07865, section 5.1: x -> A x + b with
    A = Σ_content^½ Σ_style^-½, the symmetric roots ("Image Analogies" color matching).
    """
    of_style, of_content = style.flatten(1).double(), content.flatten(1).double()
    there = of_content.mean(1, keepdim=True)
    here = of_style.mean(1, keepdim=True)
    matrix = _power(_covariance(of_content), 0.5) @ _power(_covariance(of_style), -0.5)
    moved = matrix @ (of_style - here) + there
    return moved.reshape(style.shape).clamp(0, 1).to(style.dtype)


def _covariance(colors: Tensor) -> Tensor:
    """[3, n] -> [3, 3]."""
    centered = colors - colors.mean(1, keepdim=True)
    spread = centered @ centered.T / colors.shape[1]
    return spread + LEAST_VARIANCE * torch.eye(3, dtype=colors.dtype)


def _power(matrix: Tensor, exponent: float) -> Tensor:
    """A symmetric positive matrix to a power, by its eigenvectors."""
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ torch.diag(values.clamp(min=LEAST_VARIANCE / 2) ** exponent) @ vectors.T
