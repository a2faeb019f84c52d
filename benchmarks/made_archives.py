"""Archives made up for the tests and benchmarks of trends, with careers as real ones have them.

Long or short, prolific or not, alike within a career: the truth is known, so that bands and alarms can be counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from vasari.archive.trends.works import Works

STEP_YEAR = 1800
STEP = 0.8  # in standard deviations of works: artists' 0.6 and works' 0.8 make 1


@dataclass(frozen=True)
class Archive:
    """Columns of a table, a row a work."""

    values: np.ndarray
    first: np.ndarray
    last: np.ndarray
    artists: np.ndarray

    def works(self) -> Works:
        """The table that trends take."""
        return Works.of_years(self.values, self.first, self.last, self.artists)


def make_archive(
    seed: int,
    *,
    artists: int = 150,
    mean_works: float = 12,
    artist_sd: float = 0.6,
    work_sd: float = 0.8,
    memory: float = 0.0,
    uncertain_years: int = 0,
    truth: Callable[[np.ndarray], np.ndarray] = np.zeros_like,
) -> Archive:
    """Careers of 30 years between 1700 and 1900 whose works share an artist's level; `memory` ties a work to the last.

    Half the dates are exact when `uncertain_years` is above 0, the others intervals of up to so many years
    that hold the true one.
    """
    rng = np.random.default_rng([seed, 41])
    begins = rng.integers(1685, 1885, artists)
    numbers = np.maximum(1, rng.negative_binomial(1.2, 1.2 / (1.2 + mean_works), artists))
    who = np.repeat(np.arange(artists), numbers)
    when = np.sort(rng.random(len(who)) * 30 + 1000 * who) - 1000 * who
    years = (begins[who] + when).astype(np.int64)
    noise = rng.standard_normal(len(who))
    for row in range(1, len(who)):
        if memory and who[row] == who[row - 1]:
            noise[row] = memory * noise[row - 1] + np.sqrt(1 - memory**2) * noise[row]
    values = truth(years.astype(np.float64)) + rng.normal(0, artist_sd, artists)[who] + work_sd * noise
    width = rng.integers(0, uncertain_years + 1, len(who)) * (rng.random(len(who)) < 0.5)
    first = years - (rng.random(len(who)) * (width + 1)).astype(np.int64)
    inside = (years >= 1700) & (years < 1900)
    return Archive(values[inside], first[inside], (first + width)[inside], who[inside])


def step(years: np.ndarray) -> np.ndarray:
    """A change of level in `STEP_YEAR`."""
    return STEP * (years >= STEP_YEAR)


def with_common_years(archive: Archive, seed: int, memory: float = 0.5) -> Archive:
    """The archive with half a standard deviation that all works of a year share, and that resembles the year before."""
    rng = np.random.default_rng([seed, 7])
    shocks = rng.standard_normal(200)
    for year in range(1, 200):
        shocks[year] = memory * shocks[year - 1] + np.sqrt(1 - memory**2) * shocks[year]
    return replace(archive, values=archive.values + 0.5 * shocks[archive.first - 1700])


def with_shuffled_artists(archive: Archive, seed: int) -> Archive:
    """The archive with its artists given each other's time, exactly dated."""
    names = np.unique(archive.artists)
    middle = np.array([np.median(archive.first[archive.artists == name]) for name in names])
    shift = np.random.default_rng([seed, 8]).permutation(middle) - middle
    row = np.searchsorted(names, archive.artists)
    years = np.clip(archive.first + shift[row].astype(np.int64), 1700, 1899)
    return replace(archive, first=years, last=years)


NO_CHANGE: dict[str, Callable[[int], Archive]] = {
    "works that remember 0.5": lambda seed: make_archive(seed, memory=0.5),
    "years that remember 0.5": lambda seed: with_common_years(make_archive(seed), seed),
    "shuffled artists": lambda seed: with_shuffled_artists(make_archive(seed, truth=step), seed),
}
