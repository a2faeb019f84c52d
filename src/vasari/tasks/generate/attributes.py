"""What edits are named after: five numbers that a picture shows at a glance, measured in CIELAB."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn import functional

from vasari.foundation.image_color import srgb_decode

# IEC 61966-2-1: linear sRGB to XYZ; white point D65.
_TO_XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
_WHITE = (0.95047, 1.0, 1.08883)
_FINE_WINDOW = 5


def lab_of(pixels: Tensor) -> Tensor:
    """sRGB [N, 3, h, w] in 0..1 -> CIELAB [N, 3, h, w], L* 0..100, white point D65 (CIE 15:2004, section 8.2.1)."""
    xyz = torch.einsum("ij,njhw->nihw", pixels.new_tensor(_TO_XYZ), srgb_decode(pixels))
    ratio = xyz / pixels.new_tensor(_WHITE)[:, None, None]
    curve = torch.where(ratio > (6 / 29) ** 3, ratio.clamp(min=1e-9).pow(1 / 3), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = curve.unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def _lightness(lab: Tensor) -> Tensor:
    return lab[:, 0].mean((1, 2))


def _warmth(lab: Tensor) -> Tensor:
    return lab[:, 2].mean((1, 2))


def _contrast(lab: Tensor) -> Tensor:
    return lab[:, 0].flatten(1).std(1, correction=0)


def _saturation(lab: Tensor) -> Tensor:
    return torch.hypot(lab[:, 1], lab[:, 2]).mean((1, 2))


def _texture(lab: Tensor) -> Tensor:
    lightness = lab[:, :1]
    margin = _FINE_WINDOW // 2
    padded = functional.pad(lightness, (margin,) * 4, mode="reflect")
    return (lightness - functional.avg_pool2d(padded, _FINE_WINDOW, 1)).square().mean((1, 2, 3)).sqrt()


ATTRIBUTES: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {
        "lightness": _lightness,
        "warmth": _warmth,
        "contrast": _contrast,
        "saturation": _saturation,
        "texture": _texture,
    }
)
"""Name -> measure of CIELAB pictures [N, 3, h, w] -> [N].

lightness: mean L*; warmth: mean b* (blue to yellow); contrast: deviation of L*; saturation: mean chroma;
texture: root mean square of L* less its mean over 5×5 pixels.
"""


def measured(pictures: Tensor) -> Tensor:
    """All `ATTRIBUTES` of pictures [N, 3, h, w] in 0..1 -> float32 [N, attributes]."""
    lab = lab_of(pictures.float())
    return torch.stack([measure(lab) for measure in ATTRIBUTES.values()], 1)
