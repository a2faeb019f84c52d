"""Critics of whole pictures: one score a picture, for the training of generators."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.foundation.errors import PlanError
from vasari.models.generators import SMALLEST_PX, dcgan_weights, doublings_of, normalized


class DcganCritic(nn.Module):
    """The discriminator of DCGAN (Radford et al. 2016, arXiv:1511.06434, section 3): strided convolutions.

    `width` is that of the first layer, each next one twice as wide. `normalization` is "batch" in the paper, "none"
    for WGAN-GP (Gulrajani et al. 2017, arXiv:1704.00028, section 4). The score is unbounded: the losses take logits.
    """

    def __init__(self, px: int = 64, width: int = 64, normalization: str = "batch") -> None:
        super().__init__()
        widths = [width * 2**power for power in range(doublings_of(px))]
        layers: list[nn.Module] = [nn.Conv2d(3, widths[0], 4, 2, 1), nn.LeakyReLU(0.2)]
        for a, b in itertools.pairwise(widths):
            conv = nn.Conv2d(a, b, 4, 2, 1, bias=normalization == "none")
            layers += [conv, normalized(b, normalization), nn.LeakyReLU(0.2)]
        self.stack = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, SMALLEST_PX, 1, 0))
        self.apply(dcgan_weights)

    def forward(self, pixels: Tensor) -> Tensor:
        """[N, 3, px, px] in 0..1 -> scores [N], unbounded."""
        return self.stack(pixels * 2 - 1).flatten(1).mean(1).float()


class ResidualCritic(nn.Module):
    """The mirror image of `ResidualGenerator`: residual blocks without normalization (arXiv:2501.05441).

    `widths` from 4 px on, as the generator's; the picture is twice as large as the last resolution and enters in
    blocks of 2×2 pixels.
    """

    def __init__(self, widths: tuple[int, ...] = (256, 192, 128, 64)) -> None:
        super().__init__()
        if not widths:
            raise PlanError("widths=[] names no resolution.", remedy="give one width a resolution, from 4 px on")
        self.px = SMALLEST_PX * 2 ** len(widths)
        down = tuple(reversed(widths))
        self.entry = nn.Conv2d(12, down[0], 3, padding=1)
        self.stages = nn.ModuleList(_Stage(width) for width in down)
        self.changes = nn.ModuleList(nn.Conv2d(a, b, 1, bias=False) for a, b in itertools.pairwise(down))
        self.exit = nn.Linear(widths[0] * SMALLEST_PX**2, 1)

    def forward(self, pixels: Tensor) -> Tensor:
        """[N, 3, px, px] in 0..1 -> scores [N], unbounded."""
        x = functional.pixel_unshuffle(pixels * 2 - 1, 2).contiguous(memory_format=torch.channels_last)
        x = self.entry(x)
        for position, stage in enumerate(self.stages):
            if position:
                x = self.changes[position - 1](functional.avg_pool2d(x, 2))
            x = stage(x)
        return self.exit(x.flatten(1)).flatten().float()


class _Stage(nn.Module):
    """x + conv(lrelu(conv(lrelu(x)))), 3×3; the second convolution starts small."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        with torch.no_grad():
            for layer in (self.first, self.second):
                nn.init.kaiming_normal_(layer.weight, a=0.2)
            self.second.weight.mul_(0.25)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.first(functional.leaky_relu(x, 0.2))
        return x + self.second(functional.leaky_relu(inner, 0.2))
