"""How sure a number is: intervals of 95 % and tests of differences; pure functions on arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

LEVEL = 0.95
DRAWS = 2000
VALUES_AT_ONCE = 4_000_000  # of resampled values, so that large sets fit into memory
FEWEST_RESAMPLED = 10
NORMAL = 1.959964  # the 97.5 % point of the normal distribution
EXACT_UP_TO = 14  # differences: all their signs are tried, 16,384 ways

# 97.5 % points of Student's t by degrees of freedom 1..40 (rounded up), the normal's beyond: see `student`.
_STUDENT = (
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281,
    2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860,
    2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423,
    2.0395, 2.0369, 2.0345, 2.0322, 2.0301, 2.0281, 2.0262, 2.0244, 2.0227, 2.0211,
)  # fmt: skip


@dataclass(frozen=True)
class Interval:
    """The ends of an interval of 95 %, either of them nan where there is none."""

    low: float
    high: float


NONE = Interval(math.nan, math.nan)


def student(freedom: int) -> float:
    """The 97.5 % point of Student's t distribution; from 40 degrees of freedom on within 0.0005."""
    if freedom < 1:
        return math.nan
    if freedom <= len(_STUDENT):
        return _STUDENT[freedom - 1]
    z = NORMAL
    # Cornish and Fisher's expansion (Abramowitz & Stegun 1964, 26.7.5).
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)


def mean_interval(values: Sequence[float] | np.ndarray, draws: int = DRAWS, seed: int = 0) -> Interval:
    """The 95 % interval of a mean by a studentized bootstrap over pictures.

    Each draw's mean is taken in units of its own standard error (Efron & Tibshirani 1993, "An Introduction to the
    Bootstrap", section 12.5); plain percentiles would be too narrow for few pictures. Below 10 values it is Student's
    interval: there are too few different draws. One value has none; equal ones have one of no width.
    """
    data = np.asarray(values, float)
    if len(data) < 2 or not np.isfinite(data).all():
        return NONE
    mean, error = data.mean(), data.std(ddof=1) / math.sqrt(len(data))
    if error <= 1e-12 * max(1.0, abs(mean)):
        return Interval(float(mean), float(mean))
    low, high = -student(len(data) - 1), student(len(data) - 1)
    if len(data) >= FEWEST_RESAMPLED:
        low, high = _pivots(data, draws, seed)
    return Interval(float(mean - high * error), float(mean - low * error))


def _pivots(data: np.ndarray, draws: int, seed: int) -> tuple[float, float]:
    """The 2.5 and 97.5 % points of (mean of a draw - mean) / standard error of the draw."""
    rng = np.random.default_rng(seed)
    smallest = 1e-9 * data.std()
    found = []
    at_once = max(1, VALUES_AT_ONCE // len(data))
    for start in range(0, draws, at_once):
        drawn = data[rng.integers(0, len(data), (min(at_once, draws - start), len(data)))]
        spread = drawn.std(1, ddof=1)
        # A draw of one value repeated has no spread, and says nothing of the width.
        kept = spread > smallest
        found.append((drawn.mean(1) - data.mean())[kept] / spread[kept] * math.sqrt(len(data)))
    low, high = np.quantile(np.concatenate(found), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def share_interval(count: int, of: int) -> Interval:
    """The 95 % interval of a share, `count` of `of` pictures (Wilson 1927, JASA 22), which never is of no width."""
    if of < 1:
        return NONE
    share, z = count / of, NORMAL
    middle = (share + z**2 / (2 * of)) / (1 + z**2 / of)
    half = z / (1 + z**2 / of) * math.sqrt(share * (1 - share) / of + z**2 / (4 * of**2))
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def jackknife_interval(value: float, left_out: Sequence[Sequence[float]]) -> Interval:
    """The 95 % interval of `value`, from its values with each group of pictures left out, for each set.

    The delete-a-group jackknife (Shao & Tu 1995, section 2.3): variances of independent sets add. Groups are random
    and of about one size. It tells the chance of the draw, not the bias of a distance between small sets.
    """
    variance, freedom = 0.0, 10**9
    for values in left_out:
        data = np.asarray(values, float)
        if len(data) < 2 or not np.isfinite(data).all():
            return NONE
        variance += float((len(data) - 1) / len(data) * ((data - data.mean()) ** 2).sum())
        freedom = min(freedom, len(data) - 1)
    width = student(freedom) * math.sqrt(variance)
    return Interval(value - width, value + width)


@dataclass(frozen=True)
class Comparison:
    """Two methods on the same truth: (mean) difference first - second, its interval, and how likely chance is.

    `p` is two-sided by flipping signs; `adjusted` is p after Holm's correction over the metrics compared; of sets
    there is neither.
    """

    metric: str
    difference: float
    low: float
    high: float
    p: float
    adjusted: float
    pictures: int


def compared(
    first: Mapping[str, Sequence[float]], second: Mapping[str, Sequence[float]], draws: int = DRAWS, seed: int = 0
) -> list[Comparison]:
    """Every metric of two methods, values by metric in one order of pictures; what is not finite is left out."""
    found = []
    for name in first:
        differences = np.asarray(first[name], float) - np.asarray(second[name], float)
        differences = differences[np.isfinite(differences)]
        if not len(differences):
            continue
        interval = mean_interval(differences, draws, seed)
        p = sign_flip_test(differences, draws, seed)
        found.append((name, float(differences.mean()), interval, p, len(differences)))
    adjusted = holm([row[3] for row in found])
    return [
        Comparison(name, mean, interval.low, interval.high, p, corrected, count)
        for (name, mean, interval, p, count), corrected in zip(found, adjusted, strict=True)
    ]


def compared_sets(
    first: Mapping[str, tuple[float, list[list[float]]]], second: Mapping[str, tuple[float, list[list[float]]]], n: int
) -> list[Comparison]:
    """Distances of two methods' sets from one truth, by metric (value, values with groups left out): differences.

    Groups of the truth are left out of both at once, those of each method by themselves. There is no p (nan): an
    interval that holds 0 tells nothing.
    """
    found = []
    for name, (value, (truth, made)) in first.items():
        if name not in second:
            continue
        other, (other_truth, other_made) = second[name]
        both = [a - b for a, b in zip(truth, other_truth, strict=True)]
        difference = value - other
        interval = jackknife_interval(difference, [both, made, other_made])
        found.append(Comparison(name, difference, interval.low, interval.high, math.nan, math.nan, n))
    return found


def sign_flip_test(differences: Sequence[float] | np.ndarray, draws: int = DRAWS, seed: int = 0) -> float:
    """The two-sided p of a mean difference of pairs, by flipping their signs (Fisher 1935; Pitman 1937).

    Exact up to 14 pairs; beyond, `draws` random flips, and p is (1 + those as far) / (1 + draws), never 0. One pair
    tells nothing: p = 1.
    """
    data = np.asarray(differences, float)
    if not len(data):
        return math.nan
    reached = abs(data.sum()) * (1 - 1e-12)
    if len(data) <= EXACT_UP_TO:
        bits = np.arange(2 ** len(data))[:, None] >> np.arange(len(data)) & 1
        return float((np.abs((1 - 2 * bits) @ data) >= reached).mean())
    rng = np.random.default_rng(seed)
    far, at_once = 0, max(1, VALUES_AT_ONCE // len(data))
    for start in range(0, draws, at_once):
        signs = rng.integers(0, 2, (min(at_once, draws - start), len(data)), dtype=np.int8) * 2 - 1
        far += int((np.abs(signs @ data) >= reached).sum())
    return (1 + far) / (1 + draws)


def holm(values: Sequence[float]) -> list[float]:
    """p values corrected for their number (Holm 1979, Scandinavian Journal of Statistics 6)."""
    order = sorted(range(len(values)), key=lambda index: values[index])
    result, highest = [0.0] * len(values), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - rank) * values[index]))
        result[index] = highest
    return result
