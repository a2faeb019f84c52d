"""Works that a query means, page by page, in an order that the same works always have."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal, or_, select

from vasari.archive.queries.nodes import Query
from vasari.archive.query import where
from vasari.archive.schema import ARTISTS, FILES, WORKS
from vasari.archive.statements import cleaned
from vasari.foundation.errors import PlanError

LARGEST_PAGE = 1000
#: Behind every year.
_NO_YEAR = 1_000_000
#: Every number of a cursor is smaller: databases take no larger ones.
_LARGEST = 1 << 31

_ARTIST = func.coalesce(ARTISTS.c.name, "")
_YEAR = func.coalesce(WORKS.c.date_first, WORKS.c.date_last, literal(_NO_YEAR))
#: What works can be sorted by. Works without an artist or a year come last.
SORTS = MappingProxyType(
    {
        "key": (WORKS.c.key,),
        "title": (WORKS.c.title,),
        "artist": (case((_ARTIST == "", 1), else_=0), _ARTIST),
        "date": (_YEAR,),
        "added": (WORKS.c.added,),
    }
)


@dataclass(frozen=True)
class Work:
    """A work as lists show it; `first` and `last` are astronomical years, None where open or unknown.

    `picture` is the path of its first present file, as the archive has it, or empty.
    """

    id: int
    key: str
    title: str
    artist: str
    date: str
    first: int | None
    last: int | None
    medium: str
    place: str
    collection: str
    picture: str

    def values(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return dict(vars(self))  # all are texts and numbers: nothing to copy deeper


@dataclass(frozen=True)
class Page:
    """Works of one page, and the cursor of the next; it is None on the last."""

    works: tuple[Work, ...]
    cursor: str | None


def list_works(
    connection: Connection, query: Query, *, sort: str = "key", limit: int = 50, cursor: str | None = None
) -> Page:
    """A page of the works that a query means, beginning where `cursor` points; raises `PlanError`.

    Works that are added or changed between two pages make no other work appear twice or not at all.
    """
    if sort not in SORTS:
        raise PlanError(f"Works are not sorted by {sort!r}.", remedy=f"use one of {', '.join(SORTS)}")
    if not 1 <= limit <= LARGEST_PAGE:
        raise PlanError(f"A page of {limit} works is not 1..{LARGEST_PAGE}.", remedy="use --limit 50, and --cursor")
    # One order on both databases: that of code points.
    sorted_by = [_plainly(column, connection) for column in (*SORTS[sort], WORKS.c.id)]
    wanted = where(query)
    if cursor is not None:
        wanted = and_(wanted, _behind(sorted_by, _read_cursor(cursor, sort, sorted_by)))
    rows = connection.execute(
        select(*_COLUMNS, *(column.label(f"sort{place}") for place, column in enumerate(sorted_by)))
        .select_from(WORKS.outerjoin(ARTISTS))
        .where(wanted)
        .order_by(*sorted_by)
        .limit(limit + 1)
    ).all()
    works = tuple(Work(*tuple(row)[: len(_COLUMNS)]) for row in rows[:limit])
    following = _cursor(sort, list(rows[limit - 1][len(_COLUMNS) :])) if len(rows) > limit else None
    return Page(works, following)


def works_by_id(connection: Connection, ids: list[int]) -> list[Work]:
    """The works of these ids, in this order; those that are gone are left out."""
    found: dict[int, Work] = {}
    for begin in range(0, len(ids), 500):
        query = select(*_COLUMNS).select_from(WORKS.outerjoin(ARTISTS)).where(WORKS.c.id.in_(ids[begin : begin + 500]))
        found |= {row[0]: Work(*tuple(row)) for row in connection.execute(query)}
    return [found[id] for id in ids if id in found]


def count_works(connection: Connection, query: Query) -> int:
    """How many works a query means."""
    return int(connection.execute(select(func.count()).select_from(WORKS).where(where(query))).scalar_one())


_COLUMNS = (
    WORKS.c.id,
    WORKS.c.key,
    WORKS.c.title,
    _ARTIST.label("artist"),
    WORKS.c.date_text,
    WORKS.c.date_first,
    WORKS.c.date_last,
    WORKS.c.medium,
    WORKS.c.place,
    WORKS.c.collection,
    func.coalesce(
        select(FILES.c.path)
        .where(FILES.c.work_id == WORKS.c.id, FILES.c.state == "present")
        .order_by(FILES.c.id)
        .limit(1)
        .correlate(WORKS)
        .scalar_subquery(),
        "",
    ).label("picture"),
)


def _plainly(column: ColumnElement[Any], connection: Connection) -> ColumnElement[Any]:
    is_text = column.type.python_type is str
    return column.collate("C") if is_text and connection.dialect.name == "postgresql" else column


def _behind(columns: list[ColumnElement[Any]], values: list[Any]) -> ColumnElement[bool]:
    """Rows that come after these values: greater in the first column that differs."""
    return or_(
        *(
            and_(*(columns[before] == values[before] for before in range(place)), columns[place] > values[place])
            for place in range(len(columns))
        )
    )


def _cursor(sort: str, values: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps([sort, *values]).encode()).decode().rstrip("=")


def _read_cursor(cursor: str, sort: str, columns: list[ColumnElement[Any]]) -> list[Any]:
    """The values that a cursor holds, each of its column's kind; what is no cursor of this list is refused."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        values = json.loads(text)
        fits = isinstance(values, list) and len(values) == len(columns) + 1 and values[0] == sort
        if fits and all(_is_value(value, column) for value, column in zip(values[1:], columns)):
            return list(values[1:])
    except (ValueError, binascii.Error, RecursionError):
        pass
    raise PlanError("The cursor does not fit this list.", remedy="use the one of the page before, with the same --sort")


def _is_value(value: Any, column: ColumnElement[Any]) -> bool:
    if column.type.python_type is str:
        return isinstance(value, str) and cleaned(value) == value
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST
