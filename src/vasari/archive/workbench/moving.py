"""What the workbench remembers, carried along when an archive's database is moved or copied."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, Integer, Table, delete, func, insert, select, text

from vasari.archive.databases import engine_of_file
from vasari.archive.rows import batches
from vasari.archive.workbench import accounts_schema, schema
from vasari.archive.workbench.database import DATABASE, WorkbenchDatabase, revision_of
from vasari.archive.workbench.metadata import METADATA

#: The modules whose tables are carried; named so that they are there.
TABLES_OF = (schema, accounts_schema)


def carry(folder: Path, archive: Engine, target: Engine | Path) -> int:
    """Copy the workbench of an archive in `folder`, on the engine `archive`, into a database or a SQLite file.

    What is in the target's tables is replaced. How many rows they were; 0, and nothing is made, where there is no
    workbench. Raises `DBAPIError`, `ArchiveError` for a target of a newer Vasari.
    """
    beside = archive.dialect.name == "sqlite"
    if beside and not (folder / DATABASE).exists():
        return 0
    source = WorkbenchDatabase(engine_of_file(folder / DATABASE) if beside else archive, str(folder))
    made = WorkbenchDatabase(engine_of_file(target) if isinstance(target, Path) else target, str(folder))
    try:
        with source.reading() as reading:
            if revision_of(reading) is None:
                return 0
        source.migrate()
        made.migrate()
        with source.reading() as reading, made.writing() as writing:
            return _copied(reading, writing)
    finally:
        if beside:
            source.close()
        if isinstance(target, Path):
            made.close()


def _copied(source: Connection, target: Connection) -> int:
    for table in reversed(METADATA.sorted_tables):
        target.execute(delete(table))
    count = 0
    for table in METADATA.sorted_tables:
        for rows in batches(source, table):
            target.execute(insert(table), rows)
            count += len(rows)
        _count_on(target, table)
    return count


def _count_on(target: Connection, table: Table) -> None:
    """Let PostgreSQL number new rows after those that were put in with their numbers."""
    (key, *more) = table.primary_key.columns
    if target.dialect.name != "postgresql" or more or not isinstance(key.type, Integer):
        return
    last = target.execute(select(func.max(key))).scalar()
    if last is not None:
        sequence = f"pg_get_serial_sequence('{table.name}', '{key.name}')"
        target.execute(text(f"SELECT setval({sequence}, :last)"), {"last": last})
