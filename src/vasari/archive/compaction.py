"""A journal written anew from the database: short again, or there again."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from vasari.archive import database_files as files
from vasari.archive.databases import lock_for_writing
from vasari.archive.journal import Change, line_of
from vasari.archive.rows import Progress, batches
from vasari.archive.schema import JOURNALED
from vasari.archive.store import Archive, journal_number, told
from vasari.foundation.atomic_files import sync_folder
from vasari.foundation.errors import WriteError
from vasari.foundation.treatment import now


@dataclass(frozen=True)
class Compacted:
    """Rows in the new journal, its size in bytes and that of the one before, and where that is kept ("" for none)."""

    rows: int
    bytes: int
    bytes_before: int
    kept: str


def rewrite_journal(archive: Archive, progress: Progress | None = None) -> Compacted:
    """Write a journal that puts every row of the database, under the number that the database is at.

    The old journal is kept beside. Nobody writes meanwhile, and a process that dies leaves the old one. Raises
    `WriteError`.
    """
    path = archive.journal.path
    part = files.part_of(path)
    try:
        with archive.engine.connect().execution_options(writes=True) as connection, connection.begin():
            lock_for_writing(connection)
            files.clear_parts(path)
            number, at, count = journal_number(connection), now(), 0
            with part.open("xb") as file:
                for name, table in JOURNALED.items() if number else ():
                    for rows in batches(connection, table):
                        file.write(line_of(number, at, [Change("put", name, rows)]))
                        count += len(rows)
                        if progress is not None:
                            progress(len(rows))
                if number and not count:
                    file.write(line_of(number, at, []))  # all was taken out again
                file.flush()
                os.fsync(file.fileno())
            before = path.stat().st_size if path.exists() else 0
            kept = _kept(path)
            part.replace(path)
            sync_folder(path.parent)
        return Compacted(count, path.stat().st_size, before, kept)
    except DBAPIError as error:
        raise told(error, str(archive.folder)) from error
    except OSError as error:
        raise WriteError(
            f"{path} could not be written: {error.strerror or error}.", remedy="free some space; run it again"
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _kept(path: Path) -> str:
    """Give the journal a second name with the time; the first stays until the new one takes its place."""
    if not path.exists():
        return ""
    aside = path.with_name(f"{path.stem}.{files.stamp()}{path.suffix}")
    while aside.exists():
        aside = aside.with_name(f"{aside.stem}x{aside.suffix}")
    try:
        os.link(path, aside)
    except OSError:
        shutil.copy2(path, aside)  # a file system without hard links
    return aside.name
