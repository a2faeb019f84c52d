"""How many of the works that a query means have which artist, decade, medium, style and so on.

Counting reads arrays of codes, kept in the folder `index` of the archive under the number of the last journal entry:
they are made anew after every change, and never the truth.
"""

from __future__ import annotations

import functools
import io
import json
import zipfile
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, String, cast, func, select

from vasari.archive.queries.nodes import Query, quoted
from vasari.archive.query import where
from vasari.archive.schema import ARTISTS, FACTS, STATEMENTS, TERMS, WORKS
from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import PlanError, WriteError

FOLDER = "index"
_NAME = "facets-{}.npz"
#: Fields whose values are counted; those of many values may count a work several times, once for each value.
SHOWN = ("artist", "medium", "place", "collection")
MANY = ("style", "genre", "period", "school", "classification", "tag")
DECADE = "decade"
FACETS = (
    "artist",
    DECADE,
    "medium",
    "style",
    "genre",
    "place",
    "school",
    "period",
    "classification",
    "collection",
    "tag",
)
_NONE = np.iinfo(np.int32).min


@dataclass(frozen=True)
class Count:
    """A value, how many works have it, and the query that finds them."""

    value: str
    works: int
    query: str


@dataclass(frozen=True, eq=False)
class Codes:
    """Works as codes: `ids` int64 [works] rising, `derived` bool [works], decades int32 [2, works] (first and last).

    `pairs[field]` int32 [2, n]: row of a work, place of a value in `values[field]`.
    """

    ids: np.ndarray
    derived: np.ndarray
    decades: np.ndarray
    pairs: dict[str, np.ndarray]
    values: dict[str, list[str]]


def facets(
    connection: Connection, folder: Path, query: Query, fields: Sequence[str] = FACETS, limit: int = 20
) -> dict[str, list[Count]]:
    """The `limit` most frequent values of each field, and all decades, among the works that a query means.

    A work counts in every decade that its dates overlap, as the query `1880s` finds it; an open end reaches as far as
    the archive does. The word of models is not counted. `folder` is the archive's. Raises `PlanError` for a field
    that is not counted, and for a limit below 1.
    """
    unknown = sorted(set(fields) - set(FACETS))
    if unknown:
        raise PlanError(f"{unknown[0]!r} is not counted.", remedy=f"use one of {', '.join(FACETS)}")
    if limit < 1:
        raise PlanError(f"limit={limit} values are not 1 or more.", remedy="use --limit 10")
    codes = load(connection, folder)
    meant = _meant(connection, codes, query)
    found = {field: _decades(codes, meant) if field == DECADE else _values(codes, meant, field) for field in fields}
    return {field: counts if field == DECADE else counts[:limit] for field, counts in found.items()}


def _meant(connection: Connection, codes: Codes, query: Query) -> np.ndarray:
    """Which works are meant, bool [works]."""
    if query.root is None:
        return ~codes.derived
    return np.isin(codes.ids, ids_array(connection, query))


def ids_array(connection: Connection, query: Query) -> np.ndarray:
    """The ids of the works that a query means, int64, rising; read as one text, many times faster than by rows."""
    ids = select(func.aggregate_strings(cast(WORKS.c.id, String), ",")).where(where(query))
    text = connection.execute(ids).scalar_one()
    return np.sort(np.fromstring(text, dtype=np.int64, sep=",")) if text else np.zeros(0, np.int64)


def _values(codes: Codes, meant: np.ndarray, field: str) -> list[Count]:
    rows, places = codes.pairs[field]
    counts = np.bincount(places[meant[rows]], minlength=len(codes.values[field]))
    values = codes.values[field]
    # As many works: in the order of their names.
    order = sorted(np.flatnonzero(counts).tolist(), key=lambda place: (-counts[place], values[place]))
    sign = "==" if field in SHOWN else "="
    return [Count(values[place], int(counts[place]), f"{field} {sign} {quoted(values[place])}") for place in order]


def _decades(codes: Codes, meant: np.ndarray) -> list[Count]:
    """Decades in their order, as counted by query: from the first that any work names to the last."""
    first, last = codes.decades[:, meant & (codes.decades != _NONE).any(0)]
    if not len(first):
        return []
    ends = np.concatenate([first[first != _NONE], last[last != _NONE]])
    low, high = int(ends.min()), int(ends.max())
    first, last = np.where(first == _NONE, low, first) - low, np.where(last == _NONE, high, last) - low
    size = high - low + 2
    changes = np.bincount(np.minimum(first, size - 1), minlength=size)
    changes = changes - np.bincount(np.minimum(last + 1, size - 1), minlength=size)
    counts = np.cumsum(changes)[:-1]
    return [decade_of(low + place, int(counts[place])) for place in np.flatnonzero(counts).tolist()]


def decade_of(decade: int, works: int) -> Count:
    """A decade by its number, counted in tens of astronomical years."""
    begin, end = 10 * decade, 10 * decade + 9
    if begin > 0:
        return Count(f"{begin}s", works, f"{begin}/{end}")
    ends = [year if year > 0 else year - 1 for year in (begin, end)]
    return Count(f"{ends[0]}/{ends[1]}", works, f"{ends[0]}/{ends[1]}")


def load(connection: Connection, folder: Path) -> Codes:
    """The codes of the archive as the connection sees it: from the folder, or made and kept there if it can be."""
    number = connection.execute(select(FACTS.c.value).where(FACTS.c.name == "journal")).scalar_one()
    path = folder / FOLDER / _NAME.format(number)
    with suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return _read(path, path.stat().st_mtime_ns)
    codes = _made(connection)
    with suppress(WriteError, OSError):
        path.parent.mkdir(exist_ok=True)
        write_whole(path, _packed(codes))
        for old in path.parent.glob(_NAME.format("*")):
            if old != path:
                old.unlink(missing_ok=True)
    return codes


def _made(connection: Connection) -> Codes:
    columns = [WORKS.c[field] for field in SHOWN if field != "artist"]
    rows = connection.execute(
        select(WORKS.c.id, WORKS.c.derived, WORKS.c.date_first, WORKS.c.date_last, ARTISTS.c.name, *columns)
        .select_from(WORKS.outerjoin(ARTISTS))
        .order_by(WORKS.c.id)
    ).all()
    ids = np.array([row[0] for row in rows], np.int64)
    years = [[_NONE if row[place] is None else row[place] // 10 for row in rows] for place in (2, 3)]
    pairs: dict[str, np.ndarray] = {}
    values: dict[str, list[str]] = {}
    for place, field in enumerate(SHOWN, start=4):
        said = [(number, row[place]) for number, row in enumerate(rows) if row[place]]
        pairs[field], values[field] = _coded([one for one, _ in said], [value for _, value in said])
    for field in MANY:
        pairs[field], values[field] = _said(connection, field, ids)
    derived = np.array([row[1] for row in rows], bool)
    return Codes(ids, derived, np.array(years, np.int32).reshape(2, -1), pairs, values)


def _coded(rows: Sequence[int], values: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    names = {value: place for place, value in enumerate(sorted(set(values)))}
    return np.array([rows, [names[value] for value in values]], np.int32).reshape(2, -1), list(names)


def _said(connection: Connection, field: str, ids: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """A field of many values: spellings that queries take for one are one, shown as the first of them."""
    terms = connection.execute(select(TERMS.c.digest, TERMS.c.plain).where(TERMS.c.field == field)).all()
    plain = {row[0]: row[1] for row in terms}
    query = select(STATEMENTS.c.work_id, STATEMENTS.c.digest, STATEMENTS.c.value).distinct()
    said = connection.execute(query.where(STATEMENTS.c.field == field, STATEMENTS.c.kind != "model")).all()
    spelled: dict[str, str] = {}
    for _, digest, value in said:
        spelled[plain[digest]] = min(value, spelled.get(plain[digest], value))
    both = sorted({(work, spelled[plain[digest]]) for work, digest, _ in said})
    rows = np.searchsorted(ids, [work for work, _ in both]).tolist()
    return _coded(rows, [value for _, value in both])


def _packed(codes: Codes) -> bytes:
    file = io.BytesIO()
    values = np.frombuffer(json.dumps(codes.values).encode(), np.uint8)
    arrays: dict[str, Any] = {f"of_{field}": array for field, array in codes.pairs.items()}
    np.savez(file, ids=codes.ids, derived=codes.derived, decades=codes.decades, values=values, **arrays)
    return file.getvalue()


@functools.lru_cache(maxsize=2)
def _read(path: Path, _modified_ns: int) -> Codes:
    """The codes of a file; those read last stay in memory."""
    data = path.read_bytes()
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        values = json.loads(file["values"].tobytes())
        pairs = {field: file[f"of_{field}"] for field in (*SHOWN, *MANY)}
        return Codes(file["ids"], file["derived"], file["decades"], pairs, values)
