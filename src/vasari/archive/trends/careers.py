"""Whole careers of artists: the level of a collection by bins of years, and what chance makes of it.

A shuffle moves every artist's works together to the time of another artist. Values, careers and the number of
artists at any time stay; only the tie between time and artist is cut. Shuffling single works instead would take
the likeness of an artist's works for change over time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vasari.archive.trends.plan import TrendPlan
from vasari.archive.trends.works import Works

MOST_BINS = 200


@dataclass(frozen=True, eq=False)
class Careers:
    """Votes of each artist in each bin: arrays [cells] `artist`, `bin`, `weight`, `total` (weight times value).

    Values are told from their mean. A work of uncertain date spreads over the bins of its interval (aoristic).
    `center` [artists] is the middle bin of each career; `usable` [bins] is false in periods with too few
    artists; `spread` is the variance of works.
    """

    begin: int
    bin_years: int
    bins: int
    artist: np.ndarray
    bin: np.ndarray
    weight: np.ndarray
    total: np.ndarray
    center: np.ndarray
    usable: np.ndarray
    spread: float

    @classmethod
    def of(cls, works: Works, plan: TrendPlan) -> Careers:
        """Of one column of values."""
        bin_years = bin_length(works, plan)
        begin = int(works.first.min()) // plan.period_years * plan.period_years
        bins = (int(works.last.max()) - begin) // bin_years + 1
        row, place, share = _spread_over_bins(works, begin, bin_years)
        artist, period = works.artists[row], place * bin_years // plan.period_years
        periods = int(period.max()) + 1
        expected = np.bincount(artist * periods + period, share, (int(artist.max()) + 1) * periods)
        # An artist has one vote a period, or less where it is less than sure that a work is of it.
        weight = share / np.maximum(1.0, expected[artist * periods + period])
        present = np.minimum(1.0, expected).reshape(-1, periods).sum(0)
        cells, cell = np.unique(artist * bins + place, return_inverse=True)
        values = works.values[row, 0]
        weights = np.bincount(cell, weight)
        of_artist, of_bin = cells // bins, cells % bins
        first, last = np.full(int(artist.max()) + 1, bins), np.zeros(int(artist.max()) + 1, dtype=np.int64)
        np.minimum.at(first, of_artist, of_bin)
        np.maximum.at(last, of_artist, of_bin)
        usable = present[np.arange(bins) * bin_years // plan.period_years] >= plan.min_artists
        values = values - np.average(values, weights=weight)  # only differences are asked for
        return cls(
            begin, bin_years, bins, of_artist, of_bin, weights, np.bincount(cell, weight * values),
            (first + last) // 2, usable, float(np.average(values**2, weights=weight)),
        )  # fmt: skip

    def series(self) -> tuple[np.ndarray, np.ndarray]:
        """Weights and totals [bins] of the archive as it is."""
        return np.bincount(self.bin, self.weight, self.bins), np.bincount(self.bin, self.total, self.bins)

    def shuffled(self, rng: np.random.Generator, shuffles: int) -> tuple[np.ndarray, np.ndarray]:
        """Weights and totals [shuffles, bins] of archives in which careers have changed places."""
        weights, totals = (np.empty((shuffles, 3 * self.bins)) for _ in range(2))
        for row in range(shuffles):
            shift = rng.permutation(self.center) - self.center + self.bins
            place = self.bin + shift[self.artist]
            weights[row] = np.bincount(place, self.weight, 3 * self.bins)
            totals[row] = np.bincount(place, self.total, 3 * self.bins)
        return self._folded(weights), self._folded(totals)

    def _folded(self, wide: np.ndarray) -> np.ndarray:
        """What a move carried past an end is laid back inside, as in a mirror."""
        early, inside, late = np.split(wide, 3, axis=1)
        return inside + early[:, ::-1] + late[:, ::-1]

    def without_step(self, cut: int, step: float) -> Careers:
        """The same careers with a change of level taken back."""
        return replace(self, total=self.total - np.where(self.bin >= cut, step, 0.0) * self.weight)

    def first_year(self, cut: int) -> int:
        """The year in which the bin of a cut begins."""
        return self.begin + cut * self.bin_years


def bin_length(works: Works, plan: TrendPlan) -> int:
    """Years a bin: as asked, else the shortest divisor of a period that needs at most `MOST_BINS` bins."""
    if plan.bin_years:
        return plan.bin_years
    span = int(works.last.max() - works.first.min()) + plan.period_years
    divisors = [one for one in range(1, plan.period_years + 1) if plan.period_years % one == 0]
    fitting = [one for one in divisors if span / one <= MOST_BINS]
    return fitting[0] if fitting else plan.period_years


def _spread_over_bins(works: Works, begin: int, bin_years: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row of the work, bin, and share of its interval, for every bin that an interval touches."""
    low, high = (works.first - begin) // bin_years, (works.last - begin) // bin_years
    count = high - low + 1
    row = np.repeat(np.arange(len(works)), count)
    place = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + low[row]
    starts = begin + place * bin_years
    overlap = np.minimum(works.last[row] + 1, starts + bin_years) - np.maximum(works.first[row], starts)
    return row, place, overlap / (works.last[row] - works.first[row] + 1)
