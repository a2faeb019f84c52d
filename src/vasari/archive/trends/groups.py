"""Two groups of one collection beside each other: places, media, schools, or artists' circles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vasari.archive.trends import smooth
from vasari.archive.trends.bands import band, mean_over_draws, probability_of_nothing
from vasari.archive.trends.curves import Curve, Ground
from vasari.archive.trends.plan import TrendPlan
from vasari.archive.trends.works import Works
from vasari.foundation.errors import PlanError


@dataclass(frozen=True, eq=False)
class Comparison:
    """The moving averages of two groups and their difference, the first less the second.

    `overall` is the mean difference over the `shared_periods` in which both groups have enough artists, with
    its band, and `p` that it is 0. `groups` are the names in the order of the curves.
    """

    groups: tuple[str, str]
    curves: tuple[Curve, Curve]
    difference: Curve
    overall: float
    low: float
    high: float
    p: float
    shared_periods: int


def compare(works: Works, plan: TrendPlan | None = None) -> Comparison:
    """Compare two groups, the labels of `works`, within the same draws of dates and artists.

    An artist with works in both groups has a vote in each, and is drawn into both samples together. Groups
    are compared period by period, so that one being older is not taken for a difference. Raises `PlanError`
    unless there are two groups of one column, that share a period with enough artists of both.
    """
    plan = plan or TrendPlan()
    if len(works.label_names) != 2 or works.values.shape[1] != 1:
        raise PlanError(
            f"The table has the groups {', '.join(works.label_names)} and {works.values.shape[1]} columns.",
            remedy="give two groups and one feature",
        )
    ground = Ground.of(works, plan)
    sums, window = ground.sums, ground.window()
    estimates = [smooth.averages(window, sums.votes[:, row], sums.totals[:, row, 0]) for row in range(2)]
    samples = [smooth.averages(window, sums.sampled_votes[:, row], sums.sampled_totals[:, row, 0]) for row in range(2)]
    artists = [ground.artists(window, row) for row in range(2)]
    blanks = [sums.counts.blank(ground.points, plan.min_artists, row) for row in range(2)]
    curves = [ground.curve(estimates[row], samples[row], artists[row], blanks[row]) for row in range(2)]
    difference = ground.curve(
        estimates[0] - estimates[1], samples[0] - samples[1], np.minimum(*artists), blanks[0] | blanks[1]
    )
    shared = np.logical_and(*(sums.counts.group_artists >= plan.min_artists))
    if not shared.any():
        raise PlanError(
            f"No period has {plan.min_artists} artists of both {works.label_names[0]} and {works.label_names[1]}.",
            remedy="widen the query, lengthen period_years, or lower min_artists and say so",
        )
    overall, sampled, carried = _overall(ground, shared)
    low, high = band(sampled[:, None], np.array([carried]), plan.confidence)
    return Comparison(
        groups=(works.label_names[0], works.label_names[1]),
        curves=(curves[0], curves[1]),
        difference=difference,
        overall=overall,
        low=float(low[0]),
        high=float(high[0]),
        p=probability_of_nothing(overall, sampled, carried),
        shared_periods=int(shared.sum()),
    )


def _overall(ground: Ground, shared: np.ndarray) -> tuple[float, np.ndarray, float]:
    """The mean difference over shared periods, its samples [draws], and the effective artists of the smaller group."""
    sums, counts = ground.sums, ground.sums.counts
    begins = counts.begins[shared]
    kernel = (sums.years[None] // counts.period_years == begins[:, None] // counts.period_years).astype(np.float64)
    estimates, samples = (
        np.nanmean(
            smooth.averages(kernel, votes[:, 0], totals[:, 0, 0])
            - smooth.averages(kernel, votes[:, 1], totals[:, 1, 0]),
            axis=1,
        )
        for votes, totals in ((sums.votes, sums.totals), (sums.sampled_votes, sums.sampled_totals))
    )
    carried = min(float(ground.artists(kernel.sum(0, keepdims=True), row)[0]) for row in range(2))
    return float(mean_over_draws(estimates[:, None])[0]), samples, carried
