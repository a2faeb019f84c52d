"""FFDNet's color network as its paper describes it, with random weights: for timing alone."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional


class ColorFFDNet(nn.Module):
    """Zhang, Zuo and Zhang 2018 (arXiv:1710.04026), section III and table I: color, 12 layers of 96 channels.

    Four half-resolution sub-pictures and a noise map in (13 channels), 3×3 convolutions with ReLU, sub-pictures
    out. At test time batch normalization is folded into the convolutions, so there is none here.
    """

    def __init__(self, layers: int = 12, channels: int = 96) -> None:
        super().__init__()
        widths = [4 * 3 + 1, *[channels] * (layers - 1), 4 * 3]
        stack: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            stack += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(inplace=True)]
        self.body = nn.Sequential(*stack[:-1])

    def forward(self, pixels: Tensor, noise_level: Tensor) -> Tensor:
        """pixels [N, 3, h, w] with even sides, noise_level [N] on 0..1 -> [N, 3, h, w]."""
        blocks = functional.pixel_unshuffle(pixels, 2)
        levels = noise_level.view(-1, 1, 1, 1).expand(-1, 1, *blocks.shape[2:])
        return functional.pixel_shuffle(self.body(torch.cat([blocks, levels], 1)), 2)
