"""Comparison of groups and shares of classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from vasari.archive.trends.groups import Comparison, compare
from vasari.archive.trends.plan import TrendPlan
from vasari.archive.trends.shares import probable_shares, shares
from vasari.archive.trends.works import Works
from vasari.foundation.errors import PlanError

QUICK = TrendPlan(draws=80, step_years=10)


def two_groups(made_archive: Callable, seed: int, difference: float, artists: int = 300) -> Works:
    archive = made_archive(seed, artists=artists)
    other = archive.artists % 2 == 1
    values = archive.values + difference * other
    return Works.of_years(values, archive.first, archive.last, archive.artists, np.where(other, "north", "south"))


def test_a_difference_is_found_with_its_sign_and_size(made_archive: Callable) -> None:
    found = compare(two_groups(made_archive, 1, 0.8), QUICK)
    assert found.groups == ("north", "south")
    assert found.low < 0.8 < found.high
    assert found.low > 0.3
    assert found.p < 0.001
    told = np.isfinite(found.difference.estimate)
    curves = found.curves[0].estimate - found.curves[1].estimate
    assert np.allclose(found.difference.estimate[told], curves[told])


def test_groups_that_are_alike_are_told_apart_no_more_often_than_promised(made_archive: Callable) -> None:
    results: list[Comparison] = [compare(two_groups(made_archive, seed, 0.0, 220), QUICK) for seed in range(60)]
    assert sum(one.p < 0.05 for one in results) <= 7  # 5 in 100 gives at most 7 of 60 with p 0.98
    assert sum(one.low <= 0 <= one.high for one in results) >= 52


def test_an_older_group_is_not_a_different_one(made_archive: Callable) -> None:
    """Both groups rise alike, but one is mostly early: its plain mean is lower, its difference is none."""
    archive = made_archive(2, artists=400, truth=lambda years: 0.02 * (years - 1800))
    early = archive.artists % 2 == 1
    chance = np.random.default_rng(3).random(len(early))
    kept = np.where(early, chance < (1900 - archive.first) / 200, chance < (archive.first - 1700) / 200)
    columns = [column[kept] for column in (archive.values, archive.first, archive.last, archive.artists)]
    found = compare(Works.of_years(*columns, np.where(early, "a", "b")[kept]), QUICK)
    plain = columns[0][early[kept]].mean() - columns[0][~early[kept]].mean()
    assert plain < -0.8
    assert abs(found.overall) < 0.35


def test_artists_of_both_groups_are_drawn_together(made_archive: Callable) -> None:
    """When everyone works in both media, what artists have in common falls out of the difference."""
    archive = made_archive(3, artist_sd=3.0)
    medium = np.where(np.arange(len(archive.values)) % 2, "oil", "print")
    shared = compare(Works.of_years(archive.values, archive.first, archive.last, archive.artists, medium), QUICK)
    apart = compare(
        Works.of_years(archive.values, archive.first, archive.last, archive.artists * 2 + (medium == "oil"), medium),
        QUICK,
    )
    assert shared.high - shared.low < 0.7 * (apart.high - apart.low)


def test_what_cannot_be_compared_is_refused(made_archive: Callable) -> None:
    archive = made_archive(4)
    with pytest.raises(PlanError, match="two groups"):
        compare(archive.works(), QUICK)
    labels = np.where(archive.first < 1800, "early", "late")
    apart = Works.of_years(archive.values, archive.first, archive.last, archive.artists, labels)
    with pytest.raises(PlanError, match="No period"):
        compare(apart, QUICK)


def labeled(made_archive: Callable, seed: int) -> Works:
    archive = made_archive(seed)
    rng = np.random.default_rng(seed)
    rising = rng.random(len(archive.values)) < (archive.first - 1700) / 200
    labels = np.where(rising, "new", rng.choice(["old", "older"], len(rising)))
    return Works.of_years(np.zeros(len(labels)), archive.first, archive.last, archive.artists, labels)


def test_shares_sum_to_one_and_follow_the_truth(made_archive: Callable) -> None:
    found = shares(labeled(made_archive, 5), QUICK)
    assert found.classes == ("new", "old", "older")
    told = np.isfinite(found.share[0])
    assert told.sum() > 10
    assert np.allclose(found.share[:, told].sum(0), 1)
    truth = (found.years - 1700) / 200
    inner = told & (found.years >= 1720) & (found.years <= 1880)
    assert np.mean((found.low[0] <= truth)[inner] & (truth <= found.high[0])[inner]) > 0.8
    assert np.all((found.low[:, told] >= 0) & (found.high[:, told] <= 1))


def test_shares_count_artists_equally() -> None:
    values, years = np.zeros(120), np.full(120, 1850)
    artists = np.r_[np.zeros(100), np.arange(1, 21)].astype(int)
    labels = np.r_[np.full(100, "portrait"), np.full(20, "landscape")]
    found = shares(Works.of_years(values, years, years, artists, labels), QUICK)
    assert found.share[:, 0].tolist() == pytest.approx([20 / 21, 1 / 21])


def test_certain_probabilities_give_the_shares_of_labels(made_archive: Callable) -> None:
    works = labeled(made_archive, 6)
    certain = np.eye(3)[works.labels]
    table = Works.of_years(certain, works.first, works.last, works.artists)
    one, other = shares(works, QUICK), probable_shares(table, works.label_names, QUICK)
    assert np.allclose(one.share, other.share, equal_nan=True)
    with pytest.raises(PlanError, match="add up"):
        probable_shares(replace(table, values=certain * 0.5), works.label_names, QUICK)
    with pytest.raises(PlanError, match="2 classes"):
        probable_shares(table, ("a", "b"), QUICK)
