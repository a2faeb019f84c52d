"""The place of a change equals that of generalized least squares with its covariance written out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from vasari.archive.trends.careers import Careers
from vasari.archive.trends.place import refined_cut
from vasari.archive.trends.plan import TrendPlan


def by_hand(careers: Careers, begin: int, cut: int, end: int, least_bins: int) -> int:
    """All cuts by dense matrices; the variances by the textbook's analysis of variance."""
    inside = (careers.bin >= begin) & (careers.bin < end)
    artist, place = careers.artist[inside], careers.bin[inside]
    weight, value = careers.weight[inside], careers.total[inside] / careers.weight[inside]
    rest = value - np.where(
        place >= cut,
        np.average(value[place >= cut], weights=weight[place >= cut]),
        np.average(value[place < cut], weights=weight[place < cut]),
    )
    names = np.unique(artist)
    held = np.array([weight[artist == name].sum() for name in names])
    own = np.array([np.average(rest[artist == name], weights=weight[artist == name]) for name in names])
    inner = sum((weight[artist == n] * (rest[artist == n] - o) ** 2).sum() for n, o in zip(names, own))
    inner /= len(rest) - len(names)
    outer = (held * (own - np.average(own, weights=held)) ** 2).sum() - (len(names) - 1) * inner
    outer = max(0.0, outer / (held.sum() - (held**2).sum() / held.sum()))
    covariance = np.diag(inner / weight) + outer * (artist[:, None] == artist[None])
    inverse = np.linalg.inv(covariance)
    scores = {}
    for candidate in range(begin + least_bins, end - least_bins + 1):
        design = np.stack([np.ones(len(value)), place >= candidate], 1).astype(float)
        beta = np.linalg.lstsq(design.T @ inverse @ design, design.T @ inverse @ value, rcond=None)[0]
        left = value - design @ beta
        scores[candidate] = left @ inverse @ left
    return min(scores, key=lambda candidate: scores[candidate])


@pytest.mark.parametrize("seed", range(6))
def test_it_equals_generalized_least_squares(made_archive: Callable, seed: int) -> None:
    truth = lambda years: 0.5 * (years >= 1800)  # noqa: E731
    works = made_archive(seed, artists=40, uncertain_years=8, truth=truth).works()
    careers = Careers.of(works, TrendPlan(min_artists=1, bin_years=5))
    begin, end = 4, careers.bins - 3
    cut = careers.bins // 2
    assert refined_cut(careers, begin, cut, end, 2) == by_hand(careers, begin, cut, end, 2)


def test_artists_who_worked_before_and_after_tell_the_time(made_archive: Callable) -> None:
    """With strong artists' levels the place is found to the bin, where the mean alone is often years off."""
    errors = []
    for seed in range(12):
        truth = lambda years: 1.0 * (years >= 1800)  # noqa: E731
        works = made_archive(seed, artists=120, artist_sd=1.5, work_sd=0.5, truth=truth).works()
        careers = Careers.of(works, TrendPlan(bin_years=2))
        found = refined_cut(careers, 0, careers.bins // 2 + 4, careers.bins, 5)
        errors.append(abs(careers.first_year(found) - 1800))
    assert np.median(errors) <= 2
    assert max(errors) <= 6


def test_nothing_to_choose_leaves_the_cut(made_archive: Callable) -> None:
    careers = Careers.of(made_archive(1).works(), TrendPlan())
    assert refined_cut(careers, 10, 12, 14, 5) == 12
