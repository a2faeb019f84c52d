"""The changes of a journal, done again in an empty database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table

from vasari.archive.journal import Change, Journal
from vasari.archive.rows import Progress
from vasari.archive.schema import JOURNALED
from vasari.archive.writer import Row, Writer
from vasari.foundation.errors import ArchiveError

_AT_ONCE = 2000


@dataclass
class Replayed:
    """How many entries were done, the last one's number, the first one's time, and the rows put into each table."""

    entries: int = 0
    last: int = 0
    began: str = ""
    put: dict[str, int] = field(default_factory=dict)


def replay(connection: Connection, journal: Journal, until: int | None, progress: Progress | None = None) -> Replayed:
    """Do the entries of a journal, up to number `until` where given, without journaling them again.

    Rows of an older Vasari get the defaults of columns that came later. Raises `ArchiveError` for a table or a change
    that this Vasari does not know.
    """
    done = Replayed()
    for what, table, rows in _merged(_changes(journal, until, done, progress)):
        writer = Writer(connection)  # a new one each time: it keeps what it wrote
        if what == "put":
            writer.put(table, (_fitted(table, row) for row in rows))
            done.put[table.name] = done.put.get(table.name, 0) + len(rows)
        else:
            writer.cut(table, rows)
    return done


def _changes(journal: Journal, until: int | None, done: Replayed, progress: Progress | None) -> Iterator[Change]:
    for number, at, changes in journal.entries():
        if until is not None and number > until:
            return
        yield from changes
        done.entries += number != done.last
        done.last, done.began = number, done.began or at
        if progress is not None:
            progress(1)


def _merged(changes: Iterator[Change]) -> Iterator[tuple[str, Table, list[Row]]]:
    """Changes of one sort in a row together: thousands of small entries need not be thousands of statements."""
    what, name, rows = "", "", list[Row]()
    for change in changes:
        if change.table not in JOURNALED or change.what not in ("put", "cut"):
            raise ArchiveError(
                f"The journal changes {change.table!r} by {change.what!r}, which this Vasari does not know.",
                remedy="update Vasari",
            )
        if (change.what, change.table) != (what, name) or len(rows) >= _AT_ONCE:
            if rows:
                yield what, JOURNALED[name], rows
            what, name, rows = change.what, change.table, []
        rows += change.rows
    if rows:
        yield what, JOURNALED[name], rows


def _fitted(table: Table, row: Row) -> Row:
    return {column.name: row[column.name] if column.name in row else _default(table, column.name) for column in table.c}


def _default(table: Table, name: str) -> Any:
    column = table.c[name]
    if column.default is not None and column.default.is_scalar:
        return column.default.arg  # type: ignore[attr-defined]
    if column.nullable:
        return None
    raise ArchiveError(f"The journal lacks {name} of a row of {table.name}.", remedy="bring it back from a backup")
