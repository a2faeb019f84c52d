"""Draws and aoristic shares of dated intervals against counting by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from vasari.archive.dates.dating import Assumptions
from vasari.archive.dates.draws import aoristic, bounds, draw_years
from vasari.archive.dates.parse import parse_date
from vasari.foundation.errors import PlanError

TEXTS = ("1890", "c. 1890s", "between 1860 and 1865", "after 1880", "before 1500", "5th century BC", "1 BC–AD 1")
DATINGS = [parse_date(text) for text in TEXTS]


def test_bounds_are_astronomical_and_open_ends_reach_as_far_as_assumed() -> None:
    ends = bounds(DATINGS, Assumptions(open_years=7))
    expected = [[1890, 1890], [1885, 1904], [1860, 1865], [1881, 1888], [1492, 1499], [-499, -400], [0, 1]]
    assert ends.tolist() == expected


def test_drawn_years_fill_their_intervals_evenly() -> None:
    years = draw_years(DATINGS, np.random.default_rng(4), 20_000)
    ends = bounds(DATINGS)
    assert years.shape == (20_000, len(TEXTS))
    for work, (first, last) in enumerate(ends):
        counts = np.bincount(years[:, work] - first, minlength=last - first + 1)
        assert len(counts) == last - first + 1
        expected = 20_000 / len(counts)
        # five standard deviations of a binomial count
        assert np.abs(counts - expected).max() <= 5 * np.sqrt(expected) + 1e-9


def test_draws_depend_on_the_seed_alone() -> None:
    first, second = (draw_years(DATINGS, np.random.default_rng(9), 5) for _ in range(2))
    assert np.array_equal(first, second)


def test_shares_equal_a_count_of_years() -> None:
    edges = np.array([1850, 1862, 1880, 1890, 1900])
    found = aoristic(DATINGS, edges)
    for work, (first, last) in enumerate(bounds(DATINGS)):
        years = np.arange(first, last + 1)
        counted = [np.mean((years >= low) & (years < high)) for low, high in pairwise(edges)]
        assert np.allclose(found[work], counted)


def test_draws_agree_with_shares() -> None:
    edges = np.arange(-500, 2001, 25)
    years = draw_years(DATINGS, np.random.default_rng(1), 4000)
    drawn = np.stack([np.histogram(column, edges)[0] / 4000 for column in years.T])
    assert np.abs(drawn - aoristic(DATINGS, edges)).max() < 0.05


def test_an_unknown_date_has_no_share_and_no_draw() -> None:
    datings = [parse_date("1890"), parse_date("n.d.")]
    assert aoristic(datings, np.array([1800, 2000])).tolist() == [[1.0], [0.0]]
    with pytest.raises(PlanError, match=r"1 of 2 dates are unknown.*n\.d\."):
        draw_years(datings, np.random.default_rng(0), 3)


def test_edges_must_rise() -> None:
    with pytest.raises(PlanError, match="must rise"):
        aoristic(DATINGS, np.array([1900, 1800]))
