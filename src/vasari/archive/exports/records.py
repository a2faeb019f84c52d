"""Works as exports see them: one whole record after the other, never a list of all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select

from vasari.archive.query import parsed, where
from vasari.archive.schema import ARTISTS, FILES, STATEMENTS, WORKS
from vasari.archive.statements import FIELDS
from vasari.archive.writer import Row

_AT_ONCE = 500
#: Fields of which the catalog shows one value, and those that may have many.
SINGLE = tuple(name for name, field in FIELDS.items() if field.column)
MANY = tuple(name for name, field in FIELDS.items() if field.many)


@dataclass(frozen=True)
class Record:
    """A work: its row with the artist's name, what everybody said, and its files by path and page."""

    row: Row
    statements: list[Row]
    files: list[Row]

    def shown(self, field: str) -> str:
        """What the catalog shows of a field with one value; the date in its source's own words."""
        names = {"artist": "artist", "date": "date_text"}
        return str(self.row[names.get(field, field)] or "")

    def values(self, field: str) -> list[str]:
        """The values of a field with many, of everybody but models, sorted."""
        return sorted({row["value"] for row in self.statements if row["field"] == field and row["kind"] != "model"})


def records(connection: Connection, query: str = "") -> Iterator[Record]:
    """The works that a query means ("" for all, derived ones too), in the order of their ids; raises `PlanError`."""
    wanted = select(WORKS, ARTISTS.c.name.label("artist")).outerjoin(ARTISTS, ARTISTS.c.id == WORKS.c.artist_id)
    if query:
        wanted = wanted.where(where(parsed(query)))
    last = 0
    while rows := _rows(connection, wanted.where(WORKS.c.id > last).order_by(WORKS.c.id).limit(_AT_ONCE)):
        last = rows[-1]["id"]
        ids = [row["id"] for row in rows]
        order = (STATEMENTS.c.field, STATEMENTS.c.kind, STATEMENTS.c.by, STATEMENTS.c.digest)
        said = _by_work(connection, select(STATEMENTS).where(STATEMENTS.c.work_id.in_(ids)).order_by(*order))
        files = _by_work(connection, select(FILES).where(FILES.c.work_id.in_(ids)).order_by(FILES.c.id))
        yield from (Record(row, said[row["id"]], files[row["id"]]) for row in rows)


def _rows(connection: Connection, query: object) -> list[Row]:
    return [dict(row) for row in connection.execute(query).mappings()]  # type: ignore[call-overload]


def _by_work(connection: Connection, query: object) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in _rows(connection, query):
        found[row["work_id"]].append(row)
    return found
