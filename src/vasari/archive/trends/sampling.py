"""The draws that every trend passes through: years of the works, and samples of whole artists.

In each draw every work gets a year of its interval, its votes are counted anew, and artists are drawn with
replacement, so that what comes out is uncertain for both reasons at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vasari.archive.trends.plan import TrendPlan
from vasari.archive.trends.works import Works

COUNTED_DRAWS = 25  # draws over which the numbers of works and artists are averaged


@dataclass(frozen=True, eq=False)
class Counts:
    """What stands under a figure, a value a period, averaged over draws of the dates.

    `begins` int64 [periods], the first year of each; `works`, `artists`; `effective`, Kish's (sum of votes)^2 / sum of
    squared votes, the number of equally weighted works that would say as much (1965, section 11.7);
    `group_artists` [groups, periods], one row where artists vote in no groups of their own.
    """

    begins: np.ndarray
    period_years: int
    works: np.ndarray
    artists: np.ndarray
    effective: np.ndarray
    group_artists: np.ndarray

    def blank(self, years: np.ndarray, min_artists: int, group: int | None = None) -> np.ndarray:
        """Which of the years lie in periods with too few artists (of one group), or in none."""
        rows = (np.asarray(years) - self.begins[0]) // self.period_years
        inside = (rows >= 0) & (rows < len(self.begins))
        artists = self.artists if group is None else self.group_artists[group]
        return ~inside | (artists[np.clip(rows, 0, len(self.begins) - 1)] < min_artists)


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums of votes by year, for the archive as it is and for samples of its artists.

    `votes` and `sampled_votes` float64 [draws, groups, years]; `totals` and `sampled_totals`, votes times
    values, float64 [draws, groups, columns, years]. A curve is a smoothed total by a smoothed vote.
    """

    years: np.ndarray
    votes: np.ndarray
    totals: np.ndarray
    sampled_votes: np.ndarray
    sampled_totals: np.ndarray
    counts: Counts


def sample(works: Works, plan: TrendPlan, *, votes_by_group: bool = True) -> Sums:
    """Draw the dates `plan.draws` times, each with one sample of the artists.

    In each period an artist has one vote, divided equally among the works that the draw puts there; with
    `votes_by_group` an artist has one vote in every group. Groups are the labels of `works`.
    """
    rng = np.random.default_rng([plan.seed, 1])
    years, periods = works.years, _Periods.of(works, plan.period_years)
    groups, columns = len(works.label_names), works.values.shape[1]
    shape = (plan.draws, groups, len(years))
    votes, sampled_votes = np.zeros(shape), np.zeros(shape)
    totals, sampled_totals = (np.zeros((plan.draws, groups, columns, len(years))) for _ in range(2))
    width = (works.last - works.first + 1).astype(np.float32)
    offset = (works.first - years[0]).astype(np.int64)
    voters = works.artists * groups + works.labels if votes_by_group else works.artists
    cells = voters * periods.number
    size = len(works.artist_names) * (groups if votes_by_group else 1) * periods.number
    tally = _Tally(periods, groups if votes_by_group else 1)
    for draw in range(plan.draws):
        place = offset + (rng.random(len(works), dtype=np.float32) * width).astype(np.int64)
        cell = cells + periods.of_year[place]
        voted = np.bincount(cell, minlength=size)
        vote = 1.0 / voted[cell]
        chosen = rng.integers(len(works.artist_names), size=len(works.artist_names))
        times = np.bincount(chosen, minlength=len(works.artist_names)).astype(np.float64)
        sampled = vote * times[works.artists]
        bins = works.labels * len(years) + place if groups > 1 else place
        _add(votes[draw], totals[draw], bins, vote, works.values)
        _add(sampled_votes[draw], sampled_totals[draw], bins, sampled, works.values)
        if draw < COUNTED_DRAWS:
            tally.add(voted.reshape(-1, tally.groups, periods.number))
    return Sums(years, votes, totals, sampled_votes, sampled_totals, tally.counts())


def _add(votes: np.ndarray, totals: np.ndarray, bins: np.ndarray, weights: np.ndarray, values: np.ndarray) -> None:
    """Fill one draw's votes [groups, years] and totals [groups, columns, years]."""
    groups, years = votes.shape
    votes[:] = np.bincount(bins, weights, groups * years).reshape(groups, years)
    for column in range(values.shape[1]):
        summed = np.bincount(bins, weights * values[:, column], groups * years)
        totals[:, column] = summed.reshape(groups, years)


@dataclass(frozen=True, eq=False)
class _Periods:
    begins: np.ndarray
    length: int
    of_year: np.ndarray

    @property
    def number(self) -> int:
        return len(self.begins)

    @classmethod
    def of(cls, works: Works, length: int) -> _Periods:
        """Periods that begin in years divisible by their length."""
        years = works.years
        first = int(years[0]) // length
        of_year = years // length - first
        begins = (np.arange(of_year[-1] + 1) + first) * length
        return cls(begins, length, of_year)


class _Tally:
    """Works, artists and effective numbers of the first draws, added up."""

    def __init__(self, periods: _Periods, groups: int) -> None:
        self.groups = groups
        self._periods = periods
        self._draws = 0
        self._works, self._artists, self._effective = (np.zeros(periods.number) for _ in range(3))
        self._group_artists = np.zeros((groups, periods.number))

    def add(self, voted: np.ndarray) -> None:
        """Works of each artist in each group and period [artists, groups, periods]."""
        self._draws += 1
        self._works += voted.sum((0, 1))
        present = voted > 0
        self._artists += present.any(1).sum(0)
        self._group_artists += present.sum(0)
        # Each of the n works of a voter carries 1/n: the squares of a voter's votes sum to 1/n.
        squares = np.divide(1.0, voted, out=np.zeros(voted.shape), where=present).sum((0, 1))
        ballots = present.sum((0, 1))
        self._effective += np.divide(ballots**2, squares, out=np.zeros(len(squares)), where=squares > 0)

    def counts(self) -> Counts:
        """The averages."""
        draws = max(self._draws, 1)
        return Counts(
            self._periods.begins,
            self._periods.length,
            self._works / draws,
            self._artists / draws,
            self._effective / draws,
            self._group_artists / draws,
        )
