"""LPIPS: the distance of two pictures by deep features, weighted so that it agrees with people's judgments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

SHIFTS, SCALES = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
SMALLEST_PX = 32  # a side; below it, the deepest map of VGG-16 has one place or none
EPSILON = 1e-10
POOL = 0
# (number in torchvision's `features`, channels in and out, kernel, stride, padding), or a pool; the distance is taken
# after the convolutions at `TAPS`.
_VGG = (
    (0, 3, 64, 3, 1, 1), (2, 64, 64, 3, 1, 1), POOL, (5, 64, 128, 3, 1, 1), (7, 128, 128, 3, 1, 1), POOL,
    (10, 128, 256, 3, 1, 1), (12, 256, 256, 3, 1, 1), (14, 256, 256, 3, 1, 1), POOL,
    (17, 256, 512, 3, 1, 1), (19, 512, 512, 3, 1, 1), (21, 512, 512, 3, 1, 1), POOL,
    (24, 512, 512, 3, 1, 1), (26, 512, 512, 3, 1, 1), (28, 512, 512, 3, 1, 1),
)  # fmt: skip
_ALEX = (
    (0, 3, 64, 11, 4, 2), POOL, (3, 64, 192, 5, 1, 2), POOL, (6, 192, 384, 3, 1, 1), (8, 384, 256, 3, 1, 1),
    (10, 256, 256, 3, 1, 1),
)  # fmt: skip
LAYERS: Mapping[str, tuple[Any, ...]] = MappingProxyType({"vgg": _VGG, "alex": _ALEX})
POOL_PX = MappingProxyType({"vgg": 2, "alex": 3})
TAPS = MappingProxyType({"vgg": (2, 7, 14, 21, 28), "alex": (0, 3, 6, 8, 10)})


class Lpips(nn.Module):
    """Two pictures [N, 3, h, w] in 0..1, 32 px or more a side, to their distance [N], 0 for equal ones.

    Zhang et al. 2018 (arXiv:1801.03924, equation 1), version 0.1: at five depths of VGG-16 ("vgg") or AlexNet ("alex")
    the features of each place are brought to length 1, their squared differences weighted by channel and averaged.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        convolutions = [one for one in LAYERS[kind] if one != POOL]
        self.features = nn.ModuleDict(
            {
                str(number): nn.Conv2d(inner, outer, kernel, stride, padding)
                for number, inner, outer, kernel, stride, padding in convolutions
            }
        )
        widths = [outer for number, _, outer, *_ in convolutions if number in TAPS[kind]]
        self.weights = nn.ParameterList(nn.Parameter(torch.ones(width)) for width in widths)
        self.register_buffer("shift", torch.tensor(SHIFTS)[:, None, None], persistent=False)
        self.register_buffer("scale", torch.tensor(SCALES)[:, None, None], persistent=False)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The distances."""
        total = torch.zeros(len(first), device=first.device)
        for one, other, weight in zip(self.maps(first), self.maps(second), self.weights, strict=True):
            apart = (_directions(one) - _directions(other)).square()
            total = total + torch.einsum("nchw,c->nhw", apart, weight).mean((1, 2))
        return total

    def maps(self, pixels: Tensor) -> Sequence[Tensor]:
        """The maps of the five depths."""
        x, found = (pixels * 2 - 1 - self.shift) / self.scale, []
        for layer in LAYERS[self.kind]:
            if layer == POOL:
                x = functional.max_pool2d(x, POOL_PX[self.kind], 2)
                continue
            x = functional.relu(self.features[str(layer[0])](x))
            if layer[0] in TAPS[self.kind]:
                found.append(x)
        return found

    def state_of(self, trunk: Mapping[str, Tensor], heads: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Its state from torchvision's weights (`features.0.weight` ...) and LPIPS' (`lin0.model.1.weight` ...)."""
        wanted = [name for name in self.state_dict() if name.startswith("features.")]
        state = {name: trunk[name] for name in wanted if name in trunk}
        for number in range(len(self.weights)):
            name = f"lin{number}.model.1.weight"
            if name in heads:
                state[f"weights.{number}"] = heads[name].flatten()
        return state


def _directions(x: Tensor) -> Tensor:
    """The features of each place at length 1."""
    return x / (x.square().sum(1, keepdim=True).sqrt() + EPSILON)
