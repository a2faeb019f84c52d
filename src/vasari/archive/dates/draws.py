"""Dated intervals as arrays: years drawn from them, and their shares in periods."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vasari.archive.dates.dating import Assumptions, Dating
from vasari.archive.dates.parse import DEFAULT
from vasari.archive.dates.spans import astronomical
from vasari.foundation.errors import PlanError


def bounds(datings: Sequence[Dating], assumptions: Assumptions = DEFAULT) -> np.ndarray:
    """The first and last year of each dating: int64 [works, 2], astronomical (1 BC is 0), both included.

    An open end reaches `assumptions.open_years` from the known one. Raises `PlanError` for an unknown date:
    nothing can be drawn from it, and a guess in its place would be taken for knowledge.
    """
    unknown = [dating for dating in datings if not dating.known]
    if unknown:
        raise PlanError(
            f"{len(unknown)} of {len(datings)} dates are unknown, the first is {unknown[0].verbatim!r}.",
            remedy="leave them out: [dating for dating in datings if dating.known]",
        )
    ends = [_ends(dating, assumptions.open_years) for dating in datings]
    return np.array(ends, dtype=np.int64).reshape(len(ends), 2)


def _ends(dating: Dating, open_years: int) -> tuple[int, int]:
    first = None if dating.earliest is None else astronomical(dating.earliest)
    last = None if dating.latest is None else astronomical(dating.latest)
    if first is None:
        first = (last or 0) - open_years
    return first, first + open_years if last is None else last


def draw_years(
    datings: Sequence[Dating], rng: np.random.Generator, n: int, assumptions: Assumptions = DEFAULT
) -> np.ndarray:
    """n possible worlds: int64 [n, works], a year of each interval, each year of it equally likely.

    Years are astronomical (1 BC is 0), so that they can be subtracted. Works are drawn independently. Raises
    `PlanError` as `bounds` does.
    """
    ends = bounds(datings, assumptions)
    return rng.integers(ends[:, 0], ends[:, 1] + 1, size=(n, len(ends)))


def aoristic(datings: Sequence[Dating], edges: np.ndarray, assumptions: Assumptions = DEFAULT) -> np.ndarray:
    """The share of each interval that falls in each period: float64 [works, periods], in 0..1.

    `edges` are rising years (astronomical): period i runs from edges[i] up to, and without, edges[i + 1]. Rows sum to
    1 where the edges cover the interval; an unknown date has no share anywhere. Source: Ratcliffe, "Aoristic
    analysis: the spatial interpretation of unspecific temporal events", 2000.
    """
    edges = np.asarray(edges)
    if edges.ndim != 1 or len(edges) < 2 or np.any(np.diff(edges) <= 0):
        raise PlanError(f"The edges of periods must rise, got {edges.tolist()}.", remedy="write 1800, 1810, 1820")
    known = np.array([dating.known for dating in datings], dtype=bool)
    ends = bounds([dating for dating in datings if dating.known], assumptions)
    result = np.zeros((len(datings), len(edges) - 1))
    result[known] = shares(ends, edges)
    return result


def shares(ends: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """As `aoristic`, of first and last years [works, 2]."""
    first, after = ends[:, :1], ends[:, 1:] + 1
    overlap = np.minimum(after, edges[None, 1:]) - np.maximum(first, edges[None, :-1])
    return np.clip(overlap, 0, None) / (after - first)
