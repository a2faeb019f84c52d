"""Curves against statsmodels' LOWESS and sums written out."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.nonparametric.smoothers_lowess import lowess

from vasari.archive.trends import smooth


def sums(years: np.ndarray, places: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.bincount(places - years[0], weights, len(years))


@pytest.mark.parametrize("span", [0.2, 0.5, 1.0])
def test_loess_equals_statsmodels(span: float) -> None:
    rng = np.random.default_rng(7)
    places = np.sort(rng.choice(np.arange(1700, 1900), 80, replace=False))
    values = np.sin(places / 30) + rng.normal(0, 0.3, 80)
    years, grid = np.arange(1700, 1900), places.astype(np.float64)
    votes, totals = sums(years, places, np.ones(80)), sums(years, places, values)
    kernel = smooth.tricube_kernel(grid, years, smooth.reaches(grid, years, votes, span, 0.0))
    found = smooth.local_lines(kernel, grid, years, votes[None], totals[None])[0]
    expected = lowess(values, places, frac=span, it=0, delta=0.0, return_sorted=False)
    assert np.allclose(found, expected, rtol=0, atol=1e-9)


def test_loess_with_votes_equals_weighted_least_squares() -> None:
    rng = np.random.default_rng(8)
    years = np.arange(1800, 1850)
    votes, means = rng.random(50), rng.normal(size=50)
    grid = np.array([1800.0, 1820.5, 1849.0])
    kernel = smooth.tricube_kernel(grid, years, np.array([15.0, 11.0, 20.0]))
    found = smooth.local_lines(kernel, grid, years, votes, votes * means)
    for point in range(3):
        line = np.polynomial.Polynomial.fit(years, means, 1, w=np.sqrt(kernel[point] * votes))
        assert found[point] == pytest.approx(line(grid[point]), abs=1e-9)


def test_a_single_year_within_reach_has_no_slope() -> None:
    years = np.arange(1800, 1811)
    votes = (years == 1805) * 1.0
    kernel = smooth.tricube_kernel(np.array([1805.0]), years, np.array([20.0]))
    assert np.isnan(smooth.local_lines(kernel, np.array([1805.0]), years, votes, votes)).all()


@pytest.mark.parametrize("window", [20, 21])
def test_the_window_is_as_wide_as_it_says(window: int) -> None:
    years = np.arange(1700, 1800)
    kernel = smooth.window_kernel(np.array([1750]), years, window)
    assert kernel.sum() == window
    assert np.array_equal(kernel[0, 1:], kernel[0, 1:][::-1])  # as far back as ahead


def test_an_empty_window_is_nothing() -> None:
    years = np.arange(1700, 1800)
    votes = (years < 1710) * 1.0
    kernel = smooth.window_kernel(np.array([1705, 1790]), years, 10)
    found = smooth.averages(kernel, votes, votes * 3)
    assert found[0] == 3
    assert np.isnan(found[1])
