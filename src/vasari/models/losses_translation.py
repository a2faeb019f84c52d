"""Losses of translation between domains: what keeps a picture's content, each with its formula and source."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.foundation.errors import TrainingError


def mean_absolute(made: Tensor, truth: Tensor) -> Tensor:
    """‖made - truth‖₁ over the number of elements; two of one shape -> scalar.

    As the content of a pair it is pix2pix's L1 (Isola et al. 2017, arXiv:1611.07004, eq. 3); between a picture and
    what comes back from there and back again, the cycle loss (Zhu et al. 2017, arXiv:1703.10593, eq. 2); between a
    picture that already is of the target's domain and its translation, the identity loss (there, 5.2).
    """
    return (made.float() - truth.float()).abs().mean()


def patch_contrast(queries: Tensor, keys: Tensor, temperature: float = 0.07) -> Tensor:
    """How badly each place of the result is told from other places of its source: PatchNCE.

    queries [N, S, C], S places of the result; keys [N, S, C], the same places of the source; unit vectors ->
    scalar. Mean over places of -log(exp(q·k⁺/τ) / Σ_s exp(q·k_s/τ)), where k⁺ is the key of the query's own place and
    the sum runs over all S places of that picture (Park et al. 2020, arXiv:2007.15651, eq. 3 and 4).
    """
    logits = queries.float() @ keys.float().mT / temperature
    own = torch.arange(logits.shape[1], device=logits.device).expand(len(logits), -1)
    return functional.cross_entropy(logits.flatten(0, 1), own.flatten())


def total_variation(pixels: Tensor) -> Tensor:
    """Mean |difference| of neighbors, across plus down: [N, C, h, w] -> scalar.

    The anisotropic L1 form (exponent β = 1 of Mahendran & Vedaldi 2015, arXiv:1412.0035, eq. 4, with |a| + |b| in
    place of √(a² + b²), and means in place of sums): it leaves edges and takes off checkerboards.
    """
    full = pixels.float()
    return full.diff(dim=3).abs().mean() + full.diff(dim=2).abs().mean()


class PatchProjection(nn.Module):
    """Places of several layers, each through a perceptron of two layers onto the unit sphere (Park et al. 2020, 3).

    `channels` are those of the layers. Places are drawn by torch's generator, which the training loop seeds a step.
    """

    def __init__(self, channels: tuple[int, ...], width: int = 128) -> None:
        super().__init__()
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(one, width), nn.ReLU(), nn.Linear(width, width)) for one in channels
        )

    def forward(self, features: list[Tensor], places: list[Tensor]) -> list[Tensor]:
        """A layer [N, C, h, w] and its places [S] (row × w + column) each -> [N, S, width] float32, length 1.

        Raises `TrainingError` where layers are more or fewer than heads.
        """
        if not len(features) == len(places) == len(self.heads):
            raise TrainingError(
                f"Got {len(features)} layers with {len(places)} sets of places for {len(self.heads)} heads.",
                remedy="give the layers that the projection was built for",
            )
        chosen = [layer.flatten(2)[:, :, place].mT for layer, place in zip(features, places)]
        return [functional.normalize(head(one).float(), dim=-1) for head, one in zip(self.heads, chosen)]


def drawn_places(features: list[Tensor], count: int) -> list[Tensor]:
    """For each layer [N, C, h, w], `count` different places (or all there are) [S], drawn by torch's generator."""
    sizes = [layer.shape[2] * layer.shape[3] for layer in features]
    return [torch.randperm(size, device=layer.device)[:count] for size, layer in zip(sizes, features)]
