"""Change points: real ones are found in their place, chance and single artists are not taken for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest

from vasari.archive.trends.careers import Careers
from vasari.archive.trends.changes import Changes, change_points
from vasari.archive.trends.curves import Ground
from vasari.archive.trends.plan import TrendPlan
from vasari.archive.trends.works import Works
from vasari.foundation.errors import PlanError

QUICK = TrendPlan(draws=60, permutations=199)
STEP = 0.8
KINDS = ("works that remember 0.5", "years that remember 0.5", "shuffled artists")


def step(years: np.ndarray) -> np.ndarray:
    return STEP * (years >= 1800)


def found_in(works: Works, plan: TrendPlan = QUICK) -> Changes:
    return change_points({"lightness": works}, plan)["lightness"]


def test_a_step_is_found_and_its_card_is_filled(made_archive: Callable) -> None:
    works = made_archive(3, artists=250, truth=step).works()
    changes = found_in(works, replace(QUICK, permutations=999))
    assert len(changes.points) == 1
    card = changes.points[0]
    assert abs(card.year - 1800) <= 5
    assert card.earliest <= 1800 <= card.latest
    assert card.effect == pytest.approx(STEP, abs=0.25)
    assert card.effect_sd == pytest.approx(card.effect, rel=0.2)
    assert card.p == card.p_careers == pytest.approx(0.001)
    assert card.stability > 0.5
    assert 1 <= len(card.drivers) <= 5
    assert all(driver.artist in works.artist_names for driver in card.drivers)
    assert not changes.line_fits_better


def test_the_first_driver_is_the_artist_without_whom_least_is_left(made_archive: Callable) -> None:
    archive = made_archive(4, truth=step)
    loud = archive.first >= 1800
    values = np.where((archive.artists == np.bincount(archive.artists[loud]).argmax()) & loud, 30.0, archive.values)
    name = str(np.bincount(archive.artists[loud]).argmax())
    points = found_in(replace(archive, values=values).works(), replace(QUICK, significance=1.0)).points
    assert name in [point.drivers[0].artist for point in points]


def test_two_steps_are_found_in_order_of_time(made_archive: Callable) -> None:
    truth = lambda years: STEP * ((years >= 1760) & (years < 1840))  # noqa: E731
    points = found_in(made_archive(5, artists=300, truth=truth).works()).points
    assert [abs(point.year - year) <= 5 for point, year in zip(points, (1760, 1840))] == [True, True]
    assert [np.sign(point.effect) for point in points] == [1, -1]


def test_steady_change_is_told_from_steps(made_archive: Callable) -> None:
    rising = found_in(made_archive(0, artists=300, truth=lambda years: 0.01 * (years - 1800)).works())
    assert rising.points
    assert rising.line_fits_better


def test_one_artist_with_many_works_is_no_change(made_archive: Callable) -> None:
    archive = made_archive(6)
    years = np.repeat(np.arange(1820, 1850), 40)
    works = Works.of_years(
        np.r_[archive.values, np.full(1200, 3.0)],
        np.r_[archive.first, years],
        np.r_[archive.last, years],
        np.r_[archive.artists, np.full(1200, 999)],
    )
    assert not found_in(works).points


def test_holm_is_applied_over_features(made_archive: Callable) -> None:
    features = {"changing": made_archive(3, artists=250, truth=step).works()}
    features |= {f"still {seed}": made_archive(seed).works() for seed in range(10, 14)}
    result = change_points(features, replace(QUICK, permutations=999))
    assert list(result) == list(features)
    card = result["changing"].points[0]
    assert card.p == pytest.approx(5 * max(card.p_careers, card.p_years))
    strict = change_points(features, replace(QUICK, significance=0.02))  # 199 shuffles: p is 5/200 at least
    assert not any(changes.points for changes in strict.values())


def test_the_order_of_rows_changes_nothing(made_archive: Callable) -> None:
    archive = made_archive(8, uncertain_years=10, truth=step)
    order = np.random.default_rng(2).permutation(len(archive.values))
    columns = (archive.values, archive.first, archive.last, archive.artists)
    one, other = found_in(archive.works()), found_in(Works.of_years(*(column[order] for column in columns)))
    assert one == other
    assert one.points


def test_draws_of_a_trend_serve_again(made_archive: Callable) -> None:
    works = made_archive(8, truth=step).works()
    ground = Ground.of(works, QUICK)
    assert change_points({"a": works}, QUICK, {"a": ground.sums}) == change_points({"a": works}, QUICK)


def test_shuffles_keep_votes_values_and_careers(made_archive: Callable) -> None:
    careers = Careers.of(made_archive(9, uncertain_years=10, truth=step).works(), QUICK)
    weights, totals = careers.series()
    shuffled = careers.shuffled(np.random.default_rng(0), 30)
    assert np.allclose(shuffled[0].sum(1), weights.sum())
    assert np.allclose(shuffled[1].sum(1), totals.sum())
    assert np.std(shuffled[0], axis=0).max() > 0


def test_an_undisturbed_archive_has_the_votes_of_its_artists(made_archive: Callable) -> None:
    archive = made_archive(10)
    weights, _ = Careers.of(archive.works(), QUICK).series()
    ballots = len(np.unique(np.stack([archive.artists, archive.first // 10]), axis=1).T)
    assert weights.sum() == pytest.approx(ballots)


def test_plans_and_tables_that_do_not_fit_are_refused(made_archive: Callable) -> None:
    with pytest.raises(PlanError, match="does not divide"):
        TrendPlan(bin_years=3)
    archive = made_archive(1)
    wide = Works.of_years(np.zeros((len(archive.values), 2)), archive.first, archive.last, archive.artists)
    with pytest.raises(PlanError, match="one each"):
        found_in(wide)


def test_a_feature_without_any_difference_has_no_change(made_archive: Callable) -> None:
    archive = made_archive(2)
    assert found_in(replace(archive, values=np.ones(len(archive.values))).works()) == Changes("lightness", (), 0, False)


def alarms(archives: ModuleType, kind: str, number: int) -> int:
    return sum(bool(found_in(archives.NO_CHANGE[kind](2000 + seed).works()).points) for seed in range(number))


def test_every_kind_of_chance_is_tried(archives: ModuleType) -> None:
    assert tuple(archives.NO_CHANGE) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_chance_is_seldom_taken_for_change(archives: ModuleType, kind: str) -> None:
    assert alarms(archives, kind, 20) <= 3


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_false_alarms_are_at_most_5_in_100(archives: ModuleType, kind: str) -> None:
    assert alarms(archives, kind, 600) <= 0.05 * 600


def hits(made_archive: Callable, archives: int, **options: object) -> int:
    found = 0
    for seed in range(archives):
        points = found_in(made_archive(3000 + seed, truth=step, **options).works()).points
        found += any(abs(point.year - 1800) <= 5 for point in points)
    return found


def test_steps_are_found(made_archive: Callable) -> None:
    assert hits(made_archive, 10) >= 9


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [{}, {"uncertain_years": 10}, {"memory": 0.5}], ids=["plain", "uncertain", "memory"]
)
def test_95_of_100_steps_are_found_within_5_years(made_archive: Callable, options: dict[str, float]) -> None:
    assert hits(made_archive, 100, artists=200, **options) >= 95
