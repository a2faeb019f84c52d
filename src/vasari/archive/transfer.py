"""An archive's database moved: from SQLite to PostgreSQL, and back. The folder stays where it is."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, insert, select
from sqlalchemy.exc import DBAPIError

from vasari.archive import database_files as files
from vasari.archive.databases import engine_of, engine_of_file, lock_for_writing, migrate
from vasari.archive.rows import TABLES, Progress, copy, digest
from vasari.archive.schema import FACTS
from vasari.archive.store import DATABASE, Archive, journal_number, read_settings, told, write_settings
from vasari.archive.workbench.database import DATABASE as WORKBENCH
from vasari.archive.workbench.moving import carry
from vasari.foundation.atomic_files import sync_folder
from vasari.foundation.errors import ArchiveError, PlanError, WriteError


@dataclass
class Transferred:
    """Rows of each table, and where the old database is kept (a file beside it, or "" for one on a server)."""

    rows: dict[str, int] = field(default_factory=dict)
    kept: str = ""


def transfer(archive: Archive, url: str | None, progress: Progress | None = None) -> Transferred:
    """Move the database of an archive to the empty one at `url`; None: to SQLite in its folder.

    Every table is compared by its digest before the settings, in one step, name the new database; broken off before,
    the archive is as it was. Nobody writes meanwhile; who has the old database open is told to open it again. A
    password in `url` is not kept. `archive` is of no use afterwards: open it anew. Raises `PlanError` where it is
    there already, `ArchiveError` where the new database holds something, `WriteError`. What the workbench
    remembers (jobs, uploads, accounts) goes along; end `vasari serve` and its workers before.
    """
    before = read_settings(archive.folder).get("database")
    if url is None and before is None:
        raise PlanError("The database is SQLite in its folder already.", remedy="name another: --database URL")
    path, when = archive.folder / DATABASE, files.stamp()
    part = files.part_of(path)
    engine = engine_of_file(part) if url is None else engine_of(url)
    try:
        with archive.engine.connect().execution_options(writes=True) as source, source.begin():
            lock_for_writing(source)
            archive.journal.agree_with(journal_number(source))
            done = Transferred(_copied(source, engine, progress))
            carried = carry(archive.folder, archive.engine, engine if url is not None else archive.folder / WORKBENCH)
            if url is None:
                files.settle(engine, part)
                done.kept = files.set_aside(path, when)
                part.replace(path)
                sync_folder(archive.folder)
            write_settings(archive.folder, {**read_settings(archive.folder), "database": url})
            files.retire(source, f"it was moved at {when}")
        archive.close()
        if before is None:
            done.kept = files.set_aside(path, when)
            if carried:
                files.set_aside(archive.folder / WORKBENCH, when)
        return done
    except DBAPIError as error:
        raise told(error, str(archive.folder)) from error
    except OSError as error:
        raise WriteError(
            f"{archive.folder} could not be written: {error.strerror or error}.", remedy="free some space; run it again"
        ) from error
    finally:
        engine.dispose()
        files.remove(part)


def _copied(source: Connection, engine: Engine, progress: Progress | None) -> dict[str, int]:
    """Copy everything in one transaction, and compare; the rows of each table."""
    migrate(engine)
    with engine.connect().execution_options(writes=True) as target, target.begin():
        lock_for_writing(target)
        rows = copy_all(source, target, progress)
        for table in TABLES:
            if digest(source, table) != digest(target, table):
                raise ArchiveError(
                    f"The copy of the table {table.name} differs.", remedy="report it; nothing was moved"
                )
    return rows


def copy_all(source: Connection, target: Connection, progress: Progress | None = None) -> dict[str, int]:
    """Copy every table and the facts into a database whose tables are empty; raises `ArchiveError` where not."""
    if target.execute(select(FACTS.c.name).limit(1)).first() is not None:
        raise ArchiveError("The new database holds an archive already.", remedy="give an empty database")
    rows = {table.name: copy(source, target, table, progress) for table in TABLES}
    facts = [dict(row) for row in source.execute(select(FACTS)).mappings()]
    target.execute(insert(FACTS), facts)
    return rows
