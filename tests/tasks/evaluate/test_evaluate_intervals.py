"""Intervals hold what they say on simulated data, and tests are SciPy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
import torch

from vasari.tasks.evaluate.intervals import (
    compared,
    compared_sets,
    holm,
    jackknife_interval,
    mean_interval,
    share_interval,
    sign_flip_test,
    student,
)
from vasari.tasks.evaluate.kernels import kernel_discrepancy
from vasari.tasks.evaluate.moments import GroupedMoments, frechet


@pytest.mark.parametrize("freedom", [1, 2, 9, 40, 41, 60, 200, 10**9])
def test_students_points_are_scipys(freedom: int) -> None:
    assert student(freedom) == pytest.approx(scipy.stats.t.ppf(0.975, freedom), abs=6e-4)


def covered(draw, truth: float, repeats: int = 400) -> float:
    """The share of intervals of simulated sets that hold the truth."""
    found = [mean_interval(draw(np.random.default_rng(seed)), draws=400, seed=seed) for seed in range(repeats)]
    return float(np.mean([one.low <= truth <= one.high for one in found]))


@pytest.mark.parametrize(("kind", "count"), [("normal", 5), ("normal", 20), ("gamma", 40)])
def test_intervals_of_a_mean_cover_it_as_often_as_they_say(kind: str, count: int) -> None:
    def draw(rng: np.random.Generator) -> np.ndarray:
        return rng.normal(30, 3, count) if kind == "normal" else rng.gamma(2.0, 1.5, count)

    # 400 repeats: 0.95 has a standard error of 0.011; a skewed source may be 1.5 % short.
    assert 0.915 <= covered(draw, 30 if kind == "normal" else 3.0) <= 0.985


def test_a_too_narrow_interval_would_be_seen() -> None:
    found = []
    for seed in range(400):
        data = np.random.default_rng(seed).normal(30, 3, 20)
        half = 1.5 * data.std(ddof=1) / math.sqrt(20)
        found.append(abs(data.mean() - 30) <= half)
    assert np.mean(found) < 0.915


def test_the_interval_of_a_share_is_scipys_and_never_of_no_width() -> None:
    for count, of in ((0, 12), (7, 12), (40, 41), (200, 200)):
        theirs = scipy.stats.binomtest(count, of).proportion_ci(method="wilson")
        ours = share_interval(count, of)
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-6)
        assert ours.high > ours.low


def test_intervals_of_few_and_of_equal_values() -> None:
    assert math.isnan(mean_interval([3.0]).low)
    assert math.isnan(mean_interval([1.0, math.nan]).low)
    assert mean_interval([2.0] * 12) == mean_interval([2.0, 2.0])
    assert (mean_interval([2.0, 2.0]).low, mean_interval([2.0, 2.0]).high) == (2.0, 2.0)
    data = np.random.default_rng(1).normal(size=30)
    assert mean_interval(data, seed=4) == mean_interval(data, seed=4) != mean_interval(data, seed=5)


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    data = np.random.default_rng(0).normal(size=20)
    left_out = [(data.sum() - one) / 19 for one in data]
    found = jackknife_interval(data.mean(), [left_out])
    assert found.high - data.mean() == pytest.approx(student(19) * scipy.stats.sem(data))


def test_intervals_of_set_distances_cover_what_is_drawn_again() -> None:
    """Of sets that differ: the mean of the distance over many draws lies in 95 % of the intervals, or a little more."""
    kernels, frechets = [], []
    for seed in range(60):
        generator = torch.Generator().manual_seed(seed)
        real = torch.randn(200, 4, generator=generator, dtype=torch.float64)
        made = torch.randn(160, 4, generator=generator, dtype=torch.float64) * 1.2 + 0.6
        groups = [torch.arange(len(one)) % 20 for one in (real, made)]
        value, left_out = kernel_discrepancy(real, made, *groups)
        kernels.append((value, jackknife_interval(value, left_out)))
        sets = [GroupedMoments(4), GroupedMoments(4)]
        for one, features, numbers in zip(sets, (real, made), groups, strict=True):
            one.add(features, numbers)
        value, left_out = frechet(*sets)
        frechets.append((value, jackknife_interval(value, left_out)))
    for found in (kernels, frechets):
        mean = np.mean([value for value, _ in found])
        share = np.mean([one.low <= mean <= one.high for _, one in found])
        assert 0.87 <= share  # 60 repeats: a standard error of 0.028
        # Not by being too wide: the widths are those of the draws themselves.
        width = np.mean([one.high - one.low for _, one in found])
        assert width < 1.4 * 2 * student(19) * np.std([value for value, _ in found])


@pytest.mark.parametrize("count", [3, 8, 12])
def test_the_exact_test_is_scipys(count: int) -> None:
    differences = np.random.default_rng(count).normal(0.5, 1, count)
    theirs = scipy.stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    assert sign_flip_test(differences) == pytest.approx(theirs.pvalue)


def test_the_drawn_test_agrees_with_wilcoxon_and_holds_its_level() -> None:
    differences = np.random.default_rng(1).normal(0.35, 1, 60)
    assert sign_flip_test(differences, 4000) == pytest.approx(scipy.stats.wilcoxon(differences).pvalue, abs=0.02)
    found = [sign_flip_test(np.random.default_rng(seed).normal(0, 1, 25), 200, seed) for seed in range(300)]
    assert 0.02 <= np.mean(np.array(found) <= 0.05) <= 0.09
    assert sign_flip_test([0.0] * 30) == 1.0
    assert sign_flip_test([1.0]) == 1.0


def test_holm_is_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests

    values = [0.01, 0.04, 0.03, 0.005, 0.9]
    assert holm(values) == pytest.approx(multipletests(values, method="holm")[1])


def test_methods_are_compared_over_the_pictures_that_both_have() -> None:
    first, second = {"psnr": [30.0, 31, math.inf, 29]}, {"psnr": [29.0, 29, 40, math.nan]}
    (found,) = compared(first, second)
    assert (found.pictures, found.difference) == (2, 1.5)


def test_differences_of_sets_cover_what_is_drawn_again() -> None:
    """Two methods that are as far from one truth: the interval of their difference holds 0."""
    held = []
    for seed in range(60):
        generator = torch.Generator().manual_seed(seed)
        real = torch.randn(120, 4, generator=generator, dtype=torch.float64)
        numbers = torch.arange(120) % 20
        found = []
        for _ in range(2):
            made = torch.randn(120, 4, generator=generator, dtype=torch.float64) + 0.6
            found.append({"kid": kernel_discrepancy(real, made, numbers, numbers)})
        (one,) = compared_sets(*found, n=120)
        held.append(one.low <= 0 <= one.high)
        assert math.isnan(one.p)
    assert np.mean(held) >= 0.87
