"""A feature over time in this collection: moving average, LOESS and a straight line, each with its band."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vasari.archive.trends import smooth
from vasari.archive.trends.bands import band, effective_artists, mean_over_draws, probability_of_nothing
from vasari.archive.trends.plan import TrendPlan
from vasari.archive.trends.sampling import Counts, Sums, sample
from vasari.archive.trends.works import Works
from vasari.foundation.errors import PlanError

DECADE_YEARS = 10


@dataclass(frozen=True, eq=False)
class Curve:
    """An estimate with its band, all float64 [years], in the feature's unit; NaN where the archive is too thin."""

    years: np.ndarray
    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def rows(self) -> list[dict[str, float]]:
        """A row a year, for tables and data frames; blank years have NaN."""
        columns = zip(self.years.tolist(), self.estimate.tolist(), self.low.tolist(), self.high.tolist())
        return [dict(zip(("year", "estimate", "low", "high"), values)) for values in columns]


@dataclass(frozen=True)
class Line:
    """A straight line through all votes: its change a decade with its band, and p that it is flat."""

    per_decade: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class Period:
    """One row of the table under a figure; years are astronomical, `end` included.

    `mean`, `low` and `high` are NaN in a blank period, one with too few artists.
    """

    begin: int
    end: int
    works: float
    artists: float
    effective: float
    mean: float
    low: float
    high: float

    @property
    def blank(self) -> bool:
        """Whether too few artists are known for a value."""
        return self.mean != self.mean


@dataclass(frozen=True, eq=False)
class Trend:
    """How a feature changed in this collection, and what that rests on."""

    moving_average: Curve
    loess: Curve
    line: Line
    periods: tuple[Period, ...]
    works: int
    artists: int
    undated: int
    unmeasured: int
    unattributed: int


@dataclass(frozen=True, eq=False)
class Ground:
    """What all curves of a table share: the draws, the years of the grid, and those of them that are not blank.

    Curves are computed at `points` alone and told at every year of `grid`.
    """

    works: Works
    plan: TrendPlan
    sums: Sums
    grid: np.ndarray
    points: np.ndarray

    @classmethod
    def of(cls, works: Works, plan: TrendPlan, *, votes_by_group: bool = True) -> Ground:
        """Draw the dates and lay the grid."""
        sums = sample(works, plan, votes_by_group=votes_by_group)
        grid = sums.years[:: plan.step_years]
        return cls(works, plan, sums, grid, grid[~sums.counts.blank(grid, plan.min_artists)])

    def artists(self, kernel: np.ndarray, group: int | None = None) -> np.ndarray:
        """Effective artists (of one group) behind each row of a kernel [rows, years].

        From the middle of every interval, which serves here alone, to say how wide a band's correction must
        be; no value is computed from it.
        """
        chosen = slice(None) if group is None else self.works.labels == group
        artist = self.works.artists[chosen]
        place = ((self.works.first + self.works.last) // 2)[chosen] - self.sums.years[0]
        period = self.sums.years[place] // self.plan.period_years
        period = period - period.min()
        _, cell, sizes = np.unique(artist * (period.max() + 1) + period, return_inverse=True, return_counts=True)
        return effective_artists(artist, place, 1.0 / sizes[cell], kernel)

    def curve(
        self, estimates: np.ndarray, samples: np.ndarray, artists: np.ndarray, blank: np.ndarray | None = None
    ) -> Curve:
        """A curve of estimates and samples [draws, points]; also blank where `blank` [points] says so."""
        low, high = band(samples, artists, self.plan.confidence)
        middle = mean_over_draws(estimates)
        gone = ~np.isfinite(middle) if blank is None else blank | ~np.isfinite(middle)
        return Curve(self.grid, *(self.told(np.where(gone, np.nan, one)) for one in (middle, low, high)))

    def told(self, values: np.ndarray) -> np.ndarray:
        """Values [points] laid on the whole grid, NaN in blank years."""
        result = np.full(len(self.grid), np.nan)
        result[np.isin(self.grid, self.points)] = values
        return result

    def window(self) -> np.ndarray:
        """The kernel of the moving average [points, years]."""
        return smooth.window_kernel(self.points, self.sums.years, self.plan.window_years)


def trend(works: Works, plan: TrendPlan | None = None) -> Trend:
    """The change of one feature over time, with bands for the dates' and the artists' uncertainty.

    `works` has one column of values and no labels. Raises `PlanError` otherwise, or where no period has
    `plan.min_artists` artists.
    """
    plan = plan or TrendPlan()
    single_column(works)
    ground = Ground.of(works, plan)
    sums = ground.sums
    not_all_blank(sums.counts, plan)
    votes, totals = sums.votes[:, 0], sums.totals[:, 0, 0]
    drawn_votes, drawn_totals = sums.sampled_votes[:, 0], sums.sampled_totals[:, 0, 0]
    window = ground.window()
    average = ground.curve(
        smooth.averages(window, votes, totals),
        smooth.averages(window, drawn_votes, drawn_totals),
        ground.artists(window),
    )
    reach = smooth.reaches(ground.points, sums.years, votes.mean(0), plan.loess_span, plan.period_years)
    kernel = smooth.tricube_kernel(ground.points, sums.years, reach)
    loess = ground.curve(
        smooth.local_lines(kernel, ground.points, sums.years, votes, totals),
        smooth.local_lines(kernel, ground.points, sums.years, drawn_votes, drawn_totals),
        ground.artists(kernel),
    )
    return Trend(
        moving_average=average,
        loess=loess,
        line=_line(ground),
        periods=period_rows(ground, votes, totals, drawn_votes, drawn_totals),
        works=len(works),
        artists=len(works.artist_names),
        undated=works.undated,
        unmeasured=works.unmeasured,
        unattributed=works.unattributed,
    )


def single_column(works: Works) -> None:
    """Refuse a table with several features or groups where one is meant."""
    if works.values.shape[1] != 1 or len(works.label_names) != 1:
        raise PlanError(
            f"The table has {works.values.shape[1]} columns and {len(works.label_names)} groups, one each is needed.",
            remedy="measure one feature at a time, or use shares() or compare()",
        )


def not_all_blank(counts: Counts, plan: TrendPlan) -> None:
    """Refuse an archive that is too thin in every period."""
    if counts.artists.max() < plan.min_artists:
        raise PlanError(
            f"No period of {plan.period_years} years has {plan.min_artists} artists; the most is "
            f"{counts.artists.max():.1f}.",
            remedy="widen the query, lengthen period_years, or lower min_artists and say so",
        )


def period_rows(
    ground: Ground, votes: np.ndarray, totals: np.ndarray, drawn_votes: np.ndarray, drawn_totals: np.ndarray
) -> tuple[Period, ...]:
    """The table of periods from sums [draws, years]."""
    counts, plan = ground.sums.counts, ground.plan
    kernel = (ground.sums.years[None] // plan.period_years == counts.begins[:, None] // plan.period_years) * 1.0
    mean = mean_over_draws(smooth.averages(kernel, votes, totals))
    low, high = band(smooth.averages(kernel, drawn_votes, drawn_totals), ground.artists(kernel), plan.confidence)
    thin = counts.artists < plan.min_artists
    mean, low, high = (np.where(thin, np.nan, one) for one in (mean, low, high))
    return tuple(
        Period(
            begin=int(counts.begins[row]),
            end=int(counts.begins[row]) + plan.period_years - 1,
            works=float(counts.works[row]),
            artists=float(counts.artists[row]),
            effective=float(counts.effective[row]),
            mean=float(mean[row]),
            low=float(low[row]),
            high=float(high[row]),
        )
        for row in range(len(mean))
    )


def _line(ground: Ground) -> Line:
    """Weighted least squares over the years that are not blank; the band and p are of samples of artists."""
    sums, plan = ground.sums, ground.plan
    seen = ~sums.counts.blank(sums.years, plan.min_artists)
    decades = (sums.years[seen] - sums.years[seen].mean()) / DECADE_YEARS
    slopes = _slopes(decades, sums.votes[:, 0][:, seen], sums.totals[:, 0, 0][:, seen])
    sampled = _slopes(decades, sums.sampled_votes[:, 0][:, seen], sums.sampled_totals[:, 0, 0][:, seen])
    artists = ground.artists(seen[None].astype(np.float64))
    low, high = band(sampled[:, None], artists, plan.confidence)
    slope = float(mean_over_draws(slopes[:, None])[0])
    return Line(slope, float(low[0]), float(high[0]), probability_of_nothing(slope, sampled, float(artists[0])))


def _slopes(decades: np.ndarray, votes: np.ndarray, totals: np.ndarray) -> np.ndarray:
    held, lever, spread = votes.sum(-1), votes @ decades, votes @ decades**2
    level, slope = totals.sum(-1), totals @ decades
    determinant = held * spread - lever**2
    solid = determinant > 1e-10 * held * spread
    return np.divide(held * slope - lever * level, determinant, out=np.full(held.shape, np.nan), where=solid)
