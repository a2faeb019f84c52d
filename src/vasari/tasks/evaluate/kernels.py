"""The kernel distance and neighborhoods of two sets of features, with what their intervals need: pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vasari.tasks.set_metrics import nearest

ROWS_AT_ONCE = 1024


@dataclass(frozen=True, eq=False)
class NeighborhoodValues:
    """The values of single pictures whose means are precision and density [m], recall and coverage [n]."""

    precision: np.ndarray
    recall: np.ndarray
    density: np.ndarray
    coverage: np.ndarray


def kernel_discrepancy(
    real: Tensor, made: Tensor, real_groups: Tensor, made_groups: Tensor
) -> tuple[float, list[list[float]]]:
    """The unbiased squared maximum mean discrepancy with the kernel (x·y/d + 1)³ over all pairs, of any two sizes.

    real [n, d], made [m, d], groups int64 [n], [m] -> the distance (Gretton et al. 2012, JMLR 13, lemma 6; with
    Inception-v3's features the KID of Bińkowski et al. 2018, without its subsets), and its values with each group of
    the real, then of the made left out. Below 0 now and then where the sets are of one source.
    """
    first, second = real.double(), made.double()
    groups = int(max(real_groups.max(), made_groups.max())) + 1
    within_first = _block_sums(first, first, real_groups, real_groups, groups, diagonal=False)
    within_second = _block_sums(second, second, made_groups, made_groups, groups, diagonal=False)
    across = _block_sums(first, second, real_groups, made_groups, groups)
    counts = [torch.bincount(one, minlength=groups).double() for one in (real_groups, made_groups)]

    def discrepancy(kept_real: Tensor, kept_made: Tensor) -> float:
        n, m = float(kept_real @ counts[0]), float(kept_made @ counts[1])
        one = kept_real @ within_first @ kept_real / (n * (n - 1))
        other = kept_made @ within_second @ kept_made / (m * (m - 1))
        return float(one + other - 2 * (kept_real @ across @ kept_made) / (n * m))

    all_ = torch.ones(groups, dtype=torch.float64)
    left_out: list[list[float]] = []
    for side, count in enumerate(counts):
        values = []
        for group in range(len(count)):
            if 0 < count[group] < count.sum() - 1:
                kept = all_.clone()
                kept[group] = 0
                values.append(discrepancy(kept, all_) if side == 0 else discrepancy(all_, kept))
        left_out.append(values)
    return discrepancy(all_, all_), left_out


def _block_sums(
    first: Tensor, second: Tensor, first_groups: Tensor, second_groups: Tensor, groups: int, diagonal: bool = True
) -> Tensor:
    """[G, G]: the kernel summed over the pairs of every two groups; without a picture's with itself on demand."""
    columns = torch.nn.functional.one_hot(second_groups, groups).double()
    sums = torch.zeros(groups, groups, dtype=torch.float64)
    for start, rows in _parts(first):
        kernel = (rows @ second.T / first.shape[1] + 1) ** 3
        if not diagonal:
            own = torch.arange(len(rows))
            kernel[own, own + start] = 0
        sums.index_add_(0, first_groups[start : start + len(rows)], kernel @ columns)
    return sums


def neighborhood_values(real: Tensor, made: Tensor, neighbors: int) -> NeighborhoodValues:
    """What `set_metrics.neighborhoods` takes the means of, picture by picture: real [n, d], made [m, d].

    Precision and recall: Kynkäänniemi et al. 2019 (arXiv:1904.06991); density and coverage: Naeem et al. 2020
    (arXiv:2002.09797).
    """
    first, second = real.double(), made.double()
    real_reach, made_reach = (nearest(one, one, neighbors, itself=False)[1][:, -1] for one in (first, second))
    among = torch.zeros(len(second), dtype=torch.float64)
    covered, recalled = [], []
    for start, rows in _parts(first):
        distances = torch.cdist(rows, second)
        inside = distances <= real_reach[start : start + len(rows), None]
        among += inside.sum(0)
        covered.append(inside.any(1))
        recalled.append((distances <= made_reach).any(1))
    return NeighborhoodValues(
        precision=(among > 0).double().numpy(),
        recall=torch.cat(recalled).double().numpy(),
        density=(among / neighbors).numpy(),
        coverage=torch.cat(covered).double().numpy(),
    )


def _parts(features: Tensor) -> Iterator[tuple[int, Tensor]]:
    for start in range(0, len(features), ROWS_AT_ONCE):
        yield start, features[start : start + ROWS_AT_ONCE]
