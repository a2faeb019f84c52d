"""When an undated picture may have been made: a likelihood over years, from dated pictures that resemble it.

For each of the nearest artists the nearest work counts, by its whole interval of years; the rest is what the archive as
a whole is dated. How many artists, how far a year reaches and how much the whole counts are chosen on the archive
itself, each work hidden together with all others of its artist; the same trial says how good such estimates are here (a
little too good, since it also chose: one of 80 settings).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from vasari.foundation.errors import PlanError

#: What is tried: artists that count, reach of a year (standard deviation), share of the archive as a whole.
NEIGHBORS = (5, 10, 20, 40)
SPREADS_YEARS = (5.0, 10.0, 20.0, 40.0)
PRIOR_SHARES = (0.05, 0.15, 0.3, 0.6, 1.0)
LEAST_WORKS, LEAST_ARTISTS = 30, 10
MOST_TRIALS = 400
LONGEST_GRID_YEARS = 3000
MOST = 0.9  # of the likelihood: the span that is told and tried


@dataclass(frozen=True, eq=False)
class Evidence:
    """Dated pictures: vectors float64 [works, dimensions], `first` and `last` int64 years, `artists` int64 [works]."""

    vectors: np.ndarray
    first: np.ndarray
    last: np.ndarray
    artists: np.ndarray


@dataclass(frozen=True)
class Settings:
    """What the trial on the archive chose."""

    neighbors: int
    spread_years: float
    prior_share: float


@dataclass(frozen=True)
class Trial:
    """How estimates fared for works whose date is known, their artists hidden.

    `gain` is the mean of log2 of the likelihood of the true years against what the archive as a whole says, in bits;
    `error_years` the median distance of the likeliest middle from the true middle, `prior_error_years` the same
    without looking at the picture; `held` the share of true years within the shortest span of 90 % of the likelihood.
    """

    works: int
    gain: float
    error_years: float
    prior_error_years: float
    held: float


@dataclass(frozen=True, eq=False)
class Estimate:
    """A likelihood over years, float64 [years] that adds up to 1, and the rows of the evidence it leans on most."""

    years: np.ndarray
    likelihood: np.ndarray
    nearest: np.ndarray
    distances: np.ndarray

    def within(self, share: float) -> tuple[int, int]:
        """The shortest span of years that holds `share` of the likelihood: its first and its last year."""
        first, last = shortest_span(self.likelihood, share)
        return int(self.years[first]), int(self.years[last])

    @property
    def median(self) -> int:
        """The year before and after which it is equally likely."""
        return int(self.years[_middle(self.likelihood[None])[0]])


def shortest_span(likelihood: np.ndarray, share: float) -> tuple[int, int]:
    """The places [first, last] of the shortest run of a likelihood [years] that holds `share` of it."""
    below = np.concatenate([[0.0], np.cumsum(likelihood)])
    ends = np.searchsorted(below, below[:-1] + share * below[-1] - 1e-12)
    lengths = np.where(ends < len(below), ends - np.arange(len(likelihood)), len(below))
    first = int(np.argmin(lengths))
    return first, int(ends[first]) - 1


def _middle(likelihood: np.ndarray) -> np.ndarray:
    """The places before and after which rows [n, years] are equally likely: int64 [n]."""
    return np.minimum((np.cumsum(likelihood, 1) < 0.5).sum(1), likelihood.shape[1] - 1)


class Estimator:
    """Estimates years by one archive's evidence; the settings are chosen once.

    `years` is the grid, `prior` float64 [years] what the archive as a whole is dated, each artist counting equally,
    `smooth_prior` the same with each year reaching as far as the settings say.
    """

    def __init__(self, evidence: Evidence, seed: int = 0) -> None:
        """Raises `PlanError` for fewer than 30 works or 10 artists, or a span beyond 3,000 years."""
        _, artists = np.unique(evidence.artists, return_inverse=True)
        _check(evidence, int(artists.max(initial=-1)) + 1)
        self._evidence = evidence
        self._artists = artists
        self.years = np.arange(evidence.first.min() - 10, evidence.last.max() + 11)
        votes = 1.0 / np.bincount(artists)[artists]
        self.prior = _normalized(_summed_mass(evidence, self.years, votes)[None])[0]
        self._kernels = {spread: _kernel(self.years, spread) for spread in SPREADS_YEARS}
        self.settings, self.trial = self._tried(seed)

    def estimate(self, vector: np.ndarray, hidden_artist: int | None = None) -> Estimate:
        """The likelihood over years of a picture with this vector; `hidden_artist` is a value of `artists` left out."""
        distances = np.sqrt(((self._evidence.vectors - vector) ** 2).sum(1))
        if hidden_artist is not None:
            distances = np.where(self._evidence.artists == hidden_artist, np.inf, distances)
        rows = self._nearest(distances, self.settings.neighbors)
        near = self._smoothed(self._mass(rows).mean(0)[None], self.settings.spread_years)
        likelihood = self._mixed(near, self.settings)[0]
        return Estimate(self.years, likelihood, rows, distances[rows])

    @property
    def smooth_prior(self) -> np.ndarray:
        """As the class says: float64 [years]."""
        return np.asarray(self._smoothed(self.prior[None], self.settings.spread_years)[0])

    def _nearest(self, distances: np.ndarray, count: int) -> np.ndarray:
        """The nearest work of each of the nearest artists, nearest first."""
        order = np.argsort(distances, kind="stable")
        order = order[np.isfinite(distances[order])]
        _, firsts = np.unique(self._artists[order], return_index=True)
        return order[np.sort(firsts)[:count]]

    def _mass(self, works: np.ndarray) -> np.ndarray:
        """The years of works as equal shares: float64 [n, years]; of all works at once it would fill the memory."""
        first, last = self._evidence.first[works, None], self._evidence.last[works, None]
        held = (self.years >= first) & (self.years <= last)
        return held / held.sum(1, keepdims=True)

    def _smoothed(self, rows: np.ndarray, spread_years: float) -> np.ndarray:
        return _normalized(rows @ self._kernels[spread_years])

    def _mixed(self, near: np.ndarray, settings: Settings) -> np.ndarray:
        """Smoothed likelihoods of near works, mixed with the archive's as a whole."""
        prior = self._smoothed(self.prior[None], settings.spread_years)
        return (1 - settings.prior_share) * near + settings.prior_share * prior

    def _tried(self, seed: int) -> tuple[Settings, Trial]:
        """Hide each work's artist, estimate, and keep the settings under which the true years were likeliest."""
        evidence = self._evidence
        rng = np.random.default_rng(seed)
        chosen = np.sort(rng.permutation(len(evidence.first))[:MOST_TRIALS])
        near = {count: np.empty((len(chosen), len(self.years))) for count in NEIGHBORS}
        for row, work in enumerate(chosen):
            distances = np.sqrt(((evidence.vectors - evidence.vectors[work]) ** 2).sum(1))
            distances[self._artists == self._artists[work]] = np.inf
            rows = self._nearest(distances, max(NEIGHBORS))
            for count in NEIGHBORS:
                near[count][row] = self._mass(rows[:count]).mean(0)
        truth = self._mass(chosen)
        options = [Settings(*values) for values in product(NEIGHBORS, SPREADS_YEARS, PRIOR_SHARES)]
        # Each artist counts equally in the trial too.
        votes = 1.0 / np.bincount(self._artists[chosen])[self._artists[chosen]]
        pairs = product(NEIGHBORS, SPREADS_YEARS)
        smoothed = {(count, spread): self._smoothed(near[count], spread) for count, spread in pairs}

        def likelihood(one: Settings) -> np.ndarray:
            return self._mixed(smoothed[one.neighbors, one.spread_years], one)

        scores = [_score(likelihood(one), truth, votes) for one in options]
        best = int(np.argmax(scores))
        blind = max(score for one, score in zip(options, scores) if one.prior_share == 1)
        return options[best], self._judged(likelihood(options[best]), truth, votes, scores[best] - blind)

    def _judged(self, likelihood: np.ndarray, truth: np.ndarray, votes: np.ndarray, gain: float) -> Trial:
        middles = (truth * self.years).sum(1)
        guesses = self.years[_middle(likelihood)]
        blind = self.years[_middle(self.prior[None])]
        spans = np.array([shortest_span(row, MOST) for row in likelihood])
        places = np.arange(len(self.years))
        inside = (places >= spans[:, :1]) & (places <= spans[:, 1:])
        return Trial(
            works=len(truth),
            gain=float(gain),
            error_years=_weighted_median(np.abs(guesses - middles), votes),
            prior_error_years=_weighted_median(np.abs(blind - middles), votes),
            held=float(((truth * inside).sum(1) * votes).sum() / votes.sum()),
        )


def _check(evidence: Evidence, artists: int) -> None:
    works = len(evidence.first)
    if works < LEAST_WORKS or artists < LEAST_ARTISTS:
        raise PlanError(
            f"The archive has {works} dated and measured works by {artists} artists.",
            remedy=f"at least {LEAST_WORKS} works by {LEAST_ARTISTS} artists are needed: add and index more",
        )
    span = int(evidence.last.max() - evidence.first.min())
    if span > LONGEST_GRID_YEARS:
        raise PlanError(f"The dated works span {span} years.", remedy=f"narrow the query to {LONGEST_GRID_YEARS} years")


def _summed_mass(evidence: Evidence, years: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """What works with these votes say of each year, each its vote in equal shares: float64 [years]."""
    share = votes / (evidence.last - evidence.first + 1)
    begins = np.bincount(evidence.first - years[0], share, len(years) + 1)
    ends = np.bincount(evidence.last + 1 - years[0], share, len(years) + 1)
    return np.asarray(np.cumsum(begins - ends)[:-1].clip(min=0))


def _kernel(years: np.ndarray, spread: float) -> np.ndarray:
    return np.exp(-0.5 * ((years[:, None] - years) / spread) ** 2)


def _normalized(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / rows.sum(1, keepdims=True))


def _score(likelihood: np.ndarray, truth: np.ndarray, votes: np.ndarray) -> float:
    """Mean of log2 of the likelihood that falls on the true years, spread over them."""
    hit = (likelihood * truth).sum(1)
    return float((np.log2(np.maximum(hit, 1e-12)) * votes).sum() / votes.sum())


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])
