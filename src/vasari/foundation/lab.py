"""sRGB to CIE L*a*b* (1976) and back: lightness apart from color, in steps that the eye takes for about equal.

The white is D65, the white of sRGB itself, so that neutral pixels have a* = b* = 0.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vasari.foundation.image_color import SRGB_TO_XYZ, XYZ_TO_SRGB, srgb_decode, srgb_encode

# CIE 015:2018, section 8.2.1: the cube root is replaced by its tangent below (6/29)³.
_BEND = 6 / 29
_SLOPE = 1 / (3 * _BEND**2)
# XYZ of sRGB's white: what the rows of the matrix add up to.
_WHITE = SRGB_TO_XYZ.sum(1)


def srgb_to_lab(pixels: Tensor) -> Tensor:
    """sRGB-encoded [..., 3, h, w] in 0..1 -> L* in 0..100, a*, b* (about -110..110), of the same shape and type.

    Values outside 0..1 are carried along the same curves, so that `lab_to_srgb` brings them back. CIE 015:2018,
    equations 8.3 to 8.8; sRGB as in IEC 61966-2-1.
    """
    relative = _mixed(srgb_decode(pixels), SRGB_TO_XYZ / _WHITE[:, None])
    root = relative.clamp_min(_BEND**3).pow(1 / 3)
    x, y, z = torch.where(relative > _BEND**3, root, _SLOPE * relative + 4 / 29).unbind(-3)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -3)


def lab_to_srgb(lab: Tensor) -> Tensor:
    """The inverse of `srgb_to_lab`; colors that sRGB does not have come out below 0 or above 1."""
    lightness, red_green, yellow_blue = lab.unbind(-3)
    y = (lightness + 16) / 116
    roots = torch.stack([y + red_green / 500, y, y - yellow_blue / 200], -3)
    relative = torch.where(roots > _BEND, roots**3, (roots - 4 / 29) / _SLOPE)
    return srgb_encode(_mixed(relative, XYZ_TO_SRGB * _WHITE))


def _mixed(planes: Tensor, matrix: np.ndarray) -> Tensor:
    """A matrix [3, 3] times the channels of [..., 3, h, w]."""
    weights = torch.as_tensor(matrix, dtype=planes.dtype, device=planes.device)
    return torch.einsum("ij,...jhw->...ihw", weights, planes)
