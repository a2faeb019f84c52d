"""The table that every trend starts from: a value, a dated interval and an artist for each work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vasari.archive.dates.dating import Assumptions, Dating
from vasari.archive.dates.draws import bounds
from vasari.archive.dates.parse import DEFAULT
from vasari.foundation.errors import PlanError

LONGEST_SPAN_YEARS = 6000  # from the first to the last possible year of a table


@dataclass(frozen=True, eq=False)
class Works:
    """Dated works in an order of their own, so that no result depends on the order they came in.

    `values` float64 [works, columns]; `first` and `last` int64 [works], astronomical years, both
    included; `artists` int64 [works], rows of `artist_names`; `labels` int64 [works], rows of
    `label_names`. `undated` and `unmeasured` count the works left out, `unattributed` those whose artist
    is not known: each of them stands for an artist of its own.
    """

    values: np.ndarray
    first: np.ndarray
    last: np.ndarray
    artists: np.ndarray
    artist_names: tuple[str, ...]
    labels: np.ndarray
    label_names: tuple[str, ...]
    undated: int = 0
    unmeasured: int = 0
    unattributed: int = 0

    def __len__(self) -> int:
        return len(self.first)

    @property
    def years(self) -> np.ndarray:
        """Every year from the first to the last that a work may be of."""
        return np.arange(int(self.first.min()), int(self.last.max()) + 1)

    @classmethod
    def of(
        cls,
        values: Sequence[float] | np.ndarray,
        datings: Sequence[Dating],
        artists: Sequence[str | int] | np.ndarray,
        labels: Sequence[str] | np.ndarray | None = None,
        assumptions: Assumptions = DEFAULT,
    ) -> Works:
        """Of parsed dates; works of unknown date are left out and counted. See `of_years` for the rest."""
        known = np.array([dating.known for dating in datings], dtype=bool)
        ends = np.zeros((len(datings), 2), dtype=np.int64)
        ends[known] = bounds([dating for dating in datings if dating.known], assumptions)
        return cls.of_years(values, ends[:, 0], ends[:, 1], artists, labels, known)

    @classmethod
    def of_years(
        cls,
        values: Sequence[float] | np.ndarray,
        first: Sequence[int] | np.ndarray,
        last: Sequence[int] | np.ndarray,
        artists: Sequence[str | int] | np.ndarray,
        labels: Sequence[str] | np.ndarray | None = None,
        known: np.ndarray | None = None,
    ) -> Works:
        """Of arrays with a row for each work: values [works] or [works, columns], astronomical years.

        Rows where `known` is false or a value is not finite are left out and counted. An empty artist ("")
        is an unknown one; empty labels make no group and are left out as unmeasured. Raises `PlanError` for
        lengths that differ, a first year after the last, a table that spans too many years, or nothing left.
        """
        table = np.asarray(values, dtype=np.float64)
        table = table[:, None] if table.ndim == 1 else table
        low, high = np.asarray(first, dtype=np.int64), np.asarray(last, dtype=np.int64)
        names = np.asarray(artists)
        names = names if names.dtype.kind in "iu" else names.astype(str)
        tags = np.full(len(low), "all") if labels is None else np.asarray(labels).astype(str)
        _same_lengths(table, low, high, names, tags)
        dated = np.ones(len(low), dtype=bool) if known is None else np.asarray(known, dtype=bool)
        measured = np.isfinite(table).all(1) & (tags != "")
        kept = dated & measured
        _check_years(low[kept], high[kept])
        return _ordered(
            table[kept], low[kept], high[kept], names[kept], tags[kept],
            undated=int((~dated).sum()), unmeasured=int((dated & ~measured).sum()),
        )  # fmt: skip


def _same_lengths(*columns: np.ndarray) -> None:
    lengths = [len(column) for column in columns]
    if len(set(lengths)) > 1:
        raise PlanError(
            f"The columns of the table have {lengths} rows.", remedy="give a value, a date and an artist for each work"
        )


def _check_years(first: np.ndarray, last: np.ndarray) -> None:
    if not len(first):
        raise PlanError("No work has both a date and a value.", remedy="widen the query, or index its features")
    if np.any(first > last):
        row = int(np.argmax(first > last))
        raise PlanError(
            f"A work is dated {first[row]} to {last[row]}.", remedy="give the earlier year first; see docs/dates.md"
        )
    if last.max() - first.min() >= LONGEST_SPAN_YEARS:
        raise PlanError(
            f"The works span the years {first.min()} to {last.max()}.",
            remedy=f"narrow the query to less than {LONGEST_SPAN_YEARS} years",
        )


def _ordered(
    table: np.ndarray,
    first: np.ndarray,
    last: np.ndarray,
    names: np.ndarray,
    tags: np.ndarray,
    *,
    undated: int,
    unmeasured: int,
) -> Works:
    """Sorted by every column; rows that are equal in all of them are interchangeable."""
    artist_names, artists = np.unique(names, return_inverse=True)  # whole numbers stay so, which is faster
    label_names, labels = np.unique(tags, return_inverse=True)
    order = np.lexsort((*table.T, last, first, labels, artists))
    artists, known_names = artists[order], [str(name) for name in artist_names]
    unknown = artists == known_names.index("") if "" in known_names else np.zeros(len(artists), dtype=bool)
    if unknown.any():  # "" sorts first, so that every other artist moves down by the unknown works' number
        count = int(unknown.sum())
        artists = np.where(unknown, np.cumsum(unknown) - 1, artists - 1 + count)
        known_names = [f"unknown {number + 1}" for number in range(count)] + known_names[1:]
    return Works(
        values=table[order],
        first=first[order],
        last=last[order],
        artists=artists.astype(np.int64),
        artist_names=tuple(known_names),
        labels=labels[order].astype(np.int64),
        label_names=tuple(str(name) for name in label_names),
        undated=undated,
        unmeasured=unmeasured,
        unattributed=int(unknown.sum()),
    )
