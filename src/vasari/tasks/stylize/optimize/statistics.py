"""What a style is measured by: statistics of features that can be gathered tile by tile, mixed, and compared.

A statistic is taken of parts (one a tile), which are joined; with guides, only what they show counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vasari.models.losses_style import at_ranks, matrix_distance, unit_directions

MOST_PLACES = 16384  # of a picture at one depth, whose projections are sorted
RANKS = 4096
PIXEL_FILTERS = 24
_TINY = 1e-12
# Of a pixel filter's power in a style, the least it is divided by: four levels of 8 bits, lest what a style has none of
# (color, where it is grey) counted more than all that it has.
_FAINTEST = (4 / 255) ** 2


@dataclass(frozen=True, eq=False)
class Seen:
    """Features [C, n] of a part of a picture, and how much of each place counts, [n] or None for all."""

    features: Tensor
    guide: Tensor | None

    @property
    def guided(self) -> Tensor:
        """The features times the guide."""
        return self.features if self.guide is None else self.features * self.guide

    @property
    def amount(self) -> Tensor:
        """The number of places, or the sum of the guide's squares."""
        counted = self.features.new_tensor(float(self.features.shape[1]))
        return counted if self.guide is None else self.guide.square().sum()


class Statistic:
    """Abstract: of parts `Seen` to tensors that can be mixed linearly, and how far two of them are apart."""

    random: ClassVar[bool] = False

    def draw(self) -> None:
        """Draw anew what is random, if anything is."""

    def expect(self, places: int) -> None:
        """Be told that parts of so many places in all come next."""

    def part(self, seen: Seen) -> Tensor:
        """What one tile gives; differentiable."""
        raise NotImplementedError

    def joined(self, parts: Sequence[Tensor], amount: float) -> Tensor:
        """The statistic of the whole; `amount` is the sum of the parts' `Seen.amount`."""
        return torch.stack(list(parts)).sum(0) / (amount + _TINY)

    def target(self, joined: Tensor) -> Tensor:
        """A style's statistic in the form in which it is mixed and compared with."""
        return joined

    def distance(self, made: Tensor, target: Tensor) -> Tensor:
        """A scalar, 0 where they agree; differentiable in `made`."""
        raise NotImplementedError

    def size(self, target: Tensor) -> float:
        """How far the target is from nothing at all: what distances are told in shares of."""
        return max(float(self.distance(torch.zeros_like(target), target)), _TINY)


class GramStatistic(Statistic):
    """Gram matrices (`losses_style.gram`) under a normalization."""

    def __init__(self, normalization: str) -> None:
        self._normalization = normalization

    def part(self, seen: Seen) -> Tensor:
        flat = seen.guided
        return flat @ flat.mT

    def distance(self, made: Tensor, target: Tensor) -> Tensor:
        return matrix_distance(made[None], target[None], self._normalization)


class MomentStatistic(Statistic):
    """Means and deviations of channels: parts are sums and sums of squares.

    Their distance is the mean over channels of (μ - μ')² + (σ - σ')², the style loss of Huang & Belongie 2017
    (arXiv:1703.06868, eq. 13). Departs from it in the square, as their own program does: ‖μ - μ'‖₂ pulls as strongly
    at the goal as far from it.
    """

    def part(self, seen: Seen) -> Tensor:
        weighted = seen.guided if seen.guide is None else seen.guided * seen.guide
        return torch.stack([weighted.sum(1), (weighted * seen.features).sum(1)])

    def joined(self, parts: Sequence[Tensor], amount: float) -> Tensor:
        mean, square = super().joined(parts, amount)
        return torch.stack([mean, ((square - mean.square()).clamp(min=0) + 1e-5).sqrt()])

    def distance(self, made: Tensor, target: Tensor) -> Tensor:
        return (made - target).square().mean(1).sum()


class SlicedStatistic(Statistic):
    """Projections of features, sorted: the sliced Wasserstein distance (Heitz et al. 2021, arXiv:2006.07229, eq. 6, 7).

    It is the mean over directions and ranks of the squared difference of sorted projections; where the style has more
    or fewer samples its sorted values are read at the ranks of the made ones (`at_ranks`). Mixed linearly at equal
    ranks, which in one dimension is the barycenter (Rabin et al. 2012). Directions are an orthonormal basis, drawn anew
    by `draw`; of large pictures places are drawn, evenly over the tiles.
    """

    random: ClassVar[bool] = True

    def __init__(self, generator: torch.Generator) -> None:
        self._generator = generator
        self._seed, self._share = 0, 1.0
        self._bases: dict[int, Tensor] = {}

    def draw(self) -> None:
        self._seed = int(torch.randint(2**31, (1,), generator=self._generator))
        self._bases.clear()

    def expect(self, places: int) -> None:
        self._share = min(1.0, MOST_PLACES / max(1, places))

    def part(self, seen: Seen) -> Tensor:
        features = seen.features
        if seen.guide is not None:
            features = features[:, seen.guide > 0.5]
        count = features.shape[1]
        # Seeded by the count, not by turn: the second pass over a tile must draw what the first one drew.
        own = torch.Generator().manual_seed(self._seed + count)
        if self._share < 1:
            chosen = torch.randperm(count, generator=own)[: max(1, round(count * self._share))]
            features = features[:, chosen.to(features.device)]
        return self._basis(features.shape[0]).to(features.device) @ features

    def joined(self, parts: Sequence[Tensor], amount: float) -> Tensor:
        return torch.cat(list(parts), 1)

    def target(self, joined: Tensor) -> Tensor:
        ordered = np.sort(joined.detach().cpu().numpy(), axis=1)
        return torch.from_numpy(at_ranks(ordered, RANKS)).float().to(joined.device)

    def distance(self, made: Tensor, target: Tensor) -> Tensor:
        values = made.detach().cpu().numpy()
        if not values.shape[1]:
            return made.sum()
        wanted = at_ranks(target.cpu().numpy(), values.shape[1])
        matched = np.empty_like(values)
        # The k-th smallest is drawn to the style's k-th. NumPy sorts far faster than torch on CPUs.
        np.put_along_axis(matched, np.argsort(values, axis=1), wanted, axis=1)
        return functional.mse_loss(made, torch.from_numpy(matched).to(made.device))

    def _basis(self, channels: int) -> Tensor:
        if channels not in self._bases:
            own = torch.Generator().manual_seed(self._seed)
            self._bases[channels] = torch.linalg.qr(unit_directions(channels, channels, own))[0]
        return self._bases[channels]


class GrainStatistic(Statistic):
    """Gram matrices of `pixel_filters`, each filter's power brought to that of the style.

    Networks that enter at half the resolution hardly see the finest pixels: unbound, noise and checkerboards stay
    there. This holds differences within 3×3 pixels to the covariance that they have in the style, faint high
    frequencies as much as the strong low ones.
    """

    def part(self, seen: Seen) -> Tensor:
        flat = seen.guided
        return flat @ flat.mT

    def distance(self, made: Tensor, target: Tensor) -> Tensor:
        power = (target.diagonal() + _FAINTEST).sqrt()
        scale = power[:, None] * power
        return matrix_distance((made / scale)[None], (target / scale)[None], "elements")


def pixel_filters(pixels: Tensor) -> Tensor:
    """What changes within the 3×3 patches of [1, 3, h, w]: [1, 24, h, w], cosines of opponent colors, orthonormal.

    The three means over a patch are left out. Borders repeat.
    """
    cosines = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -2.0, 1.0]], device=pixels.device)
    cosines = cosines / cosines.norm(dim=1, keepdim=True)
    colors = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -2.0, 1.0]], device=pixels.device)
    colors = colors / colors.norm(dim=1, keepdim=True)
    kernels = torch.einsum("kc,ay,bx->abkcyx", colors, cosines, cosines).reshape(27, 3, 3, 3)[-PIXEL_FILTERS:]
    return functional.conv2d(functional.pad(pixels, (1, 1, 1, 1), mode="replicate"), kernels)


STATISTICS: Mapping[str, Callable[[str, torch.Generator], Statistic]] = MappingProxyType(
    {
        "gram": lambda normalization, generator: GramStatistic(normalization),
        "moments": lambda normalization, generator: MomentStatistic(),
        "wasserstein": lambda normalization, generator: SlicedStatistic(generator),
    }
)
"""The statistics by the name of the loss in a plan; built with a normalization and a generator."""
