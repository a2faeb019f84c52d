"""What was measured of works, as arrays: one vector a work, all of one version of the feature.

The vector of a work is that of its first present file that Vasari did not derive; a work that is itself derived has
that of its first present file.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, Select, Subquery, and_, func, or_, select

from vasari.archive.queries.nodes import Query
from vasari.archive.query import where
from vasari.archive.schema import DERIVATIVES, FEATURES, FILES, WORKS
from vasari.foundation.errors import ArchiveError

#: Rows taken from the database at a time.
_AT_ONCE = 5000
#: Up to so many works are asked for one by one; beyond it all rows are read.
_FEW = 2000


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """A feature of works: `work_ids` int64 [N] in rising order, `vectors` float32 [N, dimensions]."""

    name: str
    version: str
    work_ids: np.ndarray
    vectors: np.ndarray


@functools.cache
def current_version(name: str) -> str:
    """The version of a feature that this Vasari measures; raises `PlanError` for a name that is none."""
    from vasari.archive.features.coding import Coder
    from vasari.archive.features.table import chosen, needs_encoder, version_of

    names = chosen((name,))
    return version_of(name, Coder.of(device="cpu") if needs_encoder(names) else None)


def pictures() -> Subquery:
    """The picture that stands for each work, as rows of `work_id` and `file_id`; works without one are not in it."""
    own = FILES.c.content.not_in(select(DERIVATIVES.c.content))
    first = (
        select(FILES.c.work_id, func.min(FILES.c.id).label("file_id"))
        .join(WORKS, WORKS.c.id == FILES.c.work_id)
        .where(FILES.c.state == "present", or_(WORKS.c.derived, own))
    )
    return first.group_by(FILES.c.work_id).subquery("pictures")


def feature_table(
    connection: Connection, name: str, query: Query | None = None, version: str | None = None
) -> FeatureTable:
    """A feature of all works that a query means and that have a picture; of the current version unless named.

    Pictures that could not be measured are left out. Raises `ArchiveError` where pictures were not measured yet, or
    only in another version, and says how many.
    """
    version = version or current_version(name)
    asked = select(WORKS.c.id).where(where(query or Query()))
    ids, vectors = _read(connection, name, version, asked)
    return FeatureTable(name, version, ids, vectors)


def numbers(connection: Connection, ids: np.ndarray, name: str, version: str | None = None) -> np.ndarray:
    """A feature of the works of these ids: float32 [N, dimensions], NaN for works whose picture is not there.

    Raises `ArchiveError` as `feature_table` does, for these works alone.
    """
    version = version or current_version(name)
    wanted = np.asarray(ids, np.int64)
    asked: list[Select[tuple[int]] | None] = [None]
    if len(wanted) <= _FEW:
        steps = range(0, len(wanted), 500)
        asked = [select(WORKS.c.id).where(WORKS.c.id.in_(wanted[begin : begin + 500].tolist())) for begin in steps]
    tables = [_read(connection, name, version, some, wanted) for some in asked]
    found = np.full((len(wanted), _dimensions(name)), np.nan, np.float32)
    for got, vectors in tables:
        places = np.minimum(np.searchsorted(got, wanted), max(0, len(got) - 1))
        here = got[places] == wanted if len(got) else np.zeros(len(wanted), bool)
        found[here] = vectors[places[here]]
    return found


def feature_batches(connection: Connection, name: str, version: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Ids int64 [n] and vectors float32 [n, dimensions] of all works that were measured, in batches in no order.

    Raises `ArchiveError` for vectors of another length.
    """
    for rows in _rows(connection, name, version, None):
        measured = [row for row in rows if row[1]]
        if measured:
            yield _arrays(measured, name)


def _read(
    connection: Connection,
    name: str,
    version: str,
    asked: Select[tuple[int]] | None,
    among: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Ids int64 [N] in rising order and vectors float32 [N, dimensions] of the works of `asked` that were measured.

    Raises `ArchiveError` where one of them (that is in `among`) has a picture that was not measured.
    """
    ids, vectors = [np.zeros(0, np.int64)], [np.zeros((0, _dimensions(name)), np.float32)]
    without: list[int] = []
    for rows in _rows(connection, name, version, asked):
        without += [row[0] for row in rows if row[1] is None]
        measured = [row for row in rows if row[1]]
        if measured:
            some = _arrays(measured, name)
            ids.append(some[0])
            vectors.append(some[1])
    missing = len(without) if among is None else int(np.isin(np.array(without, np.int64), among).sum())
    if missing:
        raise _incomplete(connection, name, version, missing)
    found = np.concatenate(ids)
    order = np.argsort(found)
    return found[order], np.concatenate(vectors)[order]


def _rows(connection: Connection, name: str, version: str, asked: Select[tuple[int]] | None) -> Iterator[Sequence[Any]]:
    """Works with a picture and their vectors: None for one that was not measured, empty for one that cannot be."""
    chosen = pictures()
    rows = (
        select(chosen.c.work_id, FEATURES.c.vector)
        .join(FILES, FILES.c.id == chosen.c.file_id)
        .outerjoin(FEATURES, _same(name, version))
    )
    if asked is not None:
        rows = rows.where(chosen.c.work_id.in_(asked))
    yield from connection.execute(rows, execution_options={"yield_per": _AT_ONCE}).partitions()


def _arrays(rows: Sequence[Any], name: str) -> tuple[np.ndarray, np.ndarray]:
    blobs, size = [row[1] or b"" for row in rows], _dimensions(name)
    if any(len(blob) != 4 * size for blob in blobs):
        raise ArchiveError(
            f"A vector of the feature {name} has not {size} numbers: the database is damaged.",
            remedy="bring the database back from a backup",
        )
    ids = np.array([row[0] for row in rows], np.int64)
    return ids, np.frombuffer(b"".join(blobs), "<f4").reshape(-1, size)


def _incomplete(connection: Connection, name: str, version: str, missing: int) -> ArchiveError:
    other = connection.execute(
        select(func.count()).select_from(FEATURES).where(FEATURES.c.name == name, FEATURES.c.version != version)
    ).scalar_one()
    older = " Vectors of another version are there, and are not mixed with this one's." if other else ""
    return ArchiveError(
        f"{missing} of the works have pictures without the feature {name}, version {version}.{older}",
        remedy=f"measure them: vasari archive index --features {name}",
    )


def _same(name: str, version: str) -> ColumnElement[bool]:
    return and_(FEATURES.c.content == FILES.c.content, FEATURES.c.name == name, FEATURES.c.version == version)


def _dimensions(name: str) -> int:
    from vasari.archive.features.table import FEATURES as KNOWN
    from vasari.archive.features.table import chosen

    return KNOWN[chosen((name,))[0]].dimensions
