"""The database under an archive: an engine for SQLite or PostgreSQL, safe against power cuts, and its migrations."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from vasari.foundation.errors import ArchiveError, PlanError

BUSY_SECONDS = 30
#: Between two tries of what SQLite does not wait for by itself.
BUSY_PAUSE_SECONDS = 0.01
#: Connections to a server that a process keeps, and those that it may have for a while beyond them.
POOLED, BEYOND = 5, 10
#: Connections older than this are made anew, in seconds: firewalls drop those that were quiet for long.
OLDEST_SECONDS = 1800
#: How long a server may take to answer at all, in seconds.
CONNECT_SECONDS = 10
#: Any whole number that no other program's advisory lock uses: "Vasari" in letters' places.
WRITER_LOCK = 0x566173617269


def engine_of_file(path: Path) -> Engine:
    """An engine for a SQLite file, whatever signs are in its path."""
    return _sqlite(URL.create("sqlite", database=str(path)))


def engine_of(url: str) -> Engine:
    """An engine for `sqlite:///FILE` or `postgresql://...`; raises `PlanError` for another sort of address.

    SQLite runs in WAL mode with synchronous FULL: a committed transaction survives a power cut.
    """
    try:
        address = make_url(url)
        if address.get_backend_name() == "postgresql":
            # Asked before use whether it is alive: a connection of before a restart of the server is made anew.
            return create_engine(
                address.set(drivername="postgresql+psycopg"),
                pool_pre_ping=True,
                pool_size=POOLED,
                max_overflow=BEYOND,
                pool_recycle=OLDEST_SECONDS,
                connect_args={} if "connect_timeout" in address.query else {"connect_timeout": CONNECT_SECONDS},
            )
        if address.get_backend_name() != "sqlite":
            raise PlanError(f"The database address begins with {address.drivername}.", remedy=_ADDRESSES)
        return _sqlite(address)
    except (ArgumentError, NoSuchModuleError) as error:
        raise PlanError(f"The database address is not understood: {url.split('@')[-1]}.", remedy=_ADDRESSES) from error


def _sqlite(address: URL) -> Engine:
    engine = create_engine(address, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


_ADDRESSES = "give sqlite:///FILE or postgresql://USER@HOST/NAME"


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions by itself
    _write_ahead(connection)
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "cache_size=-65536"):
        connection.execute(f"PRAGMA {pragma}")


def _write_ahead(connection: Any) -> None:
    """Set WAL mode, and wait where others set it or close the file at the same moment: SQLite itself does not."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        time.sleep(BUSY_PAUSE_SECONDS)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def snapshot(connection: Connection) -> Connection:
    """The connection, set to see one state of the database until it ends; SQLite's always do."""
    if connection.dialect.name == "postgresql":
        return connection.execution_options(isolation_level="REPEATABLE READ")
    return connection


def lock_for_writing(connection: Connection) -> None:
    """Wait until no other transaction writes; SQLite has done so at BEGIN, PostgreSQL takes an advisory lock."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITER_LOCK})


def newest_revision() -> str:
    """The revision that this version of Vasari works with."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def revision_of(connection: Connection) -> str | None:
    """The revision that the database is at; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def migrate(engine: Engine) -> None:
    """Bring the database to the newest revision, in one transaction: it is old or new, never between."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        lock_for_writing(connection)
        migrate_within(connection)


def migrate_within(connection: Connection) -> None:
    """As `migrate`, within a transaction that was begun; raises `ArchiveError` for tables of another program."""
    config = _config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise ArchiveError(
            f"The database has tables of another program, or of a newer Vasari: {error}.",
            remedy="give an empty database, or update Vasari",
        ) from error


def check_revision(engine: Engine, where: str, *, older: bool = False) -> str:
    """The revision of a database; refuses one that cannot be reached, is empty, or is of another revision.

    With `older`, one that can be brought up to date is let pass.
    """
    try:
        with engine.connect() as connection:
            found = revision_of(connection)
    except DBAPIError as error:
        raise ArchiveError(
            f"The database of {where} cannot be read: {str(error.orig).splitlines()[0]}.",
            remedy="see that its server runs and its file is whole; vasari archive rebuild makes it anew",
        ) from error
    if found is None:
        raise ArchiveError(
            f"The database of {where} is empty.", remedy="make it anew from the journal: vasari archive rebuild"
        )
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found == newest_revision() or (older and found in known):
        return found
    if found in known:
        raise ArchiveError(
            f"The database of {where} is at revision {found}, this Vasari works with {newest_revision()}.",
            remedy="back it up, then run: vasari archive upgrade --archive DIR",
        )
    raise ArchiveError(
        f"The database of {where} is at revision {found}, which is newer than this Vasari.", remedy="update Vasari"
    )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config
