"""The database of a workbench: a SQLite file beside the catalog, or the archive's own PostgreSQL with other tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, text

from vasari.archive.databases import engine_of, engine_of_file, snapshot
from vasari.archive.store import DATABASE_ERRORS, Archive, read_settings, told
from vasari.archive.workbench.metadata import VERSION_TABLE
from vasari.foundation.errors import ArchiveError

DATABASE = "workbench.sqlite"
#: An advisory lock of PostgreSQL beside the archive's own: who migrates, and what must not be done by two at a time.
WORKBENCH_LOCK = 0x56617361726A


@dataclass(frozen=True, eq=False)
class WorkbenchDatabase:
    """An open database of a workbench: ask within `reading()`, change within `writing()`; `close()` it at the end."""

    engine: Engine
    where: str

    @classmethod
    def open(cls, archive: Archive | Path) -> WorkbenchDatabase:
        """The database that belongs to an archive or its folder, made or brought up to date if need be.

        Raises `ArchiveError` for one of a newer Vasari, `WriteError` where it cannot be made.
        """
        folder = archive.folder if isinstance(archive, Archive) else archive
        url = read_settings(folder).get("database")
        opened = cls(engine_of(url) if url else engine_of_file(folder / DATABASE), str(folder))
        try:
            opened.migrate()
        except BaseException:
            opened.close()
            raise
        return opened

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the database; what it changes is thrown away."""
        try:
            with snapshot(self.engine.connect()) as connection:
                yield connection
        except DATABASE_ERRORS as error:
            raise told(error, self.where) from error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction: all of it is kept, or nothing. On SQLite others wait; on PostgreSQL rows are locked.

        Raises `WriteError` where the disk is full or the database is gone.
        """
        try:
            with self.engine.connect().execution_options(writes=True) as connection, connection.begin():
                yield connection
        except DATABASE_ERRORS as error:
            raise told(error, self.where) from error

    def migrate(self) -> None:
        """Bring the tables to the newest revision, in one transaction; does nothing where they are at it."""
        config = _config()
        scripts = ScriptDirectory.from_config(config)
        with self.reading() as connection:
            if revision_of(connection) == scripts.get_current_head():
                return
        with self.writing() as connection:
            lock_out_others(connection)
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise ArchiveError(
                    f"The workbench of {self.where} was used by a newer Vasari: {error}.", remedy="update Vasari"
                ) from error

    def close(self) -> None:
        """Let the database go."""
        self.engine.dispose()

    def __enter__(self) -> WorkbenchDatabase:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def revision_of(connection: Connection) -> str | None:
    """The revision of the workbench's tables; None where there are none."""
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def lock_out_others(connection: Connection) -> None:
    """Wait until no other transaction holds this lock; on SQLite a writing transaction has it since its BEGIN."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WORKBENCH_LOCK})


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config
