"""Running moments of features by groups of pictures: the Fréchet distance of sets of any size in bounded memory."""

from __future__ import annotations

import torch
from torch import Tensor

GROUPS = 20  # of pictures, left out in turn


class GroupedMoments:
    """Counts, sums and sums of products of features [n, d], by random group; memory does not grow with n.

    Sums are taken about the first batch's mean, so that they can be subtracted without loss.
    """

    def __init__(self, width: int, groups: int = GROUPS) -> None:
        self.counts = torch.zeros(groups, dtype=torch.float64)
        self.sums = torch.zeros(groups, width, dtype=torch.float64)
        self.products = torch.zeros(groups, width, width, dtype=torch.float64)
        self.center: Tensor | None = None

    def add(self, features: Tensor, groups: Tensor) -> None:
        """Take in features [n, d] of the groups [n] (int64)."""
        ready = features.double()
        if self.center is None:
            self.center = ready.mean(0)
        ready = ready - self.center
        for group in groups.unique().tolist():
            chosen = ready[groups == group]
            self.counts[group] += len(chosen)
            self.sums[group] += chosen.sum(0)
            self.products[group].addmm_(chosen.T, chosen)

    @property
    def count(self) -> int:
        """n, of all groups."""
        return int(self.counts.sum())

    def moments(self, without: int | None = None) -> tuple[Tensor, Tensor]:
        """Mean [d] and covariance [d, d] (divided by n - 1) of all pictures, or of those not in a group."""
        kept = torch.ones(len(self.counts), dtype=torch.float64)
        if without is not None:
            kept[without] = 0
        count = float(kept @ self.counts)
        mean = (kept @ self.sums) / count
        products = torch.einsum("g,gij->ij", kept, self.products)
        covariance = (products - count * torch.outer(mean, mean)) / (count - 1)
        center = torch.zeros_like(mean) if self.center is None else self.center
        return mean + center, covariance


def frechet_of_moments(first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor]) -> float:
    """|μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁Σ₂)^½) of two means [d] and covariances [d, d], float64.

    Dowson & Landau 1982; with Inception-v3's features the FID of Heusel et al. 2017 (arXiv:1706.08500, equation 6).
    """
    return _distance(first, second, _root(first[1]))


def _root(covariance: Tensor) -> Tensor:
    """Its square root."""
    values, vectors = torch.linalg.eigh(covariance)
    return vectors * values.clamp(min=0).sqrt() @ vectors.T


def _distance(first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor], root: Tensor) -> float:
    """The distance, by the root of the first's covariance."""
    (mean_a, one), (mean_b, other) = first, second
    # Σ₁Σ₂ has the eigenvalues of Σ₁^½ Σ₂ Σ₁^½, which is symmetric: no complex numbers, no iteration.
    shared = torch.linalg.eigvalsh(root @ other @ root).clamp(min=0).sqrt().sum()
    return float(((mean_a - mean_b).square().sum() + one.trace() + other.trace() - 2 * shared).clamp(min=0))


def frechet(first: GroupedMoments, second: GroupedMoments) -> tuple[float, list[list[float]]]:
    """The distance, and its values with each group of the first, then of the second set left out."""
    one, other = first.moments(), second.moments()
    root, other_root = _root(one[1]), _root(other[1])  # the distance is the same from either side: two roots do for all
    return _distance(one, other, root), [
        [_distance(other, first.moments(group), other_root) for group in _used(first)],
        [_distance(one, second.moments(group), root) for group in _used(second)],
    ]


def _used(moments: GroupedMoments) -> list[int]:
    return [group for group, count in enumerate(moments.counts.tolist()) if 0 < count < moments.count - 1]
