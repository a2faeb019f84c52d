"""The network by which pictures are compared, and the name that its numbers bear."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vasari.foundation.image_files import shrink
from vasari.models.backbones import DEFAULT, Backbone, read_backbone
from vasari.models.feature_networks import feature_distance
from vasari.models.model_files import digest, find

COMPARED_PX = 1024  # the long side at which two pictures are compared by features


@dataclass(frozen=True)
class Comparer:
    """A feature network with the `label` of its numbers: "vasari" is the bundled encoder and nothing else."""

    backbone: Backbone
    label: str

    @classmethod
    def of(cls, named: str) -> Comparer:
        """The network of a bundled name or a file; raises `WeightsError`."""
        backbone = read_backbone(named)
        bundled = backbone.digest == digest(find(DEFAULT))
        return cls(backbone, "vasari" if bundled else f"{backbone.name}-{backbone.digest[:8]}")

    @property
    def told(self) -> str:
        """The network for a protocol."""
        return f"{self.backbone.source} (sha256 {self.backbone.digest[:12]})"

    @torch.inference_mode()
    def distance(self, picture: Tensor, truth: Tensor) -> float:
        """The feature distance of two [3, h, w] at all depths, the long side averaged to 1024 px or less; 0: alike."""
        one, other = (self.backbone.network(shrink(x, COMPARED_PX)[None]) for x in (picture, truth))
        return float(feature_distance(one, other)[0])

    @torch.inference_mode()
    def features(self, squares: Tensor) -> Tensor:
        """[N, 3, px, px] -> [N, d] float32: means over the places of the deepest map, as Inception's last pool."""
        return self.backbone.network(squares)[-1].float().mean((2, 3)).clone()

    def width(self) -> int:
        """d, the number of features."""
        return int(self.features(torch.zeros(1, 3, 64, 64)).shape[1])
