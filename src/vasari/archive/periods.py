"""The style of a part of the archive: the mean of its works' StyleCodes, in which each artist counts equally."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import Connection

from vasari.archive.feature_tables import numbers
from vasari.archive.features.coding import Coder, style_code
from vasari.archive.query import parsed
from vasari.archive.trending import Dated, dated_works
from vasari.foundation.errors import PlanError
from vasari.models.style import StyleCode

#: Works named in words; the file of the style names them all.
MOST_NAMED = 12


@dataclass(frozen=True, eq=False)
class PeriodStyle:
    """A mean style with the works it was made of: their keys in order, and how many artists they are by."""

    query: str
    code: StyleCode
    keys: tuple[str, ...]
    named: tuple[str, ...]
    artists: int

    @property
    def facts(self) -> dict[str, str]:
        """What the file of the style says of itself; `works` is a JSON list of all keys."""
        more = len(self.named) - MOST_NAMED
        cited = "; ".join(self.named[:MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")
        return {
            "title": f"in this collection: {self.query}" if self.query else "this collection",
            "source": f"mean of {len(self.keys)} works by {self.artists} artists: {cited}",
            "rights": "see the works",
            "works": json.dumps(self.keys, ensure_ascii=False),
        }

    def save(self, path: Path) -> Path:
        """Write the style to a file that `--style` takes."""
        return self.code.save(path, self.facts)


def period_style(connection: Connection, query: str, coder: Coder) -> PeriodStyle:
    """The style of the works that a query finds; works without a picture are left out.

    An artist's works share one vote; of unknown artists each work has its own. Raises `PlanError` where nothing is
    found, `ArchiveError` where pictures were not indexed.
    """
    works = dated_works(connection, parsed(query))
    vectors = numbers(connection, works.ids, "style")
    rows = np.flatnonzero(np.isfinite(vectors).all(1))
    if not len(rows):
        raise PlanError("None of the works that were found has a picture.", remedy="widen the query, or add pictures")
    rows = rows[np.argsort([works.keys[row] for row in rows], kind="stable")]
    votes, artists = _votes(works.artists[rows])
    mean = (vectors[rows].astype(np.float64) * votes[:, None]).sum(0) / votes.sum()
    return PeriodStyle(
        query=query,
        code=style_code(mean.astype(np.float32), coder),
        keys=tuple(works.keys[row] for row in rows),
        named=tuple(_named(works, int(row)) for row in rows),
        artists=artists,
    )


def walk_styles(
    connection: Connection, query: str, years: Sequence[int], window_years: int, coder: Coder
) -> Mapping[int, PeriodStyle]:
    """The style of each year: of the works of a query that may be of the `window_years` around it.

    Raises `PlanError` where a window holds no work, and names the year.
    """
    styles: dict[int, PeriodStyle] = {}
    for year in years:
        first = year - window_years // 2
        # There is no year 0: a window that begins or ends there loses that year.
        span = f"{first or 1}/{first + window_years - 1 or -1}"
        words = f"date in {span}" + (f" and ({query})" if query else "")
        try:
            styles[year] = period_style(connection, words, coder)
        except PlanError as error:
            raise PlanError(
                f"There is no style of {year}: {error.message}", remedy="widen --window-years, or choose other years"
            ) from error
    return styles


def _votes(artists: np.ndarray) -> tuple[np.ndarray, int]:
    """One vote an artist, divided among their works; an unknown artist's work has one of its own."""
    names, of = np.unique(artists, return_inverse=True)
    counts = np.bincount(of)
    unknown = artists == ""
    votes = np.where(unknown, 1.0, 1.0 / counts[of])
    return votes, int((names != "").sum() + unknown.sum())


def _named(works: Dated, row: int) -> str:
    about = ", ".join(part for part in (str(works.artists[row]), works.titles[row], works.dates[row]) if part)
    return about or works.keys[row]
