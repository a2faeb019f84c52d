"""Critics: networks that tell real pictures from made ones, patch by patch."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm


class PatchCritic(nn.Module):
    """A convolutional critic that scores overlapping patches (Isola et al. 2017, arXiv:1611.07004, 3.2.2).

    Departs from the paper: works on 2×2 pixel blocks, has no batch norm, and each layer is
    spectrally normalized (Miyato et al. 2018, arXiv:1802.05957) unless `spectral` is off, where a
    gradient penalty must take its place.
    """

    def __init__(self, channels: int = 3, widths: tuple[int, ...] = (64, 128, 128), spectral: bool = True) -> None:
        super().__init__()
        sizes = (4 * channels, *widths)
        layers: list[nn.Module] = []
        for position, (a, b) in enumerate(itertools.pairwise(sizes)):
            layers.append(nn.Conv2d(a, b, 3, stride=1 if position == 0 else 2, padding=1))
        layers.append(nn.Conv2d(sizes[-1], sizes[-1], 3, padding=1))
        layers.append(nn.Conv2d(sizes[-1], 1, 3, padding=1))
        self.layers = nn.ModuleList(spectral_norm(layer) if spectral else layer for layer in layers)

    def forward(self, pixels: Tensor) -> Tensor:
        """[N, channels, h, w] in 0..1, sides multiples of 2 -> scores [N, 1, h/8, w/8], unbounded."""
        x = functional.pixel_unshuffle(pixels * 2 - 1, 2).contiguous(memory_format=torch.channels_last)
        *inner, last = self.layers
        for layer in inner:
            x = functional.leaky_relu(layer(x), 0.2)
        return last(x).float()
