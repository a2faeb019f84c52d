"""The enlarger: residual blocks at the picture's own size, then two or four times as many pixels each way.

What it adds is laid over cubic interpolation, so that a network which knows nothing enlarges as anyone does.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.foundation.errors import PlanError
from vasari.models.blocks import Residual

FACTORS = (2, 4)
GREY_AROUND_PX = 2  # a pixel is grey where all within so many are
FULL_COLOR = 1 / 16  # the spread of the channels from which detail of color is added in full


class Enlarger(nn.Module):
    """Pictures twice and four times as large, from one trunk with a head for each factor.

    Departs from EDSR (Lim et al. 2017, arXiv:1707.02921) in its size, in the interpolated picture that its
    sub-pixel heads (Shi et al. 2016, arXiv:1609.05158) only add to, and in that detail of color is added only
    where there is color: grey pixels, R = G = B, stay grey exactly. It sees 2·depth + 2 pixels far.
    """

    def __init__(self, width: int = 48, depth: int = 10) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, width, 3, padding=1)
        self.blocks = nn.ModuleList(Residual(width) for _ in range(depth))
        self.tails = nn.ModuleDict({str(one): _quiet(width, 3 * one * one) for one in FACTORS})

    def features(self, pixels: Tensor) -> Tensor:
        """What the trunk sees: [N, 3, h, w] in 0..1 sRGB -> [N, width, h, w]."""
        first = self.head((pixels - 0.5).contiguous(memory_format=torch.channels_last))
        x = first
        for block in self.blocks:
            x = block(x)
        return x + first

    def from_features(self, pixels: Tensor, features: Tensor, factor: int) -> Tensor:
        """The picture enlarged: [N, 3, h, w] and its `features` -> [N, 3, factor·h, factor·w] float32."""
        detail = functional.pixel_shuffle(self.tails[str(factor)](features).float(), factor)
        with torch.autocast(pixels.device.type, enabled=False):
            pixels = pixels.float()
            light = detail.mean(1, keepdim=True)
            color = functional.interpolate(_colored(pixels), scale_factor=float(factor), mode="nearest")
            return interpolated(pixels, factor) + light + color * (detail - light)

    def forward(self, pixels: Tensor, factor: int = 2) -> Tensor:
        """[N, 3, h, w] in 0..1 sRGB -> [N, 3, factor·h, factor·w] float32; raises `PlanError` but for 2 and 4."""
        if factor not in FACTORS:
            raise PlanError(f"factor={factor} is not known.", remedy="enlarge 2 or 4 times")
        return self.from_features(pixels, self.features(pixels), factor)


def _quiet(width: int, channels: int) -> nn.Conv2d:
    """A convolution that adds next to nothing at first."""
    tail = nn.Conv2d(width, channels, 3, padding=1)
    nn.init.normal_(tail.weight, std=1e-3)
    nn.init.zeros_(tail.bias)  # type: ignore[arg-type]
    return tail


def interpolated(pixels: Tensor, factor: int) -> Tensor:
    """Cubic interpolation (Keys 1981, a = -1/2): [N, C, h, w] -> [N, C, factor·h, factor·w]."""
    size = [factor * side for side in pixels.shape[2:]]
    return functional.interpolate(pixels, size, mode="bicubic", antialias=True)


def _colored(pixels: Tensor) -> Tensor:
    """0 where all around is grey exactly, 1 where there is plain color: [N, 3, h, w] -> [N, 1, h, w]."""
    spread = pixels.amax(1, keepdim=True) - pixels.amin(1, keepdim=True)
    around = functional.max_pool2d(spread, 2 * GREY_AROUND_PX + 1, stride=1, padding=GREY_AROUND_PX)
    return (around / FULL_COLOR).clamp(max=1.0)
