"""How large a part of a collection each class is over time: styles, genres, media, as stacked areas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vasari.archive.trends.bands import band, mean_over_draws
from vasari.archive.trends.curves import Ground
from vasari.archive.trends.plan import TrendPlan
from vasari.archive.trends.sampling import Counts
from vasari.archive.trends.works import Works
from vasari.foundation.errors import PlanError


@dataclass(frozen=True, eq=False)
class Shares:
    """Shares of classes with their bands, all float64 [classes, years], in 0..1; NaN where the archive is too thin.

    In every year that is not blank `share` sums to 1. `counts` tell what each period rests on.
    """

    classes: tuple[str, ...]
    years: np.ndarray
    share: np.ndarray
    low: np.ndarray
    high: np.ndarray
    counts: Counts


def shares(works: Works, plan: TrendPlan | None = None) -> Shares:
    """Shares of the labels of `works` in a moving average, each artist's vote divided among their works.

    The values of `works` are not used. A work has one class; for probabilities see `probable_shares`.
    """
    ground = Ground.of(works, plan or TrendPlan(), votes_by_group=False)
    sums = ground.sums
    return _shares(ground, works.label_names, sums.votes, sums.sampled_votes)


def probable_shares(works: Works, classes: Sequence[str], plan: TrendPlan | None = None) -> Shares:
    """As `shares`, of works whose columns are the probabilities of `classes`; they add up to 1 a work.

    Sums of calibrated probabilities estimate shares without the bias of counting each work as its
    likeliest class. Raises `PlanError` where columns and classes differ or rows do not add up.
    """
    if works.values.shape[1] != len(classes) or len(works.label_names) != 1:
        raise PlanError(
            f"There are {works.values.shape[1]} columns of probabilities and {len(classes)} classes.",
            remedy="give a column of probabilities for each class, and no groups",
        )
    if works.values.min() < -1e-6 or np.abs(works.values.sum(1) - 1).max() > 1e-3:
        raise PlanError(
            "The probabilities of a work do not add up to 1.", remedy="give the output of a softmax, one row a work"
        )
    ground = Ground.of(works, plan or TrendPlan())
    return _shares(ground, tuple(classes), ground.sums.totals[:, 0], ground.sums.sampled_totals[:, 0])


def _shares(ground: Ground, classes: tuple[str, ...], parts: np.ndarray, sampled: np.ndarray) -> Shares:
    """Shares of parts [draws, classes, years] in their sum."""
    window = ground.window()
    artists = ground.artists(window)
    share, low, high = (np.empty((len(classes), len(ground.points))) for _ in range(3))
    whole, sampled_whole = parts.sum(1) @ window.T, sampled.sum(1) @ window.T
    for row in range(len(classes)):
        share[row] = mean_over_draws(_ratio(parts[:, row] @ window.T, whole))
        low[row], high[row] = band(_ratio(sampled[:, row] @ window.T, sampled_whole), artists, ground.plan.confidence)
    share, low, high = (np.stack([ground.told(row) for row in table]) for table in (share, low, high))
    return Shares(classes, ground.grid, share, low, high, ground.sums.counts)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
