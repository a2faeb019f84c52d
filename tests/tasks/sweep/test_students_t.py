"""Welch's test beside SciPy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special, stats

from vasari.tasks.sweep.students_t import incomplete_beta, two_sided, welch_test


def test_the_incomplete_beta_function_is_scipys() -> None:
    for a in (0.5, 1.0, 3.2, 40.0, 400.0):
        for b in (0.5, 2.0, 7.5):
            for x in (0.0, 1e-6, 0.1, 0.5, 0.93, 0.999999, 1.0):
                assert incomplete_beta(a, b, x) == pytest.approx(special.betainc(a, b, x), rel=1e-10, abs=1e-14)


def test_the_p_of_t_is_scipys() -> None:
    for freedom in (1.0, 1.7, 5.0, 33.3):
        for t in (0.0, 0.3, -2.5, 12.0):
            assert two_sided(t, freedom) == pytest.approx(2 * stats.t.sf(abs(t), freedom), rel=1e-10)


def test_welch_is_scipys() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        first = rng.normal(0, 1, rng.integers(2, 9))
        second = rng.normal(rng.normal(), rng.uniform(0.1, 4), rng.integers(2, 9))
        expected = stats.ttest_ind(first, second, equal_var=False).pvalue
        assert welch_test(first.tolist(), second.tolist()) == pytest.approx(expected, rel=1e-9)


def test_what_cannot_be_tested() -> None:
    assert math.isnan(welch_test([1.0], [2.0, 3.0]))
    assert welch_test([1.0, 1.0], [1.0, 1.0]) == 1.0
    assert welch_test([1.0, 1.0], [2.0, 2.0]) == 0.0
