"""Whole tables: streamed, copied from one database to another, and their digests, by which copies are compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from vasari.archive.schema import FACTS, METADATA, NAMES, TERMS, WORDS
from vasari.archive.writer import Row

AT_ONCE = 1000
#: Told of rows that were dealt with.
Progress = Callable[[int], None]
#: Every table but the facts, in an order that foreign keys allow.
TABLES = [table for table in METADATA.sorted_tables if table is not FACTS]
#: What `Writer` fills by itself as statements and events are put.
LEARNED = (TERMS, WORDS, NAMES)


@dataclass(frozen=True)
class TableDigest:
    """How many rows a table has, and a SHA-256 of them that does not depend on their order or on the database."""

    rows: int
    sha256: str


def batches(connection: Connection, table: Table) -> Iterator[list[Row]]:
    """All rows of a table in batches, never more than one of them in memory."""
    found = connection.execute(select(table), execution_options={"yield_per": AT_ONCE})
    for part in found.mappings().partitions():
        yield [dict(row) for row in part]


def copy(source: Connection, target: Connection, table: Table, progress: Progress | None = None) -> int:
    """Put all rows of a table into the same, empty table of another database; how many they were."""
    count = 0
    for rows in batches(source, table):
        target.execute(insert(table), rows)
        count += len(rows)
        if progress is not None:
            progress(len(rows))
    return count


def digest(connection: Connection, table: Table) -> TableDigest:
    """The digest of a table: the sum of its rows' SHA-256, as 256-bit numbers.

    Databases sort texts differently; a sum needs no order, and two tables of equal sums and counts hold the same rows
    as surely as SHA-256 holds against chance.
    """
    count, total = 0, 0
    for rows in batches(connection, table):
        for row in rows:
            total += int.from_bytes(hashlib.sha256(_canonical(row)).digest(), "big")
        count += len(rows)
    return TableDigest(count, (total % (1 << 256)).to_bytes(32, "big").hex())


def digests(connection: Connection) -> dict[str, TableDigest]:
    """The digest of every table but the facts."""
    return {table.name: digest(connection, table) for table in TABLES}


def _canonical(row: Row) -> bytes:
    return json.dumps(row, sort_keys=True, separators=(",", ":"), default=_hexadecimal).encode()


def _hexadecimal(value: Any) -> str:
    return bytes(value).hex()
