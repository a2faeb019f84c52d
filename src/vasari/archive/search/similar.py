"""Works whose pictures are like a picture: in their colors, their texture, or as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import Connection, select

from vasari.archive.queries.nodes import Query
from vasari.archive.schema import WORKS
from vasari.archive.search.facets import ids_array
from vasari.archive.search.vectors import EXACT_WORKS, Vectors, feature_of, load
from vasari.foundation.errors import ArchiveError, PlanError

MOST_HITS = 1000
#: The graph is asked for so many times the hits, which are then compared exactly.
_SPARE = 4
#: Rows compared at a time.
_ROWS = 16_384


@dataclass(frozen=True)
class Hit:
    """A work and how far its picture is, by the metric of the feature; 0 is the same."""

    work_id: int
    distance: float


def like_work(
    connection: Connection, folder: Path, key: str, *, by: str = "overall", limit: int = 20, query: Query | None = None
) -> list[Hit]:
    """The works most like the one of a key, itself left out; `query` says among which.

    `folder` is the archive's. Raises `ArchiveError` where there is no such work, or it is not measured.
    """
    _check(limit)
    id = connection.execute(select(WORKS.c.id).where(WORKS.c.key == key)).scalar()
    if id is None:
        raise ArchiveError(f"There is no work {key!r}.", remedy="vasari archive list shows the keys")
    vectors = load(connection, folder, by)
    rows = np.flatnonzero(vectors.ids == id)
    if not len(rows):
        raise ArchiveError(
            f"The work {key!r} has no picture that was measured.", remedy="run vasari archive index, or name another"
        )
    among = ids_array(connection, query) if query is not None else _own(connection, vectors)
    hits = nearest(vectors, np.array(vectors.vectors[rows[0]]), limit + 1, among)
    return [hit for hit in hits if hit.work_id != id][:limit]


def like_picture(
    connection: Connection,
    folder: Path,
    picture: str | Path,
    *,
    by: str = "overall",
    limit: int = 20,
    query: Query | None = None,
) -> list[Hit]:
    """The works most like a picture file that need not be in the archive; as `like_work`, and raises `PictureError`."""
    from vasari.archive.features.comparing import comparable
    from vasari.archive.features.measuring import measure

    _check(limit)
    feature = feature_of(by)
    vectors = load(connection, folder, by)
    measures = measure(picture, (feature,))
    for error in measures.failures.values():
        raise error
    wanted = comparable(feature, measures.vectors[feature][None])[0]
    among = ids_array(connection, query) if query is not None else _own(connection, vectors)
    return nearest(vectors, wanted, limit, among)


def nearest(vectors: Vectors, wanted: np.ndarray, limit: int, among: np.ndarray | None = None) -> list[Hit]:
    """The `limit` works nearest to a comparable vector [k], of those in `among` (ids; None: all), nearest first.

    Exact up to `EXACT_WORKS` works, and wherever `among` has at most so many; beyond it a graph proposes works that are
    then compared exactly. Works at one distance come in the order of their ids.
    """
    if vectors.graph is not None and (among is None or len(among) > EXACT_WORKS):
        rows = _proposed(vectors, wanted, limit, among)
    elif among is None or len(among) == len(vectors.ids):
        rows = _closest(vectors, wanted, limit, None)
    else:
        rows = _closest(vectors, wanted, limit, np.flatnonzero(np.isin(vectors.ids, among)))
    exact = np.linalg.norm(vectors.vectors[rows].astype(np.float64) - wanted, axis=1)
    ids = vectors.ids[rows]
    order = np.lexsort((ids, exact))[:limit]
    return [Hit(int(ids[place]), float(exact[place])) for place in order]


def _check(limit: int) -> None:
    if not 1 <= limit <= MOST_HITS:
        raise PlanError(f"{limit} hits are not 1..{MOST_HITS}.", remedy="use --limit 20")


def _own(connection: Connection, vectors: Vectors) -> np.ndarray | None:
    """All works but those that Vasari derived; None where none was."""
    derived = connection.execute(select(WORKS.c.id).where(WORKS.c.derived)).scalars().all()
    return np.setdiff1d(vectors.ids, np.array(derived, np.int64)) if derived else None


def _closest(vectors: Vectors, wanted: np.ndarray, limit: int, rows: np.ndarray | None) -> np.ndarray:
    """Rows among which the nearest are: all are compared, by |v|² - 2 v·w, and a few more are kept for rounding."""
    wanted = wanted.astype(np.float32)
    if rows is None:
        gaps = vectors.squares - 2 * (vectors.vectors @ wanted)
    else:
        gaps = np.empty(len(rows), np.float32)
        for begin in range(0, len(rows), _ROWS):
            some = rows[begin : begin + _ROWS]
            gaps[begin : begin + _ROWS] = vectors.squares[some] - 2 * (vectors.vectors[some] @ wanted)
    kept = min(len(gaps), 2 * limit + 20)
    places = np.argpartition(gaps, kept - 1)[:kept] if kept < len(gaps) else np.arange(len(gaps))
    return places if rows is None else rows[places]


def _proposed(vectors: Vectors, wanted: np.ndarray, limit: int, among: np.ndarray | None) -> np.ndarray:
    """Rows that the graph leads to; more of them, until enough are in `among`."""
    count = _SPARE * limit
    while True:
        found = vectors.graph.search(wanted.astype(np.float32), count).keys.astype(np.int64)  # type: ignore[union-attr]
        kept = found if among is None else found[np.isin(vectors.ids[found], among)]
        if len(kept) >= limit or count >= len(vectors.ids):
            return kept
        count = min(2 * count, len(vectors.ids))
