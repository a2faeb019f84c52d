"""Trends: what artists and periods count for, by hand, and bands that keep their promise."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm

from vasari.archive.trends.bands import band
from vasari.archive.trends.curves import Trend, trend
from vasari.archive.trends.plan import TrendPlan
from vasari.archive.trends.sampling import sample
from vasari.archive.trends.works import Works
from vasari.foundation.errors import MissingExtraError, PlanError

QUICK = TrendPlan(draws=60, step_years=10)


def equal(one: Trend, other: Trend) -> bool:
    curves = [(one.moving_average, other.moving_average), (one.loess, other.loess)]
    same = all(
        np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True)
        for a, b in curves
        for name in ("years", "estimate", "low", "high")
    )
    return same and one.line == other.line and repr(one.periods) == repr(other.periods)


def test_in_a_period_each_artist_counts_equally(made_archive: Callable) -> None:
    archive = made_archive(1)
    found = trend(archive.works(), replace(QUICK, min_artists=1))
    for period in found.periods:
        inside = (archive.first >= period.begin) & (archive.first <= period.end)
        artists = np.unique(archive.artists[inside])
        means = [archive.values[inside & (archive.artists == artist)].mean() for artist in artists]
        numbers = np.array([(inside & (archive.artists == artist)).sum() for artist in artists])
        assert period.mean == pytest.approx(np.mean(means))
        assert (period.works, period.artists) == (inside.sum(), len(artists))
        assert period.effective == pytest.approx(len(artists) ** 2 / (1 / numbers).sum())


def test_a_prolific_artist_does_not_outvote_the_others() -> None:
    values = np.r_[np.full(1000, 5.0), np.zeros(19)]
    years = np.full(1019, 1850)
    works = Works.of_years(values, years, years, np.r_[np.zeros(1000), np.arange(1, 20)].astype(int))
    assert trend(works, QUICK).periods[0].mean == pytest.approx(5 / 20)


def test_votes_of_an_artist_sum_to_one_in_every_draw(made_archive: Callable) -> None:
    works = made_archive(2, uncertain_years=20).works()
    sums = sample(works, TrendPlan(draws=20))
    rng = np.random.default_rng([0, 1])
    width = (works.last - works.first + 1).astype(np.float32)
    years = works.first + (rng.random(len(works), dtype=np.float32) * width).astype(np.int64)
    ballots = len(np.unique(np.stack([works.artists, years // 10]), axis=1).T)
    assert sums.votes[0].sum() == pytest.approx(ballots)


def test_the_line_equals_weighted_least_squares(made_archive: Callable) -> None:
    archive = made_archive(3, truth=lambda years: 0.01 * years)
    works = archive.works()
    plan = replace(QUICK, min_artists=1)
    _, cell, sizes = np.unique(works.artists * 1000 + works.first // 10, return_inverse=True, return_counts=True)
    design = sm.add_constant(works.first / 10)
    fitted = sm.WLS(works.values[:, 0], design, weights=1 / sizes[cell]).fit()
    assert trend(works, plan).line.per_decade == pytest.approx(fitted.params[1])


def test_a_rise_is_seen_and_flatness_is_not_a_rise(made_archive: Callable) -> None:
    rising = trend(made_archive(4, truth=lambda years: 0.01 * (years - 1800)).works(), QUICK).line
    flat = trend(made_archive(5).works(), QUICK).line
    assert rising.low < 0.1 < rising.high
    assert rising.p < 0.001
    assert flat.low < 0 < flat.high
    assert flat.p > 0.05


def test_thin_periods_are_blank(made_archive: Callable) -> None:
    archive = made_archive(6)
    kept = ~((archive.first >= 1750) & (archive.first < 1760) & (archive.artists % 5 > 0))
    works = Works.of_years(*(column[kept] for column in (archive.values, archive.first, archive.last, archive.artists)))
    found = trend(works, replace(QUICK, step_years=1))
    blank = {period.begin for period in found.periods if period.artists < 10}
    assert 1750 in blank
    assert {period.begin for period in found.periods if period.blank} == blank
    for curve in (found.moving_average, found.loess):
        for year, *values in zip(curve.years, curve.estimate, curve.low, curve.high):
            assert np.isnan(values).all() == (year // 10 * 10 in blank)


def test_the_order_of_rows_changes_nothing(made_archive: Callable) -> None:
    archive = made_archive(7, uncertain_years=15)
    order = np.random.default_rng(1).permutation(len(archive.values))
    columns = (archive.values, archive.first, archive.last, archive.artists)
    shuffled = Works.of_years(*(column[order] for column in columns))
    assert equal(trend(archive.works(), QUICK), trend(shuffled, QUICK))
    assert not equal(trend(archive.works(), QUICK), trend(shuffled, replace(QUICK, seed=1)))


def test_uncertain_dates_blur_a_step_and_no_midpoint_is_taken() -> None:
    """Works dated only "18th or 19th century" spread over both; one date in the middle would pile them up."""
    count = 400
    values = np.arange(count) % 7.0
    exact = Works.of_years(values, np.full(count, 1800), np.full(count, 1800), np.arange(count))
    wide = Works.of_years(values, np.full(count, 1700), np.full(count, 1899), np.arange(count))
    assert [period.works for period in trend(exact, QUICK).periods] == [count]
    spread = [period.works for period in trend(wide, QUICK).periods]
    assert len(spread) == 20
    assert max(spread) < count / 20 * 1.5


def test_a_band_of_few_artists_is_wider_than_its_percentiles() -> None:
    samples = np.random.default_rng(3).standard_normal((4000, 2))
    low, high = band(samples, np.array([8.0, 1e6]), 0.95)
    plain = np.quantile(samples, [0.025, 0.975], axis=0)
    assert np.allclose([low[1], high[1]], plain[:, 1], atol=1e-3)
    # Student's t with 7 degrees of freedom, times sqrt(8 / 7), on the normal scale
    assert high[0] == pytest.approx(2.365 * np.sqrt(8 / 7), rel=0.08)


def test_several_columns_and_thin_archives_are_refused(made_archive: Callable) -> None:
    archive = made_archive(8)
    with pytest.raises(PlanError, match="one each"):
        trend(Works.of_years(np.zeros((len(archive.values), 2)), archive.first, archive.last, archive.artists), QUICK)
    with pytest.raises(PlanError, match="No period"):
        trend(archive.works(), replace(QUICK, min_artists=500))


def test_without_scipy_the_extra_is_named(made_archive: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(MissingExtraError, match=r"vasari\[archive\]"):
        trend(made_archive(1).works(), QUICK)


def coverage(made_archive: Callable, archives: int, plan: TrendPlan, **options: object) -> dict[str, float]:
    """The share of points of each curve at which the band holds the truth, a flat line."""
    inside: dict[str, list[np.ndarray]] = {"moving_average": [], "loess": []}
    for seed in range(archives):
        found = trend(made_archive(1000 + seed, **options).works(), plan)
        for name, curve in (("moving_average", found.moving_average), ("loess", found.loess)):
            told = np.isfinite(curve.estimate)
            inside[name].append(((curve.low <= 0) & (curve.high >= 0))[told])
    return {name: float(np.concatenate(parts).mean()) for name, parts in inside.items()}


def test_bands_hold_the_truth_about_as_often_as_they_say(made_archive: Callable) -> None:
    for share in coverage(made_archive, 25, replace(QUICK, draws=120, step_years=20)).values():
        assert 0.89 <= share <= 0.99


@pytest.mark.slow
@pytest.mark.parametrize("uncertain_years", [0, 5])
def test_bands_hold_the_truth_in_93_to_97_of_100(made_archive: Callable, uncertain_years: int) -> None:
    plan = TrendPlan(step_years=20)
    for share in coverage(made_archive, 400, plan, uncertain_years=uncertain_years).values():
        assert 0.93 <= share <= 0.97
