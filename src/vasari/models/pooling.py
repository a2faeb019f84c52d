"""Features of whole pictures: the means and deviations of a network's maps, and a linear judgment of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vasari.models.backbones import DEFAULT, backbone

SMALLEST_VARIANCE = 1e-6
SMALLEST_SCALE = 1e-3
FAINT = 1e-2  # features below this are hardly told from 0


class PooledFeatures(nn.Module):
    """[N, 3, h, w] sRGB in 0..1 -> [N, d]: the mean and, with `deviations`, the deviation of every channel of each map.

    Such moments say how a picture is painted more than what it shows (Gatys et al. 2016, arXiv:1508.06576; Huang &
    Belongie 2017, arXiv:1703.06868); those of an `Encoder` are a `StyleCode` less its colors.
    """

    def __init__(self, network: nn.Module, deviations: bool = True) -> None:
        super().__init__()
        self.network, self.deviations = network, deviations

    def maps(self, pixels: Tensor) -> list[Tensor]:
        """The maps [N, C, h', w'] of each depth."""
        return list(self.network(pixels))

    def pooled(self, maps: Sequence[Tensor]) -> Tensor:
        """[N, d] float32: all means, then all deviations."""
        flat = [one.float().flatten(2) for one in maps]
        found = [one.mean(2) for one in flat]
        if self.deviations:
            # The square root of 0 has no slope: a channel that is silent must not stop learning, or a map.
            found += [(one.var(2, correction=0) + SMALLEST_VARIANCE).sqrt() for one in flat]
        return torch.cat(found, 1)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.pooled(self.maps(pixels))

    @torch.no_grad()
    def width(self) -> int:
        """d, the number of features."""
        weight = next(self.network.parameters())
        return int(self(torch.zeros(1, 3, 64, 64, device=weight.device)).shape[1])


def compressed(vectors: Tensor) -> Tensor:
    """sign(x) × log(1 + |x| / 0.01): ratios count, not differences.

    An empty page, whose channels are silent, then lies as far from paintings as noise does; by differences it would
    lie among them.
    """
    return vectors.sign() * (vectors.abs() / FAINT).log1p()


class PictureClassifier(nn.Module):
    """[N, 3, h, w] sRGB in 0..1 -> logits [N, classes]: pooled features on one scale, and a linear layer.

    `backbone` and `options` as `models.backbones.backbone` takes them. `center` and `scale` [d] are those of the
    training pictures (`set_scale`); the linear layer begins at 0, so that a fresh classifier favors no class.
    """

    center: Tensor
    scale: Tensor

    def __init__(
        self,
        classes: int,
        backbone: str = DEFAULT,
        options: Mapping[str, Any] | None = None,
        deviations: bool = True,
    ) -> None:
        super().__init__()
        if classes < 2:
            raise ValueError(f"two classes or more are needed, not {classes}")
        self.features = PooledFeatures(_network(backbone, options or {}), deviations)
        width = self.features.width()
        self.register_buffer("center", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.head = nn.Linear(width, classes)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    @torch.no_grad()
    def set_scale(self, vectors: Tensor) -> None:
        """Take center and scale from the features [n, d] of the training pictures."""
        small = compressed(vectors)
        self.center.copy_(small.mean(0))
        self.scale.copy_(small.std(0, correction=0).clamp(min=SMALLEST_SCALE))

    def standardized(self, vectors: Tensor) -> Tensor:
        """Features [N, d], compressed, at mean 0 and deviation 1 over the training pictures."""
        return (compressed(vectors) - self.center) / self.scale

    def forward(self, pixels: Tensor) -> Tensor:
        return self.head(self.standardized(self.features(pixels)))


def _network(name: str, options: Mapping[str, Any]) -> nn.Module:
    return backbone(name, options)
