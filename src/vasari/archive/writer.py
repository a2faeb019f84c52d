"""One transaction that changes an archive: rows put in and taken out, each in the journal as well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from vasari.archive.file_names import name_rows
from vasari.archive.journal import Change
from vasari.archive.schema import DERIVATIVES, EVENTS, FACTS, FILES, JOURNALED, NAMES, STATEMENTS, TERMS, WORDS
from vasari.archive.terms import term_rows

Row = dict[str, Any]
#: Rows a statement; SQLite takes at most 32,766 values at once.
_AT_ONCE = 500
#: Tables that say which picture stands for a work.
_PICTURES = (FILES, DERIVATIVES)
_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class Writer:
    """Writes rows within one transaction; nobody else writes meanwhile. `connection` may read what it wrote.

    `changes_pictures` tells whether other pictures may stand for works now: what is made of all of them is then old.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.changes: list[Change] = []
        self.changes_pictures = False
        self._next_ids: dict[str, int] = {}
        self._terms: set[tuple[str, str]] = set()

    def put(self, table: Table, rows: Iterable[Row], *, same_pictures: bool = False) -> None:
        """Insert whole rows, or replace those of the same primary key.

        With `same_pictures`, rows of files say nothing new but when they were looked at.
        """
        whole = [{column.name: row[column.name] for column in table.columns} for row in rows]
        keys = [column.name for column in table.primary_key]
        others = [column.name for column in table.columns if column.name not in keys]
        for begin in range(0, len(whole), _AT_ONCE):
            insert = _INSERTS[self.connection.dialect.name](table)
            replace = insert.on_conflict_do_update(
                index_elements=keys, set_={name: insert.excluded[name] for name in others}
            )
            self.connection.execute(replace, whole[begin : begin + _AT_ONCE])
        if table is STATEMENTS:
            self._learn(whole)
        elif table is EVENTS:
            self._keep_new(NAMES, name_rows(whole))
        self._note("put", table, whole)
        self.changes_pictures |= bool(whole) and table in _PICTURES and not same_pictures

    def add(self, table: Table, rows: Iterable[Row]) -> list[int]:
        """Insert rows without an `id` and return the ids they got, in order."""
        given = list(rows)
        first = self._next_ids.get(table.name)
        if first is None:
            last = self.connection.execute(select(func.max(table.c.id))).scalar()
            first = (last or 0) + 1
        ids = list(range(first, first + len(given)))
        self._next_ids[table.name] = first + len(given)
        self.put(table, ({**row, "id": id} for id, row in zip(ids, given, strict=True)))
        return ids

    def cut(self, table: Table, keys: Sequence[Row]) -> None:
        """Take out the rows of these primary keys."""
        names = [column.name for column in table.primary_key]
        whole = [{name: key[name] for name in names} for key in keys]
        for begin in range(0, len(whole), _AT_ONCE // 5):
            chunk = whole[begin : begin + _AT_ONCE // 5]
            self.connection.execute(
                delete(table).where(or_(*(and_(*(table.c[name] == key[name] for name in names)) for key in chunk)))
            )
        self._note("cut", table, whole)
        self.changes_pictures |= bool(whole) and table in _PICTURES

    def put_fact(self, name: str, value: str) -> None:
        """Set a fact about the archive itself; facts are not journaled."""
        self.put(FACTS, [{"name": name, "value": value}])

    def _learn(self, statements: Sequence[Row]) -> None:
        """Keep the plain forms of values that were not met before, so that searches find them."""
        new = [row for row in statements if (row["field"], row["digest"]) not in self._terms]
        self._terms |= {(row["field"], row["digest"]) for row in new}
        terms, words = term_rows(new)
        self._keep_new(TERMS, terms)
        self._keep_new(WORDS, words)

    def _keep_new(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert the rows that are not there."""
        insert = _INSERTS[self.connection.dialect.name](table).on_conflict_do_nothing()
        for begin in range(0, len(rows), _AT_ONCE):
            self.connection.execute(insert, rows[begin : begin + _AT_ONCE])

    def _note(self, what: str, table: Table, rows: list[Row]) -> None:
        if rows and table.name in JOURNALED:
            self.changes.append(Change(what, table.name, rows))
