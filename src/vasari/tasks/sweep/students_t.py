"""Welch's test of two means: pure functions, for a task that does not have SciPy."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

MOST_TERMS = 300
SMALLEST = 1e-300


def welch_test(first: Sequence[float], second: Sequence[float]) -> float:
    """The two-sided p of a difference of means of unequal variances (Welch 1947, Biometrika 34); nan below 2 values.

    Where neither varies, p is 1 for equal means and 0 for others.
    """
    a, b = np.asarray(first, float), np.asarray(second, float)
    if min(len(a), len(b)) < 2:
        return math.nan
    parts = [one.var(ddof=1) / len(one) for one in (a, b)]
    difference, variance = float(a.mean() - b.mean()), float(sum(parts))
    if variance <= 0.0:
        return 1.0 if difference == 0.0 else 0.0
    freedom = variance**2 / sum(part**2 / (len(one) - 1) for part, one in zip(parts, (a, b)))
    return two_sided(difference / math.sqrt(variance), float(freedom))


def two_sided(t: float, freedom: float) -> float:
    """How likely Student's t of `freedom` degrees (any number above 0) is as far from 0 as `t`."""
    return incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t))


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularized incomplete beta function, 0 <= x <= 1, by Lentz's continued fraction (Press et al. 2007, 6.4)."""
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - incomplete_beta(b, a, 1.0 - x)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    c, d = 1.0, 1.0 / _away(1.0 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, MOST_TERMS):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 / _away(1.0 + numerator * d)
            c = _away(1.0 + numerator / c)
            fraction *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return front * fraction / a


def _away(value: float) -> float:
    """The value, kept from 0."""
    return value if abs(value) > SMALLEST else SMALLEST
