"""The division into levels equals PELT's, as ruptures computes it."""

from __future__ import annotations

import numpy as np
import pytest
import ruptures

from vasari.archive.trends.partition import best_cuts, cuts_of, marks_of, noise_of, step_size, strongest


def series(seed: int, bins: int = 90) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(0, 1, bins) + np.repeat(rng.normal(0, 1.5, 6), bins // 6)


def pelt(signal: np.ndarray, penalty: float, least_bins: int) -> list[int]:
    search = ruptures.Pelt(model="l2", min_size=least_bins, jump=1)
    return search.fit(signal).predict(pen=penalty)[:-1]


@pytest.mark.parametrize("least_bins", [1, 4, 10])
def test_cuts_equal_ruptures(least_bins: int) -> None:
    signals = np.stack([series(seed) for seed in range(12)])
    penalty = np.linspace(1.0, 14.0, 12)
    before = best_cuts(np.ones_like(signals), signals, penalty, least_bins)
    found = [cuts_of(row) for row in before]
    assert found == [pelt(signal, cost, least_bins) for signal, cost in zip(signals, penalty)]
    assert max(map(len, found)) >= 3
    assert [np.flatnonzero(row).tolist() for row in marks_of(before)] == found


def test_a_bin_of_weight_three_counts_as_three_bins() -> None:
    rng = np.random.default_rng(5)
    for seed in range(6):
        signal, weight = series(seed, 48), rng.integers(1, 4, 48)
        found = cuts_of(best_cuts(weight[None] * 1.0, (weight * signal)[None], np.array([9.0]), 1)[0])
        repeated = pelt(np.repeat(signal, weight), 9.0, 1)
        assert np.cumsum(weight)[np.array(found, dtype=int) - 1].tolist() == repeated


def test_empty_bins_cost_nothing() -> None:
    signal, weight = series(3), np.ones(90)
    weight[20:35] = 0
    full = np.flatnonzero(weight)
    before = best_cuts(weight[None], (weight * signal)[None], np.array([6.0]), 1)
    cuts = cuts_of(before[0])
    assert [int(np.searchsorted(full, cut)) for cut in cuts] == pelt(signal[full], 6.0, 1)


def test_the_strongest_cut_is_the_largest_of_all() -> None:
    signals = np.stack([series(seed) for seed in range(8)])
    ones, noise = np.ones_like(signals), np.full(8, 2.0)
    before = best_cuts(ones, signals, np.full(8, 7.0), 3)
    for row, found in enumerate(strongest(ones, signals, before, noise)):
        edges = [0, *cuts_of(before[row]), 90]
        savings = [
            step_size(ones[row], signals[row], begin, cut, end)[1] / 2
            for begin, cut, end in zip(edges, edges[1:], edges[2:])
        ]
        assert found == pytest.approx(max(savings, default=0.0))


def test_a_step_saves_the_squares_between_its_levels() -> None:
    weights, values = np.array([1.0, 2.0, 1.0, 4.0]), np.array([0.0, 1.0, 3.0, 5.0])
    step, saved = step_size(weights, weights * values, 0, 2, 4)
    whole = np.average(values, weights=weights)
    levels = np.r_[[np.average(values[:2], weights=weights[:2])] * 2, [np.average(values[2:], weights=weights[2:])] * 2]
    assert step == pytest.approx(levels[2] - levels[0])
    assert saved == pytest.approx((weights * (levels - whole) ** 2).sum())


def test_noise_is_the_variance_of_white_noise_even_across_a_step() -> None:
    rng = np.random.default_rng(6)
    weights = rng.uniform(0.5, 2, (300, 120))
    values = rng.normal(0, 3, (300, 120)) / np.sqrt(weights) + 5 * (np.arange(120) > 60)
    assert np.median(noise_of(weights, weights * values, 5)) == pytest.approx(9, rel=0.12)
