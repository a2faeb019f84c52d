"""The encoder: pictures to features at four depths, of which style codes, recognition and search are made."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (32, 64, 128, 192)
DEPTHS = (2, 3, 4, 3)  # convolutions at each depth
MULTIPLE_OF = 16


class Encoder(nn.Module):
    """[N, 3, h, w] sRGB in 0..1 -> features at 1/2, 1/4, 1/8 and 1/16: [N, widths[d], h/2^(d+1), w/2^(d+1)], 0 or more.

    A plain stack of 3×3 convolutions with ReLU, as VGG's (Simonyan & Zisserman 2014, arXiv:1409.1556), that enters on
    2×2 pixel blocks and goes down by strides instead of pools; without normalization, so that a place depends on its
    surroundings alone and statistics can be gathered by parts. It is taught by a VGG-19 to give its channels relu2_1,
    relu3_1, relu4_1 and relu5_1 through linear heads that are thrown away (distillation, Hinton et al. 2015,
    arXiv:1503.02531; of features, Romero et al. 2015, arXiv:1412.6550). Sides are filled up to multiples of 16.
    """

    def __init__(self, widths: tuple[int, ...] = WIDTHS, depths: tuple[int, ...] = DEPTHS) -> None:
        super().__init__()
        if len(widths) != 4 or len(depths) != 4 or min(depths) < 1:
            raise ValueError(f"four widths and four depths of 1 or more are needed, not {widths} and {depths}")
        self.widths = tuple(widths)
        self.stages = nn.ModuleList()
        inner = 12
        for depth, (width, convolutions) in enumerate(zip(widths, depths, strict=True)):
            layers = [nn.Conv2d(inner, width, 3, stride=1 if depth == 0 else 2, padding=1)]
            layers += [nn.Conv2d(width, width, 3, padding=1) for _ in range(convolutions - 1)]
            for layer in layers:
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
            self.stages.append(nn.ModuleList(layers))
            inner = width

    def forward(self, pixels: Tensor, depths: int | None = None) -> list[Tensor]:
        """The features of each depth, or of the first `depths` alone."""
        x = functional.pixel_unshuffle(filled(pixels) * 2 - 1, 2).contiguous(memory_format=torch.channels_last)
        found = []
        for stage in list(self.stages)[:depths]:
            for layer in cast(nn.ModuleList, stage):
                x = functional.relu(layer(x))
            found.append(x)
        return found


def filled(pixels: Tensor, multiple: int = MULTIPLE_OF) -> Tensor:
    """Sides filled up to a multiple by repeating the border."""
    height, width = pixels.shape[2:]
    if height % multiple == 0 and width % multiple == 0:
        return pixels
    return functional.pad(pixels, (0, -width % multiple, 0, -height % multiple), mode="replicate")
