"""A database made anew from the journal; the old one is kept beside, under a name with the time."""

from __future__ import annotations

import secrets
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Engine, MetaData, func, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError

from vasari.archive import database_files as files
from vasari.archive.databases import engine_of, engine_of_file, lock_for_writing, migrate, migrate_within
from vasari.archive.journal import Journal
from vasari.archive.replay import replay
from vasari.archive.rows import LEARNED, TABLES, Progress, copy
from vasari.archive.schema import FACTS, JOURNALED, METADATA
from vasari.archive.store import DATABASE, JOURNAL, SETTINGS, read_settings, told, write_settings
from vasari.archive.writer import Writer
from vasari.foundation.atomic_files import sync_folder
from vasari.foundation.errors import ArchiveError, WriteError
from vasari.foundation.folder_locks import held
from vasari.foundation.treatment import now

#: Not in the journal, and not made by replaying it: taken over from the old database where that can be read.
CARRIED = [table for table in TABLES if table.name not in JOURNALED and table not in LEARNED]
_LOCK = ".rebuilding"
_NUMBER = select(FACTS.c.value).where(FACTS.c.name == "journal")


@dataclass
class Rebuilt:
    """What a rebuild did: journal entries, rows of each table, where the old database is kept ("" for none).

    `carried` counts the rows that no journal has (features and the like) and that were taken over; None where
    the old database could not be read, so that `archive index` must measure again.
    """

    entries: int
    rows: dict[str, int] = field(default_factory=dict)
    carried: int | None = None
    kept: str = ""


@dataclass
class _Old:
    """The database before, held against writers, and its last entry; None where it cannot be read or is not there."""

    connection: Connection | None = None
    number: int | None = None

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection.engine.dispose()


def rebuild(folder: str | Path, progress: Progress | None = None) -> Rebuilt:
    """Make the database of an archive anew from its journal, row for row; `progress` hears of journal lines.

    The settings may be lost too: SQLite in the folder is taken then. Raises `ArchiveError` where there is no
    journal, where it is damaged, and where a database that can be read knows more than the journal.
    """
    folder = Path(folder)
    journal = Journal(folder / JOURNAL)
    if not (folder / SETTINGS).exists() and journal.path.exists():
        write_settings(folder, {"id": secrets.token_hex(16)})
    url = read_settings(folder).get("database")
    taken = ArchiveError(f"{folder} is being rebuilt by another process.", remedy="wait for it")
    try:
        with held(folder / _LOCK, taken=taken, unusable=WriteError, called="The archive's folder"):
            if url is None:
                return _rebuilt_file(folder, journal, progress)
            return _rebuilt_on_server(engine_of(url), journal, progress)
    except DBAPIError as error:
        raise told(error, str(folder)) from error
    except OSError as error:
        raise WriteError(
            f"{folder} could not be written: {error.strerror or error}.", remedy="free some space; run it again"
        ) from error


def _rebuilt_file(folder: Path, journal: Journal, progress: Progress | None) -> Rebuilt:
    path, when = folder / DATABASE, files.stamp()
    files.clear_parts(path)
    part = files.part_of(path)
    try:
        with closing(_old_file(path)) as old:
            until = _until(journal, old.number)
            engine = engine_of_file(part)
            migrate(engine)
            with engine.connect().execution_options(writes=True) as connection, connection.begin():
                done = _filled(connection, journal, until, old, progress)
            files.settle(engine, part)
            if old.connection is not None and old.number is not None:
                files.retire(old.connection, f"it was made anew at {when}")
                old.connection.commit()
        done.kept = files.set_aside(path, when)
        part.replace(path)
        sync_folder(folder)
    finally:
        files.remove(part)
    return done


def _rebuilt_on_server(engine: Engine, journal: Journal, progress: Progress | None) -> Rebuilt:
    """All in one transaction; the old tables go into a schema of their own."""
    schema = f"vasari_{files.stamp().lower()}"
    with closing(_Old(engine.connect())) as server, server.connection as connection, connection.begin():  # type: ignore[union-attr]
        lock_for_writing(connection)
        there = set(inspect(connection).get_table_names())
        moved = [name for name in (*METADATA.tables, "alembic_version") if name in there]
        found = str(connection.execute(_NUMBER).scalar()) if FACTS.name in there else ""
        until = _until(journal, int(found) if found.isdigit() else None)
        if moved:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
        for name in moved:
            connection.execute(text(f"ALTER TABLE {name} SET SCHEMA {schema}"))
        migrate_within(connection)
        done = _filled(connection, journal, until, _Old(), progress)
        if moved:
            done.carried = _carried_within(connection, schema, set(moved))
            done.kept = f"schema {schema}"
    return done


def _old_file(path: Path) -> _Old:
    if not path.exists():
        return _Old()
    connection = None
    try:
        connection = engine_of_file(path).connect().execution_options(writes=True)
        found = str(connection.execute(_NUMBER).scalar())
    except DBAPIError as error:
        if connection is not None:
            connection.close()
        if "locked" in str(error.orig):
            raise
        return _Old()
    return _Old(connection, int(found) if found.isdigit() else None)


def _until(journal: Journal, number: int | None) -> int | None:
    """The last entry to take, None for all; raises `ArchiveError` where something would be lost.

    `number` is the last one in the old database, None where that is not known.
    """
    if not journal.path.exists():
        if number == 0:
            return 0
        remedy = "write a new one from the database: vasari archive rebuild --journal"
        if number is None:
            remedy = "bring it back from a backup, or make a new archive and add the pictures to it"
        raise ArchiveError(f"There is no journal {journal.path}.", remedy=remedy)
    if number is None:
        return None
    try:
        journal.end_of(number)
    except ArchiveError:
        if journal.newest() > number:
            return None  # the database is an old copy: the journal knows more
        raise
    return number


def _filled(
    connection: Connection, journal: Journal, until: int | None, old: _Old, progress: Progress | None
) -> Rebuilt:
    played = replay(connection, journal, until, progress)
    done = Rebuilt(played.entries)
    facts = {"made": played.began or now()}
    if old.connection is not None:
        try:
            with connection.begin_nested():
                done.carried = sum(copy(old.connection, connection, table) for table in CARRIED)
                for name, value in old.connection.execute(select(FACTS.c.name, FACTS.c.value)):
                    facts[name] = value
        except DBAPIError:
            done.carried = None  # damaged, or of another revision
    writer = Writer(connection)
    for name, value in (facts | {"journal": str(played.last), "pictures": str(played.last)}).items():
        writer.put_fact(name, value)
    done.rows = {
        name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for name, table in JOURNALED.items()
    }
    return done


def _carried_within(connection: Connection, schema: str, there: set[str]) -> int | None:
    """Take over the tables without a journal from the schema of the old ones; None where they do not fit."""
    count = 0
    try:
        with connection.begin_nested():
            for table in (one for one in CARRIED if one.name in there):
                before = table.to_metadata(MetaData(), schema=schema)
                names = [column.name for column in table.columns]
                connection.execute(insert(table).from_select(names, select(before)))
                count += connection.execute(select(func.count()).select_from(table)).scalar_one()
    except DBAPIError:
        return None
    return count
