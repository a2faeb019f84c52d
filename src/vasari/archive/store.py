"""An archive on disk: a folder with its settings, its journal and its masters, and the database that answers."""

from __future__ import annotations

import secrets
import threading
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from vasari.archive.databases import (
    check_revision,
    engine_of,
    engine_of_file,
    lock_for_writing,
    migrate,
    newest_revision,
    snapshot,
)
from vasari.archive.journal import Journal
from vasari.archive.reconnecting import is_away
from vasari.archive.schema import FACTS
from vasari.archive.writer import Writer
from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import ArchiveError, UnreachableError, WriteError
from vasari.foundation.toml_text import to_toml
from vasari.foundation.treatment import now

SETTINGS = "archive.toml"
DATABASE = "catalog.sqlite"
JOURNAL = "journal.jsonl"
MASTERS = "masters"
#: What a database refuses, and that no connection of the pool became free in time.
DATABASE_ERRORS = (DBAPIError, PoolTimeoutError)


@dataclass(frozen=True, eq=False)
class Archive:
    """An open archive. Read within `reading()`, change within `writing()`; `close()` it, or use it as a context."""

    folder: Path
    engine: Engine
    journal: Journal
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def create(cls, folder: str | Path, database: str | None = None) -> Archive:
        """Make an archive in an empty or new folder; `database` is a PostgreSQL address, by default SQLite beside it.

        A password in the address is not kept: give it by PGPASSWORD or ~/.pgpass. Raises `ArchiveError` where
        an archive is already, `PlanError` for an address that is not understood.
        """
        folder = Path(folder)
        if (folder / SETTINGS).exists():
            raise ArchiveError(f"{folder} holds an archive already.", remedy="choose another folder, or use this one")
        if folder.is_dir() and any(folder.iterdir()):
            raise ArchiveError(f"{folder} is not empty.", remedy="choose a new folder for the archive")
        try:
            archive = cls.started(folder, database)
            write_settings(folder, {"id": secrets.token_hex(16), "database": database})
        except BaseException:  # the folder was empty: what lies there is what was just begun
            for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", JOURNAL):
                with suppress(OSError):
                    (folder / name).unlink()
            raise
        return archive

    @classmethod
    def started(cls, folder: Path, database: str | None) -> Archive:
        """An empty database with its tables; raises `ArchiveError` for one that has works of another archive."""
        engine = engine_of(database) if database else engine_of_file(folder / DATABASE)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            migrate(engine)
            archive = cls(folder, engine, Journal(folder / JOURNAL))
            archive._begin()
        except OSError as error:
            raise WriteError(
                f"{folder} could not be made: {error.strerror or error}.", remedy="choose a folder you may write to"
            ) from error
        except DATABASE_ERRORS as error:
            raise told(error, str(folder)) from error
        except ArchiveError:
            engine.dispose()
            raise
        return archive

    @classmethod
    def open(cls, folder: str | Path) -> Archive:
        """The archive of a folder; raises `ArchiveError` where there is none, or its database does not fit."""
        archive = cls._found(Path(folder))
        try:
            check_revision(archive.engine, str(folder))
        except ArchiveError:
            archive.close()
            raise
        return archive

    @classmethod
    def upgrade(cls, folder: str | Path) -> tuple[str, str]:
        """Bring the database of a folder to this Vasari's revision; the revisions before and after."""
        with cls._found(Path(folder)) as archive:
            before = check_revision(archive.engine, str(folder), older=True)
            try:
                migrate(archive.engine)
            except DATABASE_ERRORS as error:
                raise told(error, str(folder)) from error
            return before, newest_revision()

    @classmethod
    def _found(cls, folder: Path) -> Archive:
        url = read_settings(folder).get("database")
        if url is None and not (folder / DATABASE).exists():
            raise ArchiveError(
                f"{folder} has lost its database {DATABASE}.", remedy="make it anew: vasari archive rebuild DIR"
            )
        engine = engine_of(url) if url else engine_of_file(folder / DATABASE)
        return cls(folder, engine, Journal(folder / JOURNAL))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the database; what it changes is thrown away."""
        try:
            with snapshot(self.engine.connect()) as connection:
                yield connection
        except DATABASE_ERRORS as error:
            raise told(error, str(self.folder)) from error

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """A transaction: all of it is kept, in database and journal, or nothing; others wait to write.

        Raises `WriteError` where the disk is full or the database is gone.
        """
        try:
            with self._lock, self.engine.connect().execution_options(writes=True) as connection, connection.begin():
                lock_for_writing(connection)
                number = journal_number(connection)
                self.journal.agree_with(number)
                writer = Writer(connection)
                yield writer
                if writer.changes:
                    writer.put_fact("journal", str(number + 1))
                    if writer.changes_pictures:
                        writer.put_fact("pictures", str(number + 1))
                    self.journal.append(number + 1, now(), writer.changes)
        except DATABASE_ERRORS as error:
            raise told(error, str(self.folder)) from error

    def fact(self, name: str) -> str:
        """A fact about the archive: `journal`, `made`."""
        with self.reading() as connection:
            return str(connection.execute(select(FACTS.c.value).where(FACTS.c.name == name)).scalar_one())

    def close(self) -> None:
        """Let the database go."""
        self.engine.dispose()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self) -> None:
        with self.engine.connect().execution_options(writes=True) as connection, connection.begin():
            lock_for_writing(connection)
            if connection.execute(_JOURNAL_NUMBER).scalar() is not None:
                raise ArchiveError(
                    "The database holds an archive already.", remedy="give an empty database, or open its own folder"
                )
            writer = Writer(connection)
            writer.put_fact("journal", "0")
            writer.put_fact("made", now())


_JOURNAL_NUMBER = select(FACTS.c.value).where(FACTS.c.name == "journal")


def journal_number(connection: Connection) -> int:
    """The last journal entry that a database holds; raises `ArchiveError` for one that another has replaced."""
    number = str(connection.execute(_JOURNAL_NUMBER).scalar_one())
    if not number.isdigit():
        raise ArchiveError(
            f"This database is no longer the archive's: {number}.",
            remedy="open the archive again; if it stays: vasari archive rebuild",
        )
    return int(number)


def read_settings(folder: Path) -> dict[str, Any]:
    """What `archive.toml` of a folder says: `id`, and `database` where it is not SQLite in the folder."""
    try:
        settings = tomllib.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        if not isinstance(settings.get("database", ""), str):
            raise ValueError("database is no text")
        return settings
    except FileNotFoundError as error:
        raise ArchiveError(f"{folder} holds no archive.", remedy="make one: vasari archive init DIR") from error
    except (OSError, ValueError) as error:
        raise ArchiveError(
            f"{folder / SETTINGS} cannot be read: {error}.", remedy="bring it back from a backup"
        ) from error


def write_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write `archive.toml`, at once and whole; a password in the database's address is left out."""
    values = dict(settings)
    if values.get("database"):
        address = make_url(values["database"])._replace(password=None).difference_update_query(["password"])
        values["database"] = address.render_as_string(hide_password=False)
    write_whole(folder / SETTINGS, to_toml(values).encode())


_START = "see that its server runs and lets you in (PGPASSWORD, ~/.pgpass)"
_AWAY = "see that its server runs and lets you in (PGPASSWORD, ~/.pgpass); then run it again"
#: What databases say, and what to do about it; the first that fits.
_REMEDIES = (
    ("disk is full", "free some space and run it again; nothing of this step was kept"),
    ("disk i/o error", "see that the disk is whole and has space, and run it again; nothing of this step was kept"),
    ("no space left", "free some space and run it again; nothing of this step was kept"),
    ("could not extend", "free some space and run it again; nothing of this step was kept"),
    ("database is locked", "wait for what writes to the archive just now, and run it again"),
    ("malformed", "make it anew from the journal: vasari archive rebuild"),
    ("not a database", "make it anew from the journal: vasari archive rebuild"),
    ("readonly", "choose a folder that you may write to"),
    ("connection", _START),
    ("password", _START),
)


def told(error: DBAPIError | PoolTimeoutError, where: str) -> WriteError:
    """What a database said, as an error of ours with a remedy."""
    if isinstance(error, PoolTimeoutError):
        return UnreachableError(
            f"The database of {where} is busy: all connections to it are in use.", remedy="try again in some seconds"
        )
    words = str(error.orig).splitlines()[0] if str(error.orig) else type(error).__name__
    if is_away(error):
        return UnreachableError(f"The database of {where} is away: {words}.", remedy=_AWAY)
    fitting = (remedy for sign, remedy in _REMEDIES if sign in words.lower())
    return WriteError(
        f"The database of {where} refused: {words}.",
        remedy=next(fitting, "nothing of this step was kept; run it again, and report it if it stays"),
    )
