"""Scores of a set of pictures against another, from their features alone: pure functions on matrices [n, d].

A row is a picture. What a number means depends on the features, so whoever reports one names them: `kernel_distance`
is the KID, and `frechet_distance` the FID, only with Inception-v3's features; with others they are neither, and are
not to be compared with published ones. All arithmetic is float64; where a feature is not finite (a network that
diverged), so is the score: nan.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vasari.foundation.errors import PlanError

ROWS_AT_ONCE = 2048  # of a matrix of distances, so that large sets fit into memory
NEIGHBORS = 5  # k of Naeem et al. 2020, section 4


@dataclass(frozen=True)
class Neighborhoods:
    """Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020) of made pictures.

    `precision`: share of the made that lie among the real; `recall`: share of the real that lie among the made;
    `density`: how densely, 1 for a perfect generator, above 1 for one that keeps to the crowded places;
    `coverage`: share of the real that have a made one near.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def kernel_distance(
    real: Tensor, made: Tensor, subsets: int = 1, subset_size: int = 0, seed: int = 0
) -> tuple[float, float]:
    """The unbiased squared maximum mean discrepancy with the kernel (x·y/d + 1)³: its mean and deviation.

    real [n, d], made [m, d] -> mean and standard deviation over `subsets` draws, without replacement, of `subset_size`
    pictures from each set (0: all of the smaller set's size). Near 0 for two draws of one source, and now and then
    below it. With Inception-v3's features it is the KID of Bińkowski et al. 2018 (arXiv:1801.01401, section 4).
    """
    first, second = _pair(real, made, fewest=2)
    size = min(subset_size or len(first), len(first), len(second))
    if size < 2:
        raise PlanError(f"A subset of {size} picture has no pairs.", remedy="use subsets of 2 pictures or more")
    generator = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(subsets):
        chosen, others = (
            one[torch.randperm(len(one), generator=generator)[:size].to(one.device)] for one in (first, second)
        )
        found.append(_squared_discrepancy(chosen, others))
    values = torch.stack(found)
    return float(values.mean()), float(values.std(correction=0))


def _squared_discrepancy(first: Tensor, second: Tensor) -> Tensor:
    """Gretton et al. 2012 (JMLR 13, equation 3), for two sets of one size."""
    width, count = first.shape[1], len(first)
    alike, others, across = (
        (one @ other.T / width + 1) ** 3 for one, other in ((first, first), (second, second), (first, second))
    )
    within = alike.sum() - alike.trace() + others.sum() - others.trace()
    return within / (count * (count - 1)) - 2 * across.mean()


def frechet_distance(real: Tensor, made: Tensor) -> float:
    """|μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁Σ₂)^½): the Fréchet distance of two normal distributions fitted to the sets.

    real [n, d], made [m, d]. With Inception-v3's features it is the FID of Heusel et al. 2017 (arXiv:1706.08500,
    equation 6). Biased upward for small sets: take many more pictures than features, and compare only equal counts.
    """
    first, second = _pair(real, made, fewest=2)
    if not _finite(first, second):
        return math.nan
    apart = (first.mean(0) - second.mean(0)).square().sum()
    one, other = (torch.cov(features.T).reshape(first.shape[1], -1) for features in (first, second))
    values, vectors = torch.linalg.eigh(one)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    # Σ₁Σ₂ has the eigenvalues of Σ₁^½ Σ₂ Σ₁^½, which is symmetric: no complex numbers, no iteration.
    shared = torch.linalg.eigvalsh(root @ other @ root).clamp(min=0).sqrt().sum()
    return float((apart + one.trace() + other.trace() - 2 * shared).clamp(min=0))


def neighborhoods(real: Tensor, made: Tensor, neighbors: int = NEIGHBORS) -> Neighborhoods:
    """How far made pictures [m, d] lie among the real [n, d], by spheres that reach to the k-th nearest neighbor.

    Precision and recall: Kynkäänniemi et al. 2019 (arXiv:1904.06991, equations 1-2); density and coverage: Naeem et
    al. 2020 (arXiv:2002.09797, equations 3-4). k is `neighbors`; each set needs more pictures than that.
    """
    first, second = _pair(real, made, fewest=neighbors + 1)
    if not _finite(first, second):
        return Neighborhoods(math.nan, math.nan, math.nan, math.nan)
    real_reach, made_reach = (_reach(one, neighbors) for one in (first, second))
    among_real = torch.zeros(len(second), device=first.device, dtype=torch.float64)
    covered, recalled = [], []
    for start in range(0, len(first), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        distances = torch.cdist(first[rows], second)
        inside = distances <= real_reach[rows, None]
        among_real += inside.sum(0)
        covered.append(inside.any(1))
        recalled.append((distances <= made_reach).any(1))
    return Neighborhoods(
        precision=float((among_real > 0).double().mean()),
        recall=float(torch.cat(recalled).double().mean()),
        density=float(among_real.mean() / neighbors),
        coverage=float(torch.cat(covered).double().mean()),
    )


def _reach(features: Tensor, neighbors: int) -> Tensor:
    """[n, d] -> [n]: the distance of each row to its k-th nearest other row."""
    return nearest(features, features, neighbors, itself=False)[1][:, -1]


def mean_pairwise_distance(features: Tensor) -> float:
    """The mean Euclidean distance over all pairs of different rows of [n, d]: 0 where all pictures are one."""
    ready = _ready(features, fewest=2)
    if not _finite(ready):
        return math.nan
    # torch.cdist's way by matrix products leaves some 1e-8 between equal rows: centered, that is nothing.
    centered = ready - ready.mean(0)
    sums = [torch.cdist(part, centered).sum() for part in centered.split(ROWS_AT_ONCE)]
    return float(torch.stack(sums).sum() / (len(ready) * (len(ready) - 1)))


def nearest(features: Tensor, among: Tensor, neighbors: int = 1, itself: bool = True) -> tuple[Tensor, Tensor]:
    """For each row of [m, d] the nearest rows of `among` [n, d]: indices int64 and distances float64, both [m, k].

    Nearest first. With `itself` False, row i of `among` is no neighbor of row i: for the neighbors within a set.
    A copy has the distance 0 exactly.
    """
    wanted, known = _pair(features, among, fewest=1)
    if neighbors > len(known) - (not itself):
        raise PlanError(
            f"{len(known)} pictures have no {neighbors} neighbors each.", remedy="use more pictures or fewer neighbors"
        )
    indices, lengths = [], []
    for start in range(0, len(wanted), ROWS_AT_ONCE):
        rows = wanted[start : start + ROWS_AT_ONCE]
        distances = torch.cdist(rows, known)
        if not itself:
            own = torch.arange(len(rows), device=rows.device)
            distances[own, own + start] = math.inf
        found = distances.topk(neighbors, largest=False).indices
        # Measured again, row by row: a distance by matrix products is not 0 for a copy.
        exact = torch.stack([(rows - known[column]).norm(dim=1) for column in found.T], 1)
        order = exact.argsort(1)
        indices.append(found.gather(1, order))
        lengths.append(exact.gather(1, order))
    return torch.cat(indices), torch.cat(lengths)


def relative_nearest_distance(made: Tensor, real: Tensor) -> float:
    """The mean distance of the made to their nearest real picture, over that of the real to theirs.

    made [m, d], real [n, d]. Near 1: the made are as new as the real are to each other; near 0: copies. nan where
    the real pictures are all alike.
    """
    ours, theirs = nearest(made, real)[1].mean(), nearest(real, real, itself=False)[1].mean()
    return float(ours / theirs) if theirs > 0 else math.nan


def compare_sets(
    real: Tensor, made: Tensor, neighbors: int = NEIGHBORS, subsets: int = 10, seed: int = 0
) -> dict[str, float]:
    """What a validation tells of made pictures [m, d] beside real ones [n, d], by name.

    `diversity` and `data_diversity` (mean pairwise distances), `nearest` (relative), `precision`, `recall`, `density`,
    `coverage`, `kernel_distance` and `kernel_distance_deviation` (over subsets of half the smaller set). Sets that
    have no `neighbors` a picture take as many as there are; 2 pictures are the fewest.
    """
    fewest = min(len(real), len(made))
    found = neighborhoods(real, made, max(1, min(neighbors, fewest - 1)))
    distance, deviation = kernel_distance(real, made, subsets, max(2, fewest // 2), seed)
    return {
        "diversity": mean_pairwise_distance(made),
        "data_diversity": mean_pairwise_distance(real),
        "nearest": relative_nearest_distance(made, real),
        "precision": found.precision,
        "recall": found.recall,
        "density": found.density,
        "coverage": found.coverage,
        "kernel_distance": distance,
        "kernel_distance_deviation": deviation,
    }


def _finite(*features: Tensor) -> bool:
    return all(bool(torch.isfinite(one).all()) for one in features)


def _pair(first: Tensor, second: Tensor, fewest: int) -> tuple[Tensor, Tensor]:
    one, other = _ready(first, fewest), _ready(second, fewest)
    if one.shape[1] != other.shape[1]:
        raise PlanError(
            f"Features of {one.shape[1]} and of {other.shape[1]} numbers cannot be compared.",
            remedy="take both sets' features from one network",
        )
    return one, other


def _ready(features: Tensor, fewest: int) -> Tensor:
    """float64, where the device has it; raises `PlanError` for other shapes and too few pictures."""
    if features.ndim != 2 or len(features) < fewest:
        raise PlanError(
            f"Features of the shape {list(features.shape)} came where [pictures, numbers] of {fewest} pictures or "
            "more are needed.",
            remedy=f"give one row a picture, and {fewest} or more",
        )
    kept = features.detach()
    return (kept.cpu() if kept.device.type == "mps" else kept).double()
